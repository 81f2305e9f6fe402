package audit

import (
	"cmp"
	"encoding/binary"
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
	Clients   []netip.Addr // the first 16 of them, sorted
	OffersTLS bool         // the server offers STLS, to this client or to another one
}

// Tally is what the logins of an account came to.
type Tally struct {
	Accepted, Refused, Unknown int64 // logins by outcome
	Faults                     int64 // refused for no fault of the client: in use, too soon, server out of order; part of Refused
	Clear                      int64 // logins outside of TLS
	First, Last                int64 // time of the first and the last one, in nanoseconds since 1970-01-01 UTC

	Mechanisms  []string           // sorted; at most 8
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
	user       string
	server     *netip.AddrPort
	client     netip.Addr // the first one
	accepted   int64      // logins: see Tally
	refused    int64
	unknown    int64
	clear      int64
	first      int64
	last       int64
	mechanisms *[]string // nil before the first one; shared as long as there is one only
	pairs      *pair     // the first numPairs of the list; further ones were those of accounts that were forgotten
	near       place     // of the last accepted login
	nearNanos  int64     // its time
	lastOK     int64     // the latest time of an accepted login
	exposure   pop3parse.Exposure
	hasNear    bool  // near is valid
	numPairs   uint8 // valid in pairs, at most maxPairs
	*rare            // may be nil as long as there is none
}

// rare is what most accounts have nothing of.
type rare struct {
	faults      int64         // see Tally
	clients     []netip.Addr  // further ones, in order of appearance
	moreClients bool          // there were more
	near        netip.Addr    // the client of the last accepted login, unless it is the first client
	networks    []networkSeen // further ones, those of the longest time ago first
	delay       int64         // shortest time between accepted logins that broke LOGIN-DELAY
	polls       int           // how many did

	fast      *proof
	far       *proof
	farFrom   int // networks in one window, the most
	succeeded []*attackOn
}

