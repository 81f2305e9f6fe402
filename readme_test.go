package popscope_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/report"
	"popscope/report/mailfile"
)

// TestREADMEShowsRealOutput renders the captures that README shows and looks
// for what it shows of them.
func TestREADMEShowsRealOutput(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command      string // as far as it tells it from others
		view         report.View
		format, file string
		lines        int // at least so many of README's lines are from it
	}{
		{"analyze", report.SessionView, "table", "testdata/pcap/dovecot-attachments.pcap", 15},
		{"transcript", report.SessionView, "transcript", "testdata/pcap/dovecot-auth-failed.pcap", 7},
		{"login", report.SessionView, "jsonl", "testdata/pcap/dovecot-interleaved.pcap", 1},
		{"audit", report.AuditView, "table", "testdata/pcap/dovecot-auth-failed.pcap", 8},
	} {
		command := tt.command + " " + tt.file + "\n"
		_, block, found := strings.Cut(string(readme), command)
		if !found {
			t.Errorf("README.md has no command with %s", tt.file)
			continue
		}
		out := render(t, tt.format, tt.file, report.Options{View: tt.view})
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

// TestREADMEShowsWhatExtractWrites does the same for the list of files.
func TestREADMEShowsWhatExtractWrites(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open("testdata/pcap/dovecot-attachments.pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	folder, err := mailfile.Open(t.TempDir(), mailfile.Options{Attachments: true})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	var out bytes.Buffer
	list, err := report.NewManifest("table", &out, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Body: folder.Body})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := list.Write(folder.Save(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.TrimSpace(line) != "" && !strings.Contains(string(readme), "\n    "+line) {
			t.Errorf("README.md lacks %s", line)
		}
	}
}

// render returns the output of a format.
func render(t *testing.T, format, file string, o report.Options) string {
	t.Helper()
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out bytes.Buffer
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
