package report

import (
	"bytes"
	"io"
	"strings"

	"popscope"
)

// Markdown is meant to be pasted into an issue or a chat, whose limit is
// often 65,536 characters.
const (
	fewMarkdown  = 50 // rows of each table, without Options.Verbose
	markdownCell = 60 // columns of a cell, without Options.Wide
)

// newMarkdown returns the table in another dress: the same sections as
// tables of GitHub's Markdown, with the totals first.
func newMarkdown(w io.Writer, o Options) (Writer, error) {
	o.Color, o.Width, o.Live = false, 0, false
	made, err := newTable(w, o)
	if err != nil {
		return nil, err
	}
	t := made.(*table)
	t.md = true
	return t, nil
}

// appendMarkdownTotals appends what there is to say about the whole.
func appendMarkdownTotals(b []byte, s *popscope.Summary) []byte {
	var plain bytes.Buffer
	plain.Write(appendTotals(nil, s, false, 0))
	for i, line := range strings.Split(strings.TrimSuffix(plain.String(), "\n"), "\n") {
		if i == 0 {
			b = append(b, "**"+line+"**\n"...)
		} else {
			b = append(b, "- "+markdownTotal(line)+"\n"...)
		}
	}
	return append(b, '\n')
}

// markdownTotal writes a line of appendTotals. Warnings may quote names of
// files; the others are ours.
func markdownTotal(line string) string {
	if warning, is := strings.CutPrefix(line, "Warning: "); is {
		return "Warning: " + codeSpan(warning, false)
	}
	return line
}

// markdownSection writes a grid as a table.
func markdownSection(w io.Writer, title string, g *grid, note string, wide bool) error {
	rows := make([][]string, g.rows)
	widths := make([]int, len(g.columns))
	for i := range g.columns {
		c := &g.columns[i]
		widths[i] = max(displayWidth(c.title), len("--:"))
		for r, cell := range c.cells {
			if !wide {
				cell = cut(cell, markdownCell)
			}
			if c.wire {
				cell = codeSpan(cell, true)
			}
			rows[r] = append(rows[r], cell)
			widths[i] = max(widths[i], displayWidth(cell))
		}
	}
	out := []byte("### " + title + "\n\n")
	line := func(cells []string) {
		for i, cell := range cells {
			fill := widths[i] - displayWidth(cell)
			out = append(out, "| "...)
			if g.columns[i].right {
				out = append(appendSpaces(out, fill), cell...)
			} else {
				out = appendSpaces(append(out, cell...), fill)
			}
			out = append(out, ' ')
		}
		out = append(out, "|\n"...)
	}
	var header, rule []string
	for i, c := range g.columns {
		header = append(header, c.title)
		dashes := strings.Repeat("-", widths[i])
		if c.right {
			dashes = dashes[1:] + ":"
		}
		rule = append(rule, dashes)
	}
	line(header)
	line(rule)
	for _, row := range rows {
		line(row)
	}
	out = append(out, '\n')
	if note != "" {
		out = append(out, note+"\n\n"...)
	}
	_, err := w.Write(out)
	return err
}

// markdownList writes a list of texts of ours.
func markdownList(w io.Writer, title string, items []string, note string) error {
	out := []byte("### " + title + "\n\n")
	for _, item := range items {
		out = append(out, "- "+item+"\n"...)
	}
	out = append(out, '\n')
	if note != "" {
		out = append(out, note+"\n\n"...)
	}
	_, err := w.Write(out)
	return err
}

// codeSpan writes inert text so that nothing in it is taken for markup,
// HTML, a link, or the name of somebody to be notified: as code, in more
// backticks than it has itself. In a table a pipe ends a cell even in
// code; one behind a backslash cannot be had there and becomes an escape.
// What is empty, or a dash for nothing, stays as it is.
func codeSpan(s string, inTable bool) string {
	if s == "" || s == "-" {
		return s
	}
	if inTable {
		s = strings.ReplaceAll(s, `\|`, `\\\x7c`)
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence, space := strings.Repeat("`", longest+1), ""
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' || s[len(s)-1] == ' ' {
		space = " " // one on each side is taken away again
	}
	return fence + space + s + space + fence
}
