package pop3parse

import "testing"

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

// FuzzProbe: more bytes never turn a decision round, and the end always
// brings one.
func FuzzProbe(f *testing.F) {
	f.Add([]byte("+OK ready\r\n"), []byte("USER alice\r\n"), true, true)
	f.Add([]byte("220 x\r\n"), []byte("USER alice\r\n"), true, false)
	f.Add([]byte("x\r\n+OK\r\n"), []byte("STAT\r\n"), false, false)
	f.Fuzz(func(t *testing.T, server, client []byte, start, onPort bool) {
		if len(server)+len(client) > 4096 {
			return
		}
		e := Evidence{Server: server, Client: client, FromStart: start, OnPort: onPort, Over: true}
		if Probe(e) == Undecided {
			t.Fatalf("undecided at the end: server %q, client %q", server, client)
		}
	})
}
