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
	startLoose                // half.base is just something to count from, and nothing was delivered yet
	startFixed                // half.base is offset 0
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
	base     Seq // sequence number of offset 0; valid unless start is startUnknown
	start    start
	claimed  bool  // somebody said where the stream stands
	firm     bool  // and so that what follows belongs to the capture, seen or not
	isn      bool  // base comes from a SYN: nothing lies before offset 0
	seen     bool  // a segment of this side was captured
	good     bool  // one of them had a good checksum
	filled   bool  // one of them had a good checksum and data
	ended    bool  // a FIN was seen, or is known from what the peer acknowledged; it stands at fin
	guessed  bool  // that FIN was not seen itself
	archived bool  // it has or had a history
	denied   uint8 // acknowledgements in a row that know nothing of the highest one
	low      Seq   // the lowest firm claim; valid iff firm
	high     Seq   // the highest claim; valid iff claimed

	next  int64 // the next byte to be delivered
	top   int64 // behind the last byte seen
	acked int64 // the peer's highest acknowledgement; a FIN counts as a byte in it
	fin   int64 // where the FIN stands; valid iff ended

	dataAt int64 // nanoseconds of its last segment with data; 0 before one

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

// countFrom gives a direction of which nothing is known something to count
// from.
func (h *half) countFrom(s Seq) {
	h.base, h.start = s, startLoose
	h.top, h.acked = nothing, nothing
}

// nothing is an offset below all others, for what has not been seen.
const nothing = -1 << 40

// stand takes note of where the stream stands before anything of it is
// delivered: by an acknowledgement, or by the number on an empty segment.
func (h *half) stand(s Seq, firm bool) {
	if !h.claimed || h.high.Before(s) {
		h.high, h.claimed = s, true
	}
	if firm && (!h.firm || s.Before(h.low)) {
		h.low, h.firm = s, true
	}
}

// likelyStart returns where a direction starts of which no SYN tells: with
// the first byte there is, since nothing before it is lost by this capture;
// but not behind what the peer said that it had when it sent data of its
// own, since the answer to that is part of the capture.
func (h *half) likelyStart() int64 {
	var off int64
	switch p := h.firstPiece(); {
	case p != nil:
		off = p.off
	case h.ended:
		off = h.fin
	case h.firm:
		return h.offset(h.low)
	case h.claimed:
		return h.offset(h.high)
	}
	if low := h.offset(h.low); h.firm && low < off && off-low < startReach {
		return low
	}
	return off
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
	// Packets of a connection that are gathered before it is decided where
	// its streams start, counted anew with the first data of each side.
	startPackets = 8
	// The same as long as there is no data.
	startSilent = 64
	// Bytes that a start may be told to lie before what was seen.
	startReach = 1 << 20
)

// fixStart makes what was offset off so far offset 0.
func (a *Assembler) fixStart(c *conn, side int, off int64) {
	h := &c.half[side]
	h.base, h.start = h.base.Add(off), startFixed
	c.started(side)
	h.top = max(h.top-off, 0)
	h.acked = max(h.acked-off, 0)
	h.fin -= off
	if h.hold != nil {
		h.hold.pieces.shift(-off)
	}
	if h.ended && h.fin < 0 {
		h.ended = false // it stood before the first byte there is
		c.trouble().OutOfWindow[c.dir(side)]++
	}
}

// startStreams ends the gathering of a connection's first packets: it
// decides where both streams start, and delivers what is there in the order
// in which it came.
func (a *Assembler) startStreams(c *conn) {
	c.gathers = false
	for side := range c.half {
		if h := &c.half[side]; h.start == startLoose {
			a.fixStart(c, side, h.likelyStart())
		}
	}
	var before [2]int64
	for {
		side, packet := -1, int64(0)
		for i := range c.half {
			if p := c.half[i].due(); p != nil && (side < 0 || p.at.Packet < packet) {
				side, packet = i, p.at.Packet
			}
		}
		if side < 0 {
			break
		}
		before[side] = a.deliverPiece(c, side, before[side])
	}
	for side := range c.half {
		if c.half[side].start == startFixed {
			a.rearm(c, side)
		}
	}
}

