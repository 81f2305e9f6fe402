package message

import (
	"bytes"
	"fmt"
	"strings"
)

// state says what the next line of a message is.
type state uint8

const (
	inHeader  state = iota // of the message or of a part
	inContent              // of a leaf part or of an embedded message
	between                // before the first part or after the last part of a multipart
	skipping               // a part beyond the limit
)

// multipart is a multipart that is not over.
type multipart struct {
	boundary string // "" while it is looked for in the body
	declared string // the one that the header gives, where another one was found in the body; otherwise ""
	digest   bool   // RFC 2046 section 5.1.5: parts are messages unless they say otherwise
	mixed    bool
	parts    bool   // a part was seen
	closed   bool   // its final boundary was seen
	guess    string // a line "--guess" was the one before; valid until a part was seen
}

// has reports whether s is the boundary.
func (m *multipart) has(s []byte) bool {
	return string(s) == m.boundary || m.declared != "" && string(s) == m.declared
}

// walker reads one message: its header, its multiparts and their parts. A
// message inside it is read by a walker of its own, fed with the decoded
// content of the part.
//
// Invariant: content is open iff state is inContent.
type walker struct {
	common   *common
	splitter splitter
	depth    int // of what the message is in
	state    state
	stack    []multipart // outermost first
	content  content

	started   bool   // a line was seen
	first     bool   // the header is that of the message, not of a part
	broken    bool   // the next line is the rest of one that a gap broke
	inField   bool   // pieces of a long line belong to the header
	toContent bool   // pieces of a long line belong to the content
	held      []byte // a line in the header that is no field; the next line tells what it is
	heldEnd   lineEnd
	holding   bool
}

func (w *walker) begin(depth int) {
	w.splitter.reset()
	w.depth, w.stack = depth, w.stack[:0]
	w.started, w.broken, w.inField, w.toContent, w.holding = false, false, false, false, false
	w.content.walker = w
	w.beginHeader(true)
}

func (w *walker) beginHeader(first bool) {
	w.state, w.first, w.broken = inHeader, first, false
	w.common.header.reset()
}

func (w *walker) write(b []byte) { w.splitter.write(b, w) }

// gap says that n bytes are missing. The line before it is taken as it is.
func (w *walker) gap(n int64) {
	w.splitter.flush(w)
	switch w.state {
	case inHeader:
		w.common.faults.add("bytes are missing in a header")
		w.holding, w.broken = false, true
		w.common.header.cur = noField
	case inContent:
		w.common.faults.add("bytes are missing in a body")
		w.content.gap(n)
	default:
		w.common.faults.add("bytes are missing between parts")
	}
}

// close says that the message is over.
func (w *walker) close() {
	w.splitter.flush(w)
	w.endPart(true)
	w.closeAbove(0)
}

// lines takes many lines of a body at once, up to one that may be a
// delimiter.
func (w *walker) lines(b []byte) int {
	if w.state != inContent {
		return 0
	}
	c := &w.content
	if c.unlike > 0 {
		c.unlike--
		return 0
	}
	if len(w.stack) > 0 {
		b = b[:beforeDashes(b)]
	}
	return c.lines(b)
}

// beforeDashes returns where the first line that begins with "--" stands in b,
// or its length.
func beforeDashes(b []byte) int {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], dashes)
		if i < 0 {
			return len(b)
		}
		at += i
		if at == 0 || b[at-1] == '\n' || b[at-1] == '\r' {
			return at
		}
	}
}

var dashes = []byte("--")

// line takes the next line of the message.
func (w *walker) line(b []byte, e lineEnd) {
	if !w.started {
		b = w.start(b)
	}
	if len(b) > 2 && b[0] == '-' && b[1] == '-' && len(w.stack) > 0 && w.delimiter(b, e) {
		return
	}
	switch w.state {
	case inHeader:
		w.headerLine(b, e, false)
	case inContent:
		w.content.line(b, e)
	case between:
		if m := &w.stack[len(w.stack)-1]; !m.parts && !m.closed {
			w.guessBoundary(m, b, e)
		}
	}
}

// piece takes a piece of a line longer than maxLine.
func (w *walker) piece(b []byte, first bool) {
	if !first {
		if w.inField {
			w.addField(b)
		} else if w.toContent {
			w.content.piece(b)
		}
		return
	}
	if !w.started {
		b = w.start(b)
	}
	switch w.state {
	case inHeader:
		w.inField = true
		w.headerLine(b, endNone, true)
	case inContent:
		w.inField, w.toContent = false, true
		w.content.firstPiece(b)
	default:
		w.inField = false
	}
}

