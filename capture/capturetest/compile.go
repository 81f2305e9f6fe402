package capturetest

import (
	"errors"
	"fmt"
	"time"
)

const (
	usualWindow = 502                   // scaled by 2^7: 64,256 bytes
	synWindow   = 64240                 // never scaled (RFC 7323 section 2.2)
	delayedAck  = 40 * time.Millisecond // after which silence is broken by an acknowledgement (RFC 1122 section 4.2.3.2)
	firstStep   = time.Millisecond      // between packets
)

// end is one end of a connection. The network is perfect, so all that one
// end sends has reached the other one when the next packet leaves.
type end struct {
	next    uint32 // the sequence number it sends next
	seen    uint32 // the sequence number it expects
	acked   uint32 // the acknowledgement it sent last
	waiting int    // data segments that came and were not acknowledged
	window  uint16
	closed  bool   // it has sent its FIN
	wrote   uint32 // where its last write began
}

// phase is where a connection stands.
type phase uint8

const (
	unopened phase = iota
	opened
	closed
)

// live is a connection while it is compiled.
type live struct {
	*dialogConn
	index  int
	phase  phase
	ends   [2]end
	writer side // who wrote last; valid iff an end is waiting
	lose   bool // the next write is not in the capture
	cross  bool // the next write does not know of the one before it
	again  bool // the next write repeats the last one of its side
	bad    bool // the next write has wrong checksums
	forge  int  // the next write lies so far ahead of the stream; 0: in it
	cut    int  // captured bytes of each packet of the next write, and one; 0 for all

	unfilled bool // checksums of the next write were left to the network card
}

// compiler turns steps into segments.
type compiler struct {
	now   int64
	step  time.Duration
	conns []live
	out   Trace

	// How the packets of the present write differ from others.
	unseen   bool // they are not in the capture
	stale    bool // they acknowledge what the packet before them did
	bad      bool // their checksums are wrong
	unfilled bool // their checksums were left to the network card
	cut      int  // their captured bytes, and one; 0 for all
}

var (
	errClosed  = errors.New("the connection is closed")
	errTooMany = fmt.Errorf("more than %d packets", maxSegments)
)

// compile returns the packets of a dialog, or the line that cannot be.
func compile(d *Dialog) (Trace, int, error) {
	c := &compiler{now: d.start, step: firstStep, conns: make([]live, len(d.conns))}
	for i := range c.conns {
		conf := &d.conns[i]
		l := live{dialogConn: conf, index: i}
		for _, s := range []side{client, server} {
			l.ends[s] = end{next: conf.isn[s], seen: conf.isn[s.other()], acked: conf.isn[s.other()], window: usualWindow}
		}
		c.conns[i] = l
	}
	last := 1
	for _, s := range d.steps {
		last = s.line
		if err := c.do(s); err != nil {
			return nil, s.line, err
		}
		if len(c.out) > maxSegments {
			return nil, s.line, errTooMany
		}
	}
	for i := range c.conns {
		l := &c.conns[i]
		if l.lose || l.cross || l.again || l.bad || l.unfilled || l.forge != 0 || l.cut > 0 {
			return nil, last, errors.New("! lost, crossing, again, badchecksum, unfilled, forged or cut without a write after it")
		}
		// A connection that only declares how it begins is meant to begin.
		if l.phase == unopened && l.opening != synNone && l.opening != synFull {
			if err := c.open(l); err != nil {
				return nil, last, err
			}
		}
		if l.phase == opened && !l.noClose {
			c.close(l)
		}
	}
	return c.out, 0, nil
}

func (c *compiler) do(s step) error {
	l := &c.conns[s.conn]
	switch s.kind {
	case doStep:
		c.step = s.wait
		return nil
	case doPause:
		c.pause(s.wait)
		return nil
	}
	if l.phase == unopened {
		if err := c.open(l); err != nil {
			return err
		}
	}
	if s.kind == doOpen {
		return nil
	}
	if l.phase == closed {
		return errClosed
	}
	switch s.kind {
	case doWrite:
		return c.write(l, s.side, s.data)
	case doClose:
		c.close(l)
	case doFIN:
		if l.ends[s.side].closed {
			return fmt.Errorf("the %s has sent its FIN", s.side)
		}
		c.fin(l, s.side)
	case doRST:
		c.send(l, s.side, rst|ack, nil, nil)
		l.phase = closed
	case doKeepAlive:
		c.keepAlive(l, s.side)
	case doZeroWindow:
		l.ends[s.side].window = 0
		c.send(l, s.side, ack, nil, nil)
	case doWindowUpdate:
		l.ends[s.side].window = usualWindow
		c.send(l, s.side, ack, nil, nil)
	case doLost:
		l.lose = true
	case doCrossing:
		l.cross = true
	case doAgain:
		l.again = true
	case doBadChecksum:
		l.bad = true
	case doUnfilled:
		l.unfilled = true
	case doForged:
		l.forge = s.n
	case doCut:
		l.cut = s.n + 1
	}
	return nil
}

// send puts one packet on the wire.
func (c *compiler) send(l *live, from side, flags uint8, payload, options []byte) {
	own, peer := &l.ends[from], &l.ends[from.other()]
	s := Segment{
		Conn: l.index, FromClient: from == client, Client: l.client, Server: l.server,
		Seq: own.next, Flags: flags, Window: own.window, Payload: payload, Options: options, Nanos: c.now,
	}
	if flags&ack != 0 {
		if !c.stale {
			own.acked, own.waiting = own.seen, 0
		}
		s.Ack = own.acked
	}
	if flags&syn != 0 {
		s.Window = synWindow
	}
	own.next = s.end()
	if over := len(s.Payload) - (c.cut - 1); c.cut > 0 && over > 0 {
		s.Payload, s.Cut = s.Payload[:c.cut-1], over
	}
	s.BadChecksum, s.Unfilled = c.bad, c.unfilled
	if !c.unseen {
		c.out = append(c.out, s)
	}
	c.now += int64(c.step)
	if own.next != s.Seq {
		peer.seen = own.next
		peer.waiting++
	}
}

