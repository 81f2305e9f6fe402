package pop3parse

import (
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	const start, late = true, false
	for _, tt := range []struct {
		name           string
		server, client string
		fromStart      bool
		onPort         Detection // where the port speaks for POP3
		elsewhere      Detection
	}{
		{"nothing yet", "", "", start, Undecided, Undecided},
		{"greeting alone", "+OK ready\r\n", "", start, Undecided, Undecided},
		{"greeting and USER", "+OK ready\r\n", "USER alice\r\n", start, IsPOP3, IsPOP3},
		{"greeting and half a command", "+OK ready\r\n", "US", start, Undecided, Undecided},
		{"lower case", "+OK ready\r\n", "user alice\r\n", start, IsPOP3, IsPOP3},
		{"refusal", "-ERR too many\r\n", "QUIT\r\n", start, IsPOP3, Undecided}, // Redis says that too
		{"refusal of a POP3 client", "-ERR too many\r\n", "USER a\r\n", start, IsPOP3, IsPOP3},
		{"behind a load balancer", "+OK ready\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 110\r\nUSER a\r\n", start, IsPOP3, IsPOP3},
		{"FTP caught in the middle", "331 password\r\n230 in\r\n", "USER a\r\nPASS b\r\n", late, Undecided, IsNot},
		{"half a greeting", "+O", "", start, Undecided, Undecided},
		{"FTP", "220 ready\r\n", "USER alice\r\n", start, IsNot, IsNot},
		{"SMTP", "220 mail ESMTP\r\n", "EHLO x\r\n", start, IsNot, IsNot},
		{"NNTP", "200 news\r\n", "LIST\r\n", start, IsNot, IsNot},
		{"IMAP", "* OK IMAP4rev1\r\n", "a LOGIN x y\r\n", start, IsNot, IsNot},
		{"POP2", "+ POP2 ready\r\n", "HELO alice x\r\n", start, IsNot, IsNot},
		{"HTTP", "HTTP/1.1 200 OK\r\n", "GET / HTTP/1.1\r\n", start, IsNot, IsNot},
		{"HTTP to a POP3 server", "+OK ready\r\n", "GET / HTTP/1.1\r\n", start, IsPOP3, IsNot},
		{"SSH", "SSH-2.0-x\r\n", "", start, IsNot, IsNot},
		{"TLS", "\x16\x03\x03\x00\x50", "\x16\x03\x01\x02\x00", start, IsNot, IsNot},
		{"caught in the middle", "+OK 2 320\r\n", "STAT\r\n", late, IsPOP3, IsPOP3},
		{"caught inside a mail", "ext\r\nof a mail\r\n", "", late, Undecided, Undecided},
		{"caught inside a mail, then a command", "ext\r\n.\r\n+OK\r\n", "DELE 1\r\n", late, IsPOP3, IsPOP3},
		{"caught in HTTP", "HTTP/1.1 200 OK\r\n\r\n+OK\r\n", "GET / HTTP/1.1\r\n\r\n", late, IsNot, IsNot},
		{"caught in HTTP, inside an answer", "ok:\r\n+OK 1\r\nHTTP/1.0 304 Not Modified\r\n\r\n", "a: b\r\n\r\nHEAD /a HTTP/1.0\r\n\r\n", late, IsNot, IsNot},
		{"caught in HTTP, the server alone", "HTTP/1.1 200 OK\r\n\r\n+OK\r\n", "", late, IsNot, IsNot},
		{"caught inside a mail about HTTP", "HTTP/1.1 200 OK\r\n.\r\n+OK\r\n", "DELE 1\r\n", late, IsPOP3, IsPOP3},
		{"HTTP to a POP3 server, caught in the middle", "+OK ready\r\n-ERR what?\r\n", "GET / HTTP/1.1\r\n", late, Undecided, Undecided},
		{"caught in Redis", "+OK\r\n", "AUTH x\r\n", late, IsPOP3, Undecided},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := Evidence{Server: []byte(tt.server), Client: []byte(tt.client), FromStart: tt.fromStart, OnPort: true}
			if got := Probe(e); got != tt.onPort {
				t.Errorf("on the port: got %d, want %d", got, tt.onPort)
			}
			e.OnPort = false
			if got := Probe(e); got != tt.elsewhere {
				t.Errorf("elsewhere: got %d, want %d", got, tt.elsewhere)
			}
		})
	}
}

func TestProbeOfAServerThatDoesNotGreet(t *testing.T) {
	e := Evidence{FromStart: true, ClientFirst: true, Client: []byte("AUTH wonderland\r\nSET a b\r\n"), Server: []byte("+OK\r\n+OK\r\n")}
	for _, e.OnPort = range []bool{false, true} {
		if got := Probe(e); got != IsNot {
			t.Errorf("Redis, on port %v: got %d", e.OnPort, got)
		}
	}
}

func TestProbeAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		server, client string
		onPort         bool
		want           Detection
	}{
		{"+OK ready\r\n", "", true, IsPOP3},
		{"+OK ready\r\n", "", false, IsNot},
		{"", "USER a\r\nPASS b\r\n", true, IsPOP3},
		{"", "USER a\r\nPASS b\r\n", false, IsNot},
		{"", "GET /\r\n", true, IsNot},
		{"", "", true, IsNot},
	} {
		e := Evidence{Server: []byte(tt.server), Client: []byte(tt.client), FromStart: true, OnPort: tt.onPort, Over: true}
		if got := Probe(e); got != tt.want {
			t.Errorf("server %q, client %q, on port %v: got %d, want %d", tt.server, tt.client, tt.onPort, got, tt.want)
		}
	}
}

// What the snapshot length leaves of each packet decides on a port that is
// taken as POP3 if nothing speaks against it. Bytes are missing at each "|".
func TestProbeOfCutPackets(t *testing.T) {
	for _, tt := range []struct {
		name           string
		server, client string
		fromStart      bool
		want           Detection
	}{
		{"two bytes of each", "+O|+O|-E|", "US|PA|QU|", true, IsPOP3},
		{"one byte of each", "+|+|-|", "U|P|Q|", true, IsPOP3},
		{"the server alone", "+O|+O|", "", true, IsPOP3},
		{"the client alone", "|", "US|PA|", true, IsPOP3},
		{"half a greeting, then a reply", "+O|\r\n+OK 2\r\n", "STAT\r\n", true, IsPOP3},
		{"the rest of a command, then others", "+OK ready|", "|rect horse\r\nSTAT\r\n", true, IsPOP3},
		{"rests of commands", "+OK\r\n", "US|a\r\nb\r\nc\r\n", true, IsPOP3},
		{"begun before, two bytes of each", "+O|xt|+O|", "ST|RE|", false, IsPOP3},
		{"nothing", "|", "|", true, IsNot},
		{"FTP", "22|33|", "US|PA|", true, IsNot},
		{"SMTP", "22|", "EH|", true, IsNot},
		{"HTTP", "HT|", "GE|", true, IsNot},
		{"HTTP, the client alone", "|", "GET /|", true, IsNot},
		{"IMAP", "* |", "a |", true, IsNot},
		{"TLS", "\x16\x03|", "\x16\x03|", true, IsNot},
		{"a whole line of HTTP", "|", "GET / HTTP/1.1\r\nHo|", true, IsNot},
		{"begun before, two bytes of mail", "xt|of|", "", false, IsNot},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := Evidence{FromStart: tt.fromStart, Over: true}
			e.Server, e.ServerCuts = cutUp(tt.server)
			e.Client, e.ClientCuts = cutUp(tt.client)
			if got := Probe(e); got != IsNot && tt.want != IsPOP3 {
				t.Errorf("elsewhere: got %d", got)
			}
			e.OnPort = true
			if got := Probe(e); got != tt.want {
				t.Errorf("on the port: got %d, want %d", got, tt.want)
			}
		})
	}
}

// cutUp returns text without the marks, and where they were.
func cutUp(text string) (b []byte, cuts []int) {
	for part := range strings.SplitSeq(text, "|") {
		b = append(b, part...)
		cuts = append(cuts, len(b))
	}
	return b, cuts[:len(cuts)-1]
}

// A PROXY header is left out, and what is missing behind it stays in its place.
func TestProbeOfCutsBehindAProxyHeader(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 110\r\n"
	e := Evidence{FromStart: true, OnPort: true, Over: true, Server: []byte("+OK ready\r\n")}
	e.Client, e.ClientCuts = cutUp(header + "US|rect horse\r\n")
	if got := Probe(e); got != IsPOP3 {
		t.Errorf("got %d", got)
	}
	e.Server, e.ServerCuts = cutUp("+O|")
	if got := Probe(e); got != IsPOP3 {
		t.Errorf("with half a greeting: got %d", got)
	}
	e.Server, e.ServerCuts = cutUp("22|")
	if got := Probe(e); got != IsNot {
		t.Errorf("FTP: got %d", got)
	}
	e.Server, e.ServerCuts = cutUp("+O|")
	e.Client, e.ClientCuts = cutUp(header[:20] + "|")
	if got := Probe(e); got != IsPOP3 {
		t.Errorf("with half a header: got %d", got)
	}
}

// FuzzProbe: the end always brings a decision, whatever is missing.
func FuzzProbe(f *testing.F) {
	f.Add([]byte("+OK ready\r\n"), []byte("USER alice\r\n"), uint16(0), uint16(0), true, true)
	f.Add([]byte("220 x\r\n"), []byte("USER alice\r\n"), uint16(2), uint16(3), true, false)
	f.Add([]byte("x\r\n+OK\r\n"), []byte("STAT\r\n"), uint16(0), uint16(9), false, false)
	f.Fuzz(func(t *testing.T, server, client []byte, cutServer, cutClient uint16, start, onPort bool) {
		if len(server)+len(client) > 4096 {
			return
		}
		e := Evidence{Server: server, Client: client, FromStart: start, OnPort: onPort, Over: true}
		if n := int(cutServer); n <= len(server) {
			e.ServerCuts = []int{n}
		}
		if n := int(cutClient); n <= len(client) {
			e.ClientCuts = []int{n / 2, n}
		}
		if Probe(e) == Undecided {
			t.Fatalf("undecided at the end: %+v", e)
		}
	})
}
