package pop3parse_test

import (
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
)

// TestFates holds what is said of the deletion of a message to what a
// capture can tell (RFC 1939 section 6): QUIT alone removes messages, and
// where its reply is -ERR or was not seen, nobody knows which.
func TestFates(t *testing.T) {
	const (
		login = "S: +OK\nC: USER alice\nS: +OK\nC: PASS x\nS: +OK\n"
		retr  = "C: RETR 5\nS: +OK\nS: Subject: x\nS:\nS: .\n"
		dele  = "C: DELE 5\nS: +OK\n"
		quit  = "C: QUIT\nS: +OK\n"
		late  = "! nosyn\nS| rest of a mail\\r\\n.\\r\\n\n"
		xmit  = "C: XTND XMIT\nS: +OK\nC: Subject: x\nC:\nC: .\nS: +OK\n"
	)
	for _, c := range []struct {
		name, dialog string
		end          pop3parse.Ending
		want         pop3parse.Fate
	}{
		{"committed", login + retr + dele + quit, pop3parse.QuitAccepted, pop3parse.Deleted},
		{"not marked", login + retr + quit, pop3parse.QuitAccepted, pop3parse.Stayed},
		{"another one marked", login + retr + "C: DELE 6\nS: +OK\n" + quit, pop3parse.QuitAccepted, pop3parse.Stayed},
		{"unmarked", login + retr + dele + "C: RSET\nS: +OK\n" + quit, pop3parse.QuitAccepted, pop3parse.Stayed},
		{"refused", login + retr + "C: DELE 5\nS: -ERR\n" + quit, pop3parse.QuitAccepted, pop3parse.Stayed},
		{"no QUIT, closed", login + retr + dele + "! fin client\n", pop3parse.NoQuit, pop3parse.Stayed},
		{"no QUIT, reset", login + retr + dele + "! rst server\n", pop3parse.NoQuit, pop3parse.Stayed},
		{"no QUIT, DELE unanswered", login + retr + "C: DELE 5\n! rst client\n! noclose\n", pop3parse.NoQuit, pop3parse.Stayed},
		{"no QUIT, reply lost", login + retr + "C: DELE 5\n! lost\nS: +OK\nC: NOOP\nS: +OK\n! fin client\n", pop3parse.NoQuit, pop3parse.Stayed},
		{"QUIT unanswered, closed", login + retr + dele + "C: QUIT\n! fin server\n", pop3parse.QuitUnanswered, pop3parse.Unsettled},
		{"QUIT unanswered, reset", login + retr + dele + "C: QUIT\n! rst client\n! noclose\n", pop3parse.QuitUnanswered, pop3parse.Unsettled},
		{"QUIT unanswered, not marked", login + retr + "C: QUIT\n! fin server\n", pop3parse.QuitUnanswered, pop3parse.Stayed},
		{"DELE and QUIT unanswered", login + retr + "C: DELE 5\nC: QUIT\n! rst server\n", pop3parse.QuitUnanswered, pop3parse.Unsettled},
		{"QUIT refused", login + retr + dele + "C: QUIT\nS: -ERR some deleted messages not removed\n", pop3parse.QuitRefused, pop3parse.Unsettled},
		{"QUIT refused, not marked", login + retr + "C: QUIT\nS: -ERR\n", pop3parse.QuitRefused, pop3parse.Stayed},
		{"capture ends", login + retr + "! noclose\n", pop3parse.EndUnseen, pop3parse.Unsettled},
		{"QUIT lost", login + retr + dele + "! lost\nC: QUIT\nS: +OK\n", pop3parse.EndMissing, pop3parse.Unsettled},
		{"reply to DELE lost", login + retr + "C: DELE 5\n! lost\nS: +OK\n" + quit, pop3parse.QuitAccepted, pop3parse.Unsettled},
		{"a command lost that may be RSET", login + retr + dele + "! lost\nC: RSET\nS: +OK\n" + quit, pop3parse.QuitAccepted, pop3parse.Unsettled},
		{"marked again after one", login + retr + dele + "! lost\nC: RSET\nS: +OK\n" + dele + quit, pop3parse.QuitAccepted, pop3parse.Deleted},
		{"number unknown", late + dele + quit, pop3parse.QuitAccepted, pop3parse.Unsettled},
		{"number unknown, no QUIT", late + dele + "! rst client\n! noclose\n", pop3parse.NoQuit, pop3parse.Stayed},
		{"a command lost that may be DELE", login + retr + "! lost\nC: DELE 5\nS: +OK\n" + quit, pop3parse.QuitAccepted, pop3parse.Unsettled},
		{"QUIT alone in a late capture", late + quit, pop3parse.EndMissing, pop3parse.Unsettled},
		{"sent, not fetched", login + xmit + quit, pop3parse.QuitAccepted, pop3parse.Unsettled},
		{"sent, no QUIT", login + xmit + "! fin client\n", pop3parse.NoQuit, pop3parse.Unsettled},
	} {
		d, err := capturetest.Parse("test", c.dialog)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range popscope.New(popscope.Options{Workers: 1}).Results(capturetest.Source(d.Trace().Packets(capturetest.Plain()))) {
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Messages) != 1 {
				t.Errorf("%s: %d messages", c.name, len(r.Messages))
				continue
			}
			if r.Session.Ending != c.end || r.Messages[0].Fate != c.want {
				t.Errorf("%s:\n got %d, %d\nwant %d, %d", c.name, r.Session.Ending, r.Messages[0].Fate, c.end, c.want)
			}
		}
	}
}

// TestEndingsThatCannotBeRead: no QUIT in clear is no proof that there was
// none where the rest of the session is encrypted.
func TestEndingsThatCannotBeRead(t *testing.T) {
	for _, name := range []string{"stls-tls12", "auth-gssapi-security-layer"} {
		d := capturetest.Load(t, name)
		for r, err := range popscope.New(popscope.Options{Workers: 1}).Results(capturetest.Source(d.Trace().Packets(capturetest.Plain()))) {
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Session.Ending; got != pop3parse.EndMissing {
				t.Errorf("%s: got %d, want %d", name, got, pop3parse.EndMissing)
			}
		}
	}
}
