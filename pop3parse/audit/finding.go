package audit

import (
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"strings"
)

// Severity says how much a finding matters.
type Severity uint8

// From the least to the most.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the contract's word.
func (s Severity) String() string { return severityNames[s] }

// Severities returns the names of all severities, from the least to the
// most.
func Severities() []string { return severityNames[:] }

// ParseSeverity returns the severity that a word names, in any case of
// letters, and whether it names one.
func ParseSeverity(word string) (Severity, bool) {
	for i, name := range severityNames {
		if strings.EqualFold(word, name) {
			return Severity(i), true
		}
	}
	return 0, false
}

// Finding is a judgement about one session, or about several together. It
// holds no secret: what it quotes from the wire is text without secrets,
// but not inert yet.
type Finding struct {
	Rule     string // a stable slug, as "cleartext-login"
	Severity Severity
	Title    string  // of the rule: the same in every finding of it
	Detail   string  // what was seen this time
	Advice   string  // what to do about it
	RFC      string  // as "RFC 8314 section 4.1"; empty where no standard says it
	Packets  []int64 // evidence: at most MaxEvidence of them, in order
	User     []byte  // nil where no account is concerned

	Server netip.AddrPort // zero where the finding is not about one server
	Client netip.Addr     // zero where it is not about one client

	Sessions []string // valid iff it is about several: the ids of at most MaxEvidence of them; nil in Result.Findings

	scope   Scope
	session string // valid iff scope is SessionScope
}

// MaxEvidence bounds the packets, and the sessions, that a finding names;
// its detail tells how many there were. A person looks at two or three.
const MaxEvidence = 20

// ID names what the finding is about, in a form that is the same for the
// same thing on every run and in every capture: a digest of the rule and of
// what the rule's scope says, for example of server and user. Two findings
// with one ID are the same trouble seen twice.
func (f *Finding) ID() string { return string(f.AppendID(nil)) }

// AppendID appends ID to dst.
func (f *Finding) AppendID(dst []byte) []byte {
	b := append(append(make([]byte, 0, 256), f.Rule...), 0)
	if f.scope&ofServer != 0 {
		b = append(f.Server.AppendTo(b), 0)
	}
	if f.scope&ofClient != 0 {
		b = append(f.Client.AppendTo(b), 0)
	}
	if f.scope&ofUser != 0 {
		b = append(append(b, f.User...), 0)
	}
	if f.scope&ofSession != 0 {
		b = append(append(b, f.session...), 0)
	}
	sum := sha256.Sum256(b)
	return idEncoding.AppendEncode(dst, sum[:idBytes])
}

// idBytes makes ids of 12 letters and digits, like those of sessions.
const idBytes = 60 / 8

// IDAlphabet is what ids of sessions and findings consist of: no letter that
// is taken for a digit or another letter.
const IDAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var idEncoding = base32.NewEncoding(IDAlphabet).WithPadding(base32.NoPadding)
