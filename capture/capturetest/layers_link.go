package capturetest

import (
	"encoding/binary"
	"hash/crc32"

	"popscope/capture"
)

// The link-layer addresses of the two ends: locally administered.
var (
	clientMAC = [6]byte{2, 0, 0, 0, 0, 1}
	serverMAC = [6]byte{2, 0, 0, 0, 0, 2}
	bssid     = [6]byte{2, 0, 0, 0, 0, 3}
)

// Ethernet puts an Ethernet II header around a packet.
func Ethernet() Layer {
	return header(nextEthernet, func(f *Frame) []byte {
		src, dst := ends(f, clientMAC, serverMAC)
		h := append(dst[:], src[:]...)
		return be.AppendUint16(h, f.Next.EtherType)
	})
}

// Padding fills a packet up to 46 bytes, the least that Ethernet carries,
// and puts a trailer after that. Both hold text, so that it is seen when
// they are taken for data.
func Padding(trailer string) Layer {
	const least = 46
	return func(f Frame) []Frame {
		var pad []byte
		for i := 0; len(f.Data)+len(pad) < least; i++ {
			pad = append(pad, "+OK padding\r\n"[i%13])
		}
		f = f.after(append(pad, trailer...))
		return []Frame{f}
	}
}

// VLAN puts an IEEE 802.1Q tag around a packet; tpid is its own EtherType
// as 0x8100, tag is priority (3 bits), drop bit and identifier (12 bits).
func VLAN(tpid, tag uint16) Layer {
	return header(Next{EtherType: tpid}, func(f *Frame) []byte {
		return be.AppendUint16(be.AppendUint16(nil, tag), f.Next.EtherType)
	})
}

// SLL puts the first Linux "cooked" header around a packet.
func SLL() Layer {
	return header(nextNothing, func(f *Frame) []byte {
		kind, _ := ends[uint16](f, 4, 0) // sent by us, sent to us
		mac, _ := ends(f, clientMAC, serverMAC)
		h := be.AppendUint16(nil, kind)
		h = be.AppendUint16(h, 1) // ARPHRD_ETHER
		h = be.AppendUint16(h, 6)
		h = append(h, mac[:]...)
		h = append(h, 0, 0)
		return be.AppendUint16(h, f.Next.EtherType)
	})
}

// SLL2 puts the second Linux "cooked" header around a packet.
func SLL2() Layer {
	return header(nextNothing, func(f *Frame) []byte {
		kind, _ := ends[byte](f, 4, 0)
		mac, _ := ends(f, clientMAC, serverMAC)
		h := be.AppendUint16(nil, f.Next.EtherType)
		h = append(h, 0, 0)
		h = be.AppendUint32(h, 2) // interface
		h = be.AppendUint16(h, 1) // ARPHRD_ETHER
		h = append(h, kind, 6)
		h = append(h, mac[:]...)
		return append(h, 0, 0)
	})
}

// Null puts the BSD loopback header around a packet: the address family in
// the byte order of the machine. The family of IPv6 differs by system: 24,
// 28 or 30.
func Null(order binary.AppendByteOrder, ipv6 uint32) Layer {
	return header(nextNothing, func(f *Frame) []byte {
		family := uint32(2)
		if f.Next == nextIPv6 {
			family = ipv6
		}
		return order.AppendUint32(nil, family)
	})
}

// Raw puts nothing around a packet, which begins with its IP header.
func Raw() Layer { return func(f Frame) []Frame { return []Frame{f} } }

// PFLOG puts the header of the pf log of OpenBSD 4.8 around a packet: 61
// bytes, filled up to 64.
func PFLOG() Layer {
	return header(nextNothing, func(f *Frame) []byte {
		h := make([]byte, 64)
		h[0], h[1] = 61, 2
		if f.Next == nextIPv6 {
			h[1] = 24
		}
		copy(h[4:], "em0")
		return h
	})
}

