package capturetest

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// This file holds what a network does that loses nothing: cut, join,
// reorder, repeat. After each of these methods, Stream gives the same
// bytes as before it.

// random returns the source of all choices made from a seed.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x706f7033)) }

// Split returns the trace with every data segment in pieces of at most n
// bytes. The pieces have the same capture time; PSH and FIN stay with the
// last one.
func (t Trace) Split(n int) Trace {
	if n < 1 {
		panic(fmt.Sprintf("capturetest: Split(%d): pieces of at least one byte", n))
	}
	out := make(Trace, 0, len(t))
	for _, s := range t {
		rest := s.clone()
		for len(rest.Payload) > n {
			var head Segment
			head, rest = rest.cutAt(n)
			out = append(out, head)
		}
		out = append(out, rest)
	}
	return out
}

// cutAt returns the first n payload bytes of a segment as one, and the
// rest of it as another.
func (s Segment) cutAt(n int) (head, rest Segment) {
	head, rest = s.clone(), s.clone()
	head.Payload, head.Cut = head.Payload[:n:n], 0
	head.Flags &^= psh | fin
	rest.Payload = rest.Payload[n:]
	rest.Seq = s.dataSeq() + uint32(n)
	rest.Flags &^= syn
	return head, rest
}

// SplitAt returns the trace with the segment that holds payload byte k of
// the whole trace, from 0 to Bytes(), in two: byte k begins the second
// part. Where a segment begins or ends at k already, nothing changes.
func (t Trace) SplitAt(k int) Trace {
	if k < 0 || k > t.Bytes() {
		panic(fmt.Sprintf("capturetest: SplitAt(%d) of %d bytes", k, t.Bytes()))
	}
	out := make(Trace, 0, len(t)+1)
	for _, s := range t {
		n := len(s.Payload)
		if k > 0 && k < n {
			head, rest := s.cutAt(k)
			out = append(out, head, rest)
		} else {
			out = append(out, s.clone())
		}
		k -= n
	}
	return out
}

// Coalesce returns the trace with neighbouring data segments of one
// direction joined up to n bytes, where the connection has no packet of
// the other side between them. The joined segment has the place and time
// of the first one and the acknowledgement of the last one.
func (t Trace) Coalesce(n int) Trace {
	out := make(Trace, 0, len(t))
	open := map[int]int{} // by connection: the index in out of its last packet
	for _, s := range t {
		if i, ok := open[s.Conn]; ok && out[i].joins(&s, n) {
			o := &out[i]
			o.Payload = append(o.Payload, s.Payload...)
			o.Flags |= s.Flags
			o.Ack, o.Window, o.Cut = s.Ack, s.Window, s.Cut
			continue
		}
		out = append(out, s.clone())
		open[s.Conn] = len(out) - 1
	}
	return out
}

// joins reports whether next continues s and both fit into n bytes.
func (s *Segment) joins(next *Segment, n int) bool {
	const alone = fin | syn | rst
	return s.FromClient == next.FromClient && s.Client == next.Client && s.Server == next.Server &&
		s.Cut == 0 && len(s.Payload) > 0 && len(next.Payload) > 0 &&
		s.Flags&alone == 0 && next.Flags&(syn|rst) == 0 && s.BadChecksum == next.BadChecksum && s.Unfilled == next.Unfilled &&
		s.end() == next.Seq && len(s.Payload)+len(next.Payload) <= n
}

// Shuffle returns the trace in another order: no packet is moved by more
// than window places. The capture times stay where they were, so that
// they ascend as before: it is the network that has changed the order.
// Nothing moves across a silence of a second, in which everything that was
// under way has arrived.
func (t Trace) Shuffle(seed uint64, window int) Trace {
	return t.ShuffleWithTimes(seed, window).timesOf(t)
}

