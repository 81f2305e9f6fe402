package tlsdec

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"popscope/reassembly/stream"
)

// Record is one record of a direction (RFC 8446 section 5.1), as much of it
// as was read.
type Record struct {
	Off      int64  // stream offset of its header
	Len      int64  // with its header, as that tells; 0 while the header is not there
	Type     byte   // content type; 0 while unknown
	Messages []byte // types of the handshake messages that begin in it, in clear or opened; the first 16 of them
	Hidden   bool   // its content is encrypted, or was lost
	Opened   bool   // ... but was opened
	Content  byte   // its content type inside; valid iff Opened
	Level    byte   // of an alert in clear or opened; 0 unknown
	Alert    byte   // its description; valid iff Level != 0
}

// maxMessages bounds Record.Messages.
const maxMessages = 16

// Records reads the records of one direction, one after the other. Its zero
// value is ready for use. It keeps what it read until Forget.
type Records struct {
	list   []Record
	begun  bool
	dead   bool // where records begin is not known any more
	next   int64
	head   [recordHeader]byte
	have   int
	left   int64
	hidden bool // ChangeCipherSpec was sent
	look   look // of a handshake record after it
	clear  messageCounter
	inside messageCounter // of what was opened
	pos    int64          // in the fragment of the current record
}

// Feed takes the next chunk of the direction. It keeps nothing of c.Data.
func (r *Records) Feed(c stream.Chunk) {
	if !r.begun {
		r.begun, r.next = true, c.Off
	}
	if c.Lost > 0 {
		r.lose(c.Lost)
		return
	}
	for p := c.Data; len(p) > 0 && !r.dead; {
		if r.left == 0 {
			if r.have == 0 {
				r.list = append(r.list, Record{Off: r.next})
			}
			n := copy(r.head[r.have:], p)
			p = p[n:]
			r.next += int64(n)
			if r.have += n; r.have == recordHeader {
				r.begin()
			}
			continue
		}
		n := min(int64(len(p)), r.left)
		r.fragment(p[:n])
		p = p[n:]
		r.next += n
		r.left -= n
	}
}

// begin looks at a whole header.
func (r *Records) begin() {
	rec := &r.list[len(r.list)-1]
	r.have, r.pos = 0, 0
	if r.head[0]&0x80 != 0 { // SSL 2.0: two bytes of length; it is not read further
		r.dead = true
		return
	}
	size := binary.BigEndian.Uint16(r.head[3:])
	if r.head[0] < recordCCS || r.head[0] > recordHeartbeat || r.head[1] != 3 || size > maxRecord {
		r.dead = true
		r.list = r.list[:len(r.list)-1]
		return
	}
	rec.Type = r.head[0]
	r.left = int64(size)
	rec.Len = recordHeader + r.left
	switch rec.Type {
	case recordCCS:
		r.hidden = true
		r.clear = messageCounter{}
	case recordAlert:
		rec.Hidden = size != alertSize
	case recordHandshake:
		// After ChangeCipherSpec it is encrypted, unless it proves to be a
		// hello of TLS 1.3 that comes again (RFC 8446 appendix D.4).
		r.look = look{on: r.hidden}
		rec.Hidden = r.hidden
	case recordData, recordHeartbeat:
		rec.Hidden = true
	}
}

// fragment takes the next bytes of the current record.
func (r *Records) fragment(p []byte) {
	rec := &r.list[len(r.list)-1]
	switch rec.Type {
	case recordAlert:
		for _, b := range p {
			switch {
			case rec.Hidden:
			case r.pos == 0:
				rec.Level = b
			case r.pos == 1:
				rec.Alert = b
			}
			r.pos++
		}
	case recordHandshake:
		r.handshake(rec, p)
		r.pos += int64(len(p))
	}
}

// handshake takes the next bytes of a handshake record.
func (r *Records) handshake(rec *Record, p []byte) {
	if r.look.on {
		if p = r.look.take(p); r.look.have < lookSize {
			return
		}
		r.look.on = false
		if r.look.hello() {
			rec.Hidden = false
			r.clear.count(rec, r.look.head[:])
		}
	}
	if !rec.Hidden {
		r.clear.count(rec, p)
	}
}

// Open says what a record holds that was opened. Where records begin may have
// been found out by that only, behind a loss. A record that was forgotten is
// passed over.
func (r *Records) Open(o Opened) {
	i, ok := slices.BinarySearchFunc(r.list, o.Off, func(rec Record, off int64) int { return cmp.Compare(rec.Off, off) })
	if !ok {
		if !r.dead || i < len(r.list) {
			return
		}
		r.list = append(r.list, Record{
			Off: o.Off, Len: int64(recordHeader + bodyLength(o.Head)), Type: o.Head[0], Hidden: true,
		})
	}
	rec := &r.list[i]
	rec.Opened, rec.Content = true, o.Type
	switch {
	case o.Type == recordHandshake:
		if wholeMessages(o.Content) {
			r.inside = messageCounter{} // whatever was lost before
		}
		r.inside.count(rec, o.Content)
	case o.Type == recordAlert && len(o.Content) == alertSize:
		rec.Level, rec.Alert = o.Content[0], o.Content[1]
	}
}

