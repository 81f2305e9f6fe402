package audit

import (
	"slices"
	"strings"
	"time"
)

// Rule is one kind of finding: a row of the catalogue.
type Rule struct {
	Slug     string // its stable name
	Severity Severity
	Scope    Scope // what a finding of it is about: what its identity is made of
	Title    string
	Advice   string // what to do
	RFC      string // where a standard says it; "" where none does
	About    string // what it means, when it holds and when not
	Settings []Setting

	// session judges one session; nil where several have to be seen.
	session func(*view, *active)
	last    bool   // session is called for the last part of a session only
	needs   traits // without any of them session finds nothing, and is not called; 0: it always is
}

// Setting is a threshold of a rule that a policy can change.
type Setting struct {
	Name    string
	Default int64 // a number, or nanoseconds where Time is set
	Time    bool
	About   string
}

// Text returns a value of the setting as a policy writes it.
func (s Setting) Text(value int64) string {
	if s.Time {
		return shortDuration(time.Duration(value))
	}
	return itoa(value)
}

// shortDuration writes 1h0m0s as 1h.
func shortDuration(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + suffixIf(strings.HasSuffix(s, "m0s"), "m")
	return strings.TrimSuffix(s, "h0m") + suffixIf(strings.HasSuffix(s, "h0m"), "h")
}

func suffixIf(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

// Scope says what a finding is about: a set of things.
type Scope uint8

const (
	ofServer Scope = 1 << iota
	ofClient
	ofUser
	ofSession
	ofCapture
)

// The scopes that rules have.
const (
	ServerScope  = ofServer            // a server, whoever speaks to it
	ClientScope  = ofClient            // a client, whatever it speaks to
	AccountScope = ofServer | ofUser   // an account: a user of a server
	PairScope    = ofServer | ofClient // a client at a server
	LoginScope   = ofServer | ofClient | ofUser
	SessionScope = ofSession // one session; never the same in another capture
	CaptureScope = ofCapture // the capture as a whole
)

// String returns words for people.
func (s Scope) String() string {
	switch s {
	case ServerScope:
		return "server"
	case ClientScope:
		return "client"
	case AccountScope:
		return "server and user"
	case PairScope:
		return "server and client"
	case LoginScope:
		return "server, client and user"
	case SessionScope:
		return "session"
	}
	return "capture"
}

// themes are the parts of the catalogue, in its order.
var themes = []struct {
	name  string
	rules []Rule
}{
	{"Exposure", exposureRules},
	{"TLS", tlsRules},
	{"Attack", attackRules},
	{"Protocol", protocolRules},
	{EvidenceTheme, evidenceRules},
}

// EvidenceTheme is the name of the theme about what was not seen.
const EvidenceTheme = "Evidence"

// Theme is a part of the catalogue.
type Theme struct {
	Name  string
	Rules []Rule
}

// Catalogue returns all rules by theme, in the order of documentation.
func Catalogue() []Theme {
	var out []Theme
	for _, t := range themes {
		out = append(out, Theme{t.name, slices.Clone(t.rules)})
	}
	return out
}

// allRules returns all rules in the order of the catalogue.
func allRules() []*Rule {
	var out []*Rule
	for _, t := range themes {
		for i := range t.rules {
			out = append(out, &t.rules[i])
		}
	}
	return out
}
