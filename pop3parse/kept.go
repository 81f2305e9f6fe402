package pop3parse

import (
	"slices"

	"popscope/reassembly/stream"
)

// Sizes of what is kept, about, with its share of slices that grow. They
// are the same on every machine, since limits on them decide what is
// reported.
const (
	askedSize    = 400
	exchangeSize = 450
	loginSize    = 300
	messageSize  = 400
	inMail       = 8 << 10 // hash and outline of a message under way
)

// Kept returns about how many bytes the parser keeps: of exchanges until
// Take, of commands that wait for their replies, of bytes that wait for the
// other direction, and of the maildrop. It is for those who bound the memory
// of many sessions together.
func (p *Parser) Kept() int {
	n := p.texts + len(p.queue)*askedSize + p.drop.kept() + p.doneSize()
	n += p.scan[stream.Client].Held() + p.scan[stream.Server].Held()
	if p.mode == wantData || p.mode == wantMail {
		n += inMail
	}
	return n
}

// Ready returns about how many bytes Take would let go of.
func (p *Parser) Ready() int { return p.texts - p.asking + p.doneSize() }

func (p *Parser) doneSize() int {
	return len(p.done)*exchangeSize + len(p.logins)*loginSize + len(p.messages)*messageSize
}

// Forget lets go of what can be spared when memory is short: messages of
// the maildrop that are not marked as deleted (MaildropLimit), and commands
// that wait for replies, but for the last one (QueueLimit). Exchanges and
// logins stay until Take.
func (p *Parser) Forget() {
	if len(p.drop.entries) > len(p.drop.marks) {
		p.ses.Notes.Add(MaildropLimit)
		p.drop.forget()
	}
	for p.waiting() > 1 {
		p.giveUpHead()
	}
	p.queue, p.qhead = slices.Clone(p.queue[p.qhead:]), 0
}

// giveUpHead gives up the command that has waited for longest, at a limit.
func (p *Parser) giveUpHead() {
	p.head().Notes.Add(QueueLimit)
	p.ses.Notes.Add(QueueLimit)
	p.loss.pairing = Guessed
	p.giveUp(ReplyLost)
}

// pendingBytes returns what Limits.PendingBytes bounds.
func (p *Parser) pendingBytes() int { return p.waiting()*askedSize + p.asking }
