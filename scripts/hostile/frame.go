package main

import (
	"encoding/binary"
	"io"

	"popscope/capture"
)

// traffic writes packets as they are made: a capture of any length takes no
// memory.
type traffic struct {
	w     *capture.Writer
	now   int64 // nanoseconds since 1970-01-01 UTC, of the next packet
	step  int64 // between two packets
	id    uint16
	frame []byte
	err   error // sticky
}

// begin is when captures begin: 2024-01-15 09:00:00 UTC, in nanoseconds.
const begin = 1_705_309_200 * 1_000_000_000

func newTraffic(w io.Writer) (*traffic, error) {
	out, err := capture.NewWriter(w, capture.WriterOptions{})
	return &traffic{w: out, now: begin, step: 10_000}, err
}

// endpoint is an IPv4 address with a port.
type endpoint struct {
	addr [4]byte
	port uint16
}

// server is the end that waits for connections.
var server = endpoint{[4]byte{198, 51, 100, 1}, 110}

// client returns the i-th of some four billion clients, most of them in
// the addresses for benchmarks (RFC 2544) and beyond.
func client(i int) endpoint {
	const ports = 50_000
	host := i / ports
	return endpoint{[4]byte{198, 18 + byte(host>>16&1), byte(host >> 8), byte(host)}, uint16(10_000 + i%ports)}
}

// TCP control bits (RFC 9293 section 3.1).
const (
	fin = 1 << 0
	syn = 1 << 1
	psh = 1 << 3
	ack = 1 << 4
)

// The lengths of headers in bytes.
const (
	ethernet = 14
	ipv4     = 20
	tcp      = 20
)

// segment writes a TCP segment.
func (t *traffic) segment(src, dst endpoint, seq, acked uint32, flags byte, data []byte) {
	h := t.packet(src.addr, dst.addr, 6, 0x4000, tcp, data)
	be := binary.BigEndian
	be.PutUint16(h[0:], src.port)
	be.PutUint16(h[2:], dst.port)
	be.PutUint32(h[4:], seq)
	be.PutUint32(h[8:], acked)
	h[12], h[13] = tcp/4<<4, flags
	be.PutUint16(h[14:], 65535)
	pseudo := [12]byte{8: 0, 9: 6}
	copy(pseudo[0:], src.addr[:])
	copy(pseudo[4:], dst.addr[:])
	be.PutUint16(pseudo[10:], uint16(len(h)))
	be.PutUint16(h[16:], ^fold(sum(sum(0, pseudo[:]), h)))
	t.send()
}

// packet prepares a frame with room for so many bytes of a header above IP
// before data, and returns what is inside of IP. more is the third word of
// the IP header: flags and fragment offset.
func (t *traffic) packet(src, dst [4]byte, protocol byte, more uint16, header int, data []byte) []byte {
	t.frame = append(append(t.frame[:0], make([]byte, ethernet+ipv4+header)...), data...)
	be := binary.BigEndian
	copy(t.frame, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 2, 8, 0})
	ip := t.frame[ethernet:]
	t.id++
	ip[0], ip[8], ip[9] = 0x45, 64, protocol
	be.PutUint16(ip[2:], uint16(len(ip)))
	be.PutUint16(ip[4:], t.id)
	be.PutUint16(ip[6:], more)
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	be.PutUint16(ip[10:], ^fold(sum(0, ip[:ipv4])))
	return ip[ipv4:]
}

// send writes the frame that was prepared.
func (t *traffic) send() {
	if t.err == nil {
		t.err = t.w.Write(&capture.Packet{Nanos: t.now, Link: capture.LinkEthernet, Data: t.frame, Orig: len(t.frame)})
	}
	t.now += t.step
}

// sum adds up b as the Internet checksum does (RFC 1071); an odd last byte
// is followed by a zero.
func sum(s uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
		s = s&0xffff + s>>16
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
