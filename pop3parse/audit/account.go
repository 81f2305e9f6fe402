package audit

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"

	"popscope/pop3parse"
)

// Account is a user of a server, and all logins of it.
type Account struct {
	User   []byte
	Server netip.AddrPort
	Tally
	Clients   []netip.Addr // the first maxAccountClients of them, sorted
	OffersTLS bool         // the server offers STLS, to this client or to another one
}

// Tally is what the logins of an account came to.
type Tally struct {
	Accepted, Refused, Unknown int64 // logins by outcome
	Faults                     int64 // refused for no fault of the client: in use, too soon, server out of order; part of Refused
	Clear                      int64 // logins outside of TLS
	First, Last                int64 // time of the first and the last one, in nanoseconds since 1970

	Mechanisms  []string           // sorted; at most maxMechanisms
	Exposure    pop3parse.Exposure // the worst one
	MoreClients bool               // there were more than Account.Clients tells
}

const (
	maxAccountClients = 16
	maxMechanisms     = 8
	maxPairs          = 8   // clients of an account whose failures are counted
	maxNetworks       = 16  // networks of an account that are remembered
	maxUserName       = 255 // octets of a user name that are remembered: RFC 2449 section 4 allows no longer command
)

// account is an Account while it grows. There are many of them, so that what
// few have is kept apart.
type account struct {
	Tally
	user   string
	server *netip.AddrPort
	client netip.Addr // the first one
	pairs  []pair
	near   networkSeen // the network of the last accepted login
	lastOK int64       // time of the last accepted login
	*rare              // may be nil as long as there is none
}

// rare is what most accounts have nothing of.
type rare struct {
	clients  []netip.Addr  // further ones, in order of appearance
	networks []networkSeen // further ones, those of the longest time ago first
	delay    int64         // shortest time between accepted logins that broke LOGIN-DELAY
	polls    int           // how many did

	fast      *proof
	far       *proof
	farFrom   int // networks in one window, the most
	succeeded []*attackOn
}

// pair counts what one client did to an account.
type pair struct {
	client      netip.Addr
	failures    int64
	first, last int64 // times of the failures
	proof       proof
}

// attackOn is a success after failures.
type attackOn struct {
	client   netip.Addr
	failures int64
	inUse    bool
	proof    proof
}

// networkSeen is the last login from a network, by an address of it.
type networkSeen struct {
	client netip.Addr
	place
	nanos int64 // its time
}

// renew makes an account one that nothing is known of, and keeps its memory.
func (acc *account) renew() {
	r := acc.rare
	*acc = account{pairs: acc.pairs[:0], rare: r}
	if r != nil {
		*r = rare{clients: r.clients[:0], networks: r.networks[:0]}
	}
}

// uncommon returns what few accounts have, to add to it.
func (acc *account) uncommon() *rare {
	if acc.rare == nil {
		acc.rare = &rare{}
	}
	return acc.rare
}

// account returns the account of an attempt, and makes it if it is new.
func (a *Auditor) account(t *attempt) *account {
	user := t.login.User[:min(len(t.login.User), maxUserName)]
	hash := maphash.Bytes(a.seed, user) ^ t.server.hash
	same := func(acc *account) bool {
		return acc.user == string(user) && (acc.server == t.server.addr || *acc.server == *t.server.addr)
	}
	if e := a.known.get(hash, same); e != nil {
		return &e.value
	}
	e := a.tried.get(hash, same)
	switch {
	case e != nil && !t.accepted:
		return &e.value
	case e != nil:
		n := a.known.add(hash)
		n.value, e.value = e.value, n.value
		a.tried.remove(e)
		return &n.value
	case t.accepted:
		e = a.known.add(hash)
	default:
		e = a.tried.add(hash)
	}
	acc := &e.value
	acc.server, acc.user, acc.client = t.server.addr, string(user), t.client
	acc.Exposure, acc.First, acc.Last = pop3parse.Protected, t.at().Nanos, t.at().Nanos
	return acc
}

