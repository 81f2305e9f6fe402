package pop3parse

import (
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// BenchmarkParser is a whole session: a login that is refused, one that
// looks for mail, and a message of 1 MB in chunks of a segment's size.
func BenchmarkParser(b *testing.B) {
	line := strings.Repeat("QUJD", 19) + `\r\n`
	var mail strings.Builder
	for range 1 << 20 / 1482 {
		mail.WriteString("S| " + strings.Repeat(line, 19) + "\n")
	}
	begin := "S: +OK ready\n\nC: USER alice\nS: +OK\nC: PASS wonderland-7\n"
	for _, bb := range []struct{ name, text string }{
		{"refused", begin + "S: -ERR no\nC: QUIT\nS: +OK"},
		{"looks", begin + "S: +OK\nC: STAT\nS: +OK 2 320\nC: UIDL\nS: +OK\nS: 1 a1\nS: 2 a2\nS: .\nC: QUIT\nS: +OK"},
		{"mail", begin + "S: +OK\nC: RETR 1\nS: +OK\n" + mail.String() + "S: .\nC: QUIT\nS: +OK"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			chunks := script(bb.text)
			size := 0
			for _, c := range chunks {
				size += len(c.Data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			p := NewParser(Options{FromStart: true})
			for b.Loop() {
				p.Reset(Options{FromStart: true})
				for _, c := range chunks {
					p.Feed(c)
				}
				p.End(stream.ClosedFIN)
				if len(p.Logins()) != 1 || p.ses.Exchanges < 3 {
					b.Fatalf("%d exchanges", p.ses.Exchanges)
				}
			}
		})
	}
}
