package report

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"popscope"
	"popscope/capture/capturetest"
)

// hostileTexts are what is put on the wire, as seeds.
var hostileTexts = []string{
	"", "alice", "</script><script>alert(1)</script>", `"><img src=x onerror=alert(2)>`, "javascript:alert(3)", "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0",
	"\x1b[2J\x1b]0;owned\x07", "\u202egpj.exe\u2066", "a\xff\xfe\x00b", "`code` **bold** | cell | <b>", "&lt;b&gt;", "'", "\\x1b", "\u2028\u2029\u0085",
	"=?utf-8?q?=3Cscript=3E?=", strings.Repeat("long ", 2000),
}

// sayEverywhere returns a session in which a text stands wherever a client
// or a server can put one.
func sayEverywhere(text []byte) (*capturetest.Dialog, error) {
	var d strings.Builder
	say := func(who, format string, args ...any) {
		fmt.Fprintf(&d, "%s= %s\n", who, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, format+"\r\n", args...)))
	}
	say("S", "+OK %s <%s@example.org>", text, text)
	say("C", "CAPA")
	say("S", "+OK %s\r\nIMPLEMENTATION %s\r\n%s\r\n.", text, text, text)
	say("C", "USER %s", text)
	say("S", "+OK %s", text)
	say("C", "PASS %s", text)
	say("S", "-ERR [%s] %s", text, text)
	say("C", "AUTH PLAIN %s", base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s\x00%s\x00%s", text, text, text)))
	say("S", "+OK %s", text)
	say("C", "UIDL")
	say("S", "+OK\r\n1 %s\r\n.", text)
	say("C", "RETR 1")
	say("S", "+OK %s\r\nSubject: %s\r\nFrom: %s <%s>\r\nTo: %s\r\nMessage-ID: <%s>\r\nContent-Type: application/%s; name=\"%s\"\r\nContent-Disposition: attachment; filename=\"%s\"\r\n\r\n%s\r\n.",
		text, text, text, text, text, text, text, text, text, text)
	say("C", "%s", text)
	say("S", "-ERR %s", text)
	say("C", "QUIT")
	say("S", "+OK %s", text)
	return capturetest.Parse("fuzz", d.String())
}

// FuzzFormats: whatever text is on the wire, every format of sessions stays
// what it is: nothing acts on a terminal, records are JSON, a page has no
// other markup than with harmless text, a sheet has its columns and no
// formulas.
func FuzzFormats(f *testing.F) {
	for _, s := range capturetest.Some(hostileTexts) {
		f.Add([]byte(s))
	}
	harmless := newMarkup(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if tooLong(text) {
			return
		}
		d, err := sayEverywhere(text)
		if err != nil {
			t.Skip(err) // longer than a dialog may be
		}
		for _, format := range Formats() {
			check(t, format, sessionsAs(t, d, New, format, Options{ShowSecrets: true, Verbose: true, Bodies: AllBodies}), harmless)
			check(t, format, sessionsAs(t, d, New, format, Options{}), harmless)
		}
		for _, format := range FormatsOf(AuditView) {
			check(t, format, sessionsAs(t, d, New, format, Options{View: AuditView, ShowSecrets: true}), harmless)
		}
		for _, format := range MaildropFormats() {
			check(t, format, sessionsAs(t, d, NewMaildrop, format, Options{ShowSecrets: true}), harmless)
		}
	})
}

// tooLong reports whether a text is none of the seeds, and so long that a run
// gets slow and says no more.
func tooLong(text []byte) bool {
	const most = 400
	return len(text) > most && !slices.Contains(hostileTexts, string(text))
}

// FuzzPacketFormats: the same of the list of packets.
func FuzzPacketFormats(f *testing.F) {
	for _, s := range capturetest.Some(hostileTexts) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if tooLong(text) {
			return
		}
		d, err := sayEverywhere(text)
		if err != nil {
			t.Skip(err)
		}
		for _, format := range PacketFormats() {
			for _, o := range []PacketOptions{{}, {ShowSecrets: true, Hex: true}} {
				check(t, format, listOf(t, d.Source(), format, o), nil)
			}
		}
	})
}

