package report

import (
	"bytes"
	"io"
	"strings"

	"popscope/pop3parse/audit"
)

// rulesFormats are the formats of WriteRules.
var rulesFormats = []string{"table", "jsonl", "markdown"}

// WriteRules writes the catalogue of audit's rules as they are under a
// policy. An *OptionError tells of a format that does not exist for it.
func WriteRules(w io.Writer, format string, p audit.Policy, o Options) error {
	var b []byte
	switch format {
	case "table":
		b = rulesTable(p, o)
	case "jsonl":
		b = rulesJSON(p)
	case "markdown":
		b = rulesMarkdown(p)
	default:
		return &OptionError{Option: "format", Value: format, Hint: "the formats of rules are " + list(rulesFormats)}
	}
	_, err := w.Write(b)
	return err
}

// severityOf writes the severity of a rule under a policy, or off.
func severityOf(p *audit.Policy, r *audit.Rule) string {
	if s, on := p.Severity(r); on {
		return s.String()
	}
	return "off"
}

// rulesTable writes the catalogue for a terminal.
func rulesTable(p audit.Policy, o Options) []byte {
	var out bytes.Buffer
	paint := paint(o.Color)
	for i, theme := range audit.Catalogue() {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(paint.bold(theme.Name) + "\n")
		for k := range theme.Rules {
			r := &theme.Rules[k]
			out.WriteString("\n" + paint.cyan(r.Slug) + "  " + severityOf(&p, r) + "\n")
			out.WriteString(wrap("  ", strings.Fields(r.Title+"."), " ", o.Width))
			out.WriteString(wrap("  ", strings.Fields(r.About), " ", o.Width))
			for _, s := range r.Settings {
				out.WriteString(wrap("  "+s.Name+" = "+s.Text(p.Setting(r, s.Name))+": ", strings.Fields(s.About), " ", o.Width))
			}
			out.WriteString(wrap("  To do: ", strings.Fields(r.Advice), " ", o.Width))
			if r.RFC != "" {
				out.WriteString(paint.dim("  "+r.RFC) + "\n")
			}
		}
	}
	return out.Bytes()
}

// rulesJSON writes a record of type rule for each rule.
func rulesJSON(p audit.Policy) []byte {
	var j object
	for _, theme := range audit.Catalogue() {
		for k := range theme.Rules {
			r := &theme.Rules[k]
			j.open()
			j.word("type", "rule")
			j.str("rule", r.Slug)
			j.str("severity", severityOf(&p, r))
			j.str("theme", theme.Name)
			j.str("title", r.Title)
			j.str("about", r.About)
			j.str("advice", r.Advice)
			if r.RFC != "" {
				j.str("rfc", r.RFC)
			}
			j.str("scope", r.Scope.String())
			j.key("settings")
			j.open()
			for _, s := range r.Settings {
				if s.Time {
					j.str(s.Name, s.Text(p.Setting(r, s.Name)))
				} else {
					j.int(s.Name, p.Setting(r, s.Name))
				}
			}
			j.close()
			j.close()
			j.buf = append(j.buf, '\n')
		}
	}
	return j.buf
}

// rulesMarkdown writes the catalogue as docs/rules.md has it.
func rulesMarkdown(p audit.Policy) []byte {
	var out bytes.Buffer
	out.WriteString(rulesHead)
	for _, theme := range audit.Catalogue() {
		out.WriteString("\n## " + theme.Name + "\n")
		for k := range theme.Rules {
			r := &theme.Rules[k]
			out.WriteString("\n### " + r.Slug + "\n\n")
			out.WriteString("**" + mdText(r.Title) + "** · " + severityOf(&p, r) + " · identity: " + r.Scope.String())
			if r.RFC != "" {
				out.WriteString(" · " + mdText(r.RFC))
			}
			out.WriteString("\n\n" + mdText(r.About) + "\n\nTo do: " + mdText(r.Advice) + "\n")
			if len(r.Settings) > 0 {
				out.WriteString("\n| setting | value | meaning |\n| --- | --- | --- |\n")
				for _, s := range r.Settings {
					out.WriteString("| `" + s.Name + "` | " + s.Text(p.Setting(r, s.Name)) + " | " + mdText(s.About) + " |\n")
				}
			}
		}
	}
	return out.Bytes()
}

// rulesHead stands before the rules in Markdown.
const rulesHead = `# Rules of popscope audit

Made by ` + "`popscope audit --rules --format markdown`" + `; change the rules in pop3parse/audit, not here.

A rule has a name that stays, a severity (info, low, medium, high, critical) and an identity: what a
finding of it is about. Two findings of a rule with the same identity are the same trouble seen
twice; ` + "`--baseline`" + ` leaves out those whose identity an earlier run has reported. The identity is in
the ` + "`id`" + ` of the finding's record.

A policy switches rules off and changes severities and settings. It is YAML; names that do not
exist are errors:

` + "```yaml" + `
rules:
  unknown-command: off
  stls-not-offered: high
  password-guessing:
    severity: critical
    failures: 20
    window: 5m
ignore:
  accounts: [monitor]
  clients: [192.0.2.250, 2001:db8:1::/48]
  servers: [192.0.2.25]
` + "```" + `

Nothing is said about accounts, clients and servers below ` + "`ignore`" + `; an account is named exactly as the
client writes it.
`
