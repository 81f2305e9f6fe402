package popscope

import (
	"cmp"
	"container/heap"
	"math"

	"popscope/reassembly/stream"
)

// rank is a place in the order of results.
type rank struct {
	ended int64 // the packet that ended the session, never while it is open; of a part the packet at which it was full
	first int64 // the first packet of the connection
}

// never is a packet that does not come.
const never = math.MaxInt64

// rankOf returns the place of a session.
func rankOf(c *stream.Conn) rank {
	return rank{cmp.Or(c.Ended.Packet, never), c.First.Packet}
}

// behind returns the place behind all sessions that ended with a packet, or
// before it.
func behind(packet int64) rank { return rank{packet, never} }

func (a rank) before(b rank) bool {
	return a.ended < b.ended || a.ended == b.ended && a.first < b.first
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.ended, b.ended), cmp.Compare(a.first, b.first))
}

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
		r.due = r.rank()
		if m.follow && !r.Last {
			heap.Push(&m.parts, r)
			continue
		}
		heap.Push(&m.waiting, r)
	}
}

// nextPart returns the next part whose place is before a rank and that waits
// for nothing else, or nil.
func (m *merge) nextPart(up rank) *Result { return m.parts.popBefore(up) }

// next returns the next result whose place is before a rank, or nil.
func (m *merge) next(up rank) *Result {
	return m.waiting.popBefore(up)
}

func (h *resultHeap) popBefore(up rank) *Result {
	if len(*h) == 0 || !(*h)[0].due.before(up) {
		return nil
	}
	return heap.Pop(h).(*Result)
}

// rank returns the place of a session, or of this part of it.
func (r *Result) rank() rank {
	if !r.Last {
		return rank{r.partAt, r.Conn.First.Packet}
	}
	return rankOf(r.Conn)
}

type resultHeap []*Result

func (h resultHeap) Len() int { return len(h) }
func (h resultHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.due.ended != b.due.ended:
		return a.due.ended < b.due.ended
	case a.due.first != b.due.first:
		return a.due.first < b.due.first
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
