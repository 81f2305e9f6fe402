package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// row is a mail named for its oddity. Lines in mail end in "\n", which the
// test turns into CRLF unless raw is set.
type row struct {
	name string
	mail string
	raw  bool
	want Mail
}

// file is the attachment with this content.
func file(name, contentType, content string) Attachment {
	return Attachment{name, contentType, int64(len(content)), sha256.Sum256([]byte(content))}
}

func (r row) bytes() []byte {
	if r.raw {
		return []byte(r.mail)
	}
	return []byte(strings.ReplaceAll(r.mail, "\n", "\r\n"))
}

func parseChunks(l Limits, mail []byte, size func() int) *Mail {
	p := NewParser(l)
	for len(mail) > 0 {
		n := min(size(), len(mail))
		chunk := bytes.Clone(mail[:n])
		p.Write(chunk)
		clear(chunk) // the parser must not have kept it
		mail = mail[n:]
	}
	return p.Close()
}

func diff(t *testing.T, how string, got, want *Mail) {
	t.Helper()
	if sameMail(got, want) {
		return
	}
	g, w := describe(got), describe(want)
	t.Errorf("%s:\n got %s\nwant %s", how, g, w)
}

func sameMail(a, b *Mail) bool {
	x, y := *a, *b
	if !x.Date.Equal(y.Date) {
		return false
	}
	x.Date, y.Date = time.Time{}, time.Time{}
	return reflect.DeepEqual(x, y)
}

func describe(m *Mail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "subject %q from %q to %q date %v %q id %q type %q parts %d\n", m.Subject, m.From, m.To, m.Date, m.DateText, m.MessageID, m.ContentType, m.Parts)
	for _, a := range m.Attachments {
		fmt.Fprintf(&b, "     attachment %q %s %d %x\n", a.Name, a.ContentType, a.Octets, a.SHA256[:4])
	}
	for _, f := range m.Faults {
		fmt.Fprintf(&b, "     fault %s\n", f)
	}
	return b.String()
}

// check parses the mail in several cuttings and compares with want.
func check(t *testing.T, r row) {
	t.Helper()
	mail := r.bytes()
	if r.want.ContentType == "" {
		r.want.ContentType = "text/plain"
	}
	diff(t, "whole", parseChunks(Limits{}, mail, func() int { return len(mail) }), &r.want)
	diff(t, "one byte at a time", parseChunks(Limits{}, mail, func() int { return 1 }), &r.want)
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		diff(t, fmt.Sprintf("random pieces, seed %d", seed), parseChunks(Limits{}, mail, func() int { return 1 + rnd.IntN(1<<rnd.IntN(8)) }), &r.want)
	}
	if t.Failed() {
		t.Logf("mail:\n%s", mail)
	}
}

func run(t *testing.T, rows []row) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { check(t, r) })
	}
}

func TestReset(t *testing.T) {
	mail := row{mail: mixed + "--b\nContent-Disposition: attachment; filename=a\n\nA\n--b--\n"}.bytes()
	p := NewParser(Limits{})
	p.Write(mail)
	first := p.Close()
	if again := p.Close(); again != first {
		t.Error("Close gave another Mail when called again")
	}
	p.Write([]byte("late"))
	p.Gap(3)
	p.Reset()
	p.Write([]byte("Subject: cut in the middle\r\nContent-Type: message/rfc822\r\n\r\nContent-Disposition: attachment\r\n\r\nx"))
	p.Reset()
	p.Write(mail)
	second := p.Close()
	if first == second || !sameMail(first, second) {
		t.Errorf("after Reset:\n got %s\nwant %s", describe(second), describe(first))
	}
}

func TestParseReturnsWhatCameBeforeTheError(t *testing.T) {
	broken := errors.New("disk on fire")
	m, err := Parse(io.MultiReader(strings.NewReader("Subject: half\r\n\r\n"), iotest.ErrReader(broken)), Limits{})
	if !errors.Is(err, broken) || m.Subject != "half" {
		t.Errorf("got %q, %v; want %q, %v", m.Subject, err, "half", broken)
	}
}

type closeBuffer struct {
	bytes.Buffer
	closed int
}

func (c *closeBuffer) Close() error { c.closed++; return nil }

