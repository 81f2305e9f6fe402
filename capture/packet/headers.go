package packet

import "popscope/capture"

// HeaderKind says which header a Header is.
type HeaderKind uint8

// The headers that hold addresses or checksums, and what stands behind all
// headers.
const (
	HeaderEthernet  HeaderKind = iota // also the addresses of an 802.11 subframe
	HeaderSLL                         // Linux cooked
	HeaderPFLOG                       // of the BSDs' pf log
	HeaderNFLOG                       // of Linux's netfilter log, up to the packet
	HeaderPKTAP                       // of macOS
	HeaderSLL2                        // Linux cooked, version 2
	Header80211                       // IEEE 802.11, behind radiotap
	HeaderIPv4                        // with its options
	HeaderIPv6                        // without extension headers
	HeaderRouting                     // the IPv6 routing header
	HeaderOptions                     // the hop-by-hop or destination options of IPv6
	HeaderGRE                         // with its optional fields
	HeaderUDP                         // of a tunnel, or of anything else
	HeaderTZSP                        // with its tagged fields
	HeaderTCP                         // with its options
	HeaderOther                       // any other header: labels, tunnels, extensions
	FragmentPayload                   // of an IP fragment, which is no header any more
)

// Header is one header of a frame, or of a datagram put together. All
// numbers are counted in bytes from the start of what was decoded.
type Header struct {
	Kind     HeaderKind
	At       int  // where it begins
	Size     int  // its length with options
	Captured int  // captured bytes of what it heads, its own included
	Wire     int  // the same on the wire: more than Captured when the frame was cut
	Src, Dst Addr // of the innermost IP header around it; for TCP and UDP these are the addresses of the pseudo header
}

// Unfilled reports of a TCP header in data, all of whose segment was captured,
// what Segment.Unfilled is about.
func (h *Header) Unfilled(data []byte) bool {
	return unfilled(data[h.At:h.At+h.Wire], pseudoSum(addrSum(&h.Src, &h.Dst), h.Wire))
}

// Headers is like Decode, and also appends to hs the headers on the way,
// the outermost first. It serves those who rewrite frames. After a verdict
// that is none of IsSegment and IsFragment, what stands behind the last header
// was not read.
func (d *Decoder) Headers(p *capture.Packet, s *Segment, f *Fragment, hs []Header) (Verdict, []Header) {
	if short, ok := d.peekHeaders(p, s, hs); ok {
		return IsSegment, short
	}
	return d.allHeaders(p, s, f, hs)
}

// peekHeaders is the short way of Headers: whole headers of TCP in IP in
// Ethernet. ok is false if the frame is anything else.
func (d *Decoder) peekHeaders(p *capture.Packet, s *Segment, hs []Header) (all []Header, ok bool) {
	if p.Link != capture.LinkEthernet {
		return hs, false
	}
	if v, ok := d.peek(p, s); !ok || v != IsSegment {
		return hs, false
	}
	ip := Header{At: etherHeader, Src: s.Src.Addr, Dst: s.Dst.Addr}
	switch b := p.Data[etherHeader:]; be16(p.Data[etherHeader-2:]) {
	case etherIPv4:
		ip.Kind, ip.Size, ip.Wire = HeaderIPv4, int(b[0]&15)*4, int(be16(b[ipv4Total:]))
	case etherIPv6:
		ip.Kind, ip.Size, ip.Wire = HeaderIPv6, ipv6Header, ipv6Header+int(be16(b[ipv6Length:]))
	default: // a VLAN tag
		return hs, false
	}
	ip.Captured = min(len(p.Data)-ip.At, ip.Wire)
	tcp := ip
	tcp.Kind, tcp.At, tcp.Captured, tcp.Wire = HeaderTCP, ip.At+ip.Size, ip.Captured-ip.Size, ip.Wire-ip.Size
	tcp.Size = tcp.Captured - len(s.Payload)
	ether := Header{Kind: HeaderEthernet, Size: etherHeader, Captured: len(p.Data), Wire: max(len(p.Data), p.Orig)}
	return append(hs, ether, ip, tcp), true
}

// allHeaders is the long way of Headers.
func (d *Decoder) allHeaders(p *capture.Packet, s *Segment, f *Fragment, hs []Header) (Verdict, []Header) {
	d.w.headers, d.w.noting = hs, true
	d.w.src, d.w.dst = Addr{}, Addr{} // what stands around the first IP header has none
	v := d.decode(p, s, f)
	hs = d.w.headers
	d.w.headers, d.w.noting = nil, false
	return v, hs
}

// DatagramHeaders is to Datagram what Headers is to Decode.
func (d *Decoder) DatagramHeaders(f *Fragment, payload []byte, length int, s *Segment, inner *Fragment, hs []Header) (Verdict, []Header) {
	d.w.headers, d.w.noting = hs, true
	v := d.Datagram(f, payload, length, s, inner)
	hs = d.w.headers
	d.w.headers, d.w.noting = nil, false
	return v, hs
}

// note appends a header of n bytes at the start of data; wire is how many
// bytes there were on the wire from there on. Data is always a part of what
// begin was given that goes on to its end or its capacity, so that
// capacities tell offsets.
func (w *walk) note(kind HeaderKind, data []byte, n, wire int) {
	if !w.noting {
		return
	}
	w.headers = append(w.headers, Header{
		Kind: kind, At: w.base - cap(data), Size: n, Captured: min(len(data), wire), Wire: wire, Src: w.src, Dst: w.dst,
	})
}
