package audit

import (
	"net/netip"
	"slices"
)

// secretUse is where one secret was used. Most are used for one account
// only, and of those little is kept.
type secretUse struct {
	first    use
	*further // nil as long as it is used for one user name
}

// further is where a secret was used for other user names than the first.
type further struct {
	tried names  // digests of those it was refused for
	took  []use  // accounts that it was accepted for: at most maxSharers
	proof *proof // of tries
}

// use is one use of a secret.
type use struct {
	place
	hash     uint64 // of the user name
	user     string
	server   *netip.AddrPort
	accepted bool
}

const (
	maxTriedUsers = 1024 // user names remembered for one secret
	maxSharers    = 32   // accounts with one password that are remembered
)

// secret takes the secret of an attempt, which was refused or accepted.
func (a *Auditor) secret(t *attempt, acc *account) {
	n := a.secrets.get(t.keys.secret, nil)
	if n == 0 {
		a.secrets.at(a.secrets.add(t.keys.secret)).first = newUse(t, acc)
		return
	}
	u := a.secrets.at(n)
	if u.first.hash == t.keys.user {
		if t.accepted && !u.first.accepted {
			u.first = newUse(t, acc)
		}
		return
	}
	if u.further == nil {
		u.further = &further{}
	}
	if t.guess {
		u.tries(t)
		return
	}
	if len(u.took) >= maxSharers || slices.ContainsFunc(u.took, func(o use) bool { return o.hash == t.keys.user }) {
		return
	}
	u.took = append(u.took, newUse(t, acc))
}

func newUse(t *attempt, acc *account) use {
	return use{place: t.place(), hash: t.keys.user, user: acc.user, server: acc.server, accepted: t.accepted}
}

// tries counts that the secret was refused for another user.
func (u *secretUse) tries(t *attempt) {
	if u.proof == nil {
		u.proof = &proof{}
		u.proof.take(&u.first.place)
	}
	u.proof.add(t.place())
	switch {
	case u.tried.has(t.keys.user):
	case u.tried.n >= maxTriedUsers:
		u.tried.more = true
	default:
		u.tried.add(t.keys.user)
	}
}

// endSecret words what was found about a secret.
func (a *Auditor) endSecret(u *secretUse) {
	if u.further == nil {
		return
	}
	if r := a.rules.secretOnes; r != nil && u.proof != nil && int64(u.tried.n+1) >= r.count("users") {
		words := plural(u.tried.n+1, "1 user", "users")
		if u.tried.more {
			words = "more than " + words
		}
		f := a.find(r, words+" tried with one password", u.proof)
		f.Server = *u.first.server
	}
	a.endReuse(u)
}

// endReuse says of each account that has its password in common with
// others that it has.
func (a *Auditor) endReuse(u *secretUse) {
	r := a.rules.reused
	if r == nil || len(u.took) == 0 {
		return
	}
	uses := u.took
	if u.first.accepted {
		uses = append([]use{u.first}, u.took...)
	}
	if int64(len(uses)) < r.count("accounts") {
		return
	}
	for i, one := range uses {
		var others []string
		var p proof
		p.take(&one.place)
		for k, other := range uses {
			if k != i {
				others = append(others, other.user)
				p.take(&other.place)
			}
		}
		slices.Sort(others)
		f := a.find(r, "also the password of "+someOf(slices.Compact(others)), &p)
		f.User, f.Server = []byte(one.user), *one.server
	}
}
