package reassembly

import (
	"math"
	"slices"
)

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
//	the first one                         it begins at the earliest, but not a minute before the middle one
//	all of them later than the clock      it moves to the earliest of them
//	all of them far earlier               the capture's time was set back: it begins anew
//	anything else                         it stays
//
// So one packet with a time decades away changes nothing. What it counts
// is the time passed, which never decreases: a clock set back adds none.
type clock struct {
	now     int64 // nanoseconds passed since the first window
	capture int64 // the capture time that now stands for; valid iff set
	set     bool
	seen    int
	window  [clockWindow]int64 // times of the packets seen
}

// see takes the time of one packet and reports whether the clock moved.
func (k *clock) see(nanos int64) bool {
	k.window[k.seen] = nanos
	k.seen++
	if k.seen < clockWindow {
		return false
	}
	k.seen = 0
	if k.set && behind(slices.Max(k.window[:]), k.capture) <= clockBack {
		return k.moveTo(slices.Min(k.window[:]))
	}
	k.begin()
	return false
}

// begin sets the clock to where the window begins. What is long before the
// middle of it is taken for wrong, or the next window would make years of it.
func (k *clock) begin() {
	slices.Sort(k.window[:])
	i := slices.IndexFunc(k.window[:], func(t int64) bool { return behind(t, k.window[clockWindow/2]) <= clockLead })
	k.capture, k.set = k.window[i], true
}

// clockLead is how far the time of a single packet may be ahead of the
// clock, or before others of its window, and still be believed.
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
