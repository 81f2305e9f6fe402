package wire

import (
	"bytes"

	"popscope/reassembly/stream"
)

// Run returns the data up to the next line that begins with a dot, or all
// that there is before a gap: what Next gives in one Data token, for less.
// ok is false where Next has something else to say, or nothing.
func (s *Scanner) Run() (b []byte, off int64, at stream.Stamp, ok bool) {
	d := &s.data
	if s.head == len(s.pieces) || d.pending || s.inPart {
		return nil, 0, at, false
	}
	p := &s.pieces[s.head]
	if p.Lost > 0 || d.pos != inLine && (d.pos != lineStart || p.Data[0] == '.') {
		return nil, 0, at, false
	}
	n := d.regular(p.Data)
	if n == 0 {
		n = d.any(p.Data, false)
	}
	b, off, at = p.Data[:n], p.Off, p.At
	s.drop(n)
	return b, off, at, true
}

// run returns the bytes up to the next line that begins with a dot, or
// all that there are.
func (s *Scanner) run(p *piece, oneLine bool) Token {
	n := 0
	if !oneLine {
		n = s.data.regular(p.Data)
	}
	if n == 0 {
		n = s.data.any(p.Data, oneLine)
	}
	return s.token(Data, n, p.Data[:n])
}

// regular is any for bytes that are as mail should be: every LF after a
// CR, every CR before an LF, no zero byte. Of others it takes none and
// returns 0.
//
// Where a line has the length of the one before it, as in base64, its end
// is looked at and not searched for. Whether an end was missed in between
// the counts tell, which cost less than a search: they go through the
// bytes without stopping.
func (d *dataState) regular(b []byte) int {
	if d.lf || d.prevLF {
		return 0
	}
	n, width := 0, 0
	var ends int64
	if b[0] == '\n' {
		if !d.prevCR {
			return 0
		}
		n, ends = 1, 1
	}
	for n < len(b) && (ends == 0 || b[n] != '.') {
		if i := n + width; width > 0 && i <= len(b) && b[i-1] == '\n' && b[i-2] == '\r' {
			n = i
			ends++
			continue
		}
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			break
		}
		if i == 0 || b[n+i-1] != '\r' {
			return 0
		}
		width = i + 1
		n += width
		ends++
	}
	start := ends > 0 && (n == len(b) || b[n] == '.')
	if !start {
		n = len(b)
	}
	crs := ends
	if b[0] == '\n' {
		crs--
	}
	if b[n-1] == '\r' {
		crs++
	}
	if bytes.IndexByte(b[:n], 0) >= 0 || int64(bytes.Count(b[:n], crByte)) != crs || int64(bytes.Count(b[:n], lfByte)) != ends {
		return 0
	}
	d.lines += ends
	d.lfs += ends
	d.crlfs += ends
	d.crs += crs
	d.ran(b[n-1], start)
	return n
}

// any counts what is in the bytes up to the next line that begins with a
// dot, and returns how many bytes these are. With oneLine they end with the
// line.
func (d *dataState) any(b []byte, oneLine bool) int {
	n, start := 0, false // n bytes are taken; start: a line begins after them
	if d.prevLF && b[0] == '.' {
		d.dotAfterLF++
	}
	for n < len(b) {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			n, start = len(b), false
			break
		}
		n += i + 1
		d.lfs++
		crlf := n > 1 && b[n-2] == '\r' || n == 1 && (d.prevCR || d.gap)
		if crlf {
			d.crlfs++
		}
		start = crlf || d.lf
		if start {
			d.lines++
		}
		if n < len(b) && b[n] == '.' {
			if start {
				break
			}
			d.dotAfterLF++ // start is false: the same line goes on
		}
		if oneLine && start {
			break
		}
	}
	if d.gap && b[0] == '\n' {
		d.crs++ // the CR was lost
	}
	b = b[:n]
	d.crs += int64(bytes.Count(b, crByte))
	d.nuls += int64(bytes.Count(b, nulByte))
	d.ran(b[n-1], start)
	return n
}

// ran notes where the data stands after a byte, and whether a line begins
// after it.
func (d *dataState) ran(last byte, start bool) {
	d.gap = false
	d.prevCR = last == '\r'
	d.prevLF = last == '\n' && !start
	d.pos = inLine
	if start {
		d.pos = lineStart
	}
}
