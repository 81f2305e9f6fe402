package popscope

import (
	"popscope/pop3parse"
	"popscope/pop3parse/fingerprint"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// track follows one connection: until it shows whether it is POP3, and
// then to its end. It is small as long as there is no need of a reader.
type track struct {
	shard   *shard
	*reader // nil while patient
	is      protocol
	patient bool // what comes waits in backlog to be read in one go
	counted bool // in shard.open and shard.ids
	content bool
	sawUser bool      // a login of Options.User was among the logins
	charge  charge    // for what is kept of it
	backlog backlog   // while is == undecided, and while that is undecided inside TLS: all that came
	tls     *tlsLayer // nil until there is TLS
	flow    *flow     // nil unless packets are asked for
	key     sessionID // valid while counted
	id      string    // the same as text, from start on
	part    int
}

// reader is what it takes to read a connection. It is large, and used again
// for others.
type reader struct {
	track  *track
	parser *pop3parse.Parser // nil before the first session
	toTLS  func(stream.Chunk)
	mail   func(*pop3parse.Message) pop3parse.Sink // nil when nobody wants to know

	digests []digest
	print   fingerprint.Print

	// What the backlog told of what the connection is.
	seen       [2][]byte // the first bytes of each side
	whole      bool      // the server's bytes are there from the start, without a gap
	spokeLate  bool      // the server had client bytes when it first spoke
	clientLost bool      // some of the client's bytes are missing
}

// protocol is what a connection turned out to be.
type protocol uint8

const (
	undecided protocol = iota
	isPOP3
	isTLS // from its first byte
	isOther
)

// begin makes the track ready for a connection whose first chunk came.
func (t *track) begin(s *shard, c *stream.Conn, first *stream.Chunk) {
	t.shard = s
	t.backlog.packed = s.reuse.buffer()
	if t.patient = s.patient && saysHello(c, first) && s.ports.has(c.Server.Port()); t.patient {
		t.count(c)
	}
}

// saysHello reports whether a connection begins as POP3 does: the server
// speaks first, with a status.
func saysHello(c *stream.Conn, first *stream.Chunk) bool {
	return c.ClientKnown && first.Dir == stream.Server && first.Off == 0 && len(first.Data) > 0 && (first.Data[0] == '+' || first.Data[0] == '-')
}

// count adds the track to the sessions that are under way.
func (t *track) count(c *stream.Conn) {
	if !t.counted {
		t.counted, t.key = true, t.shard.newID(c)
		t.shard.open.Add(1)
	}
}

// uncount takes it out again.
func (t *track) uncount() {
	if t.counted {
		t.counted = false
		delete(t.shard.ids, t.key)
		t.shard.open.Add(-1)
	}
}

// open gives the track a reader.
func (t *track) open(c *stream.Conn) {
	s := t.shard
	t.patient = false
	r := s.reuse.reader()
	t.reader, r.track, r.whole = r, t, c.ClientKnown
	if s.prints == nil {
		s.prints = fingerprint.NewMatcher()
	}
	r.print.Reset(s.prints)
	if r.toTLS == nil {
		r.toTLS = func(ch stream.Chunk) { r.track.feedTLS(ch) }
		if !s.opt.NoMail {
			r.mail = func(m *pop3parse.Message) pop3parse.Sink { return r.track.sink(m) }
		}
	}
}

// clear lets go of everything but memory to be used again.
func (r *reader) clear() {
	clear(r.digests)
	*r = reader{
		seen: [2][]byte{r.seen[0][:0], r.seen[1][:0]}, parser: r.parser,
		toTLS: r.toTLS, mail: r.mail, print: r.print, digests: r.digests[:0],
	}
}

// data takes a chunk.
func (t *track) data(c *stream.Conn, ch stream.Chunk) {
	switch t.is {
	case isPOP3:
		t.pop3(c, ch)
		t.plaintext(c)
	case isTLS:
		if t.flow != nil {
			t.flow.implicitTLS(ch)
		}
		t.feedTLS(ch)
		t.plaintext(c)
	case undecided:
		t.backlog.add(&ch)
		t.decide(c, false)
	}
}

// wait is data while the track is patient.
func (t *track) wait(c *stream.Conn, ch *stream.Chunk) {
	if t.backlog.add(ch); t.backlog.isLong() {
		t.decide(c, false)
	}
}

// pop3 gives the parser a chunk, in clear or decrypted.
func (t *track) pop3(c *stream.Conn, ch stream.Chunk) {
	t.parser.Feed(ch)
	full := len(t.parser.Exchanges()) >= t.shard.opt.Limits.PartExchanges || t.parser.Ready() >= t.shard.opt.Limits.PartBytes
	if goesOn := c.Ended.Packet == 0 || t.shard.now.Packet < c.Ended.Packet; full && goesOn {
		t.emit(c, false)
	}
}

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

// replay hands on what was held. It may come to be held again.
func (t *track) replay(to func(*stream.Conn, stream.Chunk), c *stream.Conn) {
	held := t.backlog
	held.rewind()
	t.backlog, t.seen = backlog{}, [2][]byte{t.seen[0][:0], t.seen[1][:0]}
	for ch, ok := held.next(); ok; ch, ok = held.next() {
		to(c, ch)
	}
	t.shard.reuse.spare(held.packed)
}

// decide finds out what the connection is, if its bytes say so by now.
func (t *track) decide(c *stream.Conn, over bool) {
	if t.reader == nil {
		t.open(c)
	}
	for ch, ok := t.backlog.next(); ok; ch, ok = t.backlog.next() {
		t.look(&ch)
		if t.decided(c, t.probe(c, t.fullOf(&t.backlog.seen))) {
			return
		}
	}
	if over {
		t.decided(c, t.probe(c, true))
	}
}

// fullOf reports whether no more is held to find out what it is.
func (t *track) fullOf(m *backlogMark) bool {
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
		if tls, need := t.looksLikeTLS(); tls {
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

// flip exchanges client and server.
func (t *track) flip(c *stream.Conn) {
	c.Flip = true
	t.backlog.flip = !t.backlog.flip
}

// start begins to read the connection as what it is.
func (t *track) start(c *stream.Conn, is protocol) {
	t.is = is
	t.shard.decided(c, map[protocol]Protocol{isPOP3: POP3, isTLS: TLSProtocol}[is])
	t.count(c)
	text := t.key.text()
	t.id = t.shard.name(text[:])
	if w := t.shard.window; w != nil {
		t.flow = w.flows[c]
	}
	if is == isTLS {
		t.beginTLS()
	}
	t.newParser(c, c.Handshake && is == isPOP3)
	t.replay(t.data, c)
}

// newParser begins a session.
func (t *track) newParser(c *stream.Conn, fromStart bool) {
	if t.parser == nil {
		t.parser = new(pop3parse.Parser)
	}
	t.parser.Reset(pop3parse.Options{
		FromStart: fromStart,
		KeepBody:  t.shard.opt.KeepBody,
		Limits:    t.shard.opt.Limits.Session,
		Mail:      t.mail,
		TLS:       t.toTLS,
		Stretch:   t.stretch(c),
	})
}

// stretch returns the function that takes stretches, or nil when nobody
// asks for them.
func (t *track) stretch(c *stream.Conn) func(pop3parse.Stretch) {
	tap := t.shard.opt.Tap
	switch {
	case t.flow != nil:
		return t.flow.stretch
	case tap == nil:
		return nil
	}
	return func(s pop3parse.Stretch) { tap.Stretch(c, s) }
}

// close takes the end of the connection.
func (t *track) close(c *stream.Conn) {
	if t.readToEnd(c); t.is != isOther {
		t.emit(c, true)
	}
}

// readToEnd reads what is left of a connection that has ended.
func (t *track) readToEnd(c *stream.Conn) {
	if t.is == undecided {
		t.decide(c, true)
	}
	if t.tls != nil {
		t.closeTLS(c)
	}
	if t.is != isOther {
		t.uncount()
		t.parser.End(c.Close)
	}
}

// emit makes a result of what was finished since the last one, and hands it
// out.
func (t *track) emit(c *stream.Conn, last bool) {
	r := t.newResult(c, last)
	t.fingerprints(r)
	t.judge(r)
	t.handOut(r)
}

// newResult makes a result of what was finished since the last one.
func (t *track) newResult(c *stream.Conn, last bool) *Result {
	t.part++
	r := t.shard.reuse.result()
	r.ID, r.Part, r.Last, r.ByContent, r.partAt = t.id, t.part, last, t.content, t.shard.now.Packet
	r.conn = *c
	r.conn.Owner = nil
	r.Conn = &r.conn
	r.Session, r.Exchanges, r.Logins = t.parser.Session(), t.parser.Exchanges(), t.parser.Logins()
	for i, m := range t.parser.Messages() {
		out := Message{Message: m}
		if i < len(t.digests) {
			out.SHA256, out.Mail, out.Body = t.digests[i].sum, t.digests[i].mail, t.digests[i].body
		}
		r.Messages = append(r.Messages, out)
	}
	for i := range r.Logins {
		t.sawUser = t.sawUser || string(r.Logins[i].User) == t.shard.opt.User
	}
	r.sawUser = t.sawUser
	t.tlsFacts(r)
	if c.Packets[stream.Client] == 0 || c.Packets[stream.Server] == 0 {
		r.OneSided, r.Side = true, stream.Server
		if c.Packets[stream.Client] > 0 {
			r.Side = stream.Client
		}
	}
	for _, k := range c.Conflicts {
		noteConflict(r.Exchanges, k)
	}
	if last {
		r.Maildrop = t.parser.Maildrop()
	}
	return r
}

// handOut hands out a result. That of the last part refers to what the reader
// holds, which is used again when nobody looks at the Result any more; the
// others are on their own, since the track goes on. So is the result of a
// session that was long: it may have to wait for its turn, and what else the
// reader holds is large.
func (t *track) handOut(r *Result) {
	if r.Last && t.parser.Size() <= spareExchanges {
		r.reader, r.shard = t.reader, t.shard
	} else {
		r.detach(t)
	}
	if r.Last {
		t.reader = nil
	}
	t.shard.out = append(t.shard.out, r)
}

// judge applies the rules about one session.
func (t *track) judge(r *Result) {
	r.facts()
	r.judge.Messages = t.parser.Messages()
	r.Findings = t.shard.judge.Session(&r.judge, &r.found)
}

// noteConflict marks the exchanges that the first copy of a conflict is
// part of.
func noteConflict(xs []pop3parse.Exchange, k stream.Conflict) {
	for i := range xs {
		first, last := xs[i].RequestFirst.Packet, xs[i].RequestLast.Packet
		if k.Dir == stream.Server {
			first, last = xs[i].ReplyFirst.Packet, xs[i].ReplyLast.Packet
		}
		if first > 0 && first <= k.First.Packet && k.First.Packet <= last {
			xs[i].Notes.Add(pop3parse.DifferingCopies)
		}
	}
}

// tlsFacts says how the session was encrypted.
func (t *track) tlsFacts(r *Result) {
	if t.tls != nil {
		r.TLSInfo = t.tls.dec.Info()
	}
	switch {
	case t.is == isTLS:
		r.TLS = ImplicitTLS
	case r.Session.STLS && (t.tls != nil || !r.Session.ClearAfterSTLS):
		r.TLS = STLS
	}
}

// detach makes r independent of the track, which goes on, or is let go of
// while r waits for its turn.
func (r *Result) detach(t *track) {
	session := *r.Session
	r.Session = &session
	if r.Last {
		drop := *r.Maildrop
		r.Maildrop = &drop
	}
	r.facts()
	t.parser.Take()
	if r.Last {
		t.parser = nil
	}
	t.digests = nil
}
