package mailfile

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// quote writes one message as mboxrd, in pieces of n octets.
func quote(mail string, n int) string {
	var out bytes.Buffer
	q := &quoter{w: bufio.NewWriter(&out)}
	for rest := []byte(mail); len(rest) > 0; {
		k := min(n, len(rest))
		q.Write(rest[:k])
		rest = rest[k:]
	}
	q.close()
	q.w.Flush()
	return out.String()
}

func TestMboxQuoting(t *testing.T) {
	for _, c := range []struct{ name, mail, want string }{
		{"plain", "a\r\n\r\nb\r\n", "a\n\nb\n\n"},
		{"no line end", "a", "a\n\n"},
		{"empty", "", "\n"},
		{"From", "From me\r\nFrom\r\nFrom: x\r\n From x\r\n", ">From me\nFrom\nFrom: x\n From x\n\n"},
		{"quoted before", ">From x\r\n>>>From y\r\n>Fro\r\n>\r\n>> From z\r\n", ">>From x\n>>>>From y\n>Fro\n>\n>> From z\n\n"},
		{"bare line ends", "a\nFrom b\rFrom c\r\r\nFrom d\r", "a\n>From b\rFrom c\r\n>From d\r\n\n"},
		{"> in From", "F>rom x\r\n>Fr>om y\r\nFrom>\r\n", "F>rom x\n>Fr>om y\nFrom>\n\n"},
		{"cut in From", "x\r\nFro", "x\nFro\n\n"},
		{"cut behind >", "x\r\n>>", "x\n>>\n\n"},
		{"cut behind From", "From ", ">From \n\n"},
		{"many >", strings.Repeat(">", 100_000) + "From x\r\n", strings.Repeat(">", 100_001) + "From x\n\n"},
	} {
		for _, n := range []int{1, 2, 3, 1 << 20} {
			if got := quote(c.mail, n); got != c.want {
				t.Errorf("%s, in pieces of %d:\n got %.200q\nwant %.200q", c.name, n, got, c.want)
			}
		}
	}
}

var quoted = regexp.MustCompile(`(?m)^>(>*From )`)

// FuzzMbox: what a reader of mboxrd gets is the message with LF line ends,
// and there is never a line in it that begins the next message.
func FuzzMbox(f *testing.F) {
	f.Add("From x\r\n>From y\r\n\r\n", 3)
	f.Add("\r\r\nFrom ", 1)
	f.Fuzz(func(t *testing.T, mail string, n int) {
		got := quote(mail, max(n, 1))
		if strings.HasPrefix(got, "From ") || strings.Contains(got, "\nFrom ") {
			t.Fatalf("%q has a line that begins a message: %q", mail, got)
		}
		want := strings.ReplaceAll(mail, "\r\n", "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if read := quoted.ReplaceAllString(strings.TrimSuffix(got, "\n"), "$1"); read != want {
			t.Errorf("%q\n got %q\nwant %q", mail, read, want)
		}
	})
}
