package wire

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzTwoRuns holds the quick way through data to the slow one: what
// regular takes, any takes too, and both count the same.
func FuzzTwoRuns(f *testing.F) {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	for _, s := range []string{
		"a\r\nb\r\n", "a\r\n.b\r\n", "\nab\r\n", "a\nb\r\n", "a\rb\r\n", "a\x00\r\n", "a\r", "\n", "\n.", ".\r\n",
		line + line + line, line + line[40:] + line[38:] + line, line + line + "x" + line, line + "." + line,
	} {
		f.Add([]byte(s), false, false, false)
		f.Add([]byte(s), true, false, false)
		f.Add([]byte(s), false, true, false)
		f.Add([]byte(s), false, false, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, prevCR, prevLF, lf bool) {
		if len(b) == 0 {
			return
		}
		quick := dataState{prevCR: prevCR, prevLF: prevLF && !prevCR, lf: lf}
		slow := quick
		n := quick.regular(b)
		if n == 0 {
			if quick.lines+quick.crs+quick.lfs+quick.nuls != 0 {
				t.Fatal("it counted what it did not take")
			}
			return
		}
		if m := slow.any(b, false); n != m || fmt.Sprint(quick) != fmt.Sprint(slow) {
			t.Fatalf("%q:\nquick %d %+v\nslow  %d %+v", b, n, quick, m, slow)
		}
	})
}

// TestOrdinaryMailIsRegular keeps the quick way in use.
func TestOrdinaryMailIsRegular(t *testing.T) {
	text := "Subject: lunch\r\n\r\nAt noon, or later?\r\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 20)
	for i := range len(text) - 1 {
		d := dataState{prevCR: i > 0 && text[i-1] == '\r', pos: inLine}
		if n := d.regular([]byte(text[i:])); n != len(text)-i {
			t.Fatalf("from byte %d on: took %d of %d", i, n, len(text)-i)
		}
	}
}
