package sanitize

import (
	"slices"

	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// maxParts bounds the fragments in memory whose datagram is not complete;
// those of the oldest datagram are overwritten beyond it. The analysis
// waits for 4096 datagrams.
const maxParts = 16 << 10

// fragKey is what fragments of a datagram have in common, as for the
// Defragmenter.
type fragKey struct {
	src, dst packet.Addr
	path     uint64
	id       uint32
	proto    uint8
	v6       bool
}

// datagram gathers the frames of an incomplete datagram.
type datagram struct {
	key    fragKey
	first  int64 // time of the first fragment
	frames []*frame
	at     []int // offset of each in the datagram
	over   bool
}

// fragment takes the fragment in s.frag, which fr holds.
func (s *Sanitizer) fragment(fr *frame) {
	f := s.frag
	key := fragKey{f.Src, f.Dst, f.Path, f.ID, f.Proto, f.V6}
	if f.V6 {
		key.proto = 0
	}
	d := s.parts[key]
	if d != nil && fr.nanos-d.first > int64(reassembly.DefaultFragmentTimeout) {
		s.giveUp(d)
		d = nil
	}
	if d == nil {
		d = &datagram{key: key, first: fr.nanos}
		s.parts[key] = d
		s.order = append(s.order, d)
	}
	d.frames, d.at = append(d.frames, fr), append(d.at, f.Offset)
	s.fragments++
	payload, length, done := s.frags.Add(&f, stream.Stamp{Packet: fr.num, Nanos: fr.nanos})
	if !done {
		s.shed()
		return
	}
	delete(s.parts, key)
	d.over = true
	s.fragments -= len(d.frames)
	whole := s.newFrame()
	var v packet.Verdict
	v, whole.headers = s.dec.DatagramHeaders(&f, payload, length, &s.seg, &s.frag, whole.headers)
	whole.begin(&s.pool, payload)
	whole.num, whole.nanos = fr.num, fr.nanos
	for i, p := range d.frames {
		at, n, _ := p.fragment()
		n = min(n, len(payload)-d.at[i])
		if n > 0 {
			whole.parts = append(whole.parts, part{in: p, at: at, from: d.at[i], n: n})
		}
		whole.records = p.appendRecords(whole.records)
		if n <= 0 {
			s.put(p)
		}
	}
	d.frames = nil
	s.addrs.headers(whole)
	if len(whole.parts) == 0 {
		return
	}
	s.decoded(whole, v)
}

// shed overwrites the oldest fragments when there are too many.
func (s *Sanitizer) shed() {
	if len(s.order) > 2*len(s.parts)+1024 {
		s.order = slices.DeleteFunc(s.order, func(d *datagram) bool { return d.over })
	}
	for s.fragments > maxParts {
		d := s.order[0]
		s.order = s.order[1:]
		if !d.over {
			s.stats.Unread += int64(len(d.frames))
			s.giveUp(d)
		}
	}
}

// giveUp writes the fragments of a datagram that will not be complete.
func (s *Sanitizer) giveUp(d *datagram) {
	for _, fr := range d.frames {
		s.put(fr)
	}
	delete(s.parts, d.key)
	s.fragments -= len(d.frames)
	d.over, d.frames = true, nil
}
