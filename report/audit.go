package report

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/reassembly/stream"
)

// View says what a report is about.
type View uint8

// The views.
const (
	SessionView View = iota // sessions and what happened in them, as analyze shows
	AuditView               // accounts and findings, as audit shows
)

// auditFormats are the formats that have a writer of their own for
// AuditView. The other ones write the same for both views, in jsonl and
// csv with other records unless they are chosen.
var auditFormats = map[string]func(io.Writer, Options) (Writer, error){
	"table":    newAuditTable,
	"markdown": newAuditMarkdown,
}

// auditRecords are the records of AuditView.
var auditRecords = map[string][]string{
	"jsonl": {"run", "login", "finding", "session", "summary"},
	"csv":   {"finding"},
}

// FormatsOf returns the names of formats that New knows for a view, the
// default one first.
func FormatsOf(v View) []string {
	names := Formats()
	if v == SessionView {
		return names
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "transcript" })
	for n := range auditFormats {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Bounds of what a report on an audit keeps; what goes beyond is counted.
const (
	maxSubjects  = 1000 // accounts, clients and the like for each rule
	fewSubjects  = 5    // without Options.Verbose
	maxTagged    = 1 << 16
	tagsShown    = 3 // secret tags of an account
	fewAccounts  = 100
	maxAccounts  = 10_000
	clientsShown = 3
)

// auditModel collects what a report on an audit says, whatever its format.
type auditModel struct {
	opt    Options
	most   int // subjects that are shown of each rule
	groups map[string]*ruleGroup
	last   *ruleGroup // of the last finding
	tags   *tagger
	tagged taggedAccounts
	seed   maphash.Seed // of digests
	name   []byte       // scratch: what a digest is made of
	sum    popscope.Summary
	parted int64 // sessions of which a part was not seen
}

// taggedAccounts are the first tags of the secrets of each account that were
// not refused. They are one more than is shown, to tell that there are more.
// Most accounts have one.
type taggedAccounts struct {
	register               // by digest of the account
	first    []uint32      // by number from 1
	further  map[int][]int // by number
}

// add takes a tag of an account.
func (t *taggedAccounts) add(account uint64, tag int) {
	n := t.give(account)
	switch {
	case n == 0 || n <= len(t.first) && int(t.first[n-1]) == tag:
	case n > len(t.first):
		t.first = append(t.first, uint32(tag))
	case len(t.further[n]) < tagsShown && !slices.Contains(t.further[n], tag):
		t.further[n] = append(t.further[n], tag)
	}
}

// tags returns the first tags of an account, in the order in which they came.
func (t *taggedAccounts) tags(account uint64) []int {
	n := t.of(account)
	if n == 0 {
		return nil
	}
	return append([]int{int(t.first[n-1])}, t.further[n]...)
}

// ruleGroup is all findings of one rule.
type ruleGroup struct {
	slug, title, advice, rfc string
	severity                 audit.Severity
	total                    int64
	subjects                 []*subject          // the first auditModel.most of them
	known                    map[uint64]*subject // by digest; valid iff auditModel.most is more than a few
}

// subject is what findings of one rule are about, with the first of them.
type subject struct {
	first audit.Finding
	times int64
}

func newAuditModel(o Options) *auditModel {
	most := fewSubjects
	if o.Verbose {
		most = maxSubjects
	}
	return &auditModel{
		opt: o, most: most, groups: make(map[string]*ruleGroup),
		tags: newTagger(maxTags), tagged: taggedAccounts{register: newRegister(maxTagged), further: make(map[int][]int)}, seed: maphash.MakeSeed(),
	}
}

// digest stands for what something is about, under a key of the run: names
// and addresses are long, and there are many.
func (m *auditModel) digest(user []byte, server netip.AddrPort, client netip.Addr) uint64 {
	b := append(m.name[:0], user...)
	n := len(b)
	b, _ = server.AppendBinary(b) // has no errors
	b, _ = client.AppendBinary(b)
	b = append(b, byte(len(b)-n), byte(client.BitLen())) // so that no name looks like an address
	m.name = b
	return maphash.Bytes(m.seed, b)
}

// write takes a session, or a part of one.
func (m *auditModel) write(r *popscope.Result) {
	for i := range r.Findings {
		m.add(&r.Findings[i])
	}
	for i := range r.Logins {
		m.tag(r, &r.Logins[i])
	}
	if r.Last && !seenWhole(r) {
		m.parted++
	}
}

// seenWhole reports whether a session was seen from its first packet to its
// last, in both directions.
func seenWhole(r *popscope.Result) bool {
	c := r.Conn
	ended := c.Close != stream.NotClosed && c.Close != stream.ClosedTimeout
	return c.Handshake && ended && !c.Shed && !r.OneSided && c.Lost == [2]int64{}
}

// tag gives the secret of a login its tag.
func (m *auditModel) tag(r *popscope.Result, l *pop3parse.Login) {
	if !l.Secret.Known() {
		return
	}
	n := m.tags.tag(l.Secret)
	if n == 0 || l.Outcome == pop3parse.Failure {
		return
	}
	m.tagged.add(m.digest(l.User, r.Conn.Server, netip.Addr{}), n)
}

// add takes a finding.
func (m *auditModel) add(f *audit.Finding) {
	g := m.group(f)
	g.total++
	s, about := m.subject(g, f)
	if s != nil {
		s.times++
		return
	}
	if len(g.subjects) >= m.most {
		return
	}
	s = &subject{first: *f, times: 1}
	s.first.User, s.first.Packets = slices.Clone(f.User), slices.Clone(f.Packets)
	g.subjects = append(g.subjects, s)
	if m.most > fewSubjects {
		g.known[about] = s
	}
}

// group returns the findings of a finding's rule.
func (m *auditModel) group(f *audit.Finding) *ruleGroup {
	if m.last != nil && m.last.slug == f.Rule {
		return m.last // as it is mostly
	}
	g := m.groups[f.Rule]
	if g == nil {
		g = &ruleGroup{slug: f.Rule, title: f.Title, advice: f.Advice, rfc: f.RFC, severity: f.Severity, known: make(map[uint64]*subject)}
		m.groups[f.Rule] = g
	}
	m.last = g
	return g
}

// subject returns what a finding is about, nil if it is new, and its digest
// where there are many.
func (m *auditModel) subject(g *ruleGroup, f *audit.Finding) (*subject, uint64) {
	if m.most > fewSubjects {
		about := m.digest(f.User, f.Server, f.Client)
		return g.known[about], about
	}
	for _, s := range g.subjects {
		if s.first.Client == f.Client && s.first.Server == f.Server && bytes.Equal(s.first.User, f.User) {
			return s, 0
		}
	}
	return nil, 0
}

// finish takes the summary.
func (m *auditModel) finish(s popscope.Summary) {
	m.sum = s
	for i := range s.Across {
		m.add(&s.Across[i])
	}
}

// sorted returns the rules that were found, the most severe first: those
// about what was seen, or those about what was not.
func (m *auditModel) sorted(evidence bool) []*ruleGroup {
	place := make(map[string]int)
	isEvidence := make(map[string]bool)
	for _, t := range audit.Catalogue() {
		for _, r := range t.Rules {
			place[r.Slug] = len(place)
			isEvidence[r.Slug] = t.Name == audit.EvidenceTheme
		}
	}
	var out []*ruleGroup
	for _, g := range m.groups {
		if isEvidence[g.slug] == evidence {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *ruleGroup) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(place[a.slug], place[b.slug]), strings.Compare(a.slug, b.slug))
	})
	return out
}

