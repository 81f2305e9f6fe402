package report

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// csvJoint stands between the items of a list. In an item it is written as
// an escape.
const (
	csvJoint       = ";"
	csvJointEscape = `\x3b`
)

// appendSafe appends a text as the cell of a spreadsheet: inert, and never
// a formula. A text that begins like one, with blanks before it or not,
// gets an apostrophe in front, as does one that begins with an apostrophe;
// so whoever wants the text back takes the first apostrophe away.
//
// Where the system's list separator is a semicolon, spreadsheets split
// lines there, whatever the quotes: one that a formula follows becomes an
// escape.
func appendSafe(dst, text []byte) []byte {
	if looksLikeFormula(text) || len(text) > 0 && text[0] == '\'' {
		dst = append(dst, '\'')
	}
	from := len(dst)
	dst = appendInert(dst, text)
	for i := from; i < len(dst); i++ {
		if dst[i] == ';' && looksLikeFormula(dst[i+1:]) {
			dst = append(dst[:i], append([]byte(csvJointEscape), dst[i+1:]...)...)
		}
	}
	return dst
}

// looksLikeFormula reports whether a spreadsheet could take text for a
// formula.
func looksLikeFormula(text []byte) bool {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch r {
		case ' ', '"', '\u00a0', '\u3000':
			text = text[n:]
			continue
		case '=', '+', '-', '@', '\t', '\r', '\n',
			'\uff1d', '\uff0b', '\uff0d', '\uff20', // the same, as wide as ideographs
			'\ufe66', '\ufe62', '\ufe63', '\ufe6b': // the same, small
			return true
		}
		return false
	}
	return false
}

// appendCSV appends a cell, in quotes where it needs them.
func appendCSV(dst, cell []byte) []byte {
	if len(cell) == 0 {
		return dst
	}
	if !bytes.ContainsAny(cell, ",\"\r\n;") && cell[0] != ' ' && cell[len(cell)-1] != ' ' {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for _, c := range cell {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// jsonReader reads the JSON that object wrote, and no other.
type jsonReader struct{ b []byte }

// peek returns the first byte of the next value.
func (in *jsonReader) peek() byte { return in.b[0] }

// object calls f for each key; f has to read its value.
func (in *jsonReader) object(f func(key string)) {
	in.each('}', func() {
		key := string(in.text())
		in.b = in.b[1:] // the colon
		f(key)
	})
}

// array calls f for each item, which f has to read.
func (in *jsonReader) array(f func()) { in.each(']', f) }

func (in *jsonReader) each(end byte, f func()) {
	in.b = in.b[1:]
	for in.b[0] != end {
		f()
		if in.b[0] == ',' {
			in.b = in.b[1:]
		}
	}
	in.b = in.b[1:]
}

// literal reads a number or a truth value as it is written.
func (in *jsonReader) literal() []byte {
	n := bytes.IndexAny(in.b, ",]}")
	s := in.b[:n]
	in.b = in.b[n:]
	return s
}

// text reads a string.
func (in *jsonReader) text() []byte {
	s := in.b[1:]
	var out []byte
	for {
		n := bytes.IndexAny(s, `"\`)
		if s[n] == '"' {
			in.b = s[n+1:]
			if out == nil {
				return s[:n:n]
			}
			return append(out, s[:n]...)
		}
		out = append(out, s[:n]...)
		c := s[n+1]
		s = s[n+2:]
		switch c {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := strconv.ParseUint(string(s[:4]), 16, 16)
			if err != nil {
				panic("report: internal error: " + err.Error())
			}
			out = utf8.AppendRune(out, rune(r))
			s = s[4:]
		default:
			out = append(out, c)
		}
	}
}

// skip passes over a value.
func (in *jsonReader) skip() {
	switch in.peek() {
	case '{':
		in.object(func(string) { in.skip() })
	case '[':
		in.array(in.skip)
	case '"':
		in.text()
	default:
		in.literal()
	}
}
