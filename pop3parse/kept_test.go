package pop3parse

import (
	"fmt"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// TestPendingBytes: commands that wait are given up by what they take, too,
// and the session tells of it even when the exchange has been handed on.
func TestPendingBytes(t *testing.T) {
	text := "S: +OK ready\n\n" + strings.Repeat("C: NOOP "+strings.Repeat("x", 600)+"\n", 20)
	p := parse(Options{FromStart: true, Limits: Limits{PendingBytes: 10_000}}, script(text), stream.ClosedFIN)
	given := 0
	for i := range p.Exchanges() {
		if p.Exchanges()[i].Notes.Has(QueueLimit) {
			given++
		}
	}
	if want := 20 - 10_000/(400+600); given < want-1 || given > want+1 || len(p.Exchanges()) != 20 {
		t.Errorf("%d of %d commands given up, want about %d of 20", given, len(p.Exchanges()), want)
	}
	p.Take()
	if !p.Session().Notes.Has(QueueLimit) {
		t.Error("the session does not tell")
	}
}

// TestKeptGrowsAndShrinks: what is kept is what Take, Forget and the end let
// go of.
func TestKeptGrowsAndShrinks(t *testing.T) {
	var rows strings.Builder
	for i := range 500 {
		fmt.Fprintf(&rows, "S: %d unique-id-%d\n", i+1, i+1)
	}
	p := NewParser(Options{FromStart: true})
	feed := func(text string) {
		for _, c := range script(text) {
			p.Feed(c)
		}
	}
	feed("S: +OK ready\n\nC: USER alice\n\nS: +OK\n\nC: PASS x\n\nS: +OK\n\nC: UIDL\n\nS: +OK\n" + rows.String() + "S: .\n\n" + strings.Repeat("C: NOOP\n", 300))
	full := p.Kept()
	if least := 500*entrySize + 300*askedSize; full < least {
		t.Fatalf("kept %d, want %d or more", full, least)
	}
	if ready := p.Ready(); ready < 3*exchangeSize || ready > full/4 {
		t.Errorf("ready %d of %d", ready, full)
	}
	p.Forget()
	if p.waiting() != 1 || len(p.Maildrop().Entries()) != 0 {
		t.Errorf("%d commands and %d messages are left", p.waiting(), len(p.Maildrop().Entries()))
	}
	if n := p.Session().Notes; !n.Has(MaildropLimit) || !n.Has(QueueLimit) {
		t.Errorf("the session does not tell: %b", n)
	}
	if got := len(p.Exchanges()); got != 3+299 {
		t.Errorf("%d exchanges, want %d", got, 3+299)
	}
	p.Take()
	if kept := p.Kept(); kept > 2000 {
		t.Errorf("kept %d after all was let go", kept)
	}
}

// TestForgetKeepsMarks: a message marked as deleted is not forgotten.
func TestForgetKeepsMarks(t *testing.T) {
	p := NewParser(Options{FromStart: true})
	for _, c := range script("S: +OK ready\n\nC: USER alice\n\nS: +OK\n\nC: PASS x\n\nS: +OK\n\nC: UIDL\n\nS: +OK\nS: 1 a\nS: 2 b\nS: 3 c\nS: .\n\nC: DELE 2\n\nS: +OK\n") {
		p.Feed(c)
	}
	p.Forget()
	p.End(stream.ClosedFIN)
	e, ok := p.Maildrop().Entry(2)
	if !ok || !e.Marked || string(e.UID) != "b" || len(p.Maildrop().Entries()) != 1 || p.Session().Deleted != 1 {
		t.Errorf("got %+v of %d, deleted %d", e, len(p.Maildrop().Entries()), p.Session().Deleted)
	}
}

// TestMarkBeyondTheLimit: what a DELE marks that nobody has room to remember
// may be any message.
func TestMarkBeyondTheLimit(t *testing.T) {
	text := "S: +OK ready\n\nC: USER alice\n\nS: +OK\n\nC: PASS x\n\nS: +OK\n\nC: LIST\n\nS: +OK\n"
	var rows strings.Builder
	for n := range maxDrop {
		fmt.Fprintf(&rows, "S: %d 1\n", n+1)
	}
	text += rows.String() + fmt.Sprintf("S: .\n\nC: RETR %[1]d\n\nS: +OK\nS: x\nS: .\n\nC: DELE %[1]d\n\nS: +OK\n\nC: QUIT\n\nS: +OK\n", maxDrop+1)
	p := parse(Options{FromStart: true}, script(text), stream.ClosedFIN)
	if m := p.Messages(); len(m) != 1 || m[0].Fate != Unsettled {
		t.Errorf("got %+v", m)
	}
}

// TestLimitsOnListsAreTold: rows of CAPA and UIDL beyond what is kept.
func TestLimitsOnListsAreTold(t *testing.T) {
	capa := "S: +OK ready\n\nC: CAPA\n\nS: +OK\n" + strings.Repeat("S: X-CAP\n", maxCapa)
	for _, row := range []struct {
		name, text string
		note       Note
		want       bool
	}{
		{"capabilities that fit", capa + "S: .\n", CapaLimit, false},
		{"one capability too many", capa + "S: X\nS: .\n", CapaLimit, true},
		{"a message number that is none", "S: +OK\n\nC: UIDL\n\nS: +OK\nS: 0 x\nS: .\n", MaildropLimit, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := parse(Options{FromStart: true}, script(row.text), stream.ClosedFIN)
			if got := p.Session().Notes.Has(row.note); got != row.want {
				t.Errorf("\n got %v\nwant %v", got, row.want)
			}
		})
	}
	m := Maildrop{}
	for i := range maxDrop + 1 {
		if got := m.listRow(fmt.Appendf(nil, "%d 7", i+1)).Has(MaildropLimit); got != (i == maxDrop) {
			t.Fatalf("row %d: limit %v", i, got)
		}
	}
}
