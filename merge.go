package popscope

import (
	"container/heap"
	"math"
)

// merge puts the results of all shards into one order: that of the packets
// that ended the sessions, and for those still open that of their first
// packets.
type merge struct {
	waiting resultHeap
	follow  bool       // parts do not wait for sessions that ended before
	parts   resultHeap // valid iff follow
}

// add takes results, whose order among themselves does not matter.
func (m *merge) add(results []*Result) {
	for _, r := range results {
		r.due = r.endedAt()
		if m.follow && !r.Last {
			heap.Push(&m.parts, r)
			continue
		}
		heap.Push(&m.waiting, r)
	}
}

// nextPart returns the next part at or before packet mark that waits for
// nothing else, or nil.
func (m *merge) nextPart(mark int64) *Result { return m.parts.popUpTo(mark) }

// next returns the next result that ended at or before packet mark, or nil.
func (m *merge) next(mark int64) *Result {
	return m.waiting.popUpTo(mark)
}

func (h *resultHeap) popUpTo(mark int64) *Result {
	if len(*h) == 0 || (*h)[0].due > mark {
		return nil
	}
	return heap.Pop(h).(*Result)
}

// endedAt returns the packet that ended the session, or this part of it.
func (r *Result) endedAt() int64 {
	switch {
	case !r.Last:
		return r.partAt
	case r.Conn.Ended.Packet == 0:
		return math.MaxInt64
	}
	return r.Conn.Ended.Packet
}

type resultHeap []*Result

func (h resultHeap) Len() int { return len(h) }
func (h resultHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.due != b.due:
		return a.due < b.due
	case a.Conn.First.Packet != b.Conn.First.Packet:
		return a.Conn.First.Packet < b.Conn.First.Packet
	}
	return a.Part < b.Part
}
func (h resultHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *resultHeap) Push(x any)   { *h = append(*h, x.(*Result)) }
func (h *resultHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return r
}
