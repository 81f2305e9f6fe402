package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
)

// stock holds what mails are put together of. All mails share it, so that
// even a large one costs next to no memory.
type stock struct {
	texts  []text
	base64 []byte // lines of lineLength, CRLF included
	mails  int    // made so far
}

// text is a paragraph.
type text struct {
	plain []byte
	wire  []byte // byte-stuffed
}

const (
	lineLength  = 78                     // RFC 2045 section 6.8: 76 characters, and CRLF
	base64Lines = 1_000_000 / lineLength // of the stock
	paragraphs  = 64                     // of the stock

	smallestMail = 2000             // bytes
	plainMail    = 2 * smallestMail // up to this size mails are text alone
	largestPart  = 3_000_000        // bytes of base64 in one attachment

	boundary = "=_boundary.2024" // no line of base64 can begin like that
)

var words = [...]string{
	"the", "mail", "server", "reads", "every", "letter", "twice", "before", "a", "reply", "goes", "out", "to",
	"alice", "who", "keeps", "them", "all", "in", "one", "large", "box", "under", "her", "desk", "and", "never",
	"deletes", "anything", "Grüße", "aus", "Köln", "naïve", "question:", "what", "is", "left?",
}

func newStock(r *rand.Rand) *stock {
	s := &stock{base64: make([]byte, 0, base64Lines*lineLength)}
	raw := make([]byte, 57)
	for range base64Lines {
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		s.base64 = base64.StdEncoding.AppendEncode(s.base64, raw)
		s.base64 = append(s.base64, "\r\n"...)
	}
	for range paragraphs {
		s.texts = append(s.texts, newText(r))
	}
	return s
}

// newText returns a paragraph; some of its lines begin with a dot, or are
// nothing but dots.
func newText(r *rand.Rand) text {
	var t text
	for range 6 + r.IntN(12) {
		var line []byte
		switch r.IntN(12) {
		case 0:
			line = append(line, '.')
		case 1:
			line = append(line, ".."[:1+r.IntN(2)]...)
			line = append(line, "hidden "...)
		}
		if len(line) != 1 {
			for len(line) < 40+r.IntN(30) {
				line = append(line, words[r.IntN(len(words))]...)
				line = append(line, ' ')
			}
		}
		line = append(bytes.TrimRight(line, " "), "\r\n"...)
		t.plain = append(t.plain, line...)
		if line[0] == '.' { // RFC 1939 section 3: "byte-stuffed"
			t.wire = append(t.wire, '.')
		}
		t.wire = append(t.wire, line...)
	}
	t.plain, t.wire = append(t.plain, "\r\n"...), append(t.wire, "\r\n"...)
	return t
}

// mail is a message to be sent. Its bytes are those of all pieces.
type mail struct {
	wire   [][]byte // byte-stuffed, without the line that ends it
	plain  [][]byte
	octets int64 // of plain
	sum    hash  // of plain
}

// mail returns a mail of about size bytes.
func (s *stock) mail(r *rand.Rand, size int) *mail {
	m := &mail{}
	s.mails++
	m.add("Return-Path: <bob@example.org>\r\nFrom: Bob Baker <bob@example.org>\r\n"+
		"To: Alice Liddell <alice@example.org>\r\nSubject: Letter %d\r\nDate: Mon, 15 Jan 2024 09:00:00 +0000\r\n"+
		"Message-ID: <%d.%016x@mail.example.org>\r\nMIME-Version: 1.0\r\n", s.mails, s.mails, r.Uint64())
	if size <= plainMail {
		m.add("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
		s.text(m, r, int64(size))
	} else {
		m.add("Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n"+
			"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", boundary, boundary)
		s.text(m, r, m.octets+1000)
		for n := 1; m.octets < int64(size); n++ {
			m.add("--%s\r\nContent-Type: application/octet-stream; name=\"part%d.bin\"\r\n"+
				"Content-Disposition: attachment; filename=\"part%d.bin\"\r\n"+
				"Content-Transfer-Encoding: base64\r\n\r\n", boundary, n, n)
			s.attachment(m, r, min(int64(size)-m.octets, largestPart))
		}
		m.add("--%s--\r\n", boundary)
	}
	digest := sha256.New()
	for _, p := range m.plain {
		digest.Write(p)
	}
	digest.Sum(m.sum[:0])
	m.plain = nil
	return m
}

// text adds paragraphs until the mail has so many octets.
func (s *stock) text(m *mail, r *rand.Rand, octets int64) {
	for more := true; more; more = m.octets < octets {
		t := s.texts[r.IntN(len(s.texts))]
		m.pieces(t.plain, t.wire)
	}
}

// attachment adds at least size bytes of base64, which begin somewhere in
// the stock and go around it.
func (s *stock) attachment(m *mail, r *rand.Rand, size int64) {
	left := int(size/lineLength) + 1
	for at := r.IntN(base64Lines); left > 0; at = 0 {
		n := min(left, base64Lines-at)
		lines := s.base64[at*lineLength : (at+n)*lineLength]
		m.pieces(lines, lines)
		left -= n
	}
}

// add adds lines that need no byte-stuffing.
func (m *mail) add(format string, args ...any) {
	lines := fmt.Appendf(nil, format, args...)
	m.pieces(lines, lines)
}

func (m *mail) pieces(plain, wire []byte) {
	m.plain = append(m.plain, plain)
	m.wire = append(m.wire, wire)
	m.octets += int64(len(plain))
}
