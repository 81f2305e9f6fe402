package reassembly

import (
	"cmp"
	"slices"

	"popscope/reassembly/stream"
)

// end notes that the packet at hand ended a connection. It stays in the
// table for its late packets until it is reported.
func (a *Assembler) end(c *conn, reason stream.CloseReason) {
	if c.ended() {
		return
	}
	c.pub.Close, c.pub.Ended = reason, a.at
	if c.end = a.freeEndings.take(); c.end == nil {
		c.end = new(ending)
	}
	c.end.conn, c.end.at = c, a.clock.from(a.at.Nanos)
	a.ending.Push(&c.end.place, c.end)
	a.busy = true
}

// revive notes that a connection goes on after all.
func (a *Assembler) revive(c *conn) {
	c.pub.Close, c.pub.Ended = stream.NotClosed, stream.Stamp{}
	a.unlist(c)
}

// unlist takes a connection from those that have ended and are not reported.
func (a *Assembler) unlist(c *conn) {
	e := c.end
	c.end = nil
	a.ending.Remove(&e.place)
	*e = ending{}
	a.freeEndings.put(e)
}

// detach takes a connection that has ended away from its entry. Nothing
// more can come for it.
func (a *Assembler) detach(c *conn) {
	a.flush(c)
	e := c.entry
	c.entry = nil
	e.conn = nil
	a.used[e.kind].Remove(&e.used)
}

// work does one thing that has come due, and reports whether there was
// anything. Next calls it when there are no events, so that a capture of a
// million connections that end at once is worked off one by one.
func (a *Assembler) work() bool {
	switch {
	case a.reportEnded(), a.expire(), a.timeOut():
		return true
	case a.closed:
		return a.finish() || a.reportOpen()
	}
	return false
}

// reportEnded reports the connection that ended first, if its time has
// come.
func (a *Assembler) reportEnded() bool {
	e := a.ending.First()
	if e == nil {
		return false
	}
	c := e.conn
	lingers := c.entry != nil && a.clock.now-e.at < int64(a.limits.Linger) && !a.outlived() // otherwise nothing more can come
	if lingers && !a.closed && a.ending.Len() <= a.limits.LingerConnections {
		return false
	}
	a.unlist(c)
	a.report(c)
	return true
}

// LingerPackets is how many packets a connection lingers at most: results
// wait for it, and where the clock stands still they would wait for ever.
const LingerPackets = 1 << 18 // more than come in a second of a busy link

// outlived reports whether the connection that ended first has lingered for
// too many packets.
func (a *Assembler) outlived() bool {
	e := a.ending.First()
	return e != nil && a.at.Packet-e.conn.pub.Ended.Packet >= LingerPackets
}

// report is the last that is done for a connection, which is in no queue
// of those that have ended.
func (a *Assembler) report(c *conn) {
	a.flush(c)
	a.bury(c)
	a.release(&c.half[0])
	a.release(&c.half[1])
	a.archive.drop(&c.half[0])
	a.archive.drop(&c.half[1])
	if c.told || a.trace {
		a.emit(c, item{closed: true})
		return
	}
	a.stats.Silent++
	a.freeConn(c)
}

// bury makes a tombstone of the entry of a connection, if it still has one
// and if it is known to be over.
func (a *Assembler) bury(c *conn) {
	e := c.entry
	if e == nil {
		return
	}
	c.entry, e.conn = nil, nil
	a.used[e.kind].Remove(&e.used)
	if c.pub.Close != stream.ClosedFIN && c.pub.Close != stream.ClosedRST {
		a.forget(e)
		return
	}
	e.handshake = handshake{}
	for side := range c.half {
		h := &c.half[side]
		top := max(h.top, h.next, h.acked)
		if h.ended {
			top = max(top, h.fin+1)
		}
		e.end[side] = h.base.Add(top)
		e.isn[side], e.known[side] = h.base.Add(-1), h.isn
	}
	e.kind = kindTombstone
	a.enqueue(e)
	if a.used[kindTombstone].Len() > a.limits.Tombstones {
		a.forget(a.used[kindTombstone].First())
	}
}

