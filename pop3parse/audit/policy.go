package audit

import (
	"net/netip"
	"time"
)

// Policy says which rules hold, how severe their findings are and where
// their thresholds lie. The zero value is the catalogue as it stands.
type Policy struct {
	Rules  map[string]Choice // by slug; rules that are not named are as in the catalogue
	Ignore Ignore
}

// Choice is what a policy says about one rule.
type Choice struct {
	Off      bool
	Severity *Severity        // nil: as in the catalogue
	Settings map[string]int64 // by name; a number, or nanoseconds
}

// Ignore names what nobody wants findings about, such as the account and
// the address of a monitoring system.
type Ignore struct {
	Accounts []string // user names, exactly
	Clients  []netip.Prefix
	Servers  []netip.Prefix
}

// active is a rule under a policy.
type active struct {
	*Rule
	severity Severity
	values   []int64 // of Settings
}

// count returns a threshold that is a number.
func (a *active) count(name string) int64 {
	for i := range a.Settings {
		if a.Settings[i].Name == name {
			return a.values[i]
		}
	}
	panic("audit: internal error: rule " + a.Slug + " has no setting " + name)
}

// span returns a threshold that is a time.
func (a *active) span(name string) time.Duration { return time.Duration(a.count(name)) }

// apply returns the rule under the policy, or nil when it is off.
func (p *Policy) apply(r *Rule) *active {
	a := &active{Rule: r, severity: r.Severity}
	for _, s := range r.Settings {
		a.values = append(a.values, s.Default)
	}
	c, ok := p.Rules[r.Slug]
	if !ok {
		return a
	}
	if c.Off {
		return nil
	}
	if c.Severity != nil {
		a.severity = *c.Severity
	}
	for i, s := range r.Settings {
		if v, ok := c.Settings[s.Name]; ok {
			a.values[i] = v
		}
	}
	return a
}

// ignored is Ignore made ready for looking things up.
type ignored struct {
	accounts         map[string]bool
	clients, servers []netip.Prefix
}

func (g Ignore) ready() ignored {
	out := ignored{clients: g.Clients, servers: g.Servers}
	if len(g.Accounts) > 0 {
		out.accounts = make(map[string]bool, len(g.Accounts))
		for _, a := range g.Accounts {
			out.accounts[a] = true
		}
	}
	return out
}

// session reports whether nothing is to be said about a session.
func (g *ignored) session(f *Facts) bool {
	return within(g.clients, f.Conn.Client.Addr()) || within(g.servers, f.Conn.Server.Addr())
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// account reports whether nothing is to be said about a user.
func (g *ignored) account(user []byte) bool { return g.accounts != nil && g.accounts[string(user)] }

// Severity returns how severe findings of a rule are, and whether the rule
// holds at all.
func (p *Policy) Severity(r *Rule) (Severity, bool) {
	a := p.apply(r)
	if a == nil {
		return 0, false
	}
	return a.severity, true
}

// Setting returns the value of one of a rule's settings: a number, or
// nanoseconds.
func (p *Policy) Setting(r *Rule, name string) int64 {
	on := *p
	on.Rules = map[string]Choice{r.Slug: {Settings: p.Rules[r.Slug].Settings}}
	return on.apply(r).count(name)
}
