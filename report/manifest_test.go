package report

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"popscope/pop3parse"
	"popscope/report/mailfile"
)

// compileManifestSchema compiles the schema of manifests and the one that
// it refers to.
func compileManifestSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for name, text := range map[string]string{"schema.json": Schema(), "manifest.schema.json": ManifestSchema()} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everySaved returns what can become of the messages of all cases.
func everySaved() []mailfile.Saved {
	var out []mailfile.Saved
	for _, c := range cases {
		for _, r := range c.results() {
			for i := range r.Messages {
				m := &r.Messages[i]
				whole := mailfile.Saved{Result: r, Message: m, N: len(out) + 1, File: "000001-alice-retr1-Hello.eml", Octets: m.Octets}
				for range attachmentsOf(m) {
					whole.Attachments = append(whole.Attachments, mailfile.SavedAttachment{File: "attachments/x/y"})
				}
				for _, g := range m.Gaps {
					whole.Gaps = append(whole.Gaps, mailfile.Gap{Gap: g, FileOffset: g.Offset})
				}
				filled := whole
				filled.Octets, filled.SHA256 = m.Octets+10, &[32]byte{1}
				filled.Gaps = []mailfile.Gap{{Gap: pop3parse.Gap{Offset: 1, Length: 10}, FileOffset: 1, Filled: 10}}
				filled.Earlier = []mailfile.Fetch{{Session: "abc", Exchange: 3, Command: pop3parse.TOP}, {Session: "abc", Exchange: 4, Command: pop3parse.RETR, File: "x.eml"}}
				mbox := whole
				mbox.File, mbox.Offset = mailfile.MboxName, 50
				failed := whole
				failed.File, failed.Err = "", &fs.PathError{Op: "open", Path: ".popscope-tmp/1", Err: errors.New("no space\xff")}
				failed.Attachments = nil
				for range attachmentsOf(m) {
					failed.Attachments = append(failed.Attachments, mailfile.SavedAttachment{Err: failed.Err})
				}
				out = append(out, whole, filled, mbox, failed)
			}
		}
	}
	return out
}

func TestManifestIsAsItsSchemaSays(t *testing.T) {
	s := compileManifestSchema(t)
	saved := everySaved()
	if len(saved) < 8 {
		t.Fatalf("only %d messages", len(saved))
	}
	var out bytes.Buffer
	m, err := NewManifest("jsonl", &out, Options{Files: []string{"a.pcap"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(saved); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(cases[0].summary()); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range bytes.Lines(out.Bytes()) {
		lines++
		if err := validate(s, line); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
		if bytes.Contains(line, []byte("popscope-tmp")) {
			t.Errorf("the name of a temporary file: %s", line)
		}
	}
	if lines != len(saved)+2 {
		t.Errorf("%d lines for %d messages, a run and a summary", lines, len(saved))
	}
}

// TestManifestTellsDoubts: who reads the manifest alone must not take a
// message for another one, nor bytes for undisputed.
func TestManifestTellsDoubts(t *testing.T) {
	saved := everySaved()[:1]
	r := *saved[0].Result
	r.Exchanges = slices.Clone(r.Exchanges)
	i := slices.IndexFunc(r.Exchanges, func(x pop3parse.Exchange) bool { return x.N == saved[0].Message.Exchange })
	r.Exchanges[i].Pairing, r.Exchanges[i].Notes = pop3parse.Guessed, 0
	r.Exchanges[i].Notes.Add(pop3parse.DifferingCopies)
	saved[0].Result = &r
	var out bytes.Buffer
	m, err := NewManifest("jsonl", &out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(saved); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(cases[0].summary()); err != nil {
		t.Fatal(err)
	}
	if want := `"pairing":"guessed","notes":["differing_copies"]`; !strings.Contains(out.String(), want) {
		t.Errorf("\n got %s\nwant %s", out.String(), want)
	}
}

func TestManifestTable(t *testing.T) {
	saved := everySaved()
	var out bytes.Buffer
	m, err := NewManifest("table", &out, Options{Width: 80})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(saved); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(cases[0].summary()); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "not written") || !strings.Contains(text, "messages of ") {
		t.Errorf("%s", text)
	}
	for line := range strings.Lines(text) {
		if w := displayWidth(strings.TrimSuffix(line, "\n")); w > 80 {
			t.Errorf("%d columns: %s", w, line)
		}
	}
}

func TestManifestOfUnknownFormat(t *testing.T) {
	var unknown *OptionError
	if _, err := NewManifest("html", nil, Options{}); !errors.As(err, &unknown) || unknown.Hint != "the formats are table and jsonl" {
		t.Errorf("%v", err)
	}
}