// tally writes how many findings of each severity there are.
func (m *auditModel) tally() string {
	var n [audit.Critical + 1]int64
	total := int64(0)
	for _, g := range m.groups {
		n[g.severity] += g.total
		total += g.total
	}
	if total == 0 {
		return "No findings."
	}
	var parts []string
	for s := audit.Critical; ; s-- {
		if n[s] > 0 {
			parts = append(parts, commas(n[s])+" "+s.String())
		}
		if s == audit.Info {
			break
		}
	}
	return count(total, "finding") + ": " + list(parts)
}

// unseen says what stands where no rule about evidence has a finding. A
// baseline or a policy may have left such findings out, and an interruption
// is none: so the facts decide what can be said.
func (m *auditModel) unseen() string {
	var missing []string
	if m.parted > 0 {
		missing = append(missing, "parts of "+count(m.parted, "session"))
	}
	if m.sum.KernelDrops > 0 {
		missing = append(missing, count(m.sum.KernelDrops, "packet")+" dropped by the kernel")
	}
	if len(m.sum.Errors) > 0 {
		missing = append(missing, "what was not read of the captures")
	}
	missing = append(missing, mayHide(m.sum.Ignored)...)
	if len(missing) == 0 {
		return nothingMissing
	}
	return "No findings about it are reported, but something is missing: " + list(missing) + "."
}

const nothingMissing = "Nothing is known to be missing: every session was seen from its first packet to its last, in both directions."

