package pop3parse

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// indicator says how a server line begins.
type indicator uint8

const (
	noIndicator indicator = iota // not a status line
	isOK
	isErr
	isMore // "+ ": a SASL challenge (RFC 5034 section 4)
)

// parseStatus takes a server line without its end apart: the status
// indicator and the text after it and one space.
//
// QUIRK: RFC 1939 section 3 wants the indicators in upper case; servers
// that write +Ok exist.
func parseStatus(line []byte) (indicator, []byte) {
	switch {
	case len(line) == 0:
	case line[0] == '-':
		if hasIndicator(line, "-ERR") {
			return isErr, cutSpace(line[4:])
		}
	case line[0] != '+':
	case hasIndicator(line, "+OK"):
		return isOK, cutSpace(line[3:])
	case len(line) == 1:
		return isMore, nil
	case line[1] == ' ':
		return isMore, line[2:]
	}
	return noIndicator, nil
}

// isBareChallenge reports whether a line is + and base64 without a space
// between them.
//
// QUIRK: RFC 5034 section 4 has the space; clients such as curl do without.
func isBareChallenge(line []byte) bool {
	if len(line) < len("+AAAA") || line[0] != '+' || isAnyCase(line[:3], "+OK") {
		return false
	}
	_, err := base64.StdEncoding.AppendDecode(nil, line[1:])
	return err == nil
}

// hasIndicator reports whether line begins with the indicator as a word.
func hasIndicator(line []byte, ind string) bool {
	n := len(ind)
	if len(line) < n || !isAnyCase(line[:n], ind) {
		return false
	}
	if len(line) == n {
		return true
	}
	c := line[n]
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
}

// isAnyCase reports whether b is the beginning of a text that is in upper
// case, in any case of letters.
func isAnyCase(b []byte, text string) bool {
	for i, c := range b {
		if upperCase(c) != text[i] {
			return false
		}
	}
	return true
}

// mayBeStatus reports whether b, the beginning of a line, is or can still
// become a status line.
func mayBeStatus(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, ind := range [...]string{"+OK", "-ERR"} {
		n := min(len(b), len(ind))
		if isAnyCase(b[:n], ind) && (n == len(b) || hasIndicator(b, ind)) {
			return true
		}
	}
	return false
}

func cutSpace(b []byte) []byte {
	if len(b) > 0 && b[0] == ' ' {
		return b[1:]
	}
	return b
}

// maxCode bounds a response code; the registered ones have at most nine octets.
const maxCode = 64

// responseCode returns the RFC 2449 section 8 response code at the start of
// a reply's text, without brackets: "[" level *("/" level) "]", where a
// level is made of printing characters other than "/", "[" and "]".
func responseCode(text []byte) []byte {
	if len(text) < 3 || text[0] != '[' {
		return nil
	}
	n := bytes.IndexByte(text, ']')
	if n < 2 || n > maxCode {
		return nil
	}
	for _, c := range text[1:n] {
		if c <= ' ' || c >= 0x7f || c == '[' {
			return nil
		}
	}
	return text[1:n]
}

// isRegistered reports whether a response code is one that RFC 2449, RFC 3206 or
// RFC 6856 has, which says nothing of a command.
func isRegistered(code []byte) bool {
	switch string(bytes.ToUpper(code)) {
	case "LOGIN-DELAY", "IN-USE", "AUTH", "SYS/TEMP", "SYS/PERM", "UTF8":
		return true
	}
	return false
}

// announcedOctets reads the size that a status line claims for the data
// that follows: "120 octets", "(120 bytes)", or a number alone; -1 without
// one.
func announcedOctets(text []byte) int64 {
	first := int64(-1)
	words := 0
	for w := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == '\t' }) {
		words++
		if first >= 0 {
			unit := bytes.TrimRight(w, ".,:;")
			if bytes.EqualFold(unit, []byte("octets")) || bytes.EqualFold(unit, []byte("bytes")) {
				return first
			}
			first = -1
		}
		if w[0] <= '9' { // most are no numbers, and errors cost memory
			if n, err := strconv.ParseInt(string(w), 10, 64); err == nil && n >= 0 {
				first = n
			}
		}
	}
	if words == 1 {
		return first
	}
	return -1
}

// twoNumbers reads "n m" at the start of a reply's text: STAT and LIST n
// (RFC 1939 section 5).
func twoNumbers(text []byte) (n, m int64, ok bool) {
	a, rest, found := bytes.Cut(bytes.TrimLeft(text, " "), []byte(" "))
	if !found {
		return 0, 0, false
	}
	b, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	n, err1 := strconv.ParseInt(string(a), 10, 64)
	m, err2 := strconv.ParseInt(string(b), 10, 64)
	return n, m, err1 == nil && err2 == nil && n >= 0 && m >= 0
}
