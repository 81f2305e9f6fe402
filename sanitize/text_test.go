package sanitize

import (
	"bytes"
	"strings"
	"testing"
)

// rewrite returns what f makes of a text.
func rewrite(f func([]byte), text string) string {
	b := []byte(text)
	f(b)
	return string(b)
}

func TestTexts(t *testing.T) {
	greeting := func(hosts bool) func([]byte) { return func(b []byte) { scrubGreeting(b, hosts, false) } }
	addresses := func(b []byte) { scrubGreeting(b, false, true) }
	unknown := func(b []byte) { scrubUnknown(b, filler) }
	for _, tt := range []struct {
		name     string
		f        func([]byte)
		in, want string
	}{
		{"words of the list stay", scrubText, "[AUTH] Authentication failed.", "[AUTH] Authentication failed."},
		{"names do not", scrubText, "alice's maildrop has 2 messages (320 octets)", "xxxxx'x maildrop has 2 messages (320 octets)"},
		{"nor addresses", scrubText, "too many from 192.0.2.7 and 2001:db8::1", "too many from xxxxxxxxx and xxxxxxxxxxx"},
		{"nor long numbers", scrubText, "call 49123456789012", "xxxx xxxxxxxxxxxxxx"},
		{"nor other bytes", scrubText, "gr\xfc\xdfe\x1b[m", "xxxxxx[x"},
		{"names of hosts stay in greetings", greeting(false), "pop.example.org Cyrus POP3 server ready <1.2@pop.example.org>", "pop.example.org Cyrus POP3 server ready <1.2@pop.example.org>"},
		{"unless asked for", greeting(true), "pop.example.org Cyrus POP3 server ready <1.2@pop.example.org>", "pop.xxxxxxx.xxx Cyrus POP3 server ready <1.2@xxx.xxxxxxx.xxx>"},
		{"addresses do where they are replaced", addresses, "ready <1.2@[192.0.2.7]> at pop.example.org", "ready <1.2@[xxx.x.x.x]> at pop.example.org"},
		{"those of IPv6 too", addresses, "ready <1.2@[IPv6:2001:db8::7]>", "ready <1.2@[xxxx:xxxx:xxx::x]>"},
		{"names do not", addresses, "ready <1.2@pop.example.org>", "ready <1.2@pop.example.org>"},
		{"unique ids", scrubUIDL, "1 QhdPYR:00WBw1Ph7x7 more\r\n2 x\r\n", "1 QhdPYR:00WBw1Ph7x7 xxxx\r\n2 x\r\n"},
		{"a mistyped PASS", unknown, "PASSsesame", "PASSxxxxxx"},
		{"a lower-case word", unknown, "sesame", "xxxxxx"},
		{"an upper-case word", unknown, "SESAME", "XXXXXX"},
		{"one of both", unknown, "SesAME", "Xxxxxx"},
		{"one that is no base64", unknown, "p@ssw0rd", "-xxxxxxx"},
		{"with arguments", unknown, "PAS open sesame ", "xxx xxxxxxxxxxx "},
		{"PROXY", scrubProxy, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 110\r\n", "PROXY TCP4 000.0.0.0 000.0.0.0 0000 000\r\n"},
	} {
		if got := rewrite(tt.f, tt.in); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// TestIndicators keeps what a server's line begins with, also where a loss
// cut it.
func TestIndicators(t *testing.T) {
	for line, want := range map[string]string{"+OK alice": "+OKxxxxxx", "+O": "+O", "-er": "-er", "+": "+", "alice": "xxxxx", "+ ok": "+ xx"} {
		out := bytes.Repeat([]byte{filler}, len(line))
		keepIndicators([]byte(line), out)
		if string(out) != want {
			t.Errorf("%q: got %q, want %q", line, out, want)
		}
	}
}

// TestEcho overwrites what is repeated, but words that servers say anyway.
func TestEcho(t *testing.T) {
	for _, tt := range []struct{ line, secret, want string }{
		{"invalid password", "password", "invalid password"},
		{"invalid command: 1234", "1234", "invalid command: xxxx"},
		{"no mailbox: password, really", ": password", "no mailboxxxpassword, really"},
		{"not -ready!1", "ready!1", "not -readyxx"},
	} {
		b := []byte(tt.line)
		at := strings.Index(tt.line, tt.secret)
		(&conn{}).echo(b, at, at+len(tt.secret))
		if string(b) != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.line, b, tt.want)
		}
	}
	long := bytes.Repeat([]byte("word"), 16<<10) // no word is that long, and nobody looks for its ends
	(&conn{}).echo(long, 0, len(long))
	if len(bytes.Trim(long, "x")) > 0 {
		t.Error("a long word stays")
	}
}

func TestMail(t *testing.T) {
	const in = "Subject: tea\r\n at six\r\nX-Secret-Name: x\r\n\r\nDear: Alice\r\n..dots\r\nbare\n.lf\r\n"
	const want = "Subject: xxx\r\nxxxxxxx\r\nxxxxxxxxxxxxx: x\r\n\r\nxxxxxxxxxxx\r\n.xxxxx\r\nxxxx\n.xx\r\n"
	var m mail
	m.begin()
	out := []byte(in)
	m.pass([]byte(in), out)
	if string(out) != want {
		t.Errorf("\n got %q\nwant %q", out, want)
	}
}

// TestNames replaces names by others of the same length, one for one.
func TestNames(t *testing.T) {
	n := newNames(true)
	seen := map[string]string{}
	for _, name := range []string{"alice", "bob", "Alice", "carol@example.org", "a", "b", "alice@example.org", "müller"} {
		got := string(n.user([]byte(name)))
		if len(got) != len(name) || strings.Contains(got, "alice") {
			t.Errorf("%s: got %s", name, got)
		}
		if other, ok := seen[got]; ok && !strings.EqualFold(other, name) {
			t.Errorf("%s and %s are both %s", other, name, got)
		}
		seen[got] = name
	}
	if again := string(n.user([]byte("bob"))); seen[again] != "bob" {
		t.Errorf("bob became %s the second time", again)
	}
}

// TestEmptyAttributes: of what stands before the packet of a netfilter log only
// the length is left.
func TestEmptyAttributes(t *testing.T) {
	for in, want := range map[string]string{
		"\x02\x00\x00\x05\x08\x00\x08\x00mac!\x20\x00\x09\x00": "\x02\x00\x00\x05\x08\x00\x0a\x00\x00\x00\x00\x00\x20\x00\x09\x00",
		"\x02\x00\x00\x05\x00\x08\x00\x08mac!\x00\x20\x00\x09": "\x02\x00\x00\x05\x00\x08\x00\x0a\x00\x00\x00\x00\x00\x20\x00\x09",
		"\x02\x00\x00\x05\x20\x00\x09\x00":                     "\x02\x00\x00\x05\x20\x00\x09\x00",
	} {
		if got := rewrite(emptyAttributes, in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// FuzzBlank holds what is done by lines to the same byte by byte, in one piece
// and in two.
func FuzzBlank(f *testing.F) {
	for _, s := range []string{"", ".", "a\r\n.\r\n", "\n\n..\n.x", "a\rb\r\r\nc\x00\x00\n", "\r", "x\n", ".\n.", "\x00.\n"} {
		f.Add([]byte(s), 1, byte('\n'))
		f.Add([]byte(s), 2, byte('a'))
	}
	f.Fuzz(func(t *testing.T, orig []byte, cut int, prev byte) {
		want := make([]byte, len(orig))
		before := prev
		for i, c := range orig {
			want[i] = filler
			if c == '\r' || c == '\n' || c == 0 || c == '.' && before == '\n' {
				want[i] = c
			}
			before = c
		}
		got := make([]byte, len(orig))
		blank(orig, got, prev)
		if !bytes.Equal(got, want) {
			t.Fatalf("\ngot  %q\nwant %q", got, want)
		}
		m := mail{prev: prev}
		if cut < 0 || cut > len(orig) {
			cut = len(orig) / 2
		}
		clear(got)
		m.pass(orig[:cut], got)
		m.pass(orig[cut:], got[cut:])
		if !bytes.Equal(got, want) {
			t.Fatalf("in two pieces\ngot  %q\nwant %q", got, want)
		}
	})
}
