package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestInert(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "RETR 1", "RETR 1"},
		{"letters of other scripts", "Grüße, 日本語 ﺱ я", "Grüße, 日本語 ﺱ я"},
		{"emoji", "\U0001f600", "\U0001f600"},
		{"spaces of ordinary text", "a\u00a0b\u3000c", "a\u00a0b\u3000c"},
		{"control characters", "\x00\x07\b\n\v\f\r\x7f", `\x00\x07\x08\x0a\x0b\x0c\x0d\x7f`},
		{"tab", "a\tb", `a\tb`},
		{"colour", "\x1b[31mred", `\x1b[31mred`},
		{"title of the window", "\x1b]0;owned\x07", `\x1b]0;owned\x07`},
		{"C1 control", "\u009b31m", `\u009b31m`},
		{"C1 control as a byte", "\x9b31m", `\x9b31m`},
		{"bytes that are no UTF-8", "caf\xe9 \xff\xc3", `caf\xe9 \xff\xc3`},
		{"overlong slash", "\xc0\xaf", `\xc0\xaf`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"direction override", "\u202egpj.exe\u202c", `\u202egpj.exe\u202c`},
		{"direction isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"direction marks", "\u200e\u200f\u061c", `\u200e\u200f\u061c`},
		{"zero width", "a\u200bb\u200d\ufeff\u2060", `a\u200bb\u200d\ufeff\u2060`},
		{"line and paragraph separators", "\u2028\u2029", `\u2028\u2029`},
		{"soft hyphen", "\u00ad", `\u00ad`},
		{"fillers", "\u3164\u115f\u2800\u034f", `\u3164\u115f\u2800\u034f`},
		{"tag characters", "\U000e0041", `\U000e0041`},
		{"private use", "\ue000\U000f0000", `\ue000\U000f0000`},
		{"variation selectors", "a\ufe00b\ufe0fc\U000e0100d\U000e01ef", `a\ufe00b\ufe0fc\U000e0100d\U000e01ef`},
		{"Mongolian variation selectors", "ᠠ\u180bᠠ\u180cᠠ\u180dᠠ\u180eᠠ\u180f", `ᠠ\u180bᠠ\u180cᠠ\u180dᠠ\u180eᠠ\u180f`},
		{"a pile of marks", "a" + strings.Repeat("\u0301", 6), "a" + strings.Repeat("\u0301", 4) + `\u0301\u0301`},
		{"backslash in a name", `CORP\alice`, `CORP\alice`},
		{"backslash at the end", `a\`, `a\`},
		{"looks like an escape", `\x1b\u202e\U000e0041\t\\`, `\\x1b\\u202e\\U000e0041\\t\\\`},
		{"no escapes", `\x1g\u202\U000e004G\x/1\x:1`, `\x1g\u202\U000e004G\x/1\x:1`},
		{"escapes in capitals", `\xAF\xaf`, `\\xAF\\xaf`},
		{"backslash before an escape", "\\\x1b", `\\\x1b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Inert(c.in); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// unescape is the way back from appendInert.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		digits := 0
		switch s[i+1] {
		case '\\':
			b.WriteByte('\\')
			i += 2
			continue
		case 't':
			b.WriteByte('\t')
			i += 2
			continue
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		}
		if digits == 0 || !hexDigits([]byte(s[i+2:]), digits) {
			b.WriteByte('\\')
			i++
			continue
		}
		n, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
		if err != nil {
			return "", err
		}
		if digits == 2 {
			b.WriteByte(byte(n))
		} else {
			b.WriteRune(rune(n))
		}
		i += 2 + digits
	}
	return b.String(), nil
}

// checkInert states what appendInert promises: nothing that acts, and
// nothing lost.
func checkInert(in string) error {
	got := Inert(in)
	if !utf8.ValidString(got) {
		return fmt.Errorf("%q: got %q, which is no UTF-8", in, got)
	}
	for _, r := range got {
		if !unicode.IsPrint(r) && r != '\u00a0' && r != '\u3000' {
			return fmt.Errorf("%q: got %q with %U", in, got, r)
		}
	}
	back, err := unescape(got)
	if err != nil || back != in {
		return fmt.Errorf("%q: got %q, which reads as %q (%v)", in, got, back, err)
	}
	return nil
}

func TestInertLosesNothing(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if err := checkInert("a" + string(r) + "b"); err != nil {
			t.Fatal(err)
		}
	}
	for b := range 256 {
		if err := checkInert(string([]byte{'\\', byte(b), 'x', '4', '1'})); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzInert(f *testing.F) {
	for _, s := range []string{"", `\\x41`, "\\\xff", "a\u0301\u0301\u0301\u0301\u0301", "\x1b[2J", `\t\`, `\u12345`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := checkInert(s); err != nil {
			t.Error(err)
		}
	})
}

// TestNothingOfTheWireActsOnATerminal looks at whole outputs: there may be
// printable characters and line ends, and in colour the colours.
func TestNothingOfTheWireActsOnATerminal(t *testing.T) {
	for _, format := range Formats() {
		for _, colour := range []bool{false, true} {
			got := render(t, format, Options{Color: colour, ShowSecrets: true, Verbose: true, Bodies: AllBodies}, cases[1].results(), cases[1].summary())
			if colour {
				got = []byte(stripColour(string(got)))
			}
			if i := bytes.IndexFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%s, colour %v: %q at %d", format, colour, got[i:min(i+20, len(got))], i)
			}
		}
	}
}