// flush gets out all that waits in a connection: what came first comes
// out first, with the losses before it. A FIN or an acknowledgement tells
// of bytes behind all that, which are lost too.
func (a *Assembler) flush(c *conn) {
	if c.gathers {
		a.startStreams(c)
	}
	for {
		side := -1
		var first *piece
		for i := range c.half {
			h := &c.half[i]
			if h.finished() {
				a.dropLate(c, i)
			}
			if p := h.firstPiece(); p != nil && (first == nil || p.at.Packet < first.at.Packet) {
				side, first = i, p
			}
		}
		if first == nil {
			break
		}
		h := &c.half[side]
		to, at := first.off, first.at
		if h.ended {
			to = min(to, h.fin)
		}
		if h.hold.proven() {
			at = h.hold.proof
		}
		a.lose(c, side, to, at, 0, false)
		a.drain(c, side, 0)
	}
	for side := range c.half {
		h := &c.half[side]
		if h.start != startFixed || c.ignored {
			continue
		}
		to, at := h.fin, a.at
		if !h.ended {
			to = a.withoutFIN(c, side)
		}
		if h.hold != nil && h.hold.proven() {
			at = h.hold.proof
		}
		a.lose(c, side, to, at, 0, false)
		a.release(h)
	}
}

// timeOut closes the entry that was unused for longest, if that is too
// long.
func (a *Assembler) timeOut() bool {
	for kind := range a.used {
		e := a.used[kind].First()
		if e == nil {
			continue
		}
		idle := a.idleTime(e.kind)
		if a.clock.now-e.since < idle+idle/32 {
			continue
		}
		switch c := e.conn; {
		case c == nil:
			if e.kind == kindHalfOpen {
				a.stats.Silent++
			}
			a.forget(e)
		case c.ended():
			// It is waiting for its turn to be reported.
			a.detach(c)
			a.forget(e)
		case e.kind == kindFinishing:
			a.drop(c, stream.ClosedFIN)
		default:
			a.stats.TimedOut++
			a.drop(c, stream.ClosedTimeout)
		}
		return true
	}
	return false
}

// shed closes a connection to make room for another.
func (a *Assembler) shed() {
	e := a.used[kindIgnored].First()
	if e == nil {
		e = a.used[kindFinishing].First()
	}
	if e == nil {
		// One that has ended leaves its place at once, though it is
		// reported in its turn.
		for x := range a.ending.All() {
			if e = x.conn.entry; e != nil {
				break
			}
		}
	}
	if e == nil {
		e = a.used[kindOpen].First()
	}
	if e == nil {
		return
	}
	c := e.conn
	if c.ended() {
		a.detach(c)
		a.forget(e)
		return
	}
	a.giveUpConn(c)
}

// drop closes a connection that nothing more is expected of.
func (a *Assembler) drop(c *conn, reason stream.CloseReason) {
	e := c.entry
	a.end(c, reason)
	a.detach(c)
	a.forget(e)
}

// finish closes, after Close, a connection that seems to have ended.
func (a *Assembler) finish() bool {
	e := a.used[kindFinishing].First()
	if e != nil {
		a.drop(e.conn, stream.ClosedFIN)
	}
	return e != nil
}

// bothSaidFIN reports whether each side has sent a FIN.
func (c *conn) bothSaidFIN() bool { return c.half[0].ended && c.half[1].ended }

// reportOpen reports, after Close, the open connection whose first packet
// was the first; those that both sides have finished come before the rest.
// Half-open ones and tombstones go without a word.
func (a *Assembler) reportOpen() bool {
	if a.rest == nil {
		for _, kind := range []entryKind{kindOpen, kindIgnored} {
			for e := range a.used[kind].All() {
				a.rest = append(a.rest, e.conn)
			}
		}
		slices.SortStableFunc(a.rest, func(x, y *conn) int {
			if fx, fy := x.bothSaidFIN(), y.bothSaidFIN(); fx != fy {
				if fx {
					return -1
				}
				return 1
			}
			return cmp.Compare(x.pub.First.Packet, y.pub.First.Packet)
		})
		for _, kind := range []entryKind{kindHalfOpen, kindTombstone} {
			for e := a.used[kind].First(); e != nil; e = a.used[kind].First() {
				if kind == kindHalfOpen {
					a.stats.Silent++
				}
				a.forget(e)
			}
		}
	}
	if len(a.rest) == 0 {
		a.rest = nil
		a.closed = false
		return false
	}
	c := a.rest[0]
	a.rest = a.rest[1:]
	if c.bothSaidFIN() {
		// Only losses that nobody waits for any more stood before the end.
		c.pub.Close, c.pub.Ended = stream.ClosedFIN, a.at
	}
	a.report(c)
	return true
}
