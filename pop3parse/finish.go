package pop3parse

import (
	"slices"

	"popscope/reassembly/stream"
)

// Exchanges are large, and many sessions are open at once: up to smallList
// of them, their list grows by growth at most and not to twice its size.
const growth, smallList = 8, 64

// finish hands the head on: its reply, as much of it as there is, ended at
// server stream offset end.
func (p *Parser) finish(end int64) {
	x, r := p.head(), &p.reply
	p.n++
	x.N = p.n
	x.State = p.ses.State
	if x.N > 1 && x.acked >= 0 && x.acked < p.lastReplyEnd {
		x.Pipelined = true
		p.loss.slides = p.loss.slides || x.Pairing == Sure && !x.blind && x.acked > p.loss.prevAcked
	}
	if x.unseen() && x.Status == OK {
		x.setVerb(guessByText(x.Text.Reveal()))
	}
	if r.isMail {
		p.endMail(x)
	}
	switch {
	case x.Terminated:
		p.loss.adrift = false
	case x.Pairing == Guessed && x.Status == OK && !x.Multiline && !x.Notes.Has(CommandLost):
		p.loss.adrift = true // if it was the reply to another command, data may follow
	}
	p.maskUnknown(x)
	p.maskArgs(x)
	x.SecretBody = x.SecretBody || r.repeats && x.Args.HasSecret() || x.unseen() && x.Multiline && x.State < Transaction
	p.noteCapa(&x.Exchange)
	p.advance(x, end)
	p.authenticate(&x.Exchange)
	p.maskEcho(x)
	if p.tape != nil {
		p.tape.settle(stream.Client, x, x.N)
		p.tape.settle(stream.Server, x, x.N)
	}
	p.loss.prevAcked = max(p.loss.prevAcked, x.acked)
	if r.begun && x.acked < 0 {
		p.loss.prevAcked = max(p.loss.prevAcked, r.off)
	}
	p.lastReplyEnd = end
	x.command, x.answer = p.extents(x, end)
	if p.heldBy(x) {
		p.hold = noBarrier
	}
	if n := len(p.done); n == cap(p.done) && n < smallList {
		p.done = append(make([]Exchange, 0, n+min(n+1, growth)), p.done...)
	}
	n := len(p.done)
	p.done = slices.Grow(p.done, 1)[:n+1]
	p.done[n] = x.Exchange // append would copy it twice
	p.pop()
	p.reply = reply{}
	p.mode = wantReply
}

// unseen reports whether nothing tells what the command was.
func (x *asked) unseen() bool { return x.Verb == "" && x.Notes.Has(CommandLost) }

// endMail ends the message that the head's data is.
func (p *Parser) endMail(x *asked) {
	r := &p.reply
	m := p.mail
	m.Exchange = x.N
	terminated := x.Terminated || r.sent
	switch {
	case len(m.Gaps) > 0:
		m.Verdict = Gaps
	case r.seenOK && !r.sent:
		m.Verdict = Truncated
		x.Pairing = max(x.Pairing, Resynced) // the go-ahead is not the last word
	case r.headless, r.inDoubt(x, m):
		m.Verdict = Truncated
	case terminated:
		m.Verdict = Complete
	case r.cut, m.Announced > 0 && m.Octets >= m.Announced:
		m.Verdict = Unterminated
	default:
		m.Verdict = Truncated
	}
	if m.Verdict == Complete && m.Announced >= 0 && m.Announced != m.Octets && x.Verb == RETR {
		x.Notes.Add(OctetsDiffer)
	}
	if m.First.Packet == 0 {
		m.First, m.Last = x.ReplyFirst, x.ReplyLast
	}
	p.listed(m)
	p.ses.Messages++
	p.messages = append(p.messages, *m)
	*m = Message{}
	if r.sink != nil {
		r.sink.End(&p.messages[len(p.messages)-1])
	}
}

// inDoubt reports whether what is taken for the status line before a message
// may be a line of data, or the reply to another command: then it is not
// known that the message was captured from its first byte on. The octets that
// the line announces dispel the doubt.
func (r *reply) inDoubt(x *asked, m *Message) bool {
	if x.Pairing != Guessed || m.Announced >= 0 && m.Announced == m.Octets {
		return false
	}
	return r.doubt || m.Octets >= 3 && mayBeStatus(r.lead[:min(m.Octets, int64(len(r.lead)))])
}

// finishAll hands on what still waits when the connection is over.
func (p *Parser) finishAll() {
	p.loss.open = false
	for x := p.head(); x != nil; x = p.head() {
		switch {
		case x.lost:
			p.giveUp(ReplyLost)
			continue
		case p.mode == wantData:
			p.endData(x)
		case p.mode == wantMail:
			for tok, ok := p.scan[stream.Client].Rest(); ok; tok, ok = p.scan[stream.Client].Rest() {
				p.tapeToken(stream.Client, x, tok)
				p.mailData(tok.Raw, tok.Off, tok.At)
			}
		}
		if !p.reply.begun && x.Pairing < p.loss.pairing {
			x.Pairing = p.loss.pairing
		}
		p.finish(p.lastReplyEnd)
	}
}

// listed fills in what LIST and UIDL have told of a message so far.
func (p *Parser) listed(m *Message) (Entry, bool) {
	e, ok := p.drop.Entry(m.Number)
	if !ok || m.From == stream.Client {
		return e, false
	}
	if len(e.UID) > 0 {
		m.UIDL = e.UID
	}
	m.Listed = e.Octets
	return e, true
}

// settle fills in what is known only when the session is over.
func (p *Parser) settle() {
	p.ses.Exchanges = p.n
	p.ses.Deleted = p.drop.marked()
	p.ses.Ending = p.ending()
	for i := range p.messages {
		m := &p.messages[i]
		e, _ := p.listed(m)
		m.Fate = p.fate(m, &e)
	}
	if p.lossy && p.spoke[stream.Client] != p.spoke[stream.Server] {
		for i := range p.done {
			p.done[i].Pairing = Guessed
		}
	}
}
