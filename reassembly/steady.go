package reassembly

import (
	"popscope/capture/packet"
)

// steady takes a segment that does what nearly all of them do: it comes in
// order, on a connection where nothing waits, with a plain acknowledgement
// of bytes that were seen. It reports whether it took the segment; otherwise
// nothing was changed, and process does the work. For what it takes it does
// what process does, as FuzzSteady shows.
func (a *Assembler) steady(c *conn, side int, s *packet.Segment) bool {
	const odd = packet.SYN | packet.FIN | packet.RST
	h, peer := &c.half[side], &c.half[1-side]
	if s.Flags&(odd|packet.ACK) != packet.ACK || s.Window == 0 || s.Length > len(s.Payload) ||
		c.gathers || c.ended() || c.windowClosed() || !h.calm() || !peer.calm() ||
		Seq(s.Seq) != h.base.Add(h.next) {
		return false
	}
	if c.ignored {
		a.takenFor(c)
		c.pub.Packets[c.dir(side)]++
		c.pub.Last = a.at
		h.seen = true
		h.next += int64(len(s.Payload))
		h.top, h.acked = h.next, h.next
		return true
	}
	acked := peer.offset(Seq(s.Ack))
	if acked < peer.acked || acked > peer.next {
		return false
	}
	if !s.Bad() {
		c.rightSum(side, len(s.Payload))
	} else if h.leavesSums(s) {
		c.wrongSum(side, s)
	} else {
		return false
	}
	a.takenFor(c)
	dir := c.dir(side)
	p := c.pub
	p.Packets[dir]++
	p.Last = a.at
	h.seen = true
	peer.acked, peer.denied = acked, 0
	if len(s.Payload) == 0 {
		return true
	}
	a.emit(c, item{side: uint8(side), off: h.next, data: s.Payload, at: a.at, ack: Seq(s.Ack), hasAck: true})
	h.next += int64(len(s.Payload))
	h.top = h.next
	h.dataAt = a.at.Nanos
	a.archive.add(h, s.Payload, a.at)
	return true
}

// calm reports whether a direction is in the middle of its stream, and
// nothing is known that lies behind what was delivered.
func (h *half) calm() bool {
	return h.start == startFixed && h.hold == nil && !h.ended && h.top == h.next && h.acked <= h.next
}

// process takes a segment that belongs to a connection.
func (a *Assembler) process(c *conn, side int, s *packet.Segment) {
	if !a.thorough && a.steady(c, side, s) {
		return
	}
	a.processAny(c, side, s)
}
