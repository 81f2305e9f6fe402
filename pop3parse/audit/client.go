package audit

import (
	"net/netip"
	"slices"
)

// client is what an Auditor remembers of one client address.
type client struct {
	addr        netip.Addr
	failures    int64
	first, last int64 // times of the failures
	burst       int64 // failures in the window under way
	burstFrom   int64
	peak        int64 // the most failures in one window
	peakSpan    int64
	users       []uint64     // digests of different user names tried in vain, sorted
	usersMore   bool         // there were more
	secrets     [2]secretKey // the first two different ones; 0 for unknown
	blind       bool         // a secret was not known
	proof       proof

	unknown      []uint64 // digests of names that the server said it does not know
	unknownMore  bool
	unknownProof proof
}

const (
	// fewDistinct is how many different names a client's set holds in any
	// case, maxOfOne how many at most, and maxDistinct how many beyond
	// fewDistinct all sets together.
	fewDistinct = 64
	maxOfOne    = 1 << 14
	maxDistinct = 1 << 20
)

// client returns what is remembered of an address.
func (a *Auditor) client(addr netip.Addr) *client {
	if e, ok := a.clients.items[addr]; ok {
		a.clients.use(e)
		return &e.value
	}
	e := a.clients.add(addr)
	e.value.addr = addr
	return &e.value
}

// distinctAdd adds a digest to a sorted set, within the limits.
func (a *Auditor) distinctAdd(set *[]uint64, more *bool, digest uint64) {
	i, found := slices.BinarySearch(*set, digest)
	switch {
	case found:
	case len(*set) >= fewDistinct && (a.distinct == 0 || len(*set) >= maxOfOne):
		*more = true
	default:
		if len(*set) >= fewDistinct {
			a.distinct--
		}
		*set = slices.Insert(*set, i, digest)
	}
}

// failed counts a login that failed for what the client knew.
func (c *client) failed(a *Auditor, t *attempt) {
	now := t.at().Nanos
	if c.failures == 0 {
		c.first, c.last, c.burstFrom = now, now, now
	}
	c.failures++
	c.first, c.last = min(c.first, now), max(c.last, now)
	c.proof.add(t.at(), t.facts.ID)
	a.distinctAdd(&c.users, &c.usersMore, t.user)
	switch {
	case t.secret == 0:
		c.blind = true
	case c.secrets[0] == 0:
		c.secrets[0] = t.secret
	case c.secrets[0] != t.secret:
		c.secrets[1] = t.secret
	}
	if r := a.rules.guessing; r != nil {
		if now-c.burstFrom > r.count("window") {
			c.burst, c.burstFrom = 0, now
		}
		c.burst++
		if c.burst > c.peak {
			c.peak, c.peakSpan = c.burst, now-c.burstFrom
		}
	}
}

// refusedName counts a user name that the server said it does not know.
func (c *client) refusedName(a *Auditor, user uint64, at sighting) {
	a.distinctAdd(&c.unknown, &c.unknownMore, user)
	c.unknownProof.add(at.at, at.session)
}

// endClient words what was found about a client.
func (a *Auditor) endClient(c *client) {
	users := plural(len(c.users), "1 user", "users")
	if c.usersMore {
		users = "more than " + users
	}
	span := ""
	if c.failures > 1 {
		span = " within " + seconds(c.last-c.first)
	}
	oneSecret := !c.blind && c.secrets[1] == 0 && len(c.users) == 1
	if r := a.rules.guessing; r != nil && c.peak >= r.count("failures") && !oneSecret {
		a.find(r, plural(int(c.failures), "1 failure", "failures")+" for "+users+span, &c.proof).Client = c.addr
	}
	if r := a.rules.stale; r != nil && c.failures >= r.count("failures") && oneSecret {
		a.find(r, plural(int(c.failures), "1 failure", "failures")+" with one password"+span, &c.proof).Client = c.addr
	}
	if r := a.rules.spray; r != nil && int64(len(c.users)) >= r.count("users") {
		a.find(r, users+" tried in vain"+span, &c.proof).Client = c.addr
	}
	if r := a.rules.enumeration; r != nil && int64(len(c.unknown)) >= r.count("users") {
		names := plural(len(c.unknown), "1 name", "names")
		if c.unknownMore {
			names = "more than " + names
		}
		a.find(r, names+" that the server does not know", &c.unknownProof).Client = c.addr
	}
}
