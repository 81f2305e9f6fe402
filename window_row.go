package popscope

import (
	"slices"

	"popscope/capture/packet"
	"popscope/reassembly"
)

// readiness says whether a row can be handed on.
type readiness uint8

const (
	waits   readiness = iota // for what it is
	shown                    // it can
	dropped                  // it is no part of a POP3 connection
)

func (r *row) ready() readiness {
	switch {
	case r.gone:
		return dropped
	case r.leader != nil:
		if r.leader.gone {
			return dropped
		}
		return r.leader.ready()
	case r.flow == nil:
		return waits
	}
	switch r.flow.state() {
	case undecided:
		return waits
	case isOther:
		return dropped
	}
	if !r.known {
		r.flow.place()
	}
	if r.known && !r.opening && r.untold == 0 || r.flow.over {
		return shown
	}
	return waits
}

// force makes the most of a row that cannot wait, and reports whether it is
// to be handed on.
func (r *row) force() bool {
	if r.leader != nil {
		return !r.leader.gone && r.leader.force()
	}
	if r.flow == nil {
		return false
	}
	if is := r.flow.state(); is != isPOP3 && is != isTLS {
		return false
	}
	if t, ok := r.flow.conn.Owner.(*track); ok && t.parser != nil {
		t.parser.Explain()
	}
	r.flow.place()
	if !r.known {
		r.flow.forceRow(r)
	}
	if r.opening {
		side := &r.flow.side[r.From]
		r.TLS, r.opening, side.opening = side.recordsOf(r), false, without(side.opening, r)
	}
	return true
}

// forceRow resolves a row that waits with what there is.
func (f *flow) forceRow(r *row) {
	for i := range f.unplaced {
		if f.unplaced[i] == r {
			f.unplaced = append(f.unplaced[:i], f.unplaced[i+1:]...)
			r.known = true // and that is all
			return
		}
	}
	if slices.Contains(f.strays, r) {
		f.strays = without(f.strays, r)
		r.known = true
		return
	}
	side := &f.side[r.From]
	side.waiting = without(side.waiting, r)
	f.resolve(r)
}

// finish fills in what the row says for itself.
func (r *row) finish(w *window) {
	r.CaptureStart = w.a.in.start
	if r.leader != nil {
		r.finishFragment(w)
		return
	}
	f := r.flow
	r.Session, r.Conn = f.id, f.conn
	s := &r.Segment
	for _, n := range [...]struct {
		is   bool
		note PacketNote
	}{
		{r.fate.Has(reassembly.Retransmitted), Retransmission},
		{r.fate.Has(reassembly.Overlapping) && !r.fate.Has(reassembly.Retransmitted), PartlySeen},
		{r.fate.Has(reassembly.OutOfOrder), OutOfOrder},
		{r.Gap > 0, GapBefore},
		{r.fate.Has(reassembly.KeepAlive), KeepAlive},
		{s.Window == 0 && s.Flags&(packet.SYN|packet.RST|packet.FIN|packet.ACK) == packet.ACK, ZeroWindow},
		{r.fate.Has(reassembly.Differs), Conflicting},
		{r.fate.Has(reassembly.OutOfWindow), OutOfWindow},
		{r.fate.Has(reassembly.Late | reassembly.Stray), AfterEnd},
		{s.BadChecksum && !s.Unfilled, BadChecksum},
		{s.BadChecksum && s.Unfilled, Unfilled},
		{s.Length > len(s.Payload), CutBySnaplen},
	} {
		if n.is {
			r.Notes.Add(n.note)
		}
	}
	if r.fate.Has(reassembly.KeepAlive) {
		r.Notes &^= 1<<DuplicateAck | 1<<WindowUpdate | 1<<Retransmission
	}
	if r.fate.Has(reassembly.Differs) {
		r.First = r.fate.First.Packet
	}
	r.joinInside()
	r.mask(w, r)
}

// finishFragment fills in what a fragment says for itself.
func (r *row) finishFragment(w *window) {
	l := r.leader
	r.Session, r.Conn, r.From = l.flow.id, l.flow.conn, l.From
	r.Segment.Src, r.Segment.Dst = l.Segment.Src, l.Segment.Dst
	r.mask(w, l)
}
