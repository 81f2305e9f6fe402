package main

import "io"

// talk is one connection with the server. Its methods write what one end
// says at once, cut into segments.
type talk struct {
	*traffic
	client endpoint
	seq    [2]uint32 // of the next byte that client and server send
}

// side is one end of a talk.
type side int

const (
	fromClient side = iota
	fromServer
)

const mss = 1460

// connect writes the handshake of the i-th client.
func (t *traffic) connect(i int) *talk {
	c := &talk{traffic: t, client: client(i), seq: [2]uint32{1_000_000_000, 3_000_000_000}}
	c.segment(c.client, server, c.seq[0], 0, syn, nil)
	c.segment(server, c.client, c.seq[1], c.seq[0]+1, syn|ack, nil)
	c.seq[0]++
	c.seq[1]++
	c.control(fromClient, ack)
	return c
}

// logIn writes a login with USER and PASS.
func (c *talk) logIn() {
	c.say(fromServer, "+OK ready\r\n")
	c.say(fromClient, "USER alice\r\n")
	c.say(fromServer, "+OK\r\n")
	c.say(fromClient, "PASS wonderland-7\r\n")
	c.say(fromServer, "+OK\r\n")
}

// say writes what one end sends, and the acknowledgement of the other.
func (c *talk) say(from side, text string) {
	c.put([]byte(text), from)
	c.control(1-from, ack)
}

// put writes bytes that nobody acknowledges yet.
func (c *talk) put(data []byte, from side) {
	src, dst := c.ends(from)
	for len(data) > 0 {
		n := min(len(data), mss)
		c.segment(src, dst, c.seq[from], c.seq[1-from], psh|ack, data[:n])
		c.seq[from] += uint32(n)
		data = data[n:]
	}
}

// skip has one end send bytes that the capture lacks.
func (c *talk) skip(n int, from side) { c.seq[from] += uint32(n) }

// flood writes n bytes, which repeat a piece of text. The other end
// acknowledges now and then.
func (c *talk) flood(from side, piece string, n int) {
	var block []byte
	for len(block) < 32*mss {
		block = append(block, piece...)
	}
	for ; n > 0 && c.err == nil; n -= len(block) {
		c.put(block[:min(n, len(block))], from)
		c.control(1-from, ack)
	}
}

// close writes the end of the connection.
func (c *talk) close() {
	for _, from := range [...]side{fromClient, fromServer} {
		c.control(from, fin|ack)
		c.seq[from]++
		c.control(1-from, ack)
	}
}

// control writes a segment without data.
func (c *talk) control(from side, flags byte) {
	src, dst := c.ends(from)
	c.segment(src, dst, c.seq[from], c.seq[1-from], flags, nil)
}

func (c *talk) ends(from side) (src, dst endpoint) {
	if from == fromClient {
		return c.client, server
	}
	return server, c.client
}

// packets makes a kind's write function from one that makes traffic.
func packets(make func(t *traffic, n int)) func(io.Writer, int) error {
	return func(w io.Writer, n int) error {
		t, err := newTraffic(w)
		if err != nil {
			return err
		}
		make(t, n)
		if err := t.w.Close(); t.err == nil {
			t.err = err
		}
		return t.err
	}
}
