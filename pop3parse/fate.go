package pop3parse

import "popscope/reassembly/stream"

// Ending says how a session ended, as far as that decides what became of
// the messages that were marked as deleted then.
type Ending uint8

// The endings. RFC 1939 section 6: messages are removed by QUIT alone, and
// where its reply is -ERR some of them may have been.
const (
	EndUnseen      Ending = iota // it was not seen to its end
	EndMissing                   // bytes that may hold a QUIT are missing, or were not opened
	QuitUnanswered               // QUIT was given, its reply was not seen
	QuitRefused                  // QUIT was answered with -ERR
	QuitAccepted                 // they were removed: Session.Committed
	NoQuit                       // the connection ended without QUIT: nothing was removed
)

// Fate says what became of a message that was fetched.
type Fate uint8

// The fates.
const (
	Unsettled Fate = iota // not known, or no message of the maildrop: a mail that is sent
	Stayed                // it was not deleted in this session
	Deleted               // marked by DELE, and the deletion was committed
)

// ending decides how the session ended.
func (p *Parser) ending() Ending {
	switch {
	case p.ses.Committed:
		return QuitAccepted
	case p.quit == QuitAccepted:
		return EndMissing // what it took the session out of was not seen
	case p.quit != EndUnseen:
		return p.quit
	case p.missing[stream.Client], !p.spoke[stream.Client], !p.spoke[stream.Server], p.opaque, p.tls[stream.Client] && !p.opened:
		return EndMissing
	case p.reason == stream.ClosedFIN || p.reason == stream.ClosedRST:
		return NoQuit
	}
	return EndUnseen
}

// fate decides what became of a message, whose entry in the maildrop is e.
func (p *Parser) fate(m *Message, e *Entry) Fate {
	end := p.ses.Ending
	switch {
	case m.From == stream.Client:
		return Unsettled
	case end == NoQuit:
		return Stayed
	case m.Number == 0: // it may be any of those that were marked
		return Unsettled
	case e.Marked && end == QuitAccepted && !e.Doubtful:
		return Deleted
	case e.Marked, p.drop.unkept, end <= EndMissing, p.missing[stream.Client], p.missing[stream.Server]:
		return Unsettled
	}
	return Stayed
}