// ShuffleWithTimes is Shuffle where each packet keeps its own capture
// time: it is the capture that has changed the order.
func (t Trace) ShuffleWithTimes(seed uint64, window int) Trace {
	if window < 0 {
		panic(fmt.Sprintf("capturetest: window of %d", window))
	}
	type place struct {
		part int // of the trace, between silences
		key  int
		tie  uint64
		from int
	}
	r := random(seed)
	places := make([]place, len(t))
	part := 0
	for i := range places {
		if i > 0 && t[i].Nanos-t[i-1].Nanos >= int64(time.Second) {
			part++
		}
		places[i] = place{part, i + r.IntN(window+1), r.Uint64(), i}
	}
	// Whoever passes a packet had a place at most window away from it.
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.key, b.key), cmp.Compare(a.tie, b.tie), cmp.Compare(a.from, b.from))
	})
	out := make(Trace, len(t))
	for i, p := range places {
		out[i] = t[p.from].clone()
	}
	return out
}

// timesOf gives t the capture times of old, place by place.
func (t Trace) timesOf(old Trace) Trace {
	for i := range t {
		t[i].Nanos = old[i].Nanos
	}
	return t
}

// Duplicate returns the trace with about percent of its packets doubled by
// the network: the copy follows at once.
func (t Trace) Duplicate(seed uint64, percent int) Trace {
	r := random(seed)
	out := make(Trace, 0, len(t))
	for _, s := range t {
		out = append(out, s.clone())
		if r.IntN(100) < percent {
			out = append(out, s.clone())
		}
	}
	return out
}

// RetransmitLater returns the trace with about percent of its data
// segments sent again, one to distance packets later, with the
// acknowledgement that the sender was at by then. The copies have the time
// of the packet before them.
func (t Trace) RetransmitLater(seed uint64, percent, distance int) Trace {
	if distance < 1 {
		panic(fmt.Sprintf("capturetest: distance of %d", distance))
	}
	r := random(seed)
	later := map[int][]Segment{} // by the index they follow
	for i, s := range t {
		if len(s.Payload) > 0 && s.Flags&(syn|rst) == 0 && r.IntN(100) < percent {
			at := min(i+1+r.IntN(distance), len(t)-1)
			later[at] = append(later[at], s)
		}
	}
	out := make(Trace, 0, len(t))
	acks := map[way]uint32{}
	for i, s := range t {
		out = append(out, s.clone())
		if s.Flags&ack != 0 {
			acks[s.way()] = s.Ack
		}
		for _, again := range later[i] {
			again = again.clone()
			again.Nanos = s.Nanos
			if a, ok := acks[again.way()]; ok && again.Flags&ack != 0 {
				again.Ack = a
			}
			out = append(out, again)
		}
	}
	return out
}

// way is one direction of a connection.
type way struct {
	conn       int
	fromClient bool
}

func (s *Segment) way() way { return way{s.Conn, s.FromClient} }

// Overlap returns the trace with about half of the data segments preceded
// or followed by another one that repeats a range of bytes around their
// beginning: some that were sent before and some that are new. The bytes
// are the same in all copies.
func (t Trace) Overlap(seed uint64) Trace {
	r := random(seed)
	out := make(Trace, 0, 2*len(t))
	sent := map[way][]byte{} // what each side has sent without a hole, up to ...
	next := map[way]uint32{} // ... this sequence number
	for _, s := range t {
		w := s.way()
		if next[w] != s.dataSeq() || s.Cut > 0 {
			sent[w] = nil // a hole, or the beginning
		}
		old := sent[w]
		if s.Cut == 0 {
			sent[w], next[w] = append(old, s.Payload...), s.end()
		}
		if len(s.Payload) == 0 || s.Flags&(syn|rst) != 0 || r.IntN(2) == 0 {
			out = append(out, s.clone())
			continue
		}
		before := r.IntN(min(len(old), 64) + 1)
		after := 1 + r.IntN(len(s.Payload))
		o := s.clone()
		o.Payload = append(bytes.Clone(old[len(old)-before:]), s.Payload[:after]...)
		o.Seq -= uint32(before)
		o.Flags &^= fin
		o.Cut = 0
		if r.IntN(2) == 0 {
			out = append(out, o, s.clone())
		} else {
			out = append(out, s.clone(), o)
		}
	}
	return out
}

