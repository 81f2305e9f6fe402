package fingerprint

import (
	"testing"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
)

// BenchmarkPrint is a session with a login that is refused.
func BenchmarkPrint(b *testing.B) {
	var session pop3parse.Session
	session.HasGreeting, session.Greeting = true, secret.NewText([]byte("POP3 server ready."))
	xs := []*pop3parse.Exchange{
		exchange(turn{"USER", "alice", pop3parse.OK, ""}),
		exchange(turn{"PASS", "sesame", pop3parse.Err, "[AUTH] Authentication failed."}),
		exchange(turn{"QUIT", "", pop3parse.OK, ""}),
	}
	m := NewMatcher()
	var p Print
	b.ReportAllocs()
	for b.Loop() {
		p.Reset(m)
		for _, x := range xs {
			p.Exchange(x)
		}
		p.Server(&session)
		p.Client()
	}
}
