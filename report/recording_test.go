package report

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
)

// TestRecordings compares every format of recordings of real servers with
// golden files, the table at the widths of small and large terminals.
func TestRecordings(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
	}{
		{"attachments", []string{"dovecot-attachments.pcap"}},
		{"auth-failed", []string{"dovecot-auth-failed.pcap"}},
		{"several", []string{"dovecot-interleaved.pcap", "dovecot-ipv6.pcap", "dovecot-dele-reset.pcap", "courier.pcap", "dovecot-anonymous.pcap"}},
	} {
		for _, v := range []struct {
			name, format string
			opt          Options
		}{
			{"60.table", "table", Options{Width: 60}},
			{"80.table", "table", Options{Width: 80}},
			{"120.table", "table", Options{Width: 120}},
			{"200.table", "table", Options{Width: 200}},
			{"colour.table", "table", Options{Width: 120, Color: true}},
			{"markdown", "markdown", Options{}},
			{"transcript", "transcript", Options{}},
			{"session.csv", "csv", Options{}},
			{"login.csv", "csv", Options{Records: []string{"login"}}},
			{"message.csv", "csv", Options{Records: []string{"message"}}},
			{"exchange.csv", "csv", Options{Records: []string{"exchange"}}},
			{"finding.csv", "csv", Options{Records: []string{"finding"}}},
			{"jsonl", "jsonl", Options{Records: []string{"login", "message", "session"}}},
		} {
			t.Run(c.name+"."+v.name, func(t *testing.T) {
				golden(t, filepath.Join("testdata", "recording", c.name+"."+v.name), analyzed(t, v.format, v.opt, c.files))
			})
		}
	}
}

// analyzed returns the output for recordings of the module's collection.
func analyzed(t *testing.T, format string, o Options, files []string) []byte {
	t.Helper()
	var paths []string
	for _, name := range files {
		paths = append(paths, filepath.Join("..", "testdata", "pcap", name))
	}
	src, err := capture.Open(paths...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out bytes.Buffer
	w, err := New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{KeepBody: KeepBody(format, o)})
	writeAll(t, w, a, src)
	return out.Bytes()
}

// TestSoftwareFitsNarrowTerminals: 40 columns, however long a name is.
func TestSoftwareFitsNarrowTerminals(t *testing.T) {
	out := analyzed(t, "table", Options{Verbose: true, Width: 40}, []string{"cyrus-ntlm.pcap"})
	for line := range strings.Lines(string(out)) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 40 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(string(out), "Cyrus") {
		t.Errorf("no software in\n%s", string(out))
	}
}
