package pop3parse

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// stretches is what Options.Stretch was told about chunks.
type stretches struct {
	chunks []stream.Chunk
	told   []Stretch
}

func (r *stretches) add(s Stretch) { r.told = append(r.told, s) }

// check panics where the stretches do not cover both streams in order.
func (r *stretches) check() {
	var end, want [2]int64
	for _, s := range r.told {
		switch {
		case s.Secure:
			continue
		case s.Len < 1:
			panic(fmt.Sprintf("empty stretch %+v", s))
		case s.Off != end[s.Dir]:
			panic(fmt.Sprintf("the %s's stretches end at %d, and the next is %+v", s.Dir, end[s.Dir], s))
		case s.Part == Unread && !s.Secret:
			panic(fmt.Sprintf("unread and not secret: %+v", s))
		}
		end[s.Dir] = s.End()
	}
	for _, c := range r.chunks {
		if !c.Secure {
			want[c.Dir] = max(want[c.Dir], c.Off+c.Len())
		}
	}
	if end != want {
		panic(fmt.Sprintf("the stretches end at %d, the streams at %d", end, want))
	}
}

// stream returns the bytes of a direction, with zeros for what was lost.
func (r *stretches) stream(d stream.Dir) []byte {
	var b []byte
	for _, c := range r.chunks {
		if c.Dir != d || c.Secure {
			continue
		}
		if n := int(c.Off + c.Len()); n > len(b) {
			b = append(b, make([]byte, n-len(b))...)
		}
		copy(b[c.Off:], c.Data)
	}
	return b
}

// String writes the stretches of both directions, a line each. What lies
// together and differs in nothing is one.
func (r *stretches) String() string {
	var b strings.Builder
	for d := range stream.Dir(2) {
		bytes := r.stream(d)
		var now Stretch
		put := func() {
			if now.Len == 0 {
				return
			}
			fmt.Fprintf(&b, "%c %d %s %s %q", "CS"[now.Dir], now.Exchange, orDash(string(now.Verb)), now.Part, bytes[now.Off:now.End()])
			if now.Secret {
				b.WriteString(" secret")
			}
			if now.Greeting {
				b.WriteString(" greeting")
			}
			if now.Part == Mail {
				fmt.Fprintf(&b, " mail %d at %d of %d", now.Number, now.At, now.Announced)
			}
			b.WriteString("\n")
		}
		for _, s := range r.told {
			if s.Dir != d || s.Secure {
				continue
			}
			s.First, s.Last = stream.Stamp{}, stream.Stamp{}
			next := now
			next.Off, next.Len, next.At = s.Off, s.Len, s.At
			if now.Len > 0 && next == s && (s.Part != Mail || now.At+now.Len == s.At) {
				now.Len += s.Len
				continue
			}
			put()
			now = s
		}
		put()
	}
	return b.String()
}

