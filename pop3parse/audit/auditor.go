package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Limits bound what an Auditor remembers between sessions. Zero and less mean
// the default. With the defaults all of it together takes some 100 MB when
// every limit is reached, which a busy server's day does not come near. What
// is beyond a limit is counted, and said by the rule audit-limit.
type Limits struct {
	Accounts   int // that have logged in; default 65,536
	Tried      int // that were tried only, so that a flood of made-up names does not push out the real ones; default 16,384
	Clients    int // addresses; default 65,536
	Servers    int // addresses with port; default 4,096
	Secrets    int // digests; default 65,536
	Challenges int // digests; default 65,536
	Findings   int // about several sessions; default 10,000
}

func (l Limits) withDefaults() Limits {
	for _, v := range []struct {
		limit *int
		usual int
	}{
		{&l.Accounts, 1 << 16}, {&l.Tried, 1 << 14}, {&l.Clients, 1 << 16}, {&l.Servers, 1 << 12},
		{&l.Secrets, 1 << 16}, {&l.Challenges, 1 << 16}, {&l.Findings, 10_000},
	} {
		if *v.limit <= 0 {
			*v.limit = v.usual
		}
	}
	return l
}

// Auditor applies the rules that need several sessions, and groups logins
// by account. It is given the sessions in the order of results, and its
// findings depend on that order only. It keeps digests of secrets under a
// key of the run, never the secrets.
type Auditor struct {
	rules  crossRules
	limits thresholds
	ignore ignored
	order  map[string]int // of rules, as in the catalogue
	seed   maphash.Seed

	known, tried *recent[account]
	clients      *recent[client]
	servers      *recent[server]
	secrets      *recent[secretUse]
	challenges   *recent[place]

	names    []*[]string // of mechanisms, each once and alone in its list
	found    []Finding
	most     int   // findings
	foundNo  int64 // findings beyond that
	distinct int   // hashes that clients may still keep: see client.users
	refusals pop3parse.Refusals
	ahead    ahead
}

// crossRules are the rules that an Auditor applies; nil where one is off.
type crossRules struct {
	stripped, capaDiffers, challengeRepeats, betrayed        *active
	guessing, stale, spray, enumeration, success, secretOnes *active
	networks, polling, reused                                *active
	drops, fragments, damaged, limit                         *active
}

// thresholds are settings of those rules that each login asks for.
type thresholds struct {
	guessingWindow                 int64
	guessingTimes                  int // failures that have to lie within it
	successWindow, successFailures int64
	networksWindow, networks       int64
}

// thresholds returns the settings of the rules that are on.
func (c *crossRules) thresholds() (t thresholds) {
	if r := c.guessing; r != nil {
		t.guessingWindow, t.guessingTimes = r.count("window"), int(min(r.count("failures"), maxTimes))
	}
	if r := c.success; r != nil {
		t.successWindow, t.successFailures = r.count("window"), r.count("failures")
	}
	if r := c.networks; r != nil {
		t.networksWindow, t.networks = r.count("window"), r.count("networks")
	}
	return t
}

// NewAuditor returns an Auditor for a policy, within limits; new(Policy) is the
// catalogue as it stands.
func NewAuditor(p *Policy, l Limits) *Auditor {
	l = l.withDefaults()
	a := &Auditor{most: l.Findings, ignore: p.Ignore.ready(), order: make(map[string]int), seed: maphash.MakeSeed(), distinct: maxDistinct}
	on := make(map[string]*active)
	for i, r := range allRules() {
		a.order[r.Slug] = i
		on[r.Slug] = p.apply(r)
	}
	a.rules = crossRules{
		stripped: on["stls-stripped"], capaDiffers: on["capa-differs"], challengeRepeats: on["apop-challenge-repeats"], betrayed: on["user-names-betrayed"],
		guessing: on["password-guessing"], stale: on["stale-password"], spray: on["password-spray"], enumeration: on["user-enumeration"],
		success: on["success-after-failures"], secretOnes: on["secret-tried-on-many"],
		networks: on["account-from-many-networks"], polling: on["polling-too-fast"], reused: on["password-reused"],
		drops: on["kernel-drops"], fragments: on["fragments-differ"], damaged: on["capture-damaged"], limit: on["audit-limit"],
	}
	a.limits = a.rules.thresholds()
	a.known = newRecent(l.Accounts, a.endAccount)
	a.tried = newRecent[account](l.Tried, nil) // nothing is found about those that nobody got into
	a.known.renew, a.tried.renew = (*account).renew, (*account).renew
	a.clients = newRecent(l.Clients, a.endClient)
	a.servers = newRecent(l.Servers, a.endServer)
	a.secrets = newRecent(l.Secrets, a.endSecret)
	a.challenges = newRecent[place](l.Challenges, nil)
	return a
}

