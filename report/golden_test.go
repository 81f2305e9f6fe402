package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden compares each format of each case with its golden file; run
// it with -update after a change that was meant.
func TestGolden(t *testing.T) {
	for _, c := range cases {
		for _, v := range []struct {
			name, format string
			opt          Options
		}{
			{"jsonl", "jsonl", Options{Files: []string{"a.pcap", "b\xff.pcap"}, Version: "1.2.3"}},
			{"secrets.jsonl", "jsonl", Options{ShowSecrets: true}},
			{"session.csv", "csv", Options{}},
			{"exchange.csv", "csv", Options{Records: []string{"exchange"}}},
			{"secrets.csv", "csv", Options{Records: RecordTypes(), ShowSecrets: true}},
			{"transcript", "transcript", Options{}},
			{"secrets.transcript", "transcript", Options{ShowSecrets: true, Bodies: AllBodies, Verbose: true}},
			{"colour.transcript", "transcript", Options{Color: true, Bodies: 2}},
			{"table", "table", Options{}},
			{"60.table", "table", Options{Width: 60}},
			{"80.table", "table", Options{Width: 80}},
			{"120.table", "table", Options{Width: 120}},
			{"wide.table", "table", Options{Width: 80, Wide: true}},
			{"live.table", "table", Options{Width: 120, Live: true}},
			{"markdown", "markdown", Options{}},
			{"verbose.table", "table", Options{Width: 100, Verbose: true}},
			{"colour.table", "table", Options{Color: true, Width: 80}},
		} {
			t.Run(c.name+"."+v.name, func(t *testing.T) {
				got := render(t, v.format, v.opt, c.results(), c.summary())
				if again := render(t, v.format, v.opt, c.results(), c.summary()); !bytes.Equal(got, again) {
					t.Errorf("two runs differ")
				}
				golden(t, filepath.Join("testdata", "golden", c.name+"."+v.name), got)
			})
		}
	}
}

// golden compares got with a file, or writes the file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(gotLines), len(wantLines)) {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			t.Fatalf("%s, line %s:\n got %q\nwant %q", path, strconv.Itoa(i+1), gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", path, len(gotLines), len(wantLines))
}
