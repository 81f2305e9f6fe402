package main

import "time"

// turns is how many parts a wait is counted in.
const turns = 30

// within returns what comes from a channel within a time, or false. Time in
// which the machine stood still does not count, or what could not happen then
// would be given up when it goes on.
func within[T any](from <-chan T, d time.Duration) (T, bool) {
	tick := time.NewTicker(d / turns) // of those that were missed one comes
	defer tick.Stop()
	return inTurns(from, tick.C)
}

func inTurns[T any](from <-chan T, tick <-chan time.Time) (T, bool) {
	for range turns {
		select {
		case v := <-from:
			return v, true
		case <-tick:
		}
	}
	select {
	case v := <-from: // together with the last tick
		return v, true
	default:
		var none T
		return none, false
	}
}