// arrive takes the payload of a segment that was checked to be near: the
// bytes of s.Payload at an offset, and length bytes in all.
func (a *Assembler) arrive(c *conn, side int, off, length int64, s *packet.Segment) {
	h := &c.half[side]
	dir := c.dir(side)
	if length == 1 && h.isKeepAlive(off, s) {
		c.trouble().KeepAlives[dir]++
		a.mark(KeepAlive)
		if h.start == startUnknown {
			h.countFrom(Seq(s.Seq).Add(1))
			h.stand(h.base, false)
		}
		return
	}
	if h.start == startUnknown {
		h.countFrom(Seq(s.Seq))
	}
	if c.gathers && h.firstPiece() == nil {
		c.packets = 0
	}
	end := off + length
	if h.start == startFixed && off < h.next {
		a.compare(c, side, off, s.Payload)
		if end <= h.next {
			c.trouble().Retransmitted[dir]++
			a.mark(Retransmitted)
			return
		}
		a.mark(Overlapping)
	}
	if c.pub.Close == stream.ClosedRST && !c.gathers {
		c.trouble().Late[dir]++
		a.mark(Late)
		if end > c.end.rstEnd[side] { // the RST did not merely overtake it
			c.end.freshSide, c.end.freshEnd = uint8(side), end
		}
	}
	top, from := h.top, off
	if h.start == startFixed {
		from = max(off, h.next)
		if h.ended && !h.guessed && from >= h.fin {
			a.mark(Late)
		}
	}
	fresh := a.place(c, side, off, end, s)
	h.top = max(h.top, end)
	switch {
	case !fresh:
		c.trouble().Retransmitted[dir]++
		a.mark(Retransmitted)
	case top == nothing: // the first bytes of the direction
	case from < top:
		a.mark(OutOfOrder)
	case off > top:
		a.mark(Ahead)
	}
	a.disproveFIN(c, side)
}

// isKeepAlive reports whether one byte is no part of the stream, but a
// question whether the peer is there: RFC 9293 section 3.8.4 lets it stand
// just below the next byte, with any value.
func (h *half) isKeepAlive(off int64, s *packet.Segment) bool {
	if s.Flags&(packet.SYN|packet.FIN) != 0 {
		return false
	}
	// A lone byte that is meant to be read is pushed, and senders that put
	// one into keep-alives put a zero.
	pushed := s.Flags&packet.PSH != 0
	zero := !pushed && (len(s.Payload) == 0 || s.Payload[0] == 0)
	switch h.start {
	case startUnknown:
		return zero
	case startLoose:
		return off == h.top-1 || !pushed && h.standsBehind(off)
	}
	if pushed && off >= h.next {
		return false // it fills a hole of one byte, or disproves a FIN
	}
	return off == h.next-1 || off == h.top-1 || h.finished() && off == h.fin ||
		zero && off == h.acked-1 // the byte that it stands for was not captured
}

// standsBehind reports whether all that is known of a direction is that it
// stands just behind an offset.
func (h *half) standsBehind(off int64) bool {
	return h.claimed && h.firstPiece() == nil && off == h.offset(h.high)-1
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
	inOrder := !c.gathers && h.start == startFixed && off == h.next && !(h.ended && end > h.fin)
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

// due returns the piece that the stream has come up to; nil if there is
// none.
func (h *half) due() *piece {
	if p := h.firstPiece(); p != nil && h.start == startFixed && p.off == h.next && !h.finished() {
		return p
	}
	return nil
}

// drain delivers the pieces that the stream has come up to. before is the
// packet that brought the bytes before them, 0 if they are lost.
func (a *Assembler) drain(c *conn, side int, before int64) {
	for !c.gathers && c.half[side].due() != nil {
		before = a.deliverPiece(c, side, before)
	}
}

// deliverPiece delivers the piece that is due. It came out of order if it
// is older than a packet that brought bytes before it; the latest of those
// goes in and comes out.
func (a *Assembler) deliverPiece(c *conn, side int, before int64) int64 {
	h := &c.half[side]
	p := h.due()
	if h.ended && p.end() > h.fin {
		p = a.split(h.hold, p, h.fin)
	} else {
		a.unkeep(h.hold, place{})
	}
	if p.head && p.at.Packet < before {
		c.trouble().OutOfOrder[c.dir(side)]++
	}
	a.deliver(c, side, p.data, p.at, p.ack, p.hasAck)
	a.lose(c, side, p.end(), p.at, p.ack, p.hasAck)
	return max(before, p.at.Packet)
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
		c.trouble().Unverified += old
		data, off = data[old:], off+old
	}
	if len(data) == 0 {
		return
	}
	if d := h.history.compare(off, data); d.any() {
		a.conflict(c, side, d, h.history.brought(d.from))
	}
}

// conflict takes note that the packet at hand differs in a stretch from
// what an earlier packet brought.
func (a *Assembler) conflict(c *conn, side int, d difference, first stream.Stamp) {
	t, dir := c.trouble(), c.dir(side)
	t.Conflicts++
	if !a.fate.Has(Differs) {
		a.mark(Differs)
		a.fate.First = first
	}
	if len(t.Copies) < stream.MaxConflicts {
		t.Copies = append(t.Copies, stream.Conflict{
			Dir: dir, Off: d.from, Length: d.to - d.from, First: first, Second: a.at,
		})
	}
	t.Disputes[dir] = dispute(t.Disputes[dir], stream.Dispute{From: d.from, To: d.to, Lines: d.lines != 0})
}
