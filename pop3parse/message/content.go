package message

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// coding is a Content-Transfer-Encoding (RFC 2045 section 6).
type coding uint8

const (
	identity coding = iota // 7bit, 8bit, binary
	base64Encoding
	quotedPrintable
	uuencode // x-uuencode and its other names
)

// content is the body of a leaf part or of an embedded message: lines of
// the mail go in, decoded octets go to whoever wants them.
type content struct {
	walker *walker // whose part it is

	wanted   bool // somebody wants the decoded octets
	encoding coding
	unlike   int     // lines to come that are not taken together
	pending  lineEnd // of the line before: it belongs to a boundary that may follow
	base64   base64Decoder
	quoted   quotedDecoder
	out      []byte // decoded and not handed on
	sniff    bool   // the message is said to be base64, and no line tells yet whether it is

	save   saver    // valid iff saving
	saving bool     // the part is an attachment in the list
	inner  *walker  // reads the embedded message; nil without one
	uu     *uuFiles // looks for uuencoded files; kept for reuse
	uuOn   bool
}

func (c *content) reset(e entity) {
	c.encoding, c.pending, c.out, c.sniff, c.unlike = e.encoding, endNone, c.out[:0], false, 0
	c.base64, c.quoted = base64Decoder{}, quotedDecoder{}
	c.wanted, c.saving, c.inner, c.uuOn = false, false, nil, false
	if e.encoding == uuencode {
		c.encoding = identity // uuFiles reads the lines
	}
}

// openLeaf begins a part that is no container.
func (c *content) openLeaf(e entity) {
	c.reset(e)
	if e.isAttachment() {
		c.saving = c.save.open(c.walker.common, e.name, e.contentType)
	}
	if c.saving && e.isTNEF() {
		c.walker.common.faults.add("TNEF is not unpacked: " + c.save.what())
	}
	if e.encoding == uuencode || !e.isAttachment() && e.contentType == "text/plain" {
		if c.uu == nil {
			c.uu = &uuFiles{}
		}
		c.uuOn = true
		var into *saver
		if c.saving {
			into = &c.save
		}
		c.uu.begin(c.walker.common, into, e.isAttachment() && !c.saving)
	}
	c.wanted = c.saving || c.uuOn
}

// openMessage begins an embedded message; inMixed says that it stands
// directly in a multipart/mixed.
func (c *content) openMessage(e entity, inMixed bool) {
	c.reset(e)
	w := c.walker
	if e.encoding != identity { // RFC 2046 section 5.2.1 forbids it
		w.common.faults.add("an embedded message is encoded")
		c.sniff = e.encoding == base64Encoding
	}
	if e.isAttachment() || inMixed {
		c.saving = c.save.open(w.common, e.name, e.contentType)
	}
	c.inner = w.common.newWalker(w.depth + len(w.stack) + 1)
	c.wanted = true
}

// lines takes many lines at once, where they are alike or need not be looked
// at.
func (c *content) lines(b []byte) int {
	switch {
	case c.sniff:
		return 0
	case c.wanted && c.encoding == base64Encoding:
		return c.base64.lines(c, b)
	case c.wanted && c.encoding == quotedPrintable:
		return 0
	}
	n := bytes.LastIndexByte(b, '\n') + 1
	if n < 3 || b[n-2] != '\r' || b[n-3] == '\r' {
		if n > 0 {
			c.unlike = manyLines
		}
		return 0
	}
	if c.wanted {
		c.putPending()
		c.put(b[:n-len("\r\n")])
		c.pending = endCRLF
	}
	return n
}

// manyLines is how many lines are taken one by one after some that could not
// be taken together, so that this is not tried again and again.
const manyLines = 64

// line takes the next line of the body.
func (c *content) line(b []byte, e lineEnd) {
	if !c.wanted {
		return
	}
	if c.sniff && len(b) > 0 {
		c.sniff = false
		if bytes.IndexByte(b, ':') >= 0 {
			c.walker.common.faults.add("a message is said to be base64 and is not")
			c.encoding = identity
		}
	}
	switch c.encoding {
	case base64Encoding:
		c.base64.line(c, b, e)
	case quotedPrintable:
		c.putPending()
		if !c.quoted.line(c, b) {
			c.pending = e
		}
	default:
		c.putPending()
		c.put(b)
		c.pending = e
	}
}

// firstPiece takes the beginning of a line longer than maxLine.
func (c *content) firstPiece(b []byte) {
	c.sniff = false
	c.putPending()
	c.piece(b)
}

func (c *content) piece(b []byte) {
	if !c.wanted {
		return
	}
	switch c.encoding {
	case base64Encoding:
		c.base64.piece(c, b)
	case quotedPrintable:
		c.quoted.piece(c, b)
	default:
		c.put(b)
	}
}

func (c *content) lineOver(e lineEnd) {
	if c.wanted && c.encoding != base64Encoding && !(c.encoding == quotedPrintable && c.quoted.lineOver(c)) {
		c.pending = e
	}
}

