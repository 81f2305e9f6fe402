package capturetest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"popscope/capture"
)

// render writes a trace with sequence numbers counted from the handshake.
func render(t Trace) string {
	var b strings.Builder
	for _, s := range t.Rebase(1<<32-1_000_000_000, 1<<32-3_000_000_000) {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

func TestCompile(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"handshake, data with acknowledgement riding on it, close", `
S: +OK
C: QUIT
S: +OK bye
`, `
0 C>S SYN seq=0 ack=0 win=64240
0 S>C SYN|ACK seq=0 ack=1 win=64240
0 C>S ACK seq=1 ack=1 win=502
0 S>C PSH|ACK seq=1 ack=1 win=502 "+OK\r\n"
0 C>S PSH|ACK seq=1 ack=6 win=502 "QUIT\r\n"
0 S>C PSH|ACK seq=6 ack=7 win=502 "+OK bye\r\n"
0 C>S FIN|ACK seq=7 ack=15 win=502
0 S>C FIN|ACK seq=15 ack=8 win=502
0 C>S ACK seq=8 ack=16 win=502
`},
		{"lines of one side are one write, a dash ends it and is acknowledged", `
! nosyn
! noclose
C: A
C: B
-
C: C
`, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "A\r\nB\r\n"
0 S>C ACK seq=1 ack=7 win=502
0 C>S PSH|ACK seq=7 ack=1 win=502 "C\r\n"
`},
		{"mss, and an acknowledgement of every second segment", `
! mss 2
! nosyn
! noclose
S| 12345
C| x
`, `
0 S>C ACK seq=1 ack=1 win=502 "12"
0 S>C ACK seq=3 ack=1 win=502 "34"
0 C>S ACK seq=1 ack=5 win=502
0 S>C PSH|ACK seq=5 ack=1 win=502 "5"
0 C>S PSH|ACK seq=1 ack=6 win=502 "x"
`},
		{"escapes, base64, repetition, spaces", `
! nosyn
! noclose
S| \r\n\t\\\0\x7f\xFf
S= AAEC
S* 3 a\x20
S:  b 
S:
`, `
0 S>C PSH|ACK seq=1 ack=1 win=502 "\r\n\t\\\x00\x7f\xff\x00\x01\x02a a a  b \r\n\r\n"
`},
		{"a delayed acknowledgement in a pause", `
! nosyn
! noclose
S| x
! pause 1s
C| y
`, `
0 S>C PSH|ACK seq=1 ack=1 win=502 "x"
0 C>S ACK seq=1 ack=2 win=502
0 C>S PSH|ACK seq=1 ack=2 win=502 "y"
`},
		{"no acknowledgement in a short pause", `
! nosyn
! noclose
S| x
! pause 10ms
C| y
`, `
0 S>C PSH|ACK seq=1 ack=1 win=502 "x"
0 C>S PSH|ACK seq=1 ack=2 win=502 "y"
`},
		{"a lost write", `
! nosyn
! noclose
C| ab
! lost
S| cd
C| ef
`, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "ab"
0 C>S PSH|ACK seq=3 ack=3 win=502 "ef"
`},
		{"crossing writes", `
! nosyn
! noclose
C| ab
! crossing
S| cd
C| ef
`, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "ab"
0 S>C PSH|ACK seq=1 ack=1 win=502 "cd"
0 C>S PSH|ACK seq=3 ack=3 win=502 "ef"
0 S>C ACK seq=3 ack=5 win=502
`},
		{"half closed, then reset", `
! nosyn
C| ab
! fin client
S| cd
! rst client
`, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "ab"
0 C>S FIN|ACK seq=3 ack=1 win=502
0 S>C PSH|ACK seq=1 ack=4 win=502 "cd"
0 C>S RST|ACK seq=4 ack=3 win=502
`},
		{"closed by the server first", `
! nosyn
! fin server
`, `
0 S>C FIN|ACK seq=1 ack=1 win=502
0 C>S FIN|ACK seq=1 ack=2 win=502
0 S>C ACK seq=2 ack=2 win=502
`},
		{"keep-alive and windows", `
! nosyn
! noclose
S| x
! keepalive server
! zerowindow client
! windowupdate client
`, `
0 S>C PSH|ACK seq=1 ack=1 win=502 "x"
0 C>S ACK seq=1 ack=2 win=502
0 S>C ACK seq=1 ack=1 win=502
0 C>S ACK seq=1 ack=2 win=502
0 C>S ACK seq=1 ack=2 win=0
0 C>S ACK seq=1 ack=2 win=502
`},
		{"half open", "! syn half\n! open", `
0 C>S SYN seq=0 ack=0 win=64240
0 S>C SYN|ACK seq=0 ack=1 win=64240
0 C>S RST seq=1 ack=0 win=0
`},
		{"unanswered", "! syn unanswered", `
0 C>S SYN seq=0 ack=0 win=64240
`},
		{"two connections", `
! conn 2
! nosyn
! noclose
C| a
@ 2
! isn client=1000000000 server=3000000000
! nosyn
! noclose
C| b
@ 1
S| c
`, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "a"
1 C>S PSH|ACK seq=1 ack=1 win=502 "b"
0 S>C PSH|ACK seq=1 ack=2 win=502 "c"
`},
		{"nothing but a comment", "# nothing", "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse("x.txt", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := render(d.Trace()), strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("\n got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestRefusedSYN(t *testing.T) {
	d, err := Parse("x.txt", "! syn refused")
	if err != nil {
		t.Fatal(err)
	}
	trace := d.Trace()
	if len(trace) != 2 {
		t.Fatalf("%d packets, want 2", len(trace))
	}
	// RFC 9293 section 3.5.2: the reset has sequence number zero and
	// acknowledges the SYN.
	if s := trace[1]; s.FromClient || s.Flags != rst|ack || s.Seq != 0 || s.Ack != trace[0].Seq+1 {
		t.Errorf("reset is %v", s)
	}
}

func TestParseKeepsWhatIsSaid(t *testing.T) {
	d, err := Parse("dir/some-case.txt", `# Line one
#
# and two.
# keylog CLIENT_RANDOM aa bb
! server [2001:db8::110]:1110
! client 192.0.2.1:5
! start 2026-05-06T07:08:09.5Z
! step 2ms
# later comments are for readers
C: X
`)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "some-case" || d.About != "Line one and two." || d.KeyLog != "CLIENT_RANDOM aa bb\n" {
		t.Errorf("name %q, about %q, keys %q", d.Name, d.About, d.KeyLog)
	}
	s := d.Trace()[1]
	if s.Server.String() != "[2001:db8::110]:1110" || s.Client.String() != "192.0.2.1:5" {
		t.Errorf("between %v and %v", s.Client, s.Server)
	}
	if want := int64(1778051289_502_000_000); s.Nanos != want {
		t.Errorf("second packet at\n got %d\nwant %d", s.Nanos, want)
	}
}

func TestTraceBelongsToTheCaller(t *testing.T) {
	d, err := Parse("x", "C: USER alice")
	if err != nil {
		t.Fatal(err)
	}
	trace := d.Trace()
	trace[3].Payload[0] = 'X'
	trace[0].Options[0] = 9
	if again := d.Trace(); again[3].Payload[0] != 'U' || again[0].Options[0] != 2 {
		t.Error("a change of one Trace shows in the next")
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"unknown letter", "C: a\nX: b", 2, "neither C: nor S:"},
		{"unknown form", "C? a", 1, "after C or S"},
		{"no colon", "CAPA", 1, "after C or S"},
		{"dash without write", "-", 1, "there is none"},
		{"unknown directive", "! dance", 1, "not a directive"},
		{"no directive", "!", 1, "needs a word"},
		{"too few words", "! pause", 1, "takes a duration"},
		{"too many words", "! nosyn please", 1, "takes nothing"},
		{"bad duration", "! pause soon", 1, "invalid duration"},
		{"backwards", "! pause -1s", 1, "time goes forward"},
		{"too far", "! pause 100000h", 1, "time goes forward"},
		{"bad address", "! server mail.example.org:110", 1, "ParseAddr"},
		{"bad client", "! client 1", 1, "not an ip:port"},
		{"bad side", "! fin both", 1, "neither client nor server"},
		{"bad mss", "! mss 0", 1, "from 1 to"},
		{"mss no number", "! mss x", 1, "invalid syntax"},
		{"bad isn", "! isn client=x", 1, "invalid syntax"},
		{"isn of nobody", "! isn bob=1", 1, "neither client="},
		{"bad opening", "! syn maybe", 1, "not full"},
		{"header too late", "C: a\n! server 192.0.2.1:110", 2, "before the first line"},
		{"start too late", "C: a\n! start 2026-01-01T00:00:00Z", 2, "before everything"},
		{"bad start", "! start now", 1, "cannot parse"},
		{"start of old", "! start 1900-01-01T00:00:00Z", 1, "from 1970"},
		{"unknown connection", "@ 2", 1, "not declared"},
		{"connection no number", "@ two", 1, "not a number"},
		{"connection too high", "! conn 65", 1, "from 1 to 64"},
		{"connection not a number", "! conn x", 1, "invalid syntax"},
		{"connection declared late", "C: a\n! conn 1", 2, "has begun"},
		{"connection with a word", "! conn 2 fast", 1, "neither client="},
		{"connection with a bad address", "! conn 2 client=x", 1, "not an ip:port"},
		{"backslash at the end", `C| a\`, 1, "at the end"},
		{"unknown escape", `C| \q`, 1, "is not one of"},
		{"short hex", `C| \x1`, 1, "two digits"},
		{"bad hex", `C| \xgg`, 1, "invalid syntax"},
		{"bad base64", "C= ?", 1, "illegal base64"},
		{"nothing to send", "C| ", 1, "no bytes"},
		{"repeat without count", "C* x", 1, "invalid syntax"},
		{"repeat bad escape", `C* 3 \q`, 1, "is not one of"},
		{"repeat too often", "C* 9999999 x", 1, "4194304 bytes"},
		{"too much", "C* 4000000 x\nC* 4000000 x", 2, "more than 4194304"},
		{"too many packets", "! mss 1\nC* 100000 x", 2, "more than 65536 packets"},
		{"write after FIN", "! fin client\nC: a", 2, "has sent its FIN"},
		{"second FIN", "! fin client\n! fin client", 2, "has sent its FIN"},
		{"after reset", "! rst server\nS: a", 2, "connection is closed"},
		{"after close", "! close\nS: a", 2, "connection is closed"},
		{"after a refused SYN", "! syn refused\nS: a", 2, "connection is closed"},
		{"into a closed window", "! zerowindow server\nC: a", 2, "closed its window"},
		{"lost without write", "C: a\n! lost", 2, "without a write"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("x.txt", tt.text)
			var pe *ParseError
			if !errors.As(err, &pe) {
				t.Fatalf("got %v, want a *ParseError", err)
			}
			if pe.Line != tt.line || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("\n got %v\nwant line %d and %q", err, tt.line, tt.want)
			}
			if pe.Unwrap() == nil || !strings.HasPrefix(err.Error(), "capturetest: x.txt:") {
				t.Errorf("error is %q", err)
			}
		})
	}
}

// FuzzParse: a text is refused with the line, or it gives a trace as a
// sound network would.
func FuzzParse(f *testing.F) {
	f.Add("S: +OK\nC: QUIT\nS: +OK")
	f.Add("! conn 2 client=192.0.2.1:5 server=[2001:db8::1]:110\n! mss 3\nC* 9 ab\n@ 2\n! syn half\n! open\n@ 1\n! fin server\n! rst client")
	f.Add("! nosyn\n! noclose\n! isn client=4294967295\nS| \\x41\\0\n! crossing\nC= AAAA\n! keepalive client\n! zerowindow client\n! pause 1s\n! windowupdate client\n! lost\nC: x\n-\nC: y\n! close")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("f.txt", text)
		var pe *ParseError
		if err != nil {
			if !errors.As(err, &pe) || pe.Line < 1 || pe.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("error %v", err)
			}
			return
		}
		if problem := unsound(d.Trace(), strings.Contains(text, "lost")); problem != "" {
			t.Errorf("%s\n%s", problem, render(d.Trace()))
		}
	})
}

// TestDamageInADialog: what a capture can lack or have twice is said in the
// text.
func TestDamageInADialog(t *testing.T) {
	d, err := Parse("x", "! drops 5\n! damaged\nS: +OK one\n! again\nS: +OK two\nC: QUIT\n! cut 3\nS: +OK\n! badchecksum\nC: NOOP\n")
	if err != nil {
		t.Fatal(err)
	}
	var data []Segment
	for _, s := range d.Trace() {
		if len(s.Payload) > 0 {
			data = append(data, s)
		}
	}
	if len(data) != 5 {
		t.Fatalf("%d packets with data: %v", len(data), data)
	}
	if data[0].Seq != data[1].Seq || string(data[1].Payload) != "+OK two\r\n" {
		t.Errorf("! again: %v, %v", data[0], data[1])
	}
	if string(data[3].Payload) != "+OK" || data[3].Cut != 2 {
		t.Errorf("! cut: %v", data[3])
	}
	if data[3].BadChecksum || !data[4].BadChecksum {
		t.Errorf("! badchecksum: %v, %v", data[3], data[4])
	}
	if data[4].Ack != data[3].Seq+5 {
		t.Errorf("the client acknowledges %d of a packet at %d", data[4].Ack, data[3].Seq)
	}
	src := d.Source()
	if n := src.(interface{ Drops() uint64 }).Drops(); n != 5 {
		t.Errorf("%d drops, want 5", n)
	}
	var p capture.Packet
	for err = src.Next(&p); err == nil; err = src.Next(&p) {
	}
	var damage *capture.FormatError
	if !errors.As(err, &damage) || src.Next(&p) != io.EOF {
		t.Errorf("the capture ends with %v", err)
	}
	for _, text := range []string{"! again\nS: +OK\n", "S: +OK one\n! again\nS: +OK\n", "! cut x\nS: +OK\n", "S: +OK\n! cut 3\n"} {
		if _, err := Parse("x", text); err == nil {
			t.Errorf("%q is no dialog", text)
		}
	}
}
