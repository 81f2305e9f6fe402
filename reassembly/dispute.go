package reassembly

import (
	"bytes"
	"cmp"
	"slices"

	"popscope/reassembly/stream"
)

// difference is how two copies of the same bytes differ.
type difference struct {
	from, to int64 // offsets of the first byte that differs, and behind the last one; equal if none does
	lines    int   // how many line ends more the first copy has
}

func (d difference) any() bool { return d.from < d.to }

// differ compares two copies of the bytes at off.
func differ(off int64, a, b []byte) difference {
	if bytes.Equal(a, b) {
		return difference{from: off, to: off}
	}
	i, j := 0, len(a)
	for a[i] == b[i] {
		i++
	}
	for a[j-1] == b[j-1] {
		j--
	}
	lf := []byte("\n")
	return difference{off + int64(i), off + int64(j), bytes.Count(a[i:j], lf) - bytes.Count(b[i:j], lf)}
}

// dispute adds a stretch to those of a direction.
//
//	[from..to)   [from..to)        [from..to)
//	        ^^^ the closest are joined when there are too many
func dispute(all []stream.Dispute, x stream.Dispute) []stream.Dispute {
	i, _ := slices.BinarySearchFunc(all, x.From, func(y stream.Dispute, from int64) int { return cmp.Compare(y.To, from) })
	j := i
	for ; j < len(all) && all[j].From <= x.To; j++ {
		x = join(all[j], x)
	}
	all = slices.Replace(all, i, j, x)
	if len(all) <= stream.MaxDisputes {
		return all
	}
	k := 1
	for n := range all {
		if n > 0 && all[n].From-all[n-1].To < all[k].From-all[k-1].To {
			k = n
		}
	}
	return slices.Replace(all, k-1, k+1, join(all[k-1], all[k]))
}

// join returns the stretch that reaches from one to the other.
func join(x, y stream.Dispute) stream.Dispute {
	return stream.Dispute{From: min(x.From, y.From), To: max(x.To, y.To), Lines: x.Lines || y.Lines}
}
