package report

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// grid is one table for people. Cells are inert text, perhaps with
// colours.
type grid struct {
	columns []column
	rows    int
}

// column is a column of a grid.
type column struct {
	title string
	right bool // align to the right: numbers
	wire  bool // text from the wire, or addresses: markdown must not interpret it
	cells []string

	// What may be done to it when there is no room, in this order.
	brief []string // shorter cells, or nil
	soft  int      // cut it down to this width; 0 means not
	drop  int      // leave it out, the highest number first; 0 means never
	hard  int      // cut it down to this width when nothing else helps; 0 means never
	last  int      // leave it out after all, the highest number first; 0 means never
}

const gap = 2 // spaces between columns

// fancyRows is up to how many rows the table library lays out a grid. It
// takes 20 microseconds and 9 KB a row; above that a plain loop does it.
const fancyRows = 2000

// add appends a row with a cell for each column.
func (g *grid) add(cells ...string) {
	for i := range g.columns {
		g.columns[i].cells = append(g.columns[i].cells, cells[i])
	}
	g.rows++
}

// clear removes all rows.
func (g *grid) clear() {
	for i := range g.columns {
		c := &g.columns[i]
		c.cells = c.cells[:0]
		if c.brief != nil {
			c.brief = c.brief[:0]
		}
	}
	g.rows = 0
}

// layout says which columns are shown, and how wide.
type layout struct {
	shown   []place
	dropped []string // titles of the columns that found no room
	limited bool     // there is a width to keep to
}

// place is a column in a layout.
type place struct {
	width int
	brief bool // its shorter cells are shown
	*column
}

// layout fits the columns into a width; 0 means no limit.
func (g *grid) layout(width int) layout {
	l := layout{limited: width > 0}
	for i := range g.columns {
		l.shown = append(l.shown, place{column: &g.columns[i]})
	}
	l.measure()
	if width <= 0 || l.total() <= width {
		return l
	}
	for i := range l.shown {
		l.shown[i].brief = l.shown[i].column.brief != nil
	}
	for {
		l.measure()
		l.squeeze(width, func(c *column) int { return c.soft })
		if l.total() <= width {
			return l
		}
		if !l.leaveOut(func(c *column) int { return c.drop }) {
			break
		}
	}
	for {
		l.measure()
		l.squeeze(width, func(c *column) int { return c.hard })
		if l.total() <= width || !l.leaveOut(func(c *column) int { return c.last }) {
			return l
		}
	}
}

// measure gives each column the width that it takes uncut.
func (l *layout) measure() {
	for i := range l.shown {
		p := &l.shown[i]
		p.width = displayWidth(p.title)
		for r := range p.cells {
			p.width = max(p.width, displayWidth(p.cell(r)))
		}
	}
}

// cell returns the cell of a row, uncut.
func (p *place) cell(r int) string {
	if p.brief {
		return p.column.brief[r]
	}
	return p.cells[r]
}

// row returns the cells of a row as they are shown.
func (l *layout) row(r int) []string {
	cells := make([]string, len(l.shown))
	for i := range l.shown {
		p := &l.shown[i]
		cell := p.cell(r)
		if l.limited && (p.soft > 0 || p.hard > 0) {
			cell = cut(cell, p.width)
		}
		cells[i] = isolate(cell)
	}
	return cells
}

// header returns the titles.
func (l *layout) header(p paint) []string {
	var cells []string
	for _, c := range l.shown {
		cells = append(cells, p.bold(c.title))
	}
	return cells
}

// rule returns the line below the titles.
func (l *layout) rule(p paint) []string {
	var cells []string
	for _, c := range l.shown {
		cells = append(cells, p.dim(strings.Repeat("-", c.width)))
	}
	return cells
}

// appendLine appends a line with these cells.
func (l *layout) appendLine(dst []byte, cells []string) []byte {
	from := len(dst)
	for i := range l.shown {
		p := &l.shown[i]
		fill := max(p.width-displayWidth(cells[i]), 0)
		if i > 0 {
			dst = appendSpaces(dst, gap)
		}
		if p.right {
			dst = append(appendSpaces(dst, fill), cells[i]...)
		} else {
			dst = appendSpaces(append(dst, cells[i]...), fill)
		}
	}
	for len(dst) > from && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '\n')
}

