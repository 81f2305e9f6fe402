package popscope

import (
	"bytes"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// look takes note of what a chunk tells of what the connection is.
func (t *track) look(ch *stream.Chunk) {
	if ch.Lost > 0 {
		if ch.Dir == stream.Client {
			t.clientLost = true
		} else {
			t.whole = false
		}
		t.seen[ch.Dir] = append(t.seen[ch.Dir], '\n') // what follows is no part of the line before
	}
	if ch.Dir == stream.Server && len(t.seen[stream.Server]) == 0 && len(ch.Data) > 0 {
		t.spokeLate = ch.PeerAcked > 0
	}
	if room := t.shard.opt.Limits.Probe - len(t.seen[ch.Dir]); room > 0 {
		t.seen[ch.Dir] = append(t.seen[ch.Dir], ch.Data[:min(room, len(ch.Data))]...)
	}
}

// decide finds out what the connection is, if its bytes say so by now.
func (t *track) decide(c *stream.Conn, over bool) {
	if t.reader == nil {
		t.open(c)
	}
	for ch, ok := t.backlog.next(&t.looked); ok; ch, ok = t.backlog.next(&t.looked) {
		t.look(&ch)
		if t.decided(c, t.probe(c, t.full())) {
			return
		}
	}
	if over {
		t.decided(c, t.probe(c, true))
	}
}

// full reports whether no more is held to find out what it is.
func (t *track) full() bool {
	m := &t.looked
	return m.bytes >= t.shard.opt.Limits.Probe || m.chunks >= maxHeldChunks
}

// decided acts upon what a connection is, and reports whether that is known.
func (t *track) decided(c *stream.Conn, is protocol) bool {
	switch is {
	case isPOP3, isTLS:
		t.start(c, is)
	case isOther:
		t.leave(c)
		t.shard.notPOP3++
		t.shard.decided(c, OtherProtocol)
	}
	return is != undecided
}

// leave lets go of a connection that is no POP3.
func (t *track) leave(c *stream.Conn) {
	t.is = isOther
	t.shard.reuse.buffers.put(t.backlog.packed)
	t.backlog = backlog{}
	t.shard.reuse.left(t.reader)
	t.reader = nil
	t.uncount()
	c.Ignore = true
}

// maxHeldChunks bounds what small chunks cost besides their bytes.
const maxHeldChunks = 256

// probe asks the bytes seen so far.
func (t *track) probe(c *stream.Conn, over bool) protocol {
	onPort := t.shard.ports.has(c.Server.Port())
	if onPort || t.shard.known > 0 {
		if tls, need := t.looksLikeTLS(); tls && !t.repliedFirst() {
			t.content = !onPort
			if t.wrongWayRound(c) {
				t.flip(c)
			}
			return isTLS
		} else if need && !over {
			return undecided
		}
	}
	return t.probePOP3(c, onPort, over)
}

// probePOP3 asks the bytes seen so far whether they are POP3.
func (t *track) probePOP3(c *stream.Conn, onPort, over bool) protocol {
	e := pop3parse.Evidence{
		Client: t.seen[stream.Client], Server: t.seen[stream.Server],
		FromStart: t.whole, OnPort: onPort, ClientFirst: t.spokeLate, ClientLost: t.clientLost, Over: over,
	}
	switch pop3parse.Probe(e) {
	case pop3parse.IsPOP3:
		t.content = !onPort
		return isPOP3
	case pop3parse.IsNot:
		if c.ClientKnown || onPort {
			return isOther
		}
		// Nobody saw who opened the connection: perhaps the other one did.
		e.Client, e.Server = e.Server, e.Client
		switch pop3parse.Probe(e) {
		case pop3parse.IsPOP3:
			t.content = true
			t.flip(c)
			return isPOP3
		case pop3parse.IsNot:
			return isOther
		}
	}
	if over {
		return isOther
	}
	return undecided
}

// looksLikeTLS reports whether the first bytes of either side are TLS.
func (t *track) looksLikeTLS() (tls, need bool) {
	for _, b := range t.seen {
		if len(b) == 0 {
			continue
		}
		is, more := tlsdec.LooksLike(b)
		// In a connection caught in the middle the first record can be of
		// any type (RFC 8446 section 5.1).
		if is || !t.whole && len(b) > 2 && 0x14 <= b[0] && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4 {
			return true, false
		}
		need = need || more
	}
	return false, need
}

// repliedFirst reports whether a connection caught in the middle begins with a
// status line in clear: of an STLS that came before, if TLS follows.
func (t *track) repliedFirst() bool {
	b := t.seen[stream.Server]
	return !t.whole && (bytes.HasPrefix(b, []byte("+OK")) || bytes.HasPrefix(b, []byte("-ERR")))
}

// flip exchanges client and server.
func (t *track) flip(c *stream.Conn) {
	c.Flip = true
	t.backlog.flip = !t.backlog.flip
}
