package report_test

import (
	"bytes"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/pop3parse/fingerprint"
	"popscope/report"
)

// TestSoftware looks for what both sides run in each format, hostile names
// among them.
func TestSoftware(t *testing.T) {
	for _, tt := range []struct {
		format, want string
	}{
		{"table", "Cyrus IMAP 3.6.1-Debian-3.6.1-4+deb12u5"},
		{"transcript", "server Cyrus IMAP 3.6.1-Debian-3.6.1-4+deb12u5; client curl, perhaps"},
		{"jsonl", `"client_software":{"name":"curl","sure":"medium","evidence":["order of commands"]}`},
	} {
		src, err := capture.Open("../testdata/pcap/cyrus-ntlm.pcap")
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var out, hostile bytes.Buffer
		w, err := report.New(tt.format, &out, report.Options{Verbose: true})
		if err != nil {
			t.Fatal(err)
		}
		bad, err := report.New(tt.format, &hostile, report.Options{Verbose: true})
		if err != nil {
			t.Fatal(err)
		}
		a := popscope.New(popscope.Options{Workers: 1})
		for r, err := range a.Results(src) {
			if err != nil {
				t.Fatal(err)
			}
			w.Write(r)
			r.ServerSoftware = &fingerprint.Software{Name: "x\x1b[31m\u202e", Version: "\x07", Evidence: []string{"\x1b]0;"}}
			bad.Write(r)
		}
		w.Close(a.Summary())
		bad.Close(a.Summary())
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %q is not in\n%s", tt.format, tt.want, out.String())
		}
		if strings.ContainsAny(hostile.String(), "\x1b\x07\u202e") {
			t.Errorf("%s is not inert:\n%q", tt.format, hostile.String())
		}
	}
}
