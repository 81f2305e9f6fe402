package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"mime"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are mails in which most branches are taken.
func seeds() []string {
	all := []string{
		"",
		"lutz\r\n",
		"Subject: =?utf-8?Q?a?= =?x?B?YQ==?=\r\nFrom: \"a\" <b@c>, d: e;\r\nDate: 1 Jan 24 1:2\r\n\r\nbegin 644 a\r\n#0V%T\r\n`\r\nend\r\n",
		strings.ReplaceAll(mixed+"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogYQ0KDQpi\n--b\n"+mixed+"--b\nContent-Disposition: attachment; filename*0*=gbk''%d6; filename*1=a\nContent-Transfer-Encoding: quoted-printable\n\na=\nb=3D=4\n--b--\n--b--\n", "\n", "\r\n"),
		"Content-Type: multipart/digest\n\n--x\nContent-Type: a/b\n\n--x\r\r\n\r\rbegin 644 x\rM\r\nend",
		"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==QUJD\r\nfoo bar\r\nQ\r\n",
		"Content-Transfer-Encoding: x-uuencode\nContent-Type: x/y; name=\"a\n\nbegin 644 b\nM\nM\n#0V%T\nend\n",
		"\xef\xbb\xbfFrom x\r\nA: b\r\njunk\r\nTo: c\r\n\x00\r\n\r\n" + strings.Repeat("x", maxLine+5) + "=\r\n",
	}
	for _, body := range base64Bodies() {
		all = append(all, "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"+body)
	}
	return all
}

// base64Bodies begin with lines of one width, and then something else comes.
func base64Bodies() []string {
	lines := strings.Repeat("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\r\n", 3)
	return []string{
		lines + "++//+//+\r\n" + lines,
		lines + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBka\r\n" + lines,
		lines + "AAECAwQFBgcI-QoLDA0ODxAREhMUFRYX\r\n" + lines,
		lines + "AAECAwQFBgcICQoLDA0ODxAREhMUFRY=\r\n" + lines,
		lines + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXG\n" + lines,
		lines + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\rG" + lines,
		lines + "AAECAwQFBgcI\rQoLDA0ODxAREhMUFRYX\r\n" + lines,
		lines + "AAEC",
	}
}

// FuzzBase64: whole quanta are decoded as encoding/base64 does, or not at
// all, and nothing is written behind the spare octets.
func FuzzBase64(f *testing.F) {
	for _, s := range append(strings.Fields(strings.Join(base64Bodies(), "")), "", "AAAA====", "AA==AAAA", "AAAAAAA\n", "AAAAAAAAA\r\nA", "////++++AAA\x80", "\xffAAAAAAA") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:len(b)&^3]
		n := len(b) / 4 * 3
		want := make([]byte, n)
		k, err := base64.StdEncoding.Decode(want, b)
		alphabet := err == nil && k == n // less comes out with padding and line ends
		got := bytes.Repeat([]byte("#"), n+base64Spare+1)
		if ok := decodeQuanta(got[:n+base64Spare], b); ok != alphabet || ok && !bytes.Equal(got[:n], want) {
			t.Errorf("%q:\n got %x, %v\nwant %x, %v", b, got[:n], ok, want, alphabet)
		}
		if got[n+base64Spare] != '#' {
			t.Errorf("%q: an octet behind the spare ones is %x", b, got[n+base64Spare])
		}
	})
}

// FuzzParser: any bytes, with any gaps, give the same outline however they are
// cut; text is valid UTF-8; no attachment is larger than the mail; limits hold.
func FuzzParser(f *testing.F) {
	for i, s := range seeds() {
		f.Add([]byte(s), uint64(i), uint16(0))
		f.Add([]byte(s), uint64(i), uint16(len(s)/2))
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64, gap uint16) {
		limits := Limits{Depth: 5, Parts: 20, Header: 600, Field: 300, Attachments: 6, Faults: 8}
		var written int64
		limits.PartSink = func(i PartInfo) io.Writer {
			if i.Index >= limits.Attachments {
				t.Errorf("attachment %d over the limit", i.Index)
			}
			if i.Index%2 == 1 {
				return nil
			}
			return writerFunc(func(b []byte) { written += int64(len(b)) })
		}
		p := NewParser(limits)
		feed := func(size func() int) *Mail {
			p.Reset()
			written = 0
			at := int(gap) // 0 is no gap
			for i := 0; i < len(b); {
				if i == at && at > 0 {
					p.Gap(7)
				}
				n := min(size(), len(b)-i)
				if i < at {
					n = min(n, at-i)
				}
				p.Write(bytes.Clone(b[i : i+n]))
				i += n
			}
			return p.Close()
		}
		whole := feed(func() int { return len(b) })
		wrote := written
		rnd := rand.New(rand.NewPCG(seed, 2))
		for name, size := range map[string]func() int{
			"one byte at a time": func() int { return 1 },
			"random pieces":      func() int { return 1 + rnd.IntN(1<<rnd.IntN(12)) },
		} {
			if m := feed(size); !sameMail(m, whole) || written != wrote {
				t.Errorf("%s (%d octets written):\n got %s\nwhole (%d octets written): %s", name, written, describe(m), wrote, describe(whole))
			}
		}

		if whole.Parts > limits.Parts || len(whole.Attachments) > limits.Attachments || len(whole.Faults) > limits.Faults+1 {
			t.Errorf("limits do not hold: %s", describe(whole))
		}
		var listed int64
		for i, a := range whole.Attachments {
			if a.Octets > int64(len(b)) || a.Octets < 0 {
				t.Errorf("attachment %q of %d octets in a mail of %d", a.Name, a.Octets, len(b))
			}
			if i%2 == 0 {
				listed += a.Octets
			}
		}
		if listed != wrote {
			t.Errorf("the sinks got %d octets, the list says %d", wrote, listed)
		}
		texts := append([]string{whole.Subject, whole.From, whole.To, whole.DateText, whole.MessageID, whole.ContentType}, whole.Faults...)
		for _, a := range whole.Attachments {
			texts = append(texts, a.Name, a.ContentType)
		}
		for _, s := range texts {
			if !utf8.ValidString(s) {
				t.Errorf("not UTF-8: %q", s)
			}
		}
		if !isType(whole.ContentType) {
			t.Errorf("content type %q", whole.ContentType)
		}
	})
}

