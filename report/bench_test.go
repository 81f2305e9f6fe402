package report

import (
	"io"
	"testing"
)

// BenchmarkJSONL writes a session of five exchanges, a login and a
// message. It must not allocate by exchange.
func BenchmarkJSONL(b *testing.B) {
	w, err := New("jsonl", io.Discard, Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := ordinary()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}
