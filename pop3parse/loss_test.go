package pop3parse

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// lossyDialog is a random session of which chunks are missing, and what was
// in it: every status line ends in a tag that no other one has.
type lossyDialog struct {
	opt    Options
	chunks []stream.Chunk
	asked  map[string]string // by tag: the command line that it answers
	mails  map[string][]byte // by tag: the message that follows the status line
}

// newLossyDialog makes the dialog of a seed. The client waits for each reply,
// or for all replies to several commands that it sends in one go; the server
// answers when it has all of them, or as they come.
func newLossyDialog(seed uint64) *lossyDialog {
	r := rand.New(rand.NewPCG(seed, 2))
	d := &lossyDialog{
		opt:   Options{FromStart: true, KeepBody: 1 << 16},
		asked: map[string]string{}, mails: map[string][]byte{},
	}
	step := []int{12, 20, 80, 500, 1400}[r.IntN(5)]
	pipelines, asTheyCome := r.IntN(2) == 0, r.IntN(2) == 0
	var off [2]int64
	send := func(dir stream.Dir, b []byte, acked int64) {
		for len(b) > 0 {
			n := min(step, len(b))
			at := int64(len(d.chunks) + 1)
			d.chunks = append(d.chunks, stream.Chunk{Dir: dir, Off: off[dir], Data: b[:n:n], PeerAcked: acked, At: stream.Stamp{Packet: at, Nanos: at * 1e6}})
			off[dir] += int64(n)
			b = b[n:]
		}
	}
	send(stream.Server, []byte("+OK ready\r\n"), 0)
	for todo := d.script(r); len(todo) > 0; {
		n := 1
		if pipelines {
			n = min(len(todo), 1+r.IntN(5))
		}
		var batch []byte
		for _, p := range todo[:n] {
			batch = append(batch, p.command...)
		}
		end := off[stream.Client]
		send(stream.Client, batch, off[stream.Server])
		var ready []byte
		for _, p := range todo[:n] {
			end += int64(len(p.command))
			ready = append(ready, p.reply...)
			if asTheyCome && r.IntN(2) == 0 {
				// It has the segment that the command ends in, and perhaps more.
				segment := (end - (off[stream.Client] - int64(len(batch))) + int64(step) - 1) / int64(step) * int64(step)
				send(stream.Server, ready, min(off[stream.Client], off[stream.Client]-int64(len(batch))+segment))
				ready = nil
			}
		}
		send(stream.Server, ready, off[stream.Client])
		todo = todo[n:]
	}
	if r.IntN(8) == 0 {
		d.beginLate(r.IntN(len(d.chunks) / 2))
	}
	for range 1 + r.IntN(3) {
		c := &d.chunks[r.IntN(len(d.chunks))]
		if c.Lost == 0 {
			c.Lost, c.Data, c.PeerAcked = int64(len(c.Data)), nil, -1
		}
	}
	return d
}

// pair is a command with its reply, as sent.
type pair struct{ command, reply []byte }

// script makes up what is said.
func (d *lossyDialog) script(r *rand.Rand) []pair {
	var out []pair
	add := func(command, status string, data ...string) {
		tag := fmt.Sprintf("<%d>", len(out)+1)
		d.asked[tag] = command
		reply, mail := status+" "+tag+"\r\n", ""
		for _, l := range data {
			mail += l + "\r\n"
			if strings.HasPrefix(l, ".") {
				l = "." + l
			}
			reply += l + "\r\n"
		}
		if data != nil {
			reply += ".\r\n"
			d.mails[tag] = []byte(mail)
		}
		out = append(out, pair{[]byte(command + "\r\n"), []byte(reply)})
	}
	add("USER alice", "+OK")
	add("PASS p w", "+OK")
	for range 3 + r.IntN(13) {
		n := 1 + r.IntN(12)
		switch r.IntN(12) {
		case 0:
			add("STAT", "+OK 5 500")
		case 1:
			add("LIST", "+OK", "1 10", "2 20")
		case 2:
			add("UIDL", "+OK", "1 u1", "2 u2")
		case 3, 4, 5, 6:
			data := []string{}
			for range r.IntN(9) {
				data = append(data, []string{"Subject: x", "", ".x", "+OK fake", "-ERR fake", strings.Repeat("a", r.IntN(90))}[r.IntN(6)])
			}
			if r.IntN(4) == 0 {
				add(fmt.Sprintf("TOP %d 5", n), "+OK", data...)
			} else {
				add(fmt.Sprintf("RETR %d", n), "+OK", data...)
			}
		case 7:
			add(fmt.Sprintf("RETR %d", n), "-ERR")
		case 8, 9:
			add(fmt.Sprintf("DELE %d", n), []string{"+OK", "-ERR"}[r.IntN(2)])
		case 10:
			add([]string{"NOOP", "RSET"}[r.IntN(2)], "+OK")
		case 11:
			add("CAPA", "+OK", "TOP")
		}
	}
	if r.IntN(5) > 0 {
		add("QUIT", []string{"+OK", "-ERR"}[r.IntN(2)])
	}
	return out
}

