package reassembly

import (
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// GiveUp closes a connection to make room, as Limits.Connections does: what
// waits of it comes out, and its Closed event follows in its turn, with
// Conn.Shed set. It reports whether it did so: a connection that has ended,
// or that is not followed any more, stays as it is. Call Next afterwards.
func (a *Assembler) GiveUp(p *stream.Conn) bool {
	a.settle()
	var t tuple
	t.set(&packet.Segment{Src: packet.EndpointOf(p.Client), Dst: packet.EndpointOf(p.Server), Path: p.Path})
	e := a.table.find(t.hash(), &t)
	if e == nil || e.conn == nil || e.conn.pub != p || e.conn.ended() {
		return false
	}
	a.giveUpConn(e.conn)
	return true
}

// giveUpConn closes a connection at a limit.
func (a *Assembler) giveUpConn(c *conn) {
	a.stats.Shed++
	c.pub.Shed = true
	a.drop(c, stream.ClosedTimeout)
}
