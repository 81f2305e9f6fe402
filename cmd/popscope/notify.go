package main

import (
	"net"
	"os"
	"strconv"
	"time"
)

// notifier tells systemd how the service is (sd_notify(3)): a datagram to a
// socket whose name is in the environment. Without that name it does nothing.
type notifier struct{ conn net.Conn }

// newNotifier opens the socket, before rights are given up.
func newNotifier() *notifier {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return &notifier{}
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return &notifier{}
	}
	return &notifier{conn}
}

// tell sends states such as "READY=1". The service goes on if nobody
// listens.
func (n *notifier) tell(state string) {
	if n.conn != nil {
		n.conn.Write([]byte(state))
	}
}

// watchdog returns how often systemd wants to hear from the service; 0 if
// it does not.
func watchdog() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}
