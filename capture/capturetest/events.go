package capturetest

import (
	"bytes"

	"popscope/reassembly/stream"
)

// Events returns what an assembler would tell of a trace, for the tests of
// parsers that see no packets. It is no assembler: segments count in the
// order in which they stand, bytes that were there before are left out,
// and a hole is a loss at once. So give it a Trace as a Dialog compiles
// it, or one that was split, joined, dropped from, cut or seen from one
// side or from the middle; not one that was shuffled.
//
// A packet's number is its index in the trace plus one. All Data is owned
// by the caller, and each connection's Conn is in its final state from the
// first event on.
func (t Trace) Events() []stream.Event {
	conns := make([]*eventConn, t.Conns())
	for i := range t {
		s := &t[i]
		if conns[s.Conn] == nil {
			conns[s.Conn] = t.newEventConn(s.Conn)
		}
	}
	var out []stream.Event
	for i := range t {
		s := &t[i]
		c := conns[s.Conn]
		at := stream.Stamp{Packet: int64(i + 1), Nanos: s.Nanos}
		if c.conn.First == (stream.Stamp{}) {
			c.conn.First = at
			out = append(out, stream.Event{Kind: stream.Opened, Conn: c.conn})
		}
		c.conn.Last = at
		if c.closed {
			continue
		}
		for _, chunk := range c.chunks(s, at) {
			out = append(out, stream.Event{Kind: stream.Data, Conn: c.conn, Chunk: chunk})
		}
		if c.end(s, at) {
			out = append(out, stream.Event{Kind: stream.Closed, Conn: c.conn})
		}
	}
	for _, c := range conns {
		if c != nil && !c.closed {
			out = append(out, stream.Event{Kind: stream.Closed, Conn: c.conn})
		}
	}
	return out
}

// eventConn is a connection while its events are made.
type eventConn struct {
	conn   *stream.Conn
	base   [2]uint32 // sequence number of offset 0
	known  [2]bool   // base is
	off    [2]int64  // of the next byte
	fins   [2]bool
	closed bool
}

func dirOf(s *Segment) stream.Dir {
	if s.FromClient {
		return stream.Client
	}
	return stream.Server
}

func (t Trace) newEventConn(number int) *eventConn {
	c := &eventConn{conn: &stream.Conn{}}
	syns := [2]bool{}
	for i := range t {
		s := &t[i]
		if s.Conn != number {
			continue
		}
		c.conn.Client, c.conn.Server = s.Client, s.Server
		dir := dirOf(s)
		c.conn.Packets[dir]++
		syns[dir] = syns[dir] || s.Flags&syn != 0
	}
	c.conn.ClientKnown = syns[stream.Client] || syns[stream.Server]
	c.conn.Handshake, c.conn.Answered = syns[stream.Client] && syns[stream.Server], syns[stream.Server]
	for dir := range c.base {
		c.base[dir], c.known[dir] = t.base(number, dir == int(stream.Client))
	}
	return c
}

// chunks returns what a segment adds to its direction.
func (c *eventConn) chunks(s *Segment, at stream.Stamp) []stream.Chunk {
	dir := dirOf(s)
	peerAcked := int64(-1)
	if peer := dir.Other(); s.Flags&ack != 0 {
		if !c.known[peer] {
			// The other side was not captured: its stream begins with
			// what this side acknowledges first.
			c.base[peer], c.known[peer] = s.Ack, true
		}
		peerAcked = max(0, int64(int32(s.Ack-c.base[peer])))
		if c.fins[peer] {
			peerAcked = min(peerAcked, c.off[peer]) // a FIN counts one, and is no byte
		}
	}
	if len(s.Payload)+s.Cut == 0 || !c.known[dir] {
		return nil
	}
	var out []stream.Chunk
	add := func(data []byte, lost int64) {
		out = append(out, stream.Chunk{
			Dir: dir, Off: c.off[dir], Data: data, Lost: lost, At: at, PeerAcked: peerAcked,
		})
		c.off[dir] += int64(len(data)) + lost
		c.conn.Bytes[dir] += int64(len(data))
		c.conn.Lost[dir] += lost
	}
	from := int64(int32(s.dataSeq() - c.base[dir]))
	if from > c.off[dir] {
		add(nil, from-c.off[dir])
	}
	if old := c.off[dir] - from; old < int64(len(s.Payload)) {
		add(bytes.Clone(s.Payload[old:]), 0)
	}
	if end := from + int64(len(s.Payload)+s.Cut); end > c.off[dir] {
		add(nil, end-c.off[dir])
	}
	return out
}

// end notes how a segment ends the connection, and reports whether it does.
func (c *eventConn) end(s *Segment, at stream.Stamp) bool {
	dir := dirOf(s)
	c.fins[dir] = c.fins[dir] || s.Flags&fin != 0
	switch {
	case s.Flags&rst != 0:
		c.conn.Close = stream.ClosedRST
	case c.fins[0] && c.fins[1]:
		c.conn.Close = stream.ClosedFIN
	default:
		return false
	}
	c.conn.Ended, c.closed = at, true
	return true
}
