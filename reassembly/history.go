package reassembly

import (
	"math/bits"

	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

const (
	historyMarks    = 16
	historyMin      = 256
	historyOverhead = 512 // counted for each history on top of its bytes
)

// history holds the bytes of one direction that were delivered last, and
// which packets brought them.
//
// The bytes [lo, hi) are there, hi is the next one to be delivered, and
// hi-lo <= len(ring). The byte at offset o is ring[o % len(ring)]. The
// marks cover [lo, hi) in order.
type history struct {
	// What each delivery needs comes first, in one line of the processor's cache.
	ring   []byte // a power of two
	lo, hi int64
	oldest int32 // index of the oldest mark
	n      int32 // marks in use
	owner  *half
	marks  [historyMarks]mark
	place  queue.Node[history]
}

// mark says which packet brought the bytes up to end.
type mark struct {
	end int64
	at  stream.Stamp
}

func (y *history) cost() int { return len(y.ring) + historyOverhead }

// add keeps bytes that were just delivered, as far as there is room.
func (y *history) add(data []byte, at stream.Stamp) {
	if y.n == historyMarks {
		y.lo = max(y.lo, y.marks[y.oldest].end)
		y.oldest = (y.oldest + 1) % historyMarks
		y.n--
	}
	start := y.hi
	y.hi += int64(len(data))
	y.marks[(y.oldest+y.n)%historyMarks] = mark{y.hi, at}
	y.n++
	if extra := len(data) - len(y.ring); extra > 0 {
		data, start = data[extra:], start+int64(extra)
	}
	y.lo = max(y.lo, y.hi-int64(len(y.ring)))
	n := copy(y.ring[y.index(start):], data)
	copy(y.ring, data[n:])
}

func (y *history) index(off int64) int { return int(off) & (len(y.ring) - 1) }

// forget drops all bytes and goes on at an offset.
func (y *history) forget(off int64) {
	y.lo, y.hi, y.oldest, y.n = off, off, 0, 0
}

// compare compares data with the bytes delivered from off on; all of them
// must be there.
func (y *history) compare(off int64, data []byte) difference {
	i := y.index(off)
	n := min(len(data), len(y.ring)-i)
	d := differ(off, y.ring[i:i+n], data[:n])
	e := differ(off+int64(n), y.ring[:len(data)-n], data[n:])
	switch {
	case !e.any():
		return d
	case !d.any():
		return e
	}
	return difference{d.from, e.to, d.lines + e.lines}
}

// brought returns the packet that brought the byte at off, which must be
// there.
func (y *history) brought(off int64) stream.Stamp {
	for i := range y.n {
		if m := y.marks[(y.oldest+i)%historyMarks]; m.end > off {
			return m.at
		}
	}
	return stream.Stamp{}
}

// archive hands out histories within Limits.HistoryBytes.
//
// Every direction gets a small one when it begins, and if there is no room
// the one that was begun first goes: logins are at the beginning. What is
// left over goes to those that can use more.
type archive struct {
	limit, each int
	held        int                  // cost of all that are in use
	spare       int                  // cost of all that are free
	inUse       queue.Queue[history] // by age
	free        [32][]*history       // those to be used again, by the size of the ring as a power of two
}

func newArchive(l Limits) archive {
	return archive{limit: l.HistoryBytes, each: ringSize(min(l.DirectionHistory, 1<<30))}
}

// ringSize returns the smallest ring that holds n bytes.
func ringSize(n int) int {
	return 1 << bits.Len(uint(max(n, historyMin)-1))
}

// add keeps bytes that a direction has just delivered; h.next is their
// end already.
func (v *archive) add(h *half, data []byte, at stream.Stamp) {
	y := h.history
	if y == nil {
		if y = v.begin(h, h.next-int64(len(data))); y == nil {
			return
		}
	}
	if len(y.ring) < v.each && int(y.hi-y.lo)+len(data) > len(y.ring) {
		y = v.grow(h, ringSize(min(int(y.hi-y.lo)+len(data), v.each)))
	}
	y.add(data, at)
}

// begin gives a direction that stands at an offset its history, once.
func (v *archive) begin(h *half, next int64) *history {
	const cost = historyMin + historyOverhead
	if h.archived || cost > v.limit {
		return nil
	}
	h.archived = true
	for v.held+cost > v.limit {
		v.drop(v.inUse.First().owner)
	}
	y := v.take(historyMin)
	y.owner = h
	y.forget(next)
	h.history = y
	v.held += cost
	v.inUse.Push(&y.place, y)
	return y
}

// grow gives a direction's history a larger ring, up to size, if there is
// room.
func (v *archive) grow(h *half, size int) *history {
	old := h.history
	for v.held+size-len(old.ring) > v.limit {
		size /= 2
	}
	if size <= len(old.ring) {
		return old
	}
	y := v.take(size)
	y.owner, y.lo, y.hi, y.marks, y.oldest, y.n = h, old.lo, old.hi, old.marks, old.oldest, old.n
	for o := y.lo; o < y.hi; {
		from := old.ring[old.index(o):]
		o += int64(copy(y.ring[y.index(o):], from[:min(int64(len(from)), y.hi-o)]))
	}
	v.drop(h)
	h.history = y
	v.held += y.cost()
	v.inUse.Push(&y.place, y)
	return y
}

func (v *archive) take(size int) *history {
	class := bits.Len(uint(size))
	if n := len(v.free[class]); n > 0 {
		y := v.free[class][n-1]
		v.free[class] = v.free[class][:n-1]
		v.spare -= y.cost()
		return y
	}
	if v.held+v.spare+size+historyOverhead > v.limit {
		v.free, v.spare = [32][]*history{}, 0
	}
	return &history{ring: make([]byte, size)}
}

// drop takes a direction's history away, if it has one.
func (v *archive) drop(h *half) {
	y := h.history
	if y == nil {
		return
	}
	h.history, y.owner = nil, nil
	v.inUse.Remove(&y.place)
	v.held -= y.cost()
	if v.held+v.spare+y.cost() <= v.limit {
		class := bits.Len(uint(len(y.ring)))
		v.free[class] = append(v.free[class], y)
		v.spare += y.cost()
	}
}
