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
			golden(t, filepath.Join(dir, d.Name+".jsonl"), got)
		})
	}
}

// golden compares a text with the file that holds it; -update rewrites that.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test . -update makes it", err)
	}
	if got != string(want) {
		t.Errorf("%s\n(go test . -update rewrites it)", diff(got, string(want)))
	}
}
