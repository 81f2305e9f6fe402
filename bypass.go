package popscope

import (
	"cmp"
	"slices"

	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// bypass knows connections that the shards ignore, since they are no POP3,
// and lets the reader leave their segments out: of traffic that is mostly
// something else, that is most of the work.
//
// What comes of a connection is the same. Only segments from the middle of
// its streams are left out, of which the assembler would but take the time,
// and still does; before any other one it is told where the streams have come
// to, and the connection goes the common way again. Which segments are left out
// depends on the packets alone, not on how far the workers have come: what a
// shard ignores in one round is left out from a fixed number of rounds later
// on.
type bypass struct {
	buckets [][bypassWays]bypassed // a power of two of them, by hash; none before the first connection
	len     int
	odd     [bypassOdd]int64 // by hash, the last packet with a segment from the beginning or the end of a connection
	leftOut int64            // segments
	idle    int64            // nanoseconds after which the assembler gives up a connection; before that it is let see that there are segments

	waiting [bypassLag][]reassembly.Ignored // see later
	round   int
	catchUp [2]packet.Segment // see leavesOut
}

const (
	bypassWays = 4       // a connection without room in its bucket is not left out; of a quarter of all places used, hardly one has none
	bypassMost = 1 << 15 // connections
	bypassOdd  = 1 << 15
	bypassLag  = 16 // rounds; more than may wait for the workers, so that nobody waits for them

	// bypassReach is how far from the bytes before it a segment may lie:
	// what is farther away may be of another connection.
	bypassReach = 4 << 20
	// bypassStep is how far a stream may go on without the assembler, in
	// bits: it takes numbers for near up to 30.
	bypassStep = 28
)

// bypassed is a connection in a bypass. It is one line of the processor's
// cache.
type bypassed struct {
	ends   [2][2]uint64 // addresses
	ports  [2]uint16
	behind [2]bool // the assembler has not seen all up to next
	used   bool
	path   uint64
	next   [2]uint32 // the sequence number behind the last byte of each end
	passed int64     // nanoseconds of the last segment that was let through
}

func newBypass(idle int64) *bypass { return &bypass{idle: idle} }

// leavesOut reports whether a segment is to be left out. If not, the first
// n of b.catchUp, which are valid until the next call, go before it.
// hash is hashOf the segment.
func (b *bypass) leavesOut(s *packet.Segment, hash uint64, at stream.Stamp) (out bool, n int) {
	const odd = packet.SYN | packet.FIN | packet.RST
	if s.Flags&odd != 0 {
		b.odd[oddPlace(hash)] = at.Packet
	}
	if b.len == 0 {
		return false, 0
	}
	e, side := b.find(s, hash)
	if e == nil {
		return false, 0
	}
	idle := at.Nanos - e.passed
	if idle >= b.idle { // the assembler has given it up, or soon will
		b.drop(e)
		return false, 0
	}
	length := uint32(max(s.Length, len(s.Payload)))
	ahead := int32(s.Seq - e.next[side])
	if s.Flags&odd != 0 || ahead > bypassReach || ahead < -bypassReach || length > bypassReach {
		return false, b.remove(e, s, side)
	}
	before := e.next[side]
	if end := s.Seq + length; int32(end-before) > 0 {
		e.next[side], e.behind[side] = end, true
	}
	if idle > b.idle/64 || idle < 0 || (before^e.next[side])>>bypassStep != 0 {
		e.passed = at.Nanos
		return false, 0
	}
	b.leftOut++
	return true, 0
}

// find returns the connection of a segment and which of its ends sent it.
func (b *bypass) find(s *packet.Segment, hash uint64) (e *bypassed, side int) {
	bucket := b.bucket(hash)
	src, dst := words(&s.Src.Addr), words(&s.Dst.Addr)
	for i := range bucket {
		e := &bucket[i]
		switch {
		case !e.used || e.path != s.Path:
		case e.ports == [2]uint16{s.Src.Port, s.Dst.Port} && e.ends[0] == src && e.ends[1] == dst:
			return e, 0
		case e.ports == [2]uint16{s.Dst.Port, s.Src.Port} && e.ends[1] == src && e.ends[0] == dst:
			return e, 1
		}
	}
	return nil, 0
}

// remove takes out the connection of a segment and makes the segments that
// tell the assembler where its streams have come to.
func (b *bypass) remove(e *bypassed, s *packet.Segment, side int) (n int) {
	for i, behind := range e.behind {
		if !behind {
			continue
		}
		told := packet.Segment{Src: s.Src, Dst: s.Dst, Path: s.Path, Seq: e.next[i], Flags: packet.ACK, Window: 1}
		if i != side {
			told.Src, told.Dst = s.Dst, s.Src
		}
		b.catchUp[n] = told
		n++
	}
	b.drop(e)
	return n
}

func (b *bypass) drop(e *bypassed) {
	*e = bypassed{}
	b.len--
}

// turn takes what the shards ignore since the round bypassLag rounds ago. at
// is the last packet.
func (b *bypass) turn(ignored []reassembly.Ignored, at stream.Stamp) {
	slices.SortFunc(ignored, func(x, y reassembly.Ignored) int { // whoever came first
		return cmp.Or(cmp.Compare(x.Packet, y.Packet), x.Ends[0].Compare(&y.Ends[0]), x.Ends[1].Compare(&y.Ends[1]), cmp.Compare(x.Path, y.Path))
	})
	for i := range ignored {
		b.add(&ignored[i], at)
	}
}

// later does in bypassLag rounds what turn does.
func (b *bypass) later(ignored []reassembly.Ignored, at stream.Stamp) {
	slot := &b.waiting[b.round%bypassLag]
	b.turn(*slot, at)
	*slot = ignored
	b.round++
}

// add takes a connection, unless it began anew or came near its end since it
// was said to be ignored.
func (b *bypass) add(c *reassembly.Ignored, at stream.Stamp) {
	e := bypassed{
		ends: [2][2]uint64{words(&c.Ends[0].Addr), words(&c.Ends[1].Addr)}, ports: [2]uint16{c.Ends[0].Port, c.Ends[1].Port},
		used: true, path: c.Path, next: c.Next, passed: at.Nanos,
	}
	hash := e.hash()
	if b.odd[oddPlace(hash)] > c.Packet || b.len == bypassMost {
		return
	}
	if b.len >= len(b.buckets)*bypassWays/4 {
		b.grow()
	}
	for i, place := range b.bucket(hash) {
		if !place.used {
			b.bucket(hash)[i] = e
			b.len++
			return
		}
	}
}

// grow makes room for twice as many connections.
func (b *bypass) grow() {
	old := b.buckets
	b.buckets = make([][bypassWays]bypassed, max(64, 2*len(old)))
	for i := range old {
		for j, e := range old[i] {
			if e.used {
				b.bucket(e.hash())[j] = e // free, since no other old bucket goes there
			}
		}
	}
}

func (b *bypass) bucket(hash uint64) *[bypassWays]bypassed {
	return &b.buckets[hash>>bucketBits&uint64(len(b.buckets)-1)]
}

// Which bits of a hash are used: the highest four tell the shard.
const (
	bucketBits = 44
	oddBits    = 30
)

func oddPlace(hash uint64) uint64 { return hash >> oddBits % bypassOdd }

func (e *bypassed) hash() uint64 {
	return mix(endHash(e.ends[0], e.ports[0]) + endHash(e.ends[1], e.ports[1]))
}