// beginLate leaves out the first n chunks: the capture began after them, and
// nobody knows where the streams did.
func (d *lossyDialog) beginLate(n int) {
	d.opt.FromStart = false
	d.chunks = d.chunks[n:]
	base := [2]int64{-1, -1}
	least := func(dir stream.Dir, off int64) {
		if base[dir] < 0 || off < base[dir] {
			base[dir] = off
		}
	}
	for _, c := range d.chunks {
		least(c.Dir, c.Off)
		least(c.Dir.Other(), c.PeerAcked)
	}
	for i := range d.chunks {
		c := &d.chunks[i]
		c.Off -= base[c.Dir]
		c.PeerAcked -= base[c.Dir.Other()]
	}
}

// check returns what is claimed of the dialog and is not so.
func (d *lossyDialog) check(n *tally) string {
	p := parse(d.opt, d.chunks, stream.ClosedFIN)
	var wrong strings.Builder
	for _, x := range p.Exchanges() {
		command, tag := strings.TrimSuffix(string(x.Verb)+" "+string(x.Args.Reveal()), " "), tagOf(&x)
		right := x.Status != NoReply && d.answers(&x, tag, command)
		switch {
		case right && x.Pairing != Guessed:
			n.right++
		case right:
			n.guessed++
		default:
			n.missed++
		}
		if x.Pairing != Guessed && x.Status != NoReply && !right {
			fmt.Fprintf(&wrong, "%q is called %s with %q, which answers %q\n", command, x.Pairing, tag, d.asked[tag])
		}
	}
	for _, m := range p.Messages() {
		x := p.Exchanges()[m.Exchange-1]
		tag := tagOf(&x)
		if mail, ok := d.mails[tag]; m.Verdict == Complete && !(ok && bytes.Equal(mail, x.Body)) {
			fmt.Fprintf(&wrong, "%q is called complete with %q behind %q (%s)\n", x.Verb, x.Body, tag, x.Pairing)
		}
	}
	if wrong.Len() == 0 {
		return ""
	}
	var sent strings.Builder
	for _, c := range d.chunks {
		fmt.Fprintf(&sent, "%c at %d, acked %d: %q %d lost\n", "CS"[c.Dir], c.Off, c.PeerAcked, c.Data, c.Lost)
	}
	return wrong.String() + sent.String() + show(p)
}

// answers reports whether a status line that ends in tag answers the command,
// as far as the loss has left both.
func (d *lossyDialog) answers(x *Exchange, tag, command string) bool {
	for t, c := range d.asked {
		cutReply := x.Notes.Has(ReplyDamaged) && !strings.HasPrefix(tag, "f") // no tag begins like that
		cutCommand := x.Notes.Has(CommandDamaged)
		if (t == tag || cutReply && (strings.HasPrefix(t, tag) || !strings.Contains(tag, "<"))) &&
			(c == command || cutCommand && strings.HasPrefix(c, strings.TrimSpace(command))) {
			return true
		}
	}
	return false
}

// tagOf returns the last word of a reply's status line.
func tagOf(x *Exchange) string {
	text := x.Text.Reveal()
	return string(text[bytes.LastIndexByte(text, ' ')+1:])
}

// TestRandomLosses: whatever is lost of a session, no reply that is called
// sure or resynced belongs to another command, and no message is complete
// that is not. How many are right, and claimed to be, must not become less.
func TestRandomLosses(t *testing.T) {
	seeds, claimed, right := uint64(20000), 176590, 187105
	if testing.Short() {
		seeds, claimed, right = 2000, 17489, 18552
	}
	var n tally
	for seed := range seeds {
		if wrong := newLossyDialog(seed).check(&n); wrong != "" {
			t.Errorf("seed %d: %s", seed, wrong)
		}
	}
	if n.right < claimed || n.right+n.guessed < right {
		t.Errorf("%d are claimed and right, %d are right, %d are not; want %d and %d", n.right, n.right+n.guessed, n.missed, claimed, right)
	}
}

