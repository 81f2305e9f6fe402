package message

import "bytes"

// lineEnd says how a line ends.
type lineEnd uint8

const (
	endNone   lineEnd = iota // by the end of the input or a gap
	endLF                    // LF alone
	endCRLF                  // as RFC 5322 section 2.1 has it
	endCRCRLF                // CR CR LF, from programs that turn LF into CRLF twice
	endCR                    // CR alone, from old Macintosh programs
	endCut                   // a CR, and then a gap or the end of the input
)

// octets returns the line end as it was sent.
func (e lineEnd) octets() string {
	return [...]string{"", "\n", "\r\n", "\r\r\n", "\r", "\r"}[e]
}

// lineReader takes lines from a splitter. Bytes are valid during the call.
// A line longer than maxLine comes as one piece of maxLine octets with first
// set, pieces of any size, and lineOver.
//
// lines is asked before each line that b begins with: it may take any number
// of whole lines of b at once, and returns how many octets these are.
type lineReader interface {
	lines(b []byte) int
	line(b []byte, e lineEnd)
	piece(b []byte, first bool)
	lineOver(e lineEnd)
}

// splitter cuts a stream into lines. What it hands on does not depend on
// how the stream was cut into writes, but for the sizes of later pieces.
type splitter struct {
	buf  []byte // beginning of a line, at most maxLine octets
	crs  int    // 0 to 2 CRs after it that may belong to a line end
	long bool   // the line is being handed on in pieces
}

func (s *splitter) reset() {
	s.buf, s.crs, s.long = s.buf[:0], 0, false
}

func (s *splitter) write(b []byte, to lineReader) {
	for s.crs > 0 && len(b) > 0 {
		switch {
		case b[0] == '\n':
			e := endCRLF
			if s.crs == 2 {
				e = endCRCRLF
			}
			s.crs, b = 0, b[1:]
			s.end(e, to)
		case b[0] == '\r' && s.crs == 1:
			s.crs, b = 2, b[1:]
		default:
			s.crs--
			s.end(endCR, to)
		}
	}
	lf := -1 // kept over the CRs before it: many of them must not mean many searches
	for pos := 0; pos < len(b); {
		if len(s.buf) == 0 && !s.long {
			if n := to.lines(b[pos:]); n > 0 {
				pos += n
				continue
			}
		}
		if lf < pos {
			if lf = bytes.IndexByte(b[pos:], '\n'); lf < 0 {
				lf = len(b)
			} else {
				lf += pos
			}
		}
		rest, known := b[pos:lf], lf < len(b)
		cr := bytes.IndexByte(rest, '\r')
		after := len(rest) - cr // 1: the CR is the last octet before the LF
		switch {
		case cr < 0 && known:
			s.whole(rest, endLF, to)
			pos = lf + 1
		case cr < 0:
			s.add(rest, to)
			return
		case after == 1 && known:
			s.whole(rest[:cr], endCRLF, to)
			pos = lf + 1
		case after == 2 && rest[cr+1] == '\r' && known:
			s.whole(rest[:cr], endCRCRLF, to)
			pos = lf + 1
		case !known && (after == 1 || after == 2 && rest[cr+1] == '\r'):
			s.add(rest[:cr], to)
			s.crs = after
			return
		default:
			s.whole(rest[:cr], endCR, to)
			pos += cr + 1
		}
	}
}

// flush hands on what there is of a line: bytes are missing after it, or
// the input is over.
func (s *splitter) flush(to lineReader) {
	if s.crs == 2 {
		s.end(endCR, to)
	}
	if s.crs > 0 {
		s.crs = 0
		s.end(endCut, to)
	}
	if len(s.buf) > 0 || s.long {
		s.end(endNone, to)
	}
}

func (s *splitter) whole(b []byte, e lineEnd, to lineReader) {
	if len(s.buf) == 0 && !s.long && len(b) <= maxLine {
		to.line(b, e)
		return
	}
	s.add(b, to)
	s.end(e, to)
}

func (s *splitter) add(b []byte, to lineReader) {
	if !s.long {
		room := maxLine - len(s.buf)
		if len(b) <= room {
			s.buf = append(s.buf, b...)
			return
		}
		s.buf = append(s.buf, b[:room]...)
		b, s.long = b[room:], true
		to.piece(s.buf, true)
		s.buf = s.buf[:0]
	}
	if len(b) > 0 {
		to.piece(b, false)
	}
}

func (s *splitter) end(e lineEnd, to lineReader) {
	if s.long {
		s.long = false
		to.lineOver(e)
		return
	}
	to.line(s.buf, e)
	s.buf = s.buf[:0]
}
