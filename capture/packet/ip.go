package packet

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// IP protocol numbers that we follow.
const (
	protoHopByHop    = 0
	protoICMP        = 1
	protoIPv4        = 4
	protoTCP         = 6
	protoUDP         = 17
	protoIPv6        = 41
	protoRouting     = 43
	protoFragment    = 44
	protoGRE         = 47
	protoESP         = 50
	protoAH          = 51
	protoICMPv6      = 58
	protoDestination = 60
	protoIPIP        = 94
	protoEtherIP     = 97
	protoMobility    = 135
	protoMPLS        = 137
	protoHIP         = 139
	protoShim6       = 140
)

// protocol returns the step for an IP protocol, or for the next header of
// IPv6, and notes the tunnels that have no header of their own.
func (w *walk) protocol(p uint8) gopacket.LayerType {
	switch p {
	case protoTCP:
		return layers.LayerTypeTCP
	case protoUDP:
		return layers.LayerTypeUDP
	case protoIPv4, protoIPIP:
		w.tunnel(pathIPinIP, 0)
		return layers.LayerTypeIPv4
	case protoIPv6:
		w.tunnel(pathIPinIP, 0)
		return layers.LayerTypeIPv6
	case protoMPLS: // RFC 4023
		w.tunnel(pathMPLS, 0)
		return layers.LayerTypeMPLS
	case protoGRE:
		return layers.LayerTypeGRE
	case protoEtherIP:
		return layers.LayerTypeEtherIP
	case protoAH:
		return layers.LayerTypeIPSecAH
	case protoESP:
		return w.stop(Encrypted)
	}
	if w.v6 {
		switch p {
		case protoHopByHop:
			return layers.LayerTypeIPv6HopByHop
		case protoRouting:
			return layers.LayerTypeIPv6Routing
		case protoFragment:
			return layers.LayerTypeIPv6Fragment
		case protoDestination, protoMobility, protoHIP, protoShim6:
			return layers.LayerTypeIPv6Destination
		}
	}
	return w.stop(NotTCP)
}

// The IPv4 header (RFC 791 section 3.1).
const (
	ipv4Total    = 2
	ipv4Fragment = 6
	ipv4Protocol = 9
	ipv4Src      = 12
	ipv4Dst      = 16
	ipv4Header   = 20 // without options
)

// maxOffload bounds the packets whose length field is 0, for which the file
// is taken at its word. Linux makes none above 512 KiB.
const maxOffload = 1 << 20

func (w *walk) ipv4(data []byte) gopacket.LayerType {
	if !w.need(data, ipv4Header) {
		return done
	}
	header := int(data[0]&15) * 4
	if data[0]>>4 != 4 || header < ipv4Header {
		return w.stop(Malformed)
	}
	total := int(be16(data[ipv4Total:]))
	if total == 0 { // left so by segmentation offload
		if w.wire > maxOffload {
			return w.stop(Malformed)
		}
		total = w.wire
	}
	if total < header {
		return w.stop(Malformed)
	}
	if len(data) < header {
		return w.stop(CutShort)
	}
	// With the lengths checked, what can fail are the options, and the
	// fields are set before they are looked at.
	_ = w.ipv4Hdr.DecodeFromBytes(data, w.truncations)
	h := &w.ipv4Hdr
	w.src, w.dst, w.v6 = addr4(h.SrcIP), addr4(h.DstIP), false
	w.note(HeaderIPv4, data, header, total)
	w.pass(data, header)
	w.exactly(total - header)
	more := h.Flags&layers.IPv4MoreFragments != 0
	if h.FragOffset == 0 && !more {
		return w.protocol(uint8(h.Protocol))
	}
	return w.fragment(Fragment{
		ID: uint32(h.Id), Proto: uint8(h.Protocol), Offset: int(h.FragOffset) * 8, More: more,
	})
}

// fragment ends the walk with a fragment; f says what only its header knows.
func (w *walk) fragment(f Fragment) gopacket.LayerType {
	f.Src, f.Dst, f.V6 = w.src, w.dst, w.v6
	f.Path, f.Depth = w.path, w.depth
	f.Payload, f.Length = w.rest, w.wire
	w.frag = f
	w.note(FragmentPayload, w.rest, 0, w.wire)
	return w.stop(IsFragment)
}

func addr4(b []byte) (a Addr) {
	a.set4(b)
	return a
}

// set4 sets an IPv4 address, in words: a word that is read soon after its
// bytes were written one by one is waited for.
func (a *Addr) set4(b []byte) {
	binary.LittleEndian.PutUint64(a[:8], 0)
	binary.LittleEndian.PutUint64(a[8:], 0xffff<<16|uint64(binary.LittleEndian.Uint32(b))<<32)
}

// The IPv6 header (RFC 8200 section 3).
const (
	ipv6Length = 4
	ipv6Next   = 6
	ipv6Src    = 8
	ipv6Dst    = 24
	ipv6Header = 40
)

