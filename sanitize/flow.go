package sanitize

import (
	"net/netip"

	"popscope"
	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

const (
	// maxFlows bounds the pairs of endpoints that are remembered; the
	// analysis follows 131,072 connections at most.
	maxFlows = 1 << 20
	// maxUndecided bounds the packets of a flow that wait for a decision
	// whether it is POP3; it falls within 256 chunks.
	maxUndecided = 4096
	// maxWaiting bounds the frames in memory that wait for the analysis.
	maxWaiting = 64 << 20
)

// flowKey is the two endpoints of a connection, in sorted order.
type flowKey struct {
	a, b packet.Endpoint
	path uint64
}

// keyOf returns the key of two endpoints, and which of them is from.
func keyOf(from, to packet.Endpoint, path uint64) (flowKey, int) {
	if from.Compare(&to) <= 0 {
		return flowKey{from, to, path}, 0
	}
	return flowKey{to, from, path}, 1
}

// flow is everything between two endpoints: connections one after the
// other, and the packets of which it is not known yet what they are.
type flow struct {
	key       flowKey
	place     queue.Node[flow] // in Sanitizer.used
	conns     []*conn
	live      *conn    // the last connection that turned out to be POP3 or TLS; new packets are its
	frames    []*frame // with payload, not written yet
	undecided []held   // packets that may be kept
	dirty     bool
	other     bool // its connection is no POP3
}

// held is a packet that may be kept.
type held struct {
	num     int64
	record  int64
	records []int64 // instead of record, of a datagram put together
}

// conn is a connection of a flow, as the analysis sees it.
type conn struct {
	flow   *flow
	pub    *stream.Conn
	is     popscope.Protocol
	end    netip.AddrPort // the first one of the flow
	wins   [2]window      // by end of the flow
	tls    [2]*tlsFilter
	dialog dialog
	agreed bool // the suite of TLS is known; without it nobody can open TLS, and nobody knows whether it is closed
	weak   bool // it is one without encryption
}

// flowOf returns the flow of a segment, and which end sent it.
func (s *Sanitizer) flowOf(seg *packet.Segment) (*flow, int) {
	key, side := keyOf(seg.Src, seg.Dst, seg.Path)
	f := s.flows[key]
	if f == nil {
		s.makeRoom()
		f = s.newFlow(key)
	} else if s.used.Last() != f {
		s.useAgain(f)
	}
	return f, side
}

// newFlow returns a flow that is the one used last.
func (s *Sanitizer) newFlow(key flowKey) *flow {
	var f *flow
	if n := len(s.unused.flows); n > 0 {
		f, s.unused.flows = s.unused.flows[n-1], s.unused.flows[:n-1]
	} else {
		f = new(flow)
	}
	f.key = key
	s.used.Push(&f.place, f)
	s.flows[key] = f
	return f
}

// useAgain makes f the flow that was used last.
func (s *Sanitizer) useAgain(f *flow) {
	s.used.Remove(&f.place)
	s.used.Push(&f.place, f)
}

// removeFlow takes out a flow.
func (s *Sanitizer) removeFlow(f *flow) {
	s.used.Remove(&f.place)
	delete(s.flows, f.key)
}

const (
	// maxUnused bounds the flows, and the connections, that wait to be used
	// again.
	maxUnused = 256
	// maxKept bounds what a list in them has room for then.
	maxKept = 8
)

// kept returns an empty list with the room of another one, if that is small.
func kept[T any](list []T) []T {
	if cap(list) > maxKept {
		return nil
	}
	return list[:0]
}

// reuse takes a flow that nothing refers to any more, but perhaps the list of
// those that are dirty.
func (s *Sanitizer) reuse(f *flow) {
	if len(s.unused.flows) < maxUnused {
		*f = flow{dirty: f.dirty, conns: kept(f.conns), frames: kept(f.frames), undecided: kept(f.undecided)}
		s.unused.flows = append(s.unused.flows, f)
	}
}

// reuseConn takes a connection that nothing refers to any more.
func (s *Sanitizer) reuseConn(c *conn) {
	if len(s.unused.conns) == maxUnused {
		return
	}
	old := c.dialog
	*c = conn{wins: c.wins}
	for i := range old.mail {
		c.dialog.mail[i].name = old.mail[i].name[:0]
		c.dialog.said[i].secret = kept(old.said[i].secret)
	}
	s.unused.conns = append(s.unused.conns, c)
}

// makeRoom forgets the flow unused for longest, rather one without a
// connection.
func (s *Sanitizer) makeRoom() {
	const tries = 16
	for i := 0; len(s.flows) >= maxFlows; i++ {
		f := s.used.First()
		if len(f.conns) > 0 && i < tries {
			s.useAgain(f)
			continue
		}
		s.forget(f)
	}
}

// forget writes what a flow still has, and drops it.
func (s *Sanitizer) forget(f *flow) {
	for _, fr := range f.frames {
		s.put(fr)
	}
	f.frames = nil
	s.removeFlow(f)
}

// take brings a segment into its flow.
func (s *Sanitizer) take(fr *frame, seg *packet.Segment) {
	f, side := s.flowOf(seg)
	if seg.Flags&(packet.SYN|packet.ACK) == packet.SYN {
		f.live, f.other = nil, false // perhaps another connection begins
	}
	if f.other {
		s.put(fr)
		return
	}
	if h := (held{fr.num, fr.record, fr.records}); f.live != nil {
		s.keep(&h)
	} else {
		if len(f.undecided) == maxUndecided {
			f.undecided = f.undecided[1:]
		}
		f.undecided = append(f.undecided, h)
	}
	if len(seg.Payload) == 0 {
		s.put(fr)
		return
	}
	fr.flow, fr.side, fr.seq = f, side, seg.Seq
	if seg.Flags&packet.SYN != 0 {
		fr.seq++ // data of a SYN comes after it (RFC 7413)
	}
	f.frames = append(f.frames, fr)
	s.touch(f)
	s.wait(fr)
}

// touch notes that frames of a flow may be ready.
func (s *Sanitizer) touch(f *flow) {
	if !f.dirty {
		f.dirty = true
		s.dirty = append(s.dirty, f)
	}
}

// settle writes the frames that are ready.
func (s *Sanitizer) settle() {
	for _, f := range s.dirty {
		f.dirty = false
		s.settleFlow(f)
	}
	s.dirty = s.dirty[:0]
}

func (s *Sanitizer) settleFlow(f *flow) {
	rest := f.frames[:0]
	for _, fr := range f.frames {
		c := f.connOf(fr.num)
		if c == nil || !c.complete(fr) {
			rest = append(rest, fr)
			continue
		}
		s.put(fr)
	}
	clear(f.frames[len(rest):])
	f.frames = rest
	for _, c := range f.conns {
		for i := range c.wins {
			s.remember(&c.wins[i])
		}
	}
}

// connOf returns the connection that a packet belongs to.
func (f *flow) connOf(num int64) *conn {
	for i := len(f.conns) - 1; i >= 0; i-- {
		if c := f.conns[i]; c.pub.First.Packet <= num && num <= c.pub.Last.Packet {
			return c
		}
	}
	return nil
}

// complete fills in a frame whose bytes are all settled.
func (c *conn) complete(fr *frame) bool {
	w := &c.wins[fr.side]
	if !w.begun {
		return false
	}
	off := w.offset(fr.seq)
	if off+int64(fr.n) > w.settled {
		return false
	}
	w.fill(off, fr.orig[fr.from:fr.from+fr.n], fr.out[fr.from:fr.from+fr.n])
	return true
}

// remember bounds what all windows keep of settled bytes.
func (s *Sanitizer) remember(w *window) {
	w.trim(history)
	s.history += w.size - w.counted
	w.counted = w.size
	if !w.place.Waits() && w.size > 0 {
		s.remembered.Push(&w.place, w)
	}
	for s.history > maxHistory && s.remembered.Len() > 0 {
		v := s.remembered.First()
		v.trim(0)
		s.uncount(v)
	}
}

// uncount takes a window out of the history.
func (s *Sanitizer) uncount(w *window) {
	s.history -= w.counted
	w.counted = 0
	s.remembered.Remove(&w.place)
}

// release forgets a window.
func (s *Sanitizer) release(w *window) {
	s.uncount(w)
	w.reset()
}

// side returns which end of the flow sends in a direction.
func (c *conn) side(d stream.Dir) int {
	from := &c.pub.Client
	if (d == stream.Server) != c.pub.Flip {
		from = &c.pub.Server
	}
	if *from == c.end {
		return 0
	}
	return 1
}

// connFor returns the state of a connection; create says whether to make
// one.
func (s *Sanitizer) connFor(p *stream.Conn, create bool) *conn {
	if s.last != nil && s.last.pub == p {
		return s.last
	}
	c := s.conns[p]
	if c != nil || !create {
		s.last = c
		return c
	}
	key, client := keyOf(packet.EndpointOf(p.Client), packet.EndpointOf(p.Server), p.Path)
	f := s.flows[key]
	if f == nil { // it was forgotten
		f = s.newFlow(key)
	}
	if n := len(s.unused.conns); n > 0 {
		c, s.unused.conns = s.unused.conns[n-1], s.unused.conns[:n-1]
	} else {
		c = new(conn)
	}
	c.flow, c.pub, c.end = f, p, p.Client
	if client != 0 {
		c.end = p.Server
	}
	for i := range c.wins {
		c.wins[i].pool = &s.pool
	}
	c.dialog.s = s
	f.conns = append(f.conns, c)
	s.conns[p], s.last = c, c
	return c
}

// Chunk implements popscope.Tap.
func (t tap) Chunk(p *stream.Conn, ch stream.Chunk) {
	s := t.s
	c := s.connFor(p, true)
	side := c.side(ch.Dir)
	c.wins[side].add(ch, p.Start[ch.Dir])
	if c.is == popscope.TLSProtocol {
		c.passTLS(side, ch.Off, ch.Off+ch.Len(), ch.Lost > 0)
	}
	s.touch(c.flow)
}

// Decided implements popscope.Tap.
func (t tap) Decided(p *stream.Conn, is popscope.Protocol) {
	s := t.s
	if is == popscope.OtherProtocol {
		s.notPOP3(p)
		return
	}
	c := s.connFor(p, true)
	c.is = is
	f := c.flow
	f.live = c
	rest := f.undecided[:0]
	for i := range f.undecided {
		h := &f.undecided[i]
		if h.num >= p.First.Packet {
			s.keep(h)
		} else {
			rest = append(rest, *h)
		}
	}
	f.undecided = rest
	if is == popscope.TLSProtocol {
		for side := range c.wins {
			for _, r := range c.wins[side].runs {
				c.passTLS(side, r.off, r.end(), false)
			}
		}
	}
}

// notPOP3 forgets a connection of which nothing will be told any more.
func (s *Sanitizer) notPOP3(p *stream.Conn) {
	if c := s.connFor(p, false); c != nil {
		s.drop(c)
	}
	key, _ := keyOf(packet.EndpointOf(p.Client), packet.EndpointOf(p.Server), p.Path)
	f := s.flows[key]
	if f == nil || len(f.conns) > 0 {
		return
	}
	for _, fr := range f.frames {
		s.put(fr)
	}
	f.other, f.frames, f.undecided = true, nil, nil
}

// Stretch implements popscope.Tap.
func (t tap) Stretch(p *stream.Conn, st pop3parse.Stretch) {
	c := t.s.connFor(p, false)
	if c == nil || st.Secure {
		return
	}
	c.stretch(c.side(st.Dir), st)
	t.s.touch(c.flow)
}

// Closed implements popscope.Tap.
func (t tap) Closed(p *stream.Conn) {
	s := t.s
	c := s.connFor(p, false)
	if c == nil {
		return
	}
	c.finishSASL()
	s.settleFlow(c.flow)
	s.drop(c)
}

// drop ends a connection. What it has not settled is overwritten.
func (s *Sanitizer) drop(c *conn) {
	f := c.flow
	if c.is == popscope.POP3 || c.is == popscope.TLSProtocol {
		rest := f.undecided[:0]
		for i := range f.undecided {
			h := &f.undecided[i]
			if c.pub.First.Packet <= h.num && h.num <= c.pub.Last.Packet {
				s.keep(h)
			} else {
				rest = append(rest, *h)
			}
		}
		f.undecided = rest
	}
	frames := f.frames[:0]
	for _, fr := range f.frames {
		if fr.num <= c.pub.Last.Packet && f.connOf(fr.num) == c {
			s.put(fr)
		} else {
			frames = append(frames, fr)
		}
	}
	clear(f.frames[len(frames):])
	f.frames = frames
	for i := range c.wins {
		s.release(&c.wins[i])
	}
	delete(s.conns, c.pub)
	s.last = nil
	for i := range f.conns {
		if f.conns[i] == c {
			f.conns = append(f.conns[:i], f.conns[i+1:]...)
			break
		}
	}
	if f.live == c {
		f.live = nil
	}
	if len(f.conns) == 0 && len(f.frames) == 0 && len(f.undecided) == 0 && s.flows[f.key] == f {
		s.removeFlow(f)
		s.reuse(f)
	}
	s.reuseConn(c)
}
