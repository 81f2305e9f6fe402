package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"popscope/reassembly/stream"
)

// MaxLine bounds a line outside of data: 255 octets for commands and 512
// for replies are allowed (RFC 2449 section 4), but SASL responses with a
// Kerberos ticket or a token run to tens of kilobytes. Of a longer line
// the first MaxLine bytes are kept and the rest is counted.
const MaxLine = 64 << 10

// Kind says what Line found.
type Kind uint8

// None when the line's end has not come yet.
const (
	None Kind = iota
	Line      // a whole line
	Tail      // the stream ended or was cut by a gap inside the line: Text is what there is
	Gap       // bytes are missing here
)

// A Text is one line outside of data.
type Text struct {
	Raw         []byte // with its line end; valid until the next call to the scanner
	Text        []byte // without it
	Off, End    int64  // stream offsets of its first byte and of the byte after it
	First, Last stream.Stamp
	PeerAcked   int64 // of the chunk that brought its last byte; see stream.Chunk
	Secure      bool
	BareLF      bool  // it ends in LF alone
	Plain       bool  // no CR and no zero byte is in Text; false: there may be none all the same
	Cut         int64 // bytes beyond MaxLine that were dropped from Raw
}

// A piece is a chunk, or what is left of it.
type piece struct {
	stream.Chunk
	owned bool
}

// pieceCost is what a piece takes besides its bytes: a stream that comes
// a byte at a time must not hold more memory than Held tells.
const pieceCost = 128

// Scanner cuts one direction. Its zero value is ready for use at stream
// offset 0.
type Scanner struct {
	pieces []piece // unread input; pieces[head:] is live
	head   int
	held   int // bytes in owned pieces, and what they cost
	end    int64
	ended  bool
	inPart bool // the next line begins in part
	isGap  bool // Skip passes a gap
	use    int  // how many bytes of the first piece Skip uses up
	found  Text // what Line returned last

	part   *partial // nil before the first line that did not come in one piece
	joined []byte   // what Peek put together

	data dataState
	dots *dots // the beginning of a line of data that is not decided; nil before the first
}

// partial is the beginning of a line whose end has not come, taken from the
// pieces already.
type partial struct {
	text      []byte // at most MaxLine bytes of it
	total     int64  // all its bytes
	off       int64
	first     stream.Stamp
	last      stream.Stamp
	peerAcked int64
	secure    bool
}

// Reset makes the scanner ready for another stream and keeps its buffers.
func (s *Scanner) Reset() {
	clear(s.pieces)
	s.pieces, s.head, s.held, s.end, s.ended = s.pieces[:0], 0, 0, 0, false
	s.inPart, s.isGap, s.use, s.joined = false, false, 0, s.joined[:0]
	s.found.Raw, s.found.Text = nil, nil
	if s.part != nil {
		s.part.text = s.part.text[:0]
	}
	s.data = dataState{}
}

// Feed appends the next chunk. Its bytes are borrowed until Keep.
func (s *Scanner) Feed(c *stream.Chunk) {
	size := int64(len(c.Data)) + c.Lost // c.Len copies all of c
	if size == 0 {
		return
	}
	s.end = c.Off + size
	n := len(s.pieces)
	s.pieces = slices.Grow(s.pieces, 1)[:n+1]
	p := &s.pieces[n]
	p.Chunk, p.owned = *c, false
}

// Keep copies the unread input, whose memory the caller is about to reuse.
func (s *Scanner) Keep() {
	if s.head < len(s.pieces) {
		s.keep()
	}
}

func (s *Scanner) keep() {
	for i := len(s.pieces) - 1; i >= s.head && !s.pieces[i].owned; i-- {
		p := &s.pieces[i]
		p.owned = true
		s.held += len(p.Data) + pieceCost
		p.Data = bytes.Clone(p.Data)
	}
}

// End says that no more input will come.
func (s *Scanner) End() { s.ended = true }

// Ended reports whether End was called.
func (s *Scanner) Ended() bool { return s.ended }

// Held returns how much memory the input that waits to be read takes.
func (s *Scanner) Held() int {
	if s.part == nil {
		return s.held
	}
	return s.held + len(s.part.text)
}

