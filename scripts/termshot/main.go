// Command termshot makes a picture of what a program shows on a terminal:
//
//	popscope analyze --color always mail.pcap | termshot 'popscope analyze mail.pcap' > docs/analyze.svg
//
// Its argument is the command line that is shown above. It knows the
// colours that popscope uses. The picture is text: it can be searched, and
// stays small.
package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Sizes in pixels, for a monospaced font of 14.
const (
	cell   = 8.43
	line   = 19
	margin = 18
)

// colours by the code that turns them on.
var colours = map[string]string{"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "36": "c"}

const style = `text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d8dee9;white-space:pre}` +
	`.b{font-weight:bold;fill:#fff}.d{fill:#6b7689}.r{fill:#ff7b72}.g{fill:#7ee787}.y{fill:#e3b341}.c{fill:#79c0ff}`

func main() {
	command := strings.Join(os.Args[1:], " ")
	if command == "" {
		fmt.Fprintln(os.Stderr, "usage: termshot COMMAND < output > picture.svg")
		os.Exit(2)
	}
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		out := bufio.NewWriter(os.Stdout)
		picture(out, command, string(text))
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "termshot:", err)
		os.Exit(1)
	}
}

// run is text of one colour at its place in a line.
type run struct {
	column      int
	class, text string
}

// picture writes text as SVG.
func picture(w io.Writer, command, text string) {
	lines := append([]string{"\x1b[32m$\x1b[0m \x1b[1m" + command + "\x1b[0m"}, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
	columns := 0
	rows := make([][]run, len(lines))
	for i, l := range lines {
		var width int
		rows[i], width = runs(l)
		columns = max(columns, width)
	}
	width, height := float64(columns)*cell+2*margin, len(lines)*line+2*margin
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(w, "<title>%s</title>\n<style>%s</style>\n", escape("Terminal output of "+command), style)
	fmt.Fprintf(w, `<rect width="100%%" height="100%%" rx="8" fill="#161b22"/>`+"\n")
	for i, row := range rows {
		if len(row) == 0 {
			continue
		}
		fmt.Fprintf(w, `<text y="%d">`, margin+line*i+14)
		for _, r := range row {
			class := ""
			if r.class != "" {
				class = ` class="` + r.class + `"`
			}
			fmt.Fprintf(w, `<tspan x="%.1f"%s>%s</tspan>`, margin+float64(r.column)*cell, class, escape(r.text))
		}
		fmt.Fprintln(w, "</text>")
	}
	fmt.Fprintln(w, "</svg>")
}

// runs splits a line, and returns its width. Words stand where they stand
// on the terminal, whatever the width of letters in the font, as do
// characters that are two columns wide.
func runs(l string) (out []run, width int) {
	class := ""
	begin := true
	for len(l) > 0 {
		if code, rest, found := strings.Cut(l, "m"); found && strings.HasPrefix(code, "\x1b[") {
			class, l, begin = colours[code[2:]], rest, true
			continue
		}
		r := []rune(l)[0]
		s := string(r)
		w := twwidth.WidthWithOptions(s, twwidth.Options{})
		switch {
		case r == ' ':
			begin = true
		case begin || w != 1:
			out = append(out, run{width, class, s})
			begin = w != 1
		default:
			out[len(out)-1].text += s
		}
		width += w
		l = l[len(s):]
	}
	return out, width
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