func TestStretches(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a session", `
			S: +OK ready
			C: user alice
			S: +OK
			C: PASS sesame
			S: -ERR no sesame here
			C: APOP alice c4c9334bac560ecc979e58001b3e22fb
			S: +OK
			C: RETR 3
			S: +OK 12 octets
			S: Hello
			S: ..dot
			S: .
			C: LIST
			S: +OK
			S: 3 12
			S: .`, `
			C 1 USER keyword "user "
			C 1 USER args "alice"
			C 1 USER line_end "\r\n"
			C 2 PASS keyword "PASS "
			C 2 PASS args "sesame" secret
			C 2 PASS line_end "\r\n"
			C 3 APOP keyword "APOP "
			C 3 APOP args "alice "
			C 3 APOP args "c4c9334bac560ecc979e58001b3e22fb" secret
			C 3 APOP line_end "\r\n"
			C 4 RETR keyword "RETR "
			C 4 RETR args "3"
			C 4 RETR line_end "\r\n"
			C 5 LIST keyword "LIST"
			C 5 LIST line_end "\r\n"
			S 0 - indicator "+OK " greeting
			S 0 - words "ready" greeting
			S 0 - line_end "\r\n" greeting
			S 1 USER indicator "+OK"
			S 1 USER line_end "\r\n"
			S 2 PASS indicator "-ERR "
			S 2 PASS words "no "
			S 2 PASS words "sesame" secret
			S 2 PASS words " here"
			S 2 PASS line_end "\r\n"
			S 3 APOP indicator "+OK"
			S 3 APOP line_end "\r\n"
			S 4 RETR indicator "+OK "
			S 4 RETR words "12 octets"
			S 4 RETR line_end "\r\n"
			S 4 RETR mail "Hello\r\n" mail 3 at 0 of 12
			S 4 RETR stuffing "."
			S 4 RETR mail ".dot\r\n" mail 3 at 7 of 12
			S 4 RETR final ".\r\n"
			S 5 LIST indicator "+OK"
			S 5 LIST line_end "\r\n"
			S 5 LIST rows "3 12\r\n"
			S 5 LIST final ".\r\n"`},
		{"what is typed wrongly may be a secret", `
			S: +OK
			C: PASSsesame
			S: -ERR
			C: FOO bar
			S: -ERR`, `
			C 1 - args "PASSsesame" secret
			C 1 - line_end "\r\n"
			C 2 FOO keyword "FOO "
			C 2 FOO args "bar" secret
			C 2 FOO line_end "\r\n"
			S 0 - indicator "+OK" greeting
			S 0 - line_end "\r\n" greeting
			S 1 - indicator "-ERR"
			S 1 - line_end "\r\n"
			S 2 FOO indicator "-ERR"
			S 2 FOO line_end "\r\n"`},
		{"SASL", `
			S: +OK
			C: AUTH LOGIN
			S: + VXNlcm5hbWU6
			C: YWxpY2U=
			S: +
			C: *
			S: -ERR
			C: AUTH PLAIN AGFsaWNlAHNlc2FtZQ==
			S: +OK`, `
			C 1 AUTH keyword "AUTH "
			C 1 AUTH args "LOGIN"
			C 1 AUTH line_end "\r\n"
			C 1 AUTH sasl_data "YWxpY2U=" secret
			C 1 AUTH line_end "\r\n"
			C 1 AUTH sasl_data "*"
			C 1 AUTH line_end "\r\n"
			C 2 AUTH keyword "AUTH "
			C 2 AUTH args "PLAIN "
			C 2 AUTH args "AGFsaWNlAHNlc2FtZQ==" secret
			C 2 AUTH line_end "\r\n"
			S 0 - indicator "+OK" greeting
			S 0 - line_end "\r\n" greeting
			S 1 AUTH indicator "+ "
			S 1 AUTH sasl_data "VXNlcm5hbWU6"
			S 1 AUTH line_end "\r\n"
			S 1 AUTH indicator "+"
			S 1 AUTH line_end "\r\n"
			S 1 AUTH indicator "-ERR"
			S 1 AUTH line_end "\r\n"
			S 2 AUTH indicator "+OK"
			S 2 AUTH line_end "\r\n"`},
		{"losses and TLS", `
			S: +OK
			C: USER alice
			xS: +OK
			C: STLS
			S: +OK begin TLS
			C| \x16\x03
			S| \x16\x03`, `
			C 1 USER keyword "USER "
			C 1 USER args "alice"
			C 1 USER line_end "\r\n"
			C 2 STLS keyword "STLS"
			C 2 STLS line_end "\r\n"
			C 0 - tls "\x16\x03"
			S 0 - indicator "+OK" greeting
			S 0 - line_end "\r\n" greeting
			S 0 - missing "\x00\x00\x00\x00\x00"
			S 2 STLS indicator "+OK "
			S 2 STLS words "begin TLS"
			S 2 STLS line_end "\r\n"
			S 0 - tls "\x16\x03"`},
		{"mail of the client", `
			S: +OK
			C: XTND XMIT
			S: +OK send
			C: hello
			C: .
			S: +OK`, `
			C 1 XTND keyword "XTND "
			C 1 XTND args "XMIT"
			C 1 XTND line_end "\r\n"
			C 1 XTND mail "hello\r\n" mail 0 at 0 of -1
			C 1 XTND final ".\r\n"
			S 0 - indicator "+OK" greeting
			S 0 - line_end "\r\n" greeting
			S 1 XTND indicator "+OK "
			S 1 XTND words "send"
			S 1 XTND line_end "\r\n"
			S 1 XTND indicator "+OK"
			S 1 XTND line_end "\r\n"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := trimTabs(c.want)
			chunks := script(c.text)
			for name, order := range interleavings(chunks, 7) {
				_, r := parseStretches(fromStart, order, stream.ClosedFIN, 0)
				r.check()
				if got := r.String(); got != want {
					t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
				}
			}
		})
	}
}

// TestStretchesAreToldEarly: nothing that is known waits for what is not.
func TestStretchesAreToldEarly(t *testing.T) {
	var r stretches
	p := NewParser(Options{FromStart: true, Stretch: r.add})
	for _, c := range script(`
		S: +OK
		C: RETR 1
		S: +OK 1000000 octets
		S: Subject: long`) {
		p.Feed(c)
	}
	var b bytes.Buffer
	for _, s := range r.told {
		fmt.Fprintf(&b, "%c %d %s\n", "CS"[s.Dir], s.Exchange, s.Part)
	}
	want := "S 0 indicator\nS 0 line_end\nC 1 keyword\nC 1 args\nC 1 line_end\nS 1 indicator\nS 1 words\nS 1 line_end\nS 1 mail\n"
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", &b, want)
	}
}

