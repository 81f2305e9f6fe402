package popscope

import (
	"bytes"
	"container/list"
	"sync/atomic"
	"time"

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
// file.
type Sieve struct {
	src    capture.Source
	in     *intake
	shard  *shard
	num    int64
	flows  map[pair]*sifted
	order  list.List // of undecided flows, the one with the oldest packets first
	held   int       // bytes
	ready  []capture.Packet
	missed int64
}

// pair names a connection: the lower endpoint first.
type pair struct {
	a, b packet.Endpoint
	path uint64
}

// sifted is what is known of a connection.
type sifted struct {
	name    pair
	is      protocol // of the latest connection on these addresses and ports
	packets []capture.Packet
	bytes   int
	closed  bool
	place   *list.Element // in Sieve.order; nil once decided
}

const (
	// sieveBytes bounds what waits for a decision; sievePacket is counted
	// for each packet besides its bytes. At the bound, the connection that
	// has waited for longest is let go: it said too little to be POP3.
	sieveBytes  = 64 << 20
	sievePacket = 256

	// sieveFlow bounds what waits of one connection: more than an Analyzer
	// needs to decide.
	sieveFlow = 256 << 10

	// sieveWait is how long results wait for a connection that is not
	// decided, and sieveAge how long its packets are kept: servers may look
	// up names for a minute before they greet.
	sieveWait = 10 * time.Second
	sieveAge  = 2 * time.Minute

	// sieveFlows bounds the connections that are remembered.
	sieveFlows = 1 << 18
)

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
	s.shard.open = new(atomic.Int64)
	return s
}

// Next implements capture.Source. Data is valid until the next call.
func (s *Sieve) Next(p *capture.Packet) error {
	for len(s.ready) == 0 {
		err := s.src.Next(p)
		if err == capture.ErrIdle {
			p.Nanos = s.certain(p.Nanos)
		}
		if err != nil {
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

// certain returns the time up to which nothing will be let through any
// more: packets that wait may still be. Those that have waited for long are
// not waited for.
func (s *Sieve) certain(nanos int64) int64 {
	for e := s.order.Front(); e != nil; {
		f := e.Value.(*sifted)
		e = e.Next()
		switch age := nanos - f.packets[0].Nanos; {
		case age > int64(sieveAge):
			s.decide(f, isOther)
		case age < int64(sieveWait):
			return min(nanos, f.packets[0].Nanos)
		}
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
	name := pairOf(seg)
	f := s.flows[name]
	if f == nil || f.is == isOther && seg.Flags&(packet.SYN|packet.ACK) == packet.SYN {
		if f == nil && len(s.flows) >= sieveFlows {
			s.forgetSome()
		}
		f = &sifted{name: name}
		f.place = s.order.PushBack(f)
		s.flows[name] = f
	}
	if f.is == undecided {
		q := *p
		q.Data = bytes.Clone(p.Data)
		f.packets = append(f.packets, q)
		f.bytes += len(q.Data) + sievePacket
		s.held += len(q.Data) + sievePacket
	}
	before := f.is
	s.feed(seg)
	switch {
	case f.is == undecided && f.bytes > sieveFlow:
		s.decide(f, isOther)
	case f.is != isOther && f.is != undecided && before != undecided:
		s.pass(p)
	}
	for s.held > sieveBytes && s.order.Len() > 0 {
		s.missed++
		s.decide(s.order.Front().Value.(*sifted), isOther)
	}
}

// feed lets the parser of the connection see a segment, and takes note of
// what the connection turns out to be.
func (s *Sieve) feed(seg *packet.Segment) {
	s.shard.now = s.in.at
	s.shard.asm.Segment(seg, s.in.at)
	for ev := s.shard.asm.Next(); ev != nil; ev = s.shard.asm.Next() {
		switch ev.Kind {
		case stream.Data:
			s.shard.data(ev.Conn, &ev.Chunk)
		case stream.Closed:
			s.shard.closed(ev.Conn)
		default:
			continue
		}
		is := undecided
		if t, ok := ev.Conn.Owner.(*track); ok {
			is = t.is
		}
		if ev.Conn.Ignore || ev.Kind == stream.Closed && is == undecided {
			is = isOther
		}
		f := s.flows[pairOfConn(ev.Conn)]
		if f != nil {
			f.closed = ev.Kind == stream.Closed
		}
		if f != nil && is != undecided && f.is == undecided {
			s.decide(f, is)
		}
		if is == isPOP3 || is == isTLS {
			ev.Conn.Ignore = true // known: the Analyzer does the rest
		}
	}
	for _, r := range s.shard.out {
		r.done()
	}
	s.shard.out = s.shard.out[:0]
}

// decide lets the packets of a connection through, or drops them.
func (s *Sieve) decide(f *sifted, is protocol) {
	f.is = is
	s.held -= f.bytes
	if is != isOther {
		s.ready = append(s.ready, f.packets...)
	}
	f.packets, f.bytes = nil, 0
	if f.place != nil {
		s.order.Remove(f.place)
		f.place = nil
	}
}

// pass lets a packet through that is borrowed until the next one is read.
func (s *Sieve) pass(p *capture.Packet) { s.ready = append(s.ready, *p) }

// forgetSome makes room for connections: those that are no POP3 will be
// decided again if they still live.
func (s *Sieve) forgetSome() {
	for name, f := range s.flows {
		if f.is == isOther || f.closed {
			delete(s.flows, name)
		}
	}
	if len(s.flows) < sieveFlows {
		return
	}
	if e := s.order.Front(); e != nil {
		f := e.Value.(*sifted)
		s.decide(f, isOther)
		s.missed++
		delete(s.flows, f.name)
	}
}

func pairOf(seg *packet.Segment) pair { return newPair(seg.Src, seg.Dst, seg.Path) }

func pairOfConn(c *stream.Conn) pair {
	return newPair(packet.EndpointOf(c.Client), packet.EndpointOf(c.Server), c.Path)
}

func newPair(a, b packet.Endpoint, path uint64) pair {
	if a.Compare(&b) > 0 {
		a, b = b, a
	}
	return pair{a, b, path}
}

// Missed returns how many connections were let go at a limit before it was
// known what they are.
func (s *Sieve) Missed() int64 { return s.missed }
