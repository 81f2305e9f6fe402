package pop3parse

import (
	"bytes"

	"popscope/pop3parse/secret"
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// readReply reads the next status line for the head of the queue.
func (p *Parser) readReply() bool {
	if p.stls >= 0 && p.becomesTLS(stream.Server) {
		return false
	}
	s := &p.scan[stream.Server]
	switch is, known := p.unseenSTLS(stream.Server); {
	case is:
		p.ses.STLS, p.stls = true, s.Offset()
		p.handOn(stream.Server)
		return false
	case !known:
		return false
	}
	l, kind := s.Line()
	switch kind {
	case wire.None:
		if !p.mayWait() && p.waiting() > 0 && p.hold != noBarrier && !p.scan[stream.Client].Empty() {
			return p.passBarrier(s.Known(), -1)
		}
		return false
	case wire.Gap:
		p.openLoss(l.Off, l.End)
		p.skip(stream.Server, l, Missing)
		return true
	case wire.Tail:
		p.loss.cutAt = l.End
	}
	x := p.head()
	if x == nil {
		return p.unasked(l)
	}
	if x.lost {
		return p.replyToLost(x, l)
	}
	if x.Notes.Has(Injected) && l.Secure && !p.reply.begun {
		if p.clientBehind(l.PeerAcked) {
			return false
		}
		if p.discarded(l) {
			x.Pairing, p.loss.pairing = Guessed, Guessed
			p.finish(l.Off)
			return true
		}
	}
	if p.loss.pairing != Sure && !p.reply.begun && x.acked > l.Off {
		// The client had received this line before it sent the command,
		// so it belongs to something that was lost.
		if p.n == 0 && !p.opt.FromStart {
			p.pushLost()
			return true
		}
		p.ses.Notes.Add(UnexpectedLine)
		p.skip(stream.Server, l, Unread)
		return true
	}
	if p.loss.tail {
		p.loss.tail = false
		x.ReplyFirst, x.ReplyLast = l.First, l.Last
		end := l.End
		p.tapeOdd(x, l, kind)
		s.Skip()
		p.finish(end)
		return true
	}
	if p.loss.pairing != Sure && p.clientBehind(l.PeerAcked) {
		return false
	}
	if p.skipToClearPoint(l) {
		return true
	}
	inAuth := p.hold == forAuth && p.heldBy(x)
	ind, text := parseStatus(l.Text)
	if kind == wire.Tail {
		p.reply.watch = true
		if part := p.cutIndicator(l); part != noIndicator && !(inAuth && ind == isMore) {
			ind, text = part, nil
		}
	}
	if inAuth && isBareChallenge(l.Text) {
		ind, text = isMore, l.Text[1:]
	}
	switch {
	case ind == isMore && inAuth:
		p.beginReply(x, l)
		p.tapeLine(x, l, kind, aTurn, text)
		p.addTurn(x, stream.Server, text, l)
		s.Skip()
		p.mode = wantTurn
		return true
	case ind == isOK || ind == isErr:
		if p.unsolicited(x, l, ind) {
			p.noted(l, kind, ind, text)
			s.Skip()
			return true
		}
		p.statusLine(x, l, ind, text, kind)
		return true
	}
	p.loss.adrift = p.loss.pairing == Guessed && string(l.Text) != "."
	x.Notes.Add(UnexpectedLine)
	lineNotes(&x.Notes, l, maxReplyLine, LongReply)
	p.tapeOdd(x, l, kind)
	s.Skip()
	return true
}

// cutIndicator returns the indicator that a line of the server can have begun
// with of which a loss left so little that it is not all there; noIndicator
// where nothing was lost.
func (p *Parser) cutIndicator(l *wire.Text) indicator {
	b := l.Text
	switch {
	case l.End == p.scan[stream.Server].Known() || len(b) == 0:
	case len(b) < len("+OK") && isAnyCase(b, "+OK"):
		return isOK
	case len(b) < len("-ERR") && isAnyCase(b, "-ERR"):
		return isErr
	}
	return noIndicator
}

// tapeLine writes down a line of the server, of which text is what follows
// the indicator.
func (p *Parser) tapeLine(x *asked, l *wire.Text, kind wire.Kind, as lineKind, text []byte) {
	if p.tape != nil {
		p.tape.text(stream.Server, l, kind, as, len(l.Text)-len(text), entry{owner: x.id, turn: len(x.SASL)})
	}
}

// tapeOdd writes down a line of the server that is no reply. It may repeat a
// secret as well as one.
func (p *Parser) tapeOdd(x *asked, l *wire.Text, kind wire.Kind) {
	if p.tape == nil {
		return
	}
	lost := endIf(kind != wire.Line)
	if p.lossy {
		lost |= beginLost
	}
	from, to := p.echo(l.Text, lost)
	if x.spec == nil || x.Args.HasSecret() || len(x.SASL) > 0 || p.lossy && p.ses.State < Transaction {
		from, to = 0, len(l.Text) // of a secret that is not learned yet, or was lost
	}
	p.tape.text(stream.Server, l, kind, anOddLine, 0, entry{owner: x.id, from: int64(from), to: int64(to)})
}

// beginReply notes where the reply to x begins, and how sure it is that it
// is one.
func (p *Parser) beginReply(x *asked, l *wire.Text) {
	r := &p.reply
	if r.begun {
		return
	}
	r.begun, r.off, r.ahead = true, l.Off, l.PeerAcked > x.end
	x.ReplyFirst = l.First
	p.place(x, l.Off, l.PeerAcked)
	// A client stands at the end of a reply when it sends the next command.
	p.loss.adrift = p.loss.adrift && p.loss.pairing == Guessed && x.acked != l.Off
	r.doubt = p.loss.adrift
	if p.tape != nil && settledEarly(x.Verb) {
		p.maskArgs(x)
		p.tape.settle(stream.Client, x, p.n+1)
	}
}

// statusLine reads the +OK or -ERR that answers x.
func (p *Parser) statusLine(x *asked, l *wire.Text, ind indicator, text []byte, kind wire.Kind) {
	p.beginReply(x, l)
	p.tapeLine(x, l, kind, aStatus, text)
	r := &p.reply
	x.ReplyLast = l.Last
	x.Status = OK
	if ind == isErr {
		x.Status = Err
	}
	if kind == wire.Tail {
		text = bytes.TrimSuffix(text, []byte("\r")) // of a line end that was cut
	}
	text = p.keep(text)
	x.Text = secret.NewText(text)
	x.Code = responseCode(text)
	lineNotes(&x.Notes, l, maxReplyLine, LongReply)
	if p.stls >= 0 && !l.Secure {
		x.Notes.Add(PlaintextAfterSTLS)
	}
	x.Encrypted = x.Encrypted || l.Secure
	r.bareLF = l.BareLF
	end := l.End
	p.loss.served = max(p.loss.served, l.PeerAcked)
	p.scan[stream.Server].Skip()
	if kind == wire.Tail {
		x.Notes.Add(ReplyDamaged)
		r.textCut = true
	}
	if ind == isErr {
		p.finish(end)
		return
	}
	rule := x.spec.ruleFor(x.Args.Reveal())
	damaged := x.Notes.Has(CommandDamaged)
	if damaged && x.spec.isListing() {
		rule = lookAhead // an argument may be among what was lost
	}
	switch {
	case p.heldBy(x) && p.hold == forAuth && len(x.SASL) == 0 && !hasInitial(x.Args.Reveal()):
		// Nobody logs in without a word: perhaps it is a go-ahead.
		p.mode = wantAnswer
		r.statusEnd = end
	case x.spec.isTransmit(x.Args.Reveal()) && !r.seenOK && p.hold == forMail && p.heldBy(x):
		r.seenOK = true
		p.tapeStatus(x)
		p.mode = wantMail
		p.scan[stream.Client].Body(l.BareLF)
		p.beginMail(x, stream.Client, XTND, 0, -1)
	case rule == multi:
		p.beginData(x)
	case rule == lookAhead && x.spec.isListing() && !damaged && isScan(text):
		p.finish(end)
	case rule == lookAhead:
		p.mode = wantRow
		r.statusEnd = end
	default:
		p.finish(end)
	}
}

// wholeText returns the text of the status line that was just read; nil if
// the end of it was lost, since a number or a unique id there may be a part
// of one.
func (p *Parser) wholeText(x *asked) []byte {
	if p.reply.textCut {
		return nil
	}
	return x.Text.Reveal()
}

// isScan reports whether the text of a +OK is a scan listing or a unique id
// listing by itself: a message number and one more word (RFC 1939 section 5).
func isScan(text []byte) bool {
	num, rest, found := bytes.Cut(bytes.TrimLeft(text, " "), []byte(" "))
	return found && len(bytes.TrimSpace(rest)) > 0 && messageNumber(num) > 0
}

// readRow decides by the next line whether the +OK just read has data: a
// status line cannot be the data's first row.
func (p *Parser) readRow() bool {
	x, s := p.head(), &p.scan[stream.Server]
	if p.stls >= 0 && p.becomesTLS(stream.Server) {
		p.finish(p.reply.statusEnd)
		return true
	}
	if x.Verb == "" {
		switch is, known := p.unseenSTLS(stream.Server); {
		case is:
			x.setVerb(STLS)
			p.finish(p.reply.statusEnd) // the rest becomes TLS
			return true
		case !known:
			return false
		}
	}
	l, kind := s.Line()
	single := false
	switch {
	case kind == wire.None && p.mayWait():
		return false
	case kind == wire.Gap:
		single = true
		x.Notes.Add(ReplyDamaged)
		x.Pairing = max(x.Pairing, Resynced)
	case kind == wire.None:
		single = true
	default:
		next := p.at(1)
		ind, _ := parseStatus(l.Text)
		single = ind == isOK || ind == isErr || kind == wire.Tail && p.cutIndicator(l) != noIndicator || ind == isMore && next != nil && next.Verb == AUTH
		if !single && l.PeerAcked > x.end {
			// The server had more than this command when it sent the
			// line. A client that went on after the +OK took it for all.
			if p.clientBehind(l.PeerAcked) {
				return false
			}
			single = next != nil && !next.lost && next.acked == p.reply.statusEnd
		}
	}
	if single {
		if x.Verb == "" && kind == wire.Line && l.PeerAcked <= p.loss.served {
			p.loss.adrift = true // the server had no other command than before
		}
		x.lookedAhead()
		p.finish(p.reply.statusEnd)
		return true
	}
	x.lookedAhead()
	if x.Verb == "" {
		x.setVerb(x.agreeing(guessByRow(l.Text)))
	}
	if x.Verb.listsMessages() && len(bytes.TrimSpace(x.Args.Reveal())) > 0 {
		x.Notes.Add(ListedMulti)
	}
	p.beginData(x)
	p.reply.watch = true
	return true
}

func (x *asked) lookedAhead() {
	if x.Verb == "" {
		return // CommandLost says more
	}
	if x.spec == nil || x.spec.multi == extensions {
		x.Notes.Add(LookAhead)
	}
}

// discarded reports whether a server threw away a command that came in one go
// with STLS, as it should (RFC 2595 section 4): in TLS it says nothing before
// it has been asked something there.
func (p *Parser) discarded(l *wire.Text) bool {
	for i := 1; i < p.waiting(); i++ {
		if next := p.at(i); !next.Notes.Has(Injected) {
			return !next.lost && l.PeerAcked >= next.end
		}
	}
	return false
}

// unasked handles server bytes while no command waits: the command may be
// on its way, or it was lost, or the server speaks unasked. A client that
// has begun TLS sends no more commands in clear.
func (p *Parser) unasked(l *wire.Text) bool {
	if injected := p.tls[stream.Client] && !l.Secure; p.mayWait() && !injected {
		return false
	}
	p.pushLost()
	return true
}

// pushLost puts a command that nobody saw before all others. There may be
// none at all.
func (p *Parser) pushLost() {
	x := p.pushFront()
	x.lost, x.weak = true, true
	x.start, x.end = p.scan[stream.Client].Offset(), p.scan[stream.Client].Offset()
}

// unsolicited reports whether a status line was sent before the server had
// any of the command that waits. Either the client had it before it sent
// the command, as when something in between repeats the greeting; or an
// -ERR and the command crossed: an autologout or a shutdown, as a rule
// followed by the connection's end.
func (p *Parser) unsolicited(x *asked, l *wire.Text, ind indicator) bool {
	if p.reply.begun || l.PeerAcked < 0 || l.PeerAcked > x.start {
		return false
	}
	return x.acked >= l.End || ind == isErr && p.waiting() == 1
}

// noted records a reply that answers nothing, before the head.
func (p *Parser) noted(l *wire.Text, kind wire.Kind, ind indicator, text []byte) {
	x := p.pushFront()
	p.tapeLine(x, l, kind, aStatus, text)
	x.ReplyFirst, x.ReplyLast = l.First, l.Last
	x.Status = OK
	if ind == isErr {
		x.Status = Err
	}
	x.Text = secret.NewText(p.keep(text))
	x.Code = responseCode(x.Text.Reveal())
	x.Pairing = Guessed
	x.Notes.Add(UnexpectedReply)
	x.Encrypted = l.Secure
	saved, end := p.reply, p.lastReplyEnd
	p.reply = reply{begun: true, off: l.Off}
	p.finish(l.End)
	p.reply, p.lastReplyEnd = saved, end
}