// KeepAlives returns the trace with keep-alive probes wherever a side has
// sent data and all of it is acknowledged: one below the next sequence
// number, without data or with one byte that means nothing, in turns; and
// the answer to it (RFC 1122 section 4.2.3.6).
func (t Trace) KeepAlives() Trace {
	out := make(Trace, 0, len(t))
	type half struct {
		next, ack uint32
		window    uint16
		data      bool // sent some that no probe has followed yet
	}
	halves := map[way]*half{}
	bytes := 0
	for _, s := range t {
		out = append(out, s.clone())
		w := s.way()
		own, peer := halves[w], halves[way{w.conn, !w.fromClient}]
		if own == nil {
			own = &half{}
			halves[w] = own
		}
		if s.Flags&(syn|rst|fin) != 0 || s.Flags&ack == 0 {
			own.data = false
			if peer != nil {
				peer.data = false
			}
			continue
		}
		own.next, own.ack, own.window = s.end(), s.Ack, s.Window
		own.data = own.data || len(s.Payload) > 0
		if peer == nil || !peer.data || peer.next != s.Ack {
			continue
		}
		peer.data = false
		probe := s.clone()
		probe.FromClient = !s.FromClient
		probe.Seq, probe.Ack, probe.Window = peer.next-1, own.next, peer.window
		probe.Flags, probe.Payload, probe.Options, probe.Cut = ack, make([]byte, bytes), nil, 0
		bytes = 1 - bytes
		answer := s.clone()
		answer.Seq, answer.Flags, answer.Payload, answer.Options, answer.Cut = own.next, ack, nil, nil, 0
		out = append(out, probe, answer)
	}
	return out
}

// V6 returns the trace with IPv4 addresses mapped into 2001:db8::/96, and
// IPv6 addresses as they are.
func (t Trace) V6() Trace {
	return t.mapAddrs(func(a netip.Addr) netip.Addr {
		if !a.Unmap().Is4() {
			return a
		}
		four := a.Unmap().As4()
		six := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		copy(six[12:], four[:])
		return netip.AddrFrom16(six)
	})
}

// V4 returns the trace with IPv6 addresses mapped to IPv4: what V6 has
// made, back to what it was; others to 198.51.100.1 and upwards in the
// order in which they appear.
func (t Trace) V4() Trace {
	known := map[netip.Addr]netip.Addr{}
	next := netip.AddrFrom4([4]byte{198, 51, 100, 0})
	return t.mapAddrs(func(a netip.Addr) netip.Addr {
		if a.Unmap().Is4() {
			return a.Unmap()
		}
		if six := a.As16(); [12]byte(six[:12]) == [12]byte{0x20, 0x01, 0x0d, 0xb8} && [4]byte(six[12:]) != [4]byte{} && six[12] != 0 {
			return netip.AddrFrom4([4]byte(six[12:]))
		}
		if _, ok := known[a]; !ok {
			next = next.Next()
			known[a] = next
		}
		return known[a]
	})
}

func (t Trace) mapAddrs(f func(netip.Addr) netip.Addr) Trace {
	out := t.Clone()
	for i := range out {
		s := &out[i]
		s.Client = netip.AddrPortFrom(f(s.Client.Addr()), s.Client.Port())
		s.Server = netip.AddrPortFrom(f(s.Server.Addr()), s.Server.Port())
	}
	return out
}

// UnfilledChecksums returns the trace as a capture on the server shows it,
// where the network card fills in the TCP checksums later.
func (t Trace) UnfilledChecksums() Trace {
	out := t.Clone()
	for i := range out {
		out[i].Unfilled = !out[i].FromClient
	}
	return out
}

// BadChecksums returns the trace with all TCP checksums wrong.
func (t Trace) BadChecksums() Trace {
	out := t.Clone()
	for i := range out {
		out[i].BadChecksum = true
	}
	return out
}
