package live

import (
	"errors"
	"io/fs"
	"net"

	"golang.org/x/sys/unix"
)

const hasAny = true

// whyNot says what is missing for capturing at all.
func whyNot() string {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	switch {
	case err == nil:
		unix.Close(fd)
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "the right CAP_NET_RAW is missing"
	}
	return err.Error()
}

// linkName returns the name of the link type that packets get.
func linkName(i *net.Interface) string {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "unknown"
	}
	defer unix.Close(fd)
	hatype, err := hatypeOf(fd, i.Name)
	if err != nil {
		return "unknown"
	}
	link, _ := linkOf(hatype)
	return link.String()
}
