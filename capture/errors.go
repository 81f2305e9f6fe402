package capture

import "errors"

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