// take counts one attempt.
func (acc *account) take(a *Auditor, t *attempt) {
	l := t.login
	switch l.Outcome {
	case pop3parse.Success:
		acc.Accepted++
	case pop3parse.Failure:
		acc.Refused++
		if !t.guess {
			acc.Faults++
		}
	default:
		acc.Unknown++
	}
	acc.First, acc.Last = min(acc.First, l.At.Nanos), max(acc.Last, l.At.Nanos)
	acc.Exposure = min(acc.Exposure, l.Exposure)
	if !l.Encrypted {
		acc.Clear++
	}
	if acc.client != t.client {
		acc.uncommon().further(&acc.Tally, t.client)
	}
	switch n := len(acc.Mechanisms); {
	case n == 0:
		acc.Mechanisms = a.mechanism(l.Mechanism)
	case n < maxMechanisms && !slices.Contains(acc.Mechanisms, l.Mechanism):
		acc.Mechanisms = append(acc.Mechanisms, a.mechanism(l.Mechanism)...)
	}
	acc.afterFailures(a, t)
	if t.accepted {
		acc.fromNetworks(a, t)
		acc.polled(a, t)
	}
}

// further notes a client that is not the account's first one.
func (r *rare) further(t *Tally, client netip.Addr) {
	switch {
	case slices.Contains(r.clients, client):
	case len(r.clients) < maxAccountClients-1:
		r.clients = append(r.clients, client)
	default:
		t.MoreClients = true
	}
}

// mechanism returns a list of one name, which is kept once for all accounts
// and has no room for another.
func (a *Auditor) mechanism(name string) []string {
	name = name[:min(len(name), maxMechanismName)]
	for _, kept := range a.names {
		if kept[0] == name {
			return kept
		}
	}
	if len(a.names) >= maxMechanismNames {
		a.names = nil
	}
	kept := []string{strings.Clone(name)}
	a.names = append(a.names, kept)
	return kept
}

// maxMechanismNames bounds the names that are kept once.
const maxMechanismNames = 64

// maxMechanismName bounds the names of mechanisms; RFC 4422 section 3.1
// allows 20 octets.
const maxMechanismName = 32

// afterFailures looks for a success that follows failures of one client.
func (acc *account) afterFailures(a *Auditor, t *attempt) {
	r := a.rules.success
	if r == nil || !t.guess && !t.accepted {
		return
	}
	p := acc.pair(t.client)
	if p == nil {
		if t.accepted {
			return
		}
		p = acc.newPair(t.client)
	}
	now := t.at().Nanos
	if p.failures > 0 && now-p.last > r.count("window") {
		p.renew(t.client)
	}
	if t.guess {
		if p.failures == 0 {
			p.first = now
		}
		p.failures++
		p.last = max(p.last, now)
		p.proof.add(t.at().Packet, t.facts.ID)
		return
	}
	if p.failures >= r.count("failures") && now > p.first && len(acc.uncommon().succeeded) < maxPairs {
		s := &attackOn{client: t.client, failures: p.failures, inUse: t.login.Reason == pop3parse.InUse, proof: p.proof.clone()}
		// The success itself matters most.
		if len(s.proof.packets) == MaxEvidence {
			s.proof.packets = s.proof.packets[:MaxEvidence-1]
		}
		if len(s.proof.sessions) == MaxEvidence {
			s.proof.sessions = s.proof.sessions[:MaxEvidence-1]
		}
		s.proof.add(t.at().Packet, t.facts.ID)
		acc.succeeded = append(acc.succeeded, s)
	}
	p.renew(t.client)
}

// pair returns what a client did to the account; nil when it did nothing.
func (acc *account) pair(client netip.Addr) *pair {
	for i := range acc.pairs {
		if acc.pairs[i].client == client {
			return &acc.pairs[i]
		}
	}
	return nil
}

// newPair begins to count for a client, in place of the first one where
// there are too many.
func (acc *account) newPair(client netip.Addr) *pair {
	n := len(acc.pairs)
	switch {
	case n == maxPairs:
		first := acc.pairs[0]
		copy(acc.pairs, acc.pairs[1:])
		n--
		acc.pairs[n] = first
	case n < cap(acc.pairs):
		acc.pairs = acc.pairs[:n+1]
	default:
		acc.pairs = append(acc.pairs, pair{})
	}
	p := &acc.pairs[n]
	p.renew(client)
	return p
}

// renew begins to count anew.
func (p *pair) renew(client netip.Addr) {
	p.proof.renew()
	*p = pair{client: client, proof: p.proof}
}

// fromNetworks looks for logins from many networks in a short time.
func (acc *account) fromNetworks(a *Auditor, t *attempt) {
	r := a.rules.networks
	if r == nil {
		return
	}
	before := acc.near
	acc.near = networkSeen{t.client, t.place(), t.at().Nanos}
	if before.client.IsValid() && !sameNetwork(before.client, t.client) {
		acc.uncommon().moved(&before, t.client)
	}
	if acc.rare == nil || len(acc.networks) == 0 {
		return
	}
	now, window, count := t.at().Nanos, r.count("window"), 1
	for i := range acc.networks {
		if now-acc.networks[i].nanos <= window {
			count++
		}
	}
	if int64(count) < r.count("networks") || count <= acc.farFrom {
		return
	}
	acc.farFrom, acc.far = count, &proof{}
	for i := range acc.networks {
		if now-acc.networks[i].nanos <= window {
			acc.far.take(&acc.networks[i].place)
		}
	}
	acc.far.take(&acc.near.place)
}

