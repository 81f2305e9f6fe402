package sanitize

import (
	"bytes"
	_ "embed"
	"net/netip"
	"strings"
	"sync"
)

//go:embed words.txt
var wordList string

// words are the words that servers are known to use in their replies, in
// lower case. To keep another one, add a line to words.txt.
var words = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(wordList) {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.Fields(line) {
			m[w] = true
		}
	}
	return m
})

// maxNumber is the longest number that is kept: sizes and counts.
const maxNumber = 12

// scrubText overwrites in place all words that are not in the list. Numbers
// and punctuation stay, addresses do not.
func scrubText(b []byte) {
	known := words()
	for i := 0; i < len(b); {
		if n := address(b[i:]); n > 0 && (i == 0 || !isWord(b[i-1])) {
			overwrite(b[i : i+n])
			i += n
			continue
		}
		n := wordEnd(b[i:])
		switch w := b[i : i+n]; {
		case n == 0:
			if c := b[i]; c < ' ' && c != '\r' && c != '\n' && c != 0 && c != '\t' && c != 1 || c == 0x7f {
				b[i] = filler
			}
			n = 1
		case isNumber(w) && n <= maxNumber:
		case !known[string(bytes.ToLower(w))]:
			overwrite(w)
		}
		i += n
	}
}

// minSecret is the shortest number that is taken for a secret: shorter ones
// are codes and counts.
const minSecret = 4

// scrubNumbers overwrites the numbers that scrubText leaves, where a server
// may repeat a password and has no sizes to tell.
func scrubNumbers(b []byte) {
	eachNumber(b, func(w []byte) {
		if len(w) >= minSecret {
			overwrite(w)
		}
	})
}

// eachNumber calls f for each word of digits.
func eachNumber(b []byte, f func(w []byte)) {
	for i := 0; i < len(b); i++ {
		n := wordEnd(b[i:])
		if w := b[i : i+n]; n > 0 && isNumber(w) {
			f(w)
		}
		i += n
	}
}

// isNumber reports whether a word has digits only.
func isNumber(w []byte) bool { return len(bytes.Trim(w, "0123456789")) == 0 }

func wordEnd(b []byte) int {
	for i, c := range b {
		if !isWord(c) {
			return i
		}
	}
	return len(b)
}

func overwrite(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, fillers):]
	}
}

// fillers are as many as a line of mail has.
const fillers = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// overwriteWhere overwrites the bytes of which goes is true with a letter.
func overwriteWhere(b []byte, with byte, goes func(byte) bool) {
	for i, c := range b {
		if goes(c) {
			b[i] = with
		}
	}
}

// address returns the length of an IP address at the start of b, or 0.
func address(b []byte) int {
	n := 0
	dots := 0
	for n < len(b) && n < 45 && strings.IndexByte("0123456789abcdefABCDEF.:", b[n]) >= 0 {
		if b[n] == '.' || b[n] == ':' {
			dots++
		}
		n++
	}
	if dots < 2 {
		return 0
	}
	for ; n > 0; n-- {
		if _, err := netip.ParseAddr(string(b[:n])); err == nil {
			return n
		}
		if c := b[n-1]; c != '.' && c != ':' {
			return 0
		}
	}
	return 0
}

// scrubGreeting is scrubText for the server's first line, of which the APOP
// timestamp and, unless hosts is set, names of hosts stay too. With addresses
// set, an IP address in the timestamp does not.
func scrubGreeting(b []byte, hosts, addresses bool) {
	old := bytes.Clone(b)
	scrubText(b)
	if from := bytes.IndexByte(old, '<'); from >= 0 {
		if to := bytes.IndexByte(old[from:], '>'); to > 0 {
			copy(b[from:from+to], old[from:])
			scrubTimestamp(b[from:from+to], hosts, addresses)
		}
	}
	if hosts {
		return
	}
	for i := 0; i < len(old); i++ {
		n := i
		for n < len(old) && (isWord(old[n]) && old[n] < 0x80 || old[n] == '-' || old[n] == '.') {
			n++
		}
		if w := old[i:n]; isHost(w) {
			copy(b[i:n], w)
		}
		i = n
	}
}

// scrubTimestamp overwrites what stands behind the last "@" of a timestamp, if
// it is the name of a host and hosts is set, or an address and addresses is.
func scrubTimestamp(b []byte, hosts, addresses bool) {
	host := b[bytes.LastIndexByte(b, '@')+1:]
	switch {
	case len(host) == len(b):
	case hosts:
		scrubHost(host)
	case addresses:
		scrubAddress(bytes.TrimRight(host, ">"))
	}
}

// scrubAddress overwrites the IP address, also one in brackets, that b is.
func scrubAddress(b []byte) {
	b = bytes.Trim(b, "[]")
	if _, err := netip.ParseAddr(string(bytes.TrimPrefix(b, []byte("IPv6:")))); err == nil {
		scrubHost(b)
	}
}

// scrubHost overwrites the name of a host.
func scrubHost(b []byte) {
	overwriteWhere(b, filler, isWord)
}

// isHost reports whether a word looks like a domain name: at least two
// labels, the last one of letters.
func isHost(w []byte) bool {
	i := bytes.LastIndexByte(w, '.')
	return i > 0 && i+2 < len(w) && len(bytes.Trim(w[i+1:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 0
}

// scrubUnknown overwrites a line that is no command, or a verb that nobody
// knows, with a letter. What the analysis makes of such a line hangs on whether
// it could be base64, on the words in it that make one suspicious, and on blanks
// at its ends.
func scrubUnknown(b []byte, with byte) {
	lower, other, alien := 0, 0, 0
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z':
			lower++
		case 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9', c == '+', c == '/', c == '=':
			other++
		default:
			alien++
		}
	}
	old := bytes.Clone(b)
	first := true
	blanks := false // the separator of verb and arguments has passed
	for i, c := range old {
		switch {
		case c == 0 || c == '\r' || c == '\t':
		case c == ' ':
			if inside := len(bytes.TrimSpace(old[:i])) > 0 && len(bytes.TrimSpace(old[i:])) > 0; inside && blanks {
				b[i] = with
			} else if inside {
				blanks = true
			}
		case alien > 0 && first && bytes.IndexByte(old, ' ') < 0:
			b[i] = '-'
			first = false
		case alien == 0 && lower+other == 0, alien == 0 && lower+other < len(b) && first:
			b[i] = with - ('a' - 'A')
			first = false
		default:
			b[i] = with
			first = false
		}
	}
	verb, _, _ := bytes.Cut(bytes.TrimLeft(old, " \t"), []byte(" "))
	at := bytes.Index(old, verb)
	up := upper(verb)
	for _, w := range []string{"PASS", "PWD", "AUTH", "LOGIN", "APOP", "PROXY"} {
		if j := bytes.Index(up, []byte(w)); j >= 0 {
			copy(b[at+j:at+j+len(w)], old[at+j:])
		}
	}
}

// upper returns b with ASCII letters in upper case: as long as b is, whatever
// it holds.
func upper(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if 'a' <= c && c <= 'z' {
			out[i] = c - ('a' - 'A')
		}
	}
	return out
}
