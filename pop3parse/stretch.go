package pop3parse

import "popscope/reassembly/stream"

// Part says what a stretch of bytes is.
type Part uint8

// The parts of a session's bytes. Unread is what nobody could make sense
// of, after a loss or beyond a limit: it may hold anything, also a secret.
const (
	Unread    Part = iota
	Missing        // not in the capture
	Keyword        // of a command: the verb as sent, the white space before it and one space after it
	Args           // of a command: what follows, without the line end
	Indicator      // the +OK or -ERR of a status line, or the + of a challenge, and one space after it
	Words          // the rest of a status line, or a line of the server that is none; without the line end
	SASLData       // a line of a SASL dialogue, without the line end; the + of a challenge is Indicator
	LineEnd        // of any of these lines
	Rows           // data of a multi-line reply that is no message
	Mail           // bytes of a message
	Stuffing       // the dot that a sender put before a line of data (RFC 1939 section 3); no byte of a message
	Final          // the line with a dot that ends data
	Proxy          // a header of the PROXY protocol, before the first command
	TLS            // what follows an accepted STLS
	Wrapped        // what follows a login whose mechanism wraps the rest of the connection
)

// String returns the name used in records.
func (p Part) String() string {
	return [...]string{"unread", "missing", "keyword", "args", "indicator", "words", "sasl_data", "line_end", "rows", "mail",
		"stuffing", "final", "proxy", "tls", "wrapped"}[p]
}

// Stretch says what a run of bytes of one direction is. See
// Options.Stretch.
type Stretch struct {
	Dir    stream.Dir
	Part   Part
	Secure bool  // the bytes came decrypted from TLS, and Off counts them in that form
	Secret bool  // must not be shown: a password, a SASL turn, what may be one; of Unread always
	Off    int64 // in the stream of Dir
	Len    int64 // at least 1

	Greeting bool         // part of the server's first line
	Exchange int          // N of the exchange it is part of; 0 without one, or where that was not known in time
	Verb     Verb         // of that exchange, as far as it was known
	First    stream.Stamp // packets of the first and the last byte of the line or piece that it was cut from
	Last     stream.Stamp

	// Valid iff Part is Mail.
	Number    int   // message number, 0 unknown
	At        int64 // offset of its first byte in the message, gaps counted
	Announced int64 // octets that the status line claims for the message; -1 when it does not
}

// End returns the stream offset of the byte after the stretch.
func (s *Stretch) End() int64 { return s.Off + s.Len }
