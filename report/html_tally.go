package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/report/timing"
)

// This file sums up over all sessions, in bounded memory: what finds no
// place in a table is counted.

// loginTally counts logins by kind and by exposure.
type loginTally struct {
	most     int
	kinds    map[loginKey]int64
	more     int64 // logins of kinds beyond most
	exposure [4][3]int64
}

func (t *loginTally) add(l *pop3parse.Login, server string) {
	t.exposure[l.Exposure][l.Outcome]++
	k := loginKey{user: "-", server: server, mechanism: inertUpTo([]byte(l.Mechanism), maxCell), outcome: l.Outcome, reason: l.Reason, exposure: l.Exposure}
	if l.User != nil {
		k.user = inertUpTo(l.User, maxCell)
	}
	if _, known := t.kinds[k]; !known && len(t.kinds) >= t.most {
		t.more++
		return
	}
	if t.kinds == nil {
		t.kinds = make(map[loginKey]int64)
	}
	t.kinds[k]++
}

// loginLine is a row of the table of logins.
type loginLine struct {
	User, Server, Mechanism, Outcome, Exposure string
	Class                                      string // good or bad
	Times                                      int64
}

// lines returns the rows: the most exposed ones first.
func (t *loginTally) lines() []loginLine {
	keys := slices.SortedFunc(maps.Keys(t.kinds), func(a, b loginKey) int {
		return cmp.Or(cmp.Compare(a.exposure, b.exposure), strings.Compare(a.user, b.user), strings.Compare(a.server, b.server),
			strings.Compare(a.mechanism, b.mechanism), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.reason, b.reason))
	})
	lines := make([]loginLine, 0, len(keys))
	for _, k := range keys {
		l := pop3parse.Login{Outcome: k.outcome, Reason: k.reason}
		class := map[pop3parse.Outcome]string{pop3parse.Success: "good", pop3parse.Failure: "bad"}[k.outcome]
		lines = append(lines, loginLine{k.user, k.server, k.mechanism, outcomeText(&l, false), k.exposure.String(), class, t.kinds[k]})
	}
	return lines
}

// serverTally counts errors by server.
type serverTally struct {
	most int
	rows map[string]*serverRow
	rest *serverRow // of servers beyond most
}

// serverRow is a row of the table of errors.
type serverRow struct {
	name                                       string
	sessions, commands, errors, failed, silent int64
	refused, encrypted, offered                int64
	kinds                                      map[string]int64
}

// at returns the row of a server.
func (t *serverTally) at(server string) *serverRow {
	if row := t.rows[server]; row != nil {
		return row
	}
	if len(t.rows) >= t.most {
		if t.rest == nil {
			t.rest = &serverRow{name: "(all others)"}
		}
		return t.rest
	}
	if t.rows == nil {
		t.rows = make(map[string]*serverRow)
	}
	row := &serverRow{name: server}
	t.rows[server] = row
	return row
}

// session counts what the end of a session tells.
func (t *serverTally) session(r *popscope.Result) {
	row := t.at(r.Conn.Server.String())
	row.sessions++
	if r.Session.Refused {
		row.refused++
	}
	switch {
	case r.TLS != popscope.NoTLS:
		row.encrypted++
	case slices.ContainsFunc(r.Session.Capabilities, func(c []byte) bool { return strings.EqualFold(string(c), "STLS") }):
		row.offered++
	}
}

// maxErrorKinds bounds the kinds of errors told apart for one server.
const maxErrorKinds = 50

// error counts a reply of -ERR, by command and response code, or by its
// text where it has none.
func (row *serverRow) error(x *pop3parse.Exchange, show bool) {
	row.errors++
	verb := inertUpTo([]byte(x.Verb), 12)
	switch {
	case verb != "":
	case x.RequestFirst.Packet == 0:
		verb = "(command lost)"
	default: // an empty line, or one that is no command
		verb = timing.OtherCommands
	}
	kind := verb + " "
	if text, _ := shownText(x.Text, show); x.Code != nil {
		kind += "[" + inertUpTo(x.Code, 24) + "]"
	} else {
		kind += "“" + inertUpTo(text, 48) + "”"
	}
	if _, known := row.kinds[kind]; !known && len(row.kinds) >= maxErrorKinds {
		kind = "others"
	}
	if row.kinds == nil {
		row.kinds = make(map[string]int64)
	}
	row.kinds[kind]++
}

// lines returns the rows, those with the most errors first.
func (t *serverTally) lines() []*serverRow {
	rows := slices.SortedFunc(maps.Values(t.rows), func(a, b *serverRow) int {
		return cmp.Or(cmp.Compare(b.errors+b.failed+b.refused, a.errors+a.failed+a.refused), strings.Compare(a.name, b.name))
	})
	if t.rest != nil {
		rows = append(rows, t.rest)
	}
	return rows
}

