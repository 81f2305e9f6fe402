package ledger

import (
	"cmp"
	"net/netip"
	"slices"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Limits bound what a Ledger remembers. Zero and less mean the default. What is
// beyond a limit is counted in Skipped.
type Limits struct {
	Mailboxes int // default 100,000
	Messages  int // of all mailboxes; default 500,000, which take some 150 MB
	Events    int // fetches and marks of all messages; default 1,000,000
	Waiting   int // fetches and marks in sessions that are not over; default 1,000,000
}

func (l Limits) withDefaults() Limits {
	for _, v := range []struct{ limit, def *int }{
		{&l.Mailboxes, &defaults.Mailboxes}, {&l.Messages, &defaults.Messages}, {&l.Events, &defaults.Events}, {&l.Waiting, &defaults.Waiting},
	} {
		if *v.limit <= 0 {
			*v.limit = *v.def
		}
	}
	return l
}

var defaults = Limits{Mailboxes: 100_000, Messages: 500_000, Events: 1_000_000, Waiting: 1_000_000}

// Skipped counts what was beyond the Limits.
type Skipped struct{ Mailboxes, Messages, Events int64 }

// Session is what a Ledger wants to know of a session, or of a part of one.
// Nothing of it is kept.
type Session struct {
	ID             string
	Client, Server netip.AddrPort
	Exchanges      []pop3parse.Exchange
	Messages       []pop3parse.Message
	Session        *pop3parse.Session

	Last     bool                // no more parts follow
	Maildrop *pop3parse.Maildrop // valid iff Last
}

// Mailbox is an account on a server.
type Mailbox struct {
	Server   netip.AddrPort
	Account  string // "" where no login was captured
	Sessions int    // that had the maildrop open
	Clients  []netip.Addr
	Messages []*Message // in the order in which they were first seen
}

// MaxClients is how many clients of a mailbox are named.
const MaxClients = 16

// Message is a message of a mailbox.
type Message struct {
	UID     string // the unique id; "" where Session and Number tell it
	Session string // valid iff UID is ""
	Number  int    // in that session, or the first one that listed it
	Octets  int64  // as LIST or the first complete RETR tell; -1 when unknown
	Listed  int    // sessions in which LIST or UIDL told of it
	Fetches []Fetch
	Marks   []Mark

	order order
}

// order sorts messages by when they were first seen.
type order struct{ session, message int }

// Fetch is one RETR or TOP that was answered with data.
type Fetch struct {
	Session  string
	Client   netip.AddrPort
	Exchange int
	Command  pop3parse.Verb
	At       stream.Stamp // of the first byte of the data
	Octets   int64
	Verdict  pop3parse.Verdict
	Repeat   Repeat // of RETR: why it was not the first; NoRepeat when it was
}

// Mark is one DELE.
type Mark struct {
	Session  string
	Client   netip.AddrPort
	Exchange int
	At       stream.Stamp // of the command
	Outcome  Outcome
	Why      Why
}

// Ledger collects sessions. The zero value is not ready for use; New is.
type Ledger struct {
	limits  Limits
	boxes   map[boxKey]*box
	open    map[string]*events // of sessions of which more parts come
	events  int
	waiting int
	count   int // of messages
	session int // sessions so far
	skipped Skipped
}

type boxKey struct {
	server  netip.AddrPort
	account string
}

type messageKey struct {
	uid     string
	session string
	number  int
}

// box is a Mailbox that grows.
type box struct {
	Mailbox
	messages map[messageKey]*Message
}

// New returns an empty Ledger.
func New(l Limits) *Ledger {
	return &Ledger{limits: l.withDefaults(), boxes: make(map[boxKey]*box), open: make(map[string]*events)}
}

// Add enters a session, or a part of one. Parts of a session come in their
// order; sessions may come in any.
func (l *Ledger) Add(s *Session) {
	e := l.open[s.ID]
	if e == nil {
		e = &events{}
	}
	l.collect(e, s)
	if !s.Last {
		l.open[s.ID] = e
		return
	}
	delete(l.open, s.ID)
	l.waiting -= len(e.fetches) + len(e.marks)
	e.judge(s)
	l.enter(e, s)
}

// enter puts what a session did into its mailbox.
func (l *Ledger) enter(e *events, s *Session) {
	l.session++
	entries := s.Maildrop.Entries()
	if s.Session.State < pop3parse.Transaction && len(e.fetches)+len(e.marks)+len(entries) == 0 {
		return // the maildrop was never open
	}
	b := l.box(s)
	if b == nil {
		return
	}
	b.Sessions++
	if client := s.Client.Addr(); len(b.Clients) < MaxClients && !slices.Contains(b.Clients, client) {
		b.Clients = append(b.Clients, client)
	}
	for i := range entries {
		if len(entries[i].UID) == 0 {
			continue // its number means nothing outside of the session
		}
		if m := l.message(b, s, entries[i].Number); m != nil {
			m.Listed++
			if entries[i].Octets >= 0 {
				m.Octets = entries[i].Octets
			}
		}
	}
	for i := range e.fetches {
		f := &e.fetches[i]
		if m := l.message(b, s, f.number); m != nil && l.room() {
			f.fetch.Session, f.fetch.Client = s.ID, s.Client
			m.Fetches = append(m.Fetches, f.fetch)
			if m.Octets < 0 && f.fetch.Command == pop3parse.RETR && f.fetch.Verdict == pop3parse.Complete {
				m.Octets = f.fetch.Octets
			}
		}
	}
	for i := range e.marks {
		k := &e.marks[i]
		if m := l.message(b, s, k.number); m != nil && l.room() {
			k.mark.Session, k.mark.Client = s.ID, s.Client
			m.Marks = append(m.Marks, k.mark)
		}
	}
}

// box returns the mailbox of a session; nil over the limit.
func (l *Ledger) box(s *Session) *box {
	key := boxKey{s.Server, string(s.Session.User)}
	b := l.boxes[key]
	if b == nil {
		if len(l.boxes) >= l.limits.Mailboxes {
			l.skipped.Mailboxes++
			return nil
		}
		b = &box{Mailbox: Mailbox{Server: s.Server, Account: key.account}, messages: make(map[messageKey]*Message)}
		l.boxes[key] = b
	}
	return b
}

// message returns the message that has a number in a session; nil over the
// limit.
func (l *Ledger) message(b *box, s *Session, number int) *Message {
	e, _ := s.Maildrop.Entry(number)
	key := messageKey{uid: string(e.UID)}
	if key.uid == "" {
		key.session, key.number = s.ID, number
	}
	m := b.messages[key]
	if m == nil {
		if l.count >= l.limits.Messages {
			l.skipped.Messages++
			return nil
		}
		l.count++
		m = &Message{UID: key.uid, Session: key.session, Number: number, Octets: e.Octets, order: order{l.session, number}}
		if key.session != "" && e.Octets >= 0 {
			m.Listed = 1
		}
		b.messages[key] = m
	}
	return m
}

// room reports whether another event may be kept.
func (l *Ledger) room() bool {
	if l.events >= l.limits.Events {
		l.skipped.Events++
		return false
	}
	l.events++
	return true
}

// Mailboxes returns the accounts of all mailboxes, sorted by account and
// server: call it once, after all sessions.
func (l *Ledger) Mailboxes() []*Mailbox {
	out := make([]*Mailbox, 0, len(l.boxes))
	for _, b := range l.boxes {
		for _, m := range b.messages {
			m.settle()
			b.Messages = append(b.Messages, m)
		}
		slices.SortFunc(b.Messages, func(x, y *Message) int {
			return cmp.Or(cmp.Compare(x.order.session, y.order.session), cmp.Compare(x.order.message, y.order.message), cmp.Compare(x.UID, y.UID))
		})
		slices.SortFunc(b.Clients, netip.Addr.Compare)
		out = append(out, &b.Mailbox)
	}
	slices.SortFunc(out, func(x, y *Mailbox) int {
		return cmp.Or(cmp.Compare(x.Account, y.Account), x.Server.Compare(y.Server))
	})
	return out
}

// Skipped returns what was beyond the limits.
func (l *Ledger) Skipped() Skipped { return l.skipped }
