package pop3parse

import (
	"bytes"

	"popscope/pop3parse/sasl"
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
		p.skip(stream.Server, l, Words)
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
	if p.tape != nil {
		p.tape.text(stream.Server, l, kind, aStatus, len(l.Text)-len(text), entry{settled: true, Stretch: Stretch{Greeting: true}})
	}
	if kind == wire.Tail {
		p.ses.Notes.Add(ReplyDamaged)
	}
	p.lastReplyEnd = l.End
	if !l.Secure {
		p.greeted = extent{l.Off, l.End}
	}
	s.Skip()
	p.mode = wantReply
	return true
}

// beginLate begins where the capture has the server in the middle of
// something: at the reply to a command before, or inside the data of one.
func (p *Parser) beginLate(l *wire.Text, ind indicator) bool {
	p.loss.pairing, p.loss.adrift = Guessed, true
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
	if x.setVerb(guessByRow(second)); x.Verb == "" {
		x.setVerb(RETR) // by far the longest replies
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
	if first == nil && p.tls[stream.Client] {
		return false, true // to the STLS before
	}
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
	return sasl.Challenge(line) != nil
}

// greeting keeps the greeting.
func (p *Parser) greeting(l *wire.Text, ind indicator, text []byte) {
	p.ses.HasGreeting, p.ses.GreetingAt = true, l.First
	p.ses.Greeting = secret.NewText(p.keep(text))
	p.ses.Refused = ind == isErr
	p.loss.served = max(p.loss.served, l.PeerAcked)
	p.ses.Challenge = sasl.Challenge(p.ses.Greeting.Reveal())
	lineNotes(&p.ses.Notes, l, maxReplyLine, LongReply)
	p.ses.State = Authorization
	if p.ses.Refused {
		p.ses.State = Greeting // RFC 1939 section 3: a session begins when the server has sent a positive greeting
	}
}
