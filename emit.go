package popscope

import (
	"slices"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

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
	t.dispute(c)
	r.conn = *c
	r.conn.Owner = nil
	if c.Trouble != nil && !last {
		now := *c.Trouble
		now.Disputes = [2][]stream.Dispute{} // they go on to change
		r.conn.Trouble = &now
	}
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
		t.sawUser = t.sawUser || slices.Contains(t.shard.opt.Users, string(r.Logins[i].User))
	}
	r.sawUser = t.sawUser
	for i := range r.Exchanges {
		if r.Exchanges[i].Pairing != pop3parse.Sure {
			t.unsure++
		}
	}
	r.Unsure = t.unsure
	t.tlsFacts(r)
	if c.Packets[stream.Client] == 0 || c.Packets[stream.Server] == 0 {
		r.OneSided, r.Side = true, stream.Server
		if c.Packets[stream.Client] > 0 {
			r.Side = stream.Client
		}
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

// dispute lets the parser take note of the stretches of which there are
// different copies.
func (t *track) dispute(c *stream.Conn) {
	if c.Trouble != nil && t.reader != nil && t.parser != nil {
		t.parser.Dispute(&c.Trouble.Disputes)
	}
}

// tlsFacts says how the session was encrypted.
func (t *track) tlsFacts(r *Result) {
	if t.tls != nil {
		r.TLSInfo = t.tls.dec.Info()
	}
	if i := r.TLSInfo; i != nil && i.Obstacle == stream.HandshakeNotSeen && t.tls.dec.Unanswered() && r.Conn.Whole() {
		i.Obstacle = stream.NothingEncrypted
	}
	switch {
	case t.is == isTLS && !r.Conn.ClientKnown && r.Conn.Server.Port() == portPOP3:
		// The first byte was not seen, and on this port it is one of clear text
		// (RFC 2595 section 4). So is, perhaps, the reply to STLS.
		r.TLS = STLS
		if i := r.TLSInfo; i != nil && i.ClearAt.Packet != 0 {
			i.ClearAt, i.Obstacle = stream.Stamp{}, stream.HandshakeNotSeen
		}
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
