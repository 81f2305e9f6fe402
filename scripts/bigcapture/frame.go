package main

import (
	"encoding/binary"
	"math/bits"
)

// endpoint is one end of a connection as frames name it.
type endpoint struct {
	mac  [6]byte
	addr []byte // of 4 or 16 bytes
	port uint16
}

// flow puts the segments of one connection into Ethernet frames.
type flow struct {
	ends [2]endpoint
	id   [2]uint16 // of the next IPv4 packet of each end
	udp  bool      // it is no connection
}

// The lengths of headers in bytes.
const (
	ethernetHeader = 14
	ipv4Header     = 20
	ipv6Header     = 40
	tcpHeader      = 20
	udpHeader      = 8
)

// TCP control bits (RFC 9293 section 3.1).
const (
	fin = 1 << 0
	syn = 1 << 1
	psh = 1 << 3
	ack = 1 << 4
)

// The window that both ends offer, and how far it is shifted (RFC 7323
// section 2): more than a burst, so that nobody ever fills it.
const (
	window      = 512
	windowShift = 7
)

// segment is what is told apart in the headers of a flow.
type segment struct {
	from     side
	flags    byte
	seq, ack uint32
}

func (f *flow) v6() bool { return len(f.ends[client].addr) == 16 }

func (f *flow) ipHeader() int {
	if f.v6() {
		return ipv6Header
	}
	return ipv4Header
}

// mss returns the largest payload of a segment for an MTU of 1500.
func (f *flow) mss() int { return 1500 - f.ipHeader() - tcpHeader }

// room returns how many bytes of a frame come before the payload.
func (f *flow) room() int {
	if f.udp {
		return ethernetHeader + f.ipHeader() + udpHeader
	}
	return ethernetHeader + f.ipHeader() + tcpHeader
}

// options returns the TCP options of a segment: all are in the SYNs (RFC
// 9293 section 3.7.1, RFC 2018 section 2, RFC 7323 section 2.2).
func (f *flow) options(s segment) []byte {
	if s.flags&syn == 0 {
		return nil
	}
	mss := f.mss()
	return []byte{2, 4, byte(mss >> 8), byte(mss), 1, 1, 4, 2, 1, 3, 3, windowShift}
}

// seal fills in the headers of a frame: room() bytes, then the options, then
// the payload, if there is any.
func (f *flow) seal(frame []byte, s segment) {
	src, dst := &f.ends[s.from], &f.ends[s.from.other()]
	tcp := f.envelope(frame, s.from, protocolTCP)
	options := f.options(s)
	be := binary.BigEndian
	be.PutUint16(tcp[0:], src.port)
	be.PutUint16(tcp[2:], dst.port)
	be.PutUint32(tcp[4:], s.seq)
	be.PutUint32(tcp[8:], s.ack)
	tcp[12] = byte(tcpHeader+len(options)) / 4 << 4
	tcp[13] = s.flags
	be.PutUint16(tcp[14:], window)
	be.PutUint32(tcp[16:], 0) // checksum, and no urgent data
	copy(tcp[tcpHeader:], options)

	be.PutUint16(tcp[16:], checksum(f.sum(tcp, s.from, protocolTCP)))
}

// sealDatagram fills in the headers of a frame with a UDP datagram.
func (f *flow) sealDatagram(frame []byte, from side) {
	be := binary.BigEndian
	udp := f.envelope(frame, from, protocolUDP)
	be.PutUint16(udp[0:], f.ends[from].port)
	be.PutUint16(udp[2:], f.ends[from.other()].port)
	be.PutUint16(udp[4:], uint16(len(udp)))
	be.PutUint16(udp[6:], 0)
	sum := checksum(f.sum(udp, from, protocolUDP))
	if sum == 0 {
		sum = 0xffff // RFC 768: zero means that there is none
	}
	be.PutUint16(udp[6:], sum)
}

// envelope fills in the headers down to IP, and returns what is in it.
func (f *flow) envelope(frame []byte, from side, protocol byte) []byte {
	src, dst := &f.ends[from], &f.ends[from.other()]
	copy(frame, dst.mac[:])
	copy(frame[6:], src.mac[:])
	ip := frame[ethernetHeader:]
	inner := ip[f.ipHeader():]
	if f.v6() {
		binary.BigEndian.PutUint16(frame[12:], 0x86dd)
		ipv6(ip, src.addr, dst.addr, len(inner), protocol)
	} else {
		binary.BigEndian.PutUint16(frame[12:], 0x0800)
		ipv4(ip, src.addr, dst.addr, f.id[from], protocol)
		f.id[from]++
	}
	return inner
}

// sum adds up a segment or datagram with its pseudo header (RFC 9293
// section 3.1, RFC 8200 section 8.1), which is the same sum for both
// versions of IP.
func (f *flow) sum(b []byte, from side, protocol byte) uint64 {
	var pseudo [8]byte
	binary.BigEndian.PutUint32(pseudo[0:], uint32(len(b)))
	binary.BigEndian.PutUint32(pseudo[4:], uint32(protocol))
	return add(add(add(add(0, f.ends[from].addr), f.ends[from.other()].addr), pseudo[:]), b)
}

const (
	protocolTCP = 6
	protocolUDP = 17
	hopLimit    = 64
)

func ipv4(h, src, dst []byte, id uint16, protocol byte) {
	be := binary.BigEndian
	h[0] = 0x45
	h[1] = 0
	be.PutUint16(h[2:], uint16(len(h)))
	be.PutUint16(h[4:], id)
	be.PutUint16(h[6:], 0x4000) // do not fragment
	h[8] = hopLimit
	h[9] = protocol
	be.PutUint16(h[10:], 0)
	copy(h[12:], src)
	copy(h[16:], dst)
	be.PutUint16(h[10:], checksum(add(0, h[:ipv4Header])))
}

func ipv6(h, src, dst []byte, payload int, protocol byte) {
	be := binary.BigEndian
	be.PutUint32(h[0:], 0x60000000)
	be.PutUint16(h[4:], uint16(payload))
	h[6] = protocol
	h[7] = hopLimit
	copy(h[8:], src)
	copy(h[24:], dst)
}

// add adds b to a sum of the Internet checksum (RFC 1071), kept in words of
// 8 bytes. An odd last byte is followed by a zero.
func add(sum uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	var rest [8]byte
	copy(rest[:], b)
	sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(rest[:]), carry)
	sum, carry = bits.Add64(sum, 0, carry)
	return sum + carry
}

// checksum returns the checksum for a sum.
func checksum(sum uint64) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