// NFLOG puts the header of the netfilter log around a packet, with some
// attributes before it, in the byte order of the machine.
func NFLOG(order binary.AppendByteOrder) Layer {
	return func(f Frame) []Frame {
		h := []byte{2, 0, 0, 5}
		if f.Next == nextIPv6 {
			h[0] = 10
		}
		attribute := func(kind, n int) {
			h = order.AppendUint16(order.AppendUint16(h, uint16(4+n)), uint16(kind))
		}
		attribute(1, 4) // NFULA_PACKET_HDR
		h = append(h, 8, 0, 1, 0)
		attribute(10, 3) // NFULA_PREFIX, filled up
		h = append(h, 'i', 'n', 0, 0)
		attribute(9, len(f.Data))
		fill := make([]byte, -len(f.Data)&3)
		f = f.before(h, nextNothing)
		return []Frame{f.after(fill)}
	}
}

// PKTAP puts the header of macOS's pktap around a frame of a link type.
func PKTAP(link capture.LinkType) Layer {
	return header(nextNothing, func(*Frame) []byte {
		h := make([]byte, 108)
		h[0], h[4], h[8] = 108, 1, byte(link)
		copy(h[12:], "en0")
		return h
	})
}

// PPP puts the protocol field of PPP around a packet (RFC 1661 section 2),
// and before it, if framed, the address and control bytes of HDLC-like
// framing (RFC 1662 section 3.1).
func PPP(framed bool) Layer {
	return header(nextNothing, func(f *Frame) []byte {
		var h []byte
		if framed {
			h = []byte{0xff, 0x03}
		}
		return be.AppendUint16(h, f.Next.PPP)
	})
}

// CiscoHDLC puts the header of Cisco's framing around a packet.
func CiscoHDLC() Layer {
	return header(nextNothing, func(f *Frame) []byte {
		return be.AppendUint16([]byte{0x0f, 0x00}, f.Next.EtherType)
	})
}

// PPPoE puts the header of a PPPoE session (RFC 2516 section 4) and the
// protocol field of PPP around a packet.
func PPPoE() Layer {
	return header(nextPPPoE, func(f *Frame) []byte {
		h := []byte{0x11, 0x00, 0x00, 0x2a}
		h = be.AppendUint16(h, uint16(2+len(f.Data)))
		return be.AppendUint16(h, f.Next.PPP)
	})
}

// IEEE80211 puts the header of an IEEE 802.11 data frame and those of
// LLC/SNAP around a packet, and behind it, if fcs, the frame check
// sequence. The client is the station.
func IEEE80211(fcs bool) Layer {
	return func(f Frame) []Frame {
		toDS, _ := ends(&f, byte(0x01), byte(0x02)) // to or from the distribution system
		h := []byte{0x08, toDS, 0x2c, 0x00}
		if f.FromClient {
			h = append(append(append(h, bssid[:]...), clientMAC[:]...), serverMAC[:]...)
		} else {
			h = append(append(append(h, clientMAC[:]...), bssid[:]...), serverMAC[:]...)
		}
		h = binary.LittleEndian.AppendUint16(h, f.ID<<4)
		h = append(h, 0xaa, 0xaa, 0x03, 0, 0, 0)
		h = be.AppendUint16(h, f.Next.EtherType)
		f = f.before(h, nextNothing)
		if fcs {
			f = f.after(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(f.Data)))
		}
		return []Frame{f}
	}
}

// Radiotap puts a radiotap header around an IEEE 802.11 frame; its flags
// field says whether there is a frame check sequence.
func Radiotap(fcs bool) Layer {
	return header(nextNothing, func(*Frame) []byte {
		const hasFlags, flagFCS = 1 << 1, 0x10
		h := []byte{0, 0, 9, 0, hasFlags, 0, 0, 0, 0}
		if fcs {
			h[8] = flagFCS
		}
		return h
	})
}
