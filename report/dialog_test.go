package report

import (
	"bytes"
	"testing"
	"unicode"

	"popscope"
	"popscope/capture/capturetest"
)

// TestEveryDialog runs the whole collection of dialogs through every
// format: the lines of jsonl are as the schema says, and nothing acts on a
// terminal.
func TestEveryDialog(t *testing.T) {
	s := compileSchema(t)
	for _, d := range capturetest.Some(capturetest.LoadAll(t, "")) {
		for _, format := range Formats() {
			var out bytes.Buffer
			opt := Options{ShowSecrets: true, Bodies: AllBodies, Verbose: true, Records: RecordTypes()}
			w, err := New(format, &out, opt)
			if err != nil {
				t.Fatal(err)
			}
			a := popscope.New(popscope.Options{Workers: 1, KeepBody: KeepBody(format, opt)})
			writeAll(t, w, a, capturetest.Source(d.Trace().Packets(capturetest.Plain())))
			if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool {
				isolate := r == '\u2068' || r == '\u2069' // ours: see TestRightToLeftCellsAreIsolated
				return r != '\n' && !isolate && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
			}); i >= 0 && format != "jsonl" {
				t.Errorf("%s as %s: %q", d.Name, format, out.Bytes()[i:min(i+20, out.Len())])
			}
			if format != "jsonl" {
				continue
			}
			for line := range bytes.Lines(out.Bytes()) {
				if err := validate(s, line); err != nil {
					t.Errorf("%s: %s\n%v", d.Name, line, err)
				}
			}
		}
	}
}
