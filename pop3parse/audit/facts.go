package audit

import (
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Facts is what is known of one session, or of one part of a session that
// comes in several. Nothing in it is changed or kept beyond the call that
// it is given to.
type Facts struct {
	ID        string // up to 12 characters of IDAlphabet
	Last      bool   // the session's facts are final; false in all parts but the last one
	Conn      *stream.Conn
	Session   *pop3parse.Session
	Exchanges []pop3parse.Exchange
	Logins    []pop3parse.Login
	Messages  []pop3parse.Message
	TLS       *stream.TLSInfo // nil without TLS
	Cipher    string          // the name of TLS.Cipher in IANA's registry; "" without one
	OneSided  bool            // only Side was captured
	Side      stream.Dir      // valid iff OneSided

	keys keys // filled in by Auditor.Expect
}
