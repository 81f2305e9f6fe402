package message

import "bytes"

// field is one of the header fields that are read; all others are passed over.
type field int8

const (
	subject field = iota
	from
	to
	date
	messageID
	contentType
	transferEncoding
	disposition
	numFields
	noField field = -1
)

var fieldNames = [numFields]string{
	"Subject", "From", "To", "Date", "Message-ID",
	"Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
}

// wellKnown are fields that tell a header from text in which a line happens
// to begin with a word and a colon.
var wellKnown = []string{
	"From", "To", "Cc", "Bcc", "Subject", "Date", "Sender", "Reply-To", "Message-ID", "MIME-Version", "Received",
	"Return-Path", "Delivered-To", "Envelope-To", "References", "In-Reply-To", "Importance", "Priority", "Precedence",
	"Organization", "User-Agent", "Status", "Lines", "Errors-To", "Sensitivity", "Thread-Topic", "Thread-Index",
	"DKIM-Signature", "DomainKey-Signature", "Authentication-Results", "Received-SPF", "List-Id", "List-Unsubscribe",
	"Resent-From", "Resent-To", "Resent-Date", "Auto-Submitted", "Accept-Language",
}

// header collects the fields of one header block.
type header struct {
	raw  [numFields][]byte // values, unfolded as RFC 5322 section 2.2.3 says: line ends removed, white space kept
	seen [numFields]bool
	cur  field // the field that continuation lines belong to
	any  bool  // a field was seen, wanted or not
	size int   // octets of the block so far
	full bool  // a limit was reached
}

func (h *header) reset() {
	for i := range h.raw {
		h.raw[i] = h.raw[i][:0]
	}
	h.seen, h.cur, h.any, h.size, h.full = [numFields]bool{}, noField, false, 0, false
}

// start begins the field name; repeated reports that it was there before.
// What is added to a field that repeats is dropped.
func (h *header) start(name []byte, l Limits) (f field, repeated bool) {
	h.any = true
	f, h.cur = lookupField(name), noField
	if f != noField && h.size < l.Header {
		if repeated = h.seen[f]; !repeated {
			h.seen[f], h.cur = true, f
		}
	}
	h.size += len(name) + 1
	return f, repeated
}

// add appends to the field that was started, as far as the limits allow.
func (h *header) add(b []byte, l Limits) {
	room := max(0, l.Header-h.size)
	if h.cur != noField {
		room = min(room, l.Field-len(h.raw[h.cur]))
		h.raw[h.cur] = append(h.raw[h.cur], b[:min(room, len(b))]...)
	}
	h.full = h.full || len(b) > room
	h.size = min(h.size, l.Header) + min(len(b), l.Header) // saturates instead of growing without end
}

func lookupField(name []byte) field {
	for i, s := range fieldNames {
		if len(s) == len(name) && equalFold(name, s) {
			return field(i)
		}
	}
	return noField
}

// isWellKnown reports whether a line with this field name is sure to be a
// header line: of a mail, or of a part (RFC 2045 section 3).
func isWellKnown(name []byte, ofMail bool) bool {
	if len(name) > 8 && equalFold(name[:8], "Content-") {
		return true
	}
	if !ofMail {
		return false
	}
	if len(name) > 2 && equalFold(name[:2], "X-") {
		return true
	}
	for _, s := range wellKnown {
		if len(s) == len(name) && equalFold(name, s) {
			return true
		}
	}
	return false
}

// splitField cuts a header line at its colon. RFC 5322 section 2.2: a name
// is of printable characters; section 4.5 allows white space after it.
func splitField(b []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(b[:min(len(b), maxFieldName)], ':')
	if i <= 0 {
		return nil, nil, false
	}
	name = bytes.TrimRight(b[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return nil, nil, false
		}
	}
	return name, b[i+1:], len(name) > 0
}

// equalFold compares with a name in ASCII.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c != s[i] && (c|0x20 != s[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
