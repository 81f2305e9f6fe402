package capturetest

import (
	"net/netip"
)

const (
	ipv4Min  = 20
	ipv6Min  = 40
	fragHead = 8
)

// IPOptions vary an IP header. The zero value is a plain one.
type IPOptions struct {
	MTU     int      // fragments of at most so many bytes, IP header and all; 0 means none. IPv4 wants 28, IPv6 56
	Reverse bool     // the fragments in the opposite order
	Options []byte   // IPv4 only: header options, a multiple of four bytes
	Headers []Header // IPv6 only: extension headers; those before the fragment header are in each fragment
}

// Header is an IPv6 extension header of the common shape: next header,
// length, and data.
type Header struct {
	Proto uint8
	Data  []byte // after the first two bytes; with them a multiple of eight
}

// IP puts the IP header around a TCP segment that belongs to the
// addresses' family.
func IP(o IPOptions) Layer {
	return func(f Frame) []Frame { return ipFrames(f, f.Src, f.Dst, o) }
}

// Tunnel puts an outer IP header around a packet: IPv4 if v6 is false.
func Tunnel(v6 bool, o IPOptions) Layer {
	a, b := netip.AddrFrom4([4]byte{192, 0, 2, 201}), netip.AddrFrom4([4]byte{192, 0, 2, 202})
	if v6 {
		a, b = netip.MustParseAddr("2001:db8:ffff::1"), netip.MustParseAddr("2001:db8:ffff::2")
	}
	return func(f Frame) []Frame {
		src, dst := ends(&f, a, b)
		return ipFrames(f, src, dst, o)
	}
}

func ipFrames(f Frame, src, dst netip.Addr, o IPOptions) []Frame {
	if src.Is4() {
		return ipv4(f, src, dst, o)
	}
	return ipv6(f, src, dst, o)
}

func ipv4(f Frame, src, dst netip.Addr, o IPOptions) []Frame {
	head := ipv4Min + len(o.Options)
	pieces := fragments(f, o, head)
	for i := range pieces {
		p := &pieces[i]
		h := make([]byte, head)
		h[0] = 0x40 | byte(head/4)
		be.PutUint16(h[2:], uint16(head+len(p.f.Data)))
		be.PutUint16(h[4:], f.ID)
		switch {
		case len(pieces) == 1:
			be.PutUint16(h[6:], 0x4000) // do not fragment
		case p.more:
			be.PutUint16(h[6:], 0x2000|uint16(p.off/8))
		default:
			be.PutUint16(h[6:], uint16(p.off/8))
		}
		h[8] = hops(&f)
		h[9] = f.Next.IPProto
		copy(h[12:], src.AsSlice())
		copy(h[16:], dst.AsSlice())
		copy(h[ipv4Min:], o.Options)
		be.PutUint16(h[10:], fold(sum(0, h)))
		p.f = p.f.before(h, nextIPv4)
	}
	return inOrder(pieces, o)
}

func ipv6(f Frame, src, dst netip.Addr, o IPOptions) []Frame {
	const fragment = 44
	// The headers from the last to the first, each naming the one after it.
	extend := func(f Frame, proto uint8) (Frame, uint8) {
		for i := len(o.Headers) - 1; i >= 0; i-- {
			h := append([]byte{proto, byte((2+len(o.Headers[i].Data))/8 - 1)}, o.Headers[i].Data...)
			f, proto = f.before(h, nextNothing), o.Headers[i].Proto
		}
		return f, proto
	}
	extra := 0
	for _, h := range o.Headers {
		extra += 2 + len(h.Data)
	}
	pieces := fragments(f, o, ipv6Min+extra+fragHead)
	for i := range pieces {
		p := &pieces[i]
		proto := f.Next.IPProto
		if len(pieces) > 1 {
			h := make([]byte, fragHead)
			h[0] = proto
			be.PutUint16(h[2:], uint16(p.off))
			if p.more {
				h[3] |= 1
			}
			be.PutUint32(h[4:], 0xf0000000|uint32(f.ID))
			p.f, proto = p.f.before(h, nextNothing), fragment
		}
		p.f, proto = extend(p.f, proto)
		h := make([]byte, ipv6Min)
		h[0] = 0x60
		be.PutUint16(h[4:], uint16(len(p.f.Data)))
		h[6], h[7] = proto, hops(&f)
		copy(h[8:], src.AsSlice())
		copy(h[24:], dst.AsSlice())
		p.f = p.f.before(h, nextIPv6)
	}
	return inOrder(pieces, o)
}

// hops is the time to live: the capture stands beside the client.
func hops(f *Frame) byte {
	ttl, _ := ends(f, byte(64), byte(57))
	return ttl
}

// piece is one fragment of a datagram.
type piece struct {
	f    Frame
	off  int
	more bool
}

// fragments cuts a datagram's payload so that each piece fits into the
// MTU with its headers. Offsets are multiples of eight (RFC 791 section
// 3.2, RFC 8200 section 4.5).
func fragments(f Frame, o IPOptions, head int) []piece {
	all := len(f.Data)
	if o.MTU == 0 || all+head <= o.MTU {
		return []piece{{f: f}}
	}
	size := max((o.MTU-head)/8*8, 8)
	captured := all - f.Cut
	var out []piece
	for off := 0; off < all; off += size {
		end := min(off+size, all)
		p := piece{f: f, off: off, more: end < all}
		p.f.Data = f.Data[off:end:end]
		p.f.Cut = min(max(end-captured, 0), end-off)
		out = append(out, p)
	}
	return out
}

func inOrder(pieces []piece, o IPOptions) []Frame {
	out := make([]Frame, len(pieces))
	for i, p := range pieces {
		if o.Reverse {
			i = len(pieces) - 1 - i
		}
		out[i] = p.f
	}
	return out
}

// UDP puts a UDP header around a packet, for tunnels inside of it. The
// checksum is that of the tunnel's outer IPv4: none.
func UDP(port uint16) Layer {
	return header(nextUDP, func(f *Frame) []byte {
		h := make([]byte, 8)
		be.PutUint16(h[0:], 0xc000|f.ID&0x3ff)
		be.PutUint16(h[2:], port)
		be.PutUint16(h[4:], uint16(8+len(f.Data)))
		return h
	})
}
