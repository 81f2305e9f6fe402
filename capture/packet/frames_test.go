package packet

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"

	"popscope/capture"
)

// The pieces that test frames are made of. Each function returns a header
// with its payload after it.

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func bytes16(v ...uint16) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

func bytes32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func hexes(s string) []byte {
	var b []byte
	for _, f := range strings.Fields(s) {
		var v byte
		for _, c := range f {
			v = v<<4 | byte(strings.IndexRune("0123456789abcdef", c))
		}
		b = append(b, v)
	}
	return b
}

// way is a direction between two pairs of addresses; every frame of the
// tests carries one segment of it.
type way struct {
	src, dst   string // of the connection
	from, to   string // of the tunnel around it
	sport      uint16
	dport      uint16
	seq        uint32
	data       string
	srcMAC     []byte
	dstMAC     []byte
	src6, dst6 string
	from6, to6 string
}

var (
	macA = hexes("02 00 5e 10 00 01")
	macB = hexes("02 00 5e 10 00 02")

	there = way{
		src: "192.0.2.1", dst: "198.51.100.2", from: "192.0.2.77", to: "198.51.100.88",
		src6: "2001:db8::1", dst6: "2001:db8:1::2", from6: "2001:db8:7::7", to6: "2001:db8:8::8",
		sport: 40000, dport: 110, seq: 0xfffffff0, data: "USER alice\r\n", srcMAC: macA, dstMAC: macB,
	}
	back = way{
		src: there.dst, dst: there.src, from: there.to, to: there.from,
		src6: there.dst6, dst6: there.src6, from6: there.to6, to6: there.from6,
		sport: 110, dport: 40000, seq: 77, data: "+OK\r\n", srcMAC: macB, dstMAC: macA,
	}
)

func addrOf(s string) Addr { return netip.MustParseAddr(s).As16() }

// segment is what is to be found in the frames of w.
func (w way) segment(v6 bool) Segment {
	s := Segment{
		Src: Endpoint{addrOf(w.src), w.sport}, Dst: Endpoint{addrOf(w.dst), w.dport},
		Seq: w.seq, Ack: 0x01020304, Flags: ACK | PSH, Window: 0xfefd,
		Payload: []byte(w.data), Length: len(w.data),
	}
	if v6 {
		s.Src.Addr, s.Dst.Addr = addrOf(w.src6), addrOf(w.dst6)
	}
	return s
}

