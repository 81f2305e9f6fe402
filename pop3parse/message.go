package pop3parse

import "popscope/reassembly/stream"

// Verdict says how much of a message was captured.
type Verdict uint8

// Complete only when every byte and the final "." line were seen.
const (
	Complete     Verdict = iota
	Truncated            // the capture or connection ended inside it, or it may have begun before what was captured of it
	Gaps                 // bytes inside it were lost
	Unterminated         // all bytes were seen, but no final "." line
)

// String returns the contract's word.
func (v Verdict) String() string {
	return [...]string{"complete", "truncated", "gaps", "unterminated"}[v]
}

// Gap is a stretch of a message that was lost.
type Gap struct {
	Offset, Length int64 // in bytes of the message, the gaps before it counted
}

// MaxGaps bounds the gap map of a message: one of a gigabyte that lost every
// tenth segment would have 70,000 gaps, and nobody reads that far.
const MaxGaps = 4096

// Message is a mail that went over the wire: the multi-line reply to RETR
// or TOP, or the client's data after XTND XMIT.
type Message struct {
	Exchange    int   // N of its exchange
	Number      int   // message number in the maildrop; 0 for mail that is sent
	Command     Verb  // RETR, TOP or XTND
	Octets      int64 // exact bytes captured: dot-unstuffed, without the final "." line
	Verdict     Verdict
	Gaps        []Gap
	GapsMerged  bool         // there were more than MaxGaps: the last Gap stands for several, and only its length is right
	Announced   int64        // octets that the status line claims; -1 when it does not
	UIDL        []byte       // where the session told
	Listed      int64        // octets that LIST claims for it; -1 when it did not tell
	First, Last stream.Stamp // packets of the first and last byte of the data
	From        stream.Dir   // who sent the data
	FirstOff    int64        // stream offset of the first byte in From's direction; valid iff Octets > 0
	LastOff     int64        // stream offset of the last byte; valid iff Octets > 0
	Fate        Fate         // Unsettled until End
}

// Sink takes the bytes of one message as they come: dot-unstuffed and
// without the final "." line.
type Sink interface {
	// Data takes the next bytes, which are valid during the call only.
	Data(p []byte)
	// Gap says that n bytes are missing here.
	Gap(n int64)
	// End says that the message is over; m is final but for Fate and UIDL.
	End(m *Message)
}
