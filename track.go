package popscope

import (
	"popscope/pop3parse"
	"popscope/pop3parse/fingerprint"
	"popscope/reassembly/stream"
)

// track follows one connection: until it shows whether it is POP3, and
// then to its end. It is small as long as there is no need of a reader.
type track struct {
	shard   *shard
	*reader // nil while patient
	is      protocol
	patient bool // what comes waits in backlog to be read in one go
	counted bool // in shard.open and shard.ids
	over    bool // it was read to its end
	content bool
	sawUser bool      // a login of one of Options.Users was among the logins
	charge  charge    // for what is kept of it
	backlog backlog   // while is == undecided, and while that is undecided inside TLS: all that came
	tls     *tlsLayer // nil until there is TLS
	flow    *flow     // nil unless packets are asked for
	key     sessionID // valid while counted
}

// reader is what it takes to read a connection. It is large, and used again
// for others.
type reader struct {
	track  *track
	parser *pop3parse.Parser // nil before the first session
	id     string            // of the session, from start on
	part   int               // the last one that was emitted
	unsure int               // exchanges emitted whose pairing is not sure
	looked backlogMark       // up to where the backlog was looked at
	toTLS  func(stream.Chunk)
	mail   func(*pop3parse.Message) pop3parse.Sink // nil when nobody wants to know

	digests []digest
	print   fingerprint.Print

	// What the backlog told of what the connection is.
	seen      [2]opening
	whole     bool // the server's bytes are there from the start
	spokeLate bool // the server had client bytes when it first spoke
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
	*r = reader{
		seen: [2]opening{r.seen[0].clear(), r.seen[1].clear()}, parser: r.parser,
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
		t.backlog.add(&ch, &t.shard.reuse.buffers)
		t.decide(c, false)
	}
}

// wait is data while the track is patient.
func (t *track) wait(c *stream.Conn, ch *stream.Chunk) {
	if t.backlog.add(ch, &t.shard.reuse.buffers); t.backlog.isLong() {
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

// replay hands on what was held. It may come to be held again.
func (t *track) replay(to func(*stream.Conn, stream.Chunk), c *stream.Conn) {
	held, from := t.backlog, backlogMark{}
	t.backlog, t.looked, t.seen = backlog{}, backlogMark{}, [2]opening{t.seen[0].clear(), t.seen[1].clear()}
	for ch, ok := held.next(&from); ok; ch, ok = held.next(&from) {
		to(c, ch)
	}
	t.shard.reuse.buffers.put(held.packed)
}

// start begins to read the connection as what it is.
func (t *track) start(c *stream.Conn, is protocol) {
	t.is = is
	t.shard.decided(c, map[protocol]Protocol{isPOP3: POP3, isTLS: TLSProtocol}[is])
	t.count(c)
	text := t.key.text()
	t.id = t.shard.name(text[:])
	if w := t.shard.window; w != nil {
		if t.flow = w.flows[c]; t.flow != nil {
			t.flow.id = t.id
		}
	}
	if is == isTLS {
		t.beginTLS()
	}
	t.newParser(c, c.Answered && is == isPOP3)
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

// readToEnd reads what is left of a connection that has ended, once.
func (t *track) readToEnd(c *stream.Conn) {
	if t.over {
		return
	}
	t.over = true
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
