package capture

import (
	"math"
	"math/big"
	"testing"
)

// exactNanos is the same sum with numbers of any size.
func exactNanos(resolution byte, offset int64, ticks uint64) int64 {
	n := new(big.Int).SetUint64(ticks)
	n.Mul(n, big.NewInt(1e9))
	exp := big.NewInt(int64(resolution & 0x7f))
	base := big.NewInt(10)
	if resolution&0x80 != 0 {
		base = big.NewInt(2)
	}
	n.Div(n, new(big.Int).Exp(base, exp, nil))
	n.Add(n, new(big.Int).Mul(big.NewInt(offset), big.NewInt(1e9)))
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func TestClockIsExact(t *testing.T) {
	ticks := []uint64{0, 1, 2, 999, 1 << 20, 1<<20 + 1, 1700000000123456, 1700000000123456789, 1 << 63, math.MaxUint64}
	offsets := []int64{0, 1, -1, 1700000000, -1700000000, math.MaxInt64, math.MinInt64}
	for resolution := range 256 {
		for _, offset := range offsets {
			c := newClock(byte(resolution), offset)
			for _, n := range ticks {
				if got, want := c.nanos(n), exactNanos(byte(resolution), offset, n); got != want {
					t.Fatalf("if_tsresol %#x, if_tsoffset %d, %d ticks\ngot  %d\nwant %d", resolution, offset, n, got, want)
				}
			}
		}
	}
}

func FuzzClock(f *testing.F) {
	f.Add(byte(6), int64(0), uint64(1700000000123456))
	f.Add(byte(0x80|20), int64(-5), uint64(1)<<50)
	f.Fuzz(func(t *testing.T, resolution byte, offset int64, ticks uint64) {
		if got, want := newClock(resolution, offset).nanos(ticks), exactNanos(resolution, offset, ticks); got != want {
			t.Errorf("got  %d\nwant %d", got, want)
		}
	})
}
