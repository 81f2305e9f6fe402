package audit

import (
	"popscope/pop3parse"
)

// Reach is how many sessions can be expected at once.
const Reach = 16

// ahead are the sessions that come next. To look up what is remembered of a
// login is to wait for memory many times in a row: for the facts, which
// another processor wrote, for a slot, the entry, and what it leads to. Of
// several sessions this can be waited for together.
type ahead struct {
	facts [Reach]*Facts
	n     int    // valid in facts
	sum   uint64 // of what Fetch reads: without a use the compiler would leave the reads out
}

// keys are by what things are found: hashes under the key of an Auditor.
type keys struct {
	by      *Auditor // who can use them; nil for nobody
	session sessionName
	server  uint64
	login   loginKeys // valid iff there is a login: of the first one
}

// loginKeys are those of a login.
type loginKeys struct {
	account uint64 // without the server
	user    uint64 // the name in lower case and without domain
	secret  uint64 // 0 when it is not known
	client  uint64 // valid iff isGuess
}

// Expect says that a session will be given to Session soon, after those that
// were expected before it. Its facts must not change until then.
func (a *Auditor) Expect(f *Facts) {
	if a.ahead.n < Reach {
		a.ahead.facts[a.ahead.n] = f
		a.ahead.n++
	}
}

// Fetch begins to read what those that were expected since the last call will
// need. It changes nothing that is remembered.
func (a *Auditor) Fetch() {
	all := a.ahead.facts[:a.ahead.n]
	a.ahead.sum += touchFacts(all)
	for _, f := range all {
		a.keys(f, &f.keys)
	}
	a.ahead.sum += a.fetchEntries(all)
	clear(all)
	a.ahead.n = 0
}

// touchFacts begins to read facts.
func touchFacts(all []*Facts) (sum uint64) {
	for _, f := range all {
		sum += uint64(f.Conn.Client.Port()) + uint64(f.Conn.First.Packet) + uint64(f.Session.GreetingAt.Packet)
		if len(f.Logins) > 0 {
			l := &f.Logins[0]
			sum += uint64(len(l.Mechanism)) + uint64(len(l.Secret.Reveal())) + uint64(l.At.Packet)
		}
		for i := range f.Exchanges[:min(len(f.Exchanges), touchedExchanges)] {
			sum += uint64(f.Exchanges[i].N)
		}
	}
	return sum
}

// touchedExchanges are as many as a session has that only logs in.
const touchedExchanges = 3

// fetchEntries begins to read entries.
func (a *Auditor) fetchEntries(all []*Facts) (sum uint64) {
	var accounts [Reach]*account
	var clients [Reach]*client
	for i, f := range all {
		if len(f.Logins) == 0 {
			continue
		}
		k := &f.keys.login
		account := k.account ^ f.keys.server
		if accounts[i] = a.known.peek(account); accounts[i] == nil {
			accounts[i] = a.tried.peek(account)
		}
		if k.secret != 0 {
			if u := a.secrets.peek(k.secret); u != nil {
				sum += u.touch()
			}
		}
		if k.client != 0 {
			clients[i] = a.clients.peek(k.client)
		}
	}
	for i, acc := range accounts[:len(all)] {
		if acc != nil {
			sum += acc.touch()
		}
		if c := clients[i]; c != nil {
			sum += uint64(c.proof.size())
			if u := &c.users; u.n > 0 {
				sum += u.slots[u.home(all[i].keys.login.user)]
			}
		}
	}
	return sum + a.tried.touchOldest(len(all), (*account).touch) + a.secrets.touchOldest(len(all), (*secretUse).touch)
}

// touch begins to read what an account is made of.
func (acc *account) touch() uint64 {
	sum := uint64(acc.first) + uint64(acc.exposure)
	p := acc.pairs
	for range acc.numPairs {
		sum += uint64(p.failures)
		p = p.next
	}
	if r := acc.rare; r != nil {
		sum += uint64(r.faults) + uint64(len(r.networks)) + uint64(len(r.succeeded))
	}
	return sum
}

// touch begins to read where a secret was used.
func (u *secretUse) touch() uint64 { return uint64(u.first.packet) }

// keys fills in the keys of a session, with those of its first login.
func (a *Auditor) keys(f *Facts, k *keys) {
	k.by, k.session, k.server = a, nameOf(f.ID), a.addrPortHash(f.Conn.Server)
	if len(f.Logins) > 0 {
		a.loginKeys(f, &f.Logins[0], &k.login)
	}
}

// loginKeys fills in the keys of a login.
func (a *Auditor) loginKeys(f *Facts, l *pop3parse.Login, k *loginKeys) {
	*k = loginKeys{account: a.hash(shortened(l.User))}
	if k.user = k.account; len(l.User) > maxUserName || !isPlain(l.User) {
		k.user = a.userHash(l.User)
	}
	if l.Secret.Known() {
		k.secret = a.hash(l.Secret.Reveal()) | 1
	}
	if isGuess(l) {
		k.client = a.addrHash(f.Conn.Client.Addr())
	}
}
