package sasl

import "bytes"

// Challenge finds APOP's timestamp in a POP3 greeting (RFC 1939 section 7)
// and returns it with its angle brackets, as a part of greeting, or nil. It is the last
// well shaped msg-id of the line; where there is none, the last "<...@...>"
// of any other bytes, as clients compute their digest from that too. Words
// such as Cyrus's SESSIONID=<...> are none.
func Challenge(greeting []byte) []byte {
	if bytes.IndexByte(greeting, '<') < 0 {
		return nil // as of most servers
	}
	var shaped, loose []byte
	open := -1
	for i, c := range greeting {
		switch c {
		case '\r', '\n':
			open = -1
		case '<':
			open = i
			if i > 0 && greeting[i-1] == '=' {
				open = -1
			}
		case '>':
			if open < 0 {
				continue
			}
			if id := greeting[open : i+1]; MsgID(id) {
				shaped = id
			} else if bytes.IndexByte(id, '@') >= 0 {
				loose = id
			}
			open = -1
		}
	}
	if shaped == nil {
		shaped = loose
	}
	return shaped
}

// MsgID reports whether b is a msg-id as RFC 822 section 4.6 has it:
// "<" local-part "@" domain ">", in ASCII and without blanks. RFC 1939
// section 7 demands that of a timestamp, and a client that checks it cannot
// be led to reveal its password by the collisions of CVE-2007-1558.
func MsgID(b []byte) bool {
	if len(b) < 2 || b[0] != '<' || b[len(b)-1] != '>' {
		return false
	}
	rest, ok := words(b[1:len(b)-1], '"', '"')
	if !ok || len(rest) == 0 || rest[0] != '@' {
		return false
	}
	rest, ok = words(rest[1:], '[', ']')
	return ok && len(rest) == 0
}

// words takes words with dots between them from the start of b: atoms, and
// what stands between open and close.
func words(b []byte, open, close byte) (rest []byte, ok bool) {
	for {
		n := 0
		if len(b) > 0 && b[0] == open {
			n = enclosed(b, close)
		} else {
			for n < len(b) && isAtom(b[n]) {
				n++
			}
		}
		if n == 0 {
			return b, false
		}
		if b = b[n:]; len(b) == 0 || b[0] != '.' {
			return b, true
		}
		b = b[1:]
	}
}

// enclosed returns the length of a quoted-string or domain-literal at the
// start of b, or 0. Blanks, which RFC 822 allows in both, are refused.
func enclosed(b []byte, close byte) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == close:
			return i + 1
		case c <= ' ' || c >= 0x7f || c == b[0]:
			return 0
		case c == '\\':
			if i++; i < len(b) && (b[i] <= ' ' || b[i] >= 0x7f) {
				return 0
			}
		}
	}
	return 0
}

// isAtom reports whether c may stand in an atom (RFC 822 section 3.3).
func isAtom(c byte) bool {
	return c > ' ' && c < 0x7f && bytes.IndexByte([]byte(`()<>@,;:\".[]`), c) < 0
}
