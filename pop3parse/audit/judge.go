package audit

import (
	"math/bits"
	"net/netip"
	"slices"
	"strconv"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Judge applies the rules that need one session only. It does not change:
// any number of goroutines may use one.
type Judge struct {
	rules  []*active              // in the order of the catalogue, at most maxRules
	last   ruleSet                // those for the last part of a session only
	always ruleSet                // those that need no trait
	by     [bits.UintSize]ruleSet // those that need a trait, by its bit; most sessions have few
	ignore ignored
}

// ruleSet is a set of a Judge's rules, a bit for each.
type ruleSet uint64

const maxRules = 64

// NewJudge returns a Judge for a policy; new(Policy) is the catalogue as it
// stands.
func NewJudge(p *Policy) *Judge {
	j := &Judge{ignore: p.Ignore.ready()}
	for _, r := range allRules() {
		if r.session == nil {
			continue
		}
		if a := p.apply(r); a != nil {
			j.add(a)
		}
	}
	return j
}

// add takes a rule.
func (j *Judge) add(a *active) {
	if len(j.rules) == maxRules {
		panic("audit: internal error: more rules about one session than a set can hold")
	}
	this := ruleSet(1) << len(j.rules)
	j.rules = append(j.rules, a)
	if a.last {
		j.last |= this
	}
	if a.needs == 0 {
		j.always |= this
	}
	for t := a.needs; t != 0; t &= t - 1 {
		j.by[bits.TrailingZeros(uint(t))] |= this
	}
}

// due returns the rules that may find something.
func (j *Judge) due(t traits) ruleSet {
	due := j.always
	for ; t != 0; t &= t - 1 {
		due |= j.by[bits.TrailingZeros(uint(t))]
	}
	return due
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
	due := j.due(v.traits)
	if !f.Last {
		due &^= j.last
	}
	for ; due != 0; due &= due - 1 {
		r := j.rules[bits.TrailingZeros64(uint64(due))]
		r.session(v, r)
	}
	v.Facts = nil
	return v.findings
}

// view is a session while it is judged.
type view struct {
	*Facts
	ignore   *ignored
	findings []Finding
	packets  []int64         // of all findings
	notes    pop3parse.Notes // of all exchanges
	traits   traits
}

// traits are what rules look for first, each a bit.
type traits uint

const (
	passwordTaken   traits = 1 << iota // a login showed a password outside of TLS, and was not refused
	passwordRefused                    // one was
	clearLogin                         // a login went outside of TLS
	secretTaken                        // the secret of a login that was not refused is known
	loggedIn                           // a login was accepted
	tlsWanted                          // a login was refused because it was not inside TLS
	scramLogin                         // an iteration count was seen
	stls                               // the commands of these names are there
	capa
	apop
	mailSent    // a command for mail is there
	noted       // the session or an exchange has a note
	notSure     // a pairing is not sure
	secretShown // a reply repeats a secret
	messages    // there are messages
	deletions   // messages were marked as deleted
	tls         // there is TLS
	notWhole    // not all was seen, or not the same each time
)

// look sees in one pass what rules ask for first, so that most of them are
// done without another one.
func (v *view) look() {
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		v.notes |= x.Notes
		if x.Pairing != pop3parse.Sure {
			v.traits |= notSure
		}
		if x.Text.HasSecret() {
			v.traits |= secretShown
		}
		switch x.Verb {
		case pop3parse.STLS:
			v.traits |= stls
		case pop3parse.RETR, pop3parse.TOP, pop3parse.XTND:
			v.traits |= mailSent
		case pop3parse.CAPA:
			v.traits |= capa
		case pop3parse.APOP:
			v.traits |= apop
		}
	}
	for i := range v.Logins {
		v.traits |= loginTraits(&v.Logins[i])
	}
	v.traits |= v.sessionTraits()
}

// loginTraits returns the traits that a login gives its session.
func loginTraits(l *pop3parse.Login) (t traits) {
	if !l.Encrypted {
		t |= clearLogin
	}
	if !rejected(l) && l.Secret.Known() {
		t |= secretTaken
	}
	switch shown := shows(l, pop3parse.Cleartext); {
	case shown && !rejected(l):
		t |= passwordTaken
	case shown:
		t |= passwordRefused
	}
	if l.Outcome == pop3parse.Success {
		t |= loggedIn
	}
	if l.Reason == pop3parse.TLSRequired {
		t |= tlsWanted
	}
	if l.Iterations > 0 {
		t |= scramLogin
	}
	return t
}

// sessionTraits returns the traits that a session has as a whole.
func (v *view) sessionTraits() (t traits) {
	if v.notes|v.Session.Notes != 0 {
		t |= noted
	}
	if len(v.Messages) > 0 {
		t |= messages
	}
	if v.Session.Deleted > 0 {
		t |= deletions
	}
	if v.TLS != nil {
		t |= tls
	}
	if v.OneSided || !whole(v.Conn) {
		t |= notWhole
	}
	return t
}

// whole reports whether a connection was seen from its first packet to its
// last, without anything odd.
func whole(c *stream.Conn) bool {
	odd := c.Lost[0] | c.Lost[1]
	if t := c.Trouble; t != nil {
		odd |= t.Conflicts | t.OutOfWindow[0] | t.OutOfWindow[1] |
			t.BadChecksums[0] | t.BadChecksums[1] | t.Cut[0] | t.Cut[1] | t.BufferLimit
	}
	return odd == 0 && c.Handshake && !c.Shed && (c.Close == stream.ClosedFIN || c.Close == stream.ClosedRST)
}

// find adds a finding about no account.
func (v *view) find(r *active, detail string, e *evidence) { v.add(r, nil, detail, e) }

// findUser adds a finding about an account.
func (v *view) findUser(r *active, user []byte, detail string, e *evidence) {
	if !v.ignore.account(user) {
		v.add(r, user, detail, e)
	}
}

// add adds a finding about this session.
func (v *view) add(r *active, user []byte, detail string, e *evidence) {
	v.findings = append(v.findings, Finding{
		Rule: r.Slug, Severity: r.severity, Title: r.Title, Detail: detail, Advice: r.Advice, RFC: r.RFC, Packets: v.keep(e), User: user,
		Server: v.Conn.Server, Client: v.Conn.Client.Addr(), scope: r.Scope, session: v.ID,
	})
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
