package pop3parse

import (
	"bytes"

	"popscope/pop3parse/secret"
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// readGreeting reads the server's first line.
func (p *Parser) readGreeting() bool {
	s := &p.scan[stream.Server]
	l, kind := s.Line()
	switch kind {
	case wire.None:
		if p.ended || p.force && p.waiting() > 0 {
			p.mode = wantReply
			return p.waiting() > 0
		}
		return false
	case wire.Gap:
		p.mode = wantReply
		if p.ses.State == Greeting {
			p.ses.State = Authorization
		}
		return true // readReply meets the gap
	}
	ind, text := parseStatus(l.Text)
	switch {
	case p.opt.FromStart && (ind == isOK || ind == isErr):
	case p.opt.FromStart:
		p.ses.Notes.Add(UnexpectedLine)
		s.Skip()
		return true
	default:
		is, known := p.greets(l, ind)
		if !known {
			return false
		}
		if !is {
			return p.beginLate(l, ind)
		}
	}
	p.greeting(l, ind, text)
	if kind == wire.Tail {
		p.ses.Notes.Add(ReplyDamaged)
	}
	p.lastReplyEnd = l.End
	s.Skip()
	p.mode = wantReply
	return true
}

// beginLate begins where the capture has the server in the middle of
// something: at the reply to a command before, or inside the data of one.
func (p *Parser) beginLate(l *wire.Text, ind indicator) bool {
	p.loss.pairing = Guessed
	p.mode = wantReply
	first := p.head()
	if ind != noIndicator || first != nil && first.acked < l.End {
		return true // readReply makes of it what can be made
	}
	s := &p.scan[stream.Server]
	second, known := secondLine(s.Peek(maxReplyLine * 2))
	if !known && p.mayWait() && !s.Ended() {
		p.mode = wantGreeting
		return false
	}
	x := p.pushFront()
	x.Notes.Add(CommandLost)
	x.Notes.Add(ReplyDamaged)
	x.Pairing = Guessed
	x.ReplyFirst = l.First
	if x.Verb = guessByRow(second); x.Verb == "" {
		x.Verb = RETR // by far the longest replies
	}
	p.reply.begun, p.reply.off, p.reply.headless = true, l.Off, true
	p.beginData(x)
	s.Inside()
	p.reply.watch, p.reply.fresh, p.reply.rowCut = true, true, true
	return true
}

// secondLine returns the second line of b, and whether it is known.
func secondLine(b []byte) ([]byte, bool) {
	_, rest, ok := bytes.Cut(b, []byte("\n"))
	line, _, whole := bytes.Cut(rest, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), ok && whole || len(b) == maxReplyLine*2
}

// greets decides whether the first line that a capture begun too late has
// of the server is its greeting or the reply to a command before.
func (p *Parser) greets(l *wire.Text, ind indicator) (is, known bool) {
	if ind != isOK && ind != isErr {
		return false, true
	}
	first := p.head()
	if first == nil {
		if p.mayWait() {
			return false, false
		}
		return looksLikeGreeting(l.Text), true
	}
	if first.lost || first.acked >= 0 && first.acked < l.End {
		// The client spoke before it had this line: it is a reply.
		return false, true
	}
	return first.Verb.opens() && looksLikeGreeting(l.Text), true
}

// opens reports whether clients begin a session with the command.
func (v Verb) opens() bool {
	switch v {
	case USER, APOP, AUTH, CAPA, STLS, QUIT, XCLIENT, UTF8, LANG:
		return true
	}
	return false
}

// looksLikeGreeting tells a greeting from other replies by its words. It
// is asked only where the capture began too late to know.
func looksLikeGreeting(line []byte) bool {
	low := bytes.ToLower(line)
	for _, w := range []string{"pop", "ready", "hello", "welcome", "server"} {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return apopChallenge(line) != nil
}

// readReply reads the next status line for the head of the queue.
func (p *Parser) readReply() bool {
	if p.stls >= 0 && p.becomesTLS(stream.Server) {
		return false
	}
	s := &p.scan[stream.Server]
	l, kind := s.Line()
	switch kind {
	case wire.None:
		if !p.mayWait() && p.waiting() > 0 && p.hold != noBarrier && !p.scan[stream.Client].Empty() {
			return p.passBarrier(s.Known(), -1)
		}
		return false
	case wire.Gap:
		p.openLoss(l.Off, l.End)
		s.Skip()
		return true
	}
	x := p.head()
	if x == nil {
		return p.unasked()
	}
	if x.lost {
		return p.replyToLost(x, l)
	}
	if p.loss.pairing != Sure && !p.reply.begun && x.acked > l.Off {
		// The client had received this line before it sent the command,
		// so it belongs to something that was lost.
		if p.n == 0 && !p.opt.FromStart {
			p.pushLost()
			return true
		}
		p.ses.Notes.Add(UnexpectedLine)
		s.Skip()
		return true
	}
	if p.loss.tail {
		p.loss.tail = false
		x.ReplyFirst, x.ReplyLast = l.First, l.Last
		end := l.End
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
	ind, text := parseStatus(l.Text)
	if kind == wire.Tail {
		p.reply.watch = true
	}
	switch {
	case ind == isMore && p.hold == forAuth && p.heldBy(x):
		p.beginReply(x, l)
		p.addTurn(x, stream.Server, text, l)
		s.Skip()
		p.mode = wantTurn
		return true
	case ind == isOK || ind == isErr:
		if p.unsolicited(x, l, ind) {
			p.noted(l, ind, text)
			s.Skip()
			return true
		}
		p.statusLine(x, l, ind, text, kind)
		return true
	}
	x.Notes.Add(UnexpectedLine)
	lineNotes(&x.Notes, l, maxReplyLine, LongReply)
	s.Skip()
	return true
}

// beginReply notes where the reply to x begins, and how sure it is that it
// is one.
func (p *Parser) beginReply(x *asked, l *wire.Text) {
	r := &p.reply
	if r.begun {
		return
	}
	r.begun, r.off = true, l.Off
	x.ReplyFirst = l.First
	p.place(x, l.Off, l.PeerAcked)
}

// statusLine reads the +OK or -ERR that answers x.
func (p *Parser) statusLine(x *asked, l *wire.Text, ind indicator, text []byte, kind wire.Kind) {
	p.beginReply(x, l)
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
	p.scan[stream.Server].Skip()
	if kind == wire.Tail {
		x.Notes.Add(ReplyDamaged)
	}
	switch rule := isMulti(x.Verb, x.Args.Reveal()); {
	case ind == isErr:
		p.finish(end)
	case p.heldBy(x) && p.hold == forAuth && len(x.SASL) == 0 && !hasInitial(x.Args.Reveal()):
		// Nobody logs in without a word: perhaps it is a go-ahead.
		p.mode = wantAnswer
		r.statusEnd = end
	case isTransmit(x.Verb, x.Args.Reveal()) && !r.seenOK && p.hold == forMail && p.heldBy(x):
		r.seenOK = true
		p.mode = wantMail
		p.scan[stream.Client].Body(l.BareLF)
		p.beginMail(x, stream.Client, XTND, 0, -1)
	case rule == multi:
		p.beginData(x)
	case rule == lookAhead && x.Verb != "" && verbs[x.Verb].multi == listing && isScan(text):
		p.finish(end)
	case rule == lookAhead:
		p.mode = wantRow
		r.statusEnd = end
	default:
		p.finish(end)
	}
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
	l, kind := s.Line()
	single := false
	switch {
	case kind == wire.None && p.mayWait():
		return false
	case kind == wire.None, kind == wire.Gap:
		single = true
	default:
		next := p.at(1)
		ind, _ := parseStatus(l.Text)
		single = ind == isOK || ind == isErr || ind == isMore && next != nil && next.Verb == AUTH
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
		x.lookedAhead()
		p.finish(p.reply.statusEnd)
		return true
	}
	x.lookedAhead()
	if x.Verb == "" {
		x.Verb = guessByRow(l.Text)
	}
	if x.Verb == LIST || x.Verb == UIDL || x.Verb == XUIDL || x.Verb == XAUTHLIST {
		if len(bytes.TrimSpace(x.Args.Reveal())) > 0 {
			x.Notes.Add(ListedMulti)
		}
	}
	p.beginData(x)
	p.reply.watch = true
	return true
}

func (x *asked) lookedAhead() {
	if x.Verb == "" {
		return // CommandLost says more
	}
	if _, ok := verbs[x.Verb]; !ok || verbs[x.Verb].multi == extensions {
		x.Notes.Add(LookAhead)
	}
}

// unasked handles server bytes while no command waits: the command may be
// on its way, or it was lost, or the server speaks unasked.
func (p *Parser) unasked() bool {
	if p.mayWait() {
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
func (p *Parser) noted(l *wire.Text, ind indicator, text []byte) {
	x := p.pushFront()
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

// beginData begins the data of the head's reply.
func (p *Parser) beginData(x *asked) {
	r := &p.reply
	x.Multiline = true
	p.mode = wantData
	p.scan[stream.Server].Body(r.bareLF)
	switch x.Verb {
	case RETR, TOP:
		p.beginMail(x, stream.Server, x.Verb, messageNumber(x.Args.Reveal()), announcedOctets(x.Text.Reveal()))
	case CAPA, LIST, UIDL, XUIDL, XAUTHLIST:
		r.rows = true
		r.row = r.row[:0]
		if x.Verb == CAPA {
			p.ses.Capabilities = nil
		}
	}
}

// beginMail begins a message.
func (p *Parser) beginMail(x *asked, from stream.Dir, cmd Verb, number int, announced int64) {
	r := &p.reply
	r.isMail, r.size = true, 0
	r.message = Message{Number: number, Command: cmd, Announced: announced, From: from}
	if p.opt.Mail != nil {
		r.sink = p.opt.Mail(&r.message)
	}
}

// readData reads the data of the head's reply.
func (p *Parser) readData() bool {
	x, s, r := p.head(), &p.scan[stream.Server], &p.reply
	for {
		if r.watch && (r.fresh || s.AtLineStart()) {
			switch p.endsHere(x) {
			case dataEnded:
				return true
			case undecided:
				return false
			}
			r.fresh = false
		}
		tok, ok := s.Next(r.watch)
		if !ok {
			break
		}
		if tok.Kind == wire.Missing {
			p.missingData(x, tok)
			p.openLoss(tok.Off, tok.Off+tok.Lost)
			return true
		}
		p.dataToken(x, tok)
		if tok.Kind == wire.End {
			x.Terminated = true
			x.ReplyLast = tok.At
			if tok.BareLF {
				x.Notes.Add(BareLFTerminator)
			}
			p.endData(x)
			p.finish(tok.Off + int64(len(tok.Raw)))
			return true
		}
	}
	return false
}

// dataToken takes a piece of data of the head.
func (p *Parser) dataToken(x *asked, tok wire.Token) {
	r := &p.reply
	switch tok.Kind {
	case wire.Stuffing:
		x.Octets++
		if tok.Unstuffed {
			x.Notes.Add(Unstuffed)
		}
	case wire.Data:
		x.Octets += int64(len(tok.Raw))
		x.BodyTotal += int64(len(tok.Raw))
		x.ReplyLast = tok.At
		if room := p.opt.KeepBody - len(x.Body); room > 0 {
			x.Body = append(x.Body, tok.Raw[:min(room, len(tok.Raw))]...)
		}
		p.mailData(tok)
		if r.rows {
			p.rowData(x, tok.Raw)
		}
	}
}

// mailData hands bytes of a message on.
func (p *Parser) mailData(tok wire.Token) {
	r := &p.reply
	if !r.isMail {
		return
	}
	if r.message.First.Packet == 0 {
		r.message.First = tok.At
	}
	r.message.Last = tok.At
	r.message.Octets += int64(len(tok.Raw))
	r.size += int64(len(tok.Raw))
	if r.sink != nil {
		r.sink.Data(tok.Raw)
	}
}

// missingData notes a gap in the data of the head.
func (p *Parser) missingData(x *asked, tok wire.Token) {
	x.Notes.Add(ReplyDamaged)
	r := &p.reply
	r.watch = true
	r.row, r.rowCut = r.row[:0], true // the row is no longer whole
	p.mailGap(tok.Lost)
}

func (p *Parser) mailGap(n int64) {
	r := &p.reply
	if !r.isMail || n <= 0 {
		return
	}
	if k := len(r.message.Gaps); k > 0 && (r.message.Gaps[k-1].Offset+r.message.Gaps[k-1].Length == r.size || k == maxGaps) {
		r.message.Gaps[k-1].Length += n
	} else {
		r.message.Gaps = append(r.message.Gaps, Gap{Offset: r.size, Length: n})
	}
	r.size += n
	if r.sink != nil {
		r.sink.Gap(n)
	}
}

// endData takes the counts of the data, whether it was terminated or not.
func (p *Parser) endData(x *asked) {
	s := &p.scan[stream.Server]
	for tok, ok := s.Rest(); ok; tok, ok = s.Rest() {
		p.dataToken(x, tok)
	}
	lines, bareLF, loneCR, nul, dotAfterLF := s.Counts()
	x.Lines = lines
	if bareLF > 0 {
		x.Notes.Add(BareLF)
	}
	if loneCR > 0 {
		x.Notes.Add(LoneCR)
	}
	if nul > 0 {
		x.Notes.Add(NUL)
	}
	if dotAfterLF > 0 {
		x.Notes.Add(DotAfterBareLF)
	}
}

// rowData collects the rows of a listing.
func (p *Parser) rowData(x *asked, b []byte) {
	r := &p.reply
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			r.row = append(r.row, b[:min(len(b), max(0, maxRow-len(r.row)))]...)
			return
		}
		row := b[:i]
		if len(r.row) > 0 {
			r.row = append(r.row, row[:min(len(row), max(0, maxRow-len(r.row)))]...)
			row = r.row
		}
		if !r.rowCut {
			p.wholeRow(x, bytes.TrimSuffix(row, []byte("\r")))
		}
		r.row, r.rowCut = r.row[:0], false
		b = b[i+1:]
	}
}

// wholeRow takes a row of CAPA, LIST or UIDL.
func (p *Parser) wholeRow(x *asked, row []byte) {
	switch x.Verb {
	case CAPA:
		if len(p.ses.Capabilities) < maxCapa {
			p.ses.Capabilities = append(p.ses.Capabilities, bytes.Clone(row[:min(len(row), maxReplyLine)]))
		}
	case LIST, XAUTHLIST:
		p.drop.listRow(row)
	case UIDL, XUIDL:
		p.drop.uidlRow(row)
	}
}
