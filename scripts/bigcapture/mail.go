package main

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// mailKind makes POP3 sessions: most look for new mail and find none, the
// others fetch some.
type mailKind struct {
	r     *rand.Rand
	truth *truth
	stock *stock
}

func newMailKind(r *rand.Rand, t *truth) *mailKind {
	return &mailKind{r: r, truth: t, stock: newStock(r)}
}

// chance is true once in n calls.
func (k *mailKind) chance(n int) bool { return k.r.IntN(n) == 0 }

func (k *mailKind) next(budget int64) *dialogue {
	s := &session{mailKind: k, d: &dialogue{port: 110}, budget: budget}
	k.truth.Sessions++
	s.greet()
	if s.chance(100) {
		s.ask("STLS", "+OK Begin TLS negotiation now.")
		tls(s.d, s.r)
		k.truth.SessionsSTLS++
		return s.d
	}
	if s.logIn() {
		if s.chance(9) {
			s.fetch()
		} else {
			s.check()
		}
	}
	s.ask("QUIT", "+OK Logging out.")
	return s.d
}

// session is a session in the making.
type session struct {
	*mailKind
	d      *dialogue
	budget int64
	stamp  string // of the greeting, for APOP
}

// ask adds a command and a reply.
func (s *session) ask(command, reply string) {
	s.d.say(client, []byte(command+"\r\n"))
	s.reply(reply)
}

func (s *session) reply(line string) { s.d.say(server, []byte(line+"\r\n")) }

func (s *session) greet() {
	s.stamp = fmt.Sprintf("<%d.%d@mail.example.org>", s.r.IntN(30000)+300, s.r.Uint32())
	s.reply("+OK POP3 server ready. " + s.stamp)
	if s.chance(4) {
		s.ask("CAPA", "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN\r\n.")
	}
}

// logIn reports whether the server let the user in.
func (s *session) logIn() bool {
	user := fmt.Sprintf("user%05d", s.r.IntN(20000))
	password := fmt.Sprintf("secret-%d", s.r.IntN(1e6))
	if s.chance(30) {
		s.password(user, password[1:], "-ERR [AUTH] Authentication failed.")
		s.truth.LoginsFailed++
		if s.chance(2) {
			return false
		}
	}
	const welcome = "+OK Logged in."
	switch s.r.IntN(40) {
	case 0, 1:
		digest := md5.Sum([]byte(s.stamp + password)) // RFC 1939 section 7
		s.ask(fmt.Sprintf("APOP %s %x", user, digest), welcome)
		s.truth.Logins++
		s.truth.LoginsAPOP++
	case 2, 3:
		s.plain(base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)), welcome)
	default:
		s.password(user, password, welcome)
	}
	return true
}

func (s *session) password(user, password, reply string) {
	s.ask("USER "+user, "+OK")
	s.ask("PASS "+password, reply)
	s.truth.Logins++
}

// plain is AUTH PLAIN (RFC 4616), with or without an initial response (RFC 5034).
func (s *session) plain(response, reply string) {
	if s.chance(2) {
		s.ask("AUTH PLAIN "+response, reply)
	} else {
		s.ask("AUTH PLAIN", "+ ")
		s.ask(response, reply)
	}
	s.truth.Logins++
	s.truth.LoginsPlain++
}

// check looks for new mail. The maildrop may hold mail that is known.
func (s *session) check() {
	sizes := make([]int, max(0, s.r.IntN(24)-8))
	for i := range sizes {
		sizes[i] = 800 + s.r.IntN(200_000)
	}
	s.stat(sizes)
	if s.chance(3) {
		s.list(sizes)
	}
	if len(sizes) > 0 && s.chance(2) {
		s.uidl(len(sizes))
	}
}

// fetch gets all mail there is.
func (s *session) fetch() {
	mails := make([]*mail, 1+s.r.IntN(6))
	sizes := make([]int, len(mails))
	for i := range mails {
		size := min(s.mailSize(), max(smallestMail, s.budget))
		s.budget -= int64(size)
		mails[i] = s.stock.mail(s.r, int(size))
		sizes[i] = int(mails[i].octets)
		s.truth.message(mails[i].octets, mails[i].sum)
	}
	s.stat(sizes)
	s.list(sizes)
	if s.chance(4) {
		s.retrievePipelined(mails)
	} else {
		s.retrieve(mails)
	}
}

// mailSize returns a size as mails have them: most are small, and most of
// the bytes are in a few large ones.
func (s *session) mailSize() int64 {
	var from, to int64
	switch n := s.r.IntN(200); {
	case n < 150:
		from, to = smallestMail, 20_000
	case n < 193:
		from, to = 20_000, 150_000
	case n < 199:
		from, to = 150_000, 1_200_000
	default:
		from, to = 2_000_000, 5_000_000
	}
	return from + s.r.Int64N(to-from)
}

func (s *session) retrieve(mails []*mail) {
	remove := s.chance(2)
	for i, m := range mails {
		s.d.say(client, fmt.Appendf(nil, "RETR %d\r\n", i+1))
		s.send(m)
		if remove {
			s.ask(fmt.Sprintf("DELE %d", i+1), "+OK Marked to be deleted.")
		}
	}
}

// retrievePipelined sends all commands before the first reply (RFC 2449
// section 6.6).
func (s *session) retrievePipelined(mails []*mail) {
	for i := range mails {
		s.d.say(client, fmt.Appendf(nil, "RETR %d\r\n", i+1))
	}
	for _, m := range mails {
		s.send(m)
	}
}

// send adds the reply to RETR.
func (s *session) send(m *mail) {
	s.d.say(server, fmt.Appendf(nil, "+OK %d octets\r\n", m.octets))
	s.d.say(server, m.wire...)
	s.d.say(server, []byte(".\r\n"))
}

func (s *session) stat(sizes []int) {
	sum := 0
	for _, n := range sizes {
		sum += n
	}
	s.ask("STAT", fmt.Sprintf("+OK %d %d", len(sizes), sum))
}

func (s *session) list(sizes []int) {
	var b strings.Builder
	fmt.Fprintf(&b, "+OK %d messages:\r\n", len(sizes))
	for i, n := range sizes {
		fmt.Fprintf(&b, "%d %d\r\n", i+1, n)
	}
	s.ask("LIST", b.String()+".")
}

func (s *session) uidl(n int) {
	var b strings.Builder
	b.WriteString("+OK\r\n")
	for i := range n {
		fmt.Fprintf(&b, "%d %016x\r\n", i+1, s.r.Uint64())
	}
	s.ask("UIDL", b.String()+".")
}
