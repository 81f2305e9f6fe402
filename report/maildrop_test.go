package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"popscope"
	"popscope/capture/capturetest"
)

// renderMaildrops writes the ledgers of all dialogs, one after the other:
// their sessions have the same ids, as no two of one run have.
func renderMaildrops(t *testing.T, format string, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, d := range capturetest.LoadAll(t, "") {
		w, err := NewMaildrop(format, &out, o)
		if err != nil {
			t.Fatal(err)
		}
		a := popscope.New(popscope.Options{Workers: 1, NoMail: true})
		writeAll(t, w, a, capturetest.Source(d.Trace().Packets(capturetest.Plain())))
	}
	return out.Bytes()
}

func TestMaildropIsAsItsSchemaSays(t *testing.T) {
	c := jsonschema.NewCompiler()
	for name, text := range map[string]string{"schema.json": Schema(), "maildrop.schema.json": MaildropSchema()} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("maildrop.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range bytes.Lines(renderMaildrops(t, "jsonl", Options{})) {
		lines++
		if err := validate(s, line); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
	}
	if lines < 20 {
		t.Errorf("only %d lines", lines)
	}
}

func TestMaildropTable(t *testing.T) {
	text := string(renderMaildrops(t, "table", Options{Verbose: true}))
	for _, want := range []string{"Mailboxes\n", "  committed  ", "  undone by RSET  ", "  unknown: QUIT unanswered  ", "  unknown: QUIT refused  ", "  undone: no QUIT  "} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables of all dialogs lack %q", want)
		}
	}
	for line := range strings.Lines(string(renderMaildrops(t, "table", Options{Width: 80}))) {
		if w := displayWidth(strings.TrimSuffix(line, "\n")); w > 80 && !strings.Contains(line, " packets, ") {
			t.Errorf("%d columns: %s", w, line)
		}
	}
}
