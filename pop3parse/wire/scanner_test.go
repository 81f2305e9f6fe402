package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// feed gives the scanner text in pieces of n bytes, with a number for a
// packet each; n <= 0 means all at once. A "~" is a lost byte.
func feed(s *Scanner, text string, n int, drain func()) {
	if n <= 0 {
		n = len(text)
	}
	off := int64(0)
	for i := 0; len(text) > 0; i++ {
		at := stream.Stamp{Packet: int64(i + 1)}
		k := min(n, len(text))
		if j := strings.IndexByte(text[:k], '~'); j == 0 {
			s.Feed(&stream.Chunk{Off: off, Lost: 1, At: at, PeerAcked: -1})
			k = 1
		} else {
			if j > 0 {
				k = j
			}
			b := []byte(text[:k])
			s.Feed(&stream.Chunk{Off: off, Data: b, At: at, PeerAcked: off})
			drain()
			s.Keep()
			for i := range b {
				b[i] = '#' // borrowed bytes are gone now
			}
		}
		off += int64(k)
		text = text[k:]
	}
	drain()
}

// lines reads text as lines and shows them.
func lines(text string, n int) string {
	var s Scanner
	var out strings.Builder
	drain := func() {
		for {
			l, kind := s.Line()
			if kind == None {
				return
			}
			switch kind {
			case Gap:
				fmt.Fprintf(&out, "gap %d ", l.End-l.Off)
			case Tail:
				fmt.Fprintf(&out, "tail %q ", l.Text)
			default:
				fmt.Fprintf(&out, "%q", l.Text)
				if l.BareLF {
					out.WriteString("lf")
				}
				if l.Cut > 0 {
					fmt.Fprintf(&out, "cut%d", l.Cut)
				}
				fmt.Fprintf(&out, "@%d-%d ", l.Off, l.End)
			}
			s.Skip()
		}
	}
	feed(&s, text, n, drain)
	s.End()
	drain()
	if !s.Empty() || s.Offset() != int64(len(text)) {
		fmt.Fprintf(&out, "LEFT %d", s.Offset())
	}
	return strings.TrimSpace(out.String())
}

