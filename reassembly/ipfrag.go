package reassembly

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"popscope/capture/packet"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// The limits of a Defragmenter that is made with zeroes.
const (
	DefaultFragmentBytes     = 4 << 20          // 60 full datagrams
	DefaultFragmentDatagrams = 4096             // as many half-sent datagrams as a busy link holds
	DefaultFragmentTimeout   = 30 * time.Second // Linux's; RFC 8200 section 4.5 allows 60 s
)

// fragMaxDatagram is the most that the length fields of IP allow.
const fragMaxDatagram = 65535

// Defragmenter puts fragmented IPv4 and IPv6 datagrams together.
//
//	if payload, length, done := d.Add(&f, at); done {
//		v = decoder.Datagram(&f, payload, length, &s, &f)
//	}
//
// Fragments may come in any order and more than once:
//
//	                   IPv4                               IPv6
//	exact duplicate    ignored                            ignored
//	other overlap      the first copy of each byte wins;  the datagram is dropped with all its
//	                   copies that differ are counted     fragments (RFC 5722, RFC 8200 section 4.5)
//
// A datagram is given up when the timeout has passed, by the times of the
// packets, since its first fragment arrived, or when a limit is reached: then
// the one that arrived first goes first. What is kept is in proportion to the
// bytes that arrived, whatever offsets they claim.
//
// After a datagram is done, nothing of it is kept. A copy of one of its
// fragments that comes later waits for others until the timeout.
type Defragmenter struct {
	maxBytes     int
	maxDatagrams int
	timeout      uint64 // nanoseconds

	byKey   map[fragKey]*fragDatagram
	arrived queue.Queue[fragDatagram] // in the order of arrival
	bytes   int                       // held by all of them
	stats   FragmentStats
	out     []byte // the datagram handed out last, when it had to be copied together
}

// FragmentStats counts what became of fragments.
type FragmentStats struct {
	Datagrams int64 // put together
	TimedOut  int64 // datagrams given up incomplete, after the timeout
	Shed      int64 // datagrams given up incomplete, at a limit
	Conflicts int64 // IPv4: fragments that overlap earlier ones with other bytes; IPv6: datagrams dropped for an overlap
	Malformed int64 // fragments dropped: empty, not a multiple of 8 bytes though more follow, or beyond the datagram's end or 65535
	Waiting   int64 // datagrams incomplete now
}

// fragKey is what fragments of a datagram have in common.
type fragKey struct {
	src, dst packet.Addr
	path     uint64
	id       uint32
	proto    uint8 // RFC 791 section 2.3; 0 for IPv6, where it does not count (RFC 8200 section 4.5)
	v6       bool
}

// fragDatagram is an incomplete datagram. Its spans are sorted by offset and
// do not overlap; none ends beyond total once that is known.
type fragDatagram struct {
	key     fragKey
	place   queue.Node[fragDatagram] // in Defragmenter.arrived
	first   int64                    // when the first fragment arrived, by packet time
	total   int                      // payload bytes; -1 as long as the last fragment is missing
	covered int                      // bytes in spans
	proto   uint8                    // as the fragment with offset 0 has it
	depth   int
	dropped bool // an IPv6 datagram with an overlap; kept to drop the rest of it as well
	spans   []fragSpan
	data    []byte // captured bytes of all spans, in the order of arrival
	cost    int
}

// fragSpan is a stretch of a datagram that one fragment brought first.
//
//	off            off+n                end
//	 [ data[at:at+n] | cut by snaplen ]
type fragSpan struct {
	off, end int
	at, n    int
}

// What a datagram and a span cost besides their bytes.
const (
	fragDatagramCost = 384
	fragSpanCost     = 32
)

