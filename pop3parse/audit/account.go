package audit

import (
	"bytes"
	"cmp"
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

// accountKey names an account.
type accountKey struct {
	server netip.AddrPort
	user   string
}

// account is an Account while it grows.
type account struct {
	Tally
	key      accountKey
	clients  []netip.Addr // in order of appearance
	pairs    []pair
	networks []networkSeen
	lastOK   int64 // time of the last accepted login
	delay    int64 // shortest time between accepted logins that broke LOGIN-DELAY
	polls    int   // how many did

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

// networkSeen is a network that an account logged in from.
type networkSeen struct {
	net netip.Prefix
	sighting
}

// renew makes an account one that nothing is known of, and keeps its memory.
func (acc *account) renew() {
	*acc = account{
		Tally:   Tally{Mechanisms: acc.Mechanisms[:0]},
		clients: acc.clients[:0], pairs: acc.pairs[:0], networks: acc.networks[:0],
	}
}

// account returns the account of an attempt, and makes it if it is new.
func (a *Auditor) account(t *attempt) *account {
	user := t.login.User[:min(len(t.login.User), maxUserName)]
	// The compiler looks up composite keys without making the string.
	if e, ok := a.known.items[accountKey{t.facts.Conn.Server, string(user)}]; ok {
		a.known.use(e)
		return &e.value
	}
	e, ok := a.tried.items[accountKey{t.facts.Conn.Server, string(user)}]
	if ok && !t.accepted {
		a.tried.use(e)
		return &e.value
	}
	key := accountKey{t.facts.Conn.Server, string(user)}
	switch {
	case ok:
		n := a.known.add(key)
		n.value, e.value = e.value, n.value
		a.tried.remove(e)
		return &n.value
	case t.accepted:
		e = a.known.add(key)
	default:
		e = a.tried.add(key)
	}
	acc := &e.value
	acc.key, acc.Exposure = key, pop3parse.Protected
	acc.First, acc.Last = t.at().Nanos, t.at().Nanos
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
	if !slices.Contains(acc.clients, t.client) {
		if len(acc.clients) < maxAccountClients {
			acc.clients = append(acc.clients, t.client)
		} else {
			acc.MoreClients = true
		}
	}
	if len(acc.Mechanisms) < maxMechanisms && !slices.Contains(acc.Mechanisms, l.Mechanism) {
		acc.Mechanisms = append(acc.Mechanisms, a.mechanism(l.Mechanism))
	}
	acc.afterFailures(a, t)
	if t.accepted {
		acc.fromNetworks(a, t)
		acc.polled(a, t)
	}
}

// mechanism returns a name that is kept once for all accounts.
func (a *Auditor) mechanism(name string) string {
	name = name[:min(len(name), maxMechanismName)]
	kept, ok := a.names[name]
	if !ok {
		if len(a.names) >= maxMechanismNames {
			clear(a.names)
		}
		kept = strings.Clone(name)
		a.names[kept] = kept
	}
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
		p.proof.add(t.at(), t.facts.ID)
		return
	}
	if p.failures >= r.count("failures") && now > p.first && len(acc.succeeded) < maxPairs {
		s := &attackOn{client: t.client, failures: p.failures, inUse: t.login.Reason == pop3parse.InUse, proof: p.proof.clone()}
		// The success itself matters most.
		if len(s.proof.packets) == MaxEvidence {
			s.proof.packets = s.proof.packets[:MaxEvidence-1]
		}
		if len(s.proof.sessions) == MaxEvidence {
			s.proof.sessions = s.proof.sessions[:MaxEvidence-1]
		}
		s.proof.add(t.at(), t.facts.ID)
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
	n := networkSeen{network(t.client), sighting{t.at(), t.facts.ID, t.client}}
	if i := slices.IndexFunc(acc.networks, func(s networkSeen) bool { return s.net == n.net }); i >= 0 {
		acc.networks = slices.Delete(acc.networks, i, i+1)
	} else if len(acc.networks) == maxNetworks {
		acc.networks = slices.Delete(acc.networks, 0, 1)
	}
	acc.networks = append(acc.networks, n)
	if len(acc.networks) < 2 {
		return
	}
	now, window, count := t.at().Nanos, r.count("window"), 0
	for i := range acc.networks {
		if now-acc.networks[i].at.Nanos <= window {
			count++
		}
	}
	if int64(count) < r.count("networks") || count <= acc.farFrom {
		return
	}
	acc.farFrom, acc.far = count, &proof{}
	for i := range acc.networks {
		if now-acc.networks[i].at.Nanos <= window {
			acc.far.take(&acc.networks[i].sighting)
		}
	}
}

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
			if acc.fast == nil {
				acc.fast, acc.delay = &proof{}, gap
			}
			acc.polls++
			acc.delay = min(acc.delay, gap)
			acc.fast.add(t.at(), t.facts.ID)
		}
	}
	acc.lastOK = max(acc.lastOK, now)
}

// endAccount words what was found about an account.
func (a *Auditor) endAccount(acc *account) {
	about := func(f *Finding) {
		f.User, f.Server = []byte(acc.key.user), acc.key.server
	}
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
	accounts = make([]Account, 0, len(a.known.items)+len(a.tried.items))
	take := func(acc *account) {
		slices.SortFunc(acc.clients, netip.Addr.Compare)
		slices.Sort(acc.Mechanisms)
		out := Account{User: []byte(acc.key.user), Server: acc.key.server, Tally: acc.Tally, Clients: acc.clients}
		if s, ok := a.servers.items[out.Server]; ok {
			out.OffersTLS = s.value.offered.seen()
		}
		accounts = append(accounts, out)
	}
	a.known.each(take)
	a.tried.each(take)
	slices.SortFunc(accounts, func(x, y Account) int {
		return cmp.Or(bytes.Compare(x.User, y.User), x.Server.Compare(y.Server))
	})
	return accounts, a.known.forgotten + a.tried.forgotten
}
