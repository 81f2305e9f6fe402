package capturetest

import "fmt"

// This file holds what takes bytes away or changes them: losses, captures
// that see too little, and senders that contradict themselves.

// Drop returns the trace without packet i, from 0.
func (t Trace) Drop(i int) Trace {
	t.check("Drop", i)
	return t.DropPackets(func(j int, _ Segment) bool { return i == j })
}

// DropPackets returns the trace without the packets that f says yes to; i
// counts from 0.
func (t Trace) DropPackets(f func(i int, s Segment) bool) Trace {
	out := make(Trace, 0, len(t))
	for i, s := range t {
		if !f(i, s) {
			out = append(out, s.clone())
		}
	}
	return out
}

// DropSome returns the trace without about percent of its packets.
func (t Trace) DropSome(seed uint64, percent int) Trace {
	r := random(seed)
	return t.DropPackets(func(int, Segment) bool { return r.IntN(100) < percent })
}

// OneSide returns what a capture holds that sees one direction only: the
// clients' packets or the servers'.
func (t Trace) OneSide(client bool) Trace {
	return t.DropPackets(func(_ int, s Segment) bool { return s.FromClient != client })
}

// FromMiddle returns the trace from packet i on, from 0 to len(t).
func (t Trace) FromMiddle(i int) Trace {
	if i < 0 || i > len(t) {
		panic(fmt.Sprintf("capturetest: FromMiddle(%d) of %d packets", i, len(t)))
	}
	return t[i:].Clone()
}

// CutPayload returns the trace with all but the first n payload bytes of
// each packet cut off by the capture's snapshot length.
func (t Trace) CutPayload(n int) Trace {
	if n < 0 {
		panic(fmt.Sprintf("capturetest: CutPayload(%d)", n))
	}
	out := t.Clone()
	for i := range out {
		s := &out[i]
		if over := len(s.Payload) - n; over > 0 {
			s.Payload = s.Payload[:n]
			s.Cut += over
		}
	}
	return out
}

// RetransmitChanged returns the trace with a second copy of packet i right
// after it, whose payload was given to change.
func (t Trace) RetransmitChanged(i int, change func(payload []byte)) Trace {
	t.check("RetransmitChanged", i)
	out := make(Trace, 0, len(t)+1)
	for j, s := range t {
		out = append(out, s.clone())
		if i == j {
			again := s.clone()
			change(again.Payload)
			out = append(out, again)
		}
	}
	return out
}

func (t Trace) check(name string, i int) {
	if i < 0 || i >= len(t) {
		panic(fmt.Sprintf("capturetest: %s(%d) of %d packets", name, i, len(t)))
	}
}
