package sanitize_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
	"popscope/sanitize"
)

// run sanitizes a source and returns the file.
func run(t testing.TB, src capture.Source, o sanitize.Options) ([]byte, sanitize.Stats) {
	t.Helper()
	o.Dir = t.TempDir()
	s, err := sanitize.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Read(src, nil); err != nil {
		t.Fatal(err)
	}
	format, err := s.Format()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Write(&out, format); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), s.Stats()
}

// analyze returns the records of a capture, secrets in clear.
func analyze(t testing.TB, src capture.Source) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	w, err := report.New("jsonl", &out, report.Options{ShowSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1})
	for r, err := range a.Results(struct{ capture.Source }{src}) { // without the keys inside, which are not written
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	var recs []map[string]any
	for line := range strings.Lines(out.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, r)
	}
	return recs
}

func open(t testing.TB, file []byte) capture.Source {
	t.Helper()
	src, err := capture.NewReader("sanitized", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// overwritten are the keys whose values may differ, in a string of the same
// length where there was one; nothing else may.
var overwritten = []string{
	"text", "args", "verb", "verb_sent", "greeting", "capabilities", "data", "user", "secret", "secret_tag", "response", "challenge",
	"authzid", "code", "mechanism", "server_software", "client_software",
	"sha256", "subject", "from", "to", "date", "message_id", "attachments",
}

// essence returns what has to stay the same of a record.
func essence(r map[string]any, also ...string) map[string]any {
	out := map[string]any{}
	for k, v := range r {
		if slices.Contains(overwritten, strings.TrimSuffix(k, "_base64")) || slices.Contains(also, k) {
			if k != "text" && k != "args" && k != "greeting" {
				continue
			}
			s := v.(string)
			if b, ok := r[k+"_base64"].(string); ok {
				raw, _ := base64.StdEncoding.DecodeString(b)
				s = string(raw)
			}
			v = len(s)
		}
		if list, ok := v.([]any); ok { // SASL turns
			var turns []any
			for _, x := range list {
				if m, ok := x.(map[string]any); ok {
					x = essence(m)
				}
				turns = append(turns, x)
			}
			v = turns
		}
		out[k] = v
	}
	return out
}

// compare holds what a sanitized capture analyses to against the original.
func compare(t *testing.T, got, want []map[string]any, also ...string) {
	t.Helper()
	keep := func(recs []map[string]any) []map[string]any {
		var out []map[string]any
		for _, r := range recs {
			if r["type"] != "run" && r["type"] != "summary" && r["type"] != "finding" {
				out = append(out, r)
			}
		}
		return out
	}
	got, want = keep(got), keep(want)
	if len(got) != len(want) {
		t.Errorf("%d records instead of %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		g, w := essence(got[i], also...), essence(want[i], also...)
		if !reflect.DeepEqual(g, w) {
			t.Errorf("record %d:\n got %s\nwant %s", i+1, text(got[i]), text(want[i]))
			return
		}
	}
}

// TestUnknownBesideSecrets: what an unknown command is overwritten with does not
// repeat what a password was overwritten with, or the analysis would hide it.
func TestUnknownBesideSecrets(t *testing.T) {
	d, err := capturetest.Parse("unknown", "S: +OK\nC: USER alice\nS: +OK\nC: PASS sesame-1\nS: +OK\nC: XFOO wonderland\nS: -ERR\nC: XWONDERLAND\nS: -ERR\nC: QUIT\nS: +OK\n")
	if err != nil {
		t.Fatal(err)
	}
	packets := d.Trace().Packets(capturetest.Plain())
	file, _ := run(t, capturetest.Source(packets), sanitize.Options{})
	compare(t, analyze(t, open(t, file)), analyze(t, capturetest.Source(packets)))
}

func text(r map[string]any) string {
	b, _ := json.Marshal(r)
	return string(b)
}

// source is a capture that tests can read twice.
type source struct {
	name string
	open func(testing.TB) capture.Source
}

// sources returns every dialog and recording.
func sources(t testing.TB) []source {
	t.Helper()
	var out []source
	for _, d := range capturetest.LoadAll(t, "") {
		packets := d.Trace().Packets(capturetest.Plain())
		out = append(out, source{d.Name, func(testing.TB) capture.Source { return capturetest.Source(packets) }})
	}
	files, err := filepath.Glob("../testdata/pcap/*.pcap*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings: %v", len(files), err)
	}
	// POPSCOPE_CORPUS may name a folder of captures by others.
	if dir := os.Getenv("POPSCOPE_CORPUS"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		for _, f := range more {
			if !strings.HasSuffix(f, ".json") {
				files = append(files, f)
			}
		}
	}
	for _, f := range files {
		out = append(out, source{filepath.Base(f), func(t testing.TB) capture.Source {
			src, err := capture.Open(f)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { src.Close() })
			return src
		}})
	}
	return out
}

// TestSameSessions holds every dialog and recording to the promise that
// the sessions are the same.
func TestSameSessions(t *testing.T) {
	for _, s := range capturetest.Some(sources(t)) {
		t.Run(s.name, func(t *testing.T) {
			for _, o := range []sanitize.Options{{Others: sanitize.Blank}, {Others: sanitize.Blank, Users: true}} {
				file, stats := run(t, s.open(t), o)
				if stats.Kept != stats.Packets || stats.Unread > 0 {
					t.Errorf("kept %d of %d packets, %d unread", stats.Kept, stats.Packets, stats.Unread)
				}
				compare(t, analyze(t, open(t, file)), analyze(t, s.open(t)))
			}
		})
	}
}
