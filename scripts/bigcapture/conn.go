package main

import (
	"math/rand/v2"
	"slices"
)

// conn carries a dialogue over TCP. It makes packets a few at a time: the
// handshake, then burst after burst of segments with their acknowledgements,
// then the close.
//
//	client                 server
//	   | SYN, SYN-ACK, ACK   |
//	   |  <--- burst         |   up to burstSegments; then, if the turn is not
//	   |  ACK, ACK, ... ---> |   over, all of it is acknowledged
//	   | FIN, ACK, FIN, ACK  |
type conn struct {
	flow  flow
	r     *rand.Rand
	truth *truth

	stage stage
	turns []turn
	next  [2]uint32 // the sequence number that each end sends next
	got   [2]uint32 // and up to where the other end has all of it
	wait  int64     // nanoseconds between a packet and its answer

	out   []outgoing
	arena []byte // holds their frames
}

// outgoing is a frame to be sent.
type outgoing struct {
	frame []byte
	after int64 // nanoseconds after the packet before
}

type stage int

const (
	opening stage = iota
	talking
	datagrams
	closing
	over
)

const (
	burstSegments = 8
	gap           = 12_000 // nanoseconds between the packets of a burst, at least

	// One segment in so many is sent twice, and one in so many is overtaken
	// by the next one.
	repeatOne = 200
	swapOne   = 175 // as the last one of a burst cannot be
)

// fill makes the next packets, all of which have been sent before; false
// means that the connection is over.
func (c *conn) fill() bool {
	c.out, c.arena = c.out[:0], c.arena[:0]
	switch c.stage {
	case opening:
		c.open()
		c.stage = talking
	case talking:
		c.burst()
	case datagrams:
		if len(c.turns) == 0 {
			return false
		}
		c.datagram()
	case closing:
		c.close()
		c.stage = over
	case over:
		return false
	}
	if c.stage == talking && len(c.turns) == 0 {
		c.stage = closing
	}
	return true
}

func (c *conn) open() {
	c.control(client, syn, 0)
	c.next[client]++
	c.got[client] = c.next[client]
	c.control(server, syn|ack, c.wait)
	c.next[server]++
	c.got[server] = c.next[server]
	c.control(client, ack, c.wait)
}

// datagram sends the first turn as one packet.
func (c *conn) datagram() {
	t := c.turns[0]
	c.turns = c.turns[1:]
	room := c.flow.room()
	frame := c.frame(room)
	for _, p := range t.pieces {
		frame = append(frame, p...)
	}
	c.flow.sealDatagram(frame, t.from)
	c.out = append(c.out, outgoing{frame, c.wait})
}

// close is begun by either end.
func (c *conn) close() {
	first := side(c.r.IntN(2))
	for _, end := range [...]side{first, first.other()} {
		c.control(end, fin|ack, c.wait)
		c.next[end]++
		c.got[end] = c.next[end]
		c.control(end.other(), ack, c.wait)
	}
}

// control makes a packet without payload.
func (c *conn) control(from side, flags byte, after int64) {
	s := segment{from: from, flags: flags, seq: c.next[from]}
	if flags&ack != 0 {
		s.ack = c.got[from.other()]
	}
	frame := c.frame(c.flow.room() + len(c.flow.options(s)))
	c.flow.seal(frame, s)
	c.out = append(c.out, outgoing{frame, after})
}

// frame returns memory for a frame. When the arena grows, the frames made
// before keep the old one.
func (c *conn) frame(n int) []byte {
	from := len(c.arena)
	c.arena = slices.Grow(c.arena, n)[:from+n]
	return c.arena[from : from+n : from+n]
}

// burst sends as much of the first turn as goes into one burst.
func (c *conn) burst() {
	from := c.turns[0].from
	var list []dataSegment
	for len(list) < burstSegments && len(c.turns[0].pieces) > 0 {
		list = append(list, c.data(from))
	}
	last := len(c.turns[0].pieces) == 0
	if last {
		list[len(list)-1].flags |= psh
		c.turns = c.turns[1:]
	}
	c.send(from, list, last)
}

// dataSegment is a segment of a burst.
type dataSegment struct {
	segment
	payload int
	frame   []byte
	there   bool // the receiver has it
}

func (d *dataSegment) end() uint32 { return d.seq + uint32(d.payload) }

// data fills one segment with the bytes of the first turn.
func (c *conn) data(from side) dataSegment {
	room, mss := c.flow.room(), c.flow.mss()
	frame := c.frame(room + mss)
	n := 0
	for t := &c.turns[0]; n < mss && len(t.pieces) > 0; {
		m := copy(frame[room+n:], t.pieces[0])
		n += m
		if t.pieces[0] = t.pieces[0][m:]; len(t.pieces[0]) == 0 {
			t.pieces = t.pieces[1:]
		}
	}
	d := dataSegment{
		segment: segment{from: from, flags: ack, seq: c.next[from], ack: c.got[from.other()]},
		payload: n, frame: frame[:room+n],
	}
	c.next[from] += uint32(n)
	return d
}

// send sends the segments of a burst, not quite in order, and the
// acknowledgements of the other end: at once for what is out of order (RFC
// 5681 section 4.2), else for every second segment. What ends a turn is
// acknowledged by the answer.
func (c *conn) send(from side, list []dataSegment, last bool) {
	after := c.wait
	unacked := 0
	for _, i := range c.order(len(list)) {
		d := &list[i]
		frame := d.frame
		if d.there || d.seq != c.got[from] {
			unacked = 2 // acknowledge at once
		}
		if d.there {
			frame = append(c.frame(len(frame))[:0], frame...)
		}
		c.flow.seal(frame, d.segment)
		c.out = append(c.out, outgoing{frame, after})
		after = gap + c.r.Int64N(gap)

		d.there = true
		for j := range list {
			if list[j].there && list[j].seq == c.got[from] {
				c.got[from] = list[j].end()
				unacked++
			}
		}
		if unacked >= 2 {
			c.control(from.other(), ack, after)
			unacked = 0
		}
	}
	if unacked > 0 && !last {
		c.control(from.other(), ack, after)
	}
}

// order returns the order in which n segments are sent.
//
// QUIRK: where that swaps the beginning of the reply to RETR, tshark's POP
// dissector calls a later reply malformed, unless its preference
// tcp.reassemble_out_of_order is on. TCP is right.
func (c *conn) order(n int) []int {
	var order, again []int
	for i := 0; i < n; i++ {
		switch {
		case i+1 < n && c.r.IntN(swapOne) == 0:
			order = append(order, i+1, i)
			c.truth.Reordered++
			i++
		case c.r.IntN(repeatOne) == 0:
			again = append(again, i)
			fallthrough
		default:
			order = append(order, i)
		}
	}
	for _, i := range again {
		at := slices.Index(order, i) + 1 + c.r.IntN(3)
		order = slices.Insert(order, min(at, len(order)), i)
		c.truth.Retransmitted++
	}
	return order
}
