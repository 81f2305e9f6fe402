package capturetest

import (
	"encoding/binary"
	"net/netip"
)

// Frame is a packet while headers are put around it.
type Frame struct {
	Data []byte
	Cut  int // bytes at the end of Data that the snapshot length takes away
	Next Next

	FromClient bool
	Src, Dst   netip.Addr // of the TCP segment's IP header
	ID         uint16     // IP identification: grows by one with each segment of a sender
}

// Next names what Frame.Data begins with, in the number spaces of the
// headers that may come before it. A field is zero where there is no such
// number.
type Next struct {
	EtherType uint16
	IPProto   uint8
	PPP       uint16
}

// What the layers of this package make.
var (
	nextTCP      = Next{IPProto: 6}
	nextUDP      = Next{IPProto: 17}
	nextIPv4     = Next{EtherType: 0x0800, IPProto: 4, PPP: 0x0021}
	nextIPv6     = Next{EtherType: 0x86dd, IPProto: 41, PPP: 0x0057}
	nextGRE      = Next{IPProto: 47}
	nextMPLS     = Next{EtherType: 0x8847, IPProto: 137, PPP: 0x0281}
	nextPPPoE    = Next{EtherType: 0x8864}
	nextEthernet = Next{EtherType: 0x6558, IPProto: 143} // transparent Ethernet bridging
	nextNothing  = Next{}
)

// Layer puts a header around a frame. One that fragments returns several.
// It may change f.Data, which it owns.
type Layer func(f Frame) []Frame

// Stack returns the layers as one; they are written from the outside in,
// as on the wire: Stack(Ethernet(), VLAN(0x8100, 7), IP(IPOptions{})).
func Stack(outside ...Layer) Layer {
	return func(f Frame) []Frame {
		frames := []Frame{f}
		for i := len(outside) - 1; i >= 0; i-- {
			var wrapped []Frame
			for _, f := range frames {
				wrapped = append(wrapped, outside[i](f)...)
			}
			frames = wrapped
		}
		return frames
	}
}

// before puts a header in front of f.
func (f Frame) before(header []byte, next Next) Frame {
	f.Data = append(header[:len(header):len(header)], f.Data...)
	f.Next = next
	return f
}

// after puts a trailer behind f. Where the snapshot length cut f, it cuts
// all of the trailer.
func (f Frame) after(trailer []byte) Frame {
	f.Data = append(f.Data[:len(f.Data):len(f.Data)], trailer...)
	if f.Cut > 0 {
		f.Cut += len(trailer)
	}
	return f
}

// header returns a Layer that puts the result of make in front.
func header(next Next, make func(f *Frame) []byte) Layer {
	return func(f Frame) []Frame { return []Frame{f.before(make(&f), next)} }
}

var be = binary.BigEndian

// ends returns a for what the client sends and b for what the server
// sends, then the other one: source and destination.
func ends[T any](f *Frame, a, b T) (src, dst T) {
	if f.FromClient {
		return a, b
	}
	return b, a
}

// sum adds b up in 16-bit words, in one's complement arithmetic to be
// folded later (RFC 1071).
func sum(start uint32, b []byte) uint32 {
	for len(b) > 1 {
		start += uint32(be.Uint16(b))
		start = start&0xffff + start>>16
		b = b[2:]
	}
	if len(b) == 1 {
		start += uint32(b[0]) << 8
	}
	return start&0xffff + start>>16
}

func fold(s uint32) uint16 {
	s = s&0xffff + s>>16
	s = s&0xffff + s>>16
	return ^uint16(s)
}

// pseudo is the sum over the pseudo header (RFC 9293 section 3.1, RFC 8200
// section 8.1).
func pseudo(src, dst netip.Addr, proto uint8, length int) uint32 {
	s := sum(0, src.AsSlice())
	s = sum(s, dst.AsSlice())
	return sum(s, []byte{0, proto, byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)})
}

// tcp returns the segment with its header; the bytes that were not
// captured are zero.
func tcp(s *Segment, src, dst netip.Addr) []byte {
	const fixed = 20
	head := fixed + (len(s.Options)+3)/4*4
	b := make([]byte, head, head+len(s.Payload)+s.Cut)
	be.PutUint16(b[0:], s.src().Port())
	be.PutUint16(b[2:], s.dst().Port())
	be.PutUint32(b[4:], s.Seq)
	be.PutUint32(b[8:], s.Ack)
	b[12] = byte(head / 4 << 4)
	b[13] = s.Flags
	be.PutUint16(b[14:], s.Window)
	copy(b[fixed:], s.Options)
	b = append(b, s.Payload...)
	b = append(b, make([]byte, s.Cut)...)
	check := fold(sum(pseudo(src, dst, 6, len(b)), b))
	if s.BadChecksum {
		check ^= 0x5555
	}
	if s.Unfilled {
		check = ^fold(pseudo(src, dst, 6, len(b)))
	}
	be.PutUint16(b[16:], check)
	return b
}
