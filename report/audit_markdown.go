package report

import (
	"bytes"
	"io"
	"strings"

	"popscope"
)

// auditMarkdown writes an audit as a page of Markdown, as GitHub and its
// like show it.
type auditMarkdown struct {
	*auditModel
	w io.Writer
}

func newAuditMarkdown(w io.Writer, o Options) (Writer, error) {
	return &auditMarkdown{newAuditModel(o), w}, nil
}

// Write implements Writer.
func (m *auditMarkdown) Write(r *popscope.Result) error {
	m.write(r)
	return nil
}

// Close implements Writer.
func (m *auditMarkdown) Close(s popscope.Summary) error {
	m.finish(s)
	var out bytes.Buffer
	out.WriteString("# POP3 audit\n\n" + mdText(m.tally()) + "\n\n")
	if rows, note := m.accounts(); len(rows) > 0 {
		out.WriteString("## Accounts\n\nTimes are UTC. One secret has one tag, so that reuse shows.\n\n")
		mdRow(&out, accountTitles)
		out.WriteString(strings.Repeat("| --- ", len(accountTitles)) + "|\n")
		for i := range rows {
			cells := rows[i].cells()
			for k := range cells {
				if accountWire[accountTitles[k]] {
					cells[k] = codeSpan(cells[k], true)
				}
			}
			mdRow(&out, cells)
		}
		if note != "" {
			out.WriteString("\n" + mdText(note) + "\n")
		}
		out.WriteByte('\n')
	}
	m.section(&out, "Findings", m.sorted(false), "None.")
	m.section(&out, "What was not seen", m.sorted(true), m.unseen())
	out.WriteString("## Totals\n\n")
	for line := range strings.Lines(string(appendTotals(nil, &s, false, 0))) {
		out.WriteString("- " + markdownTotal(strings.TrimRight(line, "\n")) + "\n")
	}
	_, err := out.WriteTo(m.w)
	return err
}

// section writes the findings of some rules.
func (m *auditMarkdown) section(out *bytes.Buffer, title string, groups []*ruleGroup, none string) {
	out.WriteString("## " + title + "\n\n")
	if len(groups) == 0 {
		out.WriteString(none + "\n\n")
	}
	for _, g := range groups {
		out.WriteString("### " + mdText(g.title) + "\n\n")
		out.WriteString("**" + g.severity.String() + "** · `" + g.slug + "` · " + count(g.total, "finding"))
		if g.rfc != "" {
			out.WriteString(" · " + mdText(g.rfc))
		}
		out.WriteString("\n\n" + mdText(g.advice) + "\n\n")
		rest := g.total
		for _, s := range g.subjects {
			rest -= s.times
			line := inCode(Inert(s.first.Detail)) // it may quote the wire
			if text := s.text(inCode); text != "" {
				line = text + ": " + line
			}
			if text := s.evidenceText(); text != "" {
				line += " (" + text + ")"
			}
			out.WriteString("- " + line + "\n")
		}
		if rest > 0 {
			out.WriteString("- " + count(rest, "more finding") + "\n")
		}
		out.WriteByte('\n')
	}
}

// inCode writes inert text from the wire, outside of tables.
func inCode(s string) string { return codeSpan(s, false) }

// mdRow writes a row of a table, whose cells are Markdown already.
func mdRow(out *bytes.Buffer, cells []string) {
	for _, c := range cells {
		out.WriteString("| " + c + " ")
	}
	out.WriteString("|\n")
}

// mdText writes a text of ours so that Markdown shows it as it is: none of its
// signs make markup, links or HTML. What comes from the wire is code instead:
// see codeSpan.
func mdText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '`', '*', '_', '{', '}', '[', ']', '<', '>', '#', '|', '~', '!', '$', '@', '&':
			b.WriteByte('\\')
		case ':':
			if strings.HasPrefix(s[i:], "://") {
				b.WriteByte('\\')
			}
		case '.':
			if i >= 3 && strings.EqualFold(s[i-3:i], "www") {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
