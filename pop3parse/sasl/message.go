package sasl

import (
	"bytes"
	"unicode/utf8"
)

// message is a turn decoded. Its data belong to the Attempt that is made.
type message struct {
	server bool
	data   []byte
}

// messages decodes the turns up to a cancellation, and sets Cancelled and
// BadBase64.
func (a *Attempt) messages(turns []Turn, binary bool) []message {
	msgs := make([]message, 0, len(turns))
	for i, t := range turns {
		line := bytes.Trim(t.Data, " \t\r\n")
		if !t.Server && len(line) == 1 {
			switch line[0] {
			case '*': // RFC 5034 section 4: the client cancels
				a.Cancelled = true
				return msgs
			case '=': // RFC 5034 section 4: an initial response of no length
				a.BadBase64 = a.BadBase64 || i > 0
				msgs = append(msgs, message{data: []byte{}})
				continue
			}
		}
		data, bad := decodeLine(line, binary)
		a.BadBase64 = a.BadBase64 || bad
		msgs = append(msgs, message{t.Server, data})
	}
	return msgs
}

// decodeLine returns what a line stands for, and whether it is bad base64.
// Broken clients send their message without base64; where the line's letters
// would do as base64 none the less, what comes out tells: text mechanisms
// have text in them.
func decodeLine(line []byte, binary bool) (data []byte, bad bool) {
	data, fault := decode64(line)
	switch {
	case fault == alien:
		return bytes.Clone(line), true
	case fault == clean || binary || isText(data):
		return data, fault == cut
	}
	return bytes.Clone(line), true
}

// fault says what is wrong with base64.
type fault uint8

const (
	clean  fault = iota
	spaced       // blanks inside
	cut          // its length or padding is wrong: decoded is what can be
	alien        // other characters: nothing is decoded
)

// decode64 decodes base64 (RFC 4648 section 4), with or without padding and
// with blanks anywhere.
func decode64(b []byte) ([]byte, fault) {
	out := make([]byte, 0, len(b)/4*3+3)
	var bits uint32
	digits, pad, f := 0, 0, clean
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
			f = spaced
			continue
		case '=':
			pad++
			continue
		}
		v, ok := digit64(c)
		if !ok || pad > 0 {
			return nil, alien
		}
		bits = bits<<6 | v
		if digits++; digits%4 == 0 {
			out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
		}
	}
	switch digits % 4 {
	case 1:
		return out, cut
	case 2:
		out = append(out, byte(bits>>4))
	case 3:
		out = append(out, byte(bits>>10), byte(bits>>2))
	}
	if pad != 0 && (digits+pad)%4 != 0 || pad > 2 {
		f = cut
	}
	return out, f
}

func digit64(c byte) (uint32, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint32(c - 'A'), true
	case 'a' <= c && c <= 'z':
		return uint32(c-'a') + 26, true
	case '0' <= c && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+':
		return 62, true
	case c == '/':
		return 63, true
	}
	return 0, false
}

// isText reports whether b can be a message of a text mechanism: UTF-8
// without control characters but those that separate fields. A character
// cut at the end is let pass.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			return !utf8.FullRune(b)
		case r < ' ' && r != 0 && r != 1 && r != '\t' && r != '\r' && r != '\n', r == 0x7f:
			return false
		}
		b = b[n:]
	}
	return true
}

// firstClient returns the first message of the client that holds anything,
// or its first one at all; ok is false when the client sent nothing.
func firstClient(msgs []message) (data []byte, ok bool) {
	for _, m := range msgs {
		if m.server || ok && len(m.data) == 0 {
			continue
		}
		data, ok = m.data, true
		if len(data) > 0 {
			break
		}
	}
	return data, ok
}

// firstServer returns the first message of the server that holds anything.
func firstServer(msgs []message) []byte {
	for _, m := range msgs {
		if m.server && len(m.data) > 0 {
			return m.data
		}
	}
	return nil
}

// known returns b for a field in which nil means unknown.
func known(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// orNil returns nil for no bytes, for a field in which empty means nothing.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}
