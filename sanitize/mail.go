package sanitize

import (
	"bytes"

	"popscope/pop3parse"
)

// mail overwrites messages while they pass. Line ends stay, dots at the
// start of lines, zero bytes, and the names of usual header fields.
type mail struct {
	inHeader bool
	prev     byte   // the byte before; '\n' at the start
	name     []byte // of the line under way, as long as it can be the name of a field
	cut      bool   // the line is beyond its name
	named    bool   // the name has just ended
}

// maxField bounds the name of a field; the longest of the table is shorter.
const maxField = 40

// begin begins a message.
func (m *mail) begin() { *m = mail{inHeader: true, prev: '\n', name: m.name[:0]} }

// pass overwrites bytes of a message, or of other data if header is false.
func (m *mail) pass(orig, out []byte) {
	for i, c := range orig {
		if !m.inHeader { // nothing but line ends and dots stays from here on
			blank(orig[i:], out[i:], m.prev)
			m.prev = orig[len(orig)-1]
			return
		}
		start := m.prev == '\n'
		if start {
			m.name, m.cut = m.name[:0], false
		}
		switch {
		case c == '\n':
			m.inHeader = len(m.name) > 0 || m.cut
			out[i] = c
		case c == '\r', c == 0, c == '.' && start, c == ' ' && m.prev == ':' && m.named:
			out[i] = c
		default:
			out[i] = filler
		}
		m.named = false
		if !m.cut && c != '\r' && c != '\n' {
			m.field(c, i, orig, out)
		}
		m.prev = c
	}
}

// field looks for the end of a field's name.
func (m *mail) field(c byte, i int, orig, out []byte) {
	if c == ':' && len(m.name) > 0 {
		out[i] = ':'
		if n := len(m.name); fields[string(bytes.ToLower(m.name))] && n <= i {
			copy(out[i-n:i], orig[i-n:i])
		}
		m.cut, m.named = true, true
		return
	}
	if c <= ' ' || c >= 0x7f || len(m.name) == maxField {
		m.cut = true
		return
	}
	m.name = append(m.name, c)
}

// fields are the header fields whose names stay, in lower case.
var fields = map[string]bool{
	"return-path": true, "delivered-to": true, "received": true, "date": true, "from": true, "sender": true, "reply-to": true,
	"to": true, "cc": true, "bcc": true, "subject": true, "message-id": true, "in-reply-to": true, "references": true,
	"mime-version": true, "content-type": true, "content-transfer-encoding": true, "content-disposition": true,
	"content-id": true, "content-language": true, "user-agent": true, "x-mailer": true, "x-uidl": true, "status": true,
	"x-status": true, "lines": true, "content-length": true, "list-id": true, "list-unsubscribe": true, "dkim-signature": true,
	"authentication-results": true, "received-spf": true, "importance": true, "x-priority": true, "precedence": true,
}

// mailStretch passes a stretch of a message.
func (c *conn) mailStretch(side int, st pop3parse.Stretch) {
	m := &c.dialog.mail[side]
	if st.At == 0 && st.Part == pop3parse.Mail {
		m.begin()
	}
	c.wins[side].each(st.Off, st.End(), func(_ int64, orig, out []byte) { m.pass(orig, out) })
}
