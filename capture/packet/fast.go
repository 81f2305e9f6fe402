package packet

import (
	"encoding/binary"

	"popscope/capture"
)

// peekTags is how many VLAN tags peek reads past.
const peekTags = 2

// peek reads by hand the frames that nearly every capture is made of: whole
// headers of TCP in plain IP, and what plainly is not TCP. It leaves all else
// to the long way, whose answers are the same (FuzzTwoWays). ok tells
// whether it answered.
func (d *Decoder) peek(p *capture.Packet, s *Segment) (v Verdict, ok bool) {
	b := p.Data
	var protocol uint16
	var path uint64
	switch p.Link {
	case capture.LinkEthernet:
		if len(b) < etherHeader {
			return 0, false
		}
		protocol = be16(b[etherHeader-2:])
		b = b[etherHeader:]
		for tags := 0; protocol == etherVLAN || protocol == etherVLANS || protocol == etherVLANOld; tags++ {
			if tags == peekTags || len(b) < vlanTag {
				return 0, false
			}
			if id := be16(b) & 0x0fff; id != 0 {
				path = pathAdd(path, pathVLAN, uint32(id))
			}
			protocol = be16(b[2:])
			b = b[vlanTag:]
		}
	case capture.LinkLinuxSLL:
		if len(b) < sllHeader || be16(b[sllHardware:]) == hardwareNetlink {
			return 0, false
		}
		protocol = be16(b[sllProtocol:])
		b = b[sllHeader:]
	case capture.LinkLinuxSLL2:
		if len(b) < sll2Header || be16(b[sll2Hardware:]) == hardwareNetlink {
			return 0, false
		}
		protocol = be16(b[sll2Protocol:])
		b = b[sll2Header:]
	case capture.LinkNull, capture.LinkLoop:
		if len(b) < loopHeader {
			return 0, false
		}
		protocol = familyEtherType(b)
		b = b[loopHeader:]
	case capture.LinkRaw, capture.LinkRawOld, capture.LinkRawBSD:
		if len(b) == 0 {
			return 0, false
		}
		switch b[0] >> 4 {
		case 4:
			protocol = etherIPv4
		case 6:
			protocol = etherIPv6
		}
	case capture.LinkIPv4:
		protocol = etherIPv4
	case capture.LinkIPv6:
		protocol = etherIPv6
	}
	switch protocol {
	case etherIPv4:
		return d.peek4(b, path, s)
	case etherIPv6:
		return d.peek6(b, path, s)
	}
	return 0, false
}

// familyEtherType returns the EtherType for the address family of NULL and
// LOOP, or 0.
func familyEtherType(b []byte) uint16 {
	family := b[0]
	if binary.LittleEndian.Uint32(b) != uint32(family) || family == 0 {
		family = b[3]
		if be32(b) != uint32(family) {
			return 0
		}
	}
	switch family {
	case 2: // AF_INET everywhere
		return etherIPv4
	case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS
		return etherIPv6
	}
	return 0
}

func (d *Decoder) peek4(b []byte, path uint64, s *Segment) (v Verdict, ok bool) {
	if len(b) < ipv4Header {
		return 0, false
	}
	header := int(b[0]&15) * 4
	total := int(be16(b[ipv4Total:]))
	switch {
	case b[0]>>4 != 4 || header < ipv4Header || total < header || len(b) < header:
		return 0, false
	case be16(b[ipv4Fragment:])&0x3fff != 0: // offset, or more fragments
		return 0, false
	}
	payload := b[header:min(total, len(b))]
	switch b[ipv4Protocol] {
	case protoTCP:
		src, dst := b[ipv4Src:ipv4Dst:ipv4Dst], b[ipv4Dst:ipv4Header:ipv4Header]
		sum := uint64(binary.LittleEndian.Uint32(src)) + uint64(binary.LittleEndian.Uint32(dst))
		if !d.peekTCP(payload, total-header, sum, s) {
			return 0, false
		}
		s.Src.Addr.set4(src)
		s.Dst.Addr.set4(dst)
		s.Path = path
		return IsSegment, true
	case protoUDP:
		return peekUDP(payload)
	case protoICMP:
		return NotTCP, true
	}
	return 0, false
}

func (d *Decoder) peek6(b []byte, path uint64, s *Segment) (v Verdict, ok bool) {
	if len(b) < ipv6Header || b[0]>>4 != 6 {
		return 0, false
	}
	length := int(be16(b[ipv6Length:]))
	if length == 0 {
		return 0, false
	}
	payload := b[ipv6Header:min(ipv6Header+length, len(b))]
	switch b[ipv6Next] {
	case protoTCP:
		if !d.peekTCP(payload, length, onesSum(b[ipv6Src:ipv6Header], 0), s) {
			return 0, false
		}
		s.Src.Addr, s.Dst.Addr = Addr(b[ipv6Src:ipv6Dst]), Addr(b[ipv6Dst:ipv6Header])
		s.Path = path
		return IsSegment, true
	case protoUDP:
		return peekUDP(payload)
	case protoICMPv6:
		return NotTCP, true
	}
	return 0, false
}

// peekTCP fills in what the TCP header holds. wire is the length of the
// segment, addrs the sum of its pseudo header's addresses.
func (d *Decoder) peekTCP(b []byte, wire int, addrs uint64, s *Segment) bool {
	if len(b) < tcpHeader {
		return false
	}
	header := int(b[tcpOffset]>>4) * 4
	if header < tcpHeader || header > wire {
		return false
	}
	s.Src.Port = be16(b[tcpSrc:])
	s.Dst.Port = be16(b[tcpDst:])
	s.Seq = be32(b[tcpSeq:])
	s.Ack = be32(b[tcpAck:])
	s.Flags = Flags(b[tcpFlags]) & (FIN | SYN | RST | PSH | ACK | URG)
	s.Window = be16(b[tcpWindow:])
	s.Payload = b[min(header, len(b)):]
	s.Length = wire - header
	s.BadChecksum, s.rest, s.Unfilled = false, 0, false
	d.left.segment = nil
	switch {
	case len(b) != wire:
	case d.LeaveChecksums:
		d.left = left{b, addrs}
	default:
		pseudo := pseudoSum(addrs, wire)
		s.Unfilled, s.BadChecksum = unfilled(b, pseudo), checksumWrong(b, pseudo)
	}
	return true
}

// peekUDP answers for a datagram that is no tunnel.
func peekUDP(b []byte) (v Verdict, ok bool) {
	if len(b) < udpHeader {
		return 0, false
	}
	return NotTCP, udpTunnel(be16(b), be16(b[2:])) == done
}
