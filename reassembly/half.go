package reassembly

import (
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// How far from the next byte a segment may lie and still belong to the
// stream: RFC 7323 section 2.3 allows no window larger than window, and
// what is older than behindReach was not sent again, but is of another
// stream.
const (
	window      = 1 << 30
	behindReach = 1 << 26
)

// start says how sure it is where offset 0 of a direction lies.
type start uint8

const (
	startUnknown start = iota // nothing is known of this direction
	startLoose                // half.base is a guess, and nothing was delivered yet
	startFixed                // half.base is offset 0, and nothing before it will be delivered
)

// half is one direction of a connection.
//
//	0      history     next        hole     pieces      hole    pieces
//	|......[kkkkkkkkkkk|                    [pppp]              [pp]
//	|<-- delivered --->|<- acked beyond? ->|
//
// Once start is startFixed, everything before next was delivered or
// reported as lost, and no piece lies before next. Offsets count from
// base; while start is startLoose they may be negative, and next is 0.
type half struct {
	base    Seq // sequence number of offset 0; valid iff start is not startUnknown
	start   start
	claimed bool  // base is where somebody said that the stream stands; it is not just the first byte that came
	firm    bool  // base stood in a data segment of the peer: what follows belongs to the capture, seen or not
	isn     bool  // base comes from a SYN: nothing lies before offset 0
	seen    bool  // a segment of this side was captured
	good    bool  // one of them had a good checksum
	ended   bool  // a FIN was seen, or is known from what the peer acknowledged; it stands at fin
	guessed bool  // that FIN was not seen itself
	denied  uint8 // acknowledgements in a row that know nothing of the highest one
	wait    uint8 // packets since there was something to decide about the start

	remembered bool // it has or had a history
	strayed    bool // data came that was out of the window; it ended at stray
	stray      Seq

	next  int64 // the next byte to be delivered
	top   int64 // behind the last byte seen
	acked int64 // the peer's highest acknowledgement; a FIN counts as a byte in it
	fin   int64 // where the FIN stands; valid iff ended

	hold    *hold    // what waits; nil while nothing does
	history *history // delivered bytes; may be nil
}

// offset returns the offset of a sequence number: the one nearest to next.
func (h *half) offset(s Seq) int64 { return h.next + s.Sub(h.base.Add(h.next)) }

// near reports whether n bytes at an offset can belong to the stream.
func (h *half) near(off, n int64) bool {
	return off <= h.next+window && off+n >= h.next-behindReach && !(h.isn && off < -1)
}

// proven returns up to where the peer has acknowledged bytes.
func (h *half) proven() int64 {
	if h.ended {
		return min(h.acked, h.fin)
	}
	return h.acked
}

// finished reports whether all bytes up to the FIN are delivered or lost.
func (h *half) finished() bool { return h.ended && h.start == startFixed && h.next >= h.fin }

// firstPiece returns the first piece that waits; nil if none does.
func (h *half) firstPiece() *piece {
	if h.hold == nil {
		return nil
	}
	return h.hold.pieces.first()
}

// waits reports whether there is a hole, or anything kept behind one.
func (h *half) waits() bool {
	return h.proven() > h.next || h.ended && h.fin > h.next || h.firstPiece() != nil
}

// stand takes note of where the stream stands before anything of it is
// delivered: by an acknowledgement, or by the number on an empty segment.
// The latest word counts, up to the first that is firm.
func (h *half) stand(s Seq, firm bool) {
	switch {
	case h.start == startUnknown:
		h.base, h.start = s, startLoose
	case h.firm || h.ended || h.firstPiece() != nil || !firm && h.offset(s) < 0:
		return
	default:
		h.base = s
	}
	h.claimed, h.firm = true, firm
}

// standFirst does the same where the SYN of the other side was captured,
// so that the stream has begun in the capture: the lowest number counts.
func (h *half) standFirst(s Seq) {
	if h.start == startUnknown {
		h.base, h.start = s, startLoose
	} else if off := h.offset(s); off < 0 {
		h.rebase(off)
	}
	h.claimed, h.firm = true, true
}

// rebase makes what was offset off so far offset 0.
func (h *half) rebase(off int64) {
	h.base = h.base.Add(off)
	h.top = max(h.top-off, 0)
	h.acked = max(h.acked-off, 0)
	h.fin -= off
	if h.hold != nil {
		h.hold.pieces.shift(-off)
	}
}

// takesStart reports whether offset 0 can lie at a sequence number that a
// SYN tells.
func (h *half) takesStart(s Seq) bool {
	switch h.start {
	case startUnknown:
		return true
	case startFixed:
		return h.base == s
	}
	before := -h.offset(s)
	if p := h.firstPiece(); p != nil {
		before += p.off
	}
	return before >= 0 && before < startReach
}

// takesAnswer reports whether a SYN-ACK with an acknowledgement can be
// the answer to the SYN of this direction. It may acknowledge data that
// came with the SYN (RFC 7413).
func (h *half) takesAnswer(ack Seq) bool {
	if h.start == startFixed {
		off := h.offset(ack)
		return off >= 0 && off <= h.top
	}
	return h.takesStart(ack)
}

const (
	startPackets = 8       // packets of the connection that a direction without a known start waits for an earlier one
	startReach   = 1 << 20 // bytes that a SYN may lie before what was seen of its connection
)

// fixStart puts offset 0 of a direction at what was offset off so far,
// and delivers what is waiting there.
func (a *Assembler) fixStart(c *conn, side int, off int64) {
	h := &c.half[side]
	h.rebase(off)
	h.start = startFixed
	if h.ended && h.fin < 0 {
		h.ended = false // it stood before the first byte there is
		c.pub.Transport.OutOfWindow[c.dir(side)]++
	}
	a.drain(c, side, 0)
}

// chooseStart decides where a direction starts of which no SYN tells:
// with the first byte there is, since nothing before it is lost by this
// capture; but not behind what the peer said that it had when it sent
// data of its own, since the answer to that is part of the capture.
func (a *Assembler) chooseStart(c *conn, side int) {
	h := &c.half[side]
	off := int64(0)
	if p := h.firstPiece(); p != nil {
		off = p.off
	} else if h.ended {
		off = h.fin
	}
	if h.firm {
		off = min(off, 0)
	}
	a.fixStart(c, side, off)
}

// arrive takes the payload of a segment that was checked to be near: the
// bytes of s.Payload at an offset, and length bytes in all.
func (a *Assembler) arrive(c *conn, side int, off, length int64, s *packet.Segment) {
	h := &c.half[side]
	t := &c.pub.Transport
	dir := c.dir(side)
	if length == 1 && a.isKeepAlive(h, off, s) {
		t.KeepAlives[dir]++
		if h.start == startUnknown {
			h.stand(Seq(s.Seq).Add(1), false)
		}
		return
	}
	switch {
	case h.start == startUnknown:
		h.base, h.start = Seq(s.Seq), startLoose
		off = 0
	case h.start == startLoose && h.claimed && off == 0 && (h.firstPiece() == nil || h.firstPiece().off >= 0):
		a.fixStart(c, side, 0)
	}
	end := off + length
	if h.start == startFixed && off < h.next {
		a.compare(c, side, off, s.Payload)
		if end <= h.next {
			t.Retransmitted[dir]++
			return
		}
	}
	if c.pub.Close == stream.ClosedRST {
		t.Late[dir]++
		if end > c.rstEnd[side] { // the RST did not merely overtake it
			c.freshSide, c.freshEnd = uint8(side), end
		}
	}
	fresh := a.place(c, side, off, end, s)
	h = &c.half[side]
	h.top = max(h.top, end)
	if !fresh {
		t.Retransmitted[dir]++
	}
	a.disproveFIN(c, side)
}

// isKeepAlive reports whether one byte is no part of the stream, but a
// question whether the peer is there: RFC 9293 section 3.8.4 lets it stand
// just below the next byte, with any value.
func (a *Assembler) isKeepAlive(h *half, off int64, s *packet.Segment) bool {
	if s.Flags&(packet.SYN|packet.FIN) != 0 {
		return false
	}
	switch h.start {
	case startUnknown:
		return s.Flags&packet.PSH == 0 // a lone byte that is meant to be read is pushed
	case startLoose:
		return s.Flags&packet.PSH == 0 && h.firstPiece() == nil && off == -1
	}
	return off == h.next-1 || off == h.top-1 || h.finished() && off == h.fin
}

// place delivers the new bytes of a segment, or keeps them behind the
// hole that is before them. It reports whether there were any.
func (a *Assembler) place(c *conn, side int, off, end int64, s *packet.Segment) bool {
	h := &c.half[side]
	data := s.Payload
	ack, hasAck := Seq(s.Ack), s.Flags&packet.ACK != 0
	if h.start == startFixed && off < h.next {
		data = data[min(h.next-off, int64(len(data))):]
		off = h.next
	}
	inOrder := h.start == startFixed && off == h.next && !(h.ended && end > h.fin)
	if p := h.firstPiece(); inOrder && (p == nil || p.off >= end) {
		a.deliver(c, side, data, a.at, ack, hasAck)
		a.lose(c, side, end, a.at, ack, hasAck)
		a.drain(c, side, a.at.Packet)
		return true
	}
	fresh := a.keep(c, side, end-off, piece{off: off, data: data, at: a.at, ack: ack, hasAck: hasAck, head: true})
	a.drain(c, side, a.at.Packet)
	a.enforce(c, side)
	return fresh
}

// deliver passes on the bytes at half.next.
func (a *Assembler) deliver(c *conn, side int, data []byte, at stream.Stamp, ack Seq, hasAck bool) {
	if len(data) == 0 {
		return
	}
	h := &c.half[side]
	a.emit(c, item{side: uint8(side), off: h.next, data: data, at: at, ack: ack, hasAck: hasAck})
	h.next += int64(len(data))
	h.top = max(h.top, h.next)
	a.archive.add(h, data, at)
}

// lose reports everything from half.next up to an offset as lost.
func (a *Assembler) lose(c *conn, side int, to int64, at stream.Stamp, ack Seq, hasAck bool) {
	h := &c.half[side]
	if to <= h.next {
		return
	}
	a.emit(c, item{side: uint8(side), off: h.next, lost: to - h.next, at: at, ack: ack, hasAck: hasAck})
	h.next = to
	h.top = max(h.top, to)
	if h.history != nil {
		h.history.forget(to)
	}
}

// drain delivers the pieces that the stream has come up to. before is the
// packet that brought the bytes before them, 0 if they are lost; a piece
// that is older than that came out of order.
func (a *Assembler) drain(c *conn, side int, before int64) {
	h := &c.half[side]
	if h.hold == nil || h.start != startFixed {
		return
	}
	for p := h.firstPiece(); p != nil && p.off == h.next && !h.finished(); p = h.firstPiece() {
		if h.ended && p.end() > h.fin {
			p = a.split(h.hold, p, h.fin)
		} else {
			a.unkeep(h.hold, place{})
		}
		if p.head && p.at.Packet < before {
			c.pub.Transport.OutOfOrder[c.dir(side)]++
		}
		before = max(before, p.at.Packet)
		a.deliver(c, side, p.data, p.at, p.ack, p.hasAck)
		a.lose(c, side, p.end(), p.at, p.ack, p.hasAck)
	}
}

// compare looks whether bytes delivered before are the same in a copy of
// them that begins at an offset before half.next.
func (a *Assembler) compare(c *conn, side int, off int64, data []byte) {
	h := &c.half[side]
	data = data[:min(int64(len(data)), h.next-off)]
	lo := h.next
	if h.history != nil {
		lo = h.history.lo
	}
	if off < lo {
		old := min(lo-off, int64(len(data)))
		c.pub.Transport.Unverified += old
		data, off = data[old:], off+old
	}
	if len(data) == 0 {
		return
	}
	if from, to := h.history.compare(off, data); from < to {
		a.conflict(c, side, from, to, h.history.brought(from))
	}
}

// conflict takes note that the packet at hand differs in a stretch from
// what an earlier packet brought.
func (a *Assembler) conflict(c *conn, side int, from, to int64, first stream.Stamp) {
	c.pub.Transport.Conflicts++
	if len(c.pub.Conflicts) < stream.MaxConflicts {
		c.pub.Conflicts = append(c.pub.Conflicts, stream.Conflict{
			Dir: c.dir(side), Off: from, Length: to - from, First: first, Second: a.at,
		})
	}
}
