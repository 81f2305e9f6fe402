package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name, format string
		opt          Options
		want, hint   string
	}{
		{"a format that does not exist", "xml", Options{}, `report: unknown format "xml"`, "the formats are table, transcript, jsonl, csv, markdown and html"},
		{"no format", "", Options{}, `report: unknown format ""`, "the formats are table, transcript, jsonl, csv, markdown and html"},
		{"a record type that does not exist", "jsonl", Options{Records: []string{"login", "logins"}}, `report: unknown record type "logins"`,
			"the record types are run, exchange, login, message, finding, session and summary"},
		{"a section that does not exist", "html", Options{Sections: []string{"overview", "oveview"}}, `report: unknown section "oveview"`,
			"the sections are overview, findings, timeline, logins, times, errors, tls, sessions, dialogues, messages and unseen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := New(c.format, io.Discard, c.opt)
			var e *OptionError
			if w != nil || !errors.As(err, &e) || err.Error() != c.want || e.Hint != c.hint {
				t.Errorf("\n got %v, %#v\nwant %s (%s)", w, err, c.want, c.hint)
			}
		})
	}
}

func TestFormatsAreMade(t *testing.T) {
	if got := Formats(); !slices.Equal(got, []string{"table", "transcript", "jsonl", "csv", "markdown", "html"}) {
		t.Errorf("formats: %q", got)
	}
}

func TestKeepBody(t *testing.T) {
	for _, c := range []struct {
		format string
		bodies int
		want   int
	}{
		{"jsonl", AllBodies, 0}, {"table", 100, 0}, {"transcript", 0, 8000}, {"transcript", 1, 1000}, {"transcript", NoBodies, 0},
		{"transcript", AllBodies, 1 << 20}, {"transcript", math.MaxInt, 1 << 20}, {"transcript", -7, 1 << 20},
	} {
		if got := KeepBody(c.format, Options{Bodies: c.bodies}); got != c.want {
			t.Errorf("%s, %d lines: got %d, want %d", c.format, c.bodies, got, c.want)
		}
	}
}

