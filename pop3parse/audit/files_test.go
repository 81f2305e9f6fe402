package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/pop3parse/audit"
)

// describe writes all that findings say, and their identities.
func describe(fs []audit.Finding) string {
	var b strings.Builder
	for i := range fs {
		f := &fs[i]
		fmt.Fprintf(&b, "%s %v %q %v %q %v %v %v %s\n", f.Rule, f.Severity, f.Detail, f.Packets, f.User, f.Server, f.Client, f.Sessions, f.ID())
	}
	return b.String()
}

// TestFilesAndWorkersDoNotMatter cuts what the rules find into several
// files, and has several workers read it: the findings are the same, those
// about several sessions too.
func TestFilesAndWorkersDoNotMatter(t *testing.T) {
	for _, d := range capturetest.LoadAll(t, "testdata") {
		packets := d.Trace().Packets(capturetest.Plain())
		want := ""
		for _, parts := range []int{1, 3} {
			var names []string
			dir := t.TempDir()
			for i := range parts {
				name := filepath.Join(dir, fmt.Sprint(i))
				f, err := os.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := capturetest.WritePcap(f, packets[i*len(packets)/parts:(i+1)*len(packets)/parts]); err != nil {
					t.Fatal(err)
				}
				f.Close()
				names = append(names, name)
			}
			for _, workers := range []int{1, 4} {
				src, err := capture.Open(names...)
				if err != nil {
					t.Fatal(err)
				}
				o := options[strings.TrimSuffix(d.Name, ".near")]
				o.Workers = workers
				a := popscope.New(o)
				got := ""
				for r, err := range a.Results(src) {
					if err != nil {
						t.Fatal(err)
					}
					got += describe(r.Findings)
				}
				src.Close()
				got += describe(a.Summary().Across)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%s in %d files by %d workers:\n got %s\nwant %s", d.Name, parts, workers, got, want)
				}
			}
		}
	}
}

// TestCleanTLSHasNoFindingAboveLow reads the recordings in which everything
// is inside TLS, each alone and all together.
func TestCleanTLSHasNoFindingAboveLow(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "pcap")
	var files []string
	for _, pattern := range []string{"dovecot-pop3s*.pcap*", "dovecot-stls*.pcap*"} {
		more, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	if len(files) < 5 {
		t.Fatalf("only %v", files)
	}
	runs := [][]string{files}
	for _, f := range files {
		runs = append(runs, []string{f})
	}
	for _, names := range runs {
		src, err := capture.Open(names...)
		if err != nil {
			t.Fatal(err)
		}
		a := popscope.New(popscope.Options{})
		var all []audit.Finding
		sessions := 0
		for r, err := range a.Results(src) {
			if err != nil {
				t.Fatal(err)
			}
			if r.TLS == popscope.NoTLS {
				t.Errorf("%v: a session without TLS", names)
			}
			sessions++
			all = append(all, r.Findings...)
		}
		src.Close()
		if sessions < len(names) {
			t.Errorf("%v: only %d sessions", names, sessions)
		}
		for _, f := range append(all, a.Summary().Across...) {
			if f.Severity > audit.Low {
				t.Errorf("%v: %s is %v: %s", names, f.Rule, f.Severity, f.Detail)
			}
		}
	}
}
