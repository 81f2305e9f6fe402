package pop3parse

import (
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// heldBy reports whether x is the command that stops reading commands.
func (p *Parser) heldBy(x *asked) bool { return p.hold != noBarrier && x.end == p.holdEnd }

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
		p.giveUpAll()
		p.loss.open = false
		return true
	}
	l, kind := c.Line()
	if l == nil {
		return false
	}
	if kind == wire.Gap {
		p.gapEnd = l.End
		if p.hold == forAuth {
			p.breakTurns(len(x.SASL))
		}
		x.Notes.Add(CommandDamaged)
		p.skip(stream.Client, l, Missing)
		return true
	}
	if l.PeerAcked > known || q >= 0 && l.End > q {
		return false // sent later than what the loss hides
	}
	switch {
	case isCommand(l.Text) || p.hold == forSTLS:
		p.giveUpAll()
	case p.hold == forAuth:
		p.tapeTurn(x, l, kind, len(x.SASL))
		p.addTurn(x, stream.Client, l.Text, l)
		x.Notes.Add(ReplyDamaged)
		c.Skip()
	default: // a mail after XTND XMIT
		for p.head() != x && p.waiting() > 1 {
			p.giveUp(ReplyLost)
		}
		p.reply.begun, p.reply.seenOK = true, true
		x.Notes.Add(ReplyDamaged)
		p.mode = wantMail
		c.Body(false)
		p.beginMail(x, stream.Client, XTND, 0, -1)
		p.loss.open = false
	}
	return true
}

// giveUpAll gives up the replies of all waiting commands.
func (p *Parser) giveUpAll() {
	if p.lossy {
		p.loss.pairing = max(p.loss.pairing, Resynced)
	}
	for range p.waiting() {
		p.giveUp(ReplyLost)
	}
}
