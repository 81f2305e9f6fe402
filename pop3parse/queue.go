package pop3parse

import (
	"bytes"
	"slices"

	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// head returns the command whose reply comes next, or nil.
func (p *Parser) head() *asked { return p.at(0) }

// at returns the i-th waiting command, or nil.
func (p *Parser) at(i int) *asked {
	if p.qhead+i >= len(p.queue) {
		return nil
	}
	return &p.queue[p.qhead+i]
}

// waiting returns how many commands wait.
func (p *Parser) waiting() int { return len(p.queue) - p.qhead }

// push appends a command and returns it.
func (p *Parser) push() *asked {
	if p.qhead > 0 && p.qhead == len(p.queue) {
		p.queue, p.qhead = p.queue[:0], 0
		if cap(p.queue) > longQueue {
			p.queue = nil
		}
	} else if p.qhead >= 64 && p.qhead*2 > len(p.queue) {
		n := copy(p.queue, p.queue[p.qhead:])
		clear(p.queue[n:])
		p.queue, p.qhead = p.queue[:n], 0
	}
	n := len(p.queue)
	p.queue = slices.Grow(p.queue, 1)[:n+1]
	x := &p.queue[n] // zero: see pop
	x.id, x.acked = p.newID(), -1
	return x
}

// pushFront puts a command before all waiting ones and returns it.
func (p *Parser) pushFront() *asked {
	if p.qhead > 0 {
		p.qhead--
	} else {
		p.queue = append(p.queue, asked{})
		copy(p.queue[1:], p.queue)
	}
	p.queue[p.qhead] = asked{id: p.newID(), acked: -1}
	return &p.queue[p.qhead]
}

// newID returns what the tape calls a command.
func (p *Parser) newID() int64 {
	if p.tape == nil {
		return 0
	}
	p.tape.ids++
	return p.tape.ids
}

// pop removes the head, and leaves a zero value for push.
func (p *Parser) pop() {
	p.asking -= p.queue[p.qhead].text
	p.queue[p.qhead] = asked{}
	p.qhead++
}

// readCommand reads the client's next line into the queue, and reports
// whether there was one to be read as a command.
func (p *Parser) readCommand() bool {
	if p.hold != noBarrier || p.scan[stream.Client].Empty() {
		return false
	}
	if p.stls >= 0 && p.becomesTLS(stream.Client) {
		return false
	}
	if !p.began && !p.passProxy() {
		return false
	}
	s := &p.scan[stream.Client]
	if s.Offset() == p.blindAt {
		switch is, known := p.unseenSTLS(stream.Client); {
		case is:
			p.handOn(stream.Client)
			return false
		case !known:
			return false
		}
	}
	l, kind := s.Line()
	switch kind {
	case wire.None:
		return false
	case wire.Gap:
		p.lostCommands(l.Off, l.End)
		p.blindAt = l.End
		p.skip(stream.Client, l, Missing)
		return true
	}
	var c command
	text := l.Text
	if kind == wire.Tail {
		text = bytes.TrimSuffix(text, []byte("\r")) // of a line end that was cut
	}
	c.parse(text)
	if tail := p.queueTail(); tail != nil && tail.lost && tail.end == l.Off && !c.known() {
		// The rest of a line whose beginning was lost.
		tail.end = l.End
		tail.acked = max(tail.acked, l.PeerAcked)
		p.keepRest(tail, l.Text)
		p.blindAt = l.End
		p.skip(stream.Client, l, Unread)
		return true
	}
	if p.gapEnd == l.Off && !c.known() {
		p.blindAt = l.End
		p.skip(stream.Client, l, Unread)
		return true
	}
	p.ask(l, &c, kind)
	s.Skip()
	for p.waiting() > p.opt.Limits.Pending || p.waiting() > 1 && p.pendingBytes() > p.opt.Limits.PendingBytes {
		p.giveUpHead()
	}
	return true
}

func (p *Parser) queueTail() *asked {
	if p.waiting() == 0 {
		return nil
	}
	return &p.queue[len(p.queue)-1]
}

// ask puts a command line into the queue.
func (p *Parser) ask(l *wire.Text, c *command, kind wire.Kind) {
	x, before := p.push(), p.texts
	x.start, x.end, x.acked = l.Off, l.End, l.PeerAcked
	x.blind = x.start == p.blindAt || x.start == p.gapEnd
	x.RequestFirst, x.RequestLast = l.First, l.Last
	x.Encrypted = l.Secure
	x.Verb, x.spec = c.verb, c.spec
	args := p.keep(c.args)
	if string(c.sent) != string(c.verb) {
		x.VerbSent = p.keep(c.sent)
	}
	x.Args = argsText(c.verb, args)
	if !c.known() && p.isStrayResponse(l.Text) {
		// Not a verb that may be shown, but what a SASL client sends to a
		// server that has refused its AUTH already.
		blob := p.keep(l.Text)
		x.hide(blob)
		p.strayResponse(blob, l.Last)
	} else {
		p.refused, p.stray = 0, nil
	}
	lineNotes(&x.Notes, l, maxCommandLine, LongCommand)
	if !c.known() {
		x.Notes.Add(UnknownCommand)
		if x.blind {
			p.blindAt = l.End // what follows makes no more sense
		}
	}
	if c.spaces {
		x.Notes.Add(SpaceAround)
	}
	if kind == wire.Tail {
		x.Notes.Add(CommandDamaged)
		p.cutAt = l.End
		if !c.known() && !p.ended && !x.Args.HasSecret() {
			x.setVerb("")
			x.VerbSent = p.keep(c.sent) // not all of the verb, perhaps
		}
	}
	x.text = p.texts - before
	p.asking += x.text
	if p.stls >= 0 && !l.Secure {
		x.Notes.Add(PlaintextAfterSTLS)
		if l.PeerAcked >= 0 && l.PeerAcked < p.stls {
			x.Notes.Add(Injected)
		} else {
			p.ses.ClearAfterSTLS = true
		}
	}
	switch {
	case c.verb == AUTH && len(bytes.TrimSpace(args)) > 0:
		p.hold, p.turns = forAuth, -1
	case c.verb == STLS:
		p.hold = forSTLS
	case c.spec.isTransmit(args):
		p.hold = forMail
	}
	p.holdEnd = x.end
	if p.tape != nil {
		p.tape.text(stream.Client, l, kind, aCommand, len(l.Text)-len(c.args), entry{owner: x.id})
	}
}

// skip passes over a gap, or over a line that is not kept.
func (p *Parser) skip(d stream.Dir, l *wire.Text, part Part) {
	if p.tape != nil {
		p.tape.gap(d, l, part)
	}
	p.scan[d].Skip()
}

// lostCommands notes that bytes of the client's stream are missing.
func (p *Parser) lostCommands(off, end int64) {
	tail := p.queueTail()
	if tail != nil && tail.lost && tail.end == off {
		tail.end = end
		return
	}
	x := p.push()
	x.lost, x.start, x.end = true, off, end
	x.weak = off == p.cutAt // the rest of the line before may be all there was
}