// hash returns a digest under the key of the run.
func (a *Auditor) hash(b []byte) uint64 { return maphash.Bytes(a.seed, b) }

// addrHash returns a digest of an address. Addresses that differ in their
// zones only have the same.
func (a *Auditor) addrHash(addr netip.Addr) uint64 {
	b := addr.As16()
	return maphash.Bytes(a.seed, b[:])
}

// addrPortHash returns a digest of an address and a port.
func (a *Auditor) addrPortHash(addr netip.AddrPort) uint64 {
	const portAt = 16
	var b [portAt + 2]byte
	ip := addr.Addr().As16()
	copy(b[:], ip[:])
	binary.BigEndian.PutUint16(b[portAt:], addr.Port())
	return maphash.Bytes(a.seed, b[:])
}

// place is where something was seen.
type place struct {
	packet  int64 // 0: nowhere
	session sessionName
}

func (p *place) seen() bool { return p.packet != 0 }

// sighting is where something was seen, and in a session of whom.
type sighting struct {
	place
	client netip.Addr
}

// proof is evidence from several sessions.
type proof struct {
	packets  []int64
	sessions []sessionName
}

// add takes a place; one that is nowhere may be in a session.
func (p *proof) add(at place) {
	switch n := len(p.packets); {
	case at.packet == 0 || n == MaxEvidence:
	case n == 0 || p.packets[n-1] < at.packet: // as it is mostly
		p.packets = append(p.packets, at.packet)
	default:
		if i, found := slices.BinarySearch(p.packets, at.packet); !found {
			p.packets = slices.Insert(p.packets, i, at.packet)
		}
	}
	if len(p.sessions) < MaxEvidence && !slices.Contains(p.sessions, at.session) {
		p.sessions = append(p.sessions, at.session)
	}
}

// size returns how much evidence there is.
func (p *proof) size() int { return len(p.packets) + len(p.sessions) }

// clone returns a copy that shares nothing with p.
func (p *proof) clone() proof { return proof{slices.Clone(p.packets), slices.Clone(p.sessions)} }

// renew makes p empty, and keeps its memory.
func (p *proof) renew() { p.packets, p.sessions = p.packets[:0], p.sessions[:0] }

// take takes a place, unless it is nowhere.
func (p *proof) take(at *place) {
	if at.seen() {
		p.add(*at)
	}
}

// Session takes the facts of one session, or of one part of it.
func (a *Auditor) Session(f *Facts) {
	if a.ignore.session(f) {
		return
	}
	k := f.keys
	if k.by != a { // nobody expected it
		a.keys(f, &k)
	}
	srv := a.server(f.Conn.Server, k.server)
	for i := range f.Logins {
		if i > 0 {
			a.loginKeys(f, &f.Logins[i], &k.login)
		}
		a.login(f, srv, &f.Logins[i], &k)
	}
	a.userCommands(f, srv, k.session)
	if f.Last {
		a.serverFacts(f, srv, k.session)
	}
}

// login takes one attempt to log in.
func (a *Auditor) login(f *Facts, srv *server, l *pop3parse.Login, k *keys) {
	if l.User == nil && l.Outcome != pop3parse.Success || a.ignore.account(l.User) {
		return
	}
	t := attempt{
		facts: f, login: l, server: srv, session: k.session, keys: k.login,
		client:   f.Conn.Client.Addr(),
		guess:    isGuess(l),
		accepted: right(l),
	}
	acc := a.account(&t)
	acc.take(a, &t)
	if t.guess {
		a.client(t.client, k.login.client).failed(a, &t)
	}
	if k.login.secret != 0 && (t.guess || t.accepted) && l.Exposure != pop3parse.Token && len(l.Secret.Reveal()) > 0 {
		a.secret(&t, acc)
	}
	srv.loginReply(&t)
}

// attempt is a login while it is taken.
type attempt struct {
	facts    *Facts
	login    *pop3parse.Login
	server   *server
	session  sessionName
	keys     loginKeys
	client   netip.Addr
	guess    bool // the server refused it for what the client knew
	accepted bool
}

// place returns where the attempt was seen.
func (t *attempt) place() place { return place{t.login.At.Packet, t.session} }

// at returns the packet and time of the attempt.
func (t *attempt) at() stream.Stamp { return t.login.At }

// right reports whether the server has said that what the client knew was
// right.
func right(l *pop3parse.Login) bool { return l.Outcome == pop3parse.Success || l.Held }

