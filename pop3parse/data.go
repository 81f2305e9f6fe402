package pop3parse

import (
	"bytes"

	"popscope/pop3parse/secret"
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// beginData begins the data of the head's reply.
func (p *Parser) beginData(x *asked) {
	r := &p.reply
	x.Multiline = true
	p.mode = wantData
	p.scan[stream.Server].Body(r.bareLF)
	switch x.Verb {
	case RETR, TOP:
		p.beginMail(x, stream.Server, x.Verb, x.Number(), announcedOctets(p.wholeText(x)))
	default:
		r.rows = true
		p.row = p.row[:0]
	}
	switch x.Verb {
	case CAPA:
		p.ses.Capabilities = nil
		fallthrough
	case AUTH, LANG:
		// QUIRK: servers that do not know the command may say +OK, and no more.
		r.brief = !r.watch
		r.watch = true
	}
	p.tapeStatus(x)
}

// tapeStatus settles what was read of the head's reply before its end: so
// that a long message need not wait for it. Commands that may teach the
// parser a secret have no long data.
func (p *Parser) tapeStatus(x *asked) {
	if p.tape == nil || !settledEarly(x.Verb) {
		return
	}
	p.maskKnown(&x.Exchange)
	p.tape.settle(stream.Server, x, p.n+1)
}

// tapeToken writes down a piece of data of x, before it is counted. What can
// be long need not wait for the end of x, and no more than maxWaiting entries do.
func (p *Parser) tapeToken(d stream.Dir, x *asked, tok wire.Token) {
	if p.tape == nil {
		return
	}
	p.tape.token(d, x, tok, &p.reply, p.mail)
	if p.reply.isMail || x.Verb.listsMessages() && len(p.secrets) == 0 {
		p.tape.settle(d, x, p.n+1)
	} else if len(p.tape.lane(d, tok.Secure).waiting()) > maxWaiting {
		p.Explain()
	}
}

// tapeRows takes a piece of data of a listing, and writes down what it is up to
// the end of its last whole row: whether that repeats a secret is known then.
// All that follows such a row is hidden with it.
func (p *Parser) tapeRows(x *asked, tok wire.Token) {
	begin, whole := 0, 0 // what is not written down, and the end of the last row
	write := func(end int) {
		if begin < end {
			p.tape.token(stream.Server, x, tok.Part(begin, end), &p.reply, p.mail)
			begin = end
		}
	}
	for at := 0; at < len(tok.Raw); {
		end := len(tok.Raw)
		if i := bytes.IndexByte(tok.Raw[at:], '\n'); i >= 0 {
			end = at + i + 1
			whole = end
		}
		known := x.SecretBody
		p.dataToken(x, tok.Part(at, end))
		if x.SecretBody && !known && at > 0 {
			x.SecretBody = false // the rows before do not
			write(at)
			p.tape.settle(stream.Server, x, p.n+1)
			x.SecretBody = true
		}
		at = end
	}
	if whole > 0 {
		write(whole)
		p.tape.settle(stream.Server, x, p.n+1)
	}
	write(len(tok.Raw))
}

// beginMail begins a message.
func (p *Parser) beginMail(x *asked, from stream.Dir, cmd Verb, number int, announced int64) {
	r := &p.reply
	r.isMail, r.size = true, 0
	if p.mail == nil {
		p.mail = new(Message)
	}
	*p.mail = Message{Number: number, Command: cmd, Announced: announced, Listed: -1, From: from}
	if p.opt.Mail != nil {
		r.sink = p.opt.Mail(p.mail)
	}
}

// readData reads the data of the head's reply.
func (p *Parser) readData() bool {
	x, s, r := p.head(), &p.scan[stream.Server], &p.reply
	for {
		p.watchListing(x)
		for !r.watch && p.tape == nil {
			b, off, at, ok := s.Run()
			if !ok {
				break
			}
			p.dataBytes(x, b, off, at)
			p.watchListing(x)
		}
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
		if p.tape != nil && tok.Kind == wire.Data && x.Verb.listsMessages() && len(p.secrets) > 0 {
			p.tapeRows(x, tok)
			continue
		}
		p.tapeToken(stream.Server, x, tok)
		if tok.Kind == wire.Missing {
			p.missingData(x, tok)
			p.openLoss(tok.Off, tok.Off+tok.Lost)
			return true
		}
		p.dataToken(x, tok)
		if tok.Kind == wire.End {
			x.Terminated = true
			x.ReplyLast = tok.At
			p.loss.served = max(p.loss.served, tok.PeerAcked)
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

// watchListing has each line of a listing looked at from where the server had
// more than its command when it sent the next bytes: it may have left out the
// final line, and go on with other replies.
func (p *Parser) watchListing(x *asked) {
	r := &p.reply
	if !r.watch && x.Verb.listsMessages() && p.scan[stream.Server].PeerAcked() > x.end {
		r.watch, r.brief = true, true
	}
}

// readMail reads the mail that the client sends after XTND XMIT.
func (p *Parser) readMail() bool {
	c, s := &p.scan[stream.Client], &p.scan[stream.Server]
	for {
		acked := c.PeerAcked()
		if len(p.mail.Gaps) > 0 || c.Empty() && p.ended {
			// The final line may be in the gap: the server's word that
			// came before the client's next bytes ends the mail.
			if l, kind := s.Line(); kind == wire.Line && (c.Empty() && !p.mayWait() || acked >= l.End) {
				p.reply.cut = true
				p.mode = wantReply
				return true
			}
		}
		tok, ok := c.Next(len(p.mail.Gaps) > 0)
		if !ok {
			return false
		}
		p.tapeToken(stream.Client, p.head(), tok)
		switch tok.Kind {
		case wire.Missing:
			p.mailGap(tok.Lost)
		case wire.Data:
			p.mailData(tok.Raw, tok.Off, tok.At)
		case wire.End:
			p.reply.sent = true
			p.mode = wantReply
			return true
		}
	}
}

// dataToken takes a piece of data of the head.
func (p *Parser) dataToken(x *asked, tok wire.Token) {
	switch tok.Kind {
	case wire.Stuffing:
		x.Octets++
		if tok.Unstuffed {
			x.Notes.Add(Unstuffed)
		}
	case wire.Data:
		p.dataBytes(x, tok.Raw, tok.Off, tok.At)
	}
}

// dataBytes takes bytes of the data of the head, which stand at stream
// offset off and which the packet at brought.
func (p *Parser) dataBytes(x *asked, b []byte, off int64, at stream.Stamp) {
	n := int64(len(b))
	x.Octets += n
	x.BodyTotal += n
	x.ReplyLast = at
	if room := p.opt.KeepBody - len(x.Body); room > 0 {
		x.Body = append(x.Body, b[:min(room, len(b))]...)
	}
	p.mailData(b, off, at)
	if p.reply.rows {
		p.rowData(x, b)
	}
}

// mailData hands bytes of a message on.
func (p *Parser) mailData(b []byte, off int64, at stream.Stamp) {
	r := &p.reply
	if !r.isMail {
		return
	}
	if p.mail.First.Packet == 0 {
		p.mail.First, p.mail.FirstOff = at, off
	}
	p.mail.Last, p.mail.LastOff = at, off+int64(len(b))-1
	if n := p.mail.Octets; n < int64(len(r.lead)) {
		copy(r.lead[n:], b)
	}
	p.mail.Octets += int64(len(b))
	r.size += int64(len(b))
	if r.sink != nil {
		r.sink.Data(b)
	}
}

// missingData notes a gap in the data of the head.
func (p *Parser) missingData(x *asked, tok wire.Token) {
	x.Notes.Add(ReplyDamaged)
	r := &p.reply
	r.watch, r.brief = true, false
	p.search(x, p.row, endLost)
	p.row, r.rowCut = p.row[:0], true // the row is no longer whole
	p.mailGap(tok.Lost)
}

// mailGap notes a gap of n bytes in a message. One that follows another
// directly is the same; beyond MaxGaps all are.
func (p *Parser) mailGap(n int64) {
	r := &p.reply
	if !r.isMail || n <= 0 {
		return
	}
	gaps := p.mail.Gaps
	k := len(gaps)
	follows := k > 0 && gaps[k-1].Offset+gaps[k-1].Length == r.size
	if follows || k == MaxGaps {
		p.mail.GapsMerged = p.mail.GapsMerged || !follows
		gaps[k-1].Length += n
	} else {
		p.mail.Gaps = append(gaps, Gap{Offset: r.size, Length: n})
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
		p.tapeToken(stream.Server, x, tok)
		p.dataToken(x, tok)
	}
	p.search(x, p.row, endLost)
	lines, bareLF, loneCR, nul, dotAfterLF := s.Counts()
	x.Lines = lines
	if (x.Verb == UIDL || x.Verb == XUIDL) && p.drop.endListing() {
		x.Notes.Add(DuplicateUID)
	}
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

// rowData collects the rows of data that is no message.
func (p *Parser) rowData(x *asked, b []byte) {
	r := &p.reply
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.row = append(p.row, b[:min(len(b), max(0, maxRow-len(p.row)))]...)
			return
		}
		row := b[:min(i, maxRow)]
		if len(p.row) > 0 {
			p.row = append(p.row, row[:min(len(row), max(0, maxRow-len(p.row)))]...)
			row = p.row
		}
		row = bytes.TrimSuffix(row, []byte("\r"))
		found := p.search(x, row, nothingLost)
		switch {
		case r.rowCut:
		case !found:
			p.wholeRow(x, row)
		case x.Verb == CAPA:
			p.wholeRow(x, append(bytes.Clone(row[:x.named(row)]), secret.Mask...))
		case x.Verb == UIDL || x.Verb == XUIDL:
			p.noteRow(x, p.numberRow(row))
		default:
			p.wholeRow(x, row) // of which numbers are read
		}
		p.row, r.rowCut = p.row[:0], false
		b = b[i+1:]
	}
}

// wholeRow takes a row of CAPA, LIST or UIDL.
func (p *Parser) wholeRow(x *asked, row []byte) {
	switch x.Verb {
	case CAPA:
		if len(p.ses.Capabilities) == maxCapa {
			x.Notes.Add(CapaLimit)
			p.ses.Notes.Add(CapaLimit)
		} else {
			p.ses.Capabilities = append(p.ses.Capabilities, p.keep(row[:min(len(row), maxReplyLine)]))
		}
	case LIST, XAUTHLIST:
		p.noteRow(x, p.drop.listRow(row))
	case UIDL, XUIDL:
		p.noteRow(x, p.uidlRow(row))
	}
}

// noteRow notes what is to be said of a row of the maildrop.
func (p *Parser) noteRow(x *asked, notes Notes) {
	x.Notes |= notes
	if notes.Has(MaildropLimit) {
		p.ses.Notes.Add(MaildropLimit)
	}
}