// checksumOf is the plain Internet checksum, a word at a time.
func checksumOf(b []byte) uint16 {
	var sum uint32
	for i, c := range b {
		if i%2 == 0 {
			sum += uint32(c) << 8
		} else {
			sum += uint32(c)
		}
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// tcpOf returns a TCP segment with options (a multiple of 4 bytes) and a
// right checksum.
func tcpOf(src, dst string, sport, dport uint16, seq uint32, options, data []byte) []byte {
	b := cat(bytes16(sport, dport), bytes32(seq), bytes32(0x01020304),
		[]byte{byte(5+len(options)/4) << 4, 0xd8}, bytes16(0xfefd, 0, 0), options, data) // PSH, ACK, and ECE, CWR
	a, z := netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice()
	binary.BigEndian.PutUint16(b[16:], checksumOf(cat(a, z, bytes32(uint32(len(b))), bytes32(protoTCP), b)))
	return b
}

func (w way) tcp4() []byte {
	return tcpOf(w.src, w.dst, w.sport, w.dport, w.seq, nil, []byte(w.data))
}

func (w way) tcp6() []byte {
	return tcpOf(w.src6, w.dst6, w.sport, w.dport, w.seq, nil, []byte(w.data))
}

// ip4 and ip6 return a whole packet of the connection.
func (w way) ip4() []byte { return ipv4Of(w.src, w.dst, protoTCP, w.tcp4()) }
func (w way) ip6() []byte { return ipv6Of(w.src6, w.dst6, protoTCP, w.tcp6()) }

// outer and outer6 return a packet of the tunnel.
func (w way) outer(proto byte, payload ...[]byte) []byte {
	return ipv4Of(w.from, w.to, proto, cat(payload...))
}

func (w way) outer6(proto byte, payload ...[]byte) []byte {
	return ipv6Of(w.from6, w.to6, proto, cat(payload...))
}

func (w way) outerUDP(sport, dport uint16, payload ...[]byte) []byte {
	return w.outer(protoUDP, udpOf(sport, dport, cat(payload...)))
}

func (w way) ether(t uint16, payload ...[]byte) []byte {
	return cat(w.dstMAC, w.srcMAC, bytes16(t), cat(payload...))
}

// ether802 has a length where others have their EtherType.
func (w way) ether802(payload ...[]byte) []byte {
	b := cat(payload...)
	return w.ether(uint16(len(b)), b)
}

func ipv4Of(src, dst string, proto byte, payload []byte) []byte {
	return ipv4With(src, dst, proto, 0x4000, nil, payload)
}

// ipv4With takes flags with the fragment offset, and options.
func ipv4With(src, dst string, proto byte, fragment uint16, options, payload []byte) []byte {
	a, z := netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice()
	b := cat([]byte{0x45 + byte(len(options)/4), 0}, bytes16(uint16(20+len(options)+len(payload)), 0x1234, fragment),
		[]byte{64, proto, 0, 0}, a, z, options)
	binary.BigEndian.PutUint16(b[10:], checksumOf(b))
	return cat(b, payload)
}

func ipv6Of(src, dst string, next byte, payload []byte) []byte {
	a, z := netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice()
	return cat([]byte{0x60, 0, 0, 0}, bytes16(uint16(len(payload))), []byte{next, 64}, a, z, payload)
}

func udpOf(sport, dport uint16, payload []byte) []byte {
	return cat(bytes16(sport, dport, uint16(8+len(payload)), 0), payload)
}

func tag(id, t uint16, payload []byte) []byte { return cat(bytes16(id, t), payload) }

func snapOf(t uint16, payload []byte) []byte {
	return cat(hexes("aa aa 03 00 00 00"), bytes16(t), payload)
}

func pppoeOf(session uint16, ppp []byte) []byte {
	return cat([]byte{0x11, 0}, bytes16(session, uint16(len(ppp))), ppp)
}

func label(n uint32, bottom bool) []byte {
	v := n<<12 | 64
	if bottom {
		v |= 1 << 8
	}
	return bytes32(v)
}

// ext is an IPv6 extension header of 8*(1+len) bytes.
func ext(next, length byte, rest ...byte) []byte {
	b := make([]byte, 8+8*int(length))
	b[0], b[1] = next, length
	copy(b[2:], rest)
	return b
}

// zeroLength clears the length field of an IP header, as segmentation
// offload leaves it.
func zeroLength(ip []byte) []byte {
	at := ipv4Total
	if ip[0]>>4 == 6 {
		at = ipv6Length
	}
	binary.BigEndian.PutUint16(ip[at:], 0)
	return ip
}

// dot11Of is a data frame from the network to a station.
func (w way) dot11Of(control, flags byte, more []byte, payload []byte) []byte {
	return cat([]byte{control, flags, 0, 0}, w.dstMAC, macA, w.srcMAC, []byte{0x30, 0x12}, more, payload)
}

func withFCS(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.ChecksumIEEE(b))
}

// encapsulation is a row of the table: frame builds a frame around the
// segment of a direction.
type encapsulation struct {
	name  string
	link  capture.LinkType
	v6    bool // the segment is in IPv6
	path  string
	tso   bool // the IP length is 0, so that all bytes that follow are data
	frame func(w way) []byte
}

// encapsulations lists everything that is decoded. path names what the row's
// Path must be: "" for 0, the same word for the same Path, another word for
// another Path.
func encapsulations() []encapsulation {
	eth, raw := capture.LinkEthernet, capture.LinkRaw
	return []encapsulation{
		{"ethernet ipv4", eth, false, "", false, func(w way) []byte { return w.ether(etherIPv4, w.ip4()) }},
		{"ethernet ipv6", eth, true, "", false, func(w way) []byte { return w.ether(etherIPv6, w.ip6()) }},
		{"ipv4 options", eth, false, "", false, func(w way) []byte {
			return w.ether(etherIPv4, ipv4With(w.src, w.dst, protoTCP, 0, hexes("94 04 00 00 01 01 01 00"), w.tcp4()))
		}},
		{"ipv4 options malformed", eth, false, "", false, func(w way) []byte {
			return w.ether(etherIPv4, ipv4With(w.src, w.dst, protoTCP, 0, hexes("94 ff 00 00"), w.tcp4()))
		}},
		{"ipv4 header checksum wrong", eth, false, "", false, func(w way) []byte {
			b := w.ether(etherIPv4, w.ip4())
			b[etherHeader+10] ^= 0xff
			return b
		}},
		{"ipv4 length 0", eth, false, "", true, func(w way) []byte { return w.ether(etherIPv4, zeroLength(w.ip4())) }},
		{"ipv6 length 0", eth, true, "", true, func(w way) []byte { return w.ether(etherIPv6, zeroLength(w.ip6())) }},
		{"tcp options", eth, false, "", false, func(w way) []byte {
			return w.ether(etherIPv4, ipv4Of(w.src, w.dst, protoTCP, tcpOf(w.src, w.dst, w.sport, w.dport, w.seq,
				hexes("01 01 08 0a 00 00 00 01 00 00 00 02"), []byte(w.data))))
		}},
		{"tcp options malformed", eth, false, "", false, func(w way) []byte {
			return w.ether(etherIPv4, ipv4Of(w.src, w.dst, protoTCP, tcpOf(w.src, w.dst, w.sport, w.dport, w.seq,
				hexes("08 00 01 ff"), []byte(w.data))))
		}},

		{"vlan", eth, false, "vlan 7", false, func(w way) []byte { return w.ether(etherVLAN, tag(7, etherIPv4, w.ip4())) }},
		{"vlan ipv6", eth, true, "vlan 7", false, func(w way) []byte { return w.ether(etherVLAN, tag(7, etherIPv6, w.ip6())) }},
		{"vlan with priority", eth, false, "vlan 7", false, func(w way) []byte {
			return w.ether(etherVLAN, tag(0xe007, etherIPv4, w.ip4()))
		}},
		{"another vlan", eth, false, "vlan 8", false, func(w way) []byte { return w.ether(etherVLAN, tag(8, etherIPv4, w.ip4())) }},
		{"priority tag", eth, false, "", false, func(w way) []byte { return w.ether(etherVLAN, tag(0xa000, etherIPv4, w.ip4())) }},
		{"qinq 88a8", eth, false, "vlan 7 8", false, func(w way) []byte {
			return w.ether(etherVLANS, tag(7, etherVLAN, tag(8, etherIPv4, w.ip4())))
		}},
		{"qinq 9100", eth, false, "vlan 7 8", false, func(w way) []byte {
			return w.ether(etherVLANOld, tag(7, etherVLAN, tag(8, etherIPv4, w.ip4())))
		}},
		{"qinq the other way", eth, false, "vlan 8 7", false, func(w way) []byte {
			return w.ether(etherVLANS, tag(8, etherVLAN, tag(7, etherIPv4, w.ip4())))
		}},
		{"four tags", eth, false, "vlan 1 2 3 4", false, func(w way) []byte {
			return w.ether(etherVLAN, tag(1, etherVLAN, tag(2, etherVLAN, tag(3, etherVLAN, tag(4, etherIPv4, w.ip4())))))
		}},
		{"802.3 snap", eth, false, "", false, func(w way) []byte { return w.ether802(snapOf(etherIPv4, w.ip4())) }},
		{"802.3 snap ipv6", eth, true, "", false, func(w way) []byte { return w.ether802(snapOf(etherIPv6, w.ip6())) }},
		{"802.3 llc ip", eth, false, "", false, func(w way) []byte { return w.ether802(hexes("06 06 03"), w.ip4()) }},
		{"802.3 in vlan", eth, false, "vlan 7", false, func(w way) []byte {
			b := snapOf(etherIPv4, w.ip4())
			return w.ether(etherVLAN, tag(7, uint16(len(b)), b))
		}},
		{"bridge tunnel snap", eth, false, "", false, func(w way) []byte {
			return w.ether802(hexes("aa aa 03 00 00 f8"), bytes16(etherIPv4), w.ip4())
		}},
		{"pppoe", eth, false, "pppoe 9", false, func(w way) []byte {
			return w.ether(etherPPPoE, pppoeOf(9, cat(bytes16(pppIPv4), w.ip4())))
		}},
		{"pppoe ipv6 other session", eth, true, "pppoe 10", false, func(w way) []byte {
			return w.ether(etherPPPoE, pppoeOf(10, cat(bytes16(pppIPv6), w.ip6())))
		}},
		{"pppoe in vlan", eth, false, "vlan 7 pppoe 9", false, func(w way) []byte {
			return w.ether(etherVLAN, tag(7, etherPPPoE, pppoeOf(9, cat(bytes16(pppIPv4), w.ip4()))))
		}},
		{"mpls", eth, false, "", false, func(w way) []byte { return w.ether(etherMPLS, label(16, true), w.ip4()) }},
		{"mpls two labels ipv6", eth, true, "", false, func(w way) []byte {
			return w.ether(etherMPLSUp, label(16, false), label(17, true), w.ip6())
		}},
		{"mpls ethernet", eth, false, "vlan 7", false, func(w way) []byte {
			return w.ether(etherMPLS, label(16, true), w.ether(etherVLAN, tag(7, etherIPv4, w.ip4())))
		}},
		{"mpls ethernet with control word", eth, false, "", false, func(w way) []byte {
			return w.ether(etherMPLS, label(16, true), bytes32(77), w.ether(etherIPv4, w.ip4()))
		}},
		{"mpls ethernet to an address that looks like IP", eth, false, "", false, func(w way) []byte {
			w.dstMAC = hexes("46 00 5e 10 00 01")
			return w.ether(etherMPLS, label(16, true), w.ether(etherIPv4, w.ip4()))
		}},
		{"mpls ethernet 802.3", eth, false, "", false, func(w way) []byte {
			return w.ether(etherMPLS, label(16, true), bytes32(0), w.ether802(snapOf(etherIPv4, w.ip4())))
		}},

		{"sll", capture.LinkLinuxSLL, false, "", false, func(w way) []byte {
			return cat(bytes16(0, 1, 6), w.srcMAC, bytes16(0, etherIPv4), w.ip4())
		}},
		{"sll ipv6", capture.LinkLinuxSLL, true, "", false, func(w way) []byte {
			return cat(bytes16(4, 1, 6), w.srcMAC, bytes16(0, etherIPv6), w.ip6())
		}},
		{"sll long address", capture.LinkLinuxSLL, false, "", false, func(w way) []byte {
			return cat(bytes16(0, 32, 0xfffe), make([]byte, 8), bytes16(etherIPv4), w.ip4())
		}},
		{"sll vlan", capture.LinkLinuxSLL, false, "vlan 7", false, func(w way) []byte {
			return cat(bytes16(0, 1, 6), w.srcMAC, bytes16(0, etherVLAN), tag(7, etherIPv4, w.ip4()))
		}},
		{"sll mpls", capture.LinkLinuxSLL, false, "", false, func(w way) []byte {
			return cat(bytes16(0, 1, 6), w.srcMAC, bytes16(0, etherMPLS), label(3, true), w.ip4())
		}},
		{"sll llc", capture.LinkLinuxSLL, false, "", false, func(w way) []byte {
			return cat(bytes16(0, 1, 6), w.srcMAC, bytes16(0, cookedLLC), snapOf(etherIPv4, w.ip4()))
		}},
		{"sll2", capture.LinkLinuxSLL2, false, "", false, func(w way) []byte {
			return cat(bytes16(etherIPv4, 0), bytes32(2), bytes16(1, 6), w.srcMAC, bytes16(0), w.ip4())
		}},
		{"sll2 ipv6", capture.LinkLinuxSLL2, true, "", false, func(w way) []byte {
			return cat(bytes16(etherIPv6, 0), bytes32(2), bytes16(1, 6), w.srcMAC, bytes16(0), w.ip6())
		}},
		{"sll2 qinq", capture.LinkLinuxSLL2, false, "vlan 7 8", false, func(w way) []byte {
			return cat(bytes16(etherVLANS, 0), bytes32(2), bytes16(1, 6), w.srcMAC, bytes16(0),
				tag(7, etherVLAN, tag(8, etherIPv4, w.ip4())))
		}},

		{"null little-endian", capture.LinkNull, false, "", false, func(w way) []byte { return cat(hexes("02 00 00 00"), w.ip4()) }},
		{"null big-endian", capture.LinkNull, false, "", false, func(w way) []byte { return cat(hexes("00 00 00 02"), w.ip4()) }},
		{"null ipv6 netbsd", capture.LinkNull, true, "", false, func(w way) []byte { return cat(hexes("18 00 00 00"), w.ip6()) }},
		{"null ipv6 freebsd", capture.LinkNull, true, "", false, func(w way) []byte { return cat(hexes("00 00 00 1c"), w.ip6()) }},
		{"null ipv6 macos", capture.LinkNull, true, "", false, func(w way) []byte { return cat(hexes("1e 00 00 00"), w.ip6()) }},
		{"null ipv6 linux", capture.LinkNull, true, "", false, func(w way) []byte { return cat(hexes("0a 00 00 00"), w.ip6()) }},
		{"loop", capture.LinkLoop, false, "", false, func(w way) []byte { return cat(hexes("00 00 00 02"), w.ip4()) }},
		{"loop ipv6", capture.LinkLoop, true, "", false, func(w way) []byte { return cat(hexes("00 00 00 18"), w.ip6()) }},

		{"raw", raw, false, "", false, way.ip4},
		{"raw ipv6", raw, true, "", false, way.ip6},
		{"raw 12", capture.LinkRawOld, false, "", false, way.ip4},
		{"raw 14", capture.LinkRawBSD, true, "", false, way.ip6},
		{"raw ipv4 only", capture.LinkIPv4, false, "", false, way.ip4},
		{"raw ipv6 only", capture.LinkIPv6, true, "", false, way.ip6},

		{"ppp", capture.LinkPPP, false, "", false, func(w way) []byte { return cat(bytes16(pppIPv4), w.ip4()) }},
		{"ppp with address", capture.LinkPPP, false, "", false, func(w way) []byte { return cat(hexes("ff 03 00 21"), w.ip4()) }},
		{"ppp compressed", capture.LinkPPP, true, "", false, func(w way) []byte { return cat(hexes("57"), w.ip6()) }},
		{"ppp compressed with address", capture.LinkPPP, false, "", false, func(w way) []byte { return cat(hexes("ff 03 21"), w.ip4()) }},
		{"ppp mpls", capture.LinkPPP, false, "", false, func(w way) []byte {
			return cat(hexes("ff 03 02 81"), label(99, true), w.ip4())
		}},
		{"ppp hdlc", capture.LinkPPPHDLC, false, "", false, func(w way) []byte { return cat(hexes("ff 03 00 21"), w.ip4()) }},
		{"cisco hdlc", capture.LinkPPPHDLC, true, "", false, func(w way) []byte { return cat(hexes("0f 00 86 dd"), w.ip6()) }},
		{"cisco hdlc of its own link type", capture.LinkCiscoHDLC, false, "", false, func(w way) []byte { return cat(hexes("0f 00 08 00"), w.ip4()) }},
		{"pflog of today", capture.LinkPFLOG, true, "", false, func(w way) []byte { return cat([]byte{100, 24}, make([]byte, 98), w.ip6()) }},
		{"nflog big-endian with a nested attribute", capture.LinkNFLOG, false, "", false, func(w way) []byte {
			vlan := hexes("00 14 80 13  00 06 00 01 81 00 00 00  00 06 00 02 00 07 00 00")
			return cat(hexes("07 00 00 05"), vlan, bytes16(uint16(4+len(w.ip4())), nflogPayload), w.ip4())
		}},
		{"pktap around raw IP", capture.LinkPKTAP, false, "", false, func(w way) []byte {
			return cat(hexes("0c 00 00 00  01 00 00 00  0c 00 00 00"), w.ip4())
		}},
		{"cisco hdlc broadcast", capture.LinkPPPHDLC, false, "", false, func(w way) []byte { return cat(hexes("8f 00 08 00"), w.ip4()) }},
		{"pppoe link", capture.LinkPPPoE, false, "pppoe 9", false, func(w way) []byte {
			return pppoeOf(9, cat(bytes16(pppIPv4), w.ip4()))
		}},

		{"802.11 data", capture.LinkIEEE80211, false, "", false, func(w way) []byte {
			return w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherIPv4, w.ip4()))
		}},
		{"802.11 qos", capture.LinkIEEE80211, true, "", false, func(w way) []byte {
			return w.dot11Of(0x88, dot11ToDS, bytes16(0), snapOf(etherIPv6, w.ip6()))
		}},
		{"802.11 qos with ht control", capture.LinkIEEE80211, false, "", false, func(w way) []byte {
			return w.dot11Of(0x88, dot11ToDS|dot11Order, cat(bytes16(0), bytes32(0)), snapOf(etherIPv4, w.ip4()))
		}},
		{"802.11 four addresses", capture.LinkIEEE80211, false, "", false, func(w way) []byte {
			return w.dot11Of(0x08, dot11ToDS|dot11FromDS, macA, snapOf(etherIPv4, w.ip4()))
		}},
		{"802.11 a-msdu", capture.LinkIEEE80211, false, "", false, func(w way) []byte {
			first := w.ether802(snapOf(etherIPv4, w.ip4()))
			return w.dot11Of(0x88, dot11FromDS, []byte{qosAMSDU, 0}, first)
		}},
		{"802.11 vlan", capture.LinkIEEE80211, false, "vlan 7", false, func(w way) []byte {
			return w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherVLAN, tag(7, etherIPv4, w.ip4())))
		}},
		{"radiotap without fields", capture.LinkRadiotap, false, "", false, func(w way) []byte {
			return cat(hexes("00 00 08 00 00 00 00 00"), w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherIPv4, w.ip4())))
		}},
		{"radiotap length 0 without check sequence", capture.LinkRadiotap, false, "", true, func(w way) []byte {
			return cat(hexes("00 00 09 00 02 00 00 00 00"), w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherIPv4, zeroLength(w.ip4()))))
		}},
		{"radiotap time and more words", capture.LinkRadiotap, false, "", false, func(w way) []byte {
			return cat(hexes("00 00 19 00 03 00 00 80 00 00 00 00 00 00 00 00 11 22 33 44 55 66 77 88 10"),
				withFCS(w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherIPv4, w.ip4()))))
		}},
		{"radiotap time, check sequence and length 0", capture.LinkRadiotap, false, "", true, func(w way) []byte {
			return cat(hexes("00 00 19 00 03 00 00 80 00 00 00 00 00 00 00 00 11 22 33 44 55 66 77 88 10"),
				withFCS(w.dot11Of(0x88, dot11FromDS, bytes16(0), snapOf(etherIPv4, zeroLength(w.ip4())))))
		}},
		{"radiotap data pad", capture.LinkRadiotap, false, "", false, func(w way) []byte {
			return cat(hexes("00 00 09 00 02 00 00 00 20"),
				w.dot11Of(0x88, dot11FromDS, cat(bytes16(0), []byte{0xaa, 0xbb}), snapOf(etherIPv4, w.ip4())))
		}},

		{"ipv6 hop-by-hop", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, 1, 4), w.tcp6()))
		}},
		{"ipv6 all extension headers", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, w.dst6, protoHopByHop, cat(
				ext(protoDestination, 1), ext(protoRouting, 0), ext(protoFragment, 2, 0, 0),
				ext(protoAH, 0), cat([]byte{protoMobility, 4, 0, 0}, make([]byte, 20)),
				ext(protoHIP, 0), ext(protoShim6, 0), ext(protoTCP, 0), w.tcp6()))
		}},
		{"ipv6 atomic fragment", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, w.dst6, protoFragment, cat(ext(protoTCP, 0, 0, 0, 9, 9, 9, 9), w.tcp6()))
		}},
		{"ipv6 routing type 0 on its way", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, "2001:db8:99::1", protoRouting, cat(
				ext(protoTCP, 4, append([]byte{routingSource, 1, 0, 0, 0, 0}, routes("2001:db8:99::3", w.dst6)...)...), w.tcp6()))
		}},
		{"ipv6 routing type 4 on its way", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, "2001:db8:99::1", protoRouting, cat(
				ext(protoTCP, 4, append([]byte{routingSegment, 1, 1, 0, 0, 0}, routes(w.dst6, "2001:db8:99::3")...)...), w.tcp6()))
		}},
		{"ipv6 routing on its way to nowhere", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, w.dst6, protoRouting, cat(ext(protoTCP, 0, routingSegment, 1), w.tcp6()))
		}},
		{"ipv6 routing type 4 arrived", raw, true, "", false, func(w way) []byte {
			return ipv6Of(w.src6, w.dst6, protoRouting, cat(
				ext(protoTCP, 2, append([]byte{routingSegment, 0, 0, 0, 0, 0}, routes(w.dst6)...)...), w.tcp6()))
		}},
		{"ipv6 length 0 after hop-by-hop", raw, true, "", true, func(w way) []byte {
			return zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, 1, 4), w.tcp6())))
		}},
		{"ipv4 authentication header", raw, false, "", false, func(w way) []byte {
			return ipv4Of(w.src, w.dst, protoAH, cat([]byte{protoTCP, 1, 0, 0}, make([]byte, 8), w.tcp4()))
		}},

		{"4in4", raw, false, "ipip", false, func(w way) []byte { return w.outer(protoIPv4, w.ip4()) }},
		{"6in4", raw, true, "ipip", false, func(w way) []byte { return w.outer(protoIPv6, w.ip6()) }},
		{"4in6", raw, false, "ipip6", false, func(w way) []byte { return w.outer6(protoIPv4, w.ip4()) }},
		{"6in6", raw, true, "ipip6", false, func(w way) []byte { return w.outer6(protoIPv6, w.ip6()) }},
		{"6in4 other ends", raw, true, "ipip other", false, func(w way) []byte {
			w.from = strings.Replace(w.from, "77", "78", 1)
			w.to = strings.Replace(w.to, "77", "78", 1)
			return w.outer(protoIPv6, w.ip6())
		}},
		{"ip in ip in vlan", eth, false, "vlan 7 ipip", false, func(w way) []byte {
			return w.ether(etherVLAN, tag(7, etherIPv4, w.outer(protoIPv4, w.ip4())))
		}},
		{"mpls in ip", raw, false, "mpls in ip", false, func(w way) []byte { return w.outer(protoMPLS, label(5, true), w.ip4()) }},
		{"etherip", raw, false, "etherip", false, func(w way) []byte {
			return w.outer(protoEtherIP, hexes("30 00"), w.ether(etherIPv4, w.ip4()))
		}},
		{"gre", raw, false, "gre", false, func(w way) []byte { return w.outer(protoGRE, hexes("00 00 08 00"), w.ip4()) }},
		{"gre checksum and sequence", raw, true, "gre", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("90 00 86 dd"), bytes32(0), bytes32(w.seq), w.ip6())
		}},
		{"gre reserved bit", raw, false, "gre", false, func(w way) []byte { return w.outer(protoGRE, hexes("00 80 08 00"), w.ip4()) }},
		{"gre key", raw, false, "gre key 5", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("20 00 08 00"), bytes32(5), w.ip4())
		}},
		{"gre key 0", raw, false, "gre key 0", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("20 00 08 00"), bytes32(0), w.ip4())
		}},
		{"gre all fields ethernet", raw, false, "gre key 5", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("b0 00 65 58"), bytes32(0), bytes32(5), bytes32(1), w.ether(etherIPv4, w.ip4()))
		}},
		{"gre ppp", raw, false, "gre", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("00 00 88 0b ff 03 00 21"), w.ip4())
		}},
		{"gre mpls", raw, false, "gre", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("00 00 88 47"), label(5, true), w.ip4())
		}},
		{"pptp", raw, false, "pptp", false, func(w way) []byte {
			ppp := cat(hexes("ff 03 21"), w.ip4())
			return w.outer(protoGRE, hexes("30 81 88 0b"), bytes16(uint16(len(ppp)), w.sport), bytes32(1), bytes32(2), ppp)
		}},
		{"erspan I", raw, false, "gre", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("00 00 88 be"), w.ether(etherIPv4, w.ip4()))
		}},
		{"erspan II", raw, false, "erspan 3", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("10 00 88 be"), bytes32(9), hexes("10 64 08 03 00 00 00 01"), w.ether(etherIPv4, w.ip4()))
		}},
		{"erspan II other session", raw, false, "erspan 4", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("10 00 88 be"), bytes32(9), hexes("10 64 08 04 00 00 00 01"), w.ether(etherIPv4, w.ip4()))
		}},
		{"erspan III", raw, true, "erspan 3", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("10 00 22 eb"), bytes32(9), hexes("20 64 08 03 00 00 00 01 00 00 00 00"), w.ether(etherIPv6, w.ip6()))
		}},
		{"erspan III platform header", raw, false, "erspan 3", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("10 00 22 eb"), bytes32(9),
				hexes("20 64 08 03 00 00 00 01 00 00 00 01 01 02 03 04 05 06 07 08"), w.ether(etherIPv4, w.ip4()))
		}},
		{"erspan III ip", raw, false, "erspan 3", false, func(w way) []byte {
			return w.outer(protoGRE, hexes("10 00 22 eb"), bytes32(9), hexes("20 64 08 03 00 00 00 01 00 00 08 00"), w.ip4())
		}},
		{"vxlan", eth, false, "vxlan 5", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLAN, hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, w.ip4())))
		}},
		{"vxlan-gpe ethernet", eth, false, "gpe 5", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLANGPE, hexes("0c 00 00 03 00 00 05 00"), w.ether(etherIPv4, w.ip4())))
		}},
		{"vxlan-gpe without next", eth, false, "gpe 5", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLANGPE, hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, w.ip4())))
		}},
		{"vxlan-gpe ipv4", eth, false, "gpe 5", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLANGPE, hexes("0c 00 00 01 00 00 05 00"), w.ip4()))
		}},
		{"vxlan-gpe ipv6", eth, true, "gpe 6", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLANGPE, hexes("0c 00 00 02 00 00 06 00"), w.ip6()))
		}},
		{"tzsp", eth, false, "tzsp", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portTZSP, hexes("01 00 00 01 01"), w.ether(etherIPv4, w.ip4())))
		}},
		{"tzsp fields", eth, true, "tzsp", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portTZSP, hexes("01 01 00 01 00 00 0a 01 d3 3c 06 02 00 5e 10 00 09 01"), w.ether(etherIPv6, w.ip6())))
		}},
		{"vxlan 8472", eth, true, "vxlan 5", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLANOld, hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv6, w.ip6())))
		}},
		{"vxlan other network", eth, false, "vxlan 6", false, func(w way) []byte {
			return w.ether(etherIPv4, w.outerUDP(w.sport, portVXLAN, hexes("08 00 00 00 00 00 06 00"), w.ether(etherIPv4, w.ip4())))
		}},
		{"vxlan over ipv6", eth, false, "vxlan 5 ipv6", false, func(w way) []byte {
			return w.ether(etherIPv6, w.outer6(protoUDP, udpOf(w.sport, portVXLAN, cat(hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, w.ip4())))))
		}},
		{"vxlan udp length 0", eth, false, "vxlan 5", true, func(w way) []byte {
			udp := udpOf(w.sport, portVXLAN, cat(hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, zeroLength(w.ip4()))))
			udp[4], udp[5] = 0, 0
			return w.ether(etherIPv4, zeroLength(w.outer(protoUDP, udp)))
		}},
		{"geneve", raw, false, "geneve 5", false, func(w way) []byte {
			return w.outerUDP(w.sport, portGeneve, hexes("00 00 65 58 00 00 05 00"), w.ether(etherIPv4, w.ip4()))
		}},
		{"geneve options", raw, false, "geneve 5", false, func(w way) []byte {
			return w.outerUDP(w.sport, portGeneve, hexes("04 40 08 00 00 00 05 00 01 02 80 01 01 02 03 04 01 02 03 01 05 06 07 08"), w.ip4())
		}},
		{"gtp-u", raw, false, "gtp", false, func(w way) []byte {
			return w.outerUDP(portGTP, portGTP, hexes("30 ff"), bytes16(uint16(len(w.ip4()))), bytes32(uint32(w.sport)), w.ip4())
		}},
		{"gtp-u sequence and extensions", raw, true, "gtp", false, func(w way) []byte {
			return w.outerUDP(portGTP, portGTP, hexes("36 ff"), bytes16(uint16(16+len(w.ip6()))), bytes32(uint32(w.sport)),
				hexes("00 01 00 85"), hexes("01 10 09 40"), hexes("02 00 00 00 00 00 00 00"), w.ip6())
		}},
		{"l2tp", raw, false, "l2tp", false, func(w way) []byte {
			return w.outerUDP(w.sport, portL2TP, hexes("00 02"), bytes16(w.sport, w.dport), hexes("ff 03 00 21"), w.ip4())
		}},
		{"l2tp of a low tunnel without a length", raw, false, "l2tp", false, func(w way) []byte {
			return w.outerUDP(w.sport, portL2TP, hexes("00 02 00 07 00 01"), hexes("ff 03 00 21"), w.ip4())
		}},
		{"l2tp all fields to any port", raw, true, "l2tp", false, func(w way) []byte {
			ppp := cat(hexes("00 57"), w.ip6())
			return w.outerUDP(portL2TP, 1702, hexes("4a 02"), bytes16(uint16(17+len(ppp)), w.sport, w.dport, 1, 2, 3), hexes("00 00 00"), ppp)
		}},
		{"gre in vxlan in vlan", eth, false, "vlan 7 vxlan 5 gre", false, func(w way) []byte {
			return w.ether(etherVLAN, tag(7, etherIPv4, w.outerUDP(w.sport, portVXLAN, hexes("08 00 00 00 00 00 05 00"),
				w.ether(etherIPv4, w.outer(protoGRE, hexes("00 00 08 00"), w.ip4())))))
		}},
	}
}

// routes lists the addresses of a routing header.
func routes(addrs ...string) []byte {
	var b []byte
	for _, a := range addrs {
		b = append(b, netip.MustParseAddr(a).AsSlice()...)
	}
	return b
}