// moved notes the network that the account was in before a client's.
func (r *rare) moved(before *networkSeen, client netip.Addr) {
	if i := slices.IndexFunc(r.networks, func(s networkSeen) bool { return sameNetwork(s.client, client) }); i >= 0 {
		r.networks = slices.Delete(r.networks, i, i+1)
	} else if len(r.networks) == maxNetworks-1 {
		r.networks = slices.Delete(r.networks, 0, 1)
	}
	r.networks = append(r.networks, *before)
}

func sameNetwork(a, b netip.Addr) bool { return a == b || network(a) == network(b) }

// polled looks for logins that come faster than the server's LOGIN-DELAY
// (RFC 2449 section 6.5).
func (acc *account) polled(a *Auditor, t *attempt) {
	now := t.at().Nanos
	if r := a.rules.polling; r != nil && acc.lastOK != 0 && t.login.Outcome == pop3parse.Success {
		delay := t.server.loginDelay
		if d := loginDelay(t.facts.Session.Capabilities); d > 0 {
			delay = d
		}
		gap := max(now-acc.lastOK, acc.lastOK-now)
		if delay > 0 && gap < delay {
			acc.uncommon().polled(gap, t)
		}
	}
	acc.lastOK = max(acc.lastOK, now)
}

// polled notes a login that came too soon.
func (r *rare) polled(gap int64, t *attempt) {
	if r.fast == nil {
		r.fast, r.delay = &proof{}, gap
	}
	r.polls++
	r.delay = min(r.delay, gap)
	r.fast.add(t.at().Packet, t.facts.ID)
}

// endAccount words what was found about an account.
func (a *Auditor) endAccount(acc *account) {
	if acc.rare == nil {
		return
	}
	about := func(f *Finding) { f.User, f.Server = []byte(acc.user), *acc.server }
	for _, s := range acc.succeeded {
		detail := "accepted after " + plural(int(s.failures), "1 failure", "failures") + " of " + s.client.String()
		if s.inUse {
			detail = "maildrop in use, so the password was right, after " + plural(int(s.failures), "1 failure", "failures") + " of " + s.client.String()
		}
		f := a.find(a.rules.success, detail, &s.proof)
		about(f)
		f.Client = s.client
	}
	if acc.far != nil {
		about(a.find(a.rules.networks, plural(acc.farFrom, "1 network", "networks")+" within "+shortDuration(a.rules.networks.span("window")), acc.far))
	}
	if acc.fast != nil {
		about(a.find(a.rules.polling, plural(acc.polls, "1 login", "logins")+" too soon, the shortest time was "+seconds(acc.delay), acc.fast))
	}
}

// Accounts returns the accounts by user and server, and how many others
// were forgotten at the limit. Call it after Finish.
func (a *Auditor) Accounts() (accounts []Account, forgotten int64) {
	all := make([]*account, 0, a.known.count+a.tried.count)
	take := func(acc *account) { all = append(all, acc) }
	a.known.each(take)
	a.tried.each(take)
	slices.SortFunc(all, func(x, y *account) int {
		if c := strings.Compare(x.user, y.user); c != 0 {
			return c
		}
		return x.server.Compare(*y.server)
	})
	accounts = make([]Account, len(all))
	for i, acc := range all {
		slices.Sort(acc.Mechanisms)
		accounts[i] = Account{User: []byte(acc.user), Server: *acc.server, Tally: acc.Tally, Clients: acc.allClients()}
		if s := a.servers.get(a.addrPortHash(*acc.server), func(s *server) bool { return *s.addr == *acc.server }); s != nil {
			accounts[i].OffersTLS = s.value.offered.seen()
		}
	}
	return accounts, a.known.forgotten + a.tried.forgotten
}

// allClients returns the clients of an account, sorted.
func (acc *account) allClients() []netip.Addr {
	if acc.rare == nil {
		return []netip.Addr{acc.client}
	}
	clients := append([]netip.Addr{acc.client}, acc.clients...)
	slices.SortFunc(clients, netip.Addr.Compare)
	return clients
}
