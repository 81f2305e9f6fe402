package popscope_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
)

// TestMain lets garbage pile up: the tests make thousands of short-lived
// analyzers, and collecting after each few would be a third of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(1 << 30)
	os.Exit(m.Run())
}

var update = flag.Bool("update", false, "rewrite the golden files")

// analyze returns the JSON Lines of a source, secrets in clear, and the
// errors that the source had.
func analyze(t testing.TB, src capture.Source, o popscope.Options) (string, []error) {
	t.Helper()
	var out bytes.Buffer
	w, err := report.New("jsonl", &out, report.Options{ShowSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	a := popscope.New(o)
	for r, err := range a.Results(src) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return out.String(), errs
}

// one is the options of most tests.
var one = popscope.Options{Workers: 1}

func analyzeTrace(t testing.TB, tr capturetest.Trace) string {
	t.Helper()
	out, errs := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), one)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return out
}

// record is a line of output.
type record map[string]any

func parseRecords(t testing.TB, out string) []record {
	t.Helper()
	var recs []record
	for line := range strings.Lines(out) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		recs = append(recs, r)
	}
	return recs
}

// transportKeys are what may change when the same streams travel in other
// packets: numbers and times of packets, counts of them, and ids, which are
// made from times, and numbers given in the order in which sessions end.
var transportKeys = []string{
	"request_packet", "reply_packet", "request_time", "reply_time", "think", "transfer", "packet", "time",
	"first_packet", "last_packet", "packets", "start", "end", "session", "community_id", "secret_tag", "id",
}

// transportRules are the rules about packets, as they stand in records.
var transportRules = map[string]bool{`"bad-checksums"`: true, `"differing-copies"`: true}

// essence returns the records without what may change. The run and summary
// records are left out, and sessions come sorted: the order in which they
// end is that of packets.
func essence(t testing.TB, out string, also ...string) string {
	t.Helper()
	var sessions []string
	var now []string
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, `{"type":"run"`) || strings.HasPrefix(line, `{"type":"summary"`) {
			continue
		}
		var r map[string]json.RawMessage // values stay as they are
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if string(r["type"]) == `"finding"` && (transportRules[string(r["rule"])] || r["sessions"] != nil) {
			continue // the order of what several sessions tell is that of packets, too
		}
		last := string(r["type"]) == `"session"`
		for _, k := range append(also, transportKeys...) {
			delete(r, k)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		now = append(now, string(b))
		if last {
			sessions = append(sessions, strings.Join(now, "\n"))
			now = nil
		}
	}
	sortStrings(sessions)
	return strings.Join(sessions, "\n\n") + "\n"
}

// recordings returns the project's own captures.
func recordings(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/pcap/*.pcap*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d captures in testdata/pcap: %v", len(files), err)
	}
	return files
}

// traceOf reads a recording back into segments.
func traceOf(t testing.TB, file string) capturetest.Trace {
	t.Helper()
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	tr, err := capturetest.FromSource(src)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return tr
}

// named is a trace to be transformed.
type named struct {
	name  string
	trace capturetest.Trace
}

// traces returns every dialog and every recording but the largest ones.
func traces(t testing.TB) []named {
	t.Helper()
	var out []named
	for _, d := range capturetest.LoadAll(t, "") {
		out = append(out, named{d.Name, d.Trace()})
	}
	for _, f := range recordings(t) {
		if st, err := os.Stat(f); err != nil || st.Size() > 256<<10 {
			continue
		}
		out = append(out, named{filepath.Base(f), traceOf(t, f)})
	}
	return out
}

// diff shows where two texts part.
func diff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return " got " + a + "\nwant " + b
		}
	}
	return "equal"
}