func (w *walker) lineOver(e lineEnd) {
	switch {
	case w.inField:
		w.noteEnd(e)
	case w.toContent:
		w.content.lineOver(e)
	}
	w.inField, w.toContent = false, false
}

// start looks at the first line of the message.
func (w *walker) start(b []byte) []byte {
	w.started = true
	if rest, ok := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); ok {
		w.common.faults.add("a byte order mark stands before the header")
		b = rest
	}
	if bytes.HasPrefix(b, []byte("From ")) || bytes.HasPrefix(b, []byte(">From ")) {
		w.common.faults.add(`an mbox "From " line stands before the header`)
		w.broken = true // pass over it
	}
	return b
}

// noteEnd states unusual ends of lines that matter for the structure. In
// content they are only bytes.
func (w *walker) noteEnd(e lineEnd) {
	switch e {
	case endLF:
		w.common.faults.add("lines of the header or boundaries end in LF alone")
	case endCR:
		w.common.faults.add("lines of the header or boundaries end in CR alone")
	case endCRCRLF:
		w.common.faults.add("lines of the header or boundaries end in CR CR LF")
	}
}

// headerLine takes a line of a header, or with more set the beginning of one.
func (w *walker) headerLine(b []byte, e lineEnd, more bool) {
	h := &w.common.header
	if w.broken {
		w.broken, h.cur = false, noField
		w.noteEnd(e)
		return
	}
	if len(b) == 0 {
		if w.holding && !h.any {
			w.beginBody(b, e, more)
			return
		}
		w.dropHeld()
		w.noteEnd(e)
		w.endHeader()
		return
	}
	if h.any && !w.holding && (b[0] == ' ' || b[0] == '\t') {
		w.noteEnd(e)
		w.addField(b)
		return
	}
	name, value, ok := splitField(b)
	switch {
	case bytes.HasPrefix(b, []byte("--")): // no field begins so, but boundaries do
		w.beginBody(b, e, more)
	case ok && (!w.holding || isWellKnown(name, w.first)):
		w.dropHeld()
		w.noteEnd(e)
		f, repeated := h.start(name, w.common.limits)
		w.addField(value)
		if repeated {
			w.common.faults.add("more than one field " + fieldNames[f] + "; the first one counts")
		}
	case w.holding || more:
		w.beginBody(b, e, more)
	default:
		w.held, w.heldEnd, w.holding = append(w.held[:0], b...), e, true
	}
}

// addField adds to the field that was started.
func (w *walker) addField(b []byte) {
	if bytes.IndexByte(b, 0) >= 0 {
		w.common.faults.add("a header holds NUL octets")
	}
	w.common.header.add(b, w.common.limits)
}

// dropHeld passes over the line that was held: it is no field.
func (w *walker) dropHeld() {
	if w.holding {
		w.holding = false
		w.common.faults.add("a line in a header is no header field")
	}
}

// beginBody takes b, and what is held before it, as the body of a header
// that does not end in an empty line.
func (w *walker) beginBody(b []byte, e lineEnd, more bool) {
	holding := w.holding
	w.holding = false
	if w.common.header.any {
		w.common.faults.add("no empty line between a header and its body")
	}
	w.endHeader()
	if holding {
		w.line(w.held, w.heldEnd)
	}
	if more {
		w.piece(b, true)
	} else {
		w.line(b, e)
	}
}

// endHeader reads the header that was collected and begins the body.
func (w *walker) endHeader() {
	c := w.common
	h := &c.header
	if h.full {
		c.faults.add("a header is longer than the limit; not all of it was read")
	}
	if w.first && !h.any {
		c.faults.add("a message has no header")
	}
	var in *multipart
	if n := len(w.stack); n > 0 {
		in = &w.stack[n-1]
	}
	e := c.readEntity(in)
	if w.first && w.depth == 0 {
		c.charset = e.charset
		c.mail.ContentType = e.contentType
		c.readMail()
	}
	deep := w.depth+len(w.stack) >= c.limits.Depth
	switch {
	case strings.HasPrefix(e.contentType, "multipart/") && !deep:
		w.push(e)
		return
	case e.isMessage() && !deep:
		w.state = inContent
		w.content.openMessage(e, in != nil && in.mixed)
		return
	case deep && (e.isMessage() || strings.HasPrefix(e.contentType, "multipart/")):
		c.faults.add("parts are nested deeper than the limit; they are not read")
	}
	c.addPart() // beginPart has asked for room
	w.state = inContent
	w.content.openLeaf(e)
}