// text writes what a finding is about: "user alice, server 192.0.2.10:110,
// client 198.51.100.7". What comes from the wire goes through quote.
func (s *subject) text(quote func(string) string) string {
	var parts []string
	f := &s.first
	if f.User != nil {
		parts = append(parts, "user "+quote(inertUpTo(f.User, maxCell)))
	}
	if f.Server.IsValid() {
		parts = append(parts, "server "+quote(f.Server.String()))
	}
	if f.Client.IsValid() {
		parts = append(parts, "client "+quote(f.Client.String()))
	}
	return strings.Join(parts, ", ")
}

// evidenceText writes where it was seen.
func (s *subject) evidenceText() string {
	f := &s.first
	var parts []string
	switch n := len(f.Packets); {
	case n == 1:
		parts = append(parts, "packet "+strconv.FormatInt(f.Packets[0], 10))
	case n > 1:
		var nums []string
		for _, p := range f.Packets {
			nums = append(nums, strconv.FormatInt(p, 10))
		}
		parts = append(parts, "packets "+strings.Join(nums, ", "))
	}
	if s.times > 1 {
		parts = append(parts, "and in "+count(s.times-1, "further finding"))
	}
	return strings.Join(parts, " ")
}

// accountRow is an account as every format shows it.
type accountRow struct {
	user, server, logins, first, last, clients, mechanisms, exposure, tls, secrets string
	exposed                                                                        pop3parse.Exposure
}

// accountTitles are the titles of accountRow's cells.
var accountTitles = []string{"User", "Server", "Logins", "First", "Last", "Clients", "Mechanisms", "Exposure", "TLS", "Secrets"}

// accountWire are those whose cells come from the wire.
var accountWire = map[string]bool{"User": true, "Server": true, "Clients": true, "Mechanisms": true}

func (r *accountRow) cells() []string {
	return []string{r.user, r.server, r.logins, r.first, r.last, r.clients, r.mechanisms, r.exposure, r.tls, r.secrets}
}

// accounts returns the rows to show, and a note about those that are not.
func (m *auditModel) accounts() (rows []accountRow, note string) {
	limit := fewAccounts
	if m.opt.Verbose {
		limit = maxAccounts
	}
	// Those that let nobody in are not worth a line as long as others are.
	all := m.sum.Accounts
	for _, let := range []bool{true, false} {
		for i := range all {
			if in := all[i].Accepted+all[i].Unknown > 0; in == let && len(rows) < limit {
				rows = append(rows, m.account(&all[i]))
			}
		}
	}
	more := int64(max(len(all)-limit, 0)) + m.sum.AccountsForgotten
	if more > 0 {
		note = count(more, "more account") + " not listed"
		if !m.opt.Verbose && len(all) > limit {
			note += "; --verbose shows more"
		}
	}
	return rows, note
}

// account words one account.
func (m *auditModel) account(a *audit.Account) accountRow {
	r := accountRow{
		user: inertUpTo(a.User, maxCell), server: a.Server.String(),
		first: utc(a.First).Format(clock), last: utc(a.Last).Format(clock),
		exposure: a.Exposure.String(), exposed: a.Exposure,
	}
	if len(a.User) == 0 {
		r.user = "-"
	}
	var parts []string
	for _, l := range []struct {
		n    int64
		word string
	}{{a.Accepted, "ok"}, {a.Refused - a.Faults, "failed"}, {a.Faults, "turned away"}, {a.Unknown, "unknown"}} {
		if l.n > 0 {
			parts = append(parts, commas(l.n)+" "+l.word)
		}
	}
	r.logins = strings.Join(parts, ", ")
	var clients []string
	for _, c := range a.Clients[:min(clientsShown, len(a.Clients))] {
		clients = append(clients, c.String())
	}
	switch n := len(a.Clients) - clientsShown; {
	case a.MoreClients:
		clients = append(clients, "more than "+strconv.Itoa(n)+" more")
	case n > 0:
		clients = append(clients, strconv.Itoa(n)+" more")
	}
	r.clients = strings.Join(clients, ", ")
	var mechanisms []string
	for _, name := range a.Mechanisms {
		mechanisms = append(mechanisms, Inert(name))
	}
	r.mechanisms = strings.Join(mechanisms, ", ")
	total := a.Accepted + a.Refused + a.Unknown
	switch {
	case a.Clear == 0:
		r.tls = "used"
	case a.Clear < total:
		r.tls = "used by some"
	case a.OffersTLS:
		r.tls = "offered, not used"
	default:
		r.tls = "-"
	}
	tags := m.tagged.tags(m.digest(a.User, a.Server, netip.Addr{}))
	var names []string
	for _, n := range tags[:min(len(tags), tagsShown)] {
		names = append(names, "s"+strconv.Itoa(n))
	}
	if len(tags) > tagsShown {
		names = append(names, "...")
	}
	if r.secrets = strings.Join(names, ", "); r.secrets == "" {
		r.secrets = "-"
	}
	return r
}
