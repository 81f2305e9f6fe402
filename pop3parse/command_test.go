package pop3parse

import (
	"strings"
	"testing"
)

// TestSpecOf holds the search for a verb to one through all rows.
func TestSpecOf(t *testing.T) {
	through := func(v Verb) *verbSpec {
		for i := range verbs {
			if verbs[i].verb == v {
				return &verbs[i]
			}
		}
		return nil
	}
	tried := []Verb{"", "A", "OK", "PROXY", "AUTHENTICATE", Verb(strings.Repeat("A", 1000))}
	for _, row := range verbs {
		v := row.verb
		if through(v) != &verbs[verbSlots[findSlot(v)]-1] {
			t.Errorf("%s stands in two rows", v)
		}
		tried = append(tried, v, v+"A", v[1:], v[:len(v)-1], Verb(strings.ToLower(string(v))), v[:1]+v)
		for i := range v {
			for c := range 256 {
				tried = append(tried, v[:i]+Verb([]byte{byte(c)})+v[i+1:])
			}
		}
	}
	for _, v := range tried {
		if got, want := specOf(v), through(v); got != want {
			t.Fatalf("%q:\n got %+v\nwant %+v", v, got, want)
		}
	}
}

// findSlot returns the slot of a verb that is known.
func findSlot(v Verb) int {
	for i, row := range verbSlots {
		if row != 0 && verbs[row-1].verb == v {
			return i
		}
	}
	return 0
}

// TestParseCommand holds the way through a line to one that splits it.
func TestParseCommand(t *testing.T) {
	for _, line := range []string{
		"", " ", " \t ", "QUIT", "quit", " QuIt ", "\tNOOP", "PASS", "PASS ", "PASS  a b ", "USER  a", "USER a ", "LIST\t1", "LIST \t1", "STAT\t",
		"XAUTHLISTS 1", "XAUTHLIST 1", "AB", "\xffuser a", "sesame \x00", "TO", "TOP 1 0",
	} {
		var c command
		c.parse([]byte(line))
		text := strings.TrimLeft(line, " \t")
		verb, args := text, ""
		if i := strings.IndexAny(text, " \t"); i >= 0 {
			verb, args = text[:i], text[i+1:]
		}
		up := Verb(upper(nil, []byte(verb)))
		spaces := text != line || up != PASS && (strings.HasPrefix(args, " ") || strings.HasSuffix(args, " "))
		if string(c.sent) != verb || string(c.args) != args || c.verb != up || c.spaces != spaces || c.known() != (up.RFC() != "") {
			t.Errorf("%q: got %q %q %s %v %v", line, c.sent, c.args, c.verb, c.spaces, c.known())
		}
		if text == verb && c.args != nil {
			t.Errorf("%q: arguments", line)
		}
	}
	var c command
	line := []byte("xauthlist 1")
	if n := testing.AllocsPerRun(10, func() { c.parse(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
