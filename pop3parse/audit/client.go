package audit

import (
	"net/netip"
	"slices"
)

// client is what an Auditor remembers of one client address.
type client struct {
	addr        netip.Addr
	failures    int64
	first, last int64     // times of the failures
	near        []int64   // times of failures nearest to the last one told of, in order; nil once there was a burst
	burst       bool      // enough failures lay within the window
	users       names     // tried in vain
	secrets     [2]uint64 // digests of the first two different ones; 0 for unknown
	blind       bool      // a secret was not known
	proof       proof
	refused     *refused // nil as long as there is none
}

// refused is what a client learned of user names by USER alone.
type refused struct {
	names names // that the server said it does not know
	proof proof
}

// names is a set of digests of user names.
type names struct {
	digests
	more bool // there were more
}

const (
	// fewDistinct is how many different names a client's set holds in any
	// case, maxOfOne how many at most, and maxDistinct how many beyond
	// fewDistinct all sets together.
	fewDistinct = 64
	maxOfOne    = 1 << 14
	maxDistinct = 1 << 20

	maxTimes = 64 // failures of a client whose times are remembered
)

// client returns what is remembered of an address, whose addrHash is hash.
func (a *Auditor) client(addr netip.Addr, hash uint64) *client {
	if n := a.clients.get(hash, func(c *client) bool { return c.addr == addr }); n != 0 {
		return a.clients.at(n)
	}
	c := a.clients.at(a.clients.add(hash))
	c.addr = addr
	return c
}

// distinctAdd adds a digest to a set, within the limits.
func (a *Auditor) distinctAdd(set *names, digest uint64) {
	switch {
	case set.has(digest):
	case set.n >= fewDistinct && (a.distinct == 0 || set.n >= maxOfOne):
		set.more = true
	default:
		if set.n >= fewDistinct {
			a.distinct--
		}
		set.add(digest)
	}
}

// failed counts a login that failed for what the client knew.
func (c *client) failed(a *Auditor, t *attempt) {
	now := t.at().Nanos
	if c.failures == 0 {
		c.first, c.last = now, now
	}
	c.failures++
	c.first, c.last = min(c.first, now), max(c.last, now)
	c.proof.add(t.place())
	a.distinctAdd(&c.users, t.keys.user)
	switch {
	case t.keys.secret == 0:
		c.blind = true
	case c.secrets[0] == 0:
		c.secrets[0] = t.keys.secret
	case c.secrets[0] != t.keys.secret:
		c.secrets[1] = t.keys.secret
	}
	if a.rules.guessing != nil && !c.burst {
		c.failedAt(now, a.limits.guessingWindow, a.limits.guessingTimes)
	}
}

// failedAt looks whether a failure and others, so many together, lie within a
// window. Those nearest to it are remembered: they need not be the latest ones,
// where a session ended long after it failed.
func (c *client) failedAt(now, window int64, times int) {
	i, _ := slices.BinarySearch(c.near, now)
	c.near = slices.Insert(c.near, i, now)
	for i := times - 1; i < len(c.near); i++ {
		if inWindow(c.near[i], c.near[i-times+1], window) {
			c.near, c.burst = nil, true
			return
		}
	}
	switch n := len(c.near); {
	case n <= times:
	case uint64(c.near[n-1]-now) > uint64(now-c.near[0]):
		c.near = c.near[:n-1]
	default:
		c.near = slices.Delete(c.near, 0, 1)
	}
}

// inWindow reports whether a time lies in a window that begins at from. Damaged
// captures have times that are further apart than an int64 tells.
func inWindow(at, from, window int64) bool { return from <= at && uint64(at-from) <= uint64(window) }

// refusedName counts a user name that the server said it does not know.
func (c *client) refusedName(a *Auditor, user uint64, at place) {
	if c.refused == nil {
		c.refused = &refused{}
	}
	a.distinctAdd(&c.refused.names, user)
	c.refused.proof.add(at)
}

// endClient words what was found about a client.
func (a *Auditor) endClient(c *client) {
	users := plural(c.users.n, "1 user", "users")
	if c.users.more {
		users = "more than " + users
	}
	span := ""
	if c.failures > 1 {
		span = " within " + seconds(c.last-c.first)
	}
	oneSecret := !c.blind && c.secrets[1] == 0 && c.users.n == 1
	if r := a.rules.guessing; r != nil && c.burst && c.failures >= r.count("failures") && !oneSecret {
		a.find(r, plural(int(c.failures), "1 failure", "failures")+" for "+users+span, &c.proof).Client = c.addr
	}
	if r := a.rules.stale; r != nil && c.failures >= r.count("failures") && oneSecret {
		a.find(r, plural(int(c.failures), "1 failure", "failures")+" with one password"+span, &c.proof).Client = c.addr
	}
	if r := a.rules.spray; r != nil && int64(c.users.n) >= r.count("users") {
		a.find(r, users+" tried in vain"+span, &c.proof).Client = c.addr
	}
	if r := a.rules.enumeration; r != nil && c.refused != nil && int64(c.refused.names.n) >= r.count("users") {
		names := plural(c.refused.names.n, "1 name", "names")
		if c.refused.names.more {
			names = "more than " + names
		}
		a.find(r, names+" that the server does not know", &c.refused.proof).Client = c.addr
	}
}