// gap says that n encoded bytes are missing.
func (c *content) gap(n int64) {
	if !c.wanted {
		return
	}
	c.putPending()
	if c.encoding == base64Encoding {
		c.base64.gap(c)
	}
	c.flush()
	if c.saving {
		c.save.missing = true
	}
	if c.inner != nil {
		c.inner.gap(n)
	}
	if c.uuOn {
		c.uu.gap()
	}
}

// close ends the content. With keepEnd the last line end is content too.
func (c *content) close(keepEnd bool) {
	if !c.wanted {
		return
	}
	if keepEnd {
		c.putPending()
	}
	faults := &c.walker.common.faults
	if c.encoding == base64Encoding {
		c.base64.close(c)
	}
	c.flush()
	if c.inner != nil {
		c.inner.close()
		c.walker.common.release(c.inner)
		c.inner = nil
	}
	if c.uuOn {
		c.uu.close()
		c.uuOn = false
	}
	what := "a body"
	if c.saving {
		what = c.save.what()
		c.save.close()
		c.saving = false
	}
	c.base64.report(faults, what)
	c.quoted.report(faults, what)
	c.wanted = false
}

// abandon drops content that is not over.
func (c *content) abandon() {
	if c.inner != nil {
		c.inner.content.abandon()
		c.walker.common.release(c.inner)
		c.inner = nil
	}
	if c.uuOn {
		c.uu.abandon()
	}
	if c.saving {
		c.save.closeSink()
	}
	c.wanted, c.saving, c.uuOn = false, false, false
}

func (c *content) putPending() {
	if c.pending != endNone {
		c.out = append(c.room(2), c.pending.octets()...)
		c.pending = endNone
	}
}

// put adds decoded octets.
func (c *content) put(b []byte) {
	if len(b) > outSize/2 {
		c.flush()
		c.handOn(b)
		return
	}
	c.out = append(c.room(len(b)), b...)
}

// room returns c.out with room for n more octets, n at most outSize. The
// largest line end is of 3 octets, and base64Spare octets may be written
// behind the last one, which the capacity allows for.
func (c *content) room(n int) []byte {
	if cap(c.out) == 0 {
		c.out = make([]byte, 0, outSize+4)
	}
	if len(c.out)+n > outSize {
		c.flush()
	}
	return c.out
}

func (c *content) flush() {
	if len(c.out) > 0 {
		c.handOn(c.out)
		c.out = c.out[:0]
	}
}

func (c *content) handOn(b []byte) {
	if c.saving && !(c.uuOn && c.uu.into != nil) {
		c.save.write(b)
	}
	if c.inner != nil {
		c.inner.write(b)
	}
	if c.uuOn {
		c.uu.write(b)
	}
}

// saver measures the decoded content of one attachment, and hands it to the
// PartSink's Writer.
type saver struct {
	common  *common
	index   int // in Mail.Attachments
	sum     hash.Hash
	octets  int64
	sink    io.Writer // nil when nobody wants it, or not any more
	closer  io.Closer // of what PartSink returned; nil without one
	missing bool      // a gap is in it
}

// open puts an attachment into the list, unless it is full.
func (s *saver) open(c *common, name, contentType string) bool {
	if len(c.mail.Attachments) >= c.limits.Attachments {
		c.faults.add("more attachments than the limit; the rest is not listed")
		return false
	}
	if s.sum == nil {
		s.sum = sha256.New()
	}
	s.sum.Reset()
	s.common, s.index, s.octets, s.missing = c, len(c.mail.Attachments), 0, false
	c.mail.Attachments = append(c.mail.Attachments, Attachment{Name: name, ContentType: contentType})
	s.sink, s.closer = nil, nil
	if c.limits.PartSink != nil {
		if s.sink = c.limits.PartSink(PartInfo{s.index, name, contentType}); s.sink != nil {
			s.closer, _ = s.sink.(io.Closer)
		}
	}
	return true
}

func (s *saver) write(b []byte) {
	s.octets += int64(len(b))
	s.sum.Write(b)
	if s.sink != nil {
		if _, err := s.sink.Write(b); err != nil {
			s.sink = nil
		}
	}
}

func (s *saver) close() {
	a := &s.common.mail.Attachments[s.index]
	a.Octets = s.octets
	s.sum.Sum(a.SHA256[:0])
	if s.missing {
		s.common.faults.add("bytes are missing in " + s.what())
	}
	s.closeSink()
}

func (s *saver) closeSink() {
	if s.closer != nil {
		s.closer.Close()
	}
	s.sink, s.closer = nil, nil
}

// what names the attachment for a fault.
func (s *saver) what() string {
	if name := s.common.mail.Attachments[s.index].Name; name != "" {
		return fmt.Sprintf("attachment %q", cut(name))
	}
	return "an attachment without a name"
}

// cut shortens text that is quoted in a fault.
func cut(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := maxQuoted
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "..."
}
