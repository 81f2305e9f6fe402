package popscope

import (
	"bytes"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// look takes note of what a chunk tells of what the connection is.
func (t *track) look(ch *stream.Chunk) {
	seen := &t.seen[ch.Dir]
	if ch.Lost > 0 {
		if ch.Dir == stream.Server && len(seen.bytes) == 0 {
			t.whole = false
		}
		seen.cuts = append(seen.cuts, len(seen.bytes))
	}
	if ch.Dir == stream.Server && len(seen.bytes) == 0 && len(ch.Data) > 0 {
		t.spokeLate = ch.PeerAcked > 0
	}
	if room := t.shard.opt.Limits.Probe - len(seen.bytes); room > 0 {
		seen.bytes = append(seen.bytes, ch.Data[:min(room, len(ch.Data))]...)
	}
}

// opening is the beginning of one side, as far as it was captured.
type opening struct {
	bytes []byte
	cuts  []int // where in bytes some are missing
}

// clear forgets it, and keeps the memory.
func (o *opening) clear() opening { return opening{o.bytes[:0], o.cuts[:0]} }

// kept returns how many bytes are kept for it.
func (o *opening) kept() int { return len(o.bytes) + 8*len(o.cuts) }

// first returns the bytes up to where some are missing, and whether any are.
func (o *opening) first() (b []byte, cut bool) {
	for _, at := range o.cuts {
		if at > 0 {
			return o.bytes[:at], true
		}
	}
	return o.bytes, false
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
		if t.sawNothing() {
			t.shard.lost++
		} else {
			t.shard.notPOP3++
		}
		t.leave(c)
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
		if tls, need := t.looksLikeTLS(over); tls && !t.repliedFirst() {
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
	client, server := &t.seen[stream.Client], &t.seen[stream.Server]
	e := pop3parse.Evidence{
		Client: client.bytes, ClientCuts: client.cuts, Server: server.bytes, ServerCuts: server.cuts,
		FromStart: c.ClientKnown, OnPort: onPort, ClientFirst: t.spokeLate, Over: over,
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
		e.Client, e.ClientCuts, e.Server, e.ServerCuts = e.Server, e.ServerCuts, e.Client, e.ClientCuts
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

// looksLikeTLS reports whether the first bytes of either side are TLS. At the
// end they are if they can be, and the rest is missing.
func (t *track) looksLikeTLS(over bool) (tls, need bool) {
	for i := range t.seen {
		b, cut := t.seen[i].first()
		if len(b) == 0 {
			continue
		}
		is, more := tlsdec.LooksLike(b)
		// In a connection caught in the middle the first record can be of
		// any type (RFC 8446 section 5.1).
		if is || more && cut && over || !t.whole && len(b) > 2 && 0x14 <= b[0] && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4 {
			return true, false
		}
		need = need || more
	}
	return false, need
}

// repliedFirst reports whether a connection caught in the middle begins with a
// status line in clear: of an STLS that came before, if TLS follows.
func (t *track) repliedFirst() bool {
	b := t.seen[stream.Server].bytes
	return !t.whole && (bytes.HasPrefix(b, []byte("+OK")) || bytes.HasPrefix(b, []byte("-ERR")))
}

// flip exchanges client and server.
func (t *track) flip(c *stream.Conn) {
	c.Flip = true
	t.backlog.flip = !t.backlog.flip
}
