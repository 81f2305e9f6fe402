package popscope_test

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
)

// breaking is a source that breaks for good after some packets.
type breaking struct {
	capture.Source
	left int
}

func (b *breaking) Next(p *capture.Packet) error {
	if b.left--; b.left < 0 {
		return errors.New("broken")
	}
	return b.Source.Next(p)
}

// TestNoGoroutineIsLeft: however a run ends, all its goroutines end too:
// read to the end, broken, or left in the middle by whoever reads the
// results.
func TestNoGoroutineIsLeft(t *testing.T) {
	var all []capturetest.Trace
	for _, n := range traces(t)[:40] {
		all = append(all, n.trace)
	}
	packets := capturetest.Merge(all...).Packets(capturetest.Plain())
	before := runtime.NumGoroutine()
	for _, workers := range []int{1, 2, 8} {
		for _, stop := range []int{0, 1, 3, 1 << 30} {
			for _, packetsRead := range []int{0, 1, 1000, 1 << 30} {
				src := &breaking{capturetest.Source(packets), packetsRead}
				results := 0
				for _, err := range popscope.New(popscope.Options{Workers: workers}).Results(src) {
					if err != nil && err.Error() != "broken" && err != io.EOF {
						t.Fatal(err)
					}
					if results++; results > stop {
						break
					}
				}
			}
		}
	}
	for wait := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(wait) {
			t.Fatalf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), before, capturetest.Stacks())
		}
	}
}
