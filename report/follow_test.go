package report

import (
	"bytes"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// followed returns the transcript of sessions that are followed.
func followed(t *testing.T, src capture.Source) string {
	t.Helper()
	var out bytes.Buffer
	w, err := New("transcript", &out, Options{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1, Follow: true})
	for r, err := range a.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestFollowedTranscript: each part stands under the name of its session,
// no session is named for nothing, and the header at its end is one of the
// whole.
func TestFollowedTranscript(t *testing.T) {
	for _, d := range capturetest.LoadAll(t, "") {
		got := followed(t, capturetest.Source(d.Trace().Packets(capturetest.Plain())))
		if strings.Contains(got, ", part ") {
			t.Errorf("%s: the whole is called a part:\n%s", d.Name, got)
		}
		if strings.Contains(got, "\n\n\n") {
			t.Errorf("%s: two empty lines:\n%s", d.Name, got)
		}
		if got == "" {
			continue // no POP3
		}
		headers, sessions := 0, map[string]bool{}
		for block := range strings.SplitSeq(strings.TrimSpace(got), "\n\n") {
			lines := strings.Split(block, "\n")
			if !strings.HasPrefix(lines[0], "session ") || len(lines) < 2 {
				t.Errorf("%s: a block without a name, or without more:\n%s", d.Name, block)
			}
			sessions[lines[0]] = true
			if strings.Contains(block, "\n  closed ") {
				headers++
			}
		}
		if headers != len(sessions) {
			t.Errorf("%s: %d headers of %d sessions:\n%s", d.Name, headers, len(sessions), got)
		}
	}
}

// TestFollowedTLS: what was opened is not called closed at its end, and what
// was not is.
func TestFollowedTLS(t *testing.T) {
	const sealed = "TLS from here on, not decrypted"
	src, err := capture.Open("../testdata/pcap/dovecot-pop3s-secrets.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if got := followed(t, src); !strings.Contains(got, "RETR 1") || strings.Contains(got, sealed) {
		t.Error(got)
	}
	src, err = capture.Open("../testdata/pcap/dovecot-stls-tls12.pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if got := followed(t, src); !strings.Contains(got, sealed+": no keys") {
		t.Error(got)
	}
}