// TestPartsOfWordsTellNothing loses the ends of status lines: what is left of
// a number or of a unique id is none.
func TestPartsOfWordsTellNothing(t *testing.T) {
	p := parse(Options{FromStart: true}, script(`
S: +OK ready

C: STAT

S| +OK 13 130
xS| 12\r\n

C: LIST 2

S| +OK 2 10
xS| 08\r\n

C: UIDL 2

S| +OK 2 ab
xS| cd\r\n

C: RETR 2

S| +OK 10
xS| 08 octets\r\nA: b\r\n
S: C: d
S: .

C: UIDL 3

S| +OK 3 
xS| ef\r\n

C: QUIT

S: +OK
`), stream.ClosedFIN)
	if s := p.Session(); s.StatMessages >= 0 || s.StatOctets >= 0 {
		t.Errorf("STAT is %d %d", s.StatMessages, s.StatOctets)
	}
	m := p.Messages()[0]
	if m.Announced >= 0 || m.Listed >= 0 || m.UIDL != nil {
		t.Errorf("announced %d, listed %d, unique id %q", m.Announced, m.Listed, m.UIDL)
	}
	for _, x := range p.Exchanges() {
		if x.Notes.Has(OddUID) || x.Notes.Has(OctetsDiffer) {
			t.Errorf("%s is blamed for what was lost", x.Verb)
		}
	}
}

// TestPartsOfCommands loses the ends of commands: the digits that are left
// are no number, there may have been an argument, and nobody knows when the
// server had all of it.
func TestPartsOfCommands(t *testing.T) {
	p := parse(Options{FromStart: true}, script(`
S: +OK ready

C| LIST
xC|  2\r\n

S: +OK 2 1008

C| LIST
xC| \r\n

S: +OK 2 messages
S: 1 100
S: 2 1008
S: .

C| RETR 1
xC| 2\r\n

S: +OK
S: A: b
S: .

C| TOP 1 
xC| 0\r\n

S: +OK
S: A: b
S: .

C: QUIT

S: +OK
`), stream.ClosedFIN)
	var got strings.Builder
	for _, x := range p.Exchanges() {
		_, timed := x.Think()
		fmt.Fprintf(&got, "%s %d %s %d %v\n", x.Verb, x.Number(), x.Text.Reveal(), x.Lines, timed)
	}
	want := "LIST 0 2 1008 0 false\nLIST 0 2 messages 2 false\nRETR 0  1 false\nTOP 1  1 false\nQUIT 0  0 true\n"
	if got.String() != want {
		t.Errorf("\n got\n%s\nwant\n%s", got.String(), want)
	}
	if n := p.Messages()[0].Number; n != 0 {
		t.Errorf("the message has number %d", n)
	}
}

