package report

import (
	"unicode"
	"unicode/utf8"

	"popscope/report/invisible"
)

// appendInert appends text from the wire in a form that cannot act on a
// terminal. Letters, marks, digits, signs and spaces of all scripts stay;
// everything else is written as an escape:
//
//	\t          a tab
//	\x1b        a control character, or a byte that is no UTF-8
//	\u202e      any other character that is invisible or changes direction
//	\U000e0041  the same above U+FFFF
//	\\          a backslash that would otherwise read as one of these
//
// Two different texts never look the same.
func appendInert(dst, s []byte) []byte {
	marks := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '\\' {
			dst = append(dst, c)
			marks = 0
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\\' && readsAsEscape(s[i+1:]):
			dst = append(dst, `\\`...)
		case visible(r, n) && marks <= maxMarks:
			dst = append(dst, s[i:i+n]...)
		default:
			dst = appendEscape(dst, s[i:i+n], r)
		}
		i += n
	}
	return dst
}

// Inert returns text from outside, such as a file name, in the form in
// which the formats for people show it: see the package comment.
func Inert(s string) string { return string(appendInert(nil, []byte(s))) }

// maxMarks bounds the marks on one letter: scripts need a few, and a
// hundred of them paint over the lines above and below.
const maxMarks = 4

// visible reports whether a decoded rune of n bytes takes its own place
// on the screen and nothing more.
func visible(r rune, n int) bool {
	switch {
	case r == utf8.RuneError && n == 1:
		return false
	case r == '\u00a0' || r == '\u3000': // spaces of ordinary text
		return true
	case r == '\u2800': // the Braille blank
		return false
	}
	return unicode.IsPrint(r) && !invisible.Is(r)
}

// appendEscape appends the escape of one character, or of one byte that
// is no UTF-8.
func appendEscape(dst, raw []byte, r rune) []byte {
	switch {
	case r == '\t':
		return append(dst, `\t`...)
	case len(raw) == 1:
		return appendHex(append(dst, `\x`...), uint32(raw[0]), 2)
	case r <= 0xffff:
		return appendHex(append(dst, `\u`...), uint32(r), 4)
	}
	return appendHex(append(dst, `\U`...), uint32(r), 8)
}

// appendHex appends the last n hexadecimal digits of v.
func appendHex(dst []byte, v uint32, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, "0123456789abcdef"[v>>(4*n)&15])
	}
	return dst
}

// readsAsEscape reports whether a backslash before rest would look like
// the beginning of an escape.
func readsAsEscape(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	r, n := utf8.DecodeRune(rest)
	switch {
	case r == '\\' || r == 't' || !visible(r, n):
		return true
	case r == 'x':
		return hexDigits(rest[1:], 2)
	case r == 'u':
		return hexDigits(rest[1:], 4)
	case r == 'U':
		return hexDigits(rest[1:], 8)
	}
	return false
}

// hexDigits reports whether s begins with n hexadecimal digits.
func hexDigits(s []byte, n int) bool {
	if len(s) < n {
		return false
	}
	for _, c := range s[:n] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
