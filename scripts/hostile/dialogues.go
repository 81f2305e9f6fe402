package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
)

// endlessLine: a command of n bytes that has no end.
func endlessLine(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.flood(fromClient, "NOOP and more of it ", n)
}

// endlessReply: a status line of n bytes that has no end.
func endlessReply(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "STAT\r\n")
	c.flood(fromServer, "+OK and more of it ", n)
}

// endlessMail: a mail of n bytes that has no end.
func endlessMail(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "RETR 1\r\n")
	c.say(fromServer, "+OK\r\nSubject: without end\r\n\r\n")
	c.flood(fromServer, "To be continued, and continued, and continued, and continued.\r\n", n)
}

// endlessHeader: a mail of n bytes that is one header field.
func endlessHeader(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "RETR 1\r\n")
	c.say(fromServer, "+OK\r\nSubject: without end\r\n")
	c.flood(fromServer, " and another line of it\r\n", n)
}

// endlessParts: a mail of n parts, each an attachment.
func endlessParts(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "RETR 1\r\n")
	c.say(fromServer, "+OK\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n")
	const part = "--x\r\nContent-Disposition: attachment; filename=a\r\n\r\nb\r\n"
	c.flood(fromServer, part, n*len(part))
	c.say(fromServer, "\r\n.\r\n")
	c.close()
}

// pipelined: n commands that get no replies.
func pipelined(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.flood(fromClient, "NOOP\r\n", n*len("NOOP\r\n"))
}

// listing: a UIDL of n messages.
func listing(t *traffic, n int) {
	const step = 2000
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "UIDL\r\n")
	c.say(fromServer, "+OK\r\n")
	for i := 1; i <= n; i += step {
		c.say(fromServer, rows(i, min(i+step-1, n)))
	}
	c.say(fromServer, ".\r\n")
	c.close()
}

// rows returns the rows of UIDL for some messages.
func rows(from, to int) string {
	var b []byte
	for i := from; i <= to; i++ {
		b = fmt.Appendf(b, "%d unique-id-%d\r\n", i, i)
	}
	return string(b)
}

// capa: a list of capabilities of n bytes.
func capa(t *traffic, n int) {
	c := t.connect(0)
	c.say(fromServer, "+OK ready\r\n")
	c.say(fromClient, "CAPA\r\n")
	c.say(fromServer, "+OK\r\n")
	c.flood(fromServer, "X-CAPABILITY with some arguments\r\n", n)
	c.say(fromServer, "\r\n.\r\n")
	c.close()
}

// authTurns: a SASL dialogue of n turns.
func authTurns(t *traffic, n int) {
	c := t.connect(0)
	c.say(fromServer, "+OK ready\r\n")
	c.say(fromClient, "AUTH X-ENDLESS\r\n")
	for i := range n {
		text := base64.StdEncoding.EncodeToString([]byte("turn " + strconv.Itoa(i)))
		c.say(fromServer, "+ "+text+"\r\n")
		c.say(fromClient, text+"\r\n")
	}
	c.say(fromServer, "+OK\r\n")
	c.close()
}

// refusedLogins: n logins of one connection, each with another user and
// password, all refused.
func refusedLogins(t *traffic, n int) {
	c := t.connect(0)
	c.say(fromServer, "+OK ready\r\n")
	for i := range n {
		c.say(fromClient, "USER u"+strconv.Itoa(i)+"\r\n")
		c.say(fromServer, "+OK\r\n")
		c.say(fromClient, "PASS p"+strconv.Itoa(i)+"\r\n")
		c.say(fromServer, "-ERR [AUTH] no\r\n")
	}
	c.close()
}