// NewDefragmenter returns a Defragmenter that holds at most maxBytes of
// memory for at most maxDatagrams incomplete datagrams, each no longer than
// timeout. 0 means the default, a negative number no limit.
func NewDefragmenter(maxBytes int, maxDatagrams int, timeout time.Duration) *Defragmenter {
	d := &Defragmenter{
		maxBytes:     fragLimit(maxBytes, DefaultFragmentBytes),
		maxDatagrams: fragLimit(maxDatagrams, DefaultFragmentDatagrams),
		timeout:      uint64(cmp.Or(timeout, DefaultFragmentTimeout)),
		byKey:        map[fragKey]*fragDatagram{},
	}
	if timeout < 0 {
		d.timeout = math.MaxUint64
	}
	return d
}

func fragLimit(n, def int) int {
	if n < 0 {
		return math.MaxInt
	}
	return cmp.Or(n, def)
}

// Stats returns the counts so far.
func (d *Defragmenter) Stats() FragmentStats { return d.stats }

// Add takes a fragment in. When it completes a datagram, done is true, and
// f.Proto and f.Depth are made those of the datagram, so that f can be handed
// to packet.Decoder.Datagram. payload is valid until the next call to Add;
// length is the datagram's true length, more than len(payload) when fragments
// were cut by the snapshot length: bytes after the first that is missing are
// not handed out, as what lies before them is not known.
func (d *Defragmenter) Add(f *packet.Fragment, at stream.Stamp) (payload []byte, length int, done bool) {
	d.expire(at.Nanos)
	if f.Offset < 0 || f.Offset > fragMaxDatagram || f.Length <= 0 || f.Length > fragMaxDatagram-f.Offset ||
		f.More && f.Length%8 != 0 {
		d.stats.Malformed++
		return nil, 0, false
	}
	off, end := f.Offset, f.Offset+f.Length
	g := d.datagram(f, at.Nanos)
	if g.dropped {
		return nil, 0, false
	}
	if !g.fits(end, f.More) {
		d.stats.Malformed++
		return nil, 0, false
	}
	if off == 0 && !g.hasStart() {
		g.proto = f.Proto
	}
	g.depth = max(g.depth, f.Depth)
	data := f.Payload[:min(len(f.Payload), f.Length)]
	switch {
	case !f.V6:
		if g.add(off, end, data) {
			d.stats.Conflicts++
		}
	case !g.overlaps(off, end):
		g.add(off, end, data)
	case !g.duplicate(off, end, data):
		d.stats.Conflicts++
		d.stats.Waiting--
		g.dropped, g.spans, g.data = true, nil, nil
	}
	if g.covered == g.total && !g.dropped {
		d.remove(g)
		d.stats.Waiting--
		d.stats.Datagrams++
		f.Proto, f.Depth = g.proto, g.depth
		return d.assemble(g), g.total, true
	}
	d.account(g)
	for d.bytes > d.maxBytes {
		d.shed()
	}
	return nil, 0, false
}

// datagram returns the datagram that f belongs to, a new one if need be.
func (d *Defragmenter) datagram(f *packet.Fragment, now int64) *fragDatagram {
	key := fragKey{src: f.Src, dst: f.Dst, path: f.Path, id: f.ID, proto: f.Proto, v6: f.V6}
	if f.V6 {
		key.proto = 0
	}
	if g := d.byKey[key]; g != nil {
		if !d.stale(g, now) {
			return g
		}
		d.giveUp(g, &d.stats.TimedOut)
	}
	for len(d.byKey) >= d.maxDatagrams {
		d.shed()
	}
	g := &fragDatagram{key: key, first: now, total: -1, proto: f.Proto}
	d.arrived.Push(&g.place, g)
	d.byKey[key] = g
	d.stats.Waiting++
	return g
}

// expire gives up the datagrams that have waited for too long. Where times
// do not run with the order of arrival it may miss some; they are found when
// they become the oldest or when their key comes up again.
func (d *Defragmenter) expire(now int64) {
	for g := d.arrived.First(); g != nil && d.stale(g, now); g = d.arrived.First() {
		d.giveUp(g, &d.stats.TimedOut)
	}
}

// stale compares times in either direction: what lies far in the future is
// from before the clock was set back.
func (d *Defragmenter) stale(g *fragDatagram, now int64) bool {
	return uint64(max(now, g.first))-uint64(min(now, g.first)) > d.timeout
}

