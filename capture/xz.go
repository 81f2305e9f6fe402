package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xi2/xz"
)

// xzReader reads the .xz container (version 1.2.0 of its description).
type xzReader struct{ r *xz.Reader }

func openXZ(r *bufio.Reader) (io.Reader, error) {
	x, err := xz.NewReader(r, maxWindow)
	return xzReader{x}, xzError(err)
}

func (x xzReader) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	return n, xzError(err)
}

// xzError says what is wrong in the words of the other decoders.
func xzError(err error) error {
	switch err {
	case xz.ErrBuf: // it needs more, and there is no more
		return io.ErrUnexpectedEOF
	case xz.ErrMemlimit:
		return fmt.Errorf("dictionary of more than %d MiB", maxWindow>>20)
	case xz.ErrData, xz.ErrFormat, xz.ErrOptions, xz.ErrUnsupportedCheck:
		return errors.New(strings.TrimPrefix(err.Error(), "xz: "))
	}
	return err
}
