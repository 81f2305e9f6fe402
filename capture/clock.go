package capture

import (
	"math"
	"math/bits"
)

// clock turns the time stamps of a pcapng interface into nanoseconds, in
// whole numbers throughout. What is finer than a nanosecond is cut off.
//
// The time is ticks*mul / div >> shift, and then the offset is added.
type clock struct {
	mul, div uint64
	shift    uint
	offset   int64 // seconds
}

// newClock takes if_tsresol (a negative power of 10, or of 2 if the top bit
// is set) and if_tsoffset (seconds to add).
func newClock(resolution byte, offset int64) clock {
	c := clock{mul: 1, div: 1, offset: offset}
	exp := int(resolution & 0x7f)
	switch {
	case resolution&0x80 != 0:
		c.mul, c.shift = 1e9, uint(exp)
	case exp <= 9:
		c.mul = pow10(9 - exp)
	case exp-9 <= 19:
		c.div = pow10(exp - 9)
	default:
		c.mul = 0 // 64 bits of such ticks make less than a nanosecond
	}
	return c
}

// pow10 returns 10 to the n-th; n is at most 19.
func pow10(n int) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// nanos returns the time since 1970 in nanoseconds; beyond what int64 can
// hold it stays at its ends.
func (c clock) nanos(ticks uint64) int64 {
	hi, lo := bits.Mul64(ticks/c.div, c.mul)
	switch {
	case c.shift >= 64:
		hi, lo = 0, hi>>(c.shift-64)
	case c.shift > 0:
		hi, lo = hi>>c.shift, hi<<(64-c.shift)|lo>>c.shift
	}
	if c.offset != 0 {
		// The sum in two's complement; 128 bits are more than enough.
		ohi, olo := bits.Mul64(magnitude(c.offset), 1e9)
		var carry uint64
		if c.offset < 0 {
			lo, carry = bits.Sub64(lo, olo, 0)
			hi, _ = bits.Sub64(hi, ohi, carry)
		} else {
			lo, carry = bits.Add64(lo, olo, 0)
			hi, _ = bits.Add64(hi, ohi, carry)
		}
	}
	switch {
	case hi == 0 && lo <= math.MaxInt64:
		return int64(lo)
	case hi == math.MaxUint64 && lo > math.MaxInt64:
		return int64(lo)
	case int64(hi) < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// magnitude returns the absolute value, that of the smallest int64 too.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
