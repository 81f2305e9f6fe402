package fingerprint

import (
	"strings"
	"testing"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// TestTable holds every row to its example and to the documented columns.
func TestTable(t *testing.T) {
	most := map[string]int{}
	rows := map[string]bool{}
	for i, tr := range known().traits {
		row := strings.Join([]string{tr.software, tr.where, tr.pattern.String()}, " ")
		if !tr.pattern.MatchString(tr.example) {
			t.Errorf("row %d: %s does not match its example %q", i+1, row, tr.example)
		}
		if tr.verified != "recorded" && tr.verified != "documented" {
			t.Errorf("row %d: verified %q", i+1, tr.verified)
		}
		if rows[row] {
			t.Errorf("row %d: %s is there twice", i+1, row)
		}
		rows[row] = true
		verb := strings.TrimRight(tr.where, "+-")
		switch {
		case tr.client != (tr.where == "script"):
			t.Errorf("row %d: a client is known by its script, a server by all else", i+1)
		case tr.where == "greeting" || tr.where == "timestamp" || tr.where == "capa" || tr.where == "script" || tr.where == "-":
		case verb == tr.where || pop3parse.Verb(verb).RFC() == "":
			t.Errorf("row %d: nothing comes from %q", i+1, tr.where)
		}
		most[tr.software] += max(tr.weight, 0)
	}
	for name, score := range most {
		if score < named {
			t.Errorf("%s can reach %d only", name, score)
		}
	}
	if len(most) < 15 {
		t.Errorf("only %d kinds of software", len(most))
	}
}

func TestTableErrors(t *testing.T) {
	for _, row := range []string{
		"server\tX\tgreeting\t10", "server\tX\tgreeting\tten\trecorded\tx\tx", "server\tX\tgreeting\t10\trecorded\t(\tx",
		"both\tX\tgreeting\t10\trecorded\tx\tx",
	} {
		if _, err := parse(row); err == nil {
			t.Errorf("%q was taken", row)
		}
	}
}

// turn is a command with its reply, in short.
type turn struct {
	verb   pop3parse.Verb
	args   string
	status pop3parse.Status
	text   string
}

func exchange(c turn) *pop3parse.Exchange {
	return &pop3parse.Exchange{
		Verb: c.verb, Args: secret.NewText([]byte(c.args)), Status: c.status, Text: secret.NewText([]byte(c.text)),
		RequestFirst: stream.Stamp{Packet: 1},
	}
}

func TestServers(t *testing.T) {
	tests := []struct {
		name, greeting, capa string
		turns                []turn
		want, version        string
		sure                 Sure
	}{
		{name: "says its name", greeting: "Dovecot (Ubuntu) ready.", want: "Dovecot", sure: High},
		{name: "says its version", greeting: "mail.example.org Cyrus POP3 2.4.17-Fedora server ready", want: "Cyrus IMAP", version: "2.4.17-Fedora", sure: High},
		{name: "by its list alone", greeting: "welcome", capa: "CAPA, TOP, UIDL, RESP-CODES, PIPELINING, AUTH-RESP-CODE, USER", want: ""},
		{name: "by list and words", greeting: "welcome", capa: "CAPA, TOP, UIDL, RESP-CODES, PIPELINING, AUTH-RESP-CODE, USER",
			turns: []turn{{"PASS", "", pop3parse.OK, "Logged in."}}, want: "Dovecot", sure: Medium},
		{name: "words that anybody could say", greeting: "POP3 server ready",
			turns: []turn{{"USER", "alice", pop3parse.OK, "Password required."}, {"PASS", "", pop3parse.OK, "Logged in."}, {"QUIT", "", pop3parse.OK, "Bye-bye."}}},
		{name: "another order of the list", greeting: "ready", capa: "TOP, UIDL, CAPA, RESP-CODES, PIPELINING, AUTH-RESP-CODE", turns: []turn{{"PASS", "", pop3parse.OK, "Logged in."}}},
		{name: "two at once", greeting: "Dovecot ready.", capa: "TOP, UIDL, IMPLEMENTATION GNU POP3 Daemon"},
		{name: "silent", turns: []turn{{"CAPA", "", pop3parse.Err, ""}, {"USER", "alice", pop3parse.OK, ""}, {"PASS", "", pop3parse.OK, ""}, {"QUIT", "", pop3parse.OK, ""}}, want: "popa3d", sure: Medium},
		{name: "silent but for one word", turns: []turn{{"CAPA", "", pop3parse.Err, ""}, {"USER", "alice", pop3parse.OK, ""}, {"PASS", "", pop3parse.OK, "hello"}, {"QUIT", "", pop3parse.OK, ""}}},
		{name: "hostile version", greeting: "x Cyrus POP3 3\x1b]0;owned\x07 server ready", want: "Cyrus IMAP", version: "3", sure: High},
		{name: "long version", greeting: "x Cyrus POP3 3" + strings.Repeat("9", 200) + " server ready", want: "Cyrus IMAP", version: "3" + strings.Repeat("9", 39), sure: High},
	}
	m := NewMatcher()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				p := m.Print()
				for _, c := range tt.turns {
					p.Exchange(exchange(c))
				}
				s := &pop3parse.Session{HasGreeting: true, Greeting: secret.NewText([]byte(tt.greeting))}
				if tt.capa != "" {
					for _, row := range strings.Split(tt.capa, ", ") {
						s.Capabilities = append(s.Capabilities, []byte(row))
					}
				}
				got := p.Server(s)
				if got == nil {
					if tt.want != "" {
						t.Errorf("not known, want %s", tt.want)
					}
					continue
				}
				if got.Name != tt.want || got.Version != tt.version || got.Sure != tt.sure || len(got.Evidence) == 0 {
					t.Errorf("\n got %+v\nwant %s %s, %v", *got, tt.want, tt.version, tt.sure)
				}
			}
		})
	}
}

