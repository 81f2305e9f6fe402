package capture_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
)

// TestNoGoroutineIsLeft: what reads a large file ahead is gone with the end of
// the file, with its damage, and with Close.
func TestNoGoroutineIsLeft(t *testing.T) {
	capturetest.NoLeaks(t)
	before := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(before)
	var whole bytes.Buffer
	w, err := capture.NewWriter(&whole, capture.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := capture.Packet{Link: capture.LinkEthernet, Data: make([]byte, 1000), Orig: 1000}
	for range 5000 {
		if err := w.Write(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		cut     int // off the end of the file
		packets int // until Close; 0: all, and no Close
	}{{"end", 0, 0}, {"damage", 1, 0}, {"Close", 0, 2000}} {
		t.Run(c.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "large.pcap")
			if err := os.WriteFile(name, whole.Bytes()[:whole.Len()-c.cut], 0o600); err != nil {
				t.Fatal(err)
			}
			src, err := capture.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			var p capture.Packet
			for i := 0; i < c.packets || c.packets == 0; i++ {
				if i == 1500 && !strings.Contains(capturetest.Stacks(), "capture.(*ahead)") {
					t.Error("the file is not read ahead")
				}
				if err = src.Next(&p); err != nil {
					break
				}
			}
			var damage *capture.FormatError
			switch {
			case c.packets > 0 && err == nil:
				src.Close()
			case c.cut > 0 && errors.As(err, &damage), c.cut == 0 && err == io.EOF:
			default:
				t.Fatal(err)
			}
		})
	}
}
