package main

import (
	"testing"
	"time"
)

// TestStandstill: a machine that stands still for an hour comes back to one
// tick, and then there is time left for what was waited for.
func TestStandstill(t *testing.T) {
	for _, ticks := range []int{1, turns - 1, turns} {
		tick, from, came := make(chan time.Time), make(chan int), make(chan bool)
		go func() {
			_, ok := inTurns(from, tick)
			came <- ok
		}()
		for i := range ticks {
			tick <- time.Unix(3600, int64(i))
		}
		want := ticks < turns
		if want {
			from <- 1
		}
		if got := <-came; got != want {
			t.Errorf("after %d ticks: came %v, want %v", ticks, got, want)
		}
	}
}