// push begins a multipart (RFC 2046 section 5.1).
func (w *walker) push(e entity) {
	c := w.common
	if e.encoding != identity { // RFC 2045 section 6.4 forbids it, and who does it seldom encodes
		c.faults.add("a multipart has a Content-Transfer-Encoding, which is not applied")
	}
	if len(e.boundary) > maxBoundary {
		c.faults.add("a boundary is longer than the limit")
		e.boundary = ""
	} else if e.boundary == "" {
		c.faults.add("a multipart has no boundary parameter")
	}
	for i := range w.stack {
		if w.stack[i].boundary == e.boundary && e.boundary != "" {
			c.faults.add("a multipart has the boundary of one that it stands in")
		}
	}
	w.state = between
	w.stack = append(w.stack, multipart{
		boundary: e.boundary,
		digest:   e.contentType == "multipart/digest",
		mixed:    e.contentType == "multipart/mixed",
	})
}

// guessBoundary looks for a boundary where none was declared, or where
// another one is used: a line "--x" with a Content- field in the next one.
func (w *walker) guessBoundary(m *multipart, b []byte, e lineEnd) {
	guess := m.guess
	m.guess = ""
	if name, _, ok := splitField(b); ok && guess != "" && isWellKnown(name, false) {
		if m.boundary == "" {
			w.common.faults.add(fmt.Sprintf("%q was taken as the boundary that is not declared", cut(guess)))
		} else {
			w.common.faults.add(fmt.Sprintf("%q was taken as the boundary, which is not the one that is declared", cut(guess)))
		}
		m.boundary, m.declared = guess, m.boundary
		w.beginPart(len(w.stack) - 1)
		w.line(b, e)
		return
	}
	if rest, ok := bytes.CutPrefix(b, []byte("--")); ok && len(rest) <= maxBoundary {
		m.guess = string(bytes.TrimRight(rest, " \t"))
	}
}

// delimiter takes b if it is a boundary line of an open multipart.
// RFC 2046 section 5.1.1: "--" boundary, "--" after the last part, and
// white space that gateways may add.
func (w *walker) delimiter(b []byte, e lineEnd) bool {
	t := bytes.TrimRight(b[2:], " \t")
	last, final := bytes.CutSuffix(t, []byte("--"))
	reopen := -1
	for i := len(w.stack) - 1; i >= 0; i-- {
		m := &w.stack[i]
		if m.boundary == "" {
			continue
		}
		opens := m.has(t)
		switch {
		case m.closed:
			if opens && reopen < 0 {
				reopen = i
			}
		case opens:
			w.noteEnd(e)
			w.endPart(false)
			w.closeAbove(i + 1)
			w.beginPart(i)
			return true
		case final && m.has(last):
			w.noteEnd(e)
			w.endPart(false)
			w.closeAbove(i + 1)
			w.stack[i].closed = true
			w.state = between
			return true
		}
	}
	if reopen < 0 {
		return false
	}
	w.noteEnd(e)
	w.common.faults.add("a part follows the final boundary of its multipart")
	w.endPart(false)
	w.closeAbove(reopen + 1)
	w.stack[reopen].closed = false
	w.beginPart(reopen)
	return true
}

// beginPart begins a part of the multipart i, which is the innermost one.
func (w *walker) beginPart(i int) {
	w.stack[i].parts = true
	if !w.common.roomForPart() {
		w.state = skipping
		return
	}
	w.beginHeader(false)
}

// endPart ends the part being read, if there is one. The line end before a
// boundary belongs to the boundary (RFC 2046 section 5.1.1); the one before
// the end of the message is content.
func (w *walker) endPart(atEnd bool) {
	if w.state == inHeader {
		if w.holding {
			w.holding = false
			w.endHeader()
			w.line(w.held, w.heldEnd)
		} else {
			w.endHeader()
		}
	}
	if w.state == inContent {
		w.content.close(atEnd)
	}
	w.state = between
}

// closeAbove ends all multiparts but the n outermost.
func (w *walker) closeAbove(n int) {
	for i := len(w.stack) - 1; i >= n; i-- {
		m := &w.stack[i]
		if !m.parts {
			w.common.faults.add("a multipart holds no part")
			w.common.addPart()
		} else if !m.closed {
			w.common.faults.add("a multipart ends without its final boundary")
		}
	}
	w.stack = w.stack[:min(n, len(w.stack))]
}
