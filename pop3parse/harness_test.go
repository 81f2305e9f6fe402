package pop3parse

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// script compiles a dialogue into chunks. A line begins with who speaks:
//
//	S: text     a line of the server, CRLF added
//	S| text     bytes of the server, with Go escapes and without line end
//	C: C|       the same for the client
//	x           before any of them: the bytes were lost
//
// Lines of one side that follow each other without an empty line between
// them are one write: they acknowledge what was there when the write began.
// The client waits for all before it, as most clients do.
func script(text string) []stream.Chunk {
	var out []stream.Chunk
	var off [2]int64
	var acked [2]int64
	last := -1
	n := int64(0)
	for _, l := range strings.Split(strings.Trim(text, "\n"), "\n") {
		l = strings.TrimLeft(l, "\t")
		if l == "" {
			last = -1
			continue
		}
		lost := strings.HasPrefix(l, "x")
		l = strings.TrimPrefix(l, "x")
		d := stream.Client
		if l[0] == 'S' {
			d = stream.Server
		}
		body := strings.TrimPrefix(l[2:], " ")
		if l[1] == ':' {
			body += "\r\n"
		} else {
			body = unescape(body)
		}
		if int(d) != last {
			acked[d] = off[d.Other()]
			last = int(d)
		}
		n++
		c := stream.Chunk{Dir: d, Off: off[d], At: stream.Stamp{Packet: n, Nanos: n * 1e6}, PeerAcked: acked[d]}
		if lost {
			c.Lost, c.PeerAcked = int64(len(body)), -1
		} else {
			c.Data = []byte(body)
		}
		off[d] += int64(len(body))
		out = append(out, c)
	}
	return out
}

