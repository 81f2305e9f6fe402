package report

import (
	"cmp"
	"io"
	"slices"

	"popscope/pop3parse/audit"
)

// findingRows counts findings by rule and keeps the first one of each as
// an example. Rules are few: nothing has to bound them.
type findingRows struct {
	rows map[findingKey]*findingRow
}

type findingKey struct {
	rule     string
	severity audit.Severity
}

// findingRow is one line of the table of findings.
type findingRow struct {
	findingKey
	count   int64
	example string
}

func (f *findingRows) add(x *audit.Finding) {
	key := findingKey{x.Rule, x.Severity}
	row := f.rows[key]
	if row == nil {
		if f.rows == nil {
			f.rows = make(map[findingKey]*findingRow)
		}
		row = &findingRow{findingKey: key, example: inertUpTo([]byte(x.Detail), maxCell)}
		f.rows[key] = row
	}
	row.count++
}

// sorted returns the rows, the most severe first.
func (f *findingRows) sorted() []*findingRow {
	var rows []*findingRow
	for _, row := range f.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *findingRow) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.count, a.count), cmp.Compare(a.rule, b.rule))
	})
	return rows
}

// writeFindings writes a row for each rule that found something.
func (t *table) writeFindings(w io.Writer) error {
	g := &grid{columns: []column{
		{title: "Severity"},
		{title: "Times", right: true},
		{title: "Rule"},
		{title: "Example", wire: true, soft: 30, hard: 12, drop: 1},
	}}
	for _, row := range t.findings.sorted() {
		g.add(severityText(row.severity, t.paint), commas(row.count), row.rule, row.example)
	}
	return t.section(w, "Findings", g, "")
}

// severityText writes how much a finding matters.
func severityText(s audit.Severity, p paint) string {
	switch {
	case s >= audit.High:
		return p.red(s.String())
	case s == audit.Medium:
		return p.yellow(s.String())
	}
	return s.String()
}
