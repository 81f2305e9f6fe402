package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueue joins and leaves at random, beside a slice that does the same.
func TestQueue(t *testing.T) {
	type item struct {
		n     int
		place Node[item]
	}
	var q Queue[item]
	var want []*item
	items := make([]item, 20)
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		x := &items[r.IntN(len(items))]
		waits := slices.Contains(want, x)
		if x.place.Waits() != waits {
			t.Fatalf("item %d waits: %v", x.n, !waits)
		}
		if waits || r.IntN(4) == 0 { // to leave is nothing to what does not wait
			q.Remove(&x.place)
			want = slices.DeleteFunc(want, func(y *item) bool { return x == y })
		} else {
			q.Push(&x.place, x)
			want = append(want, x)
		}
		var first, last *item
		if len(want) > 0 {
			first, last = want[0], want[len(want)-1]
		}
		if q.Len() != len(want) || q.First() != first || q.Last() != last || !slices.Equal(slices.Collect(q.All()), want) {
			t.Fatalf("%d wait, the first %p, the last %p; want %d, %p and %p", q.Len(), q.First(), q.Last(), len(want), first, last)
		}
	}
}