func appendSpaces(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// total returns the width of a row.
func (l *layout) total() int {
	sum := gap * (len(l.shown) - 1)
	for i := range l.shown {
		sum += l.shown[i].width
	}
	return sum
}

// squeeze narrows the widest columns until the row fits into width or
// all are down to their least width.
func (l *layout) squeeze(width int, least func(*column) int) {
	for l.total() > width {
		var widest *place
		for i := range l.shown {
			p := &l.shown[i]
			n := least(p.column)
			if n > 0 && p.width > max(n, displayWidth(p.title)) && (widest == nil || p.width > widest.width) {
				widest = p
			}
		}
		if widest == nil {
			return
		}
		widest.width--
	}
}

// leaveOut removes the column that can best be spared, the one with the
// highest number above 0, and reports whether there was one.
func (l *layout) leaveOut(number func(*column) int) bool {
	best := -1
	for i, p := range l.shown {
		if n := number(p.column); n > 0 && (best < 0 || n > number(l.shown[best].column)) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	l.dropped = append(l.dropped, l.shown[best].title)
	l.shown = slices.Delete(l.shown, best, best+1)
	return true
}

// render writes the grid so that it fits into width columns of the
// terminal, if that is possible; 0 means no limit. It returns the titles
// of the columns that found no room.
func (g *grid) render(w io.Writer, width int, p paint) (dropped []string, err error) {
	l := g.layout(width)
	rows := func(yield func([]string) bool) {
		if !yield(l.rule(p)) {
			return
		}
		for r := range g.rows {
			if !yield(l.row(r)) {
				return
			}
		}
	}
	if g.rows <= fancyRows && !bool(p) { // the library puts resets where there was no colour
		return l.dropped, renderFancy(w, &l, l.header(p), rows)
	}
	return l.dropped, renderPlain(w, &l, l.header(p), rows)
}

// displayWidth returns how many columns of a terminal s takes. Characters
// whose width depends on the terminal count as narrow everywhere, so that
// the output does not depend on the environment.
func displayWidth(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return twwidth.WidthWithOptions(s, twwidth.Options{})
		}
	}
	return len(s)
}

// cut shortens a cell to a width and shows that it did.
func cut(s string, width int) string {
	if displayWidth(s) <= width {
		return s
	}
	used, plain := 0, stripColour(s)
	for i, r := range plain {
		w := displayWidth(string(r))
		if used+w > width-1 {
			return plain[:i] + "…"
		}
		used += w
	}
	return plain
}

// stripColour removes our own colours from a cell.
func stripColour(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

// renderFancy lets the table library lay out the grid.
func renderFancy(w io.Writer, l *layout, header []string, rows iter.Seq[[]string]) error {
	var out bytes.Buffer
	align := make([]tw.Align, len(l.shown))
	for i, c := range l.shown {
		align[i] = tw.AlignLeft
		if c.right {
			align[i] = tw.AlignRight
		}
	}
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{PerColumn: align},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true}},
	}
	table := tablewriter.NewTable(&out,
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Settings: tw.Settings{
				Separators: tw.SeparatorsNone,
				Lines:      tw.LinesNone,
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
	)
	table.Header(header)
	for row := range rows {
		if err := table.Append(row); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	for line := range bytes.Lines(out.Bytes()) {
		if _, err := w.Write(append(bytes.TrimRight(line, " \n"), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// renderPlain writes the same without the library.
func renderPlain(w io.Writer, l *layout, header []string, rows iter.Seq[[]string]) error {
	line := l.appendLine(nil, header)
	if _, err := w.Write(line); err != nil {
		return err
	}
	for row := range rows {
		line = l.appendLine(line[:0], row)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// isolate keeps letters that run from right to left from taking the cells
// to their right along, on terminals that turn such text: numbers would
// change places. What it puts around them takes no room.
//
//	#  Subject  Octets        as it is stored      1  ABC  2,047
//	1  2,047  CBA             without isolation
//	1  CBA    2,047           with it
func isolate(s string) string {
	const firstStrongIsolate, popDirectionalIsolate = "\u2068", "\u2069"
	for _, r := range s {
		if rightToLeft(r) {
			return firstStrongIsolate + s + popDirectionalIsolate
		}
	}
	return s
}

// rightToLeft reports whether a rune belongs to a script that runs from
// right to left. These are the blocks that Unicode reserves for them.
func rightToLeft(r rune) bool {
	switch {
	case r < 0x590:
		return false
	case r <= 0x8ff, r >= 0xfb1d && r <= 0xfdff, r >= 0xfe70 && r <= 0xfefe:
		return true
	}
	return r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
}
