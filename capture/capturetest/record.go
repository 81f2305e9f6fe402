package capturetest

import (
	"errors"
	"io"
	"slices"

	"popscope/capture"
	"popscope/capture/packet"
)

// FromSource reads a capture to its end and returns its TCP segments as a
// Trace, so that what was recorded can be mutated like a dialog. Packets
// that hold no TCP are left out; fragments are put together, without
// limits, so give it captures that can be trusted. Options are not
// recovered, and VLANs and tunnels keep connections apart but are not kept
// themselves.
//
// The client is who sent a SYN, or who was sent a SYN-ACK; without either,
// the end with the higher port. A SYN with another sequence number begins
// a new connection on the same addresses and ports.
//
// Damage in the capture is returned with the segments around it.
func FromSource(src capture.Source) (Trace, error) {
	r := recorder{dec: packet.NewDecoder(), open: map[pair]int{}, waiting: map[fragmentKey]*datagram{}}
	var damage []error
	for {
		var p capture.Packet
		err := src.Next(&p)
		var format *capture.FormatError
		switch {
		case err == io.EOF:
			return r.trace(), errors.Join(damage...)
		case errors.As(err, &format):
			damage = append(damage, err)
		case err != nil:
			return r.trace(), errors.Join(append(damage, err)...)
		default:
			r.packet(&p)
		}
	}
}

// pair names the two ends of a connection, in an order of its own.
type pair struct {
	low, high packet.Endpoint
	path      uint64
}

// recorded is a segment whose connection's client is not known yet.
type recorded struct {
	conn     int
	src, dst packet.Endpoint
	seg      Segment
}

// recordedConn is what was learned of a connection.
type recordedConn struct {
	isn    uint32
	syn    bool            // a SYN without ACK was seen; isn is valid
	client packet.Endpoint // valid iff known
	known  bool            // a SYN or SYN-ACK told
}

type recorder struct {
	dec     *packet.Decoder
	open    map[pair]int
	conns   []recordedConn
	segs    []recorded
	waiting map[fragmentKey]*datagram
}

func (r *recorder) packet(p *capture.Packet) {
	var s packet.Segment
	var f packet.Fragment
	v := r.dec.Decode(p, &s, &f)
	for v == packet.IsFragment {
		payload, length, whole := r.fragment(&f)
		if !whole {
			return
		}
		v = r.dec.Datagram(&f, payload, length, &s, &f)
	}
	if v == packet.IsSegment {
		r.segment(&s, p.Nanos)
	}
}

func (r *recorder) segment(s *packet.Segment, nanos int64) {
	key := pair{s.Src, s.Dst, s.Path}
	if before(s.Dst, s.Src) {
		key = pair{s.Dst, s.Src, s.Path}
	}
	opens := s.Flags&(packet.SYN|packet.ACK) == packet.SYN
	i, known := r.open[key]
	if !known || opens && r.conns[i].syn && r.conns[i].isn != s.Seq {
		i = len(r.conns)
		r.conns = append(r.conns, recordedConn{})
		r.open[key] = i
	}
	c := &r.conns[i]
	switch {
	case opens:
		*c = recordedConn{isn: s.Seq, syn: true, client: s.Src, known: true}
	case s.Flags&packet.SYN != 0 && !c.known:
		c.client, c.known = s.Dst, true
	}
	r.segs = append(r.segs, recorded{i, s.Src, s.Dst, Segment{
		Conn: i, Seq: s.Seq, Ack: s.Ack, Flags: uint8(s.Flags), Window: s.Window,
		Payload: append([]byte(nil), s.Payload...), Cut: s.Length - len(s.Payload),
		Nanos: nanos, BadChecksum: s.BadChecksum && !s.Unfilled, Unfilled: s.BadChecksum && s.Unfilled,
	}})
}

func before(a, b packet.Endpoint) bool {
	for i := range a.Addr {
		if a.Addr[i] != b.Addr[i] {
			return a.Addr[i] < b.Addr[i]
		}
	}
	return a.Port < b.Port
}

// trace returns the segments, now that it is known who the clients are.
func (r *recorder) trace() Trace {
	out := make(Trace, len(r.segs))
	for i, s := range r.segs {
		c := &r.conns[s.conn]
		if !c.known {
			c.client, c.known = s.src, true
			if s.src.Port < s.dst.Port {
				c.client = s.dst
			}
		}
		s.seg.FromClient = s.src == c.client
		s.seg.Client, s.seg.Server = s.dst.AddrPort(), s.src.AddrPort()
		if s.seg.FromClient {
			s.seg.Client, s.seg.Server = s.seg.Server, s.seg.Client
		}
		out[i] = s.seg
	}
	return out
}

// fragmentKey tells datagrams apart (RFC 791 section 3.2; RFC 8200 section
// 4.5 leaves the protocol out).
type fragmentKey struct {
	src, dst packet.Addr
	path     uint64
	id       uint32
	proto    uint8 // 0 for IPv6
	v6       bool
}

// datagram is one that waits for its missing fragments.
type datagram struct {
	first  packet.Fragment // the one at offset 0; says what the payload is
	data   []byte
	sent   []bool // was in a fragment
	seen   []bool // and was captured
	length int    // -1 until the last fragment has come
}

// fragment adds f to its datagram. When that is whole, f becomes its first
// fragment, and fragment returns what was captured of the payload up to the
// first hole, and how long the payload is.
func (r *recorder) fragment(f *packet.Fragment) (payload []byte, length int, whole bool) {
	key := fragmentKey{f.Src, f.Dst, f.Path, f.ID, f.Proto, f.V6}
	if f.V6 {
		key.proto = 0
	}
	d := r.waiting[key]
	if d == nil {
		d = &datagram{length: -1}
		r.waiting[key] = d
	}
	end := f.Offset + max(f.Length, len(f.Payload))
	if over := end - len(d.data); over > 0 {
		d.data = append(d.data, make([]byte, over)...)
		d.sent = append(d.sent, make([]bool, over)...)
		d.seen = append(d.seen, make([]bool, over)...)
	}
	for i := f.Offset; i < end; i++ {
		d.sent[i] = true
	}
	for i, b := range f.Payload {
		if at := f.Offset + i; !d.seen[at] {
			d.data[at], d.seen[at] = b, true
		}
	}
	if f.Offset == 0 {
		d.first = *f
	}
	if !f.More {
		d.length = end
	}
	if d.length < 0 || len(d.sent) != d.length || slices.Contains(d.sent, false) {
		return nil, 0, false
	}
	delete(r.waiting, key)
	*f = d.first
	if hole := slices.Index(d.seen, false); hole >= 0 {
		return d.data[:hole], d.length, true
	}
	return d.data, d.length, true
}
