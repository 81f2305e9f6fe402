package capture

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
)

// peekPackets is how many packets of each of several files are looked at to
// find its place: three tell an outlier, more part files that begin with
// packets of one and the same time. Giants end the look earlier.
const peekPackets = 8

// track is one input file on its way along the timeline.
//
//	[ emitted ] [ queue: read ahead ] [ dec: not read yet ]
type track struct {
	t     *Timeline
	info  FileInfo
	index int       // among the arguments
	rank  int       // order of ties
	input io.Reader // given by the caller: never opened nor closed here

	regular bool
	secrets bool        // its format may hold them
	stat    fs.FileInfo // of a file that was opened by name
	closers []io.Closer
	buf     *buffer
	dec     decoder // nil while the file is closed
	end     error   // why dec gives no more: io.EOF or the damage
	lost    uint64  // kernel drops, once dec is gone
	meter   *meter

	// What the merge knows of it.
	looking bool // only the first packets are asked for
	begun   bool
	drain   bool  // goes on to its end, whatever waits
	key     int64 // when it is due, while it waits
	queue   queue
	scratch Packet
	emitted int64
	passed  int64    // FileNum of the latest packet delivered
	past    [2]int64 // times of the latest packets emitted, the last one first

	// What the first look saw, to be compared when the file is reopened.
	seen  []int64 // times
	print uint64
}

// byBeginning orders files for the timeline. Where the first packets have
// the same time, those after them decide, and then the arguments' order.
func byBeginning(a, b *track) int {
	if c := cmp.Compare(a.key, b.key); c != 0 {
		return c
	}
	return slices.Compare(a.seen, b.seen)
}

// peek reads the first packets. A regular file is closed then.
func (f *track) peek() {
	for bytes := 0; f.queue.n < peekPackets && bytes < blockSize; {
		before := f.queue.n
		f.fill(before + 1)
		if f.queue.n == before {
			break
		}
		bytes += len(f.queue.at(before).Data)
	}
	f.look()
	f.key = f.next()
	if f.queue.n == 0 {
		f.key = math.MinInt64 // nothing to wait for
	}
	if !f.regular {
		return
	}
	f.t.read.Add(-f.meter.sum) // it will be read again
	f.release()
	f.queue, f.end, f.lost = queue{}, nil, 0
}

// look notes what the queue holds.
func (f *track) look() {
	f.seen = make([]int64, f.queue.n)
	for i := range f.seen {
		f.seen[i] = f.queue.at(i).Nanos
	}
	f.print = f.fingerprint(len(f.seen))
}

// fingerprint sums up the first n packets of the queue.
func (f *track) fingerprint(n int) uint64 {
	h := fnv.New64a()
	var b [16]byte
	for i := range n {
		p := f.queue.at(i)
		binary.LittleEndian.PutUint64(b[:8], uint64(p.Nanos))
		binary.LittleEndian.PutUint64(b[8:], uint64(len(p.Data)))
		h.Write(b[:])
		h.Write(p.Data)
	}
	return h.Sum64()
}

// begin makes the track ready to deliver. A file that was closed after the
// first look is opened again and must show the same packets.
func (f *track) begin() error {
	f.begun = true
	if f.dec != nil {
		return nil
	}
	before := f.stat
	f.looking = false
	if err := f.open(); err != nil {
		return err
	}
	f.fill(len(f.seen))
	if !os.SameFile(before, f.stat) || f.stat.Size() < before.Size() ||
		f.queue.n < len(f.seen) || f.fingerprint(len(f.seen)) != f.print {
		return &fs.PathError{Op: "read", Path: f.info.Name, Err: ErrChanged}
	}
	return nil
}

// release lets go of everything that is open.
func (f *track) release() {
	if f.dec != nil {
		f.lost = f.dec.drops()
		f.dec = nil
	}
	if f.buf != nil {
		f.buf.close() // before what it reads from
		f.t.reuse(f.buf.own)
		f.buf = nil
	}
	for _, c := range slices.Backward(f.closers) {
		c.Close()
	}
	f.closers = nil
}

// read takes the next packet from the decoder.
func (f *track) read(p *Packet) bool {
	if f.end != nil {
		return false
	}
	if err := f.dec.next(p); err != nil {
		f.end = err
		return false
	}
	return true
}

// fill reads ahead until n packets wait in the queue, or the file ends.
func (f *track) fill(n int) {
	for f.queue.n < n && f.read(&f.scratch) {
		f.queue.push(&f.scratch)
	}
}

// next returns the time at which the head of the queue is due: its own, or
// that of the packet after it if that is earlier, as the head stands in its
// way. Outliers count with the time of their neighbours.
func (f *track) next() int64 {
	f.fill(3)
	switch f.queue.n {
	case 0:
		return math.MaxInt64
	case 1:
		return f.effective(0)
	}
	return min(f.effective(0), f.effective(1))
}

// absurd is the distance from both neighbours, which are nearer to each
// other, that makes a time an outlier: a year in nanoseconds. Real captures
// have no such gaps, and broken clocks err by decades.
const absurd = 365 * 24 * 3600 * 1e9

// effective returns the time of queue packet i, or if that is an outlier,
// the time of its neighbour.
func (f *track) effective(i int) int64 {
	t := f.time(i)
	a, b := i-1, i+1
	switch {
	case f.has(a) && f.has(b):
	case f.has(b): // at the beginning
		a, b = i+1, i+2
	default: // at the end
		a, b = i-1, i-2
	}
	if !f.has(a) || !f.has(b) {
		return t
	}
	if ta, tb := f.time(a), f.time(b); distance(ta, tb) <= absurd && distance(t, ta) > absurd && distance(t, tb) > absurd {
		return ta
	}
	return t
}

// has reports whether the time of queue packet i is known; -1 is the packet
// emitted last.
func (f *track) has(i int) bool {
	if i < 0 {
		return int64(-i) <= min(f.emitted, int64(len(f.past)))
	}
	return i < f.queue.n
}

func (f *track) time(i int) int64 {
	if i < 0 {
		return f.past[-i-1]
	}
	return f.queue.at(i).Nanos
}

// distance returns how far apart two times are, whatever they are.
func distance(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}

// queue holds packets read ahead, in a ring that keeps its memory.
type queue struct {
	slots    []Packet // a power of two of them; Data is the slot's own
	first, n int
}

// at returns packet i of the queue.
func (q *queue) at(i int) *Packet { return &q.slots[(q.first+i)&(len(q.slots)-1)] }

// push copies p to the end.
func (q *queue) push(p *Packet) {
	if q.n == len(q.slots) {
		grown := make([]Packet, max(4, 2*len(q.slots)))
		for i := range q.n {
			grown[i] = *q.at(i)
		}
		q.slots, q.first = grown, 0
	}
	q.n++
	s := q.at(q.n - 1)
	own := s.Data[:0]
	if cap(own) > blockSize { // memory of a giant is not kept
		own = nil
	}
	own = append(own, p.Data...)
	*s = *p
	s.Data = own
}

// pop takes the first packet; its Data is valid until the next push.
func (q *queue) pop(p *Packet) {
	*p = *q.at(0)
	p.Data = p.Data[:len(p.Data):len(p.Data)]
	q.first = (q.first + 1) & (len(q.slots) - 1)
	q.n--
}
