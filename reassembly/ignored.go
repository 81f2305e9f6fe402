package reassembly

import "popscope/capture/packet"

// Ignored is a connection that the consumer ignores and that is in the middle
// of both its streams. Segments of it that begin or end nothing change nothing
// any more, but that they keep it from being idle and tell where its streams
// have come to.
type Ignored struct {
	Ends   [2]packet.Endpoint
	Path   uint64    // packet.Segment.Path
	Next   [2]uint32 // the sequence number that comes next, of each end
	Packet int64     // the last packet that the Assembler had taken when it was so
}

// ListIgnored makes TakeIgnored return what it should.
func (a *Assembler) ListIgnored() { a.listIgnored = true }

// TakeIgnored appends the connections that the consumer began to ignore since
// it was called last, in their order. Some may have ended meanwhile, or begun
// anew, by segments of later packets than Ignored.Packet.
func (a *Assembler) TakeIgnored(to []Ignored) []Ignored {
	to = append(to, a.newlyIgnored...)
	a.newlyIgnored = a.newlyIgnored[:0]
	return to
}

// list notes that a connection is ignored.
func (a *Assembler) list(c *conn) {
	if !a.listIgnored || c.entry == nil || c.another() != nil || c.ended() {
		return
	}
	out := Ignored{Path: c.pub.Path, Packet: a.at.Packet}
	for side := range c.half {
		h := &c.half[side]
		if h.start != startFixed || h.ended || c.rare != nil && c.rare.strayed[side] {
			return
		}
		out.Ends[side] = c.entry.tuple.endpoint(uint8(side))
		out.Next[side] = uint32(h.base.Add(h.next))
	}
	a.newlyIgnored = append(a.newlyIgnored, out)
}