// shed gives up the datagram that arrived first.
func (d *Defragmenter) shed() { d.giveUp(d.arrived.First(), &d.stats.Shed) }

func (d *Defragmenter) giveUp(g *fragDatagram, count *int64) {
	d.remove(g)
	if !g.dropped {
		d.stats.Waiting--
		*count++
	}
}

func (d *Defragmenter) remove(g *fragDatagram) {
	delete(d.byKey, g.key)
	d.bytes -= g.cost
	d.arrived.Remove(&g.place)
}

// account brings the cost of g up to date.
func (d *Defragmenter) account(g *fragDatagram) {
	d.bytes -= g.cost
	g.cost = fragDatagramCost + fragSpanCost*cap(g.spans) + cap(g.data)
	d.bytes += g.cost
}

// assemble returns the bytes from the start of g to the first that is missing.
func (d *Defragmenter) assemble(g *fragDatagram) []byte {
	whole := 0 // spans from the start that have all their bytes, in the order of arrival
	for whole < len(g.spans) && g.spans[whole].at == g.spans[whole].off {
		if s := g.spans[whole]; s.n < s.end-s.off {
			return g.data[: s.off+s.n : s.off+s.n]
		}
		whole++
	}
	if whole == len(g.spans) {
		return g.data[:g.total:g.total]
	}
	d.out = d.out[:0]
	for _, s := range g.spans {
		d.out = append(d.out, g.data[s.at:s.at+s.n]...)
		if s.n < s.end-s.off {
			break
		}
	}
	return d.out
}

func (g *fragDatagram) hasStart() bool { return len(g.spans) > 0 && g.spans[0].off == 0 }

// fits tells whether a fragment with this end agrees with the datagram's
// length, and learns the length from a last fragment.
func (g *fragDatagram) fits(end int, more bool) bool {
	if g.total >= 0 && (end > g.total || !more && end < g.total) {
		return false
	}
	if more {
		return true
	}
	if n := len(g.spans); n > 0 && g.spans[n-1].end > end {
		return false
	}
	g.total = end
	return true
}

// seek returns the index of the first span that ends after off.
func (g *fragDatagram) seek(off int) int {
	i, _ := slices.BinarySearchFunc(g.spans, off+1, func(s fragSpan, off int) int { return cmp.Compare(s.end, off) })
	return i
}

func (g *fragDatagram) overlaps(off, end int) bool {
	i := g.seek(off)
	return i < len(g.spans) && g.spans[i].off < end
}

// duplicate tells whether the very same fragment was there before.
func (g *fragDatagram) duplicate(off, end int, data []byte) bool {
	i := g.seek(off)
	s := g.spans[i]
	return s.off == off && s.end == end && !g.differs(s, off, end, off, data)
}

// differs tells whether the bytes of a span from one offset to another are
// known not to be those of data, which begins at the offset base.
func (g *fragDatagram) differs(s fragSpan, from, to, base int, data []byte) bool {
	to = min(to, s.off+s.n, base+len(data))
	if from >= to {
		return false
	}
	return !bytes.Equal(g.data[s.at+from-s.off:s.at+to-s.off], data[from-base:to-base])
}

// add takes in what is new of the bytes from off to end, of which data holds
// those that were captured. It tells whether the others differ from what was
// there before.
func (g *fragDatagram) add(off, end int, data []byte) (conflict bool) {
	for i, pos := g.seek(off), off; pos < end; i++ {
		if i < len(g.spans) && g.spans[i].off <= pos {
			to := min(end, g.spans[i].end)
			conflict = conflict || g.differs(g.spans[i], pos, to, off, data)
			pos = to
			continue
		}
		to := end
		if i < len(g.spans) {
			to = min(to, g.spans[i].off)
		}
		s := fragSpan{off: pos, end: to, at: len(g.data)}
		if have := off + len(data); have > pos {
			s.n = min(to, have) - pos
			g.data = append(g.data, data[pos-off:pos-off+s.n]...)
		}
		g.spans = slices.Insert(g.spans, i, s)
		g.covered += to - pos
		pos = to
	}
	return conflict
}
