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
	case hasIndicator(line, "+OK"):
		return isOK, cutSpace(line[3:])
	case hasIndicator(line, "-ERR"):
		return isErr, cutSpace(line[4:])
	case len(line) == 1 && line[0] == '+':
		return isMore, nil
	case len(line) > 1 && line[0] == '+' && line[1] == ' ':
		return isMore, line[2:]
	}
	return noIndicator, nil
}

// hasIndicator reports whether line begins with the indicator as a word.
func hasIndicator(line []byte, ind string) bool {
	n := len(ind)
	if len(line) < n || !bytes.EqualFold(line[:n], []byte(ind)) {
		return false
	}
	if len(line) == n {
		return true
	}
	c := line[n]
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
}

// mayBeStatus reports whether b, the beginning of a line, is or can still
// become a status line.
func mayBeStatus(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, ind := range [...]string{"+OK", "-ERR"} {
		n := min(len(b), len(ind))
		if bytes.EqualFold(b[:n], []byte(ind)[:n]) && (n == len(b) || hasIndicator(b, ind)) {
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
	words := bytes.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == '\t' })
	for i, w := range words {
		n, err := strconv.ParseInt(string(w), 10, 64)
		if err != nil || n < 0 {
			continue
		}
		if len(words) == 1 {
			return n
		}
		if i+1 < len(words) {
			unit := bytes.ToLower(bytes.TrimRight(words[i+1], ".,:;"))
			if bytes.Equal(unit, []byte("octets")) || bytes.Equal(unit, []byte("bytes")) {
				return n
			}
		}
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
	words  string
	reason Reason
}{
	{"locked by", InUse}, {"mailbox locked", InUse}, {"maildrop locked", InUse}, {"already locked", InUse}, {"is locked", InUse},
	{"in use", InUse}, {"unable to lock", InUse}, {"another session", InUse}, {"lock busy", InUse}, {"already open", InUse},
	{"too frequent", LoginDelay}, {"login delay", LoginDelay}, {"too often", LoginDelay}, {"minimum time between", LoginDelay},
	{"starttls", TLSRequired}, {"stls", TLSRequired}, {"ssl", TLSRequired}, {"tls", TLSRequired}, {"plaintext authentication disallowed", TLSRequired},
	{"plaintext authentication not allowed", TLSRequired}, {"cleartext", TLSRequired}, {"secure connection", TLSRequired},
	{"no such user", UnknownUser}, {"unknown user", UnknownUser}, {"no mailbox", UnknownUser}, {"user unknown", UnknownUser},
	{"no such mailbox", UnknownUser}, {"mailbox does not exist", UnknownUser}, {"sorry, no mailbox", UnknownUser}, {"never heard of", UnknownUser},
	{"temporar", TempFault}, {"try again", TempFault}, {"internal error", TempFault}, {"unavailable", TempFault},
	{"unsupported", NotSupported}, {"not supported", NotSupported}, {"unrecognized", NotSupported}, {"unknown command", NotSupported},
	{"unknown authentication", NotSupported}, {"unknown mechanism", NotSupported}, {"not implemented", NotSupported}, {"invalid command", NotSupported},
	{"cancel", Cancelled}, {"abort", Cancelled},
	{"password", BadCredentials}, {"authentication fail", BadCredentials}, {"authentication error", BadCredentials}, {"auth", BadCredentials},
	{"invalid login", BadCredentials}, {"login fail", BadCredentials}, {"invalid user", BadCredentials}, {"credential", BadCredentials},
	{"incorrect", BadCredentials}, {"permission denied", BadCredentials}, {"access denied", BadCredentials}, {"bad login", BadCredentials},
	{"denied", BadCredentials}, {"login", BadCredentials}, {"invalid", BadCredentials},
}

// needsTLS are the words of servers that want TLS first, where a response
// code says something else.
var needsTLS = []string{"plaintext authentication disallowed", "plaintext authentication not allowed", "cleartext authentication", "secure connection", "starttls", "stls"}

// FailureReason says why a login, or a USER command, was refused: by its
// response code (RFC 2449 section 8.1, RFC 3206), otherwise by its words.
func FailureReason(code, text []byte) Reason {
	code = upper(make([]byte, 0, 32), code)
	level, _, _ := bytes.Cut(code, []byte("/"))
	switch string(level) {
	case "AUTH":
		// QUIRK: Dovecot has this code for a client that must use TLS, too.
		for _, w := range needsTLS {
			if bytes.Contains(bytes.ToLower(text), []byte(w)) {
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
	low := bytes.ToLower(text)
	for _, w := range reasonWords {
		if bytes.Contains(low, []byte(w.words)) {
			return w.reason
		}
	}
	return OtherReason
}
