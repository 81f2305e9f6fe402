package audit

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

// String returns the contract's word.
func (s Severity) String() string {
	return [...]string{"info", "low", "medium", "high", "critical"}[s]
}

// Finding is a judgement about one session, or about several together. It
// holds no secret: what it quotes from the wire is text without secrets,
// but not inert yet.
type Finding struct {
	Rule     string // a stable slug, as "cleartext-login"
	Severity Severity
	Title    string // of the rule: the same in every finding of it
	Detail   string // what was seen this time
	Advice   string // what to do about it
	RFC      string // as "RFC 8314 section 4.1"; empty where no standard says it
	Packets  []int64
	User     []byte   // nil where no account is concerned
	Sessions []string // valid iff it is about several: their ids; nil in Result.Findings
}