func (c *compiler) open(l *live) error {
	l.phase = opened
	switch l.opening {
	case synNone:
		// As if a handshake had been: the numbers after the SYNs.
		for s := range l.ends {
			e := &l.ends[s]
			e.next++
			e.seen++
			e.acked = e.seen
		}
		return nil
	case synUnanswered:
		c.send(l, client, syn, nil, synOptions(l.mss))
		l.phase = closed
		return nil
	case synRefused:
		c.send(l, client, syn, nil, synOptions(l.mss))
		l.ends[server].next, l.ends[server].window = 0, 0
		c.send(l, server, rst|ack, nil, nil)
		l.phase = closed
		return nil
	}
	c.send(l, client, syn, nil, synOptions(l.mss))
	c.send(l, server, syn|ack, nil, synOptions(l.mss))
	if l.opening == synHalf {
		l.ends[client].window = 0
		c.send(l, client, rst, nil, nil)
		l.phase = closed
		return nil
	}
	c.send(l, client, ack, nil, nil)
	return nil
}

// synOptions are those of a present-day system: maximum segment size,
// selective acknowledgements permitted, window scale 7.
func synOptions(mss int) []byte {
	return []byte{2, 4, byte(mss >> 8), byte(mss), 1, 1, 4, 2, 1, 3, 3, 7}
}

// write sends data in segments of at most mss bytes. The other end
// acknowledges every second one; a lone one waits for an answer to ride
// on, or for the delay to pass.
func (c *compiler) write(l *live, from side, data []byte) error {
	own, peer := &l.ends[from], &l.ends[from.other()]
	if own.closed {
		return fmt.Errorf("the %s has sent its FIN", from)
	}
	if peer.window == 0 {
		return fmt.Errorf("the %s has closed its window", from.other())
	}
	if l.forge != 0 {
		c.forged(l, from, data)
		return nil
	}
	if peer.waiting > 0 && l.writer == from && !l.cross && !l.again {
		c.send(l, from.other(), ack, nil, nil)
	}
	after := own.next
	if l.again {
		if end := own.wrote + uint32(len(data)); end != after {
			return fmt.Errorf("! again: the write before has %d bytes, this one %d", after-own.wrote, len(data))
		}
		own.next = own.wrote
	}
	own.wrote = own.next
	for len(data) > 0 {
		n := min(l.mss, len(data))
		flags := ack
		if n == len(data) {
			flags |= psh
		}
		c.unseen, c.stale, c.bad, c.unfilled, c.cut = l.lose, l.cross, l.bad, l.unfilled, l.cut
		c.send(l, from, flags, data[:n:n], nil)
		c.unseen, c.stale, c.bad, c.unfilled, c.cut = false, false, false, false, 0
		data = data[n:]
		if peer.waiting >= 2 {
			c.send(l, from.other(), ack, nil, nil)
		}
		if len(c.out) > maxSegments {
			return errTooMany
		}
	}
	l.writer, l.lose, l.cross, l.again, l.bad, l.unfilled, l.cut = from, false, false, false, false, false, 0
	return nil
}

// forged puts a segment on the wire that neither end knows of.
func (c *compiler) forged(l *live, from side, data []byte) {
	own := &l.ends[from]
	c.out = append(c.out, Segment{
		Conn: l.index, FromClient: from == client, Client: l.client, Server: l.server, Seq: own.next + uint32(l.forge), Ack: own.acked,
		Flags: psh | ack, Window: own.window, Payload: data, Nanos: c.now, BadChecksum: l.bad, Unfilled: l.unfilled,
	})
	c.now += int64(c.step)
	l.forge, l.bad, l.unfilled = 0, false, false
}

// pause lets time pass. In it the delayed acknowledgements are sent.
func (c *compiler) pause(d time.Duration) {
	until := c.now + int64(d)
	if d >= delayedAck {
		c.now += int64(delayedAck)
		for i := range c.conns {
			l := &c.conns[i]
			for _, s := range []side{client, server} {
				if l.phase == opened && l.ends[s].waiting > 0 {
					c.send(l, s, ack, nil, nil)
				}
			}
		}
	}
	c.now = max(c.now, until)
}

// keepAlive sends a probe one below the next sequence number, without
// data, and its answer (RFC 1122 section 4.2.3.6).
func (c *compiler) keepAlive(l *live, from side) {
	own := &l.ends[from]
	if l.ends[from.other()].waiting > 0 {
		c.send(l, from.other(), ack, nil, nil) // nobody probes while data is on its way
	}
	own.next--
	seen := l.ends[from.other()].seen
	c.send(l, from, ack, nil, nil)
	own.next++
	l.ends[from.other()].seen = seen
	c.send(l, from.other(), ack, nil, nil)
}

func (c *compiler) fin(l *live, from side) {
	c.send(l, from, fin|ack, nil, nil)
	l.ends[from].closed = true
	if l.ends[from.other()].closed {
		c.send(l, from.other(), ack, nil, nil)
		l.phase = closed
	}
}

// close sends the FINs that are missing, the client's first.
func (c *compiler) close(l *live) {
	for _, s := range []side{client, server} {
		if l.phase == opened && !l.ends[s].closed {
			c.fin(l, s)
		}
	}
}