// isGuess reports whether a login failed because of what the client
// knew. A maildrop in use, a login too soon, a fault of the server and a
// mechanism that is not there say nothing about the password (RFC 2449
// section 8.1, RFC 3206).
func isGuess(l *pop3parse.Login) bool {
	if l.Outcome != pop3parse.Failure {
		return false
	}
	switch l.Reason {
	case pop3parse.BadCredentials, pop3parse.UnknownUser, pop3parse.OtherReason, pop3parse.NoReason:
		return true
	}
	return false
}

// userHash returns a digest of the name by which accounts are compared:
// without the domain and in lower case.
func (a *Auditor) userHash(user []byte) uint64 {
	if len(user) > 0 {
		name, _, _ := bytes.Cut(user[1:], []byte("@"))
		user = user[:1+len(name)]
	}
	if !slices.ContainsFunc(user, upper) {
		return a.hash(user)
	}
	var buf [64]byte
	low := buf[:0]
	for _, c := range user {
		if upper(c) {
			c += 'a' - 'A'
		}
		low = append(low, c)
	}
	return a.hash(low)
}

// isPlain reports whether a name is in lower case and without domain, as
// nearly all are.
func isPlain(user []byte) bool {
	for i, c := range user {
		if upper(c) || c == '@' && i > 0 {
			return false
		}
	}
	return true
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

// Finish returns the findings about several sessions, and those about the
// capture as a whole, in the order of the catalogue. The Auditor takes no
// more sessions afterwards.
func (a *Auditor) Finish(c Capture) []Finding {
	a.known.each(a.endAccount)
	a.clients.each(a.endClient)
	a.servers.each(a.endServer)
	a.secrets.each(a.endSecret)
	a.capture(c)
	a.clients, a.secrets, a.challenges = nil, nil, nil // Accounts can have their memory
	slices.SortStableFunc(a.found, func(x, y Finding) int {
		return cmp.Or(
			cmp.Compare(a.order[x.Rule], a.order[y.Rule]), slices.Compare(x.Packets, y.Packets),
			x.Server.Compare(y.Server), x.Client.Compare(y.Client), strings.Compare(string(x.User), string(y.User)), strings.Compare(x.Detail, y.Detail),
		)
	})
	return a.found
}

// Capture is what is known of the capture as a whole.
type Capture struct {
	KernelDrops int64
	Fragments   int64    // IP fragments that overlap others and differ, and IPv6 datagrams dropped for an overlap
	Errors      []string // of the inputs
}

// capture judges the capture as a whole, and what was forgotten.
func (a *Auditor) capture(c Capture) {
	if r := a.rules.drops; r != nil && c.KernelDrops > 0 {
		a.find(r, plural(int(c.KernelDrops), "1 packet", "packets"), &proof{})
	}
	if r := a.rules.fragments; r != nil && c.Fragments > 0 {
		a.find(r, plural(int(c.Fragments), "1 overlap", "overlaps"), &proof{})
	}
	if r := a.rules.damaged; r != nil && len(c.Errors) > 0 {
		a.find(r, plural(len(c.Errors), "1 error", "errors")+": "+c.Errors[0], &proof{})
	}
	if r := a.rules.limit; r != nil {
		var what []string
		for _, l := range []struct {
			n     int64
			words string
		}{
			{a.known.forgotten + a.tried.forgotten, "accounts"}, {a.clients.forgotten, "clients"}, {a.servers.forgotten, "servers"},
			{a.secrets.forgotten, "secrets"}, {a.challenges.forgotten, "challenges"},
		} {
			if l.n > 0 {
				what = append(what, itoa(l.n)+" "+l.words)
			}
		}
		if len(what) > 0 {
			a.find(r, someOf(what)+" forgotten", &proof{})
		}
		if a.foundNo > 0 {
			a.found = append(a.found, a.finding(r, plural(int(a.foundNo), "1 further finding", "further findings")+" about several sessions not kept", &proof{}))
		}
	}
}

func (a *Auditor) finding(r *active, detail string, p *proof) Finding {
	return Finding{
		Rule: r.Slug, Severity: r.severity, Title: r.Title, Detail: detail, Advice: r.Advice, RFC: r.RFC,
		Packets: p.packets, Sessions: texts(p.sessions), scope: r.Scope,
	}
}

// find adds a finding and returns it, to say what it is about; nil when
// there are too many.
func (a *Auditor) find(r *active, detail string, p *proof) *Finding {
	if len(a.found) >= a.most {
		a.foundNo++
		return &Finding{}
	}
	a.found = append(a.found, a.finding(r, detail, p))
	return &a.found[len(a.found)-1]
}