func TestLines(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"two lines", "USER a\r\nPASS b\r\n", `"USER a"@0-8 "PASS b"@8-16`},
		{"bare LF", "QUIT\n", `"QUIT"lf@0-5`},
		{"lone CR stays", "a\rb\r\n", `"a\rb"@0-5`},
		{"two CRs", "a\r\r\n", `"a\r"@0-4`},
		{"NUL", "a\x00b\r\n", `"a\x00b"@0-5`},
		{"empty line", "\r\n", `""@0-2`},
		{"only LF", "\n", `""lf@0-1`},
		{"unfinished", "QUI", `tail "QUI"`},
		{"gap inside", "US~~R\r\nX\r\n", `tail "US" gap 1 gap 1 "R"@4-7 "X"@7-10`},
		{"gap between", "A\r\n~B\r\n", `"A"@0-3 gap 1 "B"@4-7`},
		{"gap last", "A\r\n~", `"A"@0-3 gap 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := range len(tt.in) + 1 {
				if got := lines(tt.in, n); got != tt.want {
					t.Errorf("in pieces of %d:\n got %s\nwant %s", n, got, tt.want)
				}
			}
		})
	}
}

func TestLineOverTheLimitIsCutAndCounted(t *testing.T) {
	text := strings.Repeat("x", MaxLine+100) + "\r\nnext\r\n"
	for _, n := range []int{0, 1000, 4096, MaxLine + 50} {
		var s Scanner
		var got []Text
		feed(&s, text, n, func() {
			for l, kind := s.Line(); kind == Line; l, kind = s.Line() {
				c := *l
				c.Text = bytes.Clone(l.Text)
				got = append(got, c)
				s.Skip()
			}
			if s.Held() > 2*MaxLine {
				t.Fatalf("pieces of %d: %d bytes held", n, s.Held())
			}
		})
		if len(got) != 2 || len(got[0].Text) != MaxLine || got[0].Cut < 100 || string(got[1].Text) != "next" {
			t.Errorf("pieces of %d: %d lines, first %d bytes and %d cut", n, len(got), len(got[0].Text), got[0].Cut)
		}
	}
}

func TestPeekUsesNothing(t *testing.T) {
	var s Scanner
	for i, c := range "+OK\r\n" {
		s.Feed(&stream.Chunk{Off: int64(i), Data: []byte(string(c))})
	}
	if got := string(s.Peek(3)); got != "+OK" {
		t.Errorf("Peek(3) = %q", got)
	}
	if l, kind := s.Line(); kind != Line || string(l.Text) != "+OK" {
		t.Errorf("Line after Peek: %v", kind)
	}
	if got := string(s.Peek(9)); got != "+OK\r\n" {
		t.Errorf("Peek(9) after Line = %q", got)
	}
}

// data reads text as dot-terminated data after a status line and shows the
// message, the tokens that are no data, and the counts.
func data(text string, n int, bareLF, oneLine bool) string {
	var s Scanner
	var msg, raw, odd strings.Builder
	ended := false
	s.Body(bareLF)
	token := func(tok Token) {
		if tok.Off != int64(raw.Len()) {
			fmt.Fprintf(&odd, "OFFSET %d at %d ", tok.Off, raw.Len())
		}
		switch tok.Kind {
		case Data:
			if oneLine && bytes.Contains(tok.Raw[:len(tok.Raw)-1], []byte("\r\n")) {
				odd.WriteString("MORE THAN A LINE ")
			}
			msg.Write(tok.Raw)
		case Stuffing:
			if tok.Unstuffed {
				odd.WriteString("unstuffed ")
			}
		case Missing:
			msg.WriteString("~")
			raw.WriteString("~")
		case End:
			ended = true
			odd.WriteString("end ")
			if tok.BareLF {
				odd.WriteString("lf ")
			}
		}
		raw.Write(tok.Raw)
	}
	feed(&s, text, n, func() {
		for !ended {
			tok, ok := s.Next(oneLine)
			if !ok {
				return
			}
			token(tok)
		}
	})
	rest := ""
	if ended {
		s.End()
		for l, kind := s.Line(); kind != None; l, kind = s.Line() {
			if kind == Gap {
				raw.WriteString("~")
			}
			rest += string(l.Raw)
			raw.Write(l.Raw)
			s.Skip()
		}
	} else {
		for tok, ok := s.Rest(); ok; tok, ok = s.Rest() {
			token(tok)
		}
	}
	if raw.String() != text {
		fmt.Fprintf(&odd, "LOST BYTES: %q ", raw.String())
	}
	lines, lf, cr, nul, dots := s.Counts()
	return fmt.Sprintf("%q %srest %q lines %d lf %d cr %d nul %d dots %d", msg.String(), odd.String(), rest, lines, lf, cr, nul, dots)
}

func TestData(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		bareLF   bool
		want     string
	}{
		{"empty", ".\r\n", false, `"" end rest "" lines 0 lf 0 cr 0 nul 0 dots 0`},
		{"one line", "a\r\n.\r\n+OK\r\n", false, `"a\r\n" end rest "+OK\r\n" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"stuffed", "..\r\n..a\r\n.\r\n", false, `".\r\n.a\r\n" end rest "" lines 2 lf 0 cr 0 nul 0 dots 0`},
		{"not stuffed", ".a\r\n.\r\n", false, `"a\r\n" unstuffed end rest "" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"dot and CR", ".\rx\r\n.\r\n", false, `"\rx\r\n" unstuffed end rest "" lines 1 lf 0 cr 1 nul 0 dots 0`},
		{"two CRs after the dot", ".\r\r\n.\r\n", false, `"\r\r\n" unstuffed end rest "" lines 1 lf 0 cr 1 nul 0 dots 0`},
		{"dot after bare LF stays", "a\n.\r\nb\r\n.\r\n", false, `"a\n.\r\nb\r\n" end rest "" lines 2 lf 1 cr 0 nul 0 dots 1`},
		{"final line with bare LF", "a\r\n.\nx", false, `"a\r\n" end lf rest "x" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"LF is the line end", "a\n..b\n.\n+OK\n", true, `"a\n.b\n" end lf rest "+OK\n" lines 2 lf 2 cr 0 nul 0 dots 0`},
		{"LF mode takes CRLF too", "a\r\n.\r\n", true, `"a\r\n" end rest "" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"full stop at the end of a line", "Hello.\r\n.\r\n", false, `"Hello.\r\n" end rest "" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"NUL and lone CR", "a\x00\rb\r\n.\r\n", false, `"a\x00\rb\r\n" end rest "" lines 1 lf 0 cr 1 nul 1 dots 0`},
		{"never ended", "a\r\n.", false, `"a\r\n" rest "" lines 1 lf 0 cr 0 nul 0 dots 0`},
		{"never ended after CR", "a\r\n.\r", false, `"a\r\n\r" unstuffed rest "" lines 1 lf 0 cr 1 nul 0 dots 0`},
		{"gap", "a~.\r\nb\r\n.\r\n", false, `"a~.\r\nb\r\n" end rest "" lines 2 lf 0 cr 0 nul 0 dots 0`},
		{"gap after a dot", "a\r\n.~x\r\n.\r\n", false, `"a\r\n~x\r\n" end rest "" lines 2 lf 0 cr 0 nul 0 dots 0`},
		{"gap that ends before an LF", "a~\nb\r\n~\n.\r\n", false, `"a~\nb\r\n~\n" end rest "" lines 3 lf 0 cr 0 nul 0 dots 0`},
		{"gap that begins after a CR", "a\r~b\rc\r\n.\r\n", false, `"a\r~b\rc\r\n" end rest "" lines 1 lf 0 cr 1 nul 0 dots 0`},
		{"gap after a dot and a CR", "a\r\n.\r~x\r\n.\r\n", false, `"a\r\n\r~x\r\n" end rest "" lines 2 lf 0 cr 0 nul 0 dots 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := range len(tt.in) + 1 {
				for _, oneLine := range []bool{false, true} {
					got := data(tt.in, n, tt.bareLF, oneLine)
					if got != tt.want {
						t.Errorf("in pieces of %d, oneLine %v:\n got %s\nwant %s", n, oneLine, got, tt.want)
					}
				}
			}
		})
	}
}

func TestLineLookedAtBecomesData(t *testing.T) {
	var s Scanner
	feed(&s, "row one\r\n.\r\n", 2, func() { s.Line() })
	s.Body(false)
	var got []byte
	for tok, ok := s.Next(false); ok; tok, ok = s.Next(false) {
		got = append(got, tok.Raw...)
	}
	if string(got) != "row one\r\n.\r\n" {
		t.Errorf("data is %q", got)
	}
}

func TestSmallPiecesCountForTheirCost(t *testing.T) {
	var s Scanner
	s.Feed(&stream.Chunk{Data: []byte("x\n")}) // a line nobody reads
	for i := range 1000 {
		s.Feed(&stream.Chunk{Off: int64(i + 2), Data: []byte("y")})
		s.Keep()
	}
	if s.Held() < 1000*pieceCost {
		t.Errorf("1000 pieces of a byte count for %d bytes", s.Held())
	}
}

// FuzzScanner: whatever comes, no byte is lost, and the pieces in which it
// comes do not matter.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"a\r\n..b\r\n.\r\n+OK\r\n", ".\r\n", "\n.\r\n", ".\r.\r\n", "a~\r\n.~\r\n", "\r\r\n.\n"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, bareLF bool) {
		if len(text) > 1<<12 {
			return
		}
		whole := data(text, 0, bareLF, false)
		if strings.Contains(whole, "LOST BYTES") || strings.Contains(whole, "OFFSET") {
			t.Fatal(whole)
		}
		for _, n := range []int{1, 2, 3, 7} {
			if got := data(text, n, bareLF, n == 2); strings.Replace(got, "MORE THAN A LINE ", "", 1) != whole {
				t.Fatalf("in pieces of %d:\n got %s\nwant %s", n, got, whole)
			}
			if got, want := lines(text, n), lines(text, 0); got != want {
				t.Fatalf("lines in pieces of %d:\n got %s\nwant %s", n, got, want)
			}
		}
	})
}

// TestPlainLines holds the way to find lines eight bytes at a time to one
// that looks at each byte.
func TestPlainLines(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	plain := 0
	for range 20000 {
		b := make([]byte, r.IntN(2*maxPlain))
		for i := range b {
			b[i] = byte(0x0E + r.IntN(256-0x0E))
			if r.IntN(40) == 0 {
				b[i] = "\x00\x01\t\r\n\x0d\x0e\x7f\x80\xff"[r.IntN(10)]
			}
		}
		if r.IntN(2) == 0 {
			b = append(b, "\r\n"...)
		}
		want := 0
		for want < min(len(b), maxPlain) && b[want] >= 0x0E {
			want++
		}
		if got := plainLen(b); got != want {
			t.Fatalf("%q: got %d, want %d", b, got, want)
		}
		var s Scanner
		s.Feed(&stream.Chunk{Data: b})
		s.End()
		l, kind := s.Line()
		line, _, whole := bytes.Cut(b, []byte("\n"))
		if whole != (kind == Line) || kind != None && (string(l.Text) != string(bytes.TrimSuffix(line, []byte("\r"))) && whole) {
			t.Fatalf("%q: kind %d, line %+v", b, kind, l)
		}
		if kind == Line && l.Plain {
			plain++
			if bytes.ContainsAny(l.Text, "\x00\r") || l.BareLF {
				t.Fatalf("%q is plain", b)
			}
		} else if kind == Line && !l.BareLF && len(l.Text)+2 <= maxPlain && !bytes.ContainsFunc(l.Text, func(r rune) bool { return r < 0x0E }) {
			t.Fatalf("%q is not plain", b)
		}
	}
	if plain < 2000 {
		t.Errorf("%d plain lines", plain)
	}
}
