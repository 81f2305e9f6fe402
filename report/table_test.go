package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"popscope"
	"popscope/pop3parse/audit"
	"popscope/pop3parse/fingerprint"
	"popscope/pop3parse/message"
)

// sessionsAt returns n sessions, started at the seconds that at gives.
func sessionsAt(n int, at func(i int) int64) func(yield func(*popscope.Result) bool) {
	return func(yield func(*popscope.Result) bool) {
		r := ordinary()
		r.Messages, r.Logins = nil, nil
		for i := range n {
			r.ID = fmt.Sprint(i)
			r.Conn.First.Nanos = epoch.UnixNano() + at(i)*1e9
			if !yield(r) {
				return
			}
		}
	}
}

// TestTableStreams: a long table is written while it comes, and is sorted
// by start as far as the window reaches.
func TestTableStreams(t *testing.T) {
	w := open(t, "table", Options{}).(*table)
	var out bytes.Buffer
	w.w, w.most.window = &out, 10
	shuffled := func(i int) int64 { return int64(i ^ 7) } // at most 7 places from its own
	written := 0
	for r := range sessionsAt(1000, shuffled) {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		if n := len(w.sessions.rows); n > 10 {
			t.Fatalf("%d sessions wait", n)
		}
		written++
		if rows := bytes.Count(out.Bytes(), []byte("198.51.100.5")); rows != max(0, written-10) {
			t.Fatalf("after %d sessions %d are written", written, rows)
		}
	}
	if err := w.Close(popscope.Summary{Sessions: 1000}); err != nil {
		t.Fatal(err)
	}
	var starts []string
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == fmt.Sprint(len(starts)+1) {
			starts = append(starts, fields[1]+fields[2])
		}
	}
	if len(starts) != 1000 || !slices.IsSorted(starts) {
		t.Errorf("%d rows, sorted: %v", len(starts), slices.IsSorted(starts))
	}
	if want := "sorted by start within 10 sessions\n"; !strings.Contains(out.String(), want) {
		t.Errorf("the output does not say %q", want)
	}
}

// TestTableSaysWhatIsOutOfOrder: a session that began long before others
// that ended before it.
func TestTableSaysWhatIsOutOfOrder(t *testing.T) {
	w := open(t, "table", Options{}).(*table)
	var out bytes.Buffer
	w.w, w.most.window = &out, 10
	for r := range sessionsAt(100, func(i int) int64 {
		if i == 99 {
			return 0
		}
		return int64(i + 1)
	}) {
		w.Write(r)
	}
	w.Close(popscope.Summary{Sessions: 100})
	if want := "sorted by start within 10 sessions; 1 session stand below a later one"; !strings.Contains(out.String(), want) {
		t.Errorf("the output does not say %q:\n%s", want, out.String())
	}
}

// TestLiveTableWaitsForNothing: each session is written when it ends.
func TestLiveTableWaitsForNothing(t *testing.T) {
	w := open(t, "table", Options{Live: true, Width: 120}).(*table)
	var out bytes.Buffer
	w.w = &out
	n := 0
	for r := range sessionsAt(5, func(i int) int64 { return int64(-i) }) {
		w.Write(r)
		n++
		if rows := bytes.Count(out.Bytes(), []byte("198.51.100.5")); rows != n {
			t.Fatalf("after %d sessions %d are written", n, rows)
		}
	}
}

// TestRightToLeftCellsAreIsolated: text that runs the other way must not
// take the cells beside it along, and nothing else turns the line.
func TestRightToLeftCellsAreIsolated(t *testing.T) {
	r := ordinary()
	r.Messages[0].Mail = &message.Mail{Subject: "דוח שבועי 12", From: "مرحبا \u202egpj.exe"}
	for _, o := range []Options{{}, {Width: 80}, {Color: true}} {
		out := string(render(t, "table", o, []*popscope.Result{r}, popscope.Summary{}))
		if !strings.Contains(out, "\u2068דוח שבועי 12\u2069") || strings.Contains(out, "\u202e") {
			t.Errorf("%+v:\n%q", o, out)
		}
		for line := range strings.Lines(out) {
			if strings.Count(line, "\u2068") != strings.Count(line, "\u2069") {
				t.Errorf("isolates do not match in %q", line)
			}
		}
	}
	if displayWidth("\u2068דוח\u2069") != 3 {
		t.Errorf("isolates take room: %d", displayWidth("\u2068דוח\u2069"))
	}
}

func TestRightToLeftAgreesWithUnicode(t *testing.T) {
	for _, script := range []*unicode.RangeTable{unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam, unicode.Samaritan, unicode.Mandaic} {
		for _, r16 := range script.R16 {
			for r := rune(r16.Lo); r <= rune(r16.Hi); r += rune(r16.Stride) {
				if unicode.IsLetter(r) && !rightToLeft(r) {
					t.Errorf("%U", r)
				}
			}
		}
	}
	for _, r := range "aÄяд会한9,-" {
		if rightToLeft(r) {
			t.Errorf("%q", r)
		}
	}
}

