package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const captures = "../../testdata/pcap"

func TestConnectionsInOrder(t *testing.T) {
	for _, row := range []struct {
		name, file string
		want       []string // what each line begins with
	}{
		{"three at once", "dovecot-interleaved.pcap", []string{"192.0.2.20:", "192.0.2.20:", "192.0.2.20:"}},
		{"IPv6", "dovecot-ipv6.pcap", []string{"[2001:db8::20]:"}},
		{"gzip", "dovecot-big-mail.pcap.gz", []string{"192.0.2.20:"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			if err := run(filepath.Join(captures, row.file), &out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("got  %d lines\nwant %d\n%s", len(lines), len(row.want), out.String())
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, row.want[i]) {
					t.Errorf("got  %s\nwant %s", line, row.want[i])
				}
				if fields := strings.Fields(line); len(fields) != 8 || fields[4] != "0" || fields[7] != "0" {
					t.Errorf("got  %s\nwant 8 fields, nothing lost", line)
				}
			}
		})
	}
}

func TestDamageIsToldAfterWhatWasRead(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(captures, "dovecot-userpass.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "cut.pcap")
	if err := os.WriteFile(name, whole[:len(whole)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(name, &out); err == nil {
		t.Error("no error")
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got  %q\nwant one line", out.String())
	}
}

func TestNoCapture(t *testing.T) {
	var out strings.Builder
	if err := run("main_test.go", &out); err == nil || out.Len() > 0 {
		t.Errorf("got  %q, %v\nwant an error alone", out.String(), err)
	}
}
