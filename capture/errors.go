package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Causes that callers may tell apart with errors.Is. They arrive wrapped in
// a *FormatError or, ErrChanged, in a *fs.PathError.
var (
	// ErrEmpty says that an input holds no bytes at all.
	ErrEmpty = errors.New("empty file")
	// ErrFormat says that an input is no capture file, or one of a format
	// that is not read; see the package documentation for those that are.
	ErrFormat = errors.New("not a capture file")
	// ErrChanged says that a file was replaced or rewritten between Open
	// and the moment that the timeline reached it.
	ErrChanged = errors.New("file changed after it was opened")
)

// ErrorText writes an error about an input for people, as "file: packet,
// offset: what is wrong", without the name of this package.
func ErrorText(err error) string {
	var format *FormatError
	var path *fs.PathError
	isFormat, isPath := errors.As(err, &format), errors.As(err, &path)
	switch {
	case isPath && (path.Op == "open" || !isFormat):
		return fmt.Sprintf("%s: %v", InputName(path.Path), path.Err)
	case isFormat:
		return fmt.Sprintf("%s: packet %d, offset %d: %s", InputName(format.File), format.Packet, format.Offset, unprefixed(format.Err))
	}
	return unprefixed(err)
}

func unprefixed(err error) string { return strings.TrimPrefix(err.Error(), "capture: ") }

// InputName returns what people call an input: "-" is standard input.
func InputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