func TestClients(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"CAPA AUTH-CRAM-MD5 RETR# RETR# QUIT", "curl"},
		{"CAPA USER PASS RETR# QUIT", ""},
		{"CAPA USER PASS STAT RETR# QUIT", ""},
		{"USER PASS RETR# QUIT", ""},
		{"capa user pass retr# quit", ""},
		{"USER PASS STAT LIST# RETR# DELE# LIST# RETR# DELE# QUIT", "fetchmail"},
		{"CAPA USER PASS STAT LAST UIDL LIST# RETR# LIST# RETR# QUIT", "fetchmail"},
		{"CAPA AUTH-CRAM-MD5 STAT LAST UIDL LIST# TOP# DELE# LIST# TOP# DELE# QUIT", "fetchmail"},
		{"APOP STAT LAST UIDL LIST# TOP# DELE# QUIT", "fetchmail"},
		{"USER PASS STAT UIDL LIST# RETR# LIST# RETR# DELE# DELE# LIST# RETR# DELE# QUIT", "fdm"},
		{"APOP STAT UIDL LIST# RETR# LIST# RETR# DELE# DELE# QUIT", "fdm"},
		{"USER PASS STAT UIDL LIST# RETR# LIST# RETR# QUIT", ""}, // fdm or fetchmail, which keeps the mail
		{"USER PASS STAT UIDL LIST# RETR# DELE# QUIT", ""},
		{"USER PASS UIDL LIST UIDL LIST RETR# RETR# QUIT", "getmail"},
		{"CAPA AUTH-SCRAM-SHA-256 CAPA STAT UIDL LIST# TOP# LIST# TOP# DELE# QUIT", "Mutt or NeoMutt"},
		{"USER PASS STAT STAT LIST# TOP# LIST# TOP# QUIT", ""}, // mailfilter
		{"USER PASS STAT LIST RETR# DELE# QUIT", ""},
		{"CAPA AUTH-PLAIN STAT LIST UIDL RETR# &RETR# &RETR# QUIT", "mpop"},
		{"CAPA AUTH-PLAIN STAT LIST UIDL RETR# RETR# RETR# QUIT", ""},
		{"AUTH CAPA AUTH-PLAIN STAT LIST UIDL RETR# QUIT", "Thunderbird"},
		{"AUTH USER PASS STAT QUIT", ""},
		{"USER PASS STAT LIST UIDL RETR# RETR# QUIT", ""},
	} {
		p := NewMatcher().Print()
		p.script = []byte(tt.script)
		got := ""
		if s := p.Client(); s != nil {
			got = s.Name
		}
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.script, got, tt.want)
		}
	}
}

// TestScript tells how commands are written, and that nothing of the
// user's is in it.
func TestScript(t *testing.T) {
	p := NewMatcher().Print()
	for i, c := range []turn{
		{"CAPA", "", pop3parse.OK, ""}, {"USER", "1234", pop3parse.OK, ""}, {"PASS", "12345", pop3parse.OK, ""}, {"AUTH", "plain AGE=", pop3parse.OK, ""},
		{"SESAME", "", pop3parse.Err, ""}, {"TOP", "1 0", pop3parse.OK, ""}, {"RETR", "1", pop3parse.OK, ""},
	} {
		x := exchange(c)
		x.Pipelined = i == 6
		p.Exchange(x)
	}
	const want = "CAPA USER PASS AUTH-PLAIN= ? TOP# &RETR#"
	if string(p.script) != want {
		t.Errorf("\n got %s\nwant %s", p.script, want)
	}
	for range 1000 {
		p.Exchange(exchange(turn{"NOOP", "", pop3parse.OK, ""}))
	}
	if n := len(p.script); n > 1000 || !strings.HasSuffix(string(p.script), " ...") {
		t.Errorf("script of %d bytes: %s", n, p.script)
	}
}
