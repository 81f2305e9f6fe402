package reassembly

import "math"

const (
	clockWindow = 16                // packets that must agree before the clock moves
	clockBack   = 10 * second       // smaller steps backwards are waited out
	clockStep   = 365 * 24 * hour   // no single step is taken for longer than this
	clockEnd    = math.MaxInt64 / 2 // the clock stands still from here on, so that sums with it cannot overflow

	second = int64(1e9)
	hour   = 3600 * second
)

// clock is the time of the capture, made safe against packets whose time
// is wrong. It looks at windows of 16 packets:
//
//	all of them later than the clock      it moves to the earliest of them
//	all of them far earlier               the capture's time was set back: it goes on from there
//	anything else                         it stays
//
// So one packet with a time decades away changes nothing. What it counts
// is the time passed, which never decreases: a clock set back adds none.
type clock struct {
	now       int64 // nanoseconds passed since the first window
	capture   int64 // the capture time that now stands for; valid iff set
	set       bool
	seen      int
	low, high int64 // of the window so far
}

// see takes the time of one packet and reports whether the clock moved.
func (k *clock) see(nanos int64) bool {
	if k.seen == 0 {
		k.low, k.high = nanos, nanos
	} else {
		k.low, k.high = min(k.low, nanos), max(k.high, nanos)
	}
	k.seen++
	if k.seen < clockWindow {
		return false
	}
	k.seen = 0
	switch {
	case !k.set || behind(k.high, k.capture) > clockBack:
		k.capture, k.set = k.low, true
		return false
	default:
		return k.moveTo(k.low)
	}
}

// clockLead is how far the time of a single packet may be ahead of the
// clock and still be taken for the beginning of a wait.
const clockLead = 60 * second

// from returns the time passed at a packet's time, for waits that begin
// with it: the clock itself may lag behind by a pause in the traffic.
func (k *clock) from(nanos int64) int64 {
	if !k.set {
		return k.now
	}
	return k.now + min(max(behind(k.capture, nanos), 0), clockLead)
}

// pass moves the clock to d after a packet's time, as far as from trusts
// it, or by d if it is that far already.
func (k *clock) pass(nanos, d int64) {
	step := k.from(nanos) - k.now + d
	k.now = min(k.now+step, clockEnd)
	if k.set {
		k.capture = min(k.capture, math.MaxInt64-step) + step
	} else {
		k.capture, k.set = min(nanos, math.MaxInt64-d)+d, true
	}
}

// moveTo sets the clock forward to a capture time, if that lies ahead.
func (k *clock) moveTo(nanos int64) bool {
	if !k.set {
		k.capture, k.set = nanos, true
		return false
	}
	step := behind(k.capture, nanos)
	if step <= 0 {
		return false
	}
	k.capture = nanos
	k.now = min(k.now+min(step, clockStep), clockEnd)
	return true
}

// behind returns how far a lies behind b, at most the largest int64; 0 if
// it does not.
func behind(a, b int64) int64 {
	switch d := b - a; {
	case a >= b:
		return 0
	case d < 0:
		return math.MaxInt64
	default:
		return d
	}
}
