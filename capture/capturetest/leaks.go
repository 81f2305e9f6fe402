package capturetest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines may take to end on a machine that is busy.
const patience = time.Minute

// NoLeaks fails the test if goroutines that it began are still there a
// while after its end. Call it first, before what is cleaned up otherwise;
// tests that run beside others cannot use it.
func NoLeaks(t testing.TB) {
	t.Helper()
	noLeaks(t, patience)
}

func noLeaks(t testing.TB, patience time.Duration) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		var left []string
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			left = left[:0]
			for id, stack := range goroutines() {
				if before[id] == "" {
					left = append(left, stack)
				}
			}
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("%d goroutines are left:\n\n%s", len(left), strings.Join(left, "\n\n"))
				return
			}
		}
	})
}

// goroutines returns the stacks of all goroutines by their names, as in
// "goroutine 12".
func goroutines() map[string]string {
	found := map[string]string{}
	for stack := range strings.SplitSeq(Stacks(), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		found[name] = stack
	}
	return found
}

// Stacks returns those of all goroutines, as a panic prints them.
func Stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