func unescape(s string) string {
	return strings.NewReplacer(`\x16`, "\x16", `\x03`, "\x03", `\r`, "\r", `\n`, "\n", `\0`, "\x00", `\t`, "\t", `\\`, `\`).Replace(s)
}

// parse feeds chunks and ends the session.
func parse(o Options, chunks []stream.Chunk, reason stream.CloseReason) *Parser {
	p, r := parseStretches(o, chunks, reason, 0)
	r.check()
	return p
}

// parseStretches is parse with a record of the stretches. Every explain
// chunks, unless that is 0, Explain is called.
func parseStretches(o Options, chunks []stream.Chunk, reason stream.CloseReason, explain int) (*Parser, *stretches) {
	r := &stretches{chunks: chunks}
	o.Stretch = r.add
	p := NewParser(o)
	n := 0
	for _, c := range chunks {
		// Borrowed bytes are overwritten after the call, to catch who keeps them.
		b := append([]byte(nil), c.Data...)
		c.Data = b
		p.Feed(c)
		for i := range p.waiting() {
			if x := p.at(i); x.spec != specOf(x.Verb) {
				panic(fmt.Sprintf("%q goes with %+v", x.Verb, x.spec))
			}
		}
		for i := range b {
			b[i] = '#'
		}
		if n++; explain > 0 && n%explain == 0 {
			p.Explain()
		}
	}
	p.End(reason)
	return p, r
}

// show prints what a parser found, without packets and times.
func show(p *Parser) string {
	var b strings.Builder
	s := p.Session()
	if s.HasGreeting {
		fmt.Fprintf(&b, "greeting %q\n", s.Greeting.Reveal())
	}
	for i, x := range p.Exchanges() {
		if x.N != i+1 {
			fmt.Fprintf(&b, "WRONG NUMBER %d\n", x.N)
		}
		fmt.Fprintf(&b, "%s", orDash(string(x.Verb)))
		if x.VerbSent != nil {
			fmt.Fprintf(&b, "(%s)", x.VerbSent)
		}
		if !x.Args.Empty() {
			fmt.Fprintf(&b, " %q", x.Args.Reveal())
		}
		fmt.Fprintf(&b, " -> %s", orDash(x.Status.String()))
		if !x.Text.Empty() {
			fmt.Fprintf(&b, " %q", x.Text.Reveal())
		}
		if x.Code != nil {
			fmt.Fprintf(&b, " code=%s", x.Code)
		}
		if x.Multiline {
			fmt.Fprintf(&b, " lines=%d octets=%d", x.Lines, x.Octets)
			if !x.Terminated {
				b.WriteString(" unterminated")
			}
		}
		for _, t := range x.SASL {
			fmt.Fprintf(&b, " %c%q", "CS"[t.From], t.Data.Reveal())
		}
		if x.Pipelined {
			b.WriteString(" pipelined")
		}
		if x.Pairing != Sure {
			fmt.Fprintf(&b, " %s", x.Pairing)
		}
		x.Notes.Each(func(n Note) { fmt.Fprintf(&b, " !%s", n) })
		b.WriteString("\n")
	}
	for _, l := range p.Logins() {
		fmt.Fprintf(&b, "login %d %s %q secret=%q %s", l.Exchange, l.Mechanism, l.User, l.Secret.Reveal(), l.Outcome)
		if l.Challenge != nil {
			fmt.Fprintf(&b, " challenge=%s", l.Challenge)
		}
		if l.Response.Known() {
			fmt.Fprintf(&b, " response=%s", l.Response.Reveal())
		}
		if l.Reason != NoReason {
			fmt.Fprintf(&b, " reason=%s", l.Reason)
		}
		fmt.Fprintf(&b, " %s\n", l.Exposure)
	}
	for _, m := range p.Messages() {
		fmt.Fprintf(&b, "message %d %s %d octets=%d %s", m.Exchange, m.Command, m.Number, m.Octets, m.Verdict)
		for _, g := range m.Gaps {
			fmt.Fprintf(&b, " gap=%d+%d", g.Offset, g.Length)
		}
		if m.UIDL != nil {
			fmt.Fprintf(&b, " uidl=%s", m.UIDL)
		}
		if m.Fate == Deleted {
			b.WriteString(" deleted")
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "state %s", s.State)
	if s.Committed {
		fmt.Fprintf(&b, " committed")
	}
	if s.Deleted > 0 {
		fmt.Fprintf(&b, " deleted=%d", s.Deleted)
	}
	s.Notes.Each(func(n Note) { fmt.Fprintf(&b, " !%s", n) })
	b.WriteString("\n")
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// interleavings returns the chunks in several orders that the two
// directions can be captured in, cut in several ways. Each direction keeps
// its own order.
func interleavings(chunks []stream.Chunk, seed uint64) map[string][]stream.Chunk {
	var side [2][]stream.Chunk
	for _, c := range chunks {
		side[c.Dir] = append(side[c.Dir], c)
	}
	out := map[string][]stream.Chunk{
		"client first": append(append([]stream.Chunk(nil), side[0]...), side[1]...),
		"server first": append(append([]stream.Chunk(nil), side[1]...), side[0]...),
		"by bytes":     cut(chunks, 1),
		"by threes":    cut(chunks, 3),
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range 4 {
		var mixed []stream.Chunk
		a, b := cut(side[0], 1+r.IntN(20)), cut(side[1], 1+r.IntN(20))
		for len(a)+len(b) > 0 {
			if len(b) == 0 || len(a) > 0 && r.IntN(2) == 0 {
				mixed, a = append(mixed, a[0]), a[1:]
			} else {
				mixed, b = append(mixed, b[0]), b[1:]
			}
		}
		out[fmt.Sprintf("mixed %d", i)] = mixed
	}
	return out
}

// cut cuts chunks into pieces of at most n bytes.
func cut(chunks []stream.Chunk, n int) []stream.Chunk {
	var out []stream.Chunk
	for _, c := range chunks {
		for len(c.Data) > n {
			d := c
			d.Data = c.Data[:n]
			out = append(out, d)
			c.Data = c.Data[n:]
			c.Off += int64(n)
		}
		out = append(out, c)
	}
	return out
}

// check parses a script in every interleaving and compares with want.
func check(t *testing.T, o Options, text, want string) {
	t.Helper()
	chunks := script(text)
	want = trimTabs(want)
	if got := show(parse(o, chunks, stream.ClosedFIN)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
		return
	}
	for name, order := range interleavings(chunks, 7) {
		if got := show(parse(o, order, stream.ClosedFIN)); got != want {
			t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func trimTabs(s string) string {
	var out []string
	for _, l := range strings.Split(strings.Trim(s, "\n\t"), "\n") {
		out = append(out, strings.TrimLeft(l, "\t"))
	}
	return strings.Join(out, "\n") + "\n"
}
