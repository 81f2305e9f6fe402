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

// grid is one table for a terminal. Cells are inert text, perhaps with
// colours.
type grid struct {
	columns []column
	rows    int
}

// column is a column of a grid.
type column struct {
	title string
	right bool // align to the right: numbers
	cells []string

	// What may be done to it when there is no room, in this order.
	brief []string // shorter cells, or nil
	soft  int      // cut it down to this width; 0 means not
	drop  int      // leave it out, the highest number first; 0 means never
	hard  int      // cut it down to this width when nothing else helps; 0 means never
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

// render writes the grid so that it fits into width columns of the
// terminal, if that is possible; 0 means no limit. It returns the titles
// of the columns that found no room.
func (g *grid) render(w io.Writer, width int, p paint) (dropped []string, err error) {
	columns, widths, dropped := g.fit(width)
	header := make([]string, len(columns))
	rule := make([]string, len(columns))
	for i, c := range columns {
		header[i] = p.bold(c.title)
		rule[i] = p.dim(strings.Repeat("-", widths[i]))
	}
	rows := func(yield func([]string) bool) {
		if !yield(rule) {
			return
		}
		for r := range g.rows {
			row := make([]string, len(columns))
			for i, c := range columns {
				row[i] = cut(c.cells[r], widths[i])
			}
			if !yield(row) {
				return
			}
		}
	}
	if g.rows <= fancyRows && !bool(p) { // the library puts resets where there was no colour
		return dropped, renderFancy(w, header, columns, rows)
	}
	return dropped, renderPlain(w, header, columns, widths, rows)
}

// fit chooses the columns, their cells and their widths.
func (g *grid) fit(width int) (columns []column, widths []int, dropped []string) {
	columns = append(columns, g.columns...)
	if width <= 0 || total(naturals(columns)) <= width {
		return columns, naturals(columns), nil
	}
	for i := range columns {
		if columns[i].brief != nil {
			columns[i].cells = columns[i].brief
		}
	}
	for {
		widths = naturals(columns)
		squeeze(columns, widths, width, func(c *column) int { return c.soft })
		if total(widths) <= width {
			return columns, widths, dropped
		}
		i := leastWanted(columns)
		if i < 0 {
			break
		}
		dropped = append(dropped, columns[i].title)
		columns = slices.Delete(columns, i, i+1)
	}
	squeeze(columns, widths, width, func(c *column) int { return c.hard })
	return columns, widths, dropped
}

// naturals returns the widths that the columns take uncut.
func naturals(columns []column) []int {
	widths := make([]int, len(columns))
	for i := range columns {
		widths[i] = columns[i].natural()
	}
	return widths
}

// squeeze narrows the widest columns until the row fits into width or
// all are down to their least width.
func squeeze(columns []column, widths []int, width int, least func(*column) int) {
	for total(widths) > width {
		widest := -1
		for i := range columns {
			l := least(&columns[i])
			if l > 0 && widths[i] > max(l, displayWidth(columns[i].title)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// natural returns the width that the column takes uncut.
func (c *column) natural() int {
	most := displayWidth(c.title)
	for _, cell := range c.cells {
		most = max(most, displayWidth(cell))
	}
	return most
}

// total returns the width of a row.
func total(widths []int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// leastWanted returns the column that can best be spared, or -1.
func leastWanted(columns []column) int {
	best := -1
	for i, c := range columns {
		if c.drop > 0 && (best < 0 || c.drop > columns[best].drop) {
			best = i
		}
	}
	return best
}

// displayWidth returns how many columns of a terminal s takes. Characters
// whose width depends on the terminal count as narrow everywhere, so that
// the output does not depend on the environment.
func displayWidth(s string) int { return twwidth.WidthWithOptions(s, twwidth.Options{}) }

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
func renderFancy(w io.Writer, header []string, columns []column, rows iter.Seq[[]string]) error {
	var out bytes.Buffer
	align := make([]tw.Align, len(columns))
	for i, c := range columns {
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
func renderPlain(w io.Writer, header []string, columns []column, widths []int, rows iter.Seq[[]string]) error {
	var line []byte
	write := func(row []string) error {
		line = line[:0]
		for i, c := range columns {
			fill := strings.Repeat(" ", max(widths[i]-displayWidth(row[i]), 0))
			if i > 0 {
				line = append(line, strings.Repeat(" ", gap)...)
			}
			if c.right {
				line = append(append(line, fill...), row[i]...)
			} else {
				line = append(append(line, row[i]...), fill...)
			}
		}
		_, err := w.Write(append(bytes.TrimRight(line, " "), '\n'))
		return err
	}
	if err := write(header); err != nil {
		return err
	}
	for row := range rows {
		if err := write(row); err != nil {
			return err
		}
	}
	return nil
}
