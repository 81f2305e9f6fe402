package capture_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"popscope/capture"
)

// TestErrorText: people read of the input and the place, not of packages.
func TestErrorText(t *testing.T) {
	missing := &fs.PathError{Op: "open", Path: "b.pcap", Err: fs.ErrNotExist}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"damage", &capture.FormatError{File: "a.pcap", Packet: 7, Offset: 472, Err: errors.New("cut short")}, "a.pcap: packet 7, offset 472: cut short"},
		{"standard input", &capture.FormatError{File: "-", Packet: 1, Err: capture.ErrFormat}, "standard input: packet 1, offset 0: not a capture file"},
		{"a cause of ours", &capture.FormatError{File: "a.pcap", Packet: 1, Err: errors.New("capture: too short")}, "a.pcap: packet 1, offset 0: too short"},
		{"wrapped", fmt.Errorf("reading: %w", &capture.FormatError{File: "a.pcap", Packet: 2, Err: capture.ErrEmpty}), "a.pcap: packet 2, offset 0: empty file"},
		{"no such file", missing, "b.pcap: file does not exist"},
		{"a file that went", &capture.FormatError{File: "a.pcap", Err: missing}, "b.pcap: file does not exist"},
		{"another", errors.New("capture: interrupted"), "interrupted"},
	} {
		if got := capture.ErrorText(c.err); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
