package pop3parse

import (
	"bytes"
	"time"

	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// Status is the indicator a reply begins with (RFC 1939 section 3).
type Status uint8

// NoReply when no reply was captured.
const (
	NoReply Status = iota
	OK
	Err
)

// String returns "+OK", "-ERR" or nothing.
func (s Status) String() string { return [...]string{"", "+OK", "-ERR"}[s] }

// Pairing says how sure it is that a reply belongs to its command.
type Pairing uint8

// Sure until something is lost, or there are two copies of it with different
// numbers of lines (Parser.Dispute); Resynced where the acknowledgement numbers
// say which command a reply after that belongs to; Guessed where only the
// shape of the text does.
const (
	Sure Pairing = iota
	Resynced
	Guessed
)

// String returns the contract's word.
func (p Pairing) String() string { return [...]string{"sure", "resynced", "guessed"}[p] }

// State is a state of the POP3 session (RFC 1939 section 3).
type State uint8

// StateUnknown where the capture began too late to tell.
const (
	StateUnknown State = iota
	Greeting
	Authorization
	Transaction
	Update
)

// String returns the contract's word.
func (s State) String() string {
	return [...]string{"unknown", "greeting", "authorization", "transaction", "update"}[s]
}

// Turn is one step of a SASL dialogue (RFC 5034 section 4).
type Turn struct {
	From stream.Dir
	Data secret.Text // base64 as sent, without "+ " and line end; secret is the client's, and the server's where it repeats a secret or proves that it knows it
	At   stream.Stamp
}

// Exchange is a command with its reply. The slices in it belong to the
// session and must not be changed.
type Exchange struct {
	N          int // from 1; the greeting is no exchange
	Status     Status
	State      State // in which state the command was given
	Pairing    Pairing
	Multiline  bool
	Terminated bool // valid iff Multiline: the final "." line was seen
	Pipelined  bool // sent before the reply to the command before it had come
	Encrypted  bool
	SecretBody bool // the data, of no message, may repeat a secret of the session: Body is one
	Notes      Notes

	// Verb is in upper case. It is "" where the command was not captured and
	// its reply does not betray it, and where the line is no command and may
	// be a secret as a whole, which stands in Args then.
	Verb     Verb
	VerbSent []byte      // as written, where that differs from Verb; otherwise nil
	Args     secret.Text // what follows the verb and one space
	Text     secret.Text // the status line after the status and one space
	Code     []byte      // RFC 2449 section 8 response code without brackets; nil without one
	SASL     []Turn

	// Valid iff Multiline.
	Lines     int64  // lines of the data, without the final "." line
	Octets    int64  // of the data as sent, without the final "." line
	Body      []byte // the first Options.KeepBody bytes of the data as the server meant it: dot-unstuffed, line ends as sent
	BodyTotal int64  // length of all the data in that form

	RequestFirst, RequestLast stream.Stamp // packets of the command's first and last byte; zero when not captured
	ReplyFirst, ReplyLast     stream.Stamp // packets of the reply's first and last byte; zero when not captured

	standing
}

// Echoes reports whether the text of the reply was seen to repeat what the
// client had sent as a secret. Otherwise what is secret of it is taken for that
// to be safe: something was lost, or the command is not known.
func (x *Exchange) Echoes() bool { return x.echo }

// Number returns the number of the message that the command names first,
// as in "RETR 3" and "TOP 3 0"; 0 without one, or where only the first
// digits of it may have been captured.
func (x *Exchange) Number() int {
	args := x.Args.Reveal()
	if x.Notes.Has(CommandDamaged) && bytes.IndexByte(bytes.TrimLeft(args, " "), ' ') < 0 {
		return 0
	}
	return messageNumber(args)
}

// Think returns the time from the command's last byte to the reply's
// first one, and whether both are known.
func (x *Exchange) Think() (time.Duration, bool) {
	if x.RequestLast.Packet == 0 || x.ReplyFirst.Packet == 0 || x.Notes.Has(CommandDamaged) {
		return 0, false
	}
	return time.Duration(x.ReplyFirst.Nanos - x.RequestLast.Nanos), true
}

// Transfer returns the time from the reply's first byte to its last one,
// and whether a reply is known.
func (x *Exchange) Transfer() (time.Duration, bool) {
	if x.ReplyFirst.Packet == 0 || x.ReplyLast.Packet == 0 {
		return 0, false
	}
	return time.Duration(x.ReplyLast.Nanos - x.ReplyFirst.Nanos), true
}
