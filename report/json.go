package report

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// object appends one JSON object at a time to buf, key by key and without
// reflection: a large capture has millions of records.
type object struct {
	buf []byte

	second int64 // of the last time written
	text   []byte
}

// open begins an object; nested ones are begun by key and open.
func (o *object) open() { o.buf = append(o.buf, '{') }

// close ends the object begun last.
func (o *object) close() { o.buf = append(o.buf, '}') }

// key begins a member. Keys are our own: they need no escapes.
func (o *object) key(k string) {
	o.comma()
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, k...)
	o.buf = append(o.buf, '"', ':')
}

// comma separates what follows from what stands before it.
func (o *object) comma() {
	if n := len(o.buf); n > 0 && o.buf[n-1] != '{' && o.buf[n-1] != '[' {
		o.buf = append(o.buf, ',')
	}
}

// word writes a string of ours: no escapes, no bad bytes.
func (o *object) word(k, v string) {
	o.key(k)
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, v...)
	o.buf = append(o.buf, '"')
}

// append writes a string of ours that f appends.
func (o *object) append(k string, f func([]byte) []byte) {
	o.key(k)
	o.buf = append(f(append(o.buf, '"')), '"')
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.buf = strconv.AppendBool(o.buf, v)
}

func (o *object) int(k string, v int64) {
	o.key(k)
	o.buf = strconv.AppendInt(o.buf, v, 10)
}

// str writes a string that came from outside, with the exact bytes beside
// it when it is not UTF-8.
func (o *object) str(k, v string) { writeString(o, k, v, true) }

// bytes is str for bytes.
func (o *object) bytes(k string, v []byte) { writeString(o, k, v, true) }

// maskable writes bytes which are exact or hold a mask; what is masked
// gets no exact bytes beside it.
func (o *object) maskable(k string, v []byte, exact bool) { writeString(o, k, v, exact) }

func writeString[T string | []byte](o *object, k string, v T, exact bool) {
	var valid bool
	o.key(k)
	o.buf, valid = appendQuoted(o.buf, v)
	if valid || !exact {
		return
	}
	o.key(k + "_base64")
	o.buf = append(o.buf, '"')
	o.buf = base64.StdEncoding.AppendEncode(o.buf, []byte(v))
	o.buf = append(o.buf, '"')
}

// writeStrings writes a list of strings. If one of them is not UTF-8, the
// exact bytes of all stand beside them in the same order.
func writeStrings[T string | []byte](o *object, k string, vs []T) {
	allValid := true
	o.key(k)
	o.buf = append(o.buf, '[')
	for _, v := range vs {
		var valid bool
		o.comma()
		o.buf, valid = appendQuoted(o.buf, v)
		allValid = allValid && valid
	}
	o.buf = append(o.buf, ']')
	if allValid {
		return
	}
	o.key(k + "_base64")
	o.buf = append(o.buf, '[')
	for _, v := range vs {
		o.comma()
		o.buf = append(o.buf, '"')
		o.buf = base64.StdEncoding.AppendEncode(o.buf, []byte(v))
		o.buf = append(o.buf, '"')
	}
	o.buf = append(o.buf, ']')
}

// nanos writes a time in UTC, RFC 3339 with nine digits.
func (o *object) nanos(k string, nanos int64) {
	sec, frac := nanos/1e9, nanos%1e9
	if frac < 0 {
		sec, frac = sec-1, frac+1e9
	}
	if o.text == nil || sec != o.second { // most records fall into the second of the one before
		o.second = sec
		o.text = time.Unix(sec, 0).UTC().AppendFormat(o.text[:0], "2006-01-02T15:04:05.")
	}
	o.key(k)
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, o.text...)
	o.buf = appendNine(o.buf, frac)
	o.buf = append(o.buf, 'Z', '"')
}

// time is nanos for times that int64 may not hold. Years that RFC 3339
// cannot write leave the key out.
func (o *object) time(k string, t time.Time) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return
	}
	o.key(k)
	o.buf = append(o.buf, '"')
	o.buf = t.AppendFormat(o.buf, "2006-01-02T15:04:05.000000000Z")
	o.buf = append(o.buf, '"')
}

// seconds writes a duration in seconds, exact to the nanosecond and
// without an exponent.
func (o *object) seconds(k string, d time.Duration) {
	o.key(k)
	o.buf = appendSeconds(o.buf, d)
}

// appendSeconds appends d in seconds as a decimal number without needless
// zeros.
func appendSeconds(dst []byte, d time.Duration) []byte {
	n := uint64(d)
	if d < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendUint(dst, n/1e9, 10)
	if n%1e9 == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendNine(dst, int64(n%1e9))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendNine appends n, which is below 1e9, as nine digits.
func appendNine(dst []byte, n int64) []byte {
	var digits [9]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i], n = byte('0'+n%10), n/10
	}
	return append(dst, digits[:]...)
}

// appendQuoted appends s as a JSON string and reports whether it is valid
// UTF-8. Each bad byte becomes U+FFFD. Control characters and those that
// turn the direction of text are escaped, also where JSON would not ask
// for it, so that a terminal can show the output; HTML is not escaped.
func appendQuoted[T string | []byte](dst []byte, s T) ([]byte, bool) {
	valid := true
	dst = append(dst, '"')
	done := 0 // s[:done] has been appended
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[done:i]...)
			dst = appendJSONEscape(dst, rune(c))
			i++
			done = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && n == 1:
			valid = false
			dst = append(dst, s[done:i]...)
			dst = append(dst, "\uFFFD"...)
			done = i + n
		case needsEscape(r):
			dst = append(dst, s[done:i]...)
			dst = appendJSONEscape(dst, r)
			done = i + n
		}
		i += n
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"'), valid
}

// needsEscape reports whether a rune above ASCII could act on a terminal:
// the C1 controls, line and paragraph separators, and direction marks,
// embeddings, overrides and isolates.
func needsEscape(r rune) bool {
	switch {
	case r < 0xa0, r == 0x061c:
		return true
	case r < 0x200e || r > 0x2069:
		return false
	}
	return r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066
}

// appendJSONEscape appends the escape of a rune up to U+FFFF.
func appendJSONEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return appendHex(append(dst, `\u`...), uint32(r), 4)
}
