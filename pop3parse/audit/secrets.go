package audit

import "slices"

// secretKey is a digest of a secret under a key of the run.
type secretKey uint64

// secretUse is where one secret was used. Most are used for one account
// only, and of those little is kept.
type secretUse struct {
	first use
	tried []uint64 // digests of further user names it was refused for, sorted
	more  bool     // there were more
	took  []*use   // further accounts that it was accepted for: at most maxSharers
	proof *proof   // of tries
}

// use is one use of a secret.
type use struct {
	sighting
	user     uint64
	account  accountKey
	accepted bool
}

const (
	maxTriedUsers = 1024 // user names remembered for one secret
	maxSharers    = 32   // accounts with one password that are remembered
)

// secret takes the secret of an attempt, which was refused or accepted.
func (a *Auditor) secret(t *attempt, acc *account) {
	e, ok := a.secrets.items[t.secret]
	if !ok {
		e = a.secrets.add(t.secret)
		e.value.first = newUse(t, acc)
		return
	}
	a.secrets.use(e)
	u := &e.value
	if u.first.user == t.user {
		if t.accepted && !u.first.accepted {
			u.first = newUse(t, acc)
		}
		return
	}
	if t.guess {
		u.tries(t)
		return
	}
	if len(u.took) >= maxSharers || slices.ContainsFunc(u.took, func(o *use) bool { return o.user == t.user }) {
		return
	}
	n := newUse(t, acc)
	u.took = append(u.took, &n)
}

func newUse(t *attempt, acc *account) use {
	return use{sighting: sighting{t.at(), t.facts.ID, t.client}, user: t.user, account: acc.key, accepted: t.accepted}
}

// tries counts that the secret was refused for another user.
func (u *secretUse) tries(t *attempt) {
	if u.proof == nil {
		u.proof = &proof{}
		u.proof.take(&u.first.sighting)
	}
	u.proof.add(t.at(), t.facts.ID)
	i, found := slices.BinarySearch(u.tried, t.user)
	switch {
	case found:
	case len(u.tried) >= maxTriedUsers:
		u.more = true
	default:
		u.tried = slices.Insert(u.tried, i, t.user)
	}
}

// endSecret words what was found about a secret.
func (a *Auditor) endSecret(u *secretUse) {
	if r := a.rules.secretOnes; r != nil && u.proof != nil && int64(len(u.tried)+1) >= r.count("users") {
		words := plural(len(u.tried)+1, "1 user", "users")
		if u.more {
			words = "more than " + words
		}
		f := a.find(r, words+" tried with one password", u.proof)
		f.Server = u.first.account.server
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
		uses = append([]*use{&u.first}, u.took...)
	}
	if int64(len(uses)) < r.count("accounts") {
		return
	}
	for i, one := range uses {
		var others []string
		var p proof
		p.take(&one.sighting)
		for k, other := range uses {
			if k != i {
				others = append(others, other.account.user)
				p.take(&other.sighting)
			}
		}
		slices.Sort(others)
		f := a.find(r, "also the password of "+someOf(slices.Compact(others)), &p)
		f.User, f.Server = []byte(one.account.user), one.account.server
	}
}
