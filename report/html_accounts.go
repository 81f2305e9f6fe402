package report

import (
	"cmp"
	"slices"
	"strings"

	"popscope/pop3parse"
	"popscope/pop3parse/audit"
)

// accountLine is a row of the table of accounts, in inert text.
type accountLine struct {
	User, Server, Exposure, Mechanisms string
	Rank                               int // of the exposure: 1 is the worst
	Accepted, Refused, Unknown, Clear  int64
	Clients                            []string
	Last                               int64
}

// maxAccountClients is how many clients of an account are named.
const maxAccountClients = 4

// AccountLines returns the accounts, the most exposed ones first.
func (v *pageView) AccountLines() []accountLine {
	all := slices.Clone(v.Sum.Accounts)
	slices.SortStableFunc(all, func(a, b audit.Account) int {
		return cmp.Or(cmp.Compare(a.Exposure, b.Exposure), cmp.Compare(b.Refused, a.Refused))
	})
	var lines []accountLine
	for i := range all[:min(len(all), v.most.logins)] {
		a := &all[i]
		l := accountLine{User: orDash(cell(string(a.User))), Server: a.Server.String(), Exposure: a.Exposure.String(), Rank: int(a.Exposure) + 1,
			Mechanisms: cell(strings.Join(a.Mechanisms, ", ")), Accepted: a.Accepted, Refused: a.Refused, Unknown: a.Unknown, Clear: a.Clear, Last: a.Last}
		for j, c := range a.Clients {
			if j == maxAccountClients {
				l.Clients = append(l.Clients, "and more")
				break
			}
			l.Clients = append(l.Clients, c.String())
		}
		lines = append(lines, l)
	}
	return lines
}

// DroppedAccounts returns how many accounts have no row.
func (v *pageView) DroppedAccounts() int64 {
	return v.Sum.AccountsForgotten + int64(max(0, len(v.Sum.Accounts)-v.most.logins))
}

// exposedAccounts returns how many accounts showed a password or token in
// clear.
func (v *pageView) exposedAccounts() int {
	n := 0
	for i := range v.Sum.Accounts {
		if e := v.Sum.Accounts[i].Exposure; e == pop3parse.Cleartext || e == pop3parse.Token {
			n++
		}
	}
	return n
}
