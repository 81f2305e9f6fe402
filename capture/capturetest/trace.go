package capturetest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"popscope/capture/packet"
)

// The control bits of Segment.Flags, as package packet names them.
const (
	fin = uint8(packet.FIN)
	syn = uint8(packet.SYN)
	rst = uint8(packet.RST)
	psh = uint8(packet.PSH)
	ack = uint8(packet.ACK)
)

// Segment is one TCP segment of a Trace.
type Segment struct {
	Conn           int  // which connection, from 0; two on the same addresses and ports have different numbers
	FromClient     bool // who sent it
	Client, Server netip.AddrPort
	Seq, Ack       uint32 // Ack is valid iff Flags has ACK
	Flags          uint8  // the bits of packet.Flags
	Window         uint16 // as sent, unscaled
	Options        []byte // TCP options, padded to a multiple of four
	Payload        []byte // the captured bytes
	Cut            int    // payload bytes that follow Payload on the wire but were not captured
	Nanos          int64  // capture time, nanoseconds since 1970-01-01 UTC
	BadChecksum    bool   // sent with a TCP checksum that is wrong
	Unfilled       bool   // its TCP checksum was left to the network card
}

// Has reports whether all bits of flags are set.
func (s *Segment) Has(flags packet.Flags) bool { return s.Flags&uint8(flags) == uint8(flags) }

// String returns the segment in one line, for messages of tests:
//
//	0 C>S PSH|ACK seq=1000000001 ack=3000000018 win=502 "USER alice\r\n"
func (s Segment) String() string {
	var b strings.Builder
	dir := "S>C"
	if s.FromClient {
		dir = "C>S"
	}
	fmt.Fprintf(&b, "%d %s ", s.Conn, dir)
	sep := ""
	for _, f := range []struct {
		bit  uint8
		name string
	}{{syn, "SYN"}, {fin, "FIN"}, {rst, "RST"}, {psh, "PSH"}, {ack, "ACK"}} {
		if s.Flags&f.bit != 0 {
			b.WriteString(sep + f.name)
			sep = "|"
		}
	}
	fmt.Fprintf(&b, " seq=%d ack=%d win=%d", s.Seq, s.Ack, s.Window)
	if len(s.Payload) > 0 {
		fmt.Fprintf(&b, " %q", s.Payload)
	}
	if s.Cut > 0 {
		fmt.Fprintf(&b, " cut=%d", s.Cut)
	}
	if s.BadChecksum {
		b.WriteString(" bad checksum")
	}
	if s.Unfilled {
		b.WriteString(" unfilled checksum")
	}
	return b.String()
}

// dataSeq returns the sequence number of the first payload byte: a SYN
// stands before it (RFC 9293 section 3.4).
func (s *Segment) dataSeq() uint32 {
	if s.Flags&syn != 0 {
		return s.Seq + 1
	}
	return s.Seq
}

// end returns the sequence number after the segment.
func (s *Segment) end() uint32 {
	n := s.dataSeq() + uint32(len(s.Payload)+s.Cut)
	if s.Flags&fin != 0 {
		n++
	}
	return n
}

// src and dst return the addresses as they stand in the IP header.
func (s *Segment) src() netip.AddrPort {
	if s.FromClient {
		return s.Client
	}
	return s.Server
}

func (s *Segment) dst() netip.AddrPort {
	if s.FromClient {
		return s.Server
	}
	return s.Client
}

// Trace is what a capture holds, as TCP segments in the order of the
// capture. Its methods leave it as it is; the Trace they return shares no
// memory with it.
type Trace []Segment

// Clone returns a copy that shares no memory with t.
func (t Trace) Clone() Trace {
	out := make(Trace, len(t))
	for i, s := range t {
		out[i] = s.clone()
	}
	return out
}

func (s Segment) clone() Segment {
	s.Payload = bytes.Clone(s.Payload)
	s.Options = bytes.Clone(s.Options)
	return s
}

