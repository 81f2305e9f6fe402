package pop3parse

import (
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// Outcome says how an attempt to log in ended.
type Outcome uint8

// OutcomeUnknown when its reply was not captured.
const (
	OutcomeUnknown Outcome = iota
	Success
	Failure
)

// String returns the contract's word.
func (o Outcome) String() string { return [...]string{"unknown", "success", "failure"}[o] }

// Exposure grades what someone who reads the traffic gains from a login.
type Exposure uint8

// From the worst to the best.
const (
	Cleartext Exposure = iota // the password can be read
	Token                     // a bearer token can be read
	Crackable                 // guesses of the password can be tested offline
	Protected                 // inside TLS, or nothing reusable is shown
)

// String returns the contract's word.
func (e Exposure) String() string {
	return [...]string{"cleartext", "token", "crackable", "protected"}[e]
}

// NoMechanism is the Mechanism of an AUTH whose first word cannot be the name
// of one: it is taken for the initial response, which needs to be masked.
const NoMechanism = "?"

// Login is one attempt to authenticate.
type Login struct {
	Exchange   int    // N of the exchange that decided it: PASS, APOP, RPOP or AUTH
	Mechanism  string // "USER/PASS", "APOP", "RPOP", the SASL name in upper case, or NoMechanism
	User       []byte
	AuthzID    []byte       // where the client asked to act as somebody else
	Secret     secret.Bytes // password or token; unknown where the mechanism does not show it
	Challenge  []byte       // decoded; of APOP, CRAM-MD5, DIGEST-MD5, SCRAM, NTLM; nil where it repeats a secret
	Response   secret.Bytes // what the client computed from the challenge
	Outcome    Outcome
	Reason     Reason
	ReasonText secret.Text // the server's words
	Exposure   Exposure
	Encrypted  bool
	Held       bool         // refused only since the maildrop was in use, so the secret was right (RFC 1939 section 4, RFC 2449 section 8.1.2)
	At         stream.Stamp // the packet that carried the secret or response

	Iterations int    // SCRAM: the iteration count; 0 unknown
	Peer       string // NTLM: the workstation; GSSAPI and KERBEROS_V4: the mechanism, and "service@realm" where visible
}

// account returns whose maildrop the login opens.
func (l *Login) account() []byte {
	if len(l.AuthzID) > 0 {
		return l.AuthzID
	}
	return l.User
}

// Reason says why a login failed, as far as response code and text tell
// (RFC 2449 section 8.1, RFC 3206).
type Reason uint8

// NoReason for success, and where nothing is known.
const (
	NoReason       Reason = iota
	BadCredentials        // [AUTH], or text that says so; also of accounts that are locked (RFC 3206 section 5)
	InUse                 // [IN-USE], or text that says so; see Login.Held
	LoginDelay            // [LOGIN-DELAY]
	TempFault             // [SYS/TEMP]
	PermFault             // [SYS/PERM]
	Cancelled             // the client sent "*"
	NotSupported          // the server does not know or allow the mechanism
	TLSRequired           // the server wants TLS first
	UnknownUser           // the server says that there is no such user
	OtherReason           // -ERR with words that say none of these
)

// String returns the word used in records; empty for NoReason.
func (r Reason) String() string {
	return [...]string{"", "bad_credentials", "in_use", "login_delay", "temporary_fault", "permanent_fault",
		"cancelled", "not_supported", "tls_required", "unknown_user", "other"}[r]
}