func (w *walk) ipv6(data []byte) gopacket.LayerType {
	if !w.need(data, ipv6Header) {
		return done
	}
	if data[0]>>4 != 6 {
		return w.stop(Malformed)
	}
	w.src, w.dst, w.v6 = Addr(data[ipv6Src:ipv6Dst]), Addr(data[ipv6Dst:ipv6Header]), true
	length := int(be16(data[ipv6Length:]))
	wire := w.wire
	if length > 0 {
		wire = ipv6Header + length
	}
	w.note(HeaderIPv6, data, ipv6Header, wire)
	w.pass(data, ipv6Header)
	w.offload = length == 0 // a jumbogram if a hop-by-hop option says so, else left so by segmentation offload
	if !w.offload {
		w.exactly(length)
	} else if w.wire > maxOffload {
		return w.stop(Malformed)
	}
	return w.protocol(data[ipv6Next])
}

const (
	optionPad1  = 0x00
	optionJumbo = 0xc2
)

func (w *walk) hopByHop(data []byte) gopacket.LayerType {
	n, ok := w.extension(data)
	if !ok {
		return done
	}
	options := data[2:n]
	w.note(HeaderOptions, data, n, w.wire)
	w.pass(data, n)
	for w.offload && len(options) > 0 {
		if options[0] == optionPad1 {
			options = options[1:]
			continue
		}
		if len(options) < 2 || len(options) < 2+int(options[1]) {
			return w.stop(Malformed)
		}
		if options[0] == optionJumbo {
			// RFC 2675 section 3: more than 65535, counted from after
			// the IPv6 header.
			if options[1] != 4 {
				return w.stop(Malformed)
			}
			jumbo := int64(be32(options[2:]))
			if jumbo <= 0xffff || jumbo > int64(n+w.wire) {
				return w.stop(Malformed)
			}
			w.limit(int(jumbo) - n)
			break
		}
		options = options[2+int(options[1]):]
	}
	return w.protocol(data[0])
}

// extension returns the length of an extension header of the common form,
// which is counted in units of 8 bytes, the first not included.
func (w *walk) extension(data []byte) (n int, ok bool) {
	if !w.need(data, 8) {
		return 0, false
	}
	n = 8 + int(data[1])*8
	return n, w.need(data, n)
}

// extension6 skips the destination options.
func (w *walk) extension6(data []byte) gopacket.LayerType {
	n, ok := w.extension(data)
	if !ok {
		return done
	}
	if w.extHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	w.note(HeaderOptions, data, n, w.wire)
	w.pass(data, n)
	return w.protocol(uint8(w.extHdr.NextHeader))
}

// The IPv6 routing header (RFC 8200 section 4.4) and its types.
const (
	routingType = 2
	routingLeft = 3
	routingList = 8 // the first address, in the types below

	routingSource  = 0 // RFC 2460: addresses in the order of visits
	routingMobile  = 2 // RFC 6275: the home address
	routingSegment = 4 // RFC 8754: addresses in reverse order
)

// routing skips a routing header. As long as segments are left, the packet
// is addressed to a station on its way; the connection's address, and that
// of the pseudo header, is the last of the list (RFC 8200 section 8.1).
func (w *walk) routing(data []byte) gopacket.LayerType {
	n, ok := w.extension(data)
	if !ok {
		return done
	}
	if addresses := (n - routingList) / 16; data[routingLeft] > 0 && addresses > 0 {
		switch data[routingType] {
		case routingSource:
			w.dst = Addr(data[routingList+16*(addresses-1):])
		case routingMobile, routingSegment:
			w.dst = Addr(data[routingList:])
		}
	}
	w.note(HeaderRouting, data, n, w.wire)
	w.pass(data, n)
	return w.protocol(data[0])
}

// The IPv6 fragment header (RFC 8200 section 4.5).
const (
	fragmentOffset = 2
	fragmentID     = 4
	fragmentHeader = 8
)

func (w *walk) fragment6(data []byte) gopacket.LayerType {
	if !w.need(data, fragmentHeader) {
		return done
	}
	w.advance(data, fragmentHeader)
	offset := be16(data[fragmentOffset:])
	if offset&0xfff9 == 0 { // RFC 6946: an atomic fragment is a whole datagram
		return w.protocol(data[0])
	}
	return w.fragment(Fragment{
		ID: be32(data[fragmentID:]), Proto: data[0], Offset: int(offset &^ 7), More: offset&1 != 0,
	})
}

// authentication skips an authentication header (RFC 4302 section 2.2),
// whose length is counted in units of 4 bytes, two not included.
func (w *walk) authentication(data []byte) gopacket.LayerType {
	if !w.need(data, 12) {
		return done
	}
	n := (int(data[1]) + 2) * 4
	if n < 12 {
		return w.stop(Malformed)
	}
	if !w.need(data, n) {
		return done
	}
	w.advance(data, n)
	return w.protocol(data[0])
}