// TestPartsOfSASL loses the ends of an AUTH and of the lines that follow it:
// the login says that it was captured in part, and the rest of the line is no
// command to which the next reply could belong.
func TestPartsOfSASL(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"the mechanism", `
			S: +OK
			C| AUTH LO
			xC| GIN\r\n
			S: + VXNlcm5hbWU6
			C: YWxpY2U=
			S: + UGFzc3dvcmQ6
			C: eA==
			S: +OK in
			C: NOOP
			S: +OK
		`, `
			greeting ""
			AUTH "LO" -> +OK "in" S"VXNlcm5hbWU6" C"YWxpY2U=" S"UGFzc3dvcmQ6" C"eA==" resynced !command_damaged
			NOOP -> +OK
			login 1 LO "" secret="" success crackable
			state transaction
		`},
		{"the initial response", `
			S: +OK
			C| AUTH PLAIN AGFs
			xC| aWNlAHg=\r\n
			S: +OK in
			C: NOOP
			S: +OK
			C: STAT
			S: +OK 1 2
		`, `
			greeting ""
			AUTH "PLAIN AGFs" -> +OK "in" resynced !command_damaged
			NOOP -> +OK resynced
			STAT -> +OK "1 2"
			login 1 PLAIN "al" secret="" success cleartext
			state transaction
		`},
		{"the only turn", `
			S: +OK
			C: AUTH PLAIN
			S: +\x20
			C| AGFs
			xC| aWNlAHg=\r\n
			S: +OK in
			C: NOOP
			S: +OK
			C: STAT
			S: +OK 1 2
		`, `
			greeting ""
			AUTH "PLAIN" -> +OK "in" S"" C"AGFs" resynced !command_damaged
			NOOP -> +OK resynced
			STAT -> +OK "1 2"
			login 1 PLAIN "al" secret="" success cleartext
			state transaction
		`},
		{"a turn that another follows", `
			S: +OK
			C: AUTH LOGIN
			S: + VXNlcm5hbWU6
			C| YWxp
			xC| Y2U=\r\n
			S: + UGFzc3dvcmQ6
			C: eA==
			S: -ERR no
			C: USER a
			S: +OK
		`, `
			greeting ""
			AUTH "LOGIN" -> -ERR "no" S"VXNlcm5hbWU6" C"YWxp" S"UGFzc3dvcmQ6" C"eA==" resynced !command_damaged
			USER "a" -> +OK
			login 1 LOGIN "ali" secret="x" failure reason=other cleartext
			state authorization
		`},
		{"the middle of the mechanism", `
			S: +OK
			C| AUTH LO
			xC| GI
			C| N\r\n
			S: + VXNlcm5hbWU6
			C: YWxpY2U=
			S: + UGFzc3dvcmQ6
			C: eA==
			S: +OK in
			C: NOOP
			S: +OK
		`, `
			greeting ""
			AUTH "LO" -> +OK "in" S"VXNlcm5hbWU6" C"YWxpY2U=" S"UGFzc3dvcmQ6" C"eA==" resynced !command_damaged
			NOOP -> +OK
			login 1 LO "" secret="" success crackable
			state transaction
		`},
		{"the middle of a turn", `
			S: +OK
			C: AUTH LOGIN
			S: + VXNlcm5hbWU6
			C| YWxp
			xC| Y2UuYmFr
			C| ZXI=\r\n
			S: + UGFzc3dvcmQ6
			C: eA==
			S: +OK in
			C: NOOP
			S: +OK
		`, `
			greeting ""
			AUTH "LOGIN" -> +OK "in" S"VXNlcm5hbWU6" C"YWxp" S"UGFzc3dvcmQ6" C"eA==" resynced !command_damaged
			NOOP -> +OK
			login 1 LOGIN "ali" secret="x" success cleartext
			state transaction
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, fromStart, strings.ReplaceAll(c.text, `\x20`, ""), c.want)
			_, all := parseStretches(fromStart, script(strings.ReplaceAll(c.text, `\x20`, "")), stream.ClosedFIN, 0)
			for _, s := range all.told {
				if s.Dir == stream.Client && s.Part == SASLData && !s.Secret {
					t.Errorf("shown: %+v", s)
				}
			}
		})
	}
}

// TestPairingAfterDamage: what acknowledgements prove behind a reply that was
// captured in part, and what they do not.
func TestPairingAfterDamage(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"commands in one go, and the server has all of them", `
			S: +OK
			C: RETR 1
			S: +OK
			xS: a: b
			S: .
			C: DELE 1
			C: DELE 2
			S: +OK one
			S: -ERR two
			C: QUIT
			S: +OK
		`, `
			greeting ""
			RETR "1" -> +OK lines=0 octets=0 !reply_damaged
			DELE "1" -> +OK "one" resynced
			DELE "2" -> -ERR "two" pipelined
			QUIT -> +OK
			message 1 RETR 1 octets=0 gaps gap=0+6 deleted
			state update committed deleted=1
		`},
		{"the rest of a status line may be of the line that was cut", `
			S: +OK
			C: DELE 1
			C: NOOP
			S| +OK message\x20
			xS| one
			S| is gone\r\n
			S: +OK two
			C: QUIT
			S: +OK
		`, `
			greeting ""
			DELE "1" -> +OK "message " !reply_damaged
			NOOP -> - pipelined guessed !reply_damaged
			QUIT -> +OK resynced
			state update committed deleted=1 !unexpected_line
		`},
		{"a reply of which the beginning was lost has no status line behind it", `
			S: +OK
			C: RETR 1
			C: RETR 2
			xS: -ERR
			S: +OK two
			S: .
			C: QUIT
			S: +OK
		`, `
			greeting ""
			RETR "1" -> - guessed !reply_lost
			RETR "2" -> +OK "two" lines=0 octets=0 guessed
			QUIT -> +OK resynced
			message 2 RETR 2 octets=0 truncated
			state update committed
		`},
		{"the last reply before a clear point is that of the last command", `
			S: +OK
			xC: XFOO
			C: RETR 1
			C: DELE 4
			C: RSET
			C: DELE 1
			C: DELE 2
			S: -ERR unknown
			S: +OK
			S: a
			S: .
			S: +OK
			S: +OK reset
			S: +OK one
			S: -ERR two
			C: QUIT
			S: +OK
		`, `
			greeting ""
			- -> -ERR "unknown" guessed !command_lost
			RETR "1" -> +OK lines=1 octets=3 pipelined guessed
			DELE "4" -> +OK pipelined resynced
			RSET -> +OK "reset" pipelined resynced
			DELE "1" -> +OK "one" pipelined resynced
			DELE "2" -> -ERR "two" pipelined resynced
			QUIT -> +OK resynced
			message 2 RETR 1 octets=3 complete deleted
			state update committed deleted=1
		`},
		{"but not where another was lost behind it", `
			S: +OK
			xC: XFOO
			C: DELE 1
			xC: NOOP
			S: -ERR unknown
			S: +OK one
			S: +OK noop
			C: QUIT
			S: +OK
		`, `
			greeting ""
			- -> -ERR "unknown" guessed !command_lost
			DELE "1" -> +OK "one" pipelined guessed
			- -> +OK "noop" guessed !command_lost
			QUIT -> +OK resynced
			state update committed
		`},
		{"the beginning of an indicator", `
			S: +OK
			C: NOOP
			S| -E
			xS| RR no\r\n
			C: RETR 1
			S| +
			xS| OK\r\na: b\r\n
			S: c
			S: .
			C: XFOO
			S: +OK
			S| -
			xS| ERR
			C: NOOP
			S: +OK
		`, `
			greeting ""
			NOOP -> -ERR !reply_damaged !wrong_state
			RETR "1" -> +OK lines=1 octets=3 resynced !reply_damaged
			XFOO -> +OK guessed !unknown_command !look_ahead
			NOOP -> +OK resynced
			message 2 RETR 1 octets=3 gaps gap=0+10
			state transaction !unexpected_line
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, fromStart, strings.ReplaceAll(c.text, `\x20`, " "), c.want)
		})
	}
}

