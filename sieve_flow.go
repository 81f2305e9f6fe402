package popscope

import (
	"bytes"
	"container/list"
	"sync/atomic"
	"time"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// pair names a connection: the lower endpoint first.
type pair struct {
	a, b packet.Endpoint
	path uint64
}

func newPair(a, b packet.Endpoint, path uint64) pair {
	if a.Compare(&b) > 0 {
		a, b = b, a
	}
	return pair{a, b, path}
}

func nameOf(c *stream.Conn) pair {
	return newPair(packet.EndpointOf(c.Client), packet.EndpointOf(c.Server), c.Path)
}

// sifted is what is known of a connection, and its packets while it is not
// known what that is.
//
// It is in Sieve.held iff it has packets, and in Sieve.waited only then.
type sifted struct {
	name    pair
	is      protocol // of the latest connection on these addresses and ports
	stage   stage    // valid iff undecided
	closed  bool
	missed  bool  // it was let go at a limit, and counted
	since   int64 // the packet before which connections here were others
	syn     int64 // the packet with the last SYN
	packets []capture.Packet
	bytes   int
	waited  *list.Element // in Sieve.waited, or nil
	place   *list.Element // in Sieve.held, or nil
}

// stage says how far a connection has come.
type stage uint8

const (
	attempted stage = iota // nothing but SYNs and the like of one side
	silent                 // it was answered
	spoke                  // it has carried bytes
)

// holding is what waits for a decision, by stage.
type holding struct {
	flows    [spoke + 1]list.List // the one that was silent for longest first
	bytes    [spoke + 1]int
	missed   atomic.Int64 // flows let go at a limit
	attempts atomic.Int64 // the same of those attempted
}

const (
	// sieveBytes bounds what waits for a decision; sievePacket is counted
	// for each packet besides its bytes, and sieveConn for each connection.
	// Beyond it those are let go of which least is known, and of these the
	// one that was silent for longest: a scan costs no session. But an
	// eighth is left to each stage, or when later ones fill everything no
	// other connection could ever begin.
	sieveBytes  = 64 << 20
	sievePacket = 256
	sieveConn   = 256

	// sieveFlow bounds what waits of one connection: more than an Analyzer
	// needs to decide.
	sieveFlow = 256 << 10

	// sieveWait is how long results wait for a connection that is not
	// decided.
	sieveWait = 10 * time.Second

	// sieveAge is how long a SYN is kept that nobody answers, as
	// reassembly.Limits.HalfOpenIdle.
	sieveAge = 2 * time.Minute

	// sieveFlows bounds the connections that are remembered.
	sieveFlows = 1 << 18
)

// hold keeps a packet of an undecided flow, which becomes the last one to be
// let go of its stage.
func (s *Sieve) hold(f *sifted, p *capture.Packet) {
	q := *p
	q.Data = bytes.Clone(p.Data)
	n := len(q.Data) + sievePacket
	all := &s.held.flows[f.stage]
	if len(f.packets) == 0 {
		f.place, f.waited = all.PushBack(f), s.waited.PushBack(f)
		n += sieveConn
	} else {
		all.MoveToBack(f.place)
	}
	f.packets = append(f.packets, q)
	f.bytes += n
	s.held.bytes[f.stage] += n
}

// rise notes that a flow, which has packets, has come as far as a stage.
func (s *Sieve) rise(f *sifted, to stage) {
	if to <= f.stage {
		return
	}
	h := &s.held
	h.flows[f.stage].Remove(f.place)
	h.bytes[f.stage] -= f.bytes
	f.stage = to
	f.place = h.flows[to].PushBack(f)
	h.bytes[to] += f.bytes
}

// drop lets go of the packets of a flow.
func (s *Sieve) drop(f *sifted) {
	if f.place != nil {
		s.held.flows[f.stage].Remove(f.place)
		s.held.bytes[f.stage] -= f.bytes
	}
	if f.waited != nil {
		s.waited.Remove(f.waited)
	}
	f.place, f.waited, f.packets, f.bytes = nil, nil, nil, 0
}

// forget lets go of a flow as if it had never been. What comes of it
// nevertheless begins another.
func (s *Sieve) forget(f *sifted) {
	s.drop(f)
	delete(s.flows, f.name)
}

// letGo drops the packets of an undecided flow at a limit. What comes of it
// from then on is held again: the parser still follows it.
func (s *Sieve) letGo(f *sifted) {
	if f.stage == attempted {
		s.held.attempts.Add(1)
		s.forget(f)
		return
	}
	if !f.missed {
		f.missed = true
		s.held.missed.Add(1)
	}
	s.drop(f)
}

// forgetOld forgets attempts that nobody has answered up to nanos.
func (s *Sieve) forgetOld(nanos int64) {
	all := &s.held.flows[attempted]
	for e := all.Front(); e != nil; e = all.Front() {
		f := e.Value.(*sifted)
		if nanos-f.packets[len(f.packets)-1].Nanos <= int64(sieveAge) {
			return
		}
		s.forget(f)
	}
}

// makeRoom lets flows go until what waits is within its bound.
func (s *Sieve) makeRoom() {
	h := &s.held
	for h.bytes[attempted]+h.bytes[silent]+h.bytes[spoke] > sieveBytes {
		for i := range h.flows {
			if h.bytes[i] > sieveBytes/8 {
				s.letGo(h.flows[i].Front().Value.(*sifted))
				break
			}
		}
	}
}

// forgetSome makes room for connections: those that are no POP3 will be
// decided again if they still live.
func (s *Sieve) forgetSome() {
	for name, f := range s.flows {
		if f.is == isOther || f.closed || f.is == undecided && len(f.packets) == 0 {
			delete(s.flows, name)
		}
	}
	const enough = sieveFlows - sieveFlows/8 // so that it is not asked again at once
	for i := range s.held.flows {
		for e := s.held.flows[i].Front(); e != nil && len(s.flows) > enough; e = s.held.flows[i].Front() {
			f := e.Value.(*sifted)
			s.letGo(f)
			delete(s.flows, f.name)
		}
	}
}

// Missed returns how many connections were let go at a limit before it was
// known what they are; those that nobody had answered do not count. Any
// goroutine may ask.
func (s *Sieve) Missed() int64 { return s.held.missed.Load() }

// Ignored returns what belongs into Summary.Ignored.
func (s *Sieve) Ignored() map[string]int64 {
	return map[string]int64{ShedUndecided: s.Missed(), shedHalfOpen: s.held.attempts.Load()}
}