type writerFunc func([]byte)

func (w writerFunc) Write(b []byte) (int, error) { w(b); return len(b), nil }

// copyReader puts together again what a splitter hands on.
type copyReader struct {
	t    *testing.T
	out  bytes.Buffer
	long bool
}

func (c *copyReader) lines([]byte) int { return 0 }

func (c *copyReader) line(b []byte, e lineEnd) {
	if c.long || len(b) > maxLine || bytes.ContainsAny(b, "\r\n") {
		c.t.Errorf("line of %d octets, in a long line: %v", len(b), c.long)
	}
	c.out.Write(b)
	c.out.WriteString(e.octets())
}

func (c *copyReader) piece(b []byte, first bool) {
	if first == c.long || first && len(b) != maxLine || bytes.ContainsAny(b, "\r\n") {
		c.t.Errorf("piece of %d octets, first: %v, in a long line: %v", len(b), first, c.long)
	}
	c.long = true
	c.out.Write(b)
}

func (c *copyReader) lineOver(e lineEnd) {
	c.long = false
	c.out.WriteString(e.octets())
}

// FuzzSplitter: lines and their ends put together are the input.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\nb\rc\r\nd\r\r\ne\r\r\r\nf\n\r"), uint64(1))
	f.Add([]byte(strings.Repeat("x", maxLine)+"\r\n"+strings.Repeat("y", 2*maxLine)+"\r\r"), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		c := &copyReader{t: t}
		var s splitter
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(1<<rnd.IntN(10)))
			s.write(rest[:n], c)
			rest = rest[n:]
		}
		s.flush(c)
		if !bytes.Equal(c.out.Bytes(), b) {
			t.Errorf("\n got %q\nwant %q", c.out.Bytes(), b)
		}
	})
}

// needlessQuote finds a backslash before anything but a quote or a backslash.
var needlessQuote = regexp.MustCompile(`\\[^"\\]`)

// FuzzParameters: any text is read, and what package mime reads without a
// complaint is read the same.
func FuzzParameters(f *testing.F) {
	for _, s := range []string{
		`a/b; c=d`, `a/b; name="x\"y"; charset=utf-8`, `attachment; filename*0="a"; filename*1="b"`,
		`attachment; filename*=utf-8''%e2%82%ac`, `x; y*0*=us-ascii'en'a; y*1=b`, `a (b) ; c = d (e)`, `a; b="c`, `=; ;;*`, `a; name="x\,y"; charset=u`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value, p := parseParameters(s)
		for _, name := range []string{"name", "filename", "charset", "boundary"} {
			p.get(name)
		}
		wantValue, want, err := mime.ParseMediaType(s)
		// What the two mean to read differently: RFC 2231 with errors, white
		// space and control characters other than blanks, comments, and a
		// backslash that quotes what needs no quoting.
		if err != nil || p.broken || strings.ContainsAny(s, "%*(") || needlessQuote.MatchString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		if v := strings.ToLower(value); v != wantValue {
			t.Errorf("%q: value\n got %q\nwant %q", s, v, wantValue)
		}
		for name, w := range want {
			if got, _ := p.get(name); got != w {
				t.Errorf("%q: %s\n got %q\nwant %q", s, name, got, w)
			}
		}
	})
}

// FuzzHeaderText: what people read is valid UTF-8, whatever the charset.
func FuzzHeaderText(f *testing.F) {
	for _, s := range []string{"=?utf-7?Q?+AGEAYg-+-?=", "=?gb18030?B?gTCBMA==?=", "=?utf-16?Q?=D8=00?=", "\x1b$B\x1b(B", "a <b>, \"c", "1 Jan 2024 (", "=?iso-2022-jp?Q?=1B$?=", "="} {
		f.Add([]byte(s), "utf-8")
		f.Add([]byte(s), "gbk")
	}
	f.Fuzz(func(t *testing.T, b []byte, charset string) {
		c := &common{limits: Limits{}.resolved()}
		c.reset()
		raw := c.text(string(b), charset, "a test")
		text, fault := decodeCharset(b, charset)
		for _, s := range []string{raw, c.decodeWords(raw), c.addresses(raw), text, fault, strings.Join(c.faults.list(), "\n")} {
			if !utf8.ValidString(s) {
				t.Errorf("not UTF-8: %q", s)
			}
		}
		if at, _, ok := parseDate(raw); ok == at.IsZero() && at.Year() != 1 {
			t.Errorf("date %v, ok %v", at, ok)
		}
	})
}
