package report

import (
	"io"
	"net/netip"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/ledger"
	"popscope/reassembly/stream"
)

// MaildropFormats returns the names that NewMaildrop knows, the default one
// first.
func MaildropFormats() []string { return []string{"table", "jsonl"} }

// NewMaildrop returns a Writer of the ledger of all mailboxes, which writes
// to w when it is closed. The formats are jsonl, which MaildropSchema
// describes, and table.
func NewMaildrop(format string, w io.Writer, o Options) (Writer, error) {
	m := &maildrops{ledger: ledger.New(ledger.Limits{}), w: w, opt: o}
	switch format {
	case "table":
		m.write = m.table
	case "jsonl":
		m.write = m.jsonl
	default:
		return nil, &OptionError{Option: "format", Value: format, Hint: "the formats are " + list(MaildropFormats())}
	}
	return m, nil
}

// maildrops collects sessions, and writes everything at the end: who
// fetched a message again is known only then.
type maildrops struct {
	ledger *ledger.Ledger
	w      io.Writer
	opt    Options
	write  func([]*ledger.Mailbox, *popscope.Summary) error
}

// Write implements Writer.
func (m *maildrops) Write(r *popscope.Result) error {
	s := &ledger.Session{
		ID: r.ID, Client: r.Conn.Client, Server: r.Conn.Server, Exchanges: r.Exchanges, Session: r.Session,
		Last: r.Last, Maildrop: r.Maildrop,
	}
	s.Messages = make([]pop3parse.Message, len(r.Messages))
	for i := range r.Messages {
		s.Messages[i] = r.Messages[i].Message
	}
	m.ledger.Add(s)
	return nil
}

// Close implements Writer.
func (m *maildrops) Close(s popscope.Summary) error { return m.write(m.ledger.Mailboxes(), &s) }

// jsonl writes a record for each mailbox, followed by those of its
// messages.
func (m *maildrops) jsonl(boxes []*ledger.Mailbox, s *popscope.Summary) error {
	m.opt.Records = []string{"run", "summary"}
	w, err := newJSONL(m.w, m.opt)
	if err != nil {
		return err
	}
	j := w.(*jsonl)
	for _, b := range boxes {
		j.mailbox(b)
		for _, msg := range b.Messages {
			j.boxMessage(b, msg)
			if len(j.buf) > maxIdleBuffer/2 {
				if err := j.flush(); err != nil {
					return err
				}
			}
		}
	}
	if skipped := m.ledger.Skipped(); skipped != (ledger.Skipped{}) {
		j.begin("skipped")
		j.int("mailboxes", skipped.Mailboxes)
		j.int("messages", skipped.Messages)
		j.int("events", skipped.Events)
		j.end()
	}
	return j.Close(*s)
}

// ofMailbox begins a record of a mailbox.
func (j *jsonl) ofMailbox(kind string, b *ledger.Mailbox) {
	j.begin(kind)
	j.endpoint("server", b.Server)
	if b.Account != "" {
		j.str("user", b.Account)
	}
}

// mailbox writes the sums of a mailbox.
func (j *jsonl) mailbox(b *ledger.Mailbox) {
	t := tallyOf(b)
	j.ofMailbox("mailbox", b)
	j.int("sessions", int64(b.Sessions))
	j.key("clients")
	j.buf = append(j.buf, '[')
	for _, c := range b.Clients {
		j.comma()
		j.buf = append(append(append(j.buf, '"'), address(c)...), '"')
	}
	j.buf = append(j.buf, ']')
	j.int("messages", int64(len(b.Messages)))
	j.int("fetched", int64(t.fetched))
	j.int("repeated", int64(t.repeated))
	j.int("marked", int64(t.marked))
	j.int("committed", int64(t.committed))
	j.int("rolled_back", int64(t.rolledBack))
	j.int("unknown", int64(t.unknown))
	j.end()
}

func address(a netip.Addr) string { return a.Unmap().WithZone("").String() }

// boxTally counts what happened to the messages of a mailbox.
type boxTally struct {
	fetched, repeated                      int // messages that RETR fetched; and more than once
	marked, committed, rolledBack, unknown int // messages, by what became of the last mark
}

func tallyOf(b *ledger.Mailbox) (t boxTally) {
	for _, m := range b.Messages {
		if all, _ := m.Retrieved(); all > 0 {
			t.fetched++
			if all > 1 {
				t.repeated++
			}
		}
		switch outcome, _ := m.Deletion(); outcome {
		case ledger.Undecided, ledger.Refused:
			continue
		case ledger.Committed:
			t.committed++
		case ledger.RolledBack:
			t.rolledBack++
		default:
			t.unknown++
		}
		t.marked++
	}
	return t
}

// boxMessage writes the account of one message.
func (j *jsonl) boxMessage(b *ledger.Mailbox, m *ledger.Message) {
	j.ofMailbox("mailbox_message", b)
	if m.UID != "" {
		j.str("uidl", m.UID)
	} else {
		j.str("session", m.Session)
		j.int("number", int64(m.Number))
	}
	if m.Octets >= 0 {
		j.int("octets", m.Octets)
	}
	j.int("listed", int64(m.Listed))
	j.key("fetches")
	j.buf = append(j.buf, '[')
	for i := range m.Fetches {
		f := &m.Fetches[i]
		j.comma()
		j.open()
		j.event(f.Session, f.Exchange, f.Client, f.At)
		j.str("command", string(f.Command))
		j.int("octets", f.Octets)
		j.word("verdict", f.Verdict.String())
		if f.Repeat != ledger.NoRepeat {
			j.word("repeated", f.Repeat.String())
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
	j.key("marks")
	j.buf = append(j.buf, '[')
	for i := range m.Marks {
		k := &m.Marks[i]
		j.comma()
		j.open()
		j.event(k.Session, k.Exchange, k.Client, k.At)
		j.word("outcome", k.Outcome.String())
		j.word("why", k.Why.String())
		j.close()
	}
	j.buf = append(j.buf, ']')
	if outcome, _ := m.Deletion(); outcome != ledger.Undecided {
		j.word("deletion", outcome.String())
	}
	j.end()
}

// event writes where in the capture something happened, and who did it.
func (j *jsonl) event(session string, exchange int, client netip.AddrPort, at stream.Stamp) {
	j.str("session", session)
	j.int("exchange", int64(exchange))
	j.endpoint("client", client)
	if at.Packet > 0 {
		j.int("packet", at.Packet)
		j.nanos("time", at.Nanos)
	}
}
