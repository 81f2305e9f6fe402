package popscope_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"popscope/capture/capturetest"
)

// catalogueText is what findings say in the words of the catalogue, which
// the golden files leave out.
var catalogueText = regexp.MustCompile(`"(title|advice|rfc)":"[^"]*",`)

func sortStrings(s []string) { slices.Sort(s) }

// TestDialogs compares each dialog with its golden records; -update
// rewrites them.
func TestDialogs(t *testing.T) {
	dir := filepath.Join("testdata", "dialog", "golden")
	for _, d := range capturetest.LoadAll(t, "") {
		t.Run(d.Name, func(t *testing.T) {
			got := catalogueText.ReplaceAllString(analyzeTrace(t, d.Trace()), "")
			golden := filepath.Join(dir, d.Name+".jsonl")
			if *update {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; go test . -update makes it", err)
			}
			if got != string(want) {
				t.Errorf("%s\n(go test . -update rewrites it)", diff(got, string(want)))
			}
		})
	}
}
