package message

import (
	"bytes"
	"encoding/base64"
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
	joined  []byte // scratch
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
// programs write them: decoded together they cost half as much. It takes
// none where one of them is any different.
func (d *base64Decoder) lines(c *content, b []byte) int {
	if d.n > 0 || d.padded || d.realign {
		return 0
	}
	width := bytes.IndexByte(b, '\n') + 1
	text := width - len("\r\n")
	if text < 4 || text%4 != 0 || text > maxBulk/2 {
		return 0
	}
	n, joined := 0, d.joined[:0]
	for n+width <= len(b) && b[n+text] == '\r' && b[n+text+1] == '\n' && len(joined)+text <= maxBulk {
		joined = append(joined, b[n:n+text]...)
		n += width
	}
	d.joined = joined
	if n <= width {
		return 0
	}
	if !d.whole(c, joined) {
		c.unlike = manyLines
		return 0
	}
	return n
}

// maxBulk is how many characters are decoded together.
const maxBulk = 4 << 10

// whole decodes characters of the alphabet alone, or nothing.
func (d *base64Decoder) whole(c *content, b []byte) bool {
	size := len(b) / 4 * 3
	out := c.room(size)
	// The decoder of the standard library passes over line ends, which are
	// none of a line's characters: then it is less that comes out. It takes
	// padding at the end.
	n, err := base64.StdEncoding.Decode(out[len(out):cap(out)], b)
	if err != nil || n != size {
		return false
	}
	c.out = out[:len(out)+n]
	return true
}

func isBase64(b []byte) bool {
	for _, v := range b {
		if base64Value[v] == base64Junk {
			return false
		}
	}
	return true
}

// piece decodes b: whole quanta with the standard library's fast decoder,
// what is broken one character at a time.
func (d *base64Decoder) piece(c *content, b []byte) {
	d.realign = false
	for len(b) > 0 {
		for d.n > 0 && len(b) > 0 {
			d.octet(c, b[0])
			b = b[1:]
		}
		part := b[:min(len(b), outSize/2)&^3]
		if len(part) > 0 && d.fast(c, part) {
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

// fast decodes whole quanta without any fault in them, or nothing.
func (d *base64Decoder) fast(c *content, b []byte) bool {
	out := c.room(base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Decode(out[len(out):cap(out)], b)
	if err != nil {
		return false
	}
	d.goesOn = d.goesOn || d.padded
	d.padded = d.padded || b[len(b)-1] == '='
	c.out = out[:len(out)+n]
	return true
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