// TestListingWithoutEnd: a server that forgets the line with the dot, or a
// client that sends commands in one go, makes no reply a row of a listing.
func TestListingWithoutEnd(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"the client goes on", `
			S: +OK
			C: LIST
			S: +OK
			S: 1 100
			C: DELE 1
			S: +OK deleted
			C: UIDL
			S: +OK
			S: 1 a
			S: .
			C: QUIT
			S: +OK
		`, `
			greeting ""
			LIST -> +OK lines=1 octets=7 unterminated !wrong_state
			DELE "1" -> +OK "deleted" resynced
			UIDL -> +OK lines=1 octets=5
			QUIT -> +OK
			state update committed deleted=1
		`},
		{"the client does not wait", `
			S: +OK
			C: UIDL
			C: LIST
			C: DELE 1
			S: +OK
			S: 1 a
			S: +OK
			S: 1 100
			S: -ERR no
			C: QUIT
			S: +OK
		`, `
			greeting ""
			UIDL -> +OK lines=1 octets=5 unterminated !wrong_state
			LIST -> +OK lines=1 octets=7 unterminated pipelined guessed
			DELE "1" -> -ERR "no" pipelined resynced
			QUIT -> +OK resynced
			state update committed
		`},
		{"nothing was asked since", `
			S: +OK
			C: LIST
			S: +OK
			S: +OK is an odd row
			S: 1 100
			S: .
			C: QUIT
			S: +OK
		`, `
			greeting ""
			LIST -> +OK lines=2 octets=26 !wrong_state
			QUIT -> +OK
			state update committed
		`},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, fromStart, c.text, c.want) })
	}
}

// TestListingWithoutEndOfTheServerAlone is the same where the client was not
// captured.
func TestListingWithoutEndOfTheServerAlone(t *testing.T) {
	var server []stream.Chunk
	for _, c := range script(`
S: +OK

C: LIST

S: +OK
S: 1 100

C: DELE 1

S: +OK deleted

C: UIDL

S: +OK
S: 1 a
S: .
`) {
		if c.Dir == stream.Server {
			server = append(server, c)
		}
	}
	want := trimTabs(`
		greeting ""
		LIST -> +OK lines=1 octets=7 unterminated guessed !unexpected_reply !wrong_state
		- -> +OK "deleted" guessed !unexpected_reply
		UIDL -> +OK lines=1 octets=5 guessed !unexpected_reply
		state transaction
	`)
	if got := show(parse(fromStart, server, stream.ClosedFIN)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
