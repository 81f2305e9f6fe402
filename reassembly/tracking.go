package reassembly

import (
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// What a segment means depends on what the table has under its tuple:
//
//	nothing      meet       a SYN makes it half open, anything but an RST a connection
//	half open    answered   the first segment that fits the SYN makes it a connection
//	connection   continued  a SYN with another number waits for proof before it replaces anything
//	tombstone    haunted    late packets end here; a SYN or new data begin anew

// meet takes a segment of a tuple that is not in the table.
func (a *Assembler) meet(hash uint32, t *tuple, side int, s *packet.Segment) {
	if s.Flags&packet.RST != 0 {
		a.stats.Stray++
		a.mark(Stray)
		return
	}
	e := a.newEntry()
	e.tuple, e.hash = *t, hash
	a.table.insert(e)
	a.begin(e, side, s)
}

// begin starts anew with an entry that is in the table, but in no queue.
func (a *Assembler) begin(e *entry, side int, s *packet.Segment) {
	if s.Flags&(packet.SYN|packet.ACK) == packet.SYN && s.Length == 0 && len(s.Payload) == 0 {
		e.handshake = handshake{}
		e.note(side, s, a.at)
		a.mark(HalfOpen)
		e.kind = kindHalfOpen
		a.enqueue(e)
		if a.used[kindHalfOpen].Len() > a.limits.HalfOpen {
			a.stats.ShedHalf++
			a.stats.Silent++
			a.forget(a.used[kindHalfOpen].First())
		}
		return
	}
	c := a.open(e, side)
	if s.Flags&packet.SYN != 0 {
		a.syn(c, side, s)
	}
	a.process(c, side, s)
}

// note takes down what a SYN tells, with or without ACK.
func (n *handshake) note(side int, s *packet.Segment, at stream.Stamp) {
	if !n.known[side] || n.isn[side] != Seq(s.Seq) {
		*n = handshake{first: at, from: uint8(side)}
		n.isn[side], n.known[side] = Seq(s.Seq), true
		if s.Flags&packet.ACK != 0 {
			n.from = uint8(1 - side)
			n.isn[1-side], n.known[1-side] = Seq(s.Ack).Add(-1), true
		}
	}
	if int(n.from) == side {
		n.syns++
	}
}

// fits reports whether a segment continues the handshake.
func (n *handshake) fits(side int, s *packet.Segment) bool {
	if s.Flags&packet.SYN != 0 && s.Flags&packet.ACK == 0 {
		return true // both sides open at once, RFC 9293 section 3.5
	}
	seq := !n.known[side] || reaches(Seq(s.Seq), n.isn[side])
	ack := !n.known[1-side] || s.Flags&packet.ACK != 0 && reaches(Seq(s.Ack), n.isn[1-side])
	return seq && ack
}

// reaches reports whether a number can follow a SYN of which nothing else was
// captured yet. What lies further ahead is of an older connection.
func reaches(s, isn Seq) bool {
	d := s.Sub(isn.Add(1))
	return d >= 0 && d < startReach
}

// answered takes a segment of a half-open connection.
func (a *Assembler) answered(e *entry, side int, s *packet.Segment) {
	data := s.Length > 0 || len(s.Payload) > 0
	syn := s.Flags&(packet.SYN|packet.ACK) == packet.SYN
	switch {
	case syn && side == int(e.from) && !data:
		e.note(side, s, a.at)
		a.mark(HalfOpen)
		a.touch(e)
	case s.Flags&packet.RST != 0:
		if e.refusedBy(side, s) {
			a.stats.Silent++
			a.forget(e)
		} else {
			a.stats.Stray++
			a.mark(Stray)
		}
	case e.fits(side, s):
		a.adopt(e, side)
		a.continued(e, side, s)
	case data || s.Flags&packet.SYN != 0:
		// Not of this SYN, but of a connection that lives: the SYN may
		// still be answered.
		a.used[kindHalfOpen].Remove(&e.used)
		c := a.open(e, side)
		r := c.needs()
		r.next, r.another = e.handshake, true
		c.trouble().OutOfWindow[c.dir(int(e.from))] += int64(e.syns) // as in another
		if s.Flags&packet.SYN != 0 {
			a.syn(c, side, s)
		}
		a.process(c, side, s)
	default:
		a.stats.Stray++
		a.mark(Stray)
	}
}

// refusedBy reports whether an RST answers the SYN, or takes it back.
func (n *handshake) refusedBy(side int, s *packet.Segment) bool {
	if side == int(n.from) {
		return Seq(s.Seq) == n.isn[side].Add(1)
	}
	return s.Flags&packet.ACK != 0 && Seq(s.Ack) == n.isn[n.from].Add(1)
}

// adopt makes a connection of a half-open one.
func (a *Assembler) adopt(e *entry, side int) *conn {
	a.used[e.kind].Remove(&e.used)
	c := a.open(e, side)
	n := &e.handshake
	if c.client != n.from {
		c.swapRoles()
	}
	c.pub.ClientKnown = true
	c.pub.First = n.first
	c.pub.Packets[stream.Client] = int64(n.syns)
	for i := range c.half {
		if n.known[i] {
			h := &c.half[i]
			h.base, h.start, h.isn = n.isn[i].Add(1), startFixed, true
			c.started(i)
		}
	}
	if n.syns > 0 {
		c.syns, c.half[n.from].seen = 1<<n.from, true
	}
	if peer := 1 - n.from; n.known[peer] {
		c.syns, c.half[peer].seen = c.syns|1<<peer, true
		c.pub.Packets[stream.Server]++
		c.gathers = false
	}
	c.pub.Handshake, c.pub.Answered = c.syns == 3, n.known[1-n.from]
	return c
}

// continued takes a segment of a tuple that has a connection.
func (a *Assembler) continued(e *entry, side int, s *packet.Segment) {
	c := e.conn
	switch {
	case c.finishing:
		a.turn(e, kindOpen)
	case a.clock.now-e.since > int64(a.limits.Idle)/32: // see touch
		a.touch(e)
	}
	switch {
	case s.Flags&(packet.SYN|packet.RST) == packet.SYN:
		if !a.syn(c, side, s) {
			a.another(e, side, s)
			return
		}
	case c.rare != nil && s.Flags&packet.RST == 0 && c.another().confirmedBy(side, s):
		c = a.replace(e, side)
	}
	a.process(c, side, s)
}

// another takes a SYN that does not belong to the connection of its tuple.
// If that has ended, this is the next one. Otherwise the SYN may be a
// stray: an end that still has the connection answers with what that has
// come to (RFC 9293 section 3.10.7.4), and both go on. So it is believed
// once a second segment speaks for it.
func (a *Assembler) another(e *entry, side int, s *packet.Segment) {
	c := e.conn
	if c.ended() {
		a.detach(c)
		a.begin(e, side, s)
		return
	}
	if c.another().confirmedBy(side, s) {
		c = a.replace(e, side)
		a.syn(c, side, s)
		a.process(c, side, s)
		return
	}
	c.trouble().OutOfWindow[c.dir(side)]++
	a.takenFor(c)
	a.mark(OutOfWindow)
	r := c.needs()
	r.another = true
	r.next.note(side, s, a.at)
}

// confirmedBy reports whether a segment is exactly what comes next in a
// handshake. Nothing comes next in one that is nil.
func (n *handshake) confirmedBy(side int, s *packet.Segment) bool {
	if n == nil {
		return false
	}
	seq := n.known[side] && s.Flags&packet.SYN == 0 && Seq(s.Seq) == n.isn[side].Add(1)
	ack := n.known[1-side] && s.Flags&packet.ACK != 0 && Seq(s.Ack) == n.isn[1-side].Add(1)
	switch {
	case n.known[side] && n.known[1-side]:
		return seq && ack
	case n.known[side]:
		return seq
	}
	return ack
}

// replace ends the connection of an entry in favour of the one whose
// handshake was confirmed.
func (a *Assembler) replace(e *entry, side int) *conn {
	c := e.conn
	next := c.another()
	e.handshake = *next
	c.trouble().OutOfWindow[c.dir(int(next.from))] -= int64(next.syns) // they were no strays
	a.endForNext(c)
	return a.adopt(e, side)
}

// endForNext ends a connection whose tuple belongs to another by now.
func (a *Assembler) endForNext(c *conn) {
	reason := stream.ClosedTimeout
	if c.half[0].ended || c.half[1].ended {
		reason = stream.ClosedFIN
	}
	a.end(c, reason)
	a.detach(c)
}

// haunted takes a segment of a connection that was reported as closed.
func (a *Assembler) haunted(e *entry, side int, s *packet.Segment) {
	length := int64(max(s.Length, len(s.Payload)))
	late := false
	switch {
	case s.Flags&packet.RST != 0:
		late = true
	case s.Flags&packet.SYN != 0:
		late = e.known[side] && e.isn[side] == Seq(s.Seq)
	case length == 0:
		late = true
	default:
		behind := e.end[side].Sub(Seq(s.Seq).Add(length))
		late = behind >= 0 && behind < lateReach
	}
	if late {
		a.stats.Stray++
		a.mark(Stray)
		return
	}
	a.used[kindTombstone].Remove(&e.used)
	a.begin(e, side, s)
}

// lateReach is how far behind the end of a closed connection data may lie
// and be taken for a retransmission.
const lateReach = 4 << 20

// open makes a connection for an entry that is in no queue, of which side
// has sent the first segment seen.
func (a *Assembler) open(e *entry, side int) *conn {
	if a.connections() >= a.limits.Connections {
		a.shed()
	}
	c := a.newConn()
	c.entry, c.gathers = e, true
	e.conn, e.kind = c, kindOpen
	a.enqueue(e)
	c.client = a.clientByPort(&e.tuple)
	if c.pub == nil {
		c.pub = &stream.Conn{}
	}
	*c.pub = stream.Conn{
		Client: e.tuple.end(c.client),
		Server: e.tuple.end(1 - c.client),
		Path:   e.tuple.path,
		First:  a.at,
		Last:   a.at,
	}
	return c
}

// connections returns how many are followed.
func (a *Assembler) connections() int {
	return a.used[kindOpen].Len() + a.used[kindIgnored].Len() + a.used[kindFinishing].Len()
}

// idleTime returns how long an entry may go unused.
func (a *Assembler) idleTime(k entryKind) int64 {
	if k == kindOpen || k == kindIgnored {
		return int64(a.limits.Idle)
	}
	return int64(a.limits.HalfOpenIdle)
}

// enqueue puts an entry at the end of the queue of its kind.
func (a *Assembler) enqueue(e *entry) {
	e.since = a.clock.now
	a.used[e.kind].Push(&e.used, e)
}

// touch notes that an entry was used. Its place in the queue changes only
// when that is out of date by 1/32 of its time, so that most packets touch
// no other entry.
func (a *Assembler) touch(e *entry) {
	if a.clock.now-e.since <= a.idleTime(e.kind)/32 {
		return
	}
	a.used[e.kind].Remove(&e.used)
	a.enqueue(e)
}

// turn makes an entry that has a connection one of another kind.
func (a *Assembler) turn(e *entry, k entryKind) {
	a.used[e.kind].Remove(&e.used)
	e.kind, e.conn.finishing = k, k == kindFinishing
	a.enqueue(e)
}

// forget takes an entry out of the table.
func (a *Assembler) forget(e *entry) {
	a.table.remove(e)
	a.used[e.kind].Remove(&e.used)
	*e = entry{}
	a.freeEntries.put(e)
}

func (a *Assembler) newEntry() *entry {
	if e := a.freeEntries.take(); e != nil {
		return e
	}
	if len(a.entries) == 0 {
		a.entries = make([]entry, entryBlock)
	}
	e := &a.entries[0]
	a.entries = a.entries[1:]
	return e
}

// entryBlock is how many entries are made at once: each connection needs
// one, and leaves it behind for its late packets. So many fill 4 KB.
const entryBlock = 30

func (a *Assembler) newConn() *conn {
	if c := a.freeConns.take(); c != nil {
		return c
	}
	return &conn{}
}

// freeConn lets a connection be used again that is in no queue and has no
// event to come. What the consumer has seen of it stays the consumer's.
func (a *Assembler) freeConn(c *conn) {
	pub := c.pub
	if c.opened && !pub.Done {
		pub = nil
	}
	*c = conn{pub: pub}
	a.freeConns.put(c)
}
