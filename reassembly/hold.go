package reassembly

import (
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// holdKind says what a direction that holds something is waiting for. The kinds
// up to holdProven are those with bytes: see longest.
type holdKind uint8

const (
	holdStart  holdKind = iota // to know where it starts
	holdHole                   // for the bytes of a hole
	holdProven                 // the same, and the peer acknowledged them: captures swap packets of the two directions
	holdEmpty                  // as holdHole, with nothing but a FIN behind the hole
	holdTail                   // as holdProven, with nothing behind the hole
	holdKinds
)

// How long each of them is waited for: in packets of the connection, and
// in capture time. A hole that the peer did not acknowledge is only given
// up if the peer cannot be seen, or at a limit, or at the end: as long as
// its acknowledgements stop at the hole, the bytes are still on their way.
var (
	holdPackets = [holdKinds]int{startPackets, 256, 32, 256, 32}
	holdTime    = [holdKinds]int64{1 * second, 8 * second, 1 * second, 8 * second, 1 * second}
)

// hold is what waits in one direction: the pieces behind a hole, or just
// the fact that there is a hole.
type hold struct {
	timer   queue.Node[hold] // its place in Assembler.holds[kind]
	kind    holdKind
	side    uint8
	conn    *conn
	since   int64        // clock when the wait began, or began again because the stream went on
	next    int64        // half.next then
	mark    int64        // up to where the loss was proven then
	proof   stream.Stamp // the packet that proved it; valid iff kind is holdProven or holdTail
	packets int          // that speak for a loss, since then
	claims  int          // acknowledgements among them

	pieces pieces
	cost   int // of the pieces
	cuts   int // how many pieces are cut
}

func (k *hold) proven() bool { return k.kind == holdProven || k.kind == holdTail }

// holdKind returns what a direction with a known start waits for.
func (h *half) holdKind() holdKind {
	proven, empty := h.proven() > h.next, h.firstPiece() == nil
	switch {
	case proven && empty:
		return holdTail
	case proven:
		return holdProven
	case empty:
		return holdEmpty
	}
	return holdHole
}

// restart begins a wait, or begins it again.
func (a *Assembler) restart(k *hold, kind holdKind) {
	h := &k.conn.half[k.side]
	a.holds[k.kind].Remove(&k.timer)
	old := k.proven()
	k.kind, k.since, k.next, k.mark, k.packets, k.claims = kind, a.clock.from(a.at.Nanos), h.next, h.proven(), 0, 1
	if k.proven() && !old {
		k.proof = a.at
	}
	a.holds[kind].Push(&k.timer, k)
}

// holdOf returns the hold of a direction, and makes it if need be.
func (a *Assembler) holdOf(c *conn, side int) *hold {
	h := &c.half[side]
	if h.hold == nil {
		h.hold = &hold{conn: c, side: uint8(side)}
		kind := h.holdKind()
		if c.gathers {
			kind = holdStart
		}
		a.restart(h.hold, kind)
	}
	return h.hold
}

// release lets go of a hold with all its pieces.
func (a *Assembler) release(h *half) {
	k := h.hold
	if k == nil {
		return
	}
	a.waiting -= k.cost
	a.holds[k.kind].Remove(&k.timer)
	h.hold = nil
}

// keep puts those parts of a segment behind a hole that are not there
// yet, and compares the others. p has the segment's bytes, of length in
// all. It reports whether there was anything to put.
func (a *Assembler) keep(c *conn, side int, length int64, p piece) bool {
	k := a.holdOf(c, side)
	end, have := p.off+length, p.off+int64(len(p.data))
	a.uncut(k, p.off, have)

	a.gaps = a.gaps[:0]
	cur := p.off
	for i := k.pieces.seek(p.off); ; i = k.pieces.next(i) {
		q := k.pieces.at(i)
		if q == nil || q.off >= end {
			break
		}
		if q.off > cur {
			a.gaps = append(a.gaps, gap{cur, q.off})
		}
		if from, to := max(p.off, q.off), min(have, q.end()); q.cut == 0 && from < to {
			if d := differ(from, q.data[from-q.off:to-q.off], p.data[from-p.off:to-p.off]); d.any() {
				a.conflict(c, side, d, q.at)
			}
		}
		cur = q.end()
	}
	if cur < end {
		a.gaps = append(a.gaps, gap{cur, end})
	}

	for _, g := range a.gaps {
		if to := min(g.to, have); g.from < to {
			q := p
			q.off, q.data = g.from, append([]byte(nil), p.data[g.from-p.off:to-p.off]...)
			a.insert(k, q)
			p.head = false
		}
		if from := max(g.from, have); from < g.to {
			q := p
			q.off, q.data, q.cut = from, nil, g.to-from
			a.insert(k, q)
			p.head = false
		}
	}
	return len(a.gaps) > 0
}

// gap is a stretch that no piece covers.
type gap struct{ from, to int64 }

// uncut makes room for bytes in [from, to) where all that is known of
// them is that they were cut off.
func (a *Assembler) uncut(k *hold, from, to int64) {
	if k.cuts == 0 || from >= to {
		return
	}
	for i := k.pieces.seek(from); ; {
		p := k.pieces.at(i)
		if p == nil || p.off >= to {
			return
		}
		if p.cut == 0 {
			i = k.pieces.next(i)
			continue
		}
		end := p.end()
		a.unkeep(k, i)
		if p.off < from {
			q := *p
			q.cut = from - p.off
			a.insert(k, q)
		}
		if end > to {
			q := *p
			q.off, q.cut = to, end-to
			a.insert(k, q)
		}
		i = k.pieces.seek(end)
	}
}

func (a *Assembler) insert(k *hold, p piece) {
	k.pieces.insert(&p)
	k.cost += p.cost()
	a.waiting += p.cost()
	if p.cut > 0 {
		k.cuts++
	}
}

// unkeep takes out the piece at a place.
func (a *Assembler) unkeep(k *hold, i place) {
	p := k.pieces.at(i)
	k.pieces.remove(i)
	k.cost -= p.cost()
	a.waiting -= p.cost()
	if p.cut > 0 {
		k.cuts--
	}
}

// split takes out the first piece up to an offset and leaves the rest.
func (a *Assembler) split(k *hold, p *piece, at int64) *piece {
	a.unkeep(k, place{})
	rest := *p
	rest.off = at
	if p.cut > 0 {
		p.cut, rest.cut = at-p.off, p.end()-at
	} else {
		p.data, rest.data = p.data[:at-p.off], p.data[at-p.off:]
	}
	a.insert(k, rest)
	return p
}

// review looks at one direction after a packet of its connection: whether
// something waits, and whether it has waited long enough. own says that
// the packet is of this direction, ahead that it lies behind the hole.
func (a *Assembler) review(c *conn, side int, own, ahead bool) {
	h := &c.half[side]
	if c.gathers || h.start != startFixed {
		return
	}
	if !h.waits() {
		a.release(h)
		return
	}
	k, kind := a.holdOf(c, side), h.holdKind()
	if k.kind != kind || k.next != h.next {
		a.restart(k, kind)
		return
	}
	switch {
	case k.proven(), own && ahead:
		k.packets++
	case !own:
		k.packets = 0 // the peer is seen, and does not acknowledge what lies behind the hole
	}
	if k.packets >= holdPackets[kind] {
		a.giveUp(k)
	}
}

// expire gives up the hold that has waited for its time, if there is one,
// and reports whether there was.
func (a *Assembler) expire() bool {
	for kind := range a.holds {
		k := a.holds[kind].First()
		if k == nil || a.clock.now-k.since < holdTime[kind] {
			continue
		}
		peer, own := &k.conn.half[1-k.side], &k.conn.half[k.side]
		switch {
		case (k.kind == holdHole || k.kind == holdEmpty) && peer.seen,
			k.kind == holdTail && k.claims < 2 && own.seen && !own.ended && !peer.ended: // a single packet could be forged
			a.restart(k, k.kind)
		default:
			a.giveUp(k)
		}
		return true
	}
	return false
}

// giveUp ends a wait: it makes a loss of what did not come.
func (a *Assembler) giveUp(k *hold) {
	c, side := k.conn, int(k.side)
	switch k.kind {
	case holdStart:
		a.startStreams(c)
	case holdProven, holdTail:
		a.loseProven(c, side, k.mark)
		a.rearm(c, side)
	default:
		a.loseFirst(c, side)
		a.rearm(c, side)
	}
	a.checkEnd(c)
}

// rearm begins the next wait of a direction, if there still is one.
func (a *Assembler) rearm(c *conn, side int) {
	h := &c.half[side]
	if !h.waits() {
		a.release(h)
		return
	}
	a.restart(a.holdOf(c, side), h.holdKind())
}

// loseProven reports the holes as lost that the peer has acknowledged, up
// to an offset.
func (a *Assembler) loseProven(c *conn, side int, limit int64) {
	h := &c.half[side]
	for {
		to := min(limit, h.proven())
		if p := h.firstPiece(); p != nil {
			to = min(to, p.off)
		} else if to == h.acked && !h.ended {
			to = a.withoutFIN(c, side)
		}
		if to <= h.next {
			return
		}
		a.lose(c, side, to, h.hold.proof, 0, false)
		a.drain(c, side, 0)
	}
}

// withoutFIN returns how much of the stream the peer has acknowledged,
// where the last number may be that of a FIN which was not captured: a
// FIN takes a sequence number, but it is no byte (RFC 9293 section 3.4).
// If the peer has sent a FIN itself, this was the answer. If a single
// number is in doubt, it is not called a loss.
func (a *Assembler) withoutFIN(c *conn, side int) int64 {
	h := &c.half[side]
	switch {
	case h.acked <= h.next:
		return h.next
	case c.half[1-side].ended:
		h.ended, h.guessed, h.fin = true, true, h.acked-1
		return h.fin
	case h.acked == h.next+1:
		return h.next
	}
	return h.acked
}

// loseFirst reports the first hole as lost, proven or not. Where all that
// waits is behind a FIN, that is dropped.
func (a *Assembler) loseFirst(c *conn, side int) {
	h := &c.half[side]
	p := h.firstPiece()
	switch {
	case h.finished() && !c.half[1-side].seen:
		// Nobody is seen who could tell, but a sender that goes on has not ended.
		a.unFIN(c, side)
	case h.finished():
		a.dropLate(c, side)
	case p != nil && !(h.ended && p.off > h.fin):
		a.lose(c, side, p.off, a.at, 0, false)
	case h.ended:
		a.lose(c, side, h.fin, a.at, 0, false)
	}
	a.drain(c, side, 0)
}

// dropLate drops the pieces of a direction that is finished: they claim
// to come after its end.
func (a *Assembler) dropLate(c *conn, side int) {
	h := &c.half[side]
	if h.hold == nil {
		return
	}
	h.hold.pieces.all(func(p *piece) {
		if p.head {
			c.trouble().Late[c.dir(side)]++
		}
	})
	a.release(h)
}

// enforce keeps to the limits on waiting bytes after a direction has
// taken one more segment.
func (a *Assembler) enforce(c *conn, side int) {
	h := &c.half[side]
	if k := h.hold; !c.gathers && k.kind != h.holdKind() {
		a.restart(k, h.holdKind())
	}
	for h.hold != nil && h.hold.cost > a.limits.DirectionBytes {
		a.surrender(h.hold)
	}
	for a.waiting > a.limits.TotalBytes {
		a.surrender(a.longest())
	}
}

// surrender gives up the first hole of a direction because of a limit.
func (a *Assembler) surrender(k *hold) {
	c, side := k.conn, int(k.side)
	if k.kind == holdStart {
		a.startStreams(c)
	} else {
		c.trouble().BufferLimit++
		a.stats.BufferLimit++
		a.loseFirst(c, side)
		a.rearm(c, side)
	}
	a.checkEnd(c)
}

// longest returns the hold that has waited for longest without progress,
// of those that hold bytes.
func (a *Assembler) longest() *hold {
	var oldest *hold
	for kind := holdStart; kind <= holdProven; kind++ {
		if k := a.holds[kind].First(); k != nil && (oldest == nil || k.since < oldest.since) {
			oldest = k
		}
	}
	return oldest
}
