package reassembly

import (
	"slices"

	"popscope/capture/packet"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// conn is one connection. Sides are numbered as in its tuple; which of
// them is the client may change, so directions are made from sides only
// when something is reported.
type conn struct {
	// What each segment needs comes first, in few lines of the processor's cache.
	pub   *stream.Conn // what the consumer sees
	entry *entry       // nil once the tuple belongs to a later connection, or is free
	end   *ending      // nil until it has ended
	rare  *rare        // nil until there is a need of it

	client    uint8
	syns      uint8 // bit of each side whose SYN was seen
	gathers   bool  // it is not decided yet where the streams start: nothing is delivered
	packets   uint8 // while it gathers: how many came, since there is data in a direction for the first time
	told      bool  // there is or was an event
	opened    bool  // it was handed out
	ignored   bool  // the consumer wants no more
	finishing bool  // the entry is of kindFinishing

	half [2]half // by the side that sends
}

// rare is what few connections need. What stands by side is of the side that
// sends.
type rare struct {
	next     handshake // of another connection on the same tuple, if its SYN is all there is; valid iff another
	another  bool
	strayed  [2]bool  // data came that was out of the window; it ended at stray
	stray    [2]Seq   // valid iff strayed
	closedAt [2]int64 // nanoseconds up to which its closed window is counted; 0 while it is open
}

// ending is what is known of the end of a connection, which takes late
// packets until it is reported.
type ending struct {
	conn  *conn
	place queue.Node[ending] // in Assembler.ending
	at    int64              // clock when it ended

	lastAcked int64 // where one side is not seen: what that had acknowledged; valid iff pub.Close == stream.ClosedFIN

	// Valid iff pub.Close == stream.ClosedRST.
	rst    uint8    // who sent the RST
	rstEnd [2]int64 // where both directions stood for the sender of the RST: offsets by side; -1 unknown

	// The last data that the sender of the RST did not know of, whose
	// acknowledgement would show that the connection lives; freshEnd is 0
	// if there was none.
	freshSide uint8
	freshEnd  int64
}

func (c *conn) dir(side int) stream.Dir {
	if side == int(c.client) {
		return stream.Client
	}
	return stream.Server
}

// needs returns what few connections need.
func (c *conn) needs() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// another returns the handshake of another connection on the same tuple; nil
// if there is none.
func (c *conn) another() *handshake {
	if c.rare == nil || !c.rare.another {
		return nil
	}
	return &c.rare.next
}

// windowClosed reports whether a side takes no more bytes at present.
func (c *conn) windowClosed() bool { return c.rare != nil && c.rare.closedAt != [2]int64{} }

func (c *conn) ended() bool { return c.end != nil }

// swapRoles makes the client the server.
func (c *conn) swapRoles() {
	p := c.pub
	c.client = 1 - c.client
	p.Client, p.Server = p.Server, p.Client
	for _, n := range []*[2]int64{&p.Packets, &p.Bytes, &p.Lost} {
		n[0], n[1] = n[1], n[0]
	}
	p.Start[0], p.Start[1] = p.Start[1], p.Start[0]
	p.Started[0], p.Started[1] = p.Started[1], p.Started[0]
	t := p.Trouble
	if t == nil {
		return
	}
	for _, n := range []*[2]int64{
		&t.Retransmitted, &t.OutOfOrder, &t.KeepAlives, &t.ZeroWindows, &t.ZeroTime,
		&t.ResendTime, &t.BadChecksums, &t.Unfilled, &t.OutOfWindow, &t.Late, &t.Cut,
	} {
		n[0], n[1] = n[1], n[0]
	}
	t.Disputes[0], t.Disputes[1] = t.Disputes[1], t.Disputes[0]
	for i := range t.Copies {
		t.Copies[i].Dir = t.Copies[i].Dir.Other()
	}
}

// trouble returns what counts it.
func (c *conn) trouble() *stream.Trouble {
	if c.pub.Trouble == nil {
		c.pub.Trouble = new(stream.Trouble)
	}
	return c.pub.Trouble
}

// resent returns how many segments of a direction were repetitions.
func (c *conn) resent(dir stream.Dir) int64 {
	if c.pub.Trouble == nil {
		return 0
	}
	return c.pub.Trouble.Retransmitted[dir]
}

// clientByPort tells the client from the ports: the side that does not
// use one of the servers' ports, else the one with the higher port.
func (a *Assembler) clientByPort(t *tuple) uint8 {
	p0, p1 := uint16(t.ports[0]), uint16(t.ports[1])
	s0, s1 := slices.Contains(a.limits.Ports, p0), slices.Contains(a.limits.Ports, p1)
	if s0 && !s1 || s0 == s1 && p0 < p1 {
		return 1
	}
	return 0
}

// syn takes the SYN of a segment. It reports whether that belongs to c,
// which may have been caught before its SYN came, or to another
// connection.
func (a *Assembler) syn(c *conn, side int, s *packet.Segment) bool {
	h, peer := &c.half[side], &c.half[1-side]
	start, answer := Seq(s.Seq).Add(1), s.Flags&packet.ACK != 0
	if !h.takesStart(start) || answer && !peer.takesAnswer(Seq(s.Ack)) {
		return false
	}
	h.isn = true
	a.startAt(c, side, start)
	if answer {
		peer.isn = true
		a.startAt(c, 1-side, Seq(s.Ack))
	}
	c.syns |= 1 << side
	c.pub.Handshake = c.syns == 3
	c.pub.Answered = c.pub.Answered || answer || c.pub.Handshake
	if c.gathers && h.start == startFixed && peer.start == startFixed {
		a.startStreams(c)
	}
	client := uint8(side)
	if answer {
		client = uint8(1 - side)
	}
	if !c.pub.ClientKnown && c.client != client && !c.opened {
		c.swapRoles()
	}
	c.pub.ClientKnown = c.pub.ClientKnown || c.client == client
	return true
}

// started notes where offset 0 of a direction lies.
func (c *conn) started(side int) {
	d := c.dir(side)
	c.pub.Start[d], c.pub.Started[d] = uint32(c.half[side].base), true
}

// startAt fixes offset 0 of a direction, unless it is fixed already.
func (a *Assembler) startAt(c *conn, side int, s Seq) {
	h := &c.half[side]
	if h.start == startUnknown {
		h.countFrom(s)
	}
	if h.start == startLoose {
		a.fixStart(c, side, h.offset(s))
	}
}

// leavesSums reports whether a wrong checksum is one that a side leaves to its
// network card, and says nothing. Whoever sends in its name could write such
// checksums as well, so it is believed only while no data of that side had a
// right one.
func (h *half) leavesSums(s *packet.Segment) bool { return s.Unfilled && !h.filled }

// wrongSum takes note of a wrong checksum.
func (c *conn) wrongSum(side int, s *packet.Segment) {
	t, dir := c.trouble(), c.dir(side)
	if c.half[side].leavesSums(s) {
		t.Unfilled[dir]++
	} else {
		t.BadChecksums[dir]++
	}
}

// rightSum takes note of a right checksum, of a segment with so many bytes of
// data. Without data it proves little: some systems answer for connections
// that they have forgotten without the card's help.
func (c *conn) rightSum(side int, data int) {
	h := &c.half[side]
	h.good = true
	if data == 0 || h.filled {
		return
	}
	h.filled = true
	if t := c.pub.Trouble; t != nil {
		dir := c.dir(side)
		t.BadChecksums[dir] += t.Unfilled[dir]
		t.Unfilled[dir] = 0
	}
}

// processAny takes any segment that belongs to a connection.
func (a *Assembler) processAny(c *conn, side int, s *packet.Segment) {
	dir := c.dir(side)
	a.takenFor(c)
	c.pub.Packets[dir]++
	c.pub.Last = a.at
	h := &c.half[side]
	h.seen = true
	flags := s.Flags
	switch {
	case c.ignored && flags&packet.RST == 0: // nobody asks for its checksums
	case s.Bad():
		c.wrongSum(side, s)
		if h.good && flags&packet.RST != 0 {
			a.mark(OutOfWindow)
			return // its peer does not believe it; that all checksums of a sender are bad is the capture's doing
		}
	default:
		c.rightSum(side, len(s.Payload))
	}
	a.noteWindow(c, side, s)
	length := int64(max(s.Length, len(s.Payload)))
	if length > int64(len(s.Payload)) {
		c.trouble().Cut[dir]++
	}

	seq := Seq(s.Seq)
	if flags&packet.SYN != 0 {
		seq = seq.Add(1) // RFC 9293 section 3.4: the SYN takes the first number
	}
	off := int64(0)
	if h.start == startLoose && h.firstPiece() == nil && !h.near(h.offset(seq), length) {
		h.start, h.claimed, h.firm, h.ended = startUnknown, false, false, false // what was said of it is refuted
	}
	if h.start != startUnknown {
		if off = h.offset(seq); !h.near(off, length) {
			c.trouble().OutOfWindow[dir]++
			a.mark(OutOfWindow)
			if length > 0 {
				r := c.needs()
				r.strayed[side], r.stray[side] = true, seq.Add(length)
			}
			a.supplant(c, side, s)
			return
		}
	}
	if c.ignored {
		a.follow(c, side, off, length, s)
		return
	}
	if flags&packet.RST != 0 {
		a.reset(c, side, off, s)
		return
	}
	if flags&packet.ACK != 0 {
		// After a SYN, or when the peer speaks, all that follows belongs to
		// the capture.
		a.acknowledged(c, 1-side, Seq(s.Ack), length > 0 || c.syns != 0)
	}
	switch {
	case length > 0:
		resent := c.resent(dir)
		a.arrive(c, side, off, length, s)
		c.sentData(side, a.at.Nanos, c.resent(dir) > resent)
	case flags&(packet.SYN|packet.FIN) == 0:
		a.empty(c, side, off, seq)
	}
	if flags&packet.FIN != 0 {
		a.fin(c, side, seq.Add(length), length)
	}
	if c.gathers {
		if c.packets++; !c.gathered() {
			a.checkEnd(c)
			return
		}
		a.startStreams(c)
	}
	for i := range c.half {
		if h := &c.half[i]; h.start == startLoose { // the first that is known of it
			a.fixStart(c, i, h.likelyStart())
			a.drain(c, i, 0)
		}
	}
	a.review(c, 1-side, false, false)
	a.review(c, side, true, off > h.next)
	a.checkEnd(c)
}

// gathered reports whether enough packets are there to decide where the
// streams start.
func (c *conn) gathered() bool {
	if c.half[0].firstPiece() == nil && c.half[1].firstPiece() == nil {
		return c.packets > startSilent
	}
	return c.packets > startPackets
}

// supplant looks at a segment that is out of the window: if it
// acknowledges what came out of the window the other way, then another
// connection uses the tuple, and the capture lacks its SYNs.
func (a *Assembler) supplant(c *conn, side int, s *packet.Segment) {
	r := c.rare
	if s.Flags&(packet.ACK|packet.RST) != packet.ACK || r == nil || !r.strayed[1-side] || Seq(s.Ack) != r.stray[1-side] {
		return
	}
	e := c.entry
	a.endForNext(c)
	a.begin(e, side, s)
}

// acknowledged takes an acknowledgement of what a side sent. firm says
// that whatever the side sends after it belongs to the capture.
func (a *Assembler) acknowledged(c *conn, side int, ack Seq, firm bool) {
	h := &c.half[side]
	if h.start == startUnknown {
		h.countFrom(ack)
	}
	off := h.offset(ack)
	if !h.near(off, 0) {
		return
	}
	if h.start == startLoose {
		h.stand(ack, firm)
	}
	switch {
	case off > h.acked:
		h.acked, h.denied = off, 0
	case off == h.acked:
		h.denied = 0
	case h.acked > h.next:
		// Acknowledgements do not go back, but packets overtake each
		// other. If several in a row know nothing of the highest one,
		// that was not from the peer.
		if h.denied++; h.denied == ackDenials {
			h.acked, h.denied = off, 0
		}
	}
	if h.hold != nil && off > h.next {
		h.hold.claims++
	}
	if e := c.end; e != nil && c.pub.Close == stream.ClosedRST && int(e.freshSide) == side && e.freshEnd > 0 && h.acked >= e.freshEnd {
		c.trouble().OutOfWindow[c.dir(int(e.rst))]++
		a.revive(c)
	}
	a.disproveFIN(c, side)
}

// ackDenials is how many acknowledgements in a row take back a higher one.
const ackDenials = 4

// empty takes a segment that carries nothing: it may be a keep-alive, and
// its number tells where the stream stands.
func (a *Assembler) empty(c *conn, side int, off int64, seq Seq) {
	h := &c.half[side]
	keepAlive := false
	switch h.start {
	case startFixed:
		keepAlive = off == h.next-1 || off == h.top-1 && h.top > h.next
	default:
		keepAlive = h.start == startLoose && (off == h.top-1 || h.standsBehind(off))
		if h.start == startUnknown {
			h.countFrom(seq)
		}
		if !keepAlive {
			h.stand(seq, c.syns != 0)
		}
	}
	if keepAlive {
		c.trouble().KeepAlives[c.dir(side)]++
		a.mark(KeepAlive)
	}
}

// fin takes a FIN that stands at a sequence number, behind length bytes
// of its own segment.
func (a *Assembler) fin(c *conn, side int, seq Seq, length int64) {
	h := &c.half[side]
	if h.start == startUnknown {
		h.countFrom(seq)
	}
	off := h.offset(seq)
	switch {
	case h.ended && !h.guessed && off == h.fin:
		if length == 0 {
			c.trouble().Retransmitted[c.dir(side)]++
			a.mark(Retransmitted)
		}
	case h.start == startFixed && off < h.next,
		h.ended && !h.guessed && h.next >= h.fin && h.acked == h.fin+1:
		c.trouble().OutOfWindow[c.dir(side)]++ // the stream went on behind it, or ended before it
		if length == 0 {
			a.mark(OutOfWindow)
		}
	default:
		h.ended, h.guessed, h.fin = true, false, off
		a.drain(c, side, 0)
	}
}

// disproveFIN takes back a FIN if bytes behind it came and the peer has
// acknowledged them, since no byte follows a FIN. One that was only
// guessed falls with the first byte behind it.
func (a *Assembler) disproveFIN(c *conn, side int) {
	h := &c.half[side]
	if !h.ended || h.start != startFixed || c.gathers {
		return
	}
	acked, came := h.acked >= h.fin+2, h.top > h.fin
	if acked && came || h.guessed && (acked || came) {
		if !h.guessed {
			c.trouble().OutOfWindow[c.dir(side)]++
		}
		a.unFIN(c, side)
	}
}

// unFIN takes back a FIN and goes on with what came behind it.
func (a *Assembler) unFIN(c *conn, side int) {
	h := &c.half[side]
	h.ended, h.guessed = false, false
	if c.pub.Close == stream.ClosedFIN {
		a.revive(c)
	}
	a.drain(c, side, 0)
}

// rstReach is how far behind the last byte seen an RST may lie: the
// capture may have missed that much, and receivers take what lies in
// their window (RFC 9293 section 3.10.7.4).
const rstReach = 1 << 16

// reset takes an RST.
func (a *Assembler) reset(c *conn, side int, off int64, s *packet.Segment) {
	h := &c.half[side]
	top := h.top
	if h.ended {
		top = max(top, h.fin)
	}
	if h.start == startFixed && (off < min(h.next, h.acked) || off > top+rstReach) {
		c.trouble().OutOfWindow[c.dir(side)]++
		a.mark(OutOfWindow)
		return
	}
	if !c.ended() {
		ack := int64(-1)
		if peer := &c.half[1-side]; s.Flags&packet.ACK != 0 && peer.start == startFixed {
			ack = peer.offset(Seq(s.Ack))
			if !c.ignored && ack <= peer.top+rstReach {
				a.acknowledged(c, 1-side, Seq(s.Ack), false)
				a.review(c, 1-side, false, false)
			}
		}
		a.end(c, stream.ClosedRST)
		c.end.rst = uint8(side)
		c.end.rstEnd[side], c.end.rstEnd[1-side] = off, ack
	}
}

// checkEnd ends a connection that both sides have finished, or one side
// if the other is not in the capture at all.
func (a *Assembler) checkEnd(c *conn) {
	h0, h1 := &c.half[0], &c.half[1]
	both := h0.finished() && h1.finished()
	one := h0.finished() && !h1.seen || h1.finished() && !h0.seen
	acked := h0.acked + h1.acked
	switch {
	case c.pub.Close == stream.ClosedFIN && !both && !one:
		a.revive(c)
	case c.pub.Close == stream.ClosedFIN && one && acked > c.end.lastAcked:
		// The side that is not seen is still sending.
		a.revive(c)
		a.end(c, stream.ClosedFIN)
		c.end.lastAcked = acked
	case c.ended():
	case one || both && !h0.guessed && !h1.guessed:
		a.end(c, stream.ClosedFIN)
		c.end.lastAcked = acked
	case both && c.entry.kind == kindOpen:
		a.turn(c.entry, kindFinishing) // to be closed if it stays quiet
	}
}

// follow takes a segment of a connection that the consumer ignores: only
// its end matters.
func (a *Assembler) follow(c *conn, side int, off, length int64, s *packet.Segment) {
	h := &c.half[side]
	if h.start != startFixed {
		a.startAt(c, side, Seq(s.Seq))
		off = 0
	}
	if s.Flags&packet.RST != 0 {
		a.reset(c, side, off, s)
		return
	}
	h.next = max(h.next, off+length)
	h.top, h.acked = h.next, h.next
	if s.Flags&packet.FIN != 0 {
		h.ended, h.fin = true, off+length
	}
	a.checkEnd(c)
}

// ignore stops the delivery of a connection and lets go of all it holds.
func (a *Assembler) ignore(c *conn) {
	c.ignored = true
	for side := range c.half {
		h := &c.half[side]
		a.release(h)
		a.archive.drop(h)
		if h.start == startLoose {
			h.start = startFixed
			c.started(side)
		}
		h.next = max(h.next, h.top)
		h.acked = h.next
	}
	if c.entry != nil {
		a.turn(c.entry, kindIgnored)
	}
	a.list(c)
}