// Offset returns the stream offset of the next unread byte.
func (s *Scanner) Offset() int64 {
	switch {
	case s.inPart:
		return s.part.off
	case s.head < len(s.pieces):
		return s.pieces[s.head].Off
	}
	return s.end
}

// Known returns the stream offset up to which input has come.
func (s *Scanner) Known() int64 { return s.end }

// Empty reports whether all input was read.
func (s *Scanner) Empty() bool { return s.head == len(s.pieces) && !s.inPart }

// PeerAcked returns what the sender of the next unread byte had received
// of the other direction; -1 when there is no next byte or it is unknown.
func (s *Scanner) PeerAcked() int64 {
	switch {
	case s.inPart:
		return s.part.peerAcked
	case s.head < len(s.pieces):
		return s.pieces[s.head].PeerAcked
	}
	return -1
}

// Peek returns up to n unread bytes that lie before the next gap, without
// using them. They are valid until the next call.
func (s *Scanner) Peek(n int) []byte {
	if !s.inPart && s.head < len(s.pieces) && len(s.pieces[s.head].Data) >= n {
		return s.pieces[s.head].Data[:n]
	}
	s.joined = s.joined[:0]
	if s.inPart {
		s.joined = append(s.joined, s.part.text[:min(len(s.part.text), n)]...)
	}
	for _, p := range s.pieces[s.head:] {
		if p.Lost > 0 || len(s.joined) == n {
			break
		}
		s.joined = append(s.joined, p.Data[:min(len(p.Data), n-len(s.joined))]...)
	}
	return s.joined
}

// Line looks at the next line or gap. It uses up nothing; Skip does. The
// Text is valid until the next call to the scanner; for Gap its Off and
// End say what is missing.
func (s *Scanner) Line() (*Text, Kind) {
	s.isGap = false
	for s.head < len(s.pieces) {
		p := &s.pieces[s.head]
		if p.Lost > 0 {
			if s.inPart {
				return s.line(0, Tail)
			}
			s.found = Text{Off: p.Off, End: p.Off + p.Lost, First: p.At, Last: p.At, PeerAcked: p.PeerAcked, Secure: p.Secure}
			s.isGap = true
			return &s.found, Gap
		}
		if i := plainLen(p.Data); !s.inPart && i+1 < len(p.Data) && p.Data[i] == '\r' && p.Data[i+1] == '\n' {
			t, kind := s.line(i+2, Line)
			t.Plain = true
			return t, kind
		}
		if i := bytes.IndexByte(p.Data, '\n'); i >= 0 {
			return s.line(i+1, Line)
		}
		s.absorb(p)
	}
	if s.ended && s.inPart {
		return s.line(0, Tail)
	}
	return nil, None
}

// maxPlain is how far plainLen looks, which is good at short lines only.
const maxPlain = 64

// plainLen returns how many bytes b has before the first one that is below
// 0x0E, as line ends and zero bytes are. It takes eight bytes at a time, and
// stands for three searches in most lines.
func plainLen(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	b = b[:min(len(b), maxPlain)]
	n := 0
	for ; n+8 <= len(b); n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		// A byte below 0x0E borrows, and one of 0x80 or more does not count;
		// the first one that is found is right, though not those behind it.
		if low := (w - 0x0E*ones) &^ w & highs; low != 0 {
			return n + bits.TrailingZeros64(low)/8
		}
	}
	for n < len(b) && b[n] >= 0x0E {
		n++
	}
	return n
}

// absorb takes a piece without a line end into the partial line.
func (s *Scanner) absorb(p *piece) {
	if s.part == nil {
		s.part = new(partial)
	}
	l := s.part
	if !s.inPart {
		s.inPart = true
		*l = partial{text: l.text[:0], off: p.Off, first: p.At, secure: p.Secure}
	}
	l.text = append(l.text, p.Data[:min(len(p.Data), MaxLine-len(l.text))]...)
	l.total += int64(len(p.Data))
	l.last, l.peerAcked = p.At, p.PeerAcked
	s.drop(len(p.Data))
}

