package pop3parse

import (
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// Session is what a Parser learned about one POP3 session as a whole.
type Session struct {
	Greeting       secret.Text  // the server's first line after the status; empty when not captured
	GreetingAt     stream.Stamp // packet of its first byte; valid iff HasGreeting
	HasGreeting    bool
	Refused        bool   // the greeting was -ERR
	Challenge      []byte // the APOP timestamp in the greeting, brackets and all (RFC 1939 section 7); nil without one
	User           []byte // whose maildrop it is: of the login that succeeded, or of one whose outcome was not captured; nil when no login was
	StatMessages   int64  // messages and octets in the maildrop as the last STAT told; -1 when there was none
	StatOctets     int64
	Capabilities   [][]byte // rows of the last CAPA list as sent, with secret.Mask in place of what repeats a secret; nil when none was seen
	ClearCapa      *Capa    // the first CAPA list in clear before the login; nil without one
	TLSCapa        *Capa    // the first one inside TLS before the login
	State          State    // the last one reached
	STLS           bool     // STLS was accepted
	ClearAfterSTLS bool     // commands in clear followed the accepted STLS, sent when its reply was known
	Committed      bool     // QUIT was accepted in TRANSACTION: the UPDATE state was reached
	Deleted        int      // messages marked as deleted when the session ended
	Ending         Ending   // what became of those marks; EndUnseen until End
	Exchanges      int      // all of them, also those handed on in earlier parts
	Logins         int
	Messages       int
	Notes          Notes // what belongs to no exchange: the greeting, the connection as a whole
}

// Capa is one answer to CAPA (RFC 2449 section 5).
type Capa struct {
	Exchange int
	Rows     [][]byte     // as sent; at most 256 of them
	At       stream.Stamp // packet of the reply's first byte
}

// noteCapa keeps the list that an exchange brought, if it is the first of
// its kind and whole.
func (p *Parser) noteCapa(x *Exchange) {
	if x.Verb != CAPA || x.Status != OK || !x.Terminated || x.State != Authorization || x.Notes.Has(ReplyDamaged) {
		return
	}
	to := &p.ses.ClearCapa
	if x.Encrypted {
		to = &p.ses.TLSCapa
	}
	if *to == nil {
		*to = &Capa{Exchange: x.N, Rows: p.ses.Capabilities, At: x.ReplyFirst}
	}
}
