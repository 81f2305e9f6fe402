package ledger_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse/ledger"
)

// sessions parses a dialog; the session of the client's port 40001 is called
// s1, and so on.
func sessions(t testing.TB, text string) []*ledger.Session {
	t.Helper()
	d, err := capturetest.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	var out []*ledger.Session
	for r, err := range popscope.New(popscope.Options{Workers: 1}).Results(capturetest.Source(d.Trace().Packets(capturetest.Plain()))) {
		if err != nil {
			t.Fatal(err)
		}
		s := &ledger.Session{
			ID: fmt.Sprint("s", r.Conn.Client.Port()-40000), Client: r.Conn.Client, Server: r.Conn.Server, Exchanges: r.Exchanges, Session: r.Session,
			Last: true, Maildrop: r.Maildrop,
		}
		for _, m := range r.Messages {
			s.Messages = append(s.Messages, m.Message)
		}
		out = append(out, s)
	}
	return out
}

// account writes what a ledger says of all mailboxes, a line for each
// message.
func account(l *ledger.Ledger) string {
	var b strings.Builder
	for _, box := range l.Mailboxes() {
		for _, m := range box.Messages {
			name := m.UID
			if name == "" {
				name = fmt.Sprint(m.Session, "/", m.Number)
			}
			fmt.Fprintf(&b, "%s %s:", box.Account, name)
			for _, f := range m.Fetches {
				fmt.Fprintf(&b, " %s in %s %s", f.Command, f.Session, f.Verdict)
				if f.Repeat != ledger.NoRepeat {
					fmt.Fprintf(&b, " (%s)", f.Repeat)
				}
				b.WriteByte(';')
			}
			for _, k := range m.Marks {
				fmt.Fprintf(&b, " DELE in %s %s by %s;", k.Session, k.Outcome, k.Why)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

const login = "S: +OK\nC: USER alice\nS: +OK\nC: PASS x\nS: +OK\n"

// retr and uidl are parts of dialogs.
func retr(n int) string { return fmt.Sprintf("C: RETR %d\nS: +OK\nS: Subject: x\nS:\nS: .\n", n) }

const uidl = "C: UIDL\nS: +OK\nS: 1 uid1\nS: 2 uid2\nS: .\n"

func TestWhatBecomesOfAMark(t *testing.T) {
	for _, c := range []struct{ name, dialog, want string }{
		{"committed", "C: DELE 1\nS: +OK\nC: QUIT\nS: +OK\n", "committed by quit"},
		{"reset", "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\nC: QUIT\nS: +OK\n", "rolled_back by rset"},
		{"marked again after a reset", "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\nC: DELE 1\nS: +OK\nC: QUIT\nS: +OK\n", "rolled_back by rset; DELE in s1 committed by quit"},
		{"reset refused", "C: DELE 1\nS: +OK\nC: RSET\nS: -ERR\nC: QUIT\nS: +OK\n", "committed by quit"},
		{"reset unanswered, no QUIT", "C: DELE 1\nS: +OK\nC: RSET\n! fin client\n", "rolled_back by no_quit"},
		{"reset unanswered, capture ends", "C: DELE 1\nS: +OK\nC: RSET\n! noclose\n", "unknown by capture_ended"},
		{"answer to the reset lost", "C: DELE 1\nS: +OK\nC: RSET\n! lost\nS: +OK\nC: NOOP\nS: +OK\nC: QUIT\nS: +OK\n", "unknown by loss"},
		{"answer to the reset lost, and marked again", "C: DELE 1\nS: +OK\nC: RSET\n! lost\nS: +OK\nC: DELE 1\nS: +OK\nC: QUIT\nS: +OK\n", "unknown by loss; DELE in s1 committed by quit"},
		{"answer to the reset lost, and reset again", "C: DELE 1\nS: +OK\nC: RSET\n! lost\nS: +OK\nC: RSET\nS: +OK\nC: QUIT\nS: +OK\n", "rolled_back by rset"},
		{"refused before a reset", "C: DELE 1\nS: -ERR\nC: RSET\nS: +OK\nC: QUIT\nS: +OK\n", "refused by server"},
		{"answer to the DELE lost", "C: DELE 1\n! lost\nS: +OK\nC: NOOP\nS: +OK\nC: QUIT\nS: +OK\n", "unknown by unanswered"},
		{"marked twice", "C: DELE 1\nS: +OK\nC: DELE 1\nS: -ERR\nC: QUIT\nS: +OK\n", "committed by quit; DELE in s1 refused by server"},
		{"a DELE without a number", "C: DELE 1\nS: +OK\nC: DELE\nS: -ERR\nC: DELE 0\nS: -ERR\nC: XTND XMIT\nS: +OK\nC: Subject: x\nC:\nC: .\nS: +OK\nC: QUIT\nS: +OK\n", "committed by quit"},
		{"no QUIT", "C: DELE 1\nS: +OK\n! fin client\n", "rolled_back by no_quit"},
		{"no QUIT, reset by the server", "C: DELE 1\nS: +OK\n! rst server\n", "rolled_back by no_quit"},
		{"refused", "C: DELE 1\nS: -ERR\nC: QUIT\nS: +OK\n", "refused by server"},
		{"QUIT refused", "C: DELE 1\nS: +OK\nC: QUIT\nS: -ERR\n", "unknown by quit_refused"},
		{"QUIT unanswered", "C: DELE 1\nS: +OK\nC: QUIT\n", "unknown by quit_unanswered"},
		{"capture ends", "C: DELE 1\nS: +OK\n! noclose\n", "unknown by capture_ended"},
		{"DELE unanswered", "C: DELE 1\n! fin server\n", "rolled_back by no_quit"},
		{"QUIT lost", "C: DELE 1\nS: +OK\n! lost\nC: QUIT\nS: +OK\n", "unknown by loss"},
		{"bytes lost before the end", "C: DELE 1\nS: +OK\n! lost\nC: NOOP\n! lost\nS: +OK\n! fin client\n", "unknown by loss"},
		{"a command lost that may be RSET", "C: DELE 1\nS: +OK\n! lost\nC: RSET\nS: +OK\nC: QUIT\nS: +OK\n", "unknown by loss"},
	} {
		l := ledger.New(ledger.Limits{})
		for _, s := range sessions(t, login+c.dialog) {
			l.Add(s)
		}
		if got, want := account(l), "alice s1/1: DELE in s1 "+c.want+";\n"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// TestDeletionIsThatOfTheLastMark: a DELE that is refused since the message is
// marked already takes nothing back.
func TestDeletionIsThatOfTheLastMark(t *testing.T) {
	committed, refused := ledger.Mark{Outcome: ledger.Committed, Why: ledger.ByQuit}, ledger.Mark{Outcome: ledger.Refused, Why: ledger.ByServer}
	reset := ledger.Mark{Outcome: ledger.RolledBack, Why: ledger.ByReset}
	for _, c := range []struct {
		marks []ledger.Mark
		want  ledger.Mark
	}{
		{nil, ledger.Mark{}}, {[]ledger.Mark{committed, reset}, reset}, {[]ledger.Mark{reset, committed}, committed},
		{[]ledger.Mark{reset, refused, refused}, reset}, {[]ledger.Mark{refused, refused}, refused}, {[]ledger.Mark{refused, committed}, committed},
	} {
		m := ledger.Message{Marks: c.marks}
		if outcome, why := m.Deletion(); outcome != c.want.Outcome || why != c.want.Why {
			t.Errorf("%+v: got %v by %v, want %v by %v", c.marks, outcome, why, c.want.Outcome, c.want.Why)
		}
	}
}

// TestMailboxesTellWhoAndHowMuch: sessions, clients, how often a message was
// listed, fetched and how large it is.
func TestMailboxesTellWhoAndHowMuch(t *testing.T) {
	const list = "C: LIST\nS: +OK\nS: 1 30\nS: 2 40\nS: .\n"
	text := "! client 198.51.100.9:40001\n! conn 2 client=198.51.100.1:40002\n! conn 3 client=198.51.100.9:40003\n" +
		login + uidl + retr(1) + "C: RETR 1\nS: +OK\nS: Subj\n! rst server\n@ 2\n" + login + uidl + list + "C: TOP 2 0\nS: +OK\nS: A: b\nS:\nS: .\n" +
		"C: TOP 3 0\nS: +OK\nS: A: b\nS:\nS: .\n" + retr(4) + "C: QUIT\nS: +OK\n@ 3\n" + login + list + "C: TOP 1 0\nS: +OK\nS: A: b\nS:\nS: .\nC: QUIT\nS: +OK\n"
	l := ledger.New(ledger.Limits{})
	for _, s := range sessions(t, text) {
		l.Add(s)
	}
	var got strings.Builder
	for _, b := range l.Mailboxes() {
		fmt.Fprintf(&got, "%s: %d sessions, %v\n", b.Account, b.Sessions, b.Clients)
		for _, m := range b.Messages {
			all, complete := m.Retrieved()
			fmt.Fprintf(&got, "%s%s/%d: %d octets, listed %d times, %d fetches, %d RETR, %d complete\n", m.UID, m.Session, m.Number, m.Octets, m.Listed, len(m.Fetches), all, complete)
		}
	}
	want := `alice: 3 sessions, [198.51.100.1 198.51.100.9]
uid1/1: 30 octets, listed 2 times, 2 fetches, 2 RETR, 1 complete
uid2/2: 40 octets, listed 2 times, 1 fetches, 0 RETR, 0 complete
s2/3: -1 octets, listed 0 times, 1 fetches, 0 RETR, 0 complete
s2/4: 14 octets, listed 0 times, 1 fetches, 1 RETR, 1 complete
s3/1: 30 octets, listed 1 times, 1 fetches, 0 RETR, 0 complete
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}

	l = ledger.New(ledger.Limits{})
	for i := range ledger.MaxClients + 5 {
		s := sessions(t, login+"C: STAT\nS: +OK 0 0\nC: QUIT\nS: +OK\n")[0]
		s.Client = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 1)
		l.Add(s)
	}
	if b := l.Mailboxes()[0]; len(b.Clients) != ledger.MaxClients || b.Sessions != ledger.MaxClients+5 {
		t.Errorf("%d clients, %d sessions", len(b.Clients), b.Sessions)
	}
}

func TestWhyAMessageIsFetchedAgain(t *testing.T) {
	const quit = "C: QUIT\nS: +OK\n"
	for _, c := range []struct{ name, first, second, client, want string }{
		{"left on the server", uidl + retr(1) + quit, uidl + retr(1) + quit, "", "not_deleted"},
		{"by another client", uidl + retr(1) + quit, uidl + retr(1) + quit, "198.51.100.99", "other_client"},
		{"connection lost after DELE", uidl + retr(1) + "C: DELE 1\nS: +OK\n! rst client\n", uidl + retr(1) + quit, "", "connection_lost"},
		{"connection lost after DELE, then another client", uidl + retr(1) + "C: DELE 1\nS: +OK\n! rst client\n", uidl + retr(1) + quit, "198.51.100.99", "connection_lost"},
		{"RSET", uidl + retr(1) + "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\n" + quit, uidl + retr(1) + quit, "", "deletion_reset"},
		{"refused", uidl + retr(1) + "C: DELE 1\nS: -ERR\n" + quit, uidl + retr(1) + quit, "", "deletion_refused"},
		{"committed, and there all the same", uidl + retr(1) + "C: DELE 1\nS: +OK\n" + quit, uidl + retr(1) + quit, "", "deleted_but_there"},
		{"QUIT unanswered", uidl + retr(1) + "C: DELE 1\nS: +OK\nC: QUIT\n", uidl + retr(1) + quit, "", "deletion_unknown"},
		{"marked before it was fetched", uidl + "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\n" + retr(1) + quit, uidl + retr(1) + quit, "", "not_deleted"},
		{"marked after it was fetched again", uidl + retr(1) + quit, uidl + retr(1) + "C: DELE 1\nS: +OK\n" + quit, "", "not_deleted"},
		{"has no end", uidl + "C: RETR 1\nS: +OK\nS: Subject: x\n! fin server\n", uidl + retr(1) + quit, "", "incomplete"},
		{"was cut short", uidl + "C: RETR 1\nS: +OK\nS: Subject: x\n! rst server\n", uidl + retr(1) + quit, "", "incomplete"},
		{"cut short, then another client", uidl + "C: RETR 1\nS: +OK\nS: Subject: x\n! rst server\n", uidl + retr(1) + quit, "198.51.100.99", "incomplete"},
	} {
		client := "198.51.100.1"
		if c.client != "" {
			client = c.client
		}
		text := "! client 198.51.100.1:40001\n! conn 2 client=" + client + ":40002\n" + login + c.first + "@ 2\n" + login + c.second
		l := ledger.New(ledger.Limits{})
		for _, s := range sessions(t, text) {
			l.Add(s)
		}
		got := account(l)
		if !strings.Contains(got, "alice uid1:") || !strings.Contains(got, "RETR in s2 complete ("+c.want+");") {
			t.Errorf("%s: want %s in\n%s", c.name, c.want, got)
		}
	}
}

func TestRetrTwiceInOneSession(t *testing.T) {
	l := ledger.New(ledger.Limits{})
	for _, s := range sessions(t, login+"C: TOP 1 0\nS: +OK\nS: Subject: x\nS:\nS: .\n"+retr(1)+retr(1)+retr(1)+"C: QUIT\nS: +OK\n") {
		l.Add(s)
	}
	want := "alice s1/1: TOP in s1 complete; RETR in s1 complete; RETR in s1 complete (same_session); RETR in s1 complete (same_session);\n"
	if got := account(l); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// The ledger is the same whatever the order in which sessions are added,
// but for the order of messages.
func TestOrderOfSessionsDoesNotMatter(t *testing.T) {
	text := "! conn 2 client=198.51.100.9:40002\n! conn 3 client=198.51.100.9:40003\n" + login + uidl + retr(1) + "@ 2\n" + login + uidl + retr(1) + retr(2) +
		"C: DELE 2\nS: +OK\nC: QUIT\nS: +OK\n@ 3\n" + login + uidl + retr(2) + "C: DELE 2\nS: +OK\nC: QUIT\nS: -ERR\n"
	all := sessions(t, text)
	l := ledger.New(ledger.Limits{})
	for _, s := range all {
		l.Add(s)
	}
	want := account(l)
	l = ledger.New(ledger.Limits{})
	for i := len(all) - 1; i >= 0; i-- {
		l.Add(all[i])
	}
	if got := account(l); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if !strings.Contains(want, "uid2: RETR in s2 complete; RETR in s3 complete (deleted_but_there); DELE in s2 committed by quit; DELE in s3 unknown by quit_refused;") {
		t.Error(want)
	}
}

// A session in parts is the same as one in a piece.
func TestParts(t *testing.T) {
	s := sessions(t, login+uidl+retr(1)+"C: DELE 1\nS: +OK\nC: RSET\nS: +OK\n"+retr(2)+"C: DELE 2\nS: +OK\nC: QUIT\nS: +OK\n")[0]
	l := ledger.New(ledger.Limits{})
	l.Add(s)
	want := account(l)
	l = ledger.New(ledger.Limits{})
	for i := range s.Exchanges {
		part := *s
		part.Exchanges, part.Messages = s.Exchanges[i:i+1], nil
		for _, m := range s.Messages {
			if m.Exchange == s.Exchanges[i].N {
				part.Messages = append(part.Messages, m)
			}
		}
		if part.Last = i == len(s.Exchanges)-1; !part.Last {
			part.Maildrop = nil
		}
		l.Add(&part)
	}
	if got := account(l); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// At the limits nothing more is kept, and that is counted.
func TestLimits(t *testing.T) {
	l := ledger.New(ledger.Limits{Mailboxes: 2, Messages: 3, Events: 3, Waiting: 3})
	s := sessions(t, login+uidl+retr(1)+retr(2)+retr(2)+retr(1)+retr(1)+"C: QUIT\nS: +OK\n")[0]
	for i := range 4 {
		s.Server = netip.AddrPortFrom(s.Server.Addr(), uint16(110+i))
		l.Add(s)
	}
	boxes, messages, events := l.Mailboxes(), 0, 0
	for _, b := range boxes {
		messages += len(b.Messages)
		for _, m := range b.Messages {
			events += len(m.Fetches)
		}
	}
	if len(boxes) != 2 || messages != 3 || events != 3 {
		t.Errorf("%d mailboxes, %d messages, %d events", len(boxes), messages, events)
	}
	if got, want := l.Skipped(), (ledger.Skipped{Mailboxes: 2, Messages: 3, Events: 9}); got != want {
		t.Errorf("skipped: %+v, want %+v", got, want)
	}
}

func TestAuthorizationIsNoMailbox(t *testing.T) {
	l := ledger.New(ledger.Limits{})
	for _, s := range sessions(t, "S: +OK\nC: USER alice\nS: +OK\nC: PASS x\nS: -ERR\nC: QUIT\nS: +OK\n") {
		l.Add(s)
	}
	if boxes := l.Mailboxes(); len(boxes) != 0 {
		t.Errorf("%d mailboxes", len(boxes))
	}
}
