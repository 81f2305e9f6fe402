package timing

import (
	"math/bits"
	"slices"
)

// Histogram tells the distribution of numbers that are not negative, such
// as nanoseconds or octets a second. The zero value is empty.
type Histogram struct {
	count    int64
	min, max int64
	exact    []int64 // all values, while there are no more than maxExact
	sorted   bool    // exact is in order
	buckets  []int64 // all values, once there are more
}

const (
	// maxExact is up to how many values are kept as they are: enough for
	// nearly every capture that somebody looks at by hand.
	maxExact = 512

	// Each power of two is divided into 1<<subBits buckets, and a value is
	// taken for the middle of its bucket: at most 1/64 of it away.
	subBits    = 5
	numBuckets = (64 - subBits) << subBits
)

// Add counts a value; one below zero counts as zero.
func (h *Histogram) Add(v int64) {
	v = max(v, 0)
	if h.count == 0 || v < h.min {
		h.min = v
	}
	h.max = max(h.max, v)
	h.count++
	switch {
	case h.buckets != nil:
		h.buckets[bucketOf(v)]++
	case len(h.exact) < maxExact:
		h.exact, h.sorted = append(h.exact, v), false
	default:
		h.buckets = make([]int64, numBuckets)
		for _, old := range h.exact {
			h.buckets[bucketOf(old)]++
		}
		h.exact = nil
		h.buckets[bucketOf(v)]++
	}
}

// bucketOf returns the index of the bucket that holds v. Values below
// 1<<(subBits+1) have a bucket each.
func bucketOf(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-subBits-1)
	return shift<<subBits + int(v>>shift)
}

// middleOf returns the value that stands for a bucket.
func middleOf(bucket int) int64 {
	shift := max(0, bucket>>subBits-1)
	low := int64(bucket-shift<<subBits) << shift
	return low + int64(1)<<shift>>1
}

// Count returns how many values were added.
func (h *Histogram) Count() int64 { return h.count }

// Max returns the largest value; 0 without any.
func (h *Histogram) Max() int64 { return h.max }

// Min returns the smallest value; 0 without any.
func (h *Histogram) Min() int64 { return h.min }

// Exact reports whether percentiles are exact.
func (h *Histogram) Exact() bool { return h.buckets == nil }

// Percentile returns the smallest value that p percent of all values do
// not exceed (the nearest rank); 0 without values.
func (h *Histogram) Percentile(p int64) int64 {
	if h.count == 0 {
		return 0
	}
	rank := max(1, (h.count/100)*p+(h.count%100*p+99)/100)
	if rank >= h.count {
		return h.max
	}
	if h.Exact() {
		h.sort()
		return h.exact[rank-1]
	}
	for i, n := range h.buckets {
		if rank -= n; rank <= 0 {
			return min(max(middleOf(i), h.min), h.max)
		}
	}
	return h.max
}

func (h *Histogram) sort() {
	if !h.sorted {
		slices.Sort(h.exact)
		h.sorted = true
	}
}

// Each calls f for the values in ascending order, each with how often it
// came; beyond what is exact, for the middles of the buckets.
func (h *Histogram) Each(f func(value, n int64)) {
	h.sort()
	for _, v := range h.exact {
		f(v, 1)
	}
	for i, n := range h.buckets {
		if n > 0 {
			f(min(max(middleOf(i), h.min), h.max), n)
		}
	}
}
