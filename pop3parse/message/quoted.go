package message

import "bytes"

// quotedDecoder decodes quoted-printable (RFC 2045 section 6.7) that may be
// broken. A "=" that begins no valid escape is kept as it is.
type quotedDecoder struct {
	held    [2]byte // "=" or "=X" at the end of a piece
	n       int     // octets held
	invalid bool    // a fault
}

// line decodes a whole line, and reports whether it ends in a soft line break.
func (d *quotedDecoder) line(c *content, b []byte) bool {
	b = bytes.TrimRight(b, " \t") // rule 3: added on the way
	b, soft := bytes.CutSuffix(b, []byte("="))
	d.decode(c, b)
	d.literal(c)
	return soft
}

// piece decodes a piece of a long line. White space at its end is kept.
func (d *quotedDecoder) piece(c *content, b []byte) {
	d.decode(c, b)
}

// lineOver ends a long line, and reports whether it ends in a soft line break.
func (d *quotedDecoder) lineOver(c *content) bool {
	if d.n == 1 {
		d.n = 0
		return true
	}
	d.literal(c)
	return false
}

// literal gives what is held as it is.
func (d *quotedDecoder) literal(c *content) {
	if d.n > 0 {
		d.invalid = true
		c.put(d.held[:d.n])
		d.n = 0
	}
}

func (d *quotedDecoder) decode(c *content, b []byte) {
	for d.n > 0 && len(b) > 0 {
		d.octet(c, b[0])
		b = b[1:]
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '=')
		if i < 0 {
			c.put(b)
			return
		}
		if i > 0 {
			c.put(b[:i])
			b = b[i:]
		}
		if len(b) > 2 {
			if hi, lo := hexValue(b[1]), hexValue(b[2]); hi >= 0 && lo >= 0 {
				c.out = append(c.room(1), byte(hi<<4|lo))
				b = b[3:]
				continue
			}
		}
		d.held[0], d.n = '=', 1
		b = b[1:]
		for d.n > 0 && len(b) > 0 {
			d.octet(c, b[0])
			b = b[1:]
		}
	}
}

// octet takes what follows "=" or "=X".
func (d *quotedDecoder) octet(c *content, b byte) {
	v := hexValue(b)
	switch {
	case v >= 0 && d.n == 1:
		d.held[1], d.n = b, 2
	case v >= 0:
		c.out = append(c.room(1), byte(hexValue(d.held[1])<<4|v))
		d.n = 0
	default:
		d.literal(c)
		if b == '=' {
			d.held[0], d.n = '=', 1
		} else {
			c.out = append(c.room(1), b)
		}
	}
}

func (d *quotedDecoder) report(f *faults, what string) {
	if d.invalid {
		f.add("quoted-printable with invalid escapes in " + what)
	}
}

// hexValue returns the value of a hexadecimal digit, or -1. RFC 2045 wants
// upper case; lower case is common.
func hexValue(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	}
	return -1
}
