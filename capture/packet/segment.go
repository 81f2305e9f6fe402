package packet

import (
	"bytes"
	"cmp"
	"net/netip"
)

// Addr is an IP address in 16 bytes; IPv4 as ::ffff:a.b.c.d.
type Addr [16]byte

// Netip returns the address in the form of the standard library, IPv4 as IPv4.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Endpoint is one end of a TCP connection.
type Endpoint struct {
	Addr Addr
	Port uint16
}

// AddrPort returns the endpoint in the form of the standard library.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Addr.Netip(), e.Port) }

// EndpointOf returns an endpoint in the form of the standard library as one.
func EndpointOf(a netip.AddrPort) Endpoint { return Endpoint{Addr: a.Addr().As16(), Port: a.Port()} }

// Compare puts endpoints in order, by address and then by port.
func (e *Endpoint) Compare(o *Endpoint) int {
	return cmp.Or(bytes.Compare(e.Addr[:], o.Addr[:]), cmp.Compare(e.Port, o.Port))
}

// Flags are the TCP control bits (RFC 9293 section 3.1).
type Flags uint8

// The control bits that reassembly looks at.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Segment is one TCP segment with what surrounds it.
type Segment struct {
	Src, Dst    Endpoint
	Window      uint16 // as sent, unscaled
	Flags       Flags
	BadChecksum bool   // the TCP checksum is wrong; false when the frame was cut and it cannot be known, or left to Bad
	Seq, Ack    uint32 // Ack is valid iff Flags has ACK
	Path        uint64 // 0 for plain IP; otherwise a hash of the VLANs and tunnels around it, the same in both directions
	Payload     []byte // borrowed from the frame, or from the datagram put together
	Length      int    // payload bytes on the wire; more than len(Payload) when the snapshot length cut the frame
	rest        uint32 // sum of all but the payload, which is left to Bad; otherwise 0
	// Unfilled tells of a wrong checksum that the sending system left it to its
	// network card: the field is zero, or holds the sum of the pseudo header, to
	// which the card adds the rest. A capture made on that machine shows it so.
	// It is valid iff Bad.
	Unfilled bool
}

// Bad reports whether the TCP checksum is wrong; false when the frame was cut
// and it cannot be known. See Decoder.LeaveChecksums.
func (s *Segment) Bad() bool {
	return s.BadChecksum || s.rest != 0 && onesFold(onesSum(s.Payload, uint64(s.rest))) != onesAll
}

// Fragment is one fragment of an IPv4 or IPv6 datagram.
type Fragment struct {
	Src, Dst Addr
	Path     uint64
	ID       uint32
	Proto    uint8 // of the datagram: the IPv4 protocol, or the IPv6 next header after the fragment header
	V6       bool
	Depth    int    // how many headers were passed on the way here
	Offset   int    // in bytes
	More     bool   // more fragments follow
	Payload  []byte // borrowed from the frame
	Length   int    // payload bytes on the wire; more than len(Payload) when the snapshot length cut the frame
}

// HoldsTCP reports whether TCP follows in the datagram directly: no header of a
// tunnel, nor a further one of IPv6.
func (f *Fragment) HoldsTCP() bool { return f.Proto == protoTCP }

// Verdict says what a frame turned out to be.
type Verdict uint8

// Anything above IsFragment is a reason why the frame is no use to a
// TCP reassembler.
const (
	IsSegment   Verdict = iota // a TCP segment was found
	IsFragment                 // an IP fragment was found
	NotIP                      // ARP, spanning tree, ...
	NotTCP                     // UDP, ICMP, a tunnel that is not known, ...
	Malformed                  // a header contradicts itself
	CutShort                   // the snapshot length cut a header; the options of TCP can do without
	UnknownLink                // no decoder for the link type, or for the one inside of PKTAP
	TooDeep                    // more headers around headers than a sane network has
	Encrypted                  // ESP, MACsec, a protected frame of 802.11
)

var verdictNames = [...]string{"segment", "fragment", "not_ip", "not_tcp", "malformed", "cut_short", "unknown_link_type", "too_deep", "encrypted"}

// String returns the name used in the summary's `ignored` counts.
func (v Verdict) String() string { return verdictNames[v] }