// pair counts what one client did to an account.
type pair struct {
	next        *pair // the one that began after it
	client      netip.Addr
	failures    int64
	first, last int64  // times of the failures
	seen        place  // the first failure
	more        *proof // of all failures; not valid as long as there is one failure only
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
	*acc = account{pairs: acc.pairs, rare: r}
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

// shortened returns of a user name what is remembered.
func shortened(user []byte) []byte { return user[:min(len(user), maxUserName)] }

// account returns the account of an attempt, and makes it if it is new.
func (a *Auditor) account(t *attempt) *account {
	user := shortened(t.login.User)
	hash := t.keys.account ^ t.server.hash
	same := func(acc *account) bool {
		return acc.user == string(user) && (acc.server == t.server.addr || *acc.server == *t.server.addr)
	}
	if n := a.known.get(hash, same); n != 0 {
		return a.known.at(n)
	}
	tried := a.tried.get(hash, same)
	if tried != 0 && !t.accepted {
		return a.tried.at(tried)
	}
	if !t.accepted {
		acc := a.tried.at(a.tried.add(hash))
		acc.begin(t, user)
		return acc
	}
	acc := a.known.at(a.known.add(hash))
	if tried == 0 {
		acc.begin(t, user)
		return acc
	}
	old := a.tried.at(tried)
	*acc, *old = *old, *acc
	a.tried.remove(tried)
	return acc
}

// begin makes an account, of which nothing is known, that of an attempt.
func (acc *account) begin(t *attempt, user []byte) {
	acc.server, acc.user, acc.client = t.server.addr, string(user), t.client
	acc.exposure, acc.first, acc.last = pop3parse.Protected, t.at().Nanos, t.at().Nanos
}

// take counts one attempt.
func (acc *account) take(a *Auditor, t *attempt) {
	l := t.login
	switch l.Outcome {
	case pop3parse.Success:
		acc.accepted++
	case pop3parse.Failure:
		acc.refused++
		if !t.guess {
			acc.uncommon().faults++
		}
	default:
		acc.unknown++
	}
	acc.first, acc.last = min(acc.first, l.At.Nanos), max(acc.last, l.At.Nanos)
	acc.exposure = min(acc.exposure, l.Exposure)
	if !l.Encrypted {
		acc.clear++
	}
	if acc.client != t.client {
		acc.uncommon().further(t.client)
	}
	switch {
	case acc.mechanisms == nil:
		acc.mechanisms = a.mechanism(l.Mechanism)
	case !slices.Contains(*acc.mechanisms, l.Mechanism) && len(*acc.mechanisms) < maxMechanisms:
		several := append(slices.Clone(*acc.mechanisms), *a.mechanism(l.Mechanism)...)
		acc.mechanisms = &several
	}
	acc.afterFailures(a, t)
	if t.accepted {
		acc.fromNetworks(a, t)
		acc.polled(a, t)
	}
}

// further notes a client that is not the account's first one.
func (r *rare) further(client netip.Addr) {
	switch {
	case slices.Contains(r.clients, client):
	case len(r.clients) < maxAccountClients-1:
		r.clients = append(r.clients, client)
	default:
		r.moreClients = true
	}
}

// mechanism returns a list of one name, which is kept once for all accounts
// and does not change.
func (a *Auditor) mechanism(name string) *[]string {
	name = name[:min(len(name), maxMechanismName)]
	for _, kept := range a.names {
		if (*kept)[0] == name {
			return kept
		}
	}
	if len(a.names) >= maxMechanismNames {
		a.names = nil
	}
	kept := &[]string{strings.Clone(name)}
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
	if a.rules.success == nil || !t.guess && !t.accepted {
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
	if p.failures > 0 && now-p.last > a.limits.successWindow {
		p.begin(t.client)
	}
	if t.guess {
		p.failed(now, t.place())
		return
	}
	if p.failures >= a.limits.successFailures && now > p.first && len(acc.uncommon().succeeded) < maxPairs {
		s := &attackOn{client: t.client, failures: p.failures, inUse: t.login.Held, proof: p.proof()}
		// The success itself matters most.
		if len(s.proof.packets) == MaxEvidence {
			s.proof.packets = s.proof.packets[:MaxEvidence-1]
		}
		if len(s.proof.sessions) == MaxEvidence {
			s.proof.sessions = s.proof.sessions[:MaxEvidence-1]
		}
		s.proof.add(t.place())
		acc.succeeded = append(acc.succeeded, s)
	}
	p.begin(t.client)
}

// pair returns what a client did to the account; nil when it did nothing.
func (acc *account) pair(client netip.Addr) *pair {
	p := acc.pairs
	for range acc.numPairs {
		if p.client == client {
			return p
		}
		p = p.next
	}
	return nil
}

// newPair begins to count for a client, in place of the first one where
// there are too many.
func (acc *account) newPair(client netip.Addr) *pair {
	end := &acc.pairs
	for range acc.numPairs {
		end = &(*end).next
	}
	switch {
	case acc.numPairs == maxPairs:
		first := acc.pairs
		acc.pairs, first.next, *end = first.next, *end, first
	case *end == nil:
		*end = &pair{}
		fallthrough
	default:
		acc.numPairs++
	}
	p := *end
	p.begin(client)
	return p
}

// begin begins to count anew, for a client, and keeps the place in the list.
func (p *pair) begin(client netip.Addr) {
	if p.more != nil {
		p.more.renew()
	}
	*p = pair{next: p.next, client: client, more: p.more}
}

// failed counts a failure.
func (p *pair) failed(now int64, at place) {
	p.failures++
	p.last = max(p.last, now)
	if p.failures == 1 {
		p.first, p.seen = now, at
		return
	}
	if p.more == nil {
		p.more = &proof{}
	}
	if p.failures == 2 {
		p.more.add(p.seen)
	}
	p.more.add(at)
}

// proof returns the evidence of all failures, which shares nothing with p.
func (p *pair) proof() proof {
	var all proof
	switch p.failures {
	case 0:
	case 1:
		all.add(p.seen)
	default:
		all = p.more.clone()
	}
	return all
}

// fromNetworks looks for logins from many networks in a short time. Sessions
// come as they end, so that a login may lie long before the ones known.
func (acc *account) fromNetworks(a *Auditor, t *attempt) {
	if a.rules.networks == nil {
		return
	}
	if before, any := acc.nearest(); any && !sameNetwork(before.client, t.client) {
		acc.uncommon().moved(&before, t.client)
	}
	acc.come(t)
	if acc.rare == nil || len(acc.networks) == 0 {
		return
	}
	now, window := t.at().Nanos, a.limits.networksWindow
	from, count := now, acc.within(now, window)
	for i := range acc.networks {
		first := acc.networks[i].nanos
		if !inWindow(now, first, window) {
			continue
		}
		if n := acc.within(first, window); n > count {
			from, count = first, n
		}
	}
	count++ // that of the attempt
	if int64(count) < a.limits.networks || count <= acc.farFrom {
		return
	}
	acc.farFrom, acc.far = count, &proof{}
	for i := range acc.networks {
		if s := &acc.networks[i]; inWindow(s.nanos, from, window) {
			acc.far.take(&s.place)
		}
	}
	acc.far.take(&acc.near)
}

// nearest returns the network of the last accepted login, if there is one.
func (acc *account) nearest() (networkSeen, bool) {
	client := acc.client
	if acc.rare != nil && acc.rare.near.IsValid() {
		client = acc.rare.near
	}
	return networkSeen{client, acc.near, acc.nearNanos}, acc.hasNear
}

// come notes where an accepted login came from.
func (acc *account) come(t *attempt) {
	acc.near, acc.nearNanos, acc.hasNear = t.place(), t.at().Nanos, true
	switch {
	case t.client != acc.client:
		acc.uncommon().near = t.client
	case acc.rare != nil:
		acc.rare.near = netip.Addr{}
	}
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

// within returns how many of the networks were logged in from in a window of
// time that begins at from.
func (r *rare) within(from, window int64) (n int) {
	for i := range r.networks {
		if inWindow(r.networks[i].nanos, from, window) {
			n++
		}
	}
	return n
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
	r.fast.add(t.place())
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
	all := make([]sortedAccount, 0, a.known.count+a.tried.count)
	octets, clients := 0, 0
	take := func(acc *account) {
		all = append(all, sortedAccount{beginning(acc.user), acc})
		octets += len(acc.user)
		clients += acc.numClients()
	}
	a.known.each(take)
	a.tried.each(take)
	slices.SortFunc(all, sortedAccount.compare)
	accounts = make([]Account, len(all))
	users, addrs := make([]byte, 0, octets), make([]netip.Addr, 0, clients)
	for i, s := range all {
		acc, user, addr := s.account, len(users), len(addrs)
		users, addrs = append(users, acc.user...), acc.appendClients(addrs)
		accounts[i] = Account{
			User: users[user:len(users):len(users)], Server: *acc.server,
			Tally: acc.tally(), Clients: addrs[addr:len(addrs):len(addrs)],
		}
		if n := a.servers.get(a.addrPortHash(*acc.server), func(s *server) bool { return *s.addr == *acc.server }); n != 0 {
			accounts[i].OffersTLS = a.servers.at(n).offered.seen()
		}
	}
	return accounts, a.known.forgotten + a.tried.forgotten
}

// sortedAccount is an account with what decides most comparisons.
type sortedAccount struct {
	beginning uint64 // of the user name
	*account
}

// beginning returns the first octets of a name as a number, which is less for
// what is less.
func beginning(name string) uint64 {
	var b [8]byte
	copy(b[:], name)
	return binary.BigEndian.Uint64(b[:])
}

// compare compares by user and server.
func (s sortedAccount) compare(o sortedAccount) int {
	if s.beginning != o.beginning {
		return cmp.Compare(s.beginning, o.beginning)
	}
	if c := strings.Compare(s.user, o.user); c != 0 {
		return c
	}
	return s.server.Compare(*o.server)
}

// tally returns what the logins of an account came to.
func (acc *account) tally() Tally {
	t := Tally{
		Accepted: acc.accepted, Refused: acc.refused, Unknown: acc.unknown, Clear: acc.clear,
		First: acc.first, Last: acc.last, Exposure: acc.exposure,
	}
	if acc.mechanisms != nil {
		t.Mechanisms = *acc.mechanisms
		slices.Sort(t.Mechanisms)
	}
	if acc.rare != nil {
		t.Faults, t.MoreClients = acc.faults, acc.moreClients
	}
	return t
}

// numClients returns how many clients an account has.
func (acc *account) numClients() int {
	if acc.rare == nil {
		return 1
	}
	return 1 + len(acc.clients)
}

// appendClients appends the clients of an account, sorted.
func (acc *account) appendClients(all []netip.Addr) []netip.Addr {
	from := len(all)
	all = append(all, acc.client)
	if acc.rare != nil {
		all = append(all, acc.clients...)
		slices.SortFunc(all[from:], netip.Addr.Compare)
	}
	return all
}
