package report

import (
	"bytes"
	"io"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
)

// auditTable writes an audit for a terminal.
type auditTable struct {
	*auditModel
	w     io.Writer
	paint paint
}

func newAuditTable(w io.Writer, o Options) (Writer, error) {
	return &auditTable{newAuditModel(o), w, paint(o.Color)}, nil
}

// Write implements Writer.
func (t *auditTable) Write(r *popscope.Result) error {
	t.write(r)
	return nil
}

// Close implements Writer.
func (t *auditTable) Close(s popscope.Summary) error {
	t.finish(s)
	var out bytes.Buffer
	if err := t.writeAccounts(&out); err != nil {
		return err
	}
	t.writeRules(&out, "Findings", t.sorted(false), "None.")
	t.writeRules(&out, "What was not seen", t.sorted(true), t.unseen())
	say(&out, t.paint.bold, t.tally(), t.opt.Width)
	out.Write(appendTotals(nil, &s, t.paint, t.opt.Width))
	_, err := out.WriteTo(t.w)
	return err
}

// writeAccounts writes a row for each account.
func (t *auditTable) writeAccounts(w io.Writer) error {
	rows, note := t.accounts()
	if len(rows) == 0 {
		return nil
	}
	g := &grid{columns: []column{
		{title: accountTitles[0], soft: 12, hard: 6},
		{title: accountTitles[1], hard: 6, brief: []string{}},
		{title: accountTitles[2], soft: 14, hard: 6},
		{title: accountTitles[3], drop: 2},
		{title: accountTitles[4], drop: 1},
		{title: accountTitles[5], soft: 12, drop: 5},
		{title: accountTitles[6], soft: 9, drop: 4},
		{title: accountTitles[7], hard: 8},
		{title: accountTitles[8], soft: 7, hard: 4},
		{title: accountTitles[9], drop: 3},
	}}
	for i := range rows {
		g.columns[1].brief = append(g.columns[1].brief, withoutPort(rows[i].server))
		if rows[i].exposed != pop3parse.Protected {
			rows[i].exposure = t.paint.yellow(rows[i].exposure)
		}
		g.add(rows[i].cells()...)
	}
	io.WriteString(w, t.paint.bold("Accounts (times in UTC)")+"\n")
	dropped, err := g.render(w, t.opt.Width, t.paint)
	if err != nil {
		return err
	}
	if len(dropped) > 0 {
		say(w, t.paint.dim, noRoom(dropped, ""), t.opt.Width)
	}
	if note != "" {
		say(w, t.paint.yellow, note, t.opt.Width)
	}
	io.WriteString(w, "\n")
	return nil
}

// writeRules writes the findings, rule by rule.
func (t *auditTable) writeRules(w io.Writer, title string, groups []*ruleGroup, none string) {
	io.WriteString(w, t.paint.bold(title)+"\n")
	if len(groups) == 0 {
		io.WriteString(w, wrap("", strings.Fields(none), " ", t.opt.Width)+"\n")
		return
	}
	for _, g := range groups {
		io.WriteString(w, "\n"+wrap(t.severity(g.severity)+"  ", strings.Fields(g.title+" ("+g.slug+", "+count(g.total, "finding")+")"), " ", t.opt.Width))
		t.writeSubjects(w, g)
		io.WriteString(w, wrap("  To do: ", strings.Fields(g.advice), " ", t.opt.Width))
		if g.rfc != "" {
			io.WriteString(w, wrap("  ", strings.Fields(g.rfc), " ", t.opt.Width))
		}
	}
	io.WriteString(w, "\n")
}

// writeSubjects writes what the findings of a rule are about.
func (t *auditTable) writeSubjects(w io.Writer, g *ruleGroup) {
	rest := g.total
	for _, s := range g.subjects {
		rest -= s.times
		items := strings.Fields(Inert(s.first.Detail))
		if text := s.text(asIs); text != "" {
			items = append(strings.Fields(text+":"), items...)
		}
		if text := s.evidenceText(); text != "" {
			items = append(items, strings.Fields("("+text+")")...)
		}
		io.WriteString(w, wrap("  - ", items, " ", t.opt.Width))
	}
	if rest > 0 {
		note := count(rest, "more finding")
		if !t.opt.Verbose {
			note += "; --verbose shows more"
		}
		io.WriteString(w, wrap("  - ", strings.Fields(note), " ", t.opt.Width))
	}
}

// asIs writes inert text from the wire.
func asIs(s string) string { return s }

// severity writes a severity in its colour and with one width.
func (t *auditTable) severity(s audit.Severity) string {
	text := (s.String() + "        ")[:len("critical")]
	switch {
	case s >= audit.High:
		return t.paint.red(text)
	case s == audit.Medium:
		return t.paint.yellow(text)
	}
	return t.paint.cyan(text)
}
