package popscope_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/report"
)

// TestREADMEShowsRealOutput renders the captures that README shows and looks
// for what it shows of them.
func TestREADMEShowsRealOutput(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		format, file string
		lines        int // at least so many of README's lines are from it
	}{
		{"table", "testdata/pcap/dovecot-attachments.pcap", 15},
		{"transcript", "testdata/pcap/dovecot-auth-failed.pcap", 7},
		{"jsonl", "testdata/pcap/dovecot-interleaved.pcap", 1},
	} {
		command := " " + tt.file + "\n"
		_, block, found := strings.Cut(string(readme), command)
		if !found {
			t.Errorf("README.md has no command with %s", tt.file)
			continue
		}
		out := render(t, tt.format, tt.file)
		lines := 0
		for _, line := range strings.Split(block, "\n") {
			shown, isBlock := strings.CutPrefix(line, "    ")
			if line != "" && !isBlock {
				break
			}
			if shown == "" {
				continue
			}
			if !strings.Contains(out, shown+"\n") {
				t.Errorf("%s: README.md shows a line that is not in the output:\n%s", tt.file, shown)
			}
			lines++
		}
		if lines < tt.lines {
			t.Errorf("%s: README.md shows %d lines, want at least %d", tt.file, lines, tt.lines)
		}
	}
}

// render returns the output of a format, with its defaults.
func render(t *testing.T, format, file string) string {
	t.Helper()
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out bytes.Buffer
	o := report.Options{}
	w, err := report.New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{KeepBody: report.KeepBody(format, o)})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