// sessionsAs analyses a dialog and returns it in a format.
func sessionsAs(t testing.TB, d *capturetest.Dialog, make func(string, io.Writer, Options) (Writer, error), format string, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := make(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1, KeepBody: KeepBody(format, o)})
	writeAll(t, w, a, d.Source())
	return out.Bytes()
}

// acts tells, by format, which characters of an output do something. What
// is written for people has printable ones alone, and the isolates around
// text from right to left; records may have what has no meaning of its own.
var acts = map[string]func(rune) bool{
	"table": unprintable, "transcript": unprintable, "csv": unprintable, "markdown": unprintable,
	"jsonl": control, "html": func(r rune) bool { return control(r) && r != '\t' }, // in its style sheet
}

func unprintable(r rune) bool {
	return !unicode.IsPrint(r) && !strings.ContainsRune("\n\u2068\u2069\u00a0\u3000", r)
}

func control(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// check fails where a format has become something else.
func check(t testing.TB, format string, out []byte, harmless *markup) {
	t.Helper()
	if !utf8.Valid(out) {
		t.Errorf("%s: no UTF-8", format)
	}
	if i := bytes.IndexFunc(out, acts[format]); i >= 0 {
		t.Errorf("%s: %q", format, out[max(0, i-20):min(i+20, len(out))])
	}
	switch format {
	case "jsonl":
		for line := range bytes.Lines(out) {
			if !json.Valid(line) {
				t.Errorf("%s: %q", format, line)
			}
		}
	case "csv":
		checkSheet(t, out)
	case "html":
		harmless.check(t, out)
	}
}

// checkSheet fails where a reader of CSV finds other columns, or a program
// for sheets a formula.
func checkSheet(t testing.TB, out []byte) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll() // all rows as long as the first one
	if err != nil {
		t.Error(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
}

// markup is what tags and attributes pages have with harmless text.
type markup struct{ tags, attributes map[string]bool }

var (
	tag       = regexp.MustCompile(`<[^<>]*>`)
	tagName   = regexp.MustCompile(`^</?[!a-zA-Z][a-zA-Z0-9]*`)
	attribute = regexp.MustCompile(` ([a-zA-Z][-a-zA-Z:]*)(="[^"]*")?`)
)

func newMarkup(t testing.TB) *markup {
	m := &markup{map[string]bool{}, map[string]bool{}}
	d, err := sayEverywhere([]byte("harmless"))
	if err != nil {
		t.Fatal(err)
	}
	pages := [][]byte{
		sessionsAs(t, d, New, "html", Options{ShowSecrets: true, Verbose: true, Bodies: AllBodies}),
		sessionsAs(t, d, New, "html", Options{View: AuditView}),
	}
	for _, dialog := range capturetest.Some(capturetest.LoadAll(t, "")) {
		pages = append(pages, sessionsAs(t, dialog, New, "html", Options{}))
	}
	for _, page := range pages {
		m.each(withoutAssets(page), func(name string, attributes []string) {
			m.tags[name] = true
			for _, a := range attributes {
				m.attributes[a] = true
			}
		})
	}
	return m
}

// each calls f for each tag of a page without assets.
func (m *markup) each(bare []byte, f func(name string, attributes []string)) {
	for _, tag := range tag.FindAllString(string(bare), -1) {
		var names []string
		for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
			names = append(names, a[1])
		}
		f(tagName.FindString(tag), names)
	}
}

func (m *markup) check(t testing.TB, page []byte) {
	t.Helper()
	bare := withoutAssets(page)
	if tags := len(tag.FindAll(bare, -1)); bytes.Count(bare, []byte("<")) != tags {
		t.Errorf("%d signs that open a tag, %d tags", bytes.Count(bare, []byte("<")), tags)
	}
	m.each(bare, func(name string, attributes []string) {
		if !m.tags[name] {
			t.Errorf("a tag that a harmless page has not: %q", name)
		}
		for _, a := range attributes {
			if !m.attributes[a] {
				t.Errorf("an attribute that a harmless page has not: %q of %q", a, name)
			}
		}
	})
}
