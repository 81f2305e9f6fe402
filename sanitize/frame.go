package sanitize

import (
	"encoding/binary"
	"math"
	"math/bits"

	"popscope/capture/packet"
)

// frame is a captured frame, or a datagram that was put together from
// fragments, on its way into the spool.
//
//	headers  payload  behind it: padding, trailers, check sequences
//	kept     to be filled      zero
type frame struct {
	orig, out []byte // as captured; as it will be written
	headers   []packet.Header
	sums      []sum // of the headers
	parts     []part
	record    int64   // valid iff parts is empty: a frame of the capture
	records   []int64 // valid iff there are parts: of all frames that it lies in
	num       int64   // of the packet that brought it, or completed it
	nanos     int64

	// Of a TCP segment with payload.
	flow    *flow
	side    int // which end of the flow sent it
	seq     uint32
	from, n int // where the payload lies

	written bool
	buf     []byte // of orig and out
	serial  uint64 // of its use: frames are used again
}

// part says which bytes of another frame a stretch of a datagram is.
type part struct {
	in          *frame
	at, from, n int // in.out[at:at+n] is out[from:from+n]
}

// sum says what is known of a checksum.
type sum uint8

const (
	noSum    sum = iota // there is none, or it is left out
	right               // of the bytes as captured
	wrong               //
	unfilled            // left to the network card: of TCP only
	unknown             // not all of its bytes were captured
)

// maxKeptHeaders bounds the headers that a frame has room for when it is used
// again.
const maxKeptHeaders = 8

// reset makes f a frame that was not used.
func (f *frame) reset(p *pool) {
	p.give(f.buf)
	headers, sums := f.headers[:0], f.sums[:0]
	if cap(headers) > maxKeptHeaders {
		headers, sums = nil, nil
	}
	*f = frame{written: true, headers: headers, sums: sums}
}

// begin takes a copy of data with everything behind f.headers overwritten.
// f is new, or was reset.
func (f *frame) begin(p *pool, data []byte) {
	f.buf = p.take(2 * len(data))
	f.written = false
	f.orig, f.out = f.buf[:len(data):len(data)], f.buf[len(data):]
	copy(f.orig, data)
	end := 0
	for i := range f.headers {
		if h := &f.headers[i]; h.Kind != packet.FragmentPayload {
			end = max(end, h.At+min(h.Size, h.Captured))
		}
	}
	copy(f.out[:min(end, len(data))], data)
	for i := range f.headers {
		f.sums = append(f.sums, f.check(&f.headers[i]))
		f.options(&f.headers[i])
	}
}

// Fields of the headers that are rewritten.
const (
	ipv4Sum     = 10
	ipv4Fixed   = 20
	ipv6Options = 2 // of an extension header
	udpSum      = 6
	tcpSum      = 16
	tcpFixed    = 20
	greSum      = 4
	greHasSum   = 0x80
	greVersion  = 0x07

	protoTCP = 6
	protoUDP = 17
)

// field returns where the checksum of a header lies, and the length of what
// it covers; n is 0 without one.
func (f *frame) field(h *packet.Header) (at, n int) {
	switch h.Kind {
	case packet.HeaderIPv4:
		return h.At + ipv4Sum, h.Size
	case packet.HeaderUDP:
		return h.At + udpSum, h.Captured
	case packet.HeaderTCP:
		return h.At + tcpSum, h.Captured
	case packet.HeaderGRE:
		if f.out[h.At]&greHasSum != 0 && f.out[h.At+1]&greVersion == 0 {
			return h.At + greSum, h.Captured
		}
	}
	return 0, 0
}

// check says whether the checksum of a header is right.
func (f *frame) check(h *packet.Header) sum {
	at, n := f.field(h)
	switch {
	case n == 0, h.Kind != packet.HeaderTCP && binary.BigEndian.Uint16(f.orig[at:]) == 0:
		return noSum
	case h.Kind != packet.HeaderIPv4 && h.Captured < h.Wire:
		return unknown
	case ones(f.orig[h.At:h.At+n], pseudo(h, h.Src, h.Dst)) == 0xffff:
		return right
	case h.Kind == packet.HeaderTCP && h.Unfilled(f.orig):
		return unfilled
	}
	return wrong
}

// pseudo returns the sum of the pseudo header of TCP and UDP.
func pseudo(h *packet.Header, src, dst packet.Addr) uint64 {
	var proto uint64
	switch h.Kind {
	case packet.HeaderTCP:
		proto = protoTCP
	case packet.HeaderUDP:
		proto = protoUDP
	default:
		return 0
	}
	// The prefix of an IPv4 address in 16 bytes is 0xffff, which is nothing
	// to a sum in ones' complement.
	return halves(&src) + halves(&dst) + proto + uint64(h.Wire&0xffff+h.Wire>>16)
}

