package timing

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPercentilesOfFewValuesAreExact(t *testing.T) {
	for _, c := range []struct {
		name                    string
		values                  []int64
		p50, p95, p99, min, max int64
	}{
		{"none", nil, 0, 0, 0, 0, 0},
		{"one", []int64{7}, 7, 7, 7, 7, 7},
		{"two", []int64{9, 1}, 1, 9, 9, 1, 9},
		{"twenty", upTo(20), 10, 19, 20, 1, 20},
		{"a hundred", upTo(100), 50, 95, 99, 1, 100},
		{"as many as are kept", upTo(maxExact), 256, 487, 507, 1, maxExact},
		{"below zero", []int64{-5, 3}, 0, 3, 3, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h Histogram
			for _, v := range c.values {
				h.Add(v)
			}
			got := [...]int64{h.Percentile(50), h.Percentile(95), h.Percentile(99), h.Min(), h.Max(), h.Count()}
			want := [...]int64{c.p50, c.p95, c.p99, c.min, c.max, int64(len(c.values))}
			if got != want || !h.Exact() {
				t.Errorf("exact %v\n got %v\nwant %v", h.Exact(), got, want)
			}
		})
	}
}

func upTo(n int64) []int64 {
	var v []int64
	for i := n; i > 0; i-- {
		v = append(v, i)
	}
	return v
}

// TestManyValuesAreRightTo1Point6Percent compares with sorting all values.
func TestManyValuesAreRightTo1Point6Percent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []int64
	for range 20_000 {
		v := int64(math.Exp(r.Float64() * 40)) // 17 decades
		all = append(all, v)
		h.Add(v)
	}
	slices.Sort(all)
	if h.Exact() {
		t.Error("20,000 values are kept one by one")
	}
	for p := int64(1); p <= 100; p++ {
		want := all[int64(len(all))*p/100-1]
		got := h.Percentile(p)
		if d := math.Abs(float64(got - want)); d > float64(want)/64 {
			t.Errorf("percentile %d: got %d, want %d", p, got, want)
		}
	}
	n := int64(0)
	last := int64(-1)
	h.Each(func(v, k int64) {
		if n += k; v < last {
			t.Errorf("%d comes after %d", v, last)
		}
		last = v
	})
	if n != h.Count() || h.Count() != 20_000 {
		t.Errorf("Each tells of %d values, Count of %d", n, h.Count())
	}
}

// TestManyEqualValues: what a bucket stands for is never below the smallest
// value or above the largest one.
func TestManyEqualValues(t *testing.T) {
	for _, v := range []int64{1 << 20, 1<<20 + 1<<15 - 1} { // the ends of a bucket
		var h Histogram
		for range maxExact + 1 {
			h.Add(v)
		}
		h.Each(func(got, n int64) {
			if p := h.Percentile(50); h.Exact() || got != v || n != maxExact+1 || p != v {
				t.Errorf("got %d times %d, in the middle %d; want %d", n, got, p, v)
			}
		})
	}
}

func TestEveryValueHasItsBucket(t *testing.T) {
	last := -1
	for _, v := range []int64{0, 1, 31, 32, 63, 64, 65, 66, 127, 128, 1 << 20, 1<<20 + 1<<15, 1<<62 - 1, 1 << 62, math.MaxInt64} {
		b := bucketOf(v)
		if b < last || b >= numBuckets {
			t.Errorf("%d is in bucket %d of %d, after %d", v, b, numBuckets, last)
		}
		last = b
		if d := math.Abs(float64(middleOf(b)) - float64(v)); d > float64(v)/64 {
			t.Errorf("%d is taken for %d", v, middleOf(b))
		}
	}
}
