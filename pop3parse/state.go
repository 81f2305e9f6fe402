package pop3parse

import (
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// advance moves the session on by a finished exchange whose reply ended at
// server stream offset end. It is the only place where the state changes,
// but for the greeting and for logins.
//
//	greeting --+OK--> AUTHORIZATION --login--> TRANSACTION --QUIT--> UPDATE
//
// RFC 1939 sections 3 to 6.
func (p *Parser) advance(x *Exchange, end int64) {
	p.checkState(x)
	if x.Status != Err && x.Notes.Has(CommandLost) || x.Status == NoReply && x.Verb == RSET {
		p.drop.doubt()
	}
	if x.Status != OK {
		return
	}
	number := messageNumber(x.Args.Reveal())
	switch x.Verb {
	case STLS:
		// RFC 2595 section 4: both sides forget what they learned before.
		p.stls = end
		p.ses.STLS = true
	case STAT:
		if n, octets, ok := twoNumbers(x.Text.Reveal()); ok {
			p.drop.Count, p.drop.Octets = n, octets
		}
	case LIST:
		if number > 0 && !x.Multiline {
			p.drop.listRow(x.Text.Reveal())
		}
	case UIDL, XUIDL:
		if number > 0 && !x.Multiline {
			p.drop.uidlRow(x.Text.Reveal())
		}
	case DELE:
		p.drop.mark(number)
	case RSET:
		p.drop.unmark()
	case QUIT:
		if p.ses.State == Transaction && !x.Notes.Has(CommandLost) { // a guess commits nothing
			p.ses.State = Update
			p.ses.Committed = true
		}
	}
}

// checkState compares a command with the state it was given in, and learns
// the state from it where the login was not captured.
func (p *Parser) checkState(x *Exchange) {
	spec, known := verbs[x.Verb]
	if !known {
		return
	}
	in := p.ses.State
	if in == StateUnknown && x.Status == OK && spec.in == inAuthorization {
		p.ses.State = Authorization
	}
	if spec.in == inTransaction && spec.pop3 && x.Status == OK && in < Transaction {
		// Only a server in TRANSACTION says +OK to this, however it got there.
		p.ses.State = Transaction
		if p.lossy || in == StateUnknown || x.Pipelined {
			return
		}
	}
	if (in == Authorization || in == Transaction) && spec.in&(1<<in) == 0 && !(p.lossy && x.Status != Err) {
		x.Notes.Add(WrongState)
	}
	switch x.Verb {
	case RETR, TOP, DELE, LIST, UIDL:
		if e, ok := p.drop.Entry(messageNumber(x.Args.Reveal())); ok && e.Marked {
			x.Notes.Add(NumberDeleted)
		}
	}
}

// passBarrier decides how to read on in the client's stream when the reply
// that would tell was lost, by what the client sent: TLS, a command, or
// something that can only be the answer to a challenge. known is the server
// stream offset up to which the loss reaches, q how much the server had of
// the client's stream after it (-1 unknown). It reports whether it could.
func (p *Parser) passBarrier(known, q int64) bool {
	c, x := &p.scan[stream.Client], &p.queue[len(p.queue)-1]
	if p.hold == forSTLS && beginsTLS(c.Peek(2)) {
		p.stls = known
		p.ses.STLS = true
		p.giveUpTo(len(p.queue))
		p.loss.open = false
		return true
	}
	l, kind := c.Line()
	if l == nil {
		return false
	}
	if kind == wire.Gap {
		p.gapEnd = l.End
		x.Notes.Add(CommandDamaged)
		c.Skip()
		return true
	}
	if l.PeerAcked > known || q >= 0 && l.End > q {
		return false // sent later than what the loss hides
	}
	cmd := parseCommand(l.Text)
	switch {
	case cmd.known || p.hold == forSTLS:
		p.giveUpTo(len(p.queue))
	case p.hold == forAuth:
		p.addTurn(x, stream.Client, l.Text, l)
		x.Notes.Add(ReplyDamaged)
		c.Skip()
	default: // a mail after XTND XMIT
		for p.head() != x && p.waiting() > 1 {
			p.giveUp(ReplyLost)
		}
		x = p.head()
		p.reply.begun, p.reply.seenOK = true, true
		x.Notes.Add(ReplyDamaged)
		p.mode = wantMail
		c.Body(false)
		p.beginMail(x, stream.Client, XTND, 0, -1)
		p.loss.open = false
	}
	return true
}

// giveUpTo gives up the replies of the commands up to queue[n-1].
func (p *Parser) giveUpTo(n int) {
	if p.lossy {
		p.loss.pairing = max(p.loss.pairing, Resynced)
	}
	for k := n - p.qhead; k > 0; k-- {
		p.giveUp(ReplyLost)
	}
}
