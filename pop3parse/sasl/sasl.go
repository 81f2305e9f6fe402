package sasl

import (
	"strings"

	"popscope/pop3parse/secret"
)

// Turn is one step of a dialogue: what one side sent.
type Turn struct {
	Server bool   // the server's challenge; otherwise the client's response
	Data   []byte // base64 as on the wire, without "+ " and line end
}

// Exposure grades what somebody who reads the dialogue gains from it. The
// values are those of pop3parse.Exposure, in the same order.
type Exposure uint8

// From the worst to the best.
const (
	Cleartext Exposure = iota // the password can be read
	Token                     // a bearer token can be read
	Crackable                 // guesses of the password can be tested offline
	Protected                 // nothing reusable is shown
)

// String returns the word used in records.
func (e Exposure) String() string {
	return [...]string{"cleartext", "token", "crackable", "protected"}[e]
}

// Attempt is what one dialogue tells. Fields are zero where the mechanism
// has nothing of the kind or the turns do not show it. All bytes belong to
// the Attempt; text is as sent unless noted, and therefore hostile.
type Attempt struct {
	User    []byte       // who logs in; nil unknown. NTLM: `domain\user` in UTF-8; ANONYMOUS: the trace text; LOGIN: the first answer where no prompt says better
	AuthzID []byte       // whom the client asks to act as; nil unknown or not asked for
	Secret  secret.Bytes // password or token; an empty password is known

	// Challenge is the server's, decoded: the text of CRAM-*, DIGEST-MD5
	// and the server-first-message of SCRAM as sent; the eight bytes of NTLM
	// as 16 hex digits. Response is what the client computed from it: the
	// digest's hex digits, the base64 of SCRAM's p=, and of NTLM in hex the
	// NT response (NTLMv2) or the LM and NT responses with ":" between them.
	Challenge []byte
	Response  secret.Bytes

	// ServerProof shows that the server knows the secret too: rspauth of
	// DIGEST-MD5 and v= of SCRAM, as sent.
	ServerProof secret.Bytes

	Exposure Exposure // of what these turns show; see Exposes for turns that were lost

	Cancelled  bool // the client sent "*"
	BadBase64  bool // a turn is no base64, was cut or is padded wrongly
	Malformed  bool // a message has not the shape that its specification gives
	Incomplete bool // messages of the mechanism are missing, up to and with the one that carries secret or response; never set when Cancelled

	Iterations     int    // SCRAM: i= (RFC 5802 section 5.1); 0 unknown
	Variant        string // NTLM: "NTLMv1", "NTLMv1-ESS", "NTLMv2", "LM" or "anonymous"; Kerberos: the ticket's encryption type
	Peer           string // NTLM: the workstation; GSSAPI and KERBEROS_V4: the mechanism, and "service@realm" where visible
	Realm          []byte // DIGEST-MD5, Kerberos; NTLM: the domain, in UTF-8
	Service        []byte // what the client takes the server for: digest-uri, Kerberos service principal, "host:port" of OAUTHBEARER
	ServerError    string // why the server refuses: the status of OAuth's JSON, e= of SCRAM, a Kerberos or SPNEGO error
	ChannelBinding string // SCRAM and OAUTHBEARER: the gs2 flag "n", "y" or "p=..." (RFC 5801 section 4)
	SecurityLayer  bool   // an integrity or privacy layer was agreed: what follows success is opaque
}

// Decode reads a dialogue of the mechanism, whose name is taken without
// regard to case. An initial response is a client turn before any server
// turn. Turns may be missing at both ends and in between: what is there is
// read, and Incomplete is set. Decode keeps nothing of turns.
func Decode(mechanism string, turns []Turn) Attempt {
	a := Attempt{Exposure: Protected}
	m, known := lookup(mechanism)
	if !known {
		m = row{read: readUnknown}
	}
	msgs := a.messages(turns, m.binary)
	m.read(&a, msgs)
	if a.Cancelled {
		a.Incomplete = false
	}
	return a
}

// Known reports whether Decode reads the mechanism by its specification.
func Known(mechanism string) bool {
	_, ok := lookup(mechanism)
	return ok
}

// Exposes returns what a dialogue of the mechanism shows when it runs to
// its end. It serves where Attempt.Incomplete is set but the login is known
// to have succeeded, so that the missing turns did cross the wire. Unknown
// mechanisms are Crackable by caution: most of them compute something from
// a password.
func Exposes(mechanism string) Exposure {
	if m, ok := lookup(mechanism); ok {
		return m.exposes
	}
	return Crackable
}

// row is what the package knows of one mechanism.
type row struct {
	name    string // ends in "*" where the rest does not matter
	exposes Exposure
	binary  bool // messages are no text
	read    func(*Attempt, []message)
}

// lookup finds the row of a mechanism.
func lookup(mechanism string) (row, bool) {
	if mechanism == "" {
		return row{}, false
	}
	first := mechanism[0] &^ ('a' - 'A')
	for i := range mechanisms {
		r := &mechanisms[i]
		if r.name[0] != first {
			continue // most words that are asked about are passwords
		}
		n := len(r.name)
		if r.name[n-1] == '*' {
			if n--; len(mechanism) >= n && strings.EqualFold(mechanism[:n], r.name[:n]) {
				return *r, true
			}
		} else if len(mechanism) == n && strings.EqualFold(mechanism, r.name) {
			return *r, true
		}
	}
	return row{}, false
}

// mechanisms is the table of all rows.
var mechanisms = [...]row{
	{"PLAIN", Cleartext, false, readPlain},
	{"LOGIN", Cleartext, false, readLogin},
	{"CRAM-*", Crackable, false, readCRAM},
	{"DIGEST-MD5", Crackable, false, readDigest},
	{"SCRAM-*", Crackable, false, readSCRAM},
	{"NTLM", Crackable, true, readNTLM},
	{"MSN", Crackable, true, readNTLM}, // the name under which MSN's POP3 servers wanted NTLM
	{"XOAUTH2", Token, false, readOAuth},
	{"OAUTHBEARER", Token, false, readOAuth},
	{"EXTERNAL", Protected, false, readExternal},
	{"ANONYMOUS", Protected, false, readAnonymous},
	{"GSSAPI", Protected, true, readGSSAPI},
	{"GSS-SPNEGO", Crackable, true, readGSSAPI}, // may turn out to be NTLM
	{"KERBEROS_V4", Crackable, true, readKerberos4},
}

// readUnknown looks for messages whose shape gives them away. Whatever else
// a client sends is taken for something computed from its password: calling
// it Protected would be a claim without a reason.
func readUnknown(a *Attempt, msgs []message) {
	for _, m := range msgs {
		if m.server || len(m.data) == 0 {
			continue
		}
		switch {
		case isNTLM(m.data):
			readNTLM(a, msgs)
			return
		case isBearer(m.data):
			readOAuth(a, msgs)
			return
		case isPlain(m.data):
			readPlain(a, msgs)
			return
		}
		a.Exposure = Crackable
	}
}
