package pop3parse

import (
	"bytes"
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

// reasonWords are what servers write, in lower case, when no response code
// tells. The first match counts.
var reasonWords = []struct {
	words  []byte
	reason Reason
}{
	{[]byte("locked by"), InUse}, {[]byte("mailbox locked"), InUse}, {[]byte("maildrop locked"), InUse}, {[]byte("already locked"), InUse}, {[]byte("is locked"), InUse},
	{[]byte("in use"), InUse}, {[]byte("unable to lock"), InUse}, {[]byte("another session"), InUse}, {[]byte("lock busy"), InUse}, {[]byte("already open"), InUse},
	{[]byte("too frequent"), LoginDelay}, {[]byte("login delay"), LoginDelay}, {[]byte("too often"), LoginDelay}, {[]byte("minimum time between"), LoginDelay},
	{[]byte("starttls"), TLSRequired}, {[]byte("stls"), TLSRequired}, {[]byte("ssl"), TLSRequired}, {[]byte("tls"), TLSRequired}, {[]byte("plaintext authentication disallowed"), TLSRequired},
	{[]byte("plaintext authentication not allowed"), TLSRequired}, {[]byte("cleartext"), TLSRequired}, {[]byte("secure connection"), TLSRequired},
	{[]byte("no such user"), UnknownUser}, {[]byte("unknown user"), UnknownUser}, {[]byte("no mailbox"), UnknownUser}, {[]byte("user unknown"), UnknownUser},
	{[]byte("no such mailbox"), UnknownUser}, {[]byte("mailbox does not exist"), UnknownUser}, {[]byte("sorry, no mailbox"), UnknownUser}, {[]byte("never heard of"), UnknownUser},
	{[]byte("temporar"), TempFault}, {[]byte("try again"), TempFault}, {[]byte("internal error"), TempFault}, {[]byte("unavailable"), TempFault},
	{[]byte("unsupported"), NotSupported}, {[]byte("not supported"), NotSupported}, {[]byte("unrecognized"), NotSupported}, {[]byte("unknown command"), NotSupported},
	{[]byte("unknown authentication"), NotSupported}, {[]byte("unknown mechanism"), NotSupported}, {[]byte("not implemented"), NotSupported}, {[]byte("invalid command"), NotSupported},
	{[]byte("cancel"), Cancelled}, {[]byte("abort"), Cancelled},
	{[]byte("password"), BadCredentials}, {[]byte("authentication fail"), BadCredentials}, {[]byte("authentication error"), BadCredentials}, {[]byte("auth"), BadCredentials},
	{[]byte("invalid login"), BadCredentials}, {[]byte("login fail"), BadCredentials}, {[]byte("invalid user"), BadCredentials}, {[]byte("credential"), BadCredentials},
	{[]byte("incorrect"), BadCredentials}, {[]byte("permission denied"), BadCredentials}, {[]byte("access denied"), BadCredentials}, {[]byte("bad login"), BadCredentials},
	{[]byte("denied"), BadCredentials}, {[]byte("login"), BadCredentials}, {[]byte("invalid"), BadCredentials},
}

// needsTLS are the words of servers that want TLS first, where a response
// code says something else.
var needsTLS = [][]byte{
	[]byte("plaintext authentication disallowed"), []byte("plaintext authentication not allowed"), []byte("cleartext authentication"),
	[]byte("secure connection"), []byte("starttls"), []byte("stls"),
}

// FailureReason says why a login, or a USER command, was refused: by its
// response code (RFC 2449 section 8.1, RFC 3206), otherwise by its words.
func FailureReason(code, text []byte) Reason {
	var codeRoom [32]byte
	var textRoom [maxReplyLine]byte
	code = upper(codeRoom[:0], code)
	level, _, _ := bytes.Cut(code, []byte("/"))
	switch string(level) {
	case "AUTH":
		// QUIRK: Dovecot has this code for a client that must use TLS, too.
		low := lower(textRoom[:], text)
		for _, w := range needsTLS {
			if bytes.Contains(low, w) {
				return TLSRequired
			}
		}
		return BadCredentials
	case "IN-USE":
		return InUse
	case "LOGIN-DELAY":
		return LoginDelay
	case "SYS":
		if bytes.HasPrefix(code, []byte("SYS/PERM")) {
			return PermFault
		}
		return TempFault
	}
	low := lower(textRoom[:], text)
	for i := range reasonWords {
		w := &reasonWords[i]
		if bytes.Contains(low, w.words) {
			return w.reason
		}
	}
	return OtherReason
}

// lastFailure remembers what a server said last, since it says the same to
// everybody, and FailureReason looks for many words.
type lastFailure struct {
	text []byte
	is   Reason
}

// reason is FailureReason of a text with the code that is in it.
func (f *lastFailure) reason(text []byte) Reason {
	if f.is == NoReason || !bytes.Equal(f.text, text) {
		f.text = append(f.text[:0], text...)
		f.is = FailureReason(responseCode(text), text)
	}
	return f.is
}