// TestRowsThatWaitAreBounded: what rows are waits for the end of their reply,
// but not without end; then they may be secrets.
func TestRowsThatWaitAreBounded(t *testing.T) {
	for _, verb := range []string{"CAPA", "XFOO"} {
		var r stretches
		p := NewParser(Options{FromStart: true, Stretch: r.add})
		for i, c := range script("S: +OK\nC: " + verb + "\nS: +OK\n" + strings.Repeat("S: ..x\n", 5*maxWaiting)) {
			p.Feed(c)
			if n := len(p.tape.lanes[stream.Server].waiting()); n > maxWaiting {
				t.Fatalf("%s: %d entries wait after %d chunks", verb, n, i+1)
			}
		}
		if !slices.ContainsFunc(r.told, func(s Stretch) bool { return s.Part == Rows && s.Secret }) {
			t.Errorf("%s: no row was told before the end", verb)
		}
	}
}

// TestRowsOfListingsDoNotWait: the rows of a listing are told as soon as they
// are whole, though the session has a secret; only what may be a part of it is
// hidden, and what follows, wherever segments begin.
func TestRowsOfListingsDoNotWait(t *testing.T) {
	login := "S: +OK\nC: PASS hunter2sekret\nS: +OK\nC: UIDL\nS: +OK\n"
	rows := "1 aaaa\r\n2 hunter2\r\n3 xhunter2sekret\r\n4 bbbb\r\n"
	hidden := strings.Index(rows, "3 x")
	for size := 1; size <= len(rows); size++ {
		var r stretches
		p := NewParser(Options{FromStart: true, Stretch: r.add})
		text := login
		for from := 0; from < len(rows); from += size {
			row := strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(rows[from:min(from+size, len(rows))])
			text += "S| " + row + "\n"
		}
		begin, end := int64(-1), int64(0)
		for _, c := range script(text) {
			p.Feed(c)
			if begin < 0 && p.mode == wantData {
				begin = c.Off + c.Len()
			}
			end = c.Off + c.Len()
			if w := p.tape.lanes[stream.Server].waiting(); begin >= 0 && end > begin && rows[end-begin-1] == '\n' && len(w) > 0 {
				t.Errorf("segments of %d: at %d of the rows %d entries wait", size, end-begin, len(w))
			}
		}
		for _, s := range r.told {
			if s.Part != Rows {
				continue
			}
			if s.Off < begin+int64(hidden) && s.End() > begin+int64(hidden) || s.Secret != (s.Off >= begin+int64(hidden)) {
				t.Errorf("segments of %d: %d to %d of the rows, secret %v; what is hidden begins at %d", size, s.Off-begin, s.End()-begin, s.Secret, hidden)
			}
		}
	}
}

// TestExplain: who cannot wait is told at once, and of secrets too much
// rather than too little.
func TestExplain(t *testing.T) {
	chunks := script(`
		S: +OK
		C: USER alice
		C: PASS sesame
		C: FOO sesame`)
	p, r := parseStretches(fromStart, chunks, stream.ClosedFIN, 1)
	r.check()
	if len(p.Exchanges()) != 3 {
		t.Fatalf("%d exchanges", len(p.Exchanges()))
	}
	want := trimTabs(`
		C 0 USER keyword "USER "
		C 0 USER args "alice"
		C 0 USER line_end "\r\n"
		C 0 PASS keyword "PASS "
		C 0 PASS args "sesame" secret
		C 0 PASS line_end "\r\n"
		C 0 - args "FOO sesame" secret
		C 0 - line_end "\r\n"
		S 0 - indicator "+OK" greeting
		S 0 - line_end "\r\n" greeting`)
	if got := r.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// agree panics if the stretches of a command say something else than its
// exchange.
func (r *stretches) agree(t *testing.T, p *Parser) {
	client := r.stream(stream.Client)
	lines := map[int][]byte{}
	for _, s := range r.told {
		if s.Dir != stream.Client || s.Secure || s.Exchange == 0 || s.Part != Keyword && s.Part != Args {
			continue
		}
		b := client[s.Off:s.End()]
		if s.Secret {
			b = []byte("********")
		}
		lines[s.Exchange] = append(lines[s.Exchange], b...)
	}
	for _, x := range p.Exchanges() {
		line, ok := lines[x.N]
		if !ok || x.Notes.Has(LineCut) {
			continue
		}
		if !bytes.HasSuffix(line, x.Args.Masked()) {
			t.Fatalf("exchange %d: the stretches say %q, and the arguments are %q", x.N, line, x.Args.Masked())
		}
	}
}
