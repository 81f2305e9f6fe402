package message

import (
	"bytes"
	"encoding/binary"
)

// base64Value is the value of each octet of the base64 alphabet (RFC 2045
// section 6.8), or one of the two below.
var base64Value = base64Table()

const (
	base64Junk = 0xff
	base64Pad  = 0xfe
)

func base64Table() (t [256]byte) {
	for i := range t {
		t[i] = base64Junk
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	t['='] = base64Pad
	return t
}

// base64Decoder decodes base64 that may be broken, in pieces of any size.
type base64Decoder struct {
	bits    uint32 // of the quantum that is not complete
	n       int    // its characters, 0 to 3
	padded  bool   // padding was seen
	realign bool   // the next line follows a gap

	junk, goesOn, text, unpadded, odd bool // faults
}

// line takes a whole line without its end.
func (d *base64Decoder) line(c *content, b []byte, e lineEnd) {
	b = bytes.Trim(b, " \t")
	if d.padded && len(b) > 0 && !isBase64(b) {
		// QUIRK: mailing list programs add their footer to the encoded text.
		d.text = true
		return
	}
	if d.realign {
		d.realign = false
		// Lines hold whole quanta: the end of the line tells where they begin.
		if e != endNone {
			skip := 0
			for _, v := range b {
				if base64Value[v] != base64Junk {
					skip++
				}
			}
			for skip %= 4; skip > 0; b = b[1:] {
				if base64Value[b[0]] != base64Junk {
					skip--
				}
			}
		}
	}
	d.piece(c, b)
}

// lines takes lines of one width that hold whole quanta and nothing else, as
// programs write them: without a search for their ends, and without padding,
// which is left to line.
func (d *base64Decoder) lines(c *content, b []byte) int {
	if d.n > 0 || d.realign {
		return 0
	}
	width := bytes.IndexByte(b, '\n') + 1
	text := width - len("\r\n")
	if text < 4 || text%4 != 0 || text > outSize/2 {
		return 0
	}
	n := 0
	for n+width <= len(b) && b[n+text] == '\r' && b[n+text+1] == '\n' {
		if !d.quanta(c, b[n:n+text]) {
			c.unlike = manyLines
			break
		}
		n += width
	}
	return n
}

// quanta decodes whole quanta, at most outSize/2 characters, without any
// fault or padding in them, or nothing.
func (d *base64Decoder) quanta(c *content, b []byte) bool {
	n := len(b) / 4 * 3
	out := c.room(n)
	if !decodeQuanta(out[len(out):len(out)+n+base64Spare], b) {
		return false
	}
	d.goesOn = d.goesOn || d.padded
	c.out = out[:len(out)+n]
	return true
}

// base64Spare is how many octets decodeQuanta may write behind the last one.
const base64Spare = 2

// decodeQuanta decodes src, whole quanta of base64 without padding, to the
// beginning of dst, which is base64Spare longer than what comes out. It
// reports whether src holds nothing but characters of the alphabet.
//
// encoding/base64 asks after every few characters whether they are valid, and
// is ready for line ends; here faults are gathered and asked for once, which
// takes half as many instructions.
func decodeQuanta(dst, src []byte) bool {
	t, bad := quantumBits, uint32(0)
	for len(src) > 8 && len(dst) > 8 {
		v := binary.LittleEndian.Uint64(src)
		first := t[0][byte(v)] | t[1][byte(v>>8)] | t[2][byte(v>>16)] | t[3][byte(v>>24)]
		second := t[0][byte(v>>32)] | t[1][byte(v>>40)] | t[2][byte(v>>48)] | t[3][byte(v>>56)]
		bad |= first | second
		binary.BigEndian.PutUint64(dst, uint64(first)<<40|uint64(second)<<16)
		src, dst = src[8:], dst[6:]
	}
	for len(src) >= 4 && len(dst) >= 4 {
		v := t[0][src[0]] | t[1][src[1]] | t[2][src[2]] | t[3][src[3]]
		bad |= v
		binary.BigEndian.PutUint32(dst, v<<8)
		src, dst = src[4:], dst[3:]
	}
	return bad&quantumBad == 0
}

// quantumBits holds the bits of each octet at each place of a quantum of
// four, or quantumBad for octets that are none of the alphabet.
var quantumBits = quantumTable()

const quantumBad = 1 << 31 // no bit of the 24 that a quantum has

func quantumTable() *[4][256]uint32 {
	t := new([4][256]uint32)
	for place := range t {
		for octet, v := range base64Value {
			t[place][octet] = uint32(v) << (18 - 6*place)
			if v == base64Junk || v == base64Pad {
				t[place][octet] = quantumBad
			}
		}
	}
	return t
}

func isBase64(b []byte) bool {
	for _, v := range b {
		if base64Value[v] == base64Junk {
			return false
		}
	}
	return true
}

// piece decodes b: whole quanta together, what is broken or padded one
// character at a time.
func (d *base64Decoder) piece(c *content, b []byte) {
	d.realign = false
	for len(b) > 0 {
		for d.n > 0 && len(b) > 0 {
			d.octet(c, b[0])
			b = b[1:]
		}
		part := b[:min(len(b), outSize/2)&^3]
		if len(part) > 0 && d.quanta(c, part) {
			b = b[len(part):]
			continue
		}
		part = b[:min(len(b), outSize/2)]
		for _, v := range part {
			d.octet(c, v)
		}
		b = b[len(part):]
	}
}

func (d *base64Decoder) octet(c *content, b byte) {
	switch v := base64Value[b]; v {
	case base64Junk:
		if b != ' ' && b != '\t' {
			d.junk = true
		}
	case base64Pad:
		switch d.n {
		case 1:
			d.odd = true
			d.n = 0
		case 2, 3:
			d.rest(c)
		}
		d.padded = true
	default:
		d.goesOn = d.goesOn || d.padded
		d.bits = d.bits<<6 | uint32(v)
		if d.n++; d.n == 4 {
			c.out = append(c.room(3), byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
			d.n = 0
		}
	}
}

// rest gives the whole octets of a quantum that ends early.
func (d *base64Decoder) rest(c *content) {
	switch d.n {
	case 2:
		c.out = append(c.room(1), byte(d.bits>>4))
	case 3:
		c.out = append(c.room(2), byte(d.bits>>10), byte(d.bits>>2))
	}
	d.n = 0
}

func (d *base64Decoder) gap(c *content) {
	d.rest(c)
	d.padded, d.realign = false, true
}

func (d *base64Decoder) close(c *content) {
	d.odd = d.odd || d.n == 1
	d.unpadded = d.n > 1
	d.rest(c)
}

func (d *base64Decoder) report(f *faults, what string) {
	if d.junk {
		f.add("characters that are not base64 in " + what)
	}
	if d.goesOn {
		f.add("base64 goes on after its padding in " + what)
	}
	if d.text {
		f.add("text that is not base64 after the padding in " + what)
	}
	if d.unpadded {
		f.add("base64 padding is missing in " + what)
	}
	if d.odd {
		f.add("base64 with a single character over in " + what)
	}
}
