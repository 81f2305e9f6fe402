package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// halfOpen: SYNs that nobody answers, each from another client.
func halfOpen(t *traffic, n int) {
	for i := range n {
		t.segment(client(i), server, uint32(i)*7919, 0, syn, nil)
	}
}

// openSessions: connections that log in and then stay open.
func openSessions(t *traffic, n int) {
	t.step = 1000
	for i := range n {
		t.connect(i).logIn()
	}
}

// idleSessions: connections that log in and are silent until all of them have
// been idle for too long, when another one comes.
func idleSessions(t *traffic, n int) {
	openSessions(t, n-1)
	t.now += int64(2 * time.Hour)
	c := t.connect(n)
	for range 100 {
		c.say(fromServer, "+OK ready\r\n")
	}
	c.close()
}

// holes: a mail of which the capture lacks one byte in a hundred, and
// nobody acknowledges it.
func holes(t *traffic, n int) {
	c := t.connect(0)
	c.logIn()
	c.say(fromClient, "RETR 1\r\n")
	c.say(fromServer, "+OK\r\nSubject: holes\r\n\r\n")
	line := []byte(fmt.Sprintf("%097d\r\n", 0))
	for range n {
		c.skip(1, fromServer)
		c.put(line, fromServer)
	}
}

// fragments: the first fragments of datagrams whose rest never comes.
func fragments(t *traffic, n int) {
	t.step = 1000
	data := make([]byte, 1400)
	for i := range n {
		c := client(i)
		h := t.packet(c.addr, server.addr, 6, 0x2000, 0, data) // more fragments follow
		binary.BigEndian.PutUint16(h[0:], c.port)
		binary.BigEndian.PutUint16(h[2:], server.port)
		t.send()
	}
}

// overlaps: one datagram of which ever more fragments of eight bytes come,
// each over the one before and none the last.
func overlaps(t *traffic, n int) {
	t.step = 1000
	data := make([]byte, 16)
	for i := range n {
		t.id = 7
		data[8] = byte(i)
		t.packet(client(0).addr, server.addr, 6, 0x2000|uint16(i%8000), 0, data)
		t.send()
	}
}

// crowd: connections that log in, ask for as much as their kind makes them
// remember, and stay open.
func crowd(ask func(c *talk, n int), each int) func(*traffic, int) {
	return func(t *traffic, n int) {
		t.step = 1000
		for i := range n {
			c := t.connect(i)
			c.logIn()
			ask(c, each)
		}
	}
}

// unanswered sends n short commands.
func unanswered(c *talk, n int) { c.flood(fromClient, "NOOP\r\n", n*len("NOOP\r\n")) }

// longCommands sends n commands of eight kilobytes.
func longCommands(c *talk, n int) {
	line := "NOOP " + strings.Repeat("x", 8<<10) + "\r\n"
	for range n {
		c.say(fromClient, line)
	}
}

// answered sends n long commands that are answered at length.
func answered(c *talk, n int) {
	line := strings.Repeat("x", 8<<10) + "\r\n"
	for range n {
		c.say(fromClient, "NOOP "+line)
		c.say(fromServer, "+OK "+line)
	}
}

// longMaildrop asks for a UIDL of n messages.
func longMaildrop(c *talk, n int) {
	c.say(fromClient, "UIDL\r\n")
	c.say(fromServer, "+OK\r\n"+rows(1, n)+".\r\n")
}

// undecided: connections that show neither that they are POP3 nor that they
// are not.
func undecided(t *traffic, n int) {
	t.step = 1000
	for i := range n {
		t.connect(i).flood(fromServer, "+", 40*mss)
	}
}

// stoppedClock: a session that has ended, and one of n commands, all in the
// same instant.
func stoppedClock(t *traffic, n int) {
	t.step = 0
	c := t.connect(0)
	c.logIn()
	c.close()
	c = t.connect(1)
	c.logIn()
	for range n {
		c.say(fromClient, "NOOP\r\n")
		c.say(fromServer, "+OK\r\n")
	}
	c.close()
}

// one makes a crowd of one connection, of n requests.
func one(ask func(c *talk, n int)) func(*traffic, int) {
	return func(t *traffic, n int) {
		c := t.connect(0)
		c.logIn()
		ask(c, n)
	}
}
