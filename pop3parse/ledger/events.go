package ledger

import (
	"popscope/pop3parse"
)

// events are what a session did that a ledger tells of, until the session
// is over.
type events struct {
	fetches []fetch
	marks   []mark
}

type fetch struct {
	number int
	fetch  Fetch
}

type mark struct {
	number   int
	mark     Mark
	status   pop3parse.Status
	mayReset bool // an RSET followed of which it is not known whether it was accepted
}

// collect takes the events of a session, or of a part of one.
func (l *Ledger) collect(e *events, s *Session) {
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.Number == 0 || m.Command == pop3parse.XTND || !l.mayWait() {
			continue
		}
		e.fetches = append(e.fetches, fetch{m.Number, Fetch{
			Exchange: m.Exchange, Command: m.Command, At: m.First, Octets: m.Octets, Verdict: m.Verdict,
		}})
	}
	for i := range s.Exchanges {
		x := &s.Exchanges[i]
		switch x.Verb {
		case pop3parse.DELE:
			if n := x.Number(); n > 0 && l.mayWait() {
				k := mark{number: n, mark: Mark{Exchange: x.N, At: x.RequestLast}, status: x.Status}
				if x.Pairing == pop3parse.Guessed {
					k.status = pop3parse.NoReply // it may be another command's
				}
				e.marks = append(e.marks, k)
			}
		case pop3parse.RSET:
			e.reset(x)
		}
	}
}

// mayWait reports whether another event of a session that is not over may
// be kept.
func (l *Ledger) mayWait() bool {
	if l.waiting >= l.limits.Waiting {
		l.skipped.Events++
		return false
	}
	l.waiting++
	return true
}

// reset decides the marks before an RSET.
func (e *events) reset(x *pop3parse.Exchange) {
	for i := range e.marks {
		k := &e.marks[i]
		switch {
		case k.mark.Outcome != Undecided || k.status == pop3parse.Err:
		case x.Status == pop3parse.OK && x.Pairing != pop3parse.Guessed:
			k.mark.Outcome, k.mark.Why = RolledBack, ByReset
		case x.Status != pop3parse.Err:
			k.mayReset = true
		}
	}
}
