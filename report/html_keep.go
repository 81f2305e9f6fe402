package report

import "container/heap"

// keeper keeps the most interesting of the things that come, up to a
// number of them, and up to a sum of sizes.
type keeper[T any] struct {
	most int // things
	room int // sizes together; 0 means no limit
	used int
	came int
	kept keptHeap[T]
}

// kept is one thing that a keeper keeps.
type kept[T any] struct {
	value          T
	interest, size int
	arrival        int
}

// wants reports whether a thing would find a place.
func (k *keeper[T]) wants(interest, size int) bool {
	if !k.full(size) {
		return true
	}
	return len(k.kept) > 0 && k.kept[0].interest < interest
}

// refuse counts a thing that wants said no to.
func (k *keeper[T]) refuse() { k.came++ }

// full reports whether something has to go before a thing can come.
func (k *keeper[T]) full(size int) bool {
	return len(k.kept) >= k.most || k.room > 0 && k.used+size > k.room
}

// add takes a thing. The least interesting ones make place for it; of
// those that are as interesting as it is, the earlier ones stay.
func (k *keeper[T]) add(v T, interest, size int) {
	k.came++
	for k.full(size) {
		if len(k.kept) == 0 || k.kept[0].interest >= interest {
			return
		}
		k.used -= heap.Pop(&k.kept).(kept[T]).size
	}
	k.used += size
	heap.Push(&k.kept, kept[T]{v, interest, size, k.came})
}

// values returns what was kept, in no order that means anything.
func (k *keeper[T]) values() []T {
	out := make([]T, len(k.kept))
	for i := range k.kept {
		out[i] = k.kept[i].value
	}
	return out
}

// dropped returns how many things found no place, or lost it.
func (k *keeper[T]) dropped() int { return k.came - len(k.kept) }

// keptHeap has the thing that goes first at its root.
type keptHeap[T any] []kept[T]

func (h keptHeap[T]) Len() int { return len(h) }
func (h keptHeap[T]) Less(i, j int) bool {
	if h[i].interest != h[j].interest {
		return h[i].interest < h[j].interest
	}
	return h[i].arrival > h[j].arrival
}
func (h keptHeap[T]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *keptHeap[T]) Push(x any)   { *h = append(*h, x.(kept[T])) }
func (h *keptHeap[T]) Pop() any {
	old := *h
	last := len(old) - 1
	x := old[last]
	old[last] = kept[T]{}
	*h = old[:last]
	return x
}
