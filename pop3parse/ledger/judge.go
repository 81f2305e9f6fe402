package ledger

import (
	"cmp"
	"slices"

	"popscope/pop3parse"
)

// Outcome says what became of a mark.
type Outcome uint8

// See the package comment.
const (
	Undecided  Outcome = iota // no mark was set; never that of a Mark
	Committed                 // the message was removed
	RolledBack                // it stayed
	Refused                   // it was not marked
	Unknown
)

// String returns the word used in records.
func (o Outcome) String() string {
	return [...]string{"", "committed", "rolled_back", "refused", "unknown"}[o]
}

// Why says what an Outcome rests on.
type Why uint8

// The reasons for an Outcome.
const (
	ByQuit         Why = iota // QUIT was accepted
	ByReset                   // RSET was accepted
	WithoutQuit               // the connection ended, and there was no QUIT
	ByServer                  // -ERR to the DELE
	ByLoss                    // bytes are missing that may change it
	QuitRefused               // -ERR to the QUIT: some messages may not have been removed (RFC 1939 section 6)
	QuitUnanswered            // QUIT was sent, its reply was not seen
	Unanswered                // DELE was sent, its reply was not seen
	CaptureEnded              // the session was not seen to its end
)

// String returns the word used in records.
func (w Why) String() string {
	return [...]string{"quit", "rset", "no_quit", "server", "loss", "quit_refused", "quit_unanswered", "unanswered", "capture_ended"}[w]
}

// Repeat says why a message was fetched again.
type Repeat uint8

// The reasons, in the order in which they are looked for.
const (
	NoRepeat        Repeat = iota
	AfterIncomplete        // the RETR before did not give the whole message
	InSession              // the same session asked twice
	DeletedBefore          // its deletion was committed, and it is there all the same
	AfterNoQuit            // it had been marked, and the connection ended without QUIT
	AfterReset             // it had been marked, and RSET unmarked it
	AfterRefusal           // the server had refused to mark it
	AfterUnknown           // it had been marked, and what became of that is not known
	OtherClient            // another client fetched it before
	NotDeleted             // the client fetched it before and left it there
)

// String returns the word used in records.
func (r Repeat) String() string {
	return [...]string{"", "incomplete", "same_session", "deleted_but_there", "connection_lost", "deletion_reset", "deletion_refused",
		"deletion_unknown", "other_client", "not_deleted"}[r]
}

// judge decides the marks of a session that is over.
func (e *events) judge(s *Session) {
	for i := range e.marks {
		k := &e.marks[i]
		if k.mark.Outcome == Undecided {
			k.mark.Outcome, k.mark.Why = k.outcome(s)
		}
	}
}

// outcome decides a mark that no RSET has decided. What is in doubt about it
// matters only where QUIT was accepted.
func (k *mark) outcome(s *Session) (Outcome, Why) {
	entry, _ := s.Maildrop.Entry(k.number)
	end := s.Session.Ending
	switch {
	case k.status == pop3parse.Err:
		return Refused, ByServer
	case end != pop3parse.QuitAccepted:
		return AtEnd(end)
	case k.status == pop3parse.NoReply:
		return Unknown, Unanswered
	case k.mayReset || !entry.Marked || entry.Doubtful:
		return Unknown, ByLoss
	}
	return Committed, ByQuit
}

// AtEnd returns what became of the marks that stood when a session ended.
func AtEnd(e pop3parse.Ending) (Outcome, Why) {
	switch e {
	case pop3parse.QuitAccepted:
		return Committed, ByQuit
	case pop3parse.NoQuit:
		return RolledBack, WithoutQuit
	case pop3parse.QuitRefused:
		return Unknown, QuitRefused
	case pop3parse.QuitUnanswered:
		return Unknown, QuitUnanswered
	case pop3parse.EndMissing:
		return Unknown, ByLoss
	}
	return Unknown, CaptureEnded
}

// settle puts what is known of a message in the order of time, and says why
// it was fetched again.
func (m *Message) settle() {
	slices.SortStableFunc(m.Fetches, func(a, b Fetch) int {
		return cmp.Or(cmp.Compare(a.At.Packet, b.At.Packet), cmp.Compare(a.Session, b.Session), cmp.Compare(a.Exchange, b.Exchange))
	})
	slices.SortStableFunc(m.Marks, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.At.Packet, b.At.Packet), cmp.Compare(a.Session, b.Session), cmp.Compare(a.Exchange, b.Exchange))
	})
	var before *Fetch
	marks := m.Marks
	for i := range m.Fetches {
		f := &m.Fetches[i]
		if f.Command != pop3parse.RETR {
			continue
		}
		if before != nil {
			var last *Mark // the last one between the two
			for len(marks) > 0 && marks[0].At.Packet <= f.At.Packet {
				if marks[0].At.Packet >= before.At.Packet {
					last = &marks[0]
				}
				marks = marks[1:]
			}
			f.Repeat = whyAgain(before, f, last)
		}
		before = f
	}
}

// whyAgain says why f was fetched although before was; last is the last
// mark between the two, or nil.
func whyAgain(before, f *Fetch, last *Mark) Repeat {
	switch {
	case before.Verdict == pop3parse.Truncated || before.Verdict == pop3parse.Unterminated:
		return AfterIncomplete
	case before.Session == f.Session:
		return InSession
	case last == nil && before.Client.Addr() != f.Client.Addr():
		return OtherClient
	case last == nil:
		return NotDeleted
	}
	switch last.Outcome {
	case Committed:
		return DeletedBefore
	case RolledBack:
		if last.Why == ByReset {
			return AfterReset
		}
		return AfterNoQuit
	case Refused:
		return AfterRefusal
	}
	return AfterUnknown
}

// Deletion returns what became of the last mark of the message, but for
// refused ones that follow another; Undecided if it never had one.
func (m *Message) Deletion() (Outcome, Why) {
	for i := len(m.Marks) - 1; i >= 0; i-- {
		if k := &m.Marks[i]; k.Outcome != Refused || i == 0 {
			return k.Outcome, k.Why
		}
	}
	return Undecided, ByQuit
}

// Retrieved counts the RETRs of the message, and those that gave all of it.
func (m *Message) Retrieved() (all, complete int) {
	for i := range m.Fetches {
		if m.Fetches[i].Command == pop3parse.RETR {
			all++
			if m.Fetches[i].Verdict == pop3parse.Complete {
				complete++
			}
		}
	}
	return all, complete
}
