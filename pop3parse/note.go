package pop3parse

import "math/bits"

// Note is a fact about an exchange that somebody may want to judge. Notes
// state, they do not accuse: package audit decides what is a finding.
type Note uint8

// The order is that of output and is part of no contract; names are.
const (
	BareLF             Note = iota // a line ends in LF alone
	LoneCR                         // a CR without LF inside a line
	NUL                            // a zero byte inside a line
	LongCommand                    // command line over 255 octets (RFC 2449 section 4)
	LongReply                      // reply line over 512 octets (RFC 2449 section 4)
	LineCut                        // a line over the limit of the scanner; its rest was skipped
	DotAfterBareLF                 // "." after a bare LF: not at the start of a line
	BareLFTerminator               // the final "." line ends in LF alone
	Unstuffed                      // a line of the data begins with a single dot: not byte-stuffed
	OctetsDiffer                   // the octets announced are not those sent
	UnexpectedLine                 // the server sent lines that are no reply before this reply
	UnknownCommand                 // not a command that any known standard or dialect has
	LookAhead                      // single or multi-line was decided by what followed
	CommandLost                    // the command was not captured
	CommandDamaged                 // part of the command line was not captured
	ReplyLost                      // the reply was not captured
	ReplyDamaged                   // part of the reply was not captured
	UnexpectedReply                // a reply came to no command
	WrongState                     // not allowed in the session's state
	NumberDeleted                  // refers to a message marked as deleted
	SASLCancelled                  // SASL cancelled with "*"
	BadBase64                      // a SASL line is not base64
	PlaintextAfterSTLS             // in clear after the +OK to STLS
	Injected                       // sent in one go with STLS, before the +OK
	ListedMulti                    // LIST n or UIDL n answered with several lines
	SpaceAround                    // more than one space, or spaces at the end of the command
	QueueLimit                     // given up because too many commands waited for replies
	HoldLimit                      // decided early because too many bytes waited
	TurnsLimit                     // more SASL turns than are kept
	SecurityLayer                  // what follows the login is wrapped by the SASL mechanism
	ProxyHeader                    // a header of the PROXY protocol stood before the first command
	DifferingCopies                // bytes of it were sent twice, and differently; the first copy counts
	DuplicateUID                   // a UIDL listing gives one unique id to several messages
	OddUID                         // a unique id is not 1 to 70 octets of 0x21 to 0x7E (RFC 1939 section 7)
	MaildropLimit                  // more messages in the maildrop than are remembered
	CapaLimit                      // more capabilities than are kept
	numNotes
)

var noteNames = [numNotes]string{
	"bare_lf", "lone_cr", "nul", "long_command", "long_reply", "line_cut", "dot_after_bare_lf", "bare_lf_terminator",
	"unstuffed", "octets_differ", "unexpected_line", "unknown_command", "look_ahead", "command_lost", "command_damaged",
	"reply_lost", "reply_damaged", "unexpected_reply", "wrong_state", "number_deleted", "sasl_cancelled", "bad_base64",
	"plaintext_after_stls", "injected", "listed_multi", "space_around", "queue_limit", "hold_limit", "turns_limit",
	"security_layer", "proxy_header", "differing_copies", "duplicate_uid", "odd_uid",
	"maildrop_limit", "capa_limit",
}

// String returns the name used in records.
func (n Note) String() string { return noteNames[n] }

// Notes is a set of Note.
type Notes uint64

// Add puts n into the set.
func (s *Notes) Add(n Note) { *s |= 1 << n }

// Has reports whether n is in the set.
func (s Notes) Has(n Note) bool { return s&(1<<n) != 0 }

// Len returns the number of notes in the set.
func (s Notes) Len() int { return bits.OnesCount64(uint64(s)) }

// Each calls f for every note of the set, in order.
func (s Notes) Each(f func(Note)) {
	for s != 0 {
		f(Note(bits.TrailingZeros64(uint64(s))))
		s &= s - 1
	}
}
