package popscope

import (
	"popscope/capture"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// secrets gathers the key log of a run. Its marks say what was known when a
// packet was read, so that results do not depend on how far ahead of the
// workers the reader is.
type secrets struct {
	log  *tlsdec.KeyLog
	src  interface{ KeyLog() []byte } // nil when the source holds no secrets
	seen int                          // bytes taken from it
}

// from names the source, which may hold secrets itself.
func (k *secrets) from(src capture.Source) {
	k.src, _ = src.(interface{ KeyLog() []byte })
}

// mark takes what secrets the source has read by now, and returns how far
// the log has come.
func (k *secrets) mark() int64 {
	if k.src != nil {
		if b := k.src.KeyLog(); len(b) > k.seen {
			k.log.Write(b[k.seen:])
			k.seen = len(b)
		}
	}
	return k.log.Mark()
}

// waiting are the connections of a shard that wait for secrets, which may
// stand behind their packets in a pcapng file, or come to a log that grows.
type waiting struct {
	tracks []*track // in the order in which they began to wait
	held   int      // bytes that they hold
	gaveUp int64    // connections that had to let go of what they held
}

// maxWaiting bounds what all connections of a shard hold for secrets: 32 MB
// in all shards. The connection that waits longest is given up first.
const maxWaiting = 32 << 20 / numShards

// keys lets the connections know that the key log has come further.
func (s *shard) keys(mark int64) {
	if mark <= s.known {
		return
	}
	s.known = mark
	tracks := s.tls.tracks
	s.tls.tracks = nil
	for _, t := range tracks {
		t.tls.dec.Keys(mark)
		t.tls.listed = false
		t.plaintext(t.tls.conn)
		t.account()
	}
}

// expectsKeys reports whether packets are to wait for secrets that are not
// known yet.
func (s *shard) expectsKeys() bool {
	return !s.opt.noMoreKeys && (s.opt.awaitKeys || s.known > 0)
}

// mayOpen reports whether a connection on a port that is not POP3's may be
// TLS that there are keys for.
func (s *shard) mayOpen(ch *stream.Chunk) bool {
	if s.known == 0 || ch.Off != 0 || ch.Dir != stream.Client {
		return false
	}
	tls, need := tlsdec.LooksLike(ch.Data)
	return tls || need
}

// tlsLayer is the TLS of one connection.
type tlsLayer struct {
	dec    *tlsdec.Decryptor
	conn   *stream.Conn // valid while listed
	inside protocol     // what the plaintext turned out to be; isPOP3 after STLS
	held   int          // what dec held when it was asked last
	listed bool         // in waiting.tracks
}

// beginTLS begins to read TLS.
func (t *track) beginTLS() {
	t.tls = &tlsLayer{dec: tlsdec.NewDecryptor(t.shard.opt.Keys)}
	if t.flow != nil {
		t.tls.dec.Trace(t.flow.opened)
	}
}

// feedTLS takes a chunk of TLS: all of a connection, or what follows STLS.
func (t *track) feedTLS(ch stream.Chunk) {
	if ch.Secure {
		return // TLS in TLS
	}
	if t.tls == nil {
		t.beginTLS()
		t.tls.inside = isPOP3
	}
	t.tls.dec.Keys(t.shard.known) // shard.keys told only those who waited
	if t.is == isPOP3 && t.flow != nil {
		t.flow.tlsBytes(ch)
	}
	t.tls.dec.Feed(ch)
}

// plaintext takes what could be decrypted by now.
func (t *track) plaintext(c *stream.Conn) {
	if t.tls == nil {
		return
	}
	t.tls.conn = c
	for ch, ok := t.tls.dec.Next(); ok; ch, ok = t.tls.dec.Next() {
		if t.flow != nil {
			t.flow.plaintext(ch)
		}
		switch t.tls.inside {
		case isPOP3:
			t.pop3(c, ch)
		case undecided:
			t.backlog.add(&ch, &t.shard.reuse.buffers)
			t.decideInside(c, false)
		}
	}
	if t.content && t.tls.inside == undecided && t.tls.dec.Waiting() {
		t.leaveTLS(c) // on a port that is not POP3's, and nobody has the keys
		t.shard.notPOP3++
		return
	}
	if t.flow != nil {
		t.flow.decrypted()
	}
	t.account()
}

// decideInside finds out what is inside of TLS, if the plaintext says so by
// now.
func (t *track) decideInside(c *stream.Conn, over bool) {
	for ch, ok := t.backlog.next(&t.looked); ok; ch, ok = t.backlog.next(&t.looked) {
		t.look(&ch)
	}
	over = over || t.full()
	is := t.probePOP3(c, t.shard.ports.has(c.Server.Port()), over)
	if over && !t.content && t.sawNothing() {
		is = isPOP3 // all of it was lost: the port decides, as without keys
	}
	switch is {
	case isPOP3:
		t.tls.inside = isPOP3
		t.newParser(c, c.Answered)
		t.replay(t.pop3, c)
	case isOther:
		t.leaveTLS(c)
		t.shard.notInside++
	}
}

// sawNothing reports whether look was told of losses alone.
func (t *track) sawNothing() bool {
	return len(t.seen[stream.Client].bytes)+len(t.seen[stream.Server].bytes) == 0
}

// leaveTLS lets go of a connection that has no POP3 inside of its TLS.
func (t *track) leaveTLS(c *stream.Conn) {
	t.tls.inside = isOther
	t.leave(c)
	t.forget()
}

// closeTLS decides what was waiting for secrets.
func (t *track) closeTLS(c *stream.Conn) {
	if t.is == isOther {
		return
	}
	t.tls.dec.Close()
	t.plaintext(c)
	if t.is == isOther {
		return
	}
	switch {
	case t.tls.inside == undecided && t.backlog.chunks > 0:
		t.decideInside(c, true)
	case t.tls.inside == undecided && t.content:
		t.leaveTLS(c)
		t.shard.notPOP3++
	}
	t.forget()
}

// wrongWayRound reports whether the hellos say that client and server are
// taken for each other, in a connection whose beginning was not seen.
func (t *track) wrongWayRound(c *stream.Conn) bool {
	const clientHello, serverHello, kind = 1, 2, 5 // types of messages; where they stand behind a record's header
	says := func(d stream.Dir, hello byte) bool {
		b, _ := t.seen[d].first()
		return len(b) > kind && b[0] == 0x16 && b[kind] == hello
	}
	return !c.ClientKnown && (says(stream.Server, clientHello) || says(stream.Client, serverHello))
}

// account notes what the connection holds for secrets, and keeps the shard
// within its limit.
func (t *track) account() {
	w, l := &t.shard.tls, t.tls
	now := l.dec.Held()
	w.held += now - l.held
	l.held = now
	if l.dec.Waiting() && !l.listed {
		l.listed = true
		w.tracks = append(w.tracks, t)
	}
	for w.held > maxWaiting && len(w.tracks) > 0 {
		oldest := w.tracks[0]
		w.tracks = w.tracks[1:]
		oldest.tls.listed = false
		if !oldest.tls.dec.Waiting() {
			continue
		}
		w.gaveUp++
		oldest.tls.dec.GiveUp()
		oldest.plaintext(oldest.tls.conn)
	}
}

// forget takes the connection out of the account.
func (t *track) forget() {
	w, l := &t.shard.tls, t.tls
	w.held -= l.held
	l.held = 0
	if !l.listed {
		return
	}
	l.listed = false
	for i, other := range w.tracks {
		if other == t {
			w.tracks = append(w.tracks[:i:i], w.tracks[i+1:]...)
			break
		}
	}
}
