package popscope

import (
	"container/list"
	"io"
	"sync/atomic"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// Sieve lets through the packets of POP3 connections, on whatever port, and
// numbers them anew. A packet waits until it is known what its connection is,
// so those of one connection keep their order, but not those of different
// ones.
//
// It is for keeping packets of a live capture: what it lets through is a
// capture of its own, and an Analyzer finds in it what it would find in the
// file. What it had no room for is counted in Ignored.
type Sieve struct {
	src    capture.Source
	in     *intake
	shard  *shard
	num    int64
	over   bool // the source is at its end
	flows  map[pair]*sifted
	waited list.List // undecided flows that results wait for, the one with the oldest packets first
	held   holding
	ready  []capture.Packet
}

// NewSieve returns a Sieve over src, which decides as an Analyzer with o
// does.
func NewSieve(src capture.Source, o Options) *Sieve {
	o.Workers, o.NoMail, o.Follow, o.KeepBody = 1, true, false, 0
	o = o.withDefaults()
	s := &Sieve{src: src, in: newIntake(&o), flows: make(map[pair]*sifted)}
	l := o.Limits.Reassembly
	l.Ports = o.Ports
	s.shard = newShards(&o)[0]
	s.shard.patient = false // as soon as possible
	s.shard.asm = reassembly.New(l)
	s.shard.asm.Trace() // connections without a byte end too
	s.shard.open = new(atomic.Int64)
	return s
}

// Next implements capture.Source. Data is valid until the next call.
func (s *Sieve) Next(p *capture.Packet) error {
	for len(s.ready) == 0 {
		if s.over {
			return io.EOF
		}
		err := s.src.Next(p)
		switch {
		case err == io.EOF:
			s.finish()
			continue
		case err == capture.ErrIdle:
			p.Nanos = s.certain(p.Nanos)
			return err
		case err != nil:
			return err
		}
		s.take(p)
	}
	*p = s.ready[0]
	s.ready[0] = capture.Packet{}
	if s.ready = s.ready[1:]; len(s.ready) == 0 {
		s.ready = nil
	}
	s.num++
	p.Num = s.num
	return nil
}

// finish decides about what is still open at the end of the source.
func (s *Sieve) finish() {
	s.over = true
	s.shard.asm.Close()
	s.drain()
}

// certain returns the time up to which nothing will be let through any
// more: packets that wait may still be. Those that have waited for long are
// not waited for.
func (s *Sieve) certain(nanos int64) int64 {
	s.forgetOld(nanos)
	for e := s.waited.Front(); e != nil; e = s.waited.Front() {
		f := e.Value.(*sifted)
		if first := f.packets[0].Nanos; nanos-first < int64(sieveWait) {
			return min(nanos, first)
		}
		s.waited.Remove(e)
		f.waited = nil
	}
	return nanos
}

// take takes a packet. One that is no segment, such as an incomplete
// datagram, is let through: it may belong to anything.
func (s *Sieve) take(p *capture.Packet) {
	seg, ok := s.in.packet(p)
	if !ok {
		if s.in.waits {
			s.pass(p)
		}
		return
	}
	s.in.dec.Checksum(seg)
	s.forgetOld(p.Nanos)
	f := s.flowOf(seg)
	if f.is == undecided {
		s.hold(f, p)
	}
	if seg.Flags&(packet.SYN|packet.ACK) == packet.SYN {
		f.syn = p.Num
	}
	before := f.is
	s.feed(seg)
	switch {
	case f.is == undecided && f.place != nil: // otherwise it was let go meanwhile
		s.judge(f, seg)
	case f.is != undecided && f.is != isOther && before != undecided:
		s.pass(p)
	}
	s.makeRoom()
}

// flowOf returns the flow that a segment belongs to. With a SYN another one
// may begin where there was one that is no POP3.
func (s *Sieve) flowOf(seg *packet.Segment) *sifted {
	name := newPair(seg.Src, seg.Dst, seg.Path)
	f := s.flows[name]
	switch {
	case f == nil:
		if len(s.flows) >= sieveFlows {
			s.forgetSome()
		}
		f = &sifted{name: name}
	case f.is == isOther && seg.Flags&packet.SYN != 0 && (f.closed || seg.Flags&packet.ACK == 0):
		f = &sifted{name: name, since: s.in.at.Packet}
	default:
		return f
	}
	s.flows[name] = f
	return f
}

// judge takes note of what a segment made of a flow that is undecided still.
func (s *Sieve) judge(f *sifted, seg *packet.Segment) {
	fate := s.shard.asm.Fate()
	c := fate.Conn
	switch {
	case c != nil && c.Ignore && c.First.Packet >= f.since:
		s.decide(f, protocolOf(c)) // it was known before, and forgotten here
	case c == nil && seg.Flags&packet.RST != 0 && !fate.Has(reassembly.Stray):
		s.forget(f) // refused
	case f.bytes > sieveFlow && c != nil && c.Ignore:
		s.decide(f, isOther)
	case f.bytes > sieveFlow && f.stage == attempted:
		s.forget(f) // acknowledgements of one side
	case f.bytes > sieveFlow:
		s.letGo(f)
	case c == nil:
	case seg.Length > 0 || len(seg.Payload) > 0:
		s.rise(f, spoke)
	case c.Packets[stream.Client] > 0 && c.Packets[stream.Server] > 0:
		s.rise(f, silent)
	}
}

// feed lets the parser of the connection see a segment.
func (s *Sieve) feed(seg *packet.Segment) {
	s.shard.now = s.in.at
	s.shard.asm.Segment(seg, s.in.at)
	s.drain()
}

// drain takes note of what connections turn out to be.
func (s *Sieve) drain() {
	for ev := s.shard.asm.Next(); ev != nil; ev = s.shard.asm.Next() {
		c := ev.Conn
		switch ev.Kind {
		case stream.Data:
			s.shard.data(c, &ev.Chunk)
		case stream.Closed:
			s.shard.closed(c)
		default:
			continue
		}
		is := protocolOf(c)
		if is == isPOP3 || is == isTLS {
			c.Ignore = true // known: the Analyzer does the rest
		}
		f := s.flows[nameOf(c)]
		if f == nil {
			continue
		}
		switch {
		case f.is == undecided && is != undecided && is != isOther:
			s.decide(f, is)
		case f.is == undecided && ev.Kind == stream.Closed && c.Shed:
			if f.stage == spoke {
				s.letGo(f) // the assembler had no room for what it said
			}
			continue
		case f.is == undecided && ev.Kind == stream.Closed:
			s.closed(f, c)
			continue
		case f.is == undecided && is == isOther:
			s.decide(f, isOther)
		}
		f.closed = ev.Kind == stream.Closed
	}
	for _, r := range s.shard.out {
		r.done()
	}
	s.shard.out = s.shard.out[:0]
}

// protocolOf returns what a connection is, as far as it is known.
func protocolOf(c *stream.Conn) protocol {
	is := undecided
	if t, ok := c.Owner.(*track); ok {
		is = t.is
	}
	if c.Ignore && is == undecided {
		is = isOther
	}
	return is
}

// closed takes the end of a connection that was no POP3, unless the next one
// on these addresses and ports has begun: it shares the flow.
func (s *Sieve) closed(f *sifted, c *stream.Conn) {
	next := s.shard.asm.Fate().Conn
	if f.syn > c.Ended.Packet || next != nil && next != c && nameOf(next) == f.name {
		return
	}
	if c.Close == stream.ClosedTimeout {
		s.forget(f) // it may go on
		return
	}
	s.decide(f, isOther)
	f.closed = true
}

// decide lets the packets of a flow through, or drops them.
func (s *Sieve) decide(f *sifted, is protocol) {
	f.is = is
	if is != isOther {
		s.ready = append(s.ready, f.packets...)
	}
	s.drop(f)
}

// pass lets a packet through that is borrowed until the next one is read.
func (s *Sieve) pass(p *capture.Packet) { s.ready = append(s.ready, *p) }
