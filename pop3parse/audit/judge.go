package audit

import (
	"net/netip"
	"slices"
	"strconv"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Judge applies the rules that need one session only. It does not change:
// any number of goroutines may use one.
type Judge struct {
	rules  []*active
	ignore ignored
}

// NewJudge returns a Judge for a policy.
func NewJudge(p *Policy) *Judge {
	j := &Judge{ignore: p.Ignore.ready()}
	for _, r := range allRules() {
		if r.session == nil {
			continue
		}
		if a := p.apply(r); a != nil {
			j.rules = append(j.rules, a)
		}
	}
	return j
}

// Buffer is memory for findings, to be used again. Its zero value is ready.
type Buffer struct{ view view }

// Session returns the findings about one session, or about one part of it,
// in the order of the catalogue. They lie in b, and are valid until that is
// given to Session again.
func (j *Judge) Session(f *Facts, b *Buffer) []Finding {
	v := &b.view
	clear(v.findings)
	*v = view{findings: v.findings[:0], packets: v.packets[:0]}
	if j.ignore.session(f) {
		return nil
	}
	v.Facts, v.ignore = f, &j.ignore
	v.look()
	for _, r := range j.rules {
		if f.Last || !r.last {
			r.session(v, r)
		}
	}
	v.Facts = nil
	return v.findings
}

// view is a session while it is judged.
type view struct {
	*Facts
	ignore   *ignored
	findings []Finding
	packets  []int64 // of all findings

	notes     pop3parse.Notes               // of all exchanges
	clear     bool                          // a login went outside of TLS
	shown     [pop3parse.Protected + 1]bool // what logins outside of TLS showed
	scram     bool                          // an iteration count was seen
	verbs     verbSet
	refused   bool // a command was refused
	odd       bool // a pairing is not sure
	encrypted bool // an exchange was
	masked    bool // a reply repeats a secret
}

// verbSet says which of the commands that rules look for are there.
type verbSet struct{ stls, mail, capa, apop bool }

// look sees in one pass what rules ask for first, so that most of them are
// done without another one.
func (v *view) look() {
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		v.notes |= x.Notes
		v.refused = v.refused || x.Status == pop3parse.Err
		v.odd = v.odd || x.Pairing != pop3parse.Sure
		v.encrypted = v.encrypted || x.Encrypted
		v.masked = v.masked || x.Text.HasSecret()
		switch x.Verb {
		case pop3parse.STLS:
			v.verbs.stls = true
		case pop3parse.RETR, pop3parse.TOP, pop3parse.XTND:
			v.verbs.mail = true
		case pop3parse.CAPA:
			v.verbs.capa = true
		case pop3parse.APOP:
			v.verbs.apop = true
		}
	}
	for i := range v.Logins {
		l := &v.Logins[i]
		if !l.Encrypted {
			v.clear, v.shown[l.Exposure] = true, true
		}
		v.scram = v.scram || l.Iterations > 0
	}
}

// finding is what a finding of a rule about this session begins as.
func (v *view) finding(r *active, detail string, e *evidence) Finding {
	return Finding{
		Rule: r.Slug, Severity: r.severity, Title: r.Title, Detail: detail, Advice: r.Advice, RFC: r.RFC, Packets: v.keep(e),
		Server: v.Conn.Server, Client: v.Conn.Client.Addr(), scope: r.Scope, session: v.ID,
	}
}

// find adds a finding about no account.
func (v *view) find(r *active, detail string, e *evidence) {
	v.findings = append(v.findings, v.finding(r, detail, e))
}

// findUser adds a finding about an account.
func (v *view) findUser(r *active, user []byte, detail string, e *evidence) {
	if v.ignore.account(user) {
		return
	}
	f := v.finding(r, detail, e)
	f.User = user
	v.findings = append(v.findings, f)
}

// noted adds a finding about the exchanges that have one of the notes, or
// nothing when there are none. The words are those of plural.
func (v *view) noted(r *active, notes pop3parse.Notes, one, many string) {
	if (v.notes|v.Session.Notes)&notes == 0 {
		return
	}
	var e evidence
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Notes&notes != 0 {
			e.exchange(x)
		}
	}
	if v.Session.Notes&notes != 0 && v.Last {
		e.add(v.Session.GreetingAt)
	}
	if e.total > 0 {
		v.find(r, plural(e.total, one, many), &e)
	}
}

// keep moves what was collected to where it stays.
func (v *view) keep(e *evidence) []int64 {
	if e.n == 0 {
		return nil
	}
	from := len(v.packets)
	v.packets = append(v.packets, e.packets[:e.n]...)
	return v.packets[from:len(v.packets):len(v.packets)]
}

// evidence collects the packets that show something.
type evidence struct {
	packets [MaxEvidence]int64 // the first n, in order
	n       int
	total   int // how many times something was added
}

// add takes a packet, and counts what it shows.
func (e *evidence) add(at stream.Stamp) {
	e.total++
	e.also(at)
}

// also takes a further packet of what was counted already.
func (e *evidence) also(at stream.Stamp) {
	if at.Packet == 0 || e.n == MaxEvidence {
		return
	}
	i, found := slices.BinarySearch(e.packets[:e.n], at.Packet)
	if !found {
		copy(e.packets[i+1:], e.packets[i:e.n])
		e.packets[i] = at.Packet
		e.n++
	}
}

// exchange takes an exchange: its reply's packet, or its command's where
// there is no reply.
func (e *evidence) exchange(x *pop3parse.Exchange) {
	if x.ReplyFirst.Packet != 0 {
		e.add(x.ReplyFirst)
		return
	}
	e.add(x.RequestFirst)
}

// both takes an exchange with its command's and its reply's packet.
func (e *evidence) both(x *pop3parse.Exchange) {
	e.add(x.RequestFirst)
	e.also(x.ReplyFirst)
}

// plural writes "1 line" and "2 lines", where one is "1 line" and many is
// "lines".
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return strconv.Itoa(n) + " " + many
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// network returns the network that an address is counted to: a /24 of
// IPv4, a /48 of IPv6.
func network(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