func TestPartSink(t *testing.T) {
	mail := row{mail: mixed + `--b
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64

UERG
--b
Content-Type: text/plain

begin 644 u.bin
#0V%T
` + "`" + `
end
--b
Content-Type: message/rfc822
Content-Disposition: attachment; filename=m.eml

Content-Disposition: attachment; filename=inner

deep
--b
Content-Disposition: attachment; filename=unwanted

x
--b--
`}.bytes()
	want := []string{"PDF", "Cat", "Content-Disposition: attachment; filename=inner\r\n\r\ndeep", "deep"}
	var infos []PartInfo
	var bufs []*closeBuffer
	m := parseChunks(Limits{PartSink: func(i PartInfo) io.Writer {
		infos = append(infos, i)
		if i.Name == "unwanted" {
			return nil
		}
		bufs = append(bufs, &closeBuffer{})
		return bufs[len(bufs)-1]
	}}, mail, func() int { return 5 })
	if len(infos) != 5 || len(m.Attachments) != 5 || len(bufs) != 4 {
		t.Fatalf("got %d infos, %d attachments, %d writers; want 5, 5, 4", len(infos), len(m.Attachments), len(bufs))
	}
	for i, info := range infos {
		if a := m.Attachments[i]; info != (PartInfo{i, a.Name, a.ContentType}) {
			t.Errorf("info %d: got %+v, attachment %+v", i, info, a)
		}
	}
	for i, b := range bufs {
		if b.String() != want[i] || b.closed != 1 || sha256.Sum256(b.Bytes()) != m.Attachments[i].SHA256 {
			t.Errorf("writer %d: got %q, closed %d times; want %q, once", i, b.String(), b.closed, want[i])
		}
	}
}

type failingWriter struct{ calls, closed int }

func (f *failingWriter) Write([]byte) (int, error) { f.calls++; return 0, io.ErrShortWrite }
func (f *failingWriter) Close() error              { f.closed++; return nil }

func TestPartSinkThatFails(t *testing.T) {
	f := &failingWriter{}
	content := strings.Repeat("0123456789\r\n", 10_000)
	m, _ := Parse(strings.NewReader("Content-Disposition: attachment\r\n\r\n"+content), Limits{PartSink: func(PartInfo) io.Writer { return f }})
	if f.calls != 1 || f.closed != 1 {
		t.Errorf("got %d writes and %d closes, want 1 and 1", f.calls, f.closed)
	}
	if want := file("", "text/plain", content); !reflect.DeepEqual(m.Attachments, []Attachment{want}) {
		t.Errorf("got %+v, want %+v", m.Attachments, want)
	}
}

func TestPartSinkIsClosedByReset(t *testing.T) {
	var f closeBuffer
	p := NewParser(Limits{PartSink: func(PartInfo) io.Writer { return &f }})
	for _, mail := range []string{
		"Content-Disposition: attachment\r\n\r\nabc",
		"Content-Type: message/rfc822\r\n\r\nContent-Disposition: attachment\r\n\r\nabc",
		"\r\nbegin 644 a\r\n#0V%T\r\n",
	} {
		f.closed = 0
		p.Write([]byte(mail))
		p.Write(bytes.Repeat([]byte("\r\n"), outSize)) // so that what is held comes through
		p.Reset()
		if f.closed != 1 {
			t.Errorf("%q: closed %d times, want once", mail, f.closed)
		}
	}
}