// halves adds up an address in words of four bytes.
func halves(a *packet.Addr) uint64 {
	high, low := binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])
	return high>>32 + high&math.MaxUint32 + low>>32 + low&math.MaxUint32
}

// ones adds up b in ones' complement (RFC 1071), by words of eight bytes:
// those of two come round at the end.
func ones(b []byte, sum uint64) uint16 {
	var carry uint64
	for ; len(b) >= 32; b = b[32:] {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[8:]), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[16:]), carry)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b[24:]), carry)
	}
	for ; len(b) >= 8; b = b[8:] {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
	}
	sum += carry // a sum that was carried from is not all ones
	sum = sum>>32 + sum&math.MaxUint32
	for len(b) > 1 {
		sum += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// wrongBy makes a right checksum wrong.
const wrongBy = 0x5555

// seal writes the checksums, those of inner headers first. addr is what
// becomes of addresses.
func (f *frame) seal(addr func(packet.Addr) packet.Addr) {
	for i := len(f.headers) - 1; i >= 0; i-- {
		h := &f.headers[i]
		at, n := f.field(h)
		if f.sums[i] == noSum || n == 0 {
			continue
		}
		binary.BigEndian.PutUint16(f.out[at:], 0)
		if f.sums[i] == unknown {
			continue
		}
		if f.sums[i] == unfilled {
			binary.BigEndian.PutUint16(f.out[at:], ones(nil, pseudo(h, addr(h.Src), addr(h.Dst))))
			continue
		}
		var head uint64
		if h.Kind == packet.HeaderTCP || h.Kind == packet.HeaderUDP {
			head = pseudo(h, addr(h.Src), addr(h.Dst))
		}
		c := ^ones(f.out[h.At:h.At+n], head)
		if f.sums[i] == wrong {
			c ^= wrongBy
		}
		if c == 0 && h.Kind == packet.HeaderUDP {
			c = 0xffff // RFC 768: 0 means none
		}
		binary.BigEndian.PutUint16(f.out[at:], c)
	}
}

// options overwrites the options of IP and the unusual ones of TCP, which
// can carry anything.
func (f *frame) options(h *packet.Header) {
	end := h.At + min(h.Size, h.Captured)
	switch h.Kind {
	case packet.HeaderIPv4:
		for i := h.At + ipv4Fixed; i < end; i++ {
			f.out[i] = 1 // no operation
		}
	case packet.HeaderOptions:
		padOptions(f.out[min(h.At+ipv6Options, end):end])
	case packet.HeaderTCP:
		for b := f.out[h.At+tcpFixed : end]; len(b) > 0; {
			n := 1
			if b[0] > 1 {
				if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
					clear(b)
					break
				}
				n = int(b[1])
			}
			if b[0] == 0 || !usualOption(b[0], n) {
				if b[0] == 0 {
					clear(b)
					break
				}
				for i := range b[:n] {
					b[i] = 1
				}
			}
			b = b[n:]
		}
	}
}

// padOptions overwrites the options of IPv6 by padding (RFC 8200 section
// 4.2), but for those that tell of the transport only: router alert, and the
// length of a jumbogram.
func padOptions(b []byte) {
	const padN, alert, jumbo = 1, 0x05, 0xc2
	for len(b) > 0 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		n := len(b)
		if n > 1 {
			n = min(n, 2+int(b[1])) // one that is cut is cut after it
		}
		if !(b[0] == alert && n == 4 || b[0] == jumbo && n == 6) {
			b[0] = padN
			clear(b[min(2, n):n])
		}
		b = b[n:]
	}
}

// usualOption reports whether a TCP option tells of the transport only: no
// operation, segment size, window scale, selective acknowledgements,
// timestamps (RFC 9293 section 3.1, RFC 7323, RFC 2018).
func usualOption(kind byte, n int) bool {
	switch kind {
	case 1:
		return true
	case 2:
		return n == 4
	case 3:
		return n == 3
	case 4:
		return n == 2
	case 5:
		return n <= 34
	case 8:
		return n == 10
	}
	return false
}

// fragment returns where the payload of an IP fragment lies; ok is false
// if the frame is none.
func (f *frame) fragment() (at, n int, ok bool) {
	if len(f.headers) == 0 {
		return 0, 0, false
	}
	h := &f.headers[len(f.headers)-1]
	return h.At, h.Captured, h.Kind == packet.FragmentPayload
}

// scatter writes a datagram into the fragments that it came from. Bytes of
// a fragment that another copy overrode stay overwritten.
func (f *frame) scatter() {
	for _, p := range f.parts {
		for i := range p.n {
			if p.in.orig[p.at+i] == f.orig[p.from+i] {
				p.in.out[p.at+i] = f.out[p.from+i]
			}
		}
	}
}

// appendRecords appends the records of all frames that f lies in.
func (f *frame) appendRecords(to []int64) []int64 {
	if len(f.parts) == 0 {
		return append(to, f.record)
	}
	return append(to, f.records...)
}
