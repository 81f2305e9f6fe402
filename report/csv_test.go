package report

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"popscope"
	"popscope/pop3parse"
)

// csvRows reads csv back; each row is a map from columns to cells.
func csvRows(t *testing.T, text []byte) (header []string, rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, cells := range all[1:] {
		row := make(map[string]string)
		for i, cell := range cells {
			row[all[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

// TestCSVHasWhatJSONLHas: each scalar of a record is found again under its
// column, undone as the package comment says.
func TestCSVHasWhatJSONLHas(t *testing.T) {
	for _, kind := range RecordTypes() {
		o := Options{Records: []string{kind}, ShowSecrets: true, Files: []string{"a.pcap", "b\xff.pcap"}}
		for _, c := range cases {
			_, rows := csvRows(t, render(t, "csv", o, c.results(), c.summary()))
			lines := bytes.Split(bytes.TrimSpace(render(t, "jsonl", o, c.results(), c.summary())), []byte("\n"))
			if len(lines[0]) == 0 {
				lines = nil
			}
			if len(lines) != len(rows) {
				t.Fatalf("%s of %s: %d rows, %d records", kind, c.name, len(rows), len(lines))
			}
			for i, line := range lines {
				d := json.NewDecoder(bytes.NewReader(line))
				d.UseNumber()
				var record map[string]any
				if err := d.Decode(&record); err != nil {
					t.Fatal(err)
				}
				want := map[string][]string{}
				flatten(want, "", record)
				for column, cell := range rows[i] {
					var got []string
					if cell != "" {
						got = []string{cell}
					}
					if len(want[column]) != 1 {
						got = strings.Split(cell, ";")
					}
					for j := range got {
						got[j] = undo(got[j])
					}
					if !slices.Equal(got, want[column]) && cell+strings.Join(want[column], "") != "" {
						t.Errorf("%s of %s, %s: %q\n got %q\nwant %q", kind, c.name, column, cell, got, want[column])
					}
					delete(want, column)
				}
				for column, values := range want {
					if strings.Join(values, "") != "" {
						t.Errorf("%s of %s: no column %s for %q", kind, c.name, column, values)
					}
				}
			}
		}
	}
}

// flatten does what the package comment says of columns.
func flatten(to map[string][]string, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, sub := range v {
			switch {
			case name == "":
				flatten(to, k, sub)
			case name == "ignored":
				to[name] = append(to[name], k+"="+sub.(json.Number).String())
				slices.Sort(to[name])
			default:
				flatten(to, name+"_"+k, sub)
			}
		}
	case []any:
		lists := map[string][]string{}
		for i, sub := range v {
			item := map[string][]string{}
			flatten(item, name, sub)
			for k, values := range item {
				for len(lists[k]) < i {
					lists[k] = append(lists[k], "")
				}
				lists[k] = append(lists[k], values...)
			}
		}
		for k := range lists {
			for len(lists[k]) < len(v) {
				lists[k] = append(lists[k], "")
			}
			to[k] = lists[k]
		}
	case string:
		to[name] = append(to[name], v)
	case json.Number:
		to[name] = append(to[name], v.String())
	case bool:
		to[name] = append(to[name], strconv.FormatBool(v))
	}
}

// undo returns the text that a cell stands for.
func undo(cell string) string {
	cell = strings.TrimPrefix(cell, "'")
	var out []byte
	for len(cell) > 0 {
		if cell[0] == '\\' && len(cell) > 1 && readsAsEscape([]byte(cell[1:])) {
			digits := 0
			switch cell[1] {
			case '\\':
				out, cell = append(out, '\\'), cell[2:]
				continue
			case 't':
				out, cell = append(out, '\t'), cell[2:]
				continue
			case 'x':
				digits = 2
			case 'u':
				digits = 4
			case 'U':
				digits = 8
			}
			r, _ := strconv.ParseUint(cell[2:2+digits], 16, 32)
			out, cell = utf8.AppendRune(out, rune(r)), cell[2+digits:]
			continue
		}
		out, cell = append(out, cell[0]), cell[1:]
	}
	return string(out)
}

// TestCSVReadsEveryCharacter: what the JSON writer makes of a text is read as
// that text.
func TestCSVReadsEveryCharacter(t *testing.T) {
	var all strings.Builder
	for r := range rune(0x2100) {
		all.WriteRune(r)
	}
	for _, text := range []string{"", "plain", "\r", all.String(), "\ufeff\U0001f600\U000e0041"} {
		quoted, _ := appendQuoted(nil, text)
		in := jsonReader{b: append(quoted, ',')}
		if got := string(in.text()); got != text || string(in.b) != "," {
			t.Errorf("%q\n got %q, and %q is left\nwant %q", quoted, got, in.b, text)
		}
	}
}

func TestCSVIsNoFormula(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", "plain"},
		{"=1+1", "'=1+1"},
		{"+49 40", "'+49 40"},
		{"-2", "'-2"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", `'\t=1`},
		{"\r=1", `'\x0d=1`},
		{"  =1", "'  =1"},
		{"\"=1", "'\"=1"},
		{"\u00a0=1", "'\u00a0=1"},
		{"＝1+1", "'＝1+1"},
		{"＋1", "'＋1"}, {"－1", "'－1"}, {"＠A", "'＠A"}, {"﹦1", "'﹦1"},
		{"'=1", "''=1"},
		{"'quoted'", "''quoted'"},
		{"O'Brien", "O'Brien"},
		{"a=1", "a=1"},
		{"a;=1+1", `a\x3b=1+1`},
		{"a; \"@x;b", `a\x3b "@x;b`},
		{"a,=1", "a,=1"}, // in quotes, and no list separator is a comma where numbers have commas
		{"", ""},
	} {
		if got := string(appendSafe(nil, []byte(c.text))); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

func TestCSVQuotes(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "a": "a", "a b": "a b", "a,b": `"a,b"`, `a"b`: `"a""b"`, "a;b": `"a;b"`, " a": `" a"`, "a ": `"a "`,
	} {
		if got := string(appendCSV(nil, []byte(cell))); got != want {
			t.Errorf("%q: got %s, want %s", cell, got, want)
		}
	}
}

// TestCSVIsInert: no cell acts on a terminal or in a spreadsheet, and each
// record is one line.
func TestCSVIsInert(t *testing.T) {
	for _, kind := range RecordTypes() {
		text := render(t, "csv", Options{Records: []string{kind}, ShowSecrets: true}, cases[1].results(), cases[1].summary())
		header, rows := csvRows(t, text)
		if lines := bytes.Count(text, []byte("\n")); lines != len(rows)+1 {
			t.Errorf("%s: %d lines for %d rows", kind, lines, len(rows))
		}
		for _, row := range rows {
			for _, column := range header {
				cell := row[column]
				_, err := strconv.ParseFloat(cell, 64)
				for _, item := range strings.Split(cell, ";") {
					if err != nil && looksLikeFormula([]byte(item)) {
						t.Errorf("%s.%s may be a formula: %q", kind, column, cell)
					}
				}
			}
		}
	}
}

func TestCSVDefaultsToSessions(t *testing.T) {
	header, rows := csvRows(t, render(t, "csv", Options{}, []*popscope.Result{ordinary()}, popscope.Summary{}))
	if len(rows) != 1 || rows[0]["type"] != "session" || header[0] != "type" || header[1] != "session" || rows[0]["client_ip"] != "192.0.2.10" {
		t.Errorf("got %v, %v", header, rows)
	}
	header, rows = csvRows(t, render(t, "csv", Options{}, nil, popscope.Summary{}))
	if len(rows) != 0 || len(header) < 10 {
		t.Errorf("without sessions there is not just the header: %v, %v", header, rows)
	}
}

func TestCSVShowsSecretsOnlyWhenTold(t *testing.T) {
	o := Options{Records: []string{"login"}}
	header, _ := csvRows(t, render(t, "csv", o, []*popscope.Result{ordinary()}, popscope.Summary{}))
	if slices.Contains(header, "secret") {
		t.Errorf("there is a column for secrets: %v", header)
	}
	o.ShowSecrets = true
	_, rows := csvRows(t, render(t, "csv", o, cases[1].results(), popscope.Summary{}))
	if got := rows[0]["secret_base64"]; undo(got) != base64.StdEncoding.EncodeToString([]byte(passwordBob)) {
		t.Errorf("secret_base64 is %q", got)
	}
}

// TestCSVOfSeveralTypes: all have the same columns, and those of exact
// bytes come last.
func TestCSVOfSeveralTypes(t *testing.T) {
	header, rows := csvRows(t, render(t, "csv", Options{Records: []string{"login", "session"}}, []*popscope.Result{ordinary()}, popscope.Summary{}))
	if len(rows) != 2 || rows[0]["type"] != "login" || rows[1]["type"] != "session" || rows[0]["session"] != rows[1]["session"] {
		t.Fatalf("got %v", rows)
	}
	if rows[0]["user"] != "alice" || rows[1]["user"] != "" || rows[1]["greeting"] == "" {
		t.Errorf("got %v", rows)
	}
	first := slices.IndexFunc(header, func(s string) bool { return strings.HasSuffix(s, "_base64") })
	for _, name := range header[first:] {
		if !strings.HasSuffix(name, "_base64") {
			t.Errorf("%s stands behind the columns of exact bytes", name)
		}
	}
}

func TestCSVListsOfObjectsStayInStep(t *testing.T) {
	r := full()
	_, rows := csvRows(t, render(t, "csv", Options{Records: []string{"message"}}, []*popscope.Result{r}, popscope.Summary{}))
	if got := rows[0]["attachments_octets"]; got != "12345;0" {
		t.Errorf("octets: %q", got)
	}
	if got := rows[0]["attachments_name_base64"]; !strings.HasSuffix(got, ";") || strings.Count(got, ";") != 1 {
		t.Errorf("exact names: %q", got)
	}
	if got := rows[0]["gaps_offset"] + " " + rows[0]["gaps_length"]; got != "5;2000 1448;1" {
		t.Errorf("gaps: %q", got)
	}
	if got := rows[1]["attachments_name"]; got != "" {
		t.Errorf("no attachments: %q", got)
	}
}

// BenchmarkCSV writes the exchanges of a session.
func BenchmarkCSV(b *testing.B) {
	w, err := New("csv", io.Discard, Options{Records: []string{"exchange"}})
	if err != nil {
		b.Fatal(err)
	}
	r := ordinary()
	r.Exchanges = slices.Repeat([]pop3parse.Exchange{r.Exchanges[0]}, 100)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTakeHeader: the header and what is written without it are what is
// written with it.
func TestTakeHeader(t *testing.T) {
	c := cases[0]
	for _, format := range []string{"csv", "jsonl"} {
		write := func(take bool) (head, all string) {
			var b bytes.Buffer
			w, err := New(format, &b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if take {
				head = string(w.(Headed).TakeHeader())
			}
			for _, r := range c.results() {
				if err := w.Write(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(c.summary()); err != nil {
				t.Fatal(err)
			}
			return head, b.String()
		}
		_, whole := write(false)
		head, rest := write(true)
		if strings.Count(head, "\n") != 1 || head+rest != whole {
			t.Errorf("%s: %q, and then %q", format, head, rest)
		}
	}
}