func TestFindingsAreCountedByRule(t *testing.T) {
	r := ordinary()
	for range 3 {
		r.Findings = append(r.Findings, audit.Finding{Rule: "cleartext-login", Severity: audit.High, Title: "A login in clear", Detail: "user \x1b[1malice"})
	}
	r.Findings = append(r.Findings, audit.Finding{Rule: "chatty", Severity: audit.Info, Detail: "first"}, audit.Finding{Rule: "chatty", Severity: audit.Info, Detail: "second"})
	s := popscope.Summary{Across: []audit.Finding{{Rule: "password-guessing", Severity: audit.Critical, Detail: "9 tries | `x`"}}}
	out := string(render(t, "table", Options{}, []*popscope.Result{r}, s))
	_, section, _ := strings.Cut(out, "Findings\n")
	section, _, _ = strings.Cut(section, "\n\n")
	want := `Severity  Times  Rule               Example
--------  -----  -----------------  -----------------
critical      1  password-guessing  9 tries | ` + "`x`" + `
high          3  cleartext-login    user \x1b[1malice
info          2  chatty             first`
	if section != want {
		t.Errorf("\n got\n%s\nwant\n%s", section, want)
	}
	md := string(render(t, "markdown", Options{}, []*popscope.Result{r}, s))
	if want := "| critical |     1 | password-guessing | `` 9 tries \\| `x` `` |"; !strings.Contains(md, want) {
		t.Errorf("no line %s in\n%s", want, md)
	}
}

func TestCodeSpans(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"-", "-"},
		{"plain", "`plain`"},
		{"a|b", "`a\\|b`"},
		{`a\|b`, "`a\\\\\\x7cb`"},
		{"a`b", "``a`b``"},
		{"``", "``` `` ```"},
		{"`", "`` ` ``"},
		{" x", "`  x `"},
		{"@alice #1 <b> http://example.org [x](y) **z** &amp;", "`@alice #1 <b> http://example.org [x](y) **z** &amp;`"},
	} {
		if got := codeSpan(c.text, true); got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}

// TestMarkdownStaysSmall: what is pasted into an issue may have 65,536
// characters.
// TestMarkdownHasTheWireInCode: whatever section a name comes to, it is neither
// markup nor a cell of its own.
func TestMarkdownHasTheWireInCode(t *testing.T) {
	r := full()
	for i := range r.Logins {
		r.Logins[i].User, r.Logins[i].Mechanism = []byte("wire|d"), "WIRE|D"
	}
	r.TLSInfo.SNI, r.TLSInfo.Certificate.CommonName, r.TLSInfo.Certificate.Key = "wire|d", "wire|d", "wire|d"
	r.ServerSoftware = &fingerprint.Software{Name: "Courier", Version: "wire|d"}
	r.Messages[0].Mail = &message.Mail{Subject: "wire|d", From: "wire|d"}
	for i := range r.Findings {
		r.Findings[i].Detail = "wire|d"
	}
	code := regexp.MustCompile("`[^`]*`")
	for _, view := range []View{SessionView, AuditView} {
		out := string(render(t, "markdown", Options{View: view, Verbose: true, Wide: true}, []*popscope.Result{r}, summary()))
		if rest := strings.ToLower(code.ReplaceAllString(out, "")); strings.Contains(rest, "wire") {
			t.Errorf("view %v has names outside of code:\n%s", view, rest)
		}
		if view == SessionView && strings.Count(out, `wire\|d`) < 8 {
			t.Errorf("not all names are there:\n%s", out)
		}
	}
}

func TestMarkdownStaysSmall(t *testing.T) {
	w := open(t, "markdown", Options{}).(*table)
	var out bytes.Buffer
	w.w = &out
	for i := range 500 {
		r := full()
		r.ID = fmt.Sprint(i)
		r.Conn.First.Nanos += int64(i)
		for j := range r.Logins {
			r.Logins[j].User = fmt.Appendf(nil, "user%d-%s", i, strings.Repeat("x", 200))
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(popscope.Summary{Sessions: 500}); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 65_536 {
		t.Errorf("%d characters", out.Len())
	}
	for _, want := range []string{"450 more sessions not listed", "more rows; --verbose shows them", "950 more messages; --verbose shows them"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not say %q", want)
		}
	}
}

// BenchmarkTable100k writes 100,000 sessions and tells the time and the
// memory that is kept before Close.
func BenchmarkTable100k(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w, _ := New("table", io.Discard, Options{Width: 120})
		for r := range sessionsAt(100_000, func(i int) int64 { return int64(i) }) {
			w.Write(r)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-kept")
		w.Close(popscope.Summary{Sessions: 100_000})
	}
}