// Bytes returns the number of payload bytes captured in all segments.
func (t Trace) Bytes() int {
	n := 0
	for i := range t {
		n += len(t[i].Payload)
	}
	return n
}

// Conns returns the number of connections: one more than the highest
// Segment.Conn.
func (t Trace) Conns() int {
	n := 0
	for i := range t {
		n = max(n, t[i].Conn+1)
	}
	return n
}

// Stream returns the bytes of one direction of a connection: the payloads
// put together by their sequence numbers, the first copy of each byte,
// without the bytes that the trace lacks. It is the plain reference that a
// reassembler is compared with, simple, and good for streams below 1 GiB.
func (t Trace) Stream(conn int, fromClient bool) []byte {
	base, known := t.base(conn, fromClient)
	if !known {
		return nil
	}
	// Bytes by their offset, in pages so that a stray sequence number does
	// not cost a gigabyte; 0 is a byte that is missing, others are one up.
	const size = 4096
	pages := map[int64]*[size]uint16{}
	for i := range t {
		s := &t[i]
		if s.Conn != conn || s.FromClient != fromClient {
			continue
		}
		off := int64(int32(s.dataSeq() - base))
		for _, b := range s.Payload {
			page := pages[off/size]
			if page == nil {
				page = new([size]uint16)
				pages[off/size] = page
			}
			if off >= 0 && page[off%size] == 0 {
				page[off%size] = uint16(b) + 1
			}
			off++
		}
	}
	var out []byte
	for _, n := range slices.Sorted(maps.Keys(pages)) {
		for _, b := range pages[n] {
			if b != 0 {
				out = append(out, byte(b-1))
			}
		}
	}
	return out
}

// base returns the sequence number of a direction's first byte: the one
// after its SYN, or else the lowest one seen of a segment with data that
// does not look like a keep-alive.
func (t Trace) base(conn int, fromClient bool) (uint32, bool) {
	base, known := uint32(0), false
	for i := range t {
		s := &t[i]
		if s.Conn != conn || s.FromClient != fromClient {
			continue
		}
		switch {
		case s.Flags&syn != 0:
			return s.Seq + 1, true
		case len(s.Payload) > 0 && (!known || int32(s.Seq-base) < 0):
			base, known = s.Seq, true
		}
	}
	return base, known
}

// Delay returns the trace with all capture times moved by d.
func (t Trace) Delay(d time.Duration) Trace {
	out := t.Clone()
	for i := range out {
		out[i].Nanos += int64(d)
	}
	return out
}

// Readdress returns the trace with the ends of one connection replaced.
func (t Trace) Readdress(conn int, client, server netip.AddrPort) Trace {
	out := t.Clone()
	for i := range out {
		if out[i].Conn == conn {
			out[i].Client, out[i].Server = client, server
		}
	}
	return out
}

// Rebase returns the trace with all sequence numbers moved: those of the
// clients by client, those of the servers by server, and the
// acknowledgements with them. It takes streams over the wrap at 2^32.
func (t Trace) Rebase(client, server uint32) Trace {
	out := t.Clone()
	for i := range out {
		s := &out[i]
		own, peer := server, client
		if s.FromClient {
			own, peer = client, server
		}
		s.Seq += own
		if s.Flags&ack != 0 {
			s.Ack += peer
		}
	}
	return out
}

// Merge returns several traces as one, in the order of their capture
// times; segments with equal times keep the order of the arguments.
// Connections are numbered anew: those of the first trace, then those of
// the second, and so on. Traces that share addresses and ports should be
// moved apart first, with Readdress or Delay.
func Merge(traces ...Trace) Trace {
	var out Trace
	first := 0
	for _, t := range traces {
		for _, s := range t {
			s = s.clone()
			s.Conn += first
			out = append(out, s)
		}
		first += t.Conns()
	}
	slices.SortStableFunc(out, func(a, b Segment) int { return cmp.Compare(a.Nanos, b.Nanos) })
	return out
}
