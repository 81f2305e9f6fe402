package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// failing is an input that breaks after some bytes, as a disk does.
type failing struct {
	data io.Reader
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.data.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

// TestReadErrorInTheMiddle: at whatever byte an input breaks, what stands
// before is reported, whole, once, and with status 3. A break before the
// first packet leaves nothing to report.
func TestReadErrorInTheMiddle(t *testing.T) {
	data, err := os.ReadFile(writeDialog(t, "rfc1939-section10"))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("input/output error")
	step := 1
	if testing.Short() {
		step = 37
	}
	for n := 0; n < len(data); n += step {
		var stdout, stderr strings.Builder
		in := &failing{strings.NewReader(string(data[:n])), broken}
		got := execute(context.Background(), []string{"analyze", "--json", "-"}, in, &stdout, &stderr)
		if got != statusIncomplete || strings.Count(stderr.String(), broken.Error()) != 1 || !strings.HasPrefix(stderr.String(), "popscope: standard input: ") {
			t.Fatalf("after %d bytes: exit status %d, %q", n, got, stderr.String())
		}
		const fileHeader = 24
		if n < fileHeader {
			if stdout.Len() > 0 {
				t.Fatalf("after %d bytes: %q", n, stdout.String())
			}
			continue
		}
		out := strings.SplitAfter(stdout.String(), "\n")
		if first, last := out[0], out[max(len(out)-2, 0)]; !strings.HasPrefix(first, `{"type":"run"`) || !strings.HasPrefix(last, `{"type":"summary"`) || !strings.Contains(last, broken.Error()) {
			t.Fatalf("after %d bytes: %q", n, stdout.String())
		}
	}
}
