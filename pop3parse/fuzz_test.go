package pop3parse

import (
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// fuzzScript turns any text into a dialogue: lines that do not say who
// speaks alternate between the sides.
func fuzzScript(text string) string {
	var out []string
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimSuffix(l, "\r")
		if strings.HasPrefix(l, "S: ") || strings.HasPrefix(l, "C: ") || strings.HasPrefix(l, "S| ") || strings.HasPrefix(l, "C| ") {
			out = append(out, l)
		} else {
			out = append(out, []string{"S: ", "C: "}[i%2]+l)
		}
	}
	return strings.Join(out, "\n")
}

// FuzzPairing: the exchanges depend on the two streams alone, not on how
// they are interleaved or cut. So do the stretches, which agree with them.
func FuzzPairing(f *testing.F) {
	for _, s := range []string{
		"+OK ready\nUSER a\n+OK\nPASS b\n+OK\nSTAT\n+OK 1 2\nQUIT\n+OK bye",
		"+OK\nC: AUTH PLAIN\nC: AGEAYg==\nC: STAT\nS: + \nS: +OK\nS: +OK 0 0",
		"+OK\nC: LIST\nC: RETR 1\nS: +OK\nS: 1 2\nS: .\nS: +OK\nS: ..x\nS: .\nC: XFOO\nS: +OK\nS: a\nS: .",
		"+OK\nXTND XMIT\n+OK\nC: mail\nC: .\nS: +OK\nC: STLS\nS: -ERR\nC: HELP\nS: +OK",
		"S| +OK\\n\nC| RETR 1\\n\nS| +OK\\nx\\n.\\n",
	} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 2000 || strings.Contains(text, "x") && strings.HasPrefix(text, "x") {
			return
		}
		chunks := script(fuzzScript(text))
		p, r := parseStretches(fromStart, chunks, stream.ClosedFIN, 0)
		r.agree(t, p)
		want, parts := show(p), r.String()
		for name, order := range interleavings(chunks, seed) {
			p, r := parseStretches(fromStart, order, stream.ClosedFIN, 0)
			r.check()
			if got := show(p); got != want {
				t.Fatalf("%s: got:\n%s\nwant:\n%s\nscript:\n%s", name, got, want, fuzzScript(text))
			}
			if got := r.String(); got != parts {
				t.Fatalf("%s: stretches: got:\n%s\nwant:\n%s\nscript:\n%s", name, got, parts, fuzzScript(text))
			}
		}
	})
}

// FuzzParser: whatever both sides send, and whatever is lost, the parser
// comes to an end, numbers its exchanges and tells what every byte is.
func FuzzParser(f *testing.F) {
	f.Add([]byte("+OK\r\n+OK\r\n"), []byte("USER a\r\nPASS b\r\n"), uint64(0), true)
	f.Add([]byte("+OK\r\n+ \r\n+OK\r\n"), []byte("AUTH PLAIN\r\nAGEAYg==\r\n"), uint64(0x1f), false)
	f.Fuzz(func(t *testing.T, server, client []byte, lost uint64, start bool) {
		if len(server)+len(client) > 1<<13 {
			return
		}
		var chunks []stream.Chunk
		for i, side := range [][]byte{client, server} {
			for off := 0; off < len(side); off += 16 {
				end := min(off+16, len(side))
				c := stream.Chunk{Dir: stream.Dir(i), Off: int64(off), Data: side[off:end], PeerAcked: int64(off), At: stream.Stamp{Packet: int64(off + 1)}}
				if lost>>(off/16%64)&1 != 0 {
					c.Lost, c.Data = int64(end-off), nil
				}
				chunks = append(chunks, c)
			}
		}
		o := Options{FromStart: start, Limits: Limits{Hold: 4096, Pending: 32, Turns: 8}}
		p := parse(o, chunks, stream.NotClosed)
		_, early := parseStretches(o, chunks, stream.NotClosed, 3)
		early.check()
		for i, x := range p.Exchanges() {
			if x.N != i+1 {
				t.Fatalf("exchange %d has number %d", i+1, x.N)
			}
		}
		if p.Session().Exchanges != len(p.Exchanges()) {
			t.Fatalf("%d exchanges counted, %d there", p.Session().Exchanges, len(p.Exchanges()))
		}
	})
}

// TestLosingAnyLine drops each line of each script: nothing may be paired
// wrongly and called sure.
func TestLosingAnyLine(t *testing.T) {
	for name, text := range map[string]string{
		"lock-step": `
			S: +OK ready
			C: USER alice
			S: +OK send password
			C: PASS wonderland
			S: +OK logged in
			C: STAT
			S: +OK 2 320
			C: LIST
			S: +OK listing
			S: 1 120
			S: 2 200
			S: .
			C: RETR 1
			S: +OK 120 octets
			S: Subject: one
			S: 
			S: text
			S: .
			C: DELE 1
			S: +OK deleted
			C: QUIT
			S: +OK bye`,
		"pipelined": `
			S: +OK ready
			C: USER alice
			C: PASS wonderland
			C: STAT
			S: +OK send password
			S: +OK logged in
			S: +OK 2 320
			C: RETR 1
			C: RETR 2
			C: QUIT
			S: +OK 120 octets
			S: text
			S: .
			S: +OK 130 octets
			S: more
			S: .
			S: +OK bye`,
		"sasl": `
			S: +OK ready
			C: AUTH LOGIN
			S: + VXNlcm5hbWU6
			C: YWxpY2U=
			S: + UGFzc3dvcmQ6
			C: d29uZGVybGFuZA==
			S: +OK in
			C: STAT
			S: +OK 0 0
			C: QUIT
			S: +OK bye`,
	} {
		whole := script(text)
		truth := map[string]string{} // command line -> status line
		for _, x := range parse(fromStart, whole, stream.ClosedFIN).Exchanges() {
			truth[string(x.Verb)+" "+string(x.Args.Reveal())] = x.Status.String() + " " + string(x.Text.Reveal())
		}
		for i := range whole {
			chunks := append([]stream.Chunk(nil), whole...)
			c := &chunks[i]
			line := string(c.Data)
			c.Lost, c.Data, c.PeerAcked = int64(len(c.Data)), nil, -1
			p := parse(fromStart, chunks, stream.ClosedFIN)
			reported := false
			for j, x := range p.Exchanges() {
				reported = reported || x.Pairing != Sure || x.Notes.Has(ReplyDamaged) || x.Notes.Has(CommandDamaged)
				got := x.Status.String() + " " + string(x.Text.Reveal())
				want, known := truth[string(x.Verb)+" "+string(x.Args.Reveal())]
				if x.Pairing == Sure && x.Status != NoReply && (!known || got != want) {
					t.Errorf("%s without %q: exchange %d %s %s is called sure with %q", name, line, j+1, x.Verb, x.Args, got)
				}
			}
			last := p.Exchanges()[len(p.Exchanges())-1]
			if i < len(whole)-4 && (last.Verb != QUIT || last.Status != OK || string(last.Text.Reveal()) != "bye") {
				t.Errorf("%s without %q: did not find its place again:\n%s", name, line, show(p))
			}
			if !reported && i > 0 {
				t.Errorf("%s without %q: loss not reported:\n%s", name, line, show(p))
			}
		}
	}
}