// line makes the Text of a line whose last n bytes are in the first piece.
func (s *Scanner) line(n int, kind Kind) (*Text, Kind) {
	t := &s.found // written in place: a copy costs as much as all the rest
	s.use = n
	if !s.inPart {
		p := &s.pieces[s.head]
		t.Raw, t.Off, t.End = p.Data[:n], p.Off, p.Off+int64(n)
		t.First, t.Last, t.PeerAcked, t.Secure = p.At, p.At, p.PeerAcked, p.Secure
	} else {
		s.joinLine(t, n)
	}
	var text []byte
	text, t.BareLF = trimEnd(t.Raw)
	t.Text = text[:min(len(text), MaxLine)]
	t.Cut, t.Plain = 0, false
	if size := t.End - t.Off; size > MaxLine+2 {
		t.Cut = size - int64(len(t.Text))
	}
	return t, kind
}

// joinLine takes into t the partial line and the n bytes of the first piece
// that end it.
func (s *Scanner) joinLine(t *Text, n int) {
	l := s.part
	t.Raw, t.Off, t.End = l.text, l.off, l.off+l.total+int64(n)
	t.First, t.Last, t.PeerAcked, t.Secure = l.first, l.last, l.peerAcked, l.secure
	if n > 0 {
		p := &s.pieces[s.head]
		t.Last, t.PeerAcked = p.At, p.PeerAcked
		t.Raw = append(l.text, p.Data[:min(n, MaxLine+2-len(l.text))]...)
		l.text = t.Raw[:len(l.text)]
	}
}

// Skip uses up what Line returned last.
func (s *Scanner) Skip() {
	if s.isGap {
		s.isGap = false
		s.pop()
		return
	}
	s.inPart = false
	n := s.use
	s.use = 0
	if n > 0 && n == len(s.pieces[s.head].Data) {
		s.pop() // the usual chunk is one line
		return
	}
	s.drop(n)
}

// Discard passes over the next n bytes of input, which must be there.
func (s *Scanner) Discard(n int) {
	s.unread()
	s.drop(n)
}

// unread gives the beginning of a line back to the input.
func (s *Scanner) unread() {
	if s.inPart {
		s.giveBack()
	}
}

// giveBack is unread where there is something to give back.
func (s *Scanner) giveBack() {
	l := s.part
	s.inPart = false
	back := piece{owned: true, Chunk: stream.Chunk{
		Off: l.off, Data: bytes.Clone(l.text), At: l.first, PeerAcked: l.peerAcked, Secure: l.secure,
	}}
	s.held += len(back.Data) + pieceCost
	if s.head > 0 {
		s.head--
		s.pieces[s.head] = back
		return
	}
	s.pieces = append([]piece{back}, s.pieces...)
}

// drop removes n bytes from the front of the input.
func (s *Scanner) drop(n int) {
	for n > 0 {
		p := &s.pieces[s.head]
		if size := len(p.Data); n >= size {
			n -= size
			s.pop()
			continue
		}
		if p.owned {
			s.held -= n
		}
		p.Data = p.Data[n:]
		p.Off += int64(n)
		return
	}
}

// pop removes the first piece.
func (s *Scanner) pop() {
	if s.pieces[s.head].owned {
		s.held -= len(s.pieces[s.head].Data) + pieceCost
	}
	s.pieces[s.head].Data = nil // all that refers to anything
	s.head++
	if s.head == len(s.pieces) {
		s.pieces, s.head = s.pieces[:0], 0
	} else if s.head >= 64 && s.head*2 > len(s.pieces) {
		// Input that is always a little ahead must not grow the list.
		n := copy(s.pieces, s.pieces[s.head:])
		clear(s.pieces[n:])
		s.pieces, s.head = s.pieces[:n], 0
	}
}

// trimEnd removes the line end: CRLF, or LF alone.
func trimEnd(raw []byte) (text []byte, bareLF bool) {
	n := len(raw)
	if n == 0 || raw[n-1] != '\n' {
		return raw, false
	}
	if n > 1 && raw[n-2] == '\r' {
		return raw[:n-2], false
	}
	return raw[:n-1], true
}

// Drain hands all unread input to f, in order, and is empty afterwards, as
// if it had never come: what replaces it begins at the same offset.
func (s *Scanner) Drain(f func(stream.Chunk)) {
	s.unread()
	s.end = s.Offset()
	for s.head < len(s.pieces) {
		f(s.pieces[s.head].Chunk)
		s.pop()
	}
}