// gaps stand in a mail as "{n}".
func TestGap(t *testing.T) {
	const pdf = "--b\nContent-Type: application/pdf; name=a.pdf\n"
	type gapRow struct {
		name, mail string
		want       Mail
	}
	b64 := func(n int) string { return strings.Repeat("QUJD", n) }
	for _, r := range []gapRow{
		{"in the subject", "Subject: hel{9}lo\nFrom: a@example.org\n\ntext\n", Mail{
			Subject: "hel", From: "a@example.org", Parts: 1, Faults: []string{"bytes are missing in a header"}}},
		{"before a field", "Subject: one\n{9}rom: lost\nTo: a@example.org\n\ntext\n", Mail{
			Subject: "one", To: "a@example.org", Parts: 1, Faults: []string{"bytes are missing in a header"}}},
		{"at the very start", "{1460}Subject: lost\nTo: a@example.org\n\n", Mail{
			To: "a@example.org", Parts: 1, Faults: []string{"bytes are missing in a header"}}},
		{"over the end of the header", "Subject: one\nX-A: {99}f a sentence.\nAnother sentence.\nbegin 644 a\n#0V%T\nend\n", Mail{
			Subject: "one", Parts: 1, Attachments: []Attachment{file("a", "application/octet-stream", "Cat")},
			Faults: []string{"bytes are missing in a header", "no empty line between a header and its body"}}},
		{"between CR and LF", "Subject: one\r{1}\nTo: b\n\n", Mail{
			Subject: "one", To: "b", Parts: 1, Faults: []string{"bytes are missing in a header"}}},
		{"in plain content", mixed + pdf + "\nabc{7}\ndef\n--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("a.pdf", "application/pdf", "abc\r\ndef")},
			Faults: []string{"bytes are missing in a body", `bytes are missing in attachment "a.pdf"`}}},
		{"just before a boundary", mixed + pdf + "\nabc{7}--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("a.pdf", "application/pdf", "abc")},
			Faults: []string{"bytes are missing in a body", `bytes are missing in attachment "a.pdf"`}}},
		{"in base64, which is aligned again", mixed + pdf + "Content-Transfer-Encoding: base64\n\n" + b64(19) + "\nQUJDQU{61}JD\n" + b64(2) + "\n--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("a.pdf", "application/pdf", strings.Repeat("ABC", 20)+"A"+"ABCABC")},
			Faults: []string{"bytes are missing in a body", `bytes are missing in attachment "a.pdf"`}}},
		{"in quoted-printable", mixed + pdf + "Content-Transfer-Encoding: quoted-printable\n\na=3D={3}b=\nc\n--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{file("a.pdf", "application/pdf", "a=bc")},
			Faults: []string{"bytes are missing in a body", `bytes are missing in attachment "a.pdf"`}}},
		{"in an embedded message", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: x\nContent-Disposition: attachment; filename=i\n\nab{4}cd\n--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Attachments: []Attachment{
				file("", "message/rfc822", "Subject: x\r\nContent-Disposition: attachment; filename=i\r\n\r\nabcd"), file("i", "text/plain", "abcd")},
			Faults: []string{"bytes are missing in a body", "bytes are missing in an attachment without a name", `bytes are missing in attachment "i"`}}},
		{"in a uuencoded file", "\nbegin 644 a\n#0V%T\n#0{5}T\n#0V%T\n`\nend\n", Mail{
			Parts: 1, Attachments: []Attachment{file("a", "application/octet-stream", "CatCat")},
			Faults: []string{"a message has no header", "bytes are missing in a body", `bytes are missing in attachment "a"`,
				`lines shorter than they say in uuencoded attachment "a"`, `lines that are no data in uuencoded attachment "a"`}}},
		{"between parts", mixed + "pre{5}amble\n--b\n\ntext\n--b--\n", Mail{
			ContentType: "multipart/mixed", Parts: 1, Faults: []string{"bytes are missing between parts"}}},
		{"in a part that nobody wants", "Content-Type: text/html\n\nab{4}cd\n", Mail{ContentType: "text/html", Parts: 1, Faults: []string{"bytes are missing in a body"}}},
		{"of nothing", "Subject: a{0}b\n\n", Mail{Subject: "ab", Parts: 1}},
	} {
		t.Run(r.name, func(t *testing.T) {
			mail := string(row{mail: r.mail}.bytes())
			if r.want.ContentType == "" {
				r.want.ContentType = "text/plain"
			}
			for _, size := range []int{1 << 20, 1, 2, 3, 7} {
				p := NewParser(Limits{})
				for rest := mail; rest != ""; {
					before, after, found := strings.Cut(rest, "{")
					for len(before) > 0 {
						n := min(size, len(before))
						p.Write([]byte(before[:n]))
						before = before[n:]
					}
					rest = ""
					if found {
						var n int64
						number, tail, _ := strings.Cut(after, "}")
						fmt.Sscan(number, &n)
						p.Gap(n)
						rest = tail
					}
				}
				diff(t, fmt.Sprintf("pieces of %d", size), p.Close(), &r.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	parts := func(n int) string {
		return mixed + strings.Repeat("--b\nContent-Disposition: attachment; filename=a\n\nA\n", n) + "--b--\n"
	}
	a := file("a", "text/plain", "A")
	nest := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		b.WriteString("Content-Disposition: attachment; filename=a\n\nA\n")
		for i := n - 1; i >= 0; i-- {
			fmt.Fprintf(&b, "--b%d--\n", i)
		}
		return b.String()
	}
	const deep = "parts are nested deeper than the limit; they are not read"
	for _, r := range []struct {
		name   string
		limits Limits
		mail   string
		want   Mail
	}{
		{"parts", Limits{Parts: 2}, parts(3), Mail{Parts: 2, Attachments: []Attachment{a, a}, Faults: []string{"more parts than the limit; the rest is not read"}}},
		{"parts, just enough", Limits{Parts: 3}, parts(3), Mail{Parts: 3, Attachments: []Attachment{a, a, a}}},
		{"parts without limit", Limits{Parts: -1, Attachments: -1}, parts(3), Mail{Parts: 3, Attachments: []Attachment{a, a, a}}},
		{"attachments", Limits{Attachments: 1}, parts(3), Mail{Parts: 3, Attachments: []Attachment{a}, Faults: []string{"more attachments than the limit; the rest is not listed"}}},
		{"uuencoded attachments", Limits{Attachments: 1}, "\nbegin 644 a\n#0V%T\n`\nend\nbegin 644 b\n#0V%T\n`\nend\n",
			Mail{Parts: 1, ContentType: "text/plain", Attachments: []Attachment{file("a", "application/octet-stream", "Cat")},
				Faults: []string{"a message has no header", "more attachments than the limit; the rest is not listed"}}},
		{"depth", Limits{Depth: 3}, nest(4), Mail{Parts: 1, Faults: []string{deep}}},
		{"depth, just enough", Limits{Depth: 4}, nest(4), Mail{Parts: 1, Attachments: []Attachment{a}}},
		{"default depth", Limits{}, nest(33), Mail{Parts: 1, Faults: []string{deep}}},
		{"greatest depth", Limits{Depth: -1}, nest(257), Mail{Parts: 1, Faults: []string{deep}}},
		{"depth of messages", Limits{Depth: 2}, mixed + "--b\n\nx\n--b\n" + strings.Repeat("Content-Type: message/rfc822\n\n", 3) + "Content-Disposition: attachment\n\nx\n--b--\n",
			Mail{Parts: 2, Attachments: []Attachment{file("", "message/rfc822", strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 2)+"Content-Disposition: attachment\r\n\r\nx")}, Faults: []string{deep}}},
		{"header", Limits{Header: 20}, "Subject: one\nTo: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
			Mail{Subject: "one", To: "a@ex", Parts: 1, ContentType: "text/plain", Faults: []string{"a header is longer than the limit; not all of it was read"}}},
		{"field", Limits{Field: 9}, "Subject: " + strings.Repeat("0123456789", 2000) + "\nTo: a\n\n",
			Mail{Subject: "01234567", To: "a", Parts: 1, ContentType: "text/plain", Faults: []string{"a header is longer than the limit; not all of it was read"}}},
		{"faults", Limits{Faults: 1}, "Subject: =?x?Q?a?= =?y?Q?b?= =?w?Q?c?=\n\n",
			Mail{Subject: "abc", Parts: 1, ContentType: "text/plain", Faults: []string{"more faults than are listed", `unknown charset "w", read as UTF-8`}}},
		{"name", Limits{}, "Content-Disposition: attachment; filename=" + strings.Repeat("é", 3000) + "\n\n",
			Mail{Parts: 1, ContentType: "text/plain", Attachments: []Attachment{file(strings.Repeat("é", 2048), "text/plain", "")},
				Faults: []string{"the name of an attachment is longer than the limit; it was cut"}}},
		{"boundary", Limits{}, "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 1025) + "\n\n",
			Mail{Parts: 1, Faults: []string{"a boundary is longer than the limit", "a multipart holds no part"}}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.want.ContentType == "" {
				r.want.ContentType = "multipart/mixed"
			}
			mail := row{mail: r.mail}.bytes()
			diff(t, "whole", parseChunks(r.limits, mail, func() int { return len(mail) }), &r.want)
			diff(t, "one byte at a time", parseChunks(r.limits, mail, func() int { return 1 }), &r.want)
		})
	}
}
