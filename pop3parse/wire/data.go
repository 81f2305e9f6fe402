package wire

import (
	"popscope/reassembly/stream"
)

// TokenKind says what a Token of dot-terminated data is.
type TokenKind uint8

// The tokens of data.
const (
	Data     TokenKind = iota // bytes of the message
	Stuffing                  // the dot that the sender put before a line that begins with one (RFC 1939 section 3)
	End                       // the line that is a single dot
	Missing                   // Lost bytes are not in the capture
)

// Token is a piece of dot-terminated data.
type Token struct {
	Kind      TokenKind
	Raw       []byte // as sent; valid until the next call to the scanner
	Lost      int64  // valid iff Kind == Missing
	Off       int64  // stream offset of its first byte
	At        stream.Stamp
	PeerAcked int64
	BareLF    bool // of End: it ends in LF alone
	Secure    bool // decrypted from TLS
	Unstuffed bool // of Stuffing: no second dot follows, so the sender does not stuff; the dot is dropped all the same
}

// Part returns the piece that Raw[from:to] is; t is Data.
func (t Token) Part(from, to int) Token {
	t.Raw, t.Off = t.Raw[from:to], t.Off+int64(from)
	return t
}

// dataState is where the scanner stands in dot-terminated data.
type dataState struct {
	pos     position
	lf      bool // LF alone ends a line too
	pending bool // dots.cr is to come next: see resolve
	prevCR  bool
	prevLF  bool // a bare LF that ends no line came last
	gap     bool // bytes are missing directly before: a CR may be among them

	// Counts over the data so far.
	lines, crs, crlfs, lfs, nuls, dotAfterLF int64
}

// dots are the beginning of a line that is not decided yet: ".\r".
type dots struct{ dot, cr Token }

// position within a line of data.
type position uint8

const (
	lineStart position = iota // also directly after the status line
	inLine
	afterDot   // "." at the start of a line
	afterDotCR // ".\r" at the start of a line
)

var (
	dotByte = []byte{'.'}
	crByte  = []byte{'\r'}
	lfByte  = []byte{'\n'}
	nulByte = []byte{0}
	endCRLF = []byte(".\r\n")
	endLF   = []byte(".\n")
)

// Body says that dot-terminated data begins here. bareLF tells that the
// status line ended in LF alone, so that LF is the line end of the data.
func (s *Scanner) Body(bareLF bool) {
	s.unread()
	s.data = dataState{}
	s.data.lf = bareLF
}

// Inside says that the data goes on in the middle of a line, as far as one
// knows: to be called after Body where the beginning of the data was lost.
func (s *Scanner) Inside() { s.data.pos = inLine }

// StartLine says that the next byte begins a line although Next cannot
// know it, after a gap.
func (s *Scanner) StartLine() { s.data.pos = lineStart }

// AtLineStart reports whether the next byte of the data begins a line.
// After a gap it does not claim to know.
func (s *Scanner) AtLineStart() bool { return s.data.pos == lineStart && !s.data.pending }

// Counts returns what the data so far holds: whole lines, bare LFs, CRs
// without LF, zero bytes, and dots after a bare LF that are not at the
// start of a line.
func (s *Scanner) Counts() (lines, bareLF, loneCR, nul, dotAfterLF int64) {
	d := &s.data
	return d.lines, d.lfs - d.crlfs, d.crs - d.crlfs, d.nuls, d.dotAfterLF
}

// Next returns the next token of the data, and false when more input is
// needed. With oneLine, a Data token does not reach past the end of a
// line. After End the caller is back to Line.
func (s *Scanner) Next(oneLine bool) (Token, bool) {
	d := &s.data
	if d.pending {
		d.pending = false
		return s.dots.cr, true
	}
	s.unread() // Line may have looked at what is data after all
	for s.head < len(s.pieces) {
		p := &s.pieces[s.head]
		if p.Lost > 0 {
			return s.missing(p)
		}
		switch d.pos {
		case lineStart:
			if p.Data[0] != '.' {
				return s.run(p, oneLine), true
			}
			if s.dots == nil {
				s.dots = new(dots)
			}
			s.dots.dot = s.token(Stuffing, 1, dotByte)
			d.pos = afterDot
		case afterDot:
			switch {
			case p.Data[0] == '\r':
				s.dots.cr = s.token(Data, 1, crByte)
				d.pos = afterDotCR
			case p.Data[0] == '\n':
				return s.final(endLF, true), true
			default:
				d.pos = inLine
				s.dots.dot.Unstuffed = p.Data[0] != '.'
				return s.dots.dot, true
			}
		case afterDotCR:
			if p.Data[0] == '\n' {
				return s.final(endCRLF, false), true
			}
			return s.resolve()
		case inLine:
			return s.run(p, oneLine), true
		}
	}
	return Token{}, false
}

// Rest returns the undecided dot of a line whose end never came, in the
// order of the stream: to be called when Next has no more and none will
// come. The dot counts as stuffing.
func (s *Scanner) Rest() (Token, bool) {
	d := &s.data
	switch {
	case d.pending:
		d.pending = false
		return s.dots.cr, true
	case d.pos == afterDot:
		d.pos = inLine
		return s.dots.dot, true
	case d.pos == afterDotCR:
		return s.resolve()
	}
	return Token{}, false
}

// resolve gives the dot and the CR of a line that began ".\r" and is not
// the final one, or not known to be.
func (s *Scanner) resolve() (Token, bool) {
	d := &s.data
	d.pos, d.pending = inLine, true
	s.dots.dot.Unstuffed = s.head == len(s.pieces) || s.pieces[s.head].Lost == 0
	d.crs++
	d.prevCR = true
	return s.dots.dot, true
}

// missing hands on a gap; what was undecided before it is handed on first.
func (s *Scanner) missing(p *piece) (Token, bool) {
	if tok, ok := s.Rest(); ok {
		return tok, true
	}
	tok := Token{Kind: Missing, Lost: p.Lost, Off: p.Off, At: p.At, PeerAcked: p.PeerAcked, Secure: p.Secure}
	s.pop()
	d := &s.data
	if d.prevCR {
		d.crs-- // its LF may be among what is missing
	}
	d.pos, d.prevCR, d.prevLF, d.gap = inLine, false, false, true
	return tok, true
}

// token uses up n bytes, whose text is raw.
func (s *Scanner) token(kind TokenKind, n int, raw []byte) Token {
	p := &s.pieces[s.head]
	tok := Token{Kind: kind, Raw: raw, Off: p.Off, At: p.At, PeerAcked: p.PeerAcked, Secure: p.Secure}
	s.drop(n)
	return tok
}

// final returns the final line, of which the LF is still unread.
func (s *Scanner) final(raw []byte, bareLF bool) Token {
	tok := s.token(End, 1, raw)
	tok.Off = s.dots.dot.Off
	tok.BareLF = bareLF
	s.data.pos = lineStart
	return tok
}