// messageCounter finds where the handshake messages of a direction begin.
type messageCounter struct {
	head [messageHeader]byte
	have int
	left int64
}

// count takes the next bytes of handshake messages, which are in a record.
func (m *messageCounter) count(rec *Record, p []byte) {
	for len(p) > 0 {
		if m.left == 0 {
			if m.have == 0 && len(rec.Messages) < maxMessages {
				rec.Messages = append(rec.Messages, p[0])
			}
			n := copy(m.head[m.have:], p)
			p = p[n:]
			if m.have += n; m.have == messageHeader {
				m.have = 0
				m.left = int64(messageLength(m.head[:]))
			}
			continue
		}
		n := min(int64(len(p)), m.left)
		m.left -= n
		p = p[n:]
	}
}

// lose says that the next n bytes are missing.
func (r *Records) lose(n int64) {
	if r.dead {
		return
	}
	if n > r.left || r.left == 0 {
		r.dead = true
		return
	}
	rec := &r.list[len(r.list)-1]
	r.look.on = false
	if rec.Type == recordHandshake && !rec.Hidden {
		if n <= r.clear.left {
			r.clear.left -= n
		} else {
			rec.Hidden, r.hidden = true, true // where messages begin is not known any more
		}
	}
	r.next += n
	r.left -= n
	r.pos += n
}

// List returns the records that were read and not forgotten, in order; the
// last one may not be complete. They are valid until the next call.
func (r *Records) List() []Record { return r.list }

// Forget lets go of the records that end before a stream offset.
func (r *Records) Forget(before int64) {
	n := 0
	for n < len(r.list)-1 && r.list[n].Off+r.list[n].Len < before {
		n++
	}
	if n > 64 {
		r.list = slices.Delete(r.list, 0, n)
	}
}

// String names the record in Wireshark's words, as "Server Hello,
// Certificate" or "Application Data"; one that was opened by what it holds.
func (r *Record) String() string {
	kind := r.Type
	if r.Opened {
		kind = r.Content
	}
	switch kind {
	case recordCCS:
		return "Change Cipher Spec"
	case recordAlert:
		if r.Level == 0 {
			return "Encrypted Alert"
		}
		return "Alert (" + alertName(r.Alert) + ")"
	case recordData:
		return "Application Data"
	case recordHeartbeat:
		return "Heartbeat"
	case recordHandshake:
		if len(r.Messages) > 0 {
			return strings.Join(r.MessageNames(), ", ")
		}
		if r.Hidden && !r.Opened {
			return "Encrypted Handshake Message"
		}
		return "Handshake"
	}
	return "record"
}

// MessageNames names the handshake messages that begin in the record.
func (r *Record) MessageNames() []string {
	var out []string
	for _, m := range r.Messages {
		name, ok := messageNames[m]
		if !ok {
			name = fmt.Sprintf("Handshake Message %d", m)
		}
		out = append(out, name)
	}
	return out
}

// messageNames are those of IANA's registry, written as words.
var messageNames = map[byte]string{
	0: "Hello Request", 1: "Client Hello", 2: "Server Hello", 4: "New Session Ticket", 5: "End Of Early Data",
	8: "Encrypted Extensions", 11: "Certificate", 12: "Server Key Exchange", 13: "Certificate Request",
	14: "Server Hello Done", 15: "Certificate Verify", 16: "Client Key Exchange", 20: "Finished",
	21: "Certificate URL", 22: "Certificate Status", 24: "Key Update", 25: "Compressed Certificate",
}

// TypeName returns the record's type as RFC 8446 section 5.1 writes it, or
// "unknown" while its header is not there.
func (r *Record) TypeName() string { return typeName(r.Type) }

// ContentName returns the type of what was opened in the same way; "" of a
// record that was not.
func (r *Record) ContentName() string {
	if !r.Opened {
		return ""
	}
	return typeName(r.Content)
}

func typeName(kind byte) string {
	switch kind {
	case recordCCS:
		return "change_cipher_spec"
	case recordAlert:
		return "alert"
	case recordHandshake:
		return "handshake"
	case recordData:
		return "application_data"
	case recordHeartbeat:
		return "heartbeat"
	}
	return "unknown"
}
