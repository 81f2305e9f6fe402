package audit

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRecentForgetsTheLongestUnused holds recent to a plain list in the
// order of use, through random calls on keys that often share a hash.
func TestRecentForgetsTheLongestUnused(t *testing.T) {
	for _, limit := range []int{1, 3, 200} {
		rng := rand.New(rand.NewPCG(1, uint64(limit)))
		var list, forgot, wantForgot []int // list: the longest unused first
		r := newRecent(limit, func(key *int) { forgot = append(forgot, *key) })
		for range 20_000 {
			key := rng.IntN(3 * limit)
			hash := uint64(key/4)<<32 | uint64(key/2) // two keys with one hash, four with one tag
			n := r.get(hash, func(have *int) bool { return *have == key })
			i := slices.Index(list, key)
			if (n != 0) != (i >= 0) {
				t.Fatalf("limit %d: key %d found: %v; want %v", limit, key, n != 0, i >= 0)
			}
			if i >= 0 {
				list = slices.Delete(list, i, i+1)
			}
			switch {
			case n != 0 && rng.IntN(4) == 0:
				r.remove(n)
				continue
			case n == 0:
				if len(list) == limit {
					wantForgot, list = append(wantForgot, list[0]), list[1:]
				}
				*r.at(r.add(hash)) = key
			}
			list = append(list, key)
			if r.count != len(list) || r.forgotten != int64(len(wantForgot)) {
				t.Fatalf("limit %d: %d entries, %d forgotten; want %d and %d", limit, r.count, r.forgotten, len(list), len(wantForgot))
			}
		}
		var have []int
		r.each(func(key *int) { have = append(have, *key) })
		if !slices.Equal(have, list) {
			t.Errorf("limit %d: entries %v\nwant %v", limit, have, list)
		}
		if !slices.Equal(forgot, wantForgot) {
			t.Errorf("limit %d: forgot %d entries, not the %d that were unused longest", limit, len(forgot), len(wantForgot))
		}
	}
}

// TestDigestsAreASet holds digests to a map, also where they crowd and
// where 0 is among them.
func TestDigestsAreASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, most := range []uint64{1, 4, 100, 5000} {
		var d digests
		want := make(map[uint64]bool)
		for range 10_000 {
			digest := 2 * rng.Uint64N(most)
			if d.has(digest) != want[digest] {
				t.Fatalf("up to %d: digest %d is there: %v; want %v", most, digest, !want[digest], want[digest])
			}
			if !want[digest] {
				d.add(digest)
				want[digest] = true
			}
			if d.n != len(want) {
				t.Fatalf("up to %d: %d digests, want %d", most, d.n, len(want))
			}
		}
	}
}