func TestRecordsAreFiltered(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []string
		want    string
	}{
		{"all", nil, "run exchange exchange exchange exchange exchange login message session summary"},
		{"some", []string{"session", "login"}, "login session"},
		{"the frame only", []string{"run", "summary"}, "run summary"},
		{"findings, of which there are none", []string{"finding"}, ""},
		{"none", []string{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := render(t, "jsonl", Options{Records: c.records}, []*popscope.Result{ordinary()}, popscope.Summary{})
			var got []string
			for line := range bytes.Lines(out) {
				kind, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"type":"`), `"`)
				got = append(got, kind)
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("\n got %s\nwant %s", g, c.want)
			}
		})
	}
}

func TestPartsMakeOneSession(t *testing.T) {
	jsonl := render(t, "jsonl", Options{}, parts(), popscope.Summary{})
	if n := bytes.Count(jsonl, []byte(`"type":"session"`)); n != 1 {
		t.Errorf("jsonl has %d session records", n)
	}
	if bytes.Contains(jsonl, []byte(`"deleted":false`)) {
		t.Error("a message of an unfinished session is said to stay")
	}
	transcript := string(render(t, "transcript", Options{}, parts(), popscope.Summary{}))
	for _, want := range []string{"session 7777777777777777, part 1", "[the session goes on in part 2]", "session 7777777777777777, part 2", "closed   open when the capture ended"} {
		if strings.Count(transcript, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, transcript)
		}
	}
	if n := strings.Count(transcript, "S: +OK POP3 ready"); n != 1 {
		t.Errorf("the transcript greets %d times", n)
	}
	tb := open(t, "table", Options{})
	for _, r := range parts() {
		if err := tb.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tb.(*table).sessions.rows); n != 1 {
		t.Errorf("the table has %d sessions", n)
	}
	if n := len(tb.(*table).pending); n != 0 {
		t.Errorf("the table waits for %d sessions", n)
	}
}

// open is New for tests that look inside.
func open(t *testing.T, format string, o Options) Writer {
	t.Helper()
	w, err := New(format, io.Discard, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// brokenAfter fails once n bytes were written.
type brokenAfter struct{ n int }

var errBroken = errors.New("broken")

func (b *brokenAfter) Write(p []byte) (int, error) {
	b.n -= len(p)
	if b.n < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestErrorsOfTheOutputAreTold(t *testing.T) {
	for _, format := range Formats() {
		whole := len(render(t, format, Options{}, []*popscope.Result{ordinary()}, popscope.Summary{}))
		for n := 0; n < whole; n += max(whole/20, 1) {
			w, err := New(format, &brokenAfter{n: n}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = w.Write(ordinary())
			if err == nil {
				err = w.Close(popscope.Summary{})
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("%s, broken after %d of %d bytes: got %v", format, n, whole, err)
			}
		}
	}
}

func TestResultsAreNotKept(t *testing.T) {
	for _, format := range Formats() {
		want := render(t, format, Options{}, []*popscope.Result{full()}, popscope.Summary{})
		var out bytes.Buffer
		w, err := New(format, &out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := full()
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Logins {
			for i := range l.User {
				l.User[i] = '!'
			}
		}
		r.Conn.Client = netip.MustParseAddrPort("192.0.2.99:9")
		r.Session.Exchanges, r.TLS = 99, popscope.NoTLS
		r.Messages[0].Mail.Subject = "changed"
		clear(r.Exchanges)
		if err := w.Close(popscope.Summary{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s looks at a Result after Write:\n got %s\nwant %s", format, out.Bytes(), want)
		}
	}
}

func TestFateOfMessages(t *testing.T) {
	for fate, want := range map[pop3parse.Fate]string{pop3parse.Deleted: `"deleted":true`, pop3parse.Stayed: `"deleted":false`, pop3parse.Unsettled: ""} {
		r := ordinary()
		r.Messages[0].Fate = fate
		out := string(render(t, "jsonl", Options{Records: []string{"message"}}, []*popscope.Result{r}, popscope.Summary{}))
		_, rest, _ := strings.Cut(out, `"attachments":[]`)
		if got := strings.Trim(rest, ",}\n"); got != want {
			t.Errorf("%d: got %s, want %s", fate, got, want)
		}
	}
}

// TestFateOfMarks: nobody is told that marks counted, or did not, where that
// is not known.
func TestFateOfMarks(t *testing.T) {
	for _, c := range []struct {
		end               pop3parse.Ending
		cell, text, avoid string
	}{
		{pop3parse.QuitAccepted, "2", "2 messages deleted", "marked"},
		{pop3parse.NoQuit, "2 undone", "2 messages marked as deleted, not committed", "unknown"},
		{pop3parse.QuitRefused, "2 unknown", "2 messages marked as deleted, unknown: QUIT refused", "not committed"},
		{pop3parse.QuitUnanswered, "2 unknown", "2 messages marked as deleted, unknown: QUIT unanswered", "not committed"},
		{pop3parse.EndMissing, "2 unknown", "2 messages marked as deleted, unknown: bytes lost", "not committed"},
		{pop3parse.EndUnseen, "2 unknown", "2 messages marked as deleted, unknown: end not seen", "not committed"},
	} {
		r := ordinary()
		r.Session.Deleted, r.Session.Ending = 2, c.end
		row := newSessionRow(r)
		if row.finish(r); row.deletedCell() != c.cell {
			t.Errorf("%d: got %s, want %s", c.end, row.deletedCell(), c.cell)
		}
		if got := closedText(r); !strings.Contains(got, c.text) || strings.Contains(got, c.avoid) {
			t.Errorf("%d: got %s, want %s", c.end, got, c.text)
		}
	}
}

func TestTableSortsByStart(t *testing.T) {
	late, early := silent(), ordinary()
	out := string(render(t, "table", Options{}, []*popscope.Result{late, early}, popscope.Summary{Sessions: 2}))
	if a, b := strings.Index(out, early.Conn.Client.String()), strings.Index(out, late.Conn.Client.String()); a < 0 || b < 0 || a > b {
		t.Errorf("the sessions are not in the order of their starts:\n%s", out)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	for _, width := range []int{60, 80, 100, 120, 200} {
		for _, colour := range []bool{false, true} {
			out := stripColour(string(render(t, "table", Options{Width: width, Color: colour}, cases[1].results(), cases[1].summary())))
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if w := displayWidth(line); w > width {
					t.Errorf("width %d: %d columns in %q", width, w, line)
				}
			}
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	w := open(t, "table", Options{Verbose: true}).(*table)
	var out bytes.Buffer
	w.w, w.most = &out, most{window: 50, remarks: 10, logins: 20, messages: 30}
	r := ordinary()
	r.Messages = nil
	for i := range 55 {
		r.Conn.First.Nanos++
		if i > 22 {
			r.Logins = nil
		} else {
			r.Logins[0].User = fmt.Appendf(nil, "user%d", i)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	r.Logins = nil
	r.Messages = slices.Repeat(ordinary().Messages, 37)
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if len(w.sessions.rows) != 50 || len(w.logins) != 20 || len(w.messages) != 30 {
		t.Fatalf("kept %d sessions, %d logins, %d messages", len(w.sessions.rows), len(w.logins), len(w.messages))
	}
	if err := w.Close(popscope.Summary{Sessions: 56}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"sorted by start within 50 sessions", "3 more logins of other kinds not listed", "7 more messages not listed", "56 sessions",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not say %q", want)
		}
	}
}

func TestTableSaysWhatItLeavesOut(t *testing.T) {
	r := ordinary()
	r.Messages = slices.Repeat(r.Messages, fewMessages+2)
	logins := r.Logins
	r.Logins = nil
	for i := range fewLogins + 1 {
		l := logins[0]
		l.User = fmt.Appendf(nil, "user%03d", i)
		r.Logins = append(r.Logins, l)
	}
	out := string(render(t, "table", Options{}, []*popscope.Result{r}, popscope.Summary{Sessions: 1}))
	for _, want := range []string{"1 more row; --verbose shows them", "2 more messages; --verbose shows them"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
	out = string(render(t, "table", Options{Verbose: true}, []*popscope.Result{r}, popscope.Summary{Sessions: 1}))
	if strings.Contains(out, "more") || strings.Count(out, "RETR 1") != fewMessages+2 {
		t.Errorf("verbose does not list everything:\n%s", out)
	}
}

// TestBothRenderersAgree: the library and the loop for long tables lay out
// the same.
func TestBothRenderersAgree(t *testing.T) {
	g := &grid{columns: []column{{title: "Name"}, {title: "N", right: true}, {title: "Wide", soft: 6}}}
	g.add("a", "1", "日本語日本語")
	g.add("", "1,000", "plain text")
	g.add("Grüße", "", "")
	g.add("דוח", "2", "شكرا")
	l := g.layout(22)
	rows := func(yield func([]string) bool) {
		for r := range g.rows {
			if !yield(l.row(r)) {
				return
			}
		}
	}
	var fancy, simple bytes.Buffer
	if err := renderFancy(&fancy, &l, l.header(false), rows); err != nil {
		t.Fatal(err)
	}
	if err := renderPlain(&simple, &l, l.header(false), rows); err != nil {
		t.Fatal(err)
	}
	if fancy.String() != simple.String() {
		t.Errorf("\n got\n%s\nwant\n%s", fancy.String(), simple.String())
	}
}

func TestTranscriptCountsWhatItDoesNotShow(t *testing.T) {
	for _, c := range []struct {
		name   string
		bodies int
		body   string // kept
		lines  int64
		total  int64
		want   string
	}{
		{"everything", AllBodies, "one\r\ntwo\r\n", 2, 10, "| one\n| two\n"},
		{"exactly as many lines", 2, "one\r\ntwo\r\n", 2, 10, "| one\n| two\n"},
		{"more lines", 1, "one\r\ntwo\r\nthree\r\n", 3, 17, "| one\n... 2 more lines, 12 octets\n"},
		{"no lines", NoBodies, "one\r\n", 1, 5, "... 1 more line, 5 octets\n"},
		{"kept in part", AllBodies, "one\r\ntw", 3, 1000, "| one\n... 2 more lines, 995 octets\n"},
		{"first line kept in part", 8, "on", 1, 5000, "... 1 more line, 5,000 octets\n"},
		{"last line without an end", AllBodies, "one\r\ntwo", 2, 8, "| one\n| two\n"},
		{"lines end in LF", AllBodies, "one\ntwo\n", 2, 8, "| one\n| two\n"},
		{"LF inside a line", AllBodies, "o\nne\r\n", 1, 6, "| o\\x0ane\n"},
		{"empty line", AllBodies, "\r\n", 1, 2, "|\n"},
		{"empty", AllBodies, "", 0, 0, ""},
		{"more octets than lines", 8, "a\r\n", 1, 30, "| a\n... 27 more octets\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := &transcript{opt: Options{Bodies: c.bodies}}
			tr.body(&pop3parse.Exchange{Multiline: true, Body: []byte(c.body), Lines: c.lines, BodyTotal: c.total})
			var got strings.Builder
			for line := range strings.Lines(string(tr.buf)) {
				got.WriteString(strings.TrimLeft(line, " "))
			}
			if got.String() != c.want {
				t.Errorf("\n got %q\nwant %q", got.String(), c.want)
			}
		})
	}
}

func TestEmptyCommandWasCaptured(t *testing.T) {
	for packet, want := range map[int64]string{0: "command not captured", 5: "C: "} {
		x := pop3parse.Exchange{RequestFirst: stream.Stamp{Packet: packet}, Status: pop3parse.Err}
		tr := &transcript{}
		tr.command(&x)
		if got := string(tr.buf); !strings.Contains(got, want) || packet > 0 && strings.Contains(got, "captured") {
			t.Errorf("packet %d: got %q, want %q", packet, got, want)
		}
	}
}

// TestLineWithoutVerb: a line that is no command is shown as it was sent, with
// no blank where a verb would have ended, and is not counted as lost.
func TestLineWithoutVerb(t *testing.T) {
	for packet, want := range map[int64]string{0: "(command lost) “no”", 5: "(other) “no”"} {
		x := pop3parse.Exchange{Args: plain("a line"), RequestFirst: stream.Stamp{Packet: packet}, Status: pop3parse.Err, Text: plain("no")}
		if got := string(commandLine(&x, false)); got != "a line" {
			t.Errorf("got %q", got)
		}
		var row serverRow
		if row.error(&x, false); row.kinds[want] != 1 {
			t.Errorf("packet %d:\n got %v\nwant %s", packet, row.kinds, want)
		}
	}
}

func TestTranscriptCutsLongLines(t *testing.T) {
	tr := &transcript{}
	tr.said(stream.Client, stream.Stamp{}, bytes.Repeat([]byte("x"), maxShown+1234))
	if got := string(tr.buf); !strings.HasSuffix(got, "x ... 1,234 more octets\n") || strings.Count(got, "x") != maxShown {
		t.Errorf("got %q", got)
	}
}

func TestTranscriptFlushesLongSessions(t *testing.T) {
	r := ordinary()
	r.Exchanges = slices.Repeat(r.Exchanges, 5000)
	var out bytes.Buffer
	w, err := New("transcript", &out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if c := cap(w.(*transcript).buf); c > 4*flushAt {
		t.Errorf("the buffer grew to %d bytes", c)
	}
	if n := strings.Count(out.String(), "C: QUIT"); n != 5000 {
		t.Errorf("%d of 5000 exchanges are there", n)
	}
}
