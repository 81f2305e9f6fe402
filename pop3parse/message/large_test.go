package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"runtime"
	"strings"
	"testing"
)

// repeatReader gives head, body repeated, and tail.
type repeatReader struct {
	parts []string
	times []int
	rest  string
}

func (r *repeatReader) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		for r.rest == "" {
			if len(r.parts) == 0 {
				if n > 0 {
					return n, nil
				}
				return 0, io.EOF
			}
			if r.times[0] == 0 {
				r.parts, r.times = r.parts[1:], r.times[1:]
				continue
			}
			r.times[0]--
			r.rest = r.parts[0]
		}
		k := copy(b[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	return n, nil
}

// block is a piece of content and the lines that encode it.
func block() (plain []byte, lines string) {
	plain = make([]byte, 57*100)
	for i := range plain {
		plain[i] = byte(i * 7)
	}
	var b strings.Builder
	for i := 0; i < len(plain); i += 57 {
		b.WriteString(base64.StdEncoding.EncodeToString(plain[i:i+57]) + "\r\n")
	}
	return plain, b.String()
}

func TestLargeMailInConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("200 MB")
	}
	plain, lines := block()
	times := 200 << 20 / len(lines)
	src := &repeatReader{
		parts: []string{"Subject: large\r\n" + strings.ReplaceAll(mixed, "\n", "\r\n") + "--b\r\nContent-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: base64\r\n\r\n", lines, "--b--\r\n"},
		times: []int{1, times, 1},
	}
	p := NewParser(Limits{})
	buf := make([]byte, 64<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for {
		n, err := src.Read(buf)
		p.Write(buf[:n])
		if err != nil {
			break
		}
	}
	m := p.Close()
	runtime.ReadMemStats(&after)
	sum := sha256.New()
	for range times {
		sum.Write(plain)
	}
	want := Mail{Subject: "large", ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{{Name: "a", ContentType: "text/plain", Octets: int64(times * len(plain))}}}
	sum.Sum(want.Attachments[0].SHA256[:0])
	diff(t, "large mail", m, &want)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d octets were allocated in all, want less than 1 MiB", got)
	}
}

// Mails that are made to cost much: memory stays bounded.
func TestHostileMailInBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("large mails")
	}
	for _, r := range []struct{ name, head, body string }{
		{"one header line", "Subject: ", "xxxxxxxxxxxxxxxxxxxxxxxx"},
		{"header without end", "", "X-Field: value\r\n"},
		{"one field folded for ever", "To: ", "alice@example.org,\r\n "},
		{"Subject for ever", "", "Subject: value\r\n"},
		{"parts", strings.ReplaceAll(mixed, "\n", "\r\n"), "--b\r\n\r\n"},
		{"attachments", strings.ReplaceAll(mixed, "\n", "\r\n"), "--b\r\nContent-Disposition: attachment; filename=abc\r\n\r\n"},
		{"messages", strings.ReplaceAll(mixed, "\n", "\r\n"), "--b\r\nContent-Type: message/rfc822\r\n\r\n"},
		{"nested messages", "", "Content-Type: message/rfc822\r\n\r\n"},
		{"nested multiparts", "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"},
		{"closed multiparts", strings.ReplaceAll(mixed, "\n", "\r\n"), "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n--c--\r\n"},
		{"uuencoded files", "\r\n", "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n"},
		{"CR alone", "\r\n", "\r"},
		{"LF alone", "\n\n", "\n"},
		{"guesses", "Content-Type: multipart/mixed\r\n\r\n", "--x\r\n"},
		{"encoded words", "Subject: ", "=?"},
		{"encoded words of many charsets", "Subject: ", "=?a?Q?a?= =?b?Q?a?= "},
		{"parameters", "Content-Type: a/b", "; a=\"b"},
		{"sections", "Content-Disposition: attachment", "; filename*0=a; filename*1*=b"},
		{"brackets", "From: ", "(<\":"},
		{"dates", "Date: ", "1:1 ("},
	} {
		t.Run(r.name, func(t *testing.T) {
			body := strings.Repeat(r.body, 1+(64<<10)/len(r.body))
			src := &repeatReader{parts: []string{r.head, body}, times: []int{1, 8 << 20 / len(body)}}
			p := NewParser(Limits{})
			buf := make([]byte, 64<<10)
			for {
				n, err := src.Read(buf)
				p.Write(buf[:n])
				if err != nil {
					break
				}
			}
			m := p.Close()
			var s runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&s)
			if s.HeapAlloc > 24<<20 {
				t.Errorf("%d octets of heap in use, want less than 24 MiB", s.HeapAlloc)
			}
			runtime.KeepAlive(m)
			runtime.KeepAlive(p)
		})
	}
}

func BenchmarkParser(b *testing.B) {
	_, lines := block()
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, and it does so over and over.\r\n", 100)
	soft := strings.Repeat("The quick brown fox =3D jumps over the lazy dog, and does so over and ove=\r\n", 100)
	head := "Subject: =?utf-8?Q?a_b?=\r\nFrom: Alice <alice@example.org>\r\nDate: Thu, 1 Feb 2024 10:20:30 +0100\r\n" + strings.ReplaceAll(mixed, "\n", "\r\n")
	for _, r := range []struct{ name, part, body string }{
		{"text", "Content-Type: text/plain\r\n\r\n", text},
		{"html", "Content-Type: text/html\r\n\r\n", text},
		{"attachment-8bit", "Content-Disposition: attachment; filename=a\r\n\r\n", text},
		{"attachment-base64", "Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: base64\r\n\r\n", lines},
		{"attachment-quoted-printable", "Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", soft},
		{"message", "Content-Type: message/rfc822\r\n\r\nContent-Disposition: attachment\r\n\r\n", text},
	} {
		b.Run(r.name, func(b *testing.B) {
			mail := bytes.Join([][]byte{[]byte(head + "--b\r\n" + r.part), bytes.Repeat([]byte(r.body), 1<<20/len(r.body)), []byte("--b--\r\n")}, nil)
			p := NewParser(Limits{})
			b.SetBytes(int64(len(mail)))
			b.ReportAllocs()
			for b.Loop() {
				p.Reset()
				for rest := mail; len(rest) > 0; {
					n := min(len(rest), 1460)
					p.Write(rest[:n])
					rest = rest[n:]
				}
				p.Close()
			}
		})
	}
	b.Run("short mail", func(b *testing.B) {
		mail := []byte(head + "--b\r\n\r\nHello\r\n--b--\r\n")
		p := NewParser(Limits{})
		b.SetBytes(int64(len(mail)))
		b.ReportAllocs()
		for b.Loop() {
			p.Reset()
			p.Write(mail)
			p.Close()
		}
	})
}