func (row *serverRow) Name() string     { return row.name }
func (row *serverRow) Sessions() int64  { return row.sessions }
func (row *serverRow) Commands() int64  { return row.commands }
func (row *serverRow) Errors() int64    { return row.errors }
func (row *serverRow) Failed() int64    { return row.failed }
func (row *serverRow) Silent() int64    { return row.silent }
func (row *serverRow) Refused() int64   { return row.refused }
func (row *serverRow) Encrypted() int64 { return row.encrypted }
func (row *serverRow) Offered() int64   { return row.offered }

// Kinds returns the three most frequent errors.
func (row *serverRow) Kinds() []string {
	names := slices.SortedFunc(maps.Keys(row.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(row.kinds[b], row.kinds[a]), strings.Compare(a, b))
	})
	var out []string
	for i, name := range names {
		if i == 3 {
			out = append(out, count(len(names)-i, "other kind"))
			break
		}
		out = append(out, name+" × "+commas(row.kinds[name]))
	}
	return out
}

// findingTally groups findings by rule.
type findingTally struct {
	most    int
	groups  map[string]*findingGroup
	bySever [severities]int64
}

const (
	severities   = int(audit.Critical) + 1
	highSeverity = int(audit.High) + 1 // as pageSession.worst counts
)

// findingGroup is all that one rule found.
type findingGroup struct {
	Rule, Title, Advice, RFC string
	severity                 audit.Severity // the worst one
	Count                    int64
	Evidence                 []evidence
}

// evidence is one finding.
type evidence struct {
	Sessions []string // ids
	Detail   string
	User     string
	Server   string // "" where it is not about one server
	Packets  []int64
	More     int // packets beyond maxEvidencePackets
}

// maxEvidencePackets is how many packets are named for a finding.
const maxEvidencePackets = 12

// maxEvidenceSessions is how many sessions a finding about several names.
const maxEvidenceSessions = 20

func (t *findingTally) add(f *audit.Finding, session string) { t.file(f, []string{session}) }

// across adds a finding about several sessions.
func (t *findingTally) across(f *audit.Finding) {
	var ids []string
	for _, id := range f.Sessions[:min(len(f.Sessions), maxEvidenceSessions)] {
		ids = append(ids, Inert(id))
	}
	t.file(f, ids)
}

func (t *findingTally) file(f *audit.Finding, sessions []string) {
	t.bySever[f.Severity]++
	g := t.groups[f.Rule]
	if g == nil {
		g = &findingGroup{Rule: Inert(f.Rule), Title: Inert(f.Title), Advice: Inert(f.Advice), RFC: Inert(f.RFC)}
		if t.groups == nil {
			t.groups = make(map[string]*findingGroup)
		}
		t.groups[f.Rule] = g
	}
	g.Count++
	g.severity = max(g.severity, f.Severity)
	if len(g.Evidence) >= t.most {
		return
	}
	packets := f.Packets[:min(len(f.Packets), maxEvidencePackets)]
	e := evidence{Sessions: sessions, Detail: inertUpTo([]byte(f.Detail), 2*maxStepText), Packets: slices.Clone(packets), More: len(f.Packets) - len(packets)}
	if f.User != nil {
		e.User = inertUpTo(f.User, maxCell)
	}
	if f.Server.IsValid() {
		e.Server = f.Server.String()
	}
	g.Evidence = append(g.Evidence, e)
}

// lines returns the groups, the most severe first.
func (t *findingTally) lines() []*findingGroup {
	return slices.SortedFunc(maps.Values(t.groups), func(a, b *findingGroup) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.Count, a.Count), strings.Compare(a.Rule, b.Rule))
	})
}

// severityLine is how many findings had a severity.
type severityLine struct {
	Name  string
	Count int64
}

// Severities returns the counts by severity, the most severe first.
func (v *pageView) Severities() []severityLine {
	var lines []severityLine
	for s := severities; s > 0; s-- {
		if n := v.findings.bySever[s-1]; n > 0 {
			lines = append(lines, severityLine{severityWord(s), n})
		}
	}
	return lines
}

func (g *findingGroup) Severity() string { return g.severity.String() }
func (g *findingGroup) More() int64      { return g.Count - int64(len(g.Evidence)) }

// severityWord returns the word for a severity counted from 1.
func severityWord(n int) string {
	if n == 0 {
		return ""
	}
	return audit.Severity(n - 1).String()
}
