package sanitize

import "bytes"

// maxNames bounds the user names that are told apart; beyond it they are
// overwritten.
const maxNames = 1 << 20

// names replaces user names by others of the same length, in the order of
// appearance. Parts between "@", ".", "\" and the like are replaced one by
// one, so that a domain stays a domain.
//
//	alice@example.org    ua1aa@uaaaaab.uac
type names struct {
	on    bool
	known map[string]string
	next  map[int]int // by length
}

func newNames(on bool) *names {
	return &names{on: on, known: map[string]string{}, next: map[int]int{}}
}

// user returns what stands for a name, of the same length. Names that
// differ in the case of letters only are the same to most servers; their
// replacements are equal.
func (n *names) user(name []byte) []byte {
	if !n.on {
		return name
	}
	out := bytes.Clone(name)
	for from := 0; from < len(out); {
		to := from
		for to < len(out) && isWord(out[to]) {
			to++
		}
		if to == from {
			from++
			continue
		}
		copy(out[from:to], n.word(string(bytes.ToLower(out[from:to]))))
		from = to
	}
	return out
}

// numbers replaces user names that are numbers in what a server says; all
// others are no words that stay there.
func (n *names) numbers(b []byte) {
	eachNumber(b, func(w []byte) {
		if to, known := n.known[string(w)]; known {
			copy(w, to)
		}
	})
}

// isWord reports whether a byte is part of a word of a name. What is no
// ASCII is, so that it is replaced.
func isWord(c byte) bool {
	return c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

const nameDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// word returns what stands for one word.
func (n *names) word(w string) string {
	if to, ok := n.known[w]; ok {
		return to
	}
	if len(n.known) == maxNames {
		return string(bytes.Repeat([]byte{filler}, len(w)))
	}
	k := n.next[len(w)]
	n.next[len(w)]++
	b := bytes.Repeat([]byte{'u'}, len(w))
	for i := len(b) - 1; i >= 0 && (i > 0 || len(b) <= 2); i-- {
		b[i] = nameDigits[k%len(nameDigits)]
		k /= len(nameDigits)
	}
	n.known[w] = string(b)
	return n.known[w]
}
