package pop3parse

import (
	"bytes"
	"slices"
	"strings"

	"popscope/pop3parse/sasl"
	"popscope/pop3parse/secret"
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// readTurn reads the client's answer to a SASL challenge.
func (p *Parser) readTurn() bool {
	x, c, s := p.head(), &p.scan[stream.Client], &p.scan[stream.Server]
	l, kind := c.Line()
	if kind == wire.Gap && p.cutAt == l.Off {
		// The rest of the AUTH line itself, or of a turn, which is no turn.
		p.breakTurns(lastOfClient(x.SASL))
		p.gapEnd = l.End
		p.skip(stream.Client, l, Missing)
		return true
	}
	if kind == wire.Gap {
		p.breakTurns(len(x.SASL))
		x.Notes.Add(CommandDamaged)
		x.Pairing = Guessed // it may hold the end of the dialogue and more
		p.loss.pairing = Guessed
		p.gapEnd = l.End
		p.skip(stream.Client, l, Missing)
		p.mode = wantReply
		return true
	}
	if kind == wire.None {
		if p.ended {
			p.mode = wantReply
			return !s.Empty()
		}
		return false
	}
	if l.Off == p.gapEnd && l.PeerAcked >= 0 && l.PeerAcked < s.Offset() {
		// The rest of a line that was sent before the challenge came.
		p.tapeTurn(x, l, kind, p.opt.Limits.Turns)
		p.learnWords(l.Text, aSecret{part: true}, false)
		c.Skip()
		return true
	}
	if l.PeerAcked > s.Offset() {
		// The client had received more than the challenge when it sent
		// this line: the server may have ended the dialogue.
		if l.PeerAcked > s.Known() && p.mayWait() {
			return false
		}
		if p.refusedUnanswered(l.PeerAcked) {
			p.mode = wantReply
			return true
		}
	}
	p.tapeTurn(x, l, kind, len(x.SASL))
	p.addTurn(x, stream.Client, l.Text, l)
	lineNotes(&x.Notes, l, wire.MaxLine, LineCut)
	if kind == wire.Tail {
		x.Notes.Add(CommandDamaged)
		p.cutAt = l.End
		if p.lossy {
			x.Pairing = max(x.Pairing, Resynced) // the gap may hold the end of it and more
		}
	}
	c.Skip()
	p.mode = wantReply
	return true
}

// breakTurns notes that bytes of the client are missing from a SASL dialogue
// behind n turns, and perhaps whole turns.
func (p *Parser) breakTurns(n int) {
	switch {
	case p.turns < 0:
		p.turns, p.broken = n, false
	case p.turns < n:
		p.broken = true
	}
}

// lastOfClient returns the number of turns up to the client's last one.
func lastOfClient(turns []Turn) int {
	n := len(turns)
	for n > 0 && turns[n-1].From == stream.Server {
		n--
	}
	return n
}

// adrift reports whether nobody knows which turn of its dialogue the i-th of
// those that were captured is: turns before it may have been lost, and no prompt
// behind the loss tells.
func (p *Parser) adrift(turns []Turn, i int) bool {
	if p.turns < 0 || i < p.turns || turns[i].From == stream.Server {
		return false
	}
	prompted := slices.ContainsFunc(turns[p.turns:i], func(t Turn) bool { return t.From == stream.Server && !t.Data.Empty() })
	return p.broken || !prompted
}

// tapeTurn writes down a line of the client that is a SASL turn: which one, or
// beyond the limit where it is not kept.
func (p *Parser) tapeTurn(x *asked, l *wire.Text, kind wire.Kind, turn int) {
	if p.tape != nil {
		p.tape.text(stream.Client, l, kind, aTurn, 0, entry{owner: x.id, turn: turn})
	}
}

// hasInitial reports whether the arguments of AUTH hold an initial
// response (RFC 5034 section 4).
func hasInitial(args []byte) bool {
	mech, initial := cutMechanism(bytes.TrimSpace(args))
	return len(initial) > 0 || len(mech) > 0 && !isMechanism(mech)
}

// readAnswer decides whether the +OK to an AUTH without initial response
// ended the dialogue or began it: Microsoft's servers answer AUTH NTLM
// with +OK and then wait for the client's first message ([MS-POP3] section
// 3.1.5). A client that was let in goes on with a command.
func (p *Parser) readAnswer() bool {
	l, kind := p.scan[stream.Client].Line()
	if kind == wire.None && p.mayWait() {
		return false
	}
	lost := kind == wire.Gap // only a go-ahead makes a client send what is lost
	if !lost && (kind != wire.Line || isCommand(l.Text) || bytes.IndexByte(l.Text, ' ') >= 0) {
		p.finish(p.reply.statusEnd)
		return true
	}
	x := p.head()
	if p.lossy {
		x.Text = secret.NewHiddenText(x.Text.Reveal()) // perhaps it answers more than the command
	}
	p.tapeStatus(x)
	x.Status, x.Code = NoReply, nil
	x.SASL = append(x.SASL, Turn{From: stream.Server, At: x.ReplyLast})
	p.mode = wantTurn
	return true
}

// refusedUnanswered reports whether the server ended the dialogue before
// the client sent its next line, which is a command then.
func (p *Parser) refusedUnanswered(acked int64) bool {
	l, kind := p.scan[stream.Server].Line()
	if kind != wire.Line {
		return false
	}
	ind, _ := parseStatus(l.Text)
	return (ind == isOK || ind == isErr) && acked >= l.End
}

// addTurn keeps one turn of the dialogue.
func (p *Parser) addTurn(x *asked, from stream.Dir, data []byte, l *wire.Text) {
	x.Encrypted = x.Encrypted || l.Secure
	if from == stream.Server {
		x.ReplyLast = l.Last
	}
	if len(x.SASL) >= p.opt.Limits.Turns {
		x.Notes.Add(TurnsLimit)
		p.ses.Notes.Add(TurnsLimit)
		return
	}
	text := secret.NewText(p.keep(data))
	if from == stream.Client && string(data) != "*" {
		text = secret.NewHiddenText(text.Reveal())
	}
	x.SASL = append(x.SASL, Turn{From: from, Data: text, At: l.Last})
}

// authenticate remembers a user, or records the attempt to log in that x
// decided.
func (p *Parser) authenticate(x *Exchange) {
	switch x.Verb {
	case USER:
		p.user = append(p.user[:0], x.Args.Reveal()...)
		if x.Status == Err || p.lossy && (x.Status != OK || x.Pairing != Sure) {
			p.cutName()
		}
	case PASS, RPOP:
		p.keepName(x)
		p.login(x)
	case APOP, AUTH:
		p.login(x)
	}
}

// keepName shows the whole name of the USER before a PASS, if it has blanks
// and was not refused: a client that goes on with its password has not sent
// that yet. It stays hidden where the exchange is no longer in the parser's
// hands, and where the name has the password too, or is two commands in one, or
// a loss may hide a refusal.
func (p *Parser) keepName(pass *Exchange) {
	_, behind := cutWord(p.user)
	if len(behind) == 0 {
		return
	}
	from, to := wholeWord(behind, pass.Args.Reveal())
	if from < to || holdsPass(p.user) || p.lossy && pass.Pairing != Sure {
		p.cutName()
		return
	}
	if n := len(p.done); n > 0 && p.done[n-1].Verb == USER && p.done[n-1].Status != Err {
		x := &p.done[n-1]
		x.Args, x.Text = secret.NewText(x.Args.Reveal()), secret.NewText(x.Text.Reveal())
		p.maskKnown(x)
	}
}

// cutName takes what stands behind a blank in the user's name for no part
// of it.
func (p *Parser) cutName() {
	word, _ := cutWord(p.user)
	p.user = append(p.user[:0], word...)
}

// login records an attempt to log in, and moves the session to TRANSACTION
// when it succeeded.
func (p *Parser) login(x *Exchange) {
	var l Login
	switch x.Verb {
	case PASS:
		l.Mechanism = "USER/PASS"
		l.User = p.keep(p.user)
		l.Secret = secret.New(nonNil(x.Args.Reveal()))
		l.Exposure = Cleartext
		l.At = x.RequestLast
	case RPOP:
		// RFC 1081: the server trusts the address and port of the client.
		l.Mechanism = "RPOP"
		l.User = p.keep(p.user)
		l.Exposure = Protected
		l.At = x.RequestLast
	case APOP:
		p.apop(x, &l)
	case AUTH:
		mech, initial := cutMechanism(x.Args.Reveal())
		switch {
		case len(mech) == 0:
			return // a list of mechanisms, not a login
		case isMechanism(mech):
			p.sasl(x, string(upper(nil, mech)), initial, &l)
		default:
			p.sasl(x, NoMechanism, mech, &l)
		}
	}
	if p.isProof(l.User) {
		l.User = nil // who types a password again for a name has mistaken the prompt
	}
	if p.isProof(l.AuthzID) {
		l.AuthzID = nil
	}
	l.Exchange = x.N
	l.Encrypted = x.Encrypted
	if l.Encrypted {
		l.Exposure = Protected
	}
	status := x.Status
	if x.Verb == AUTH && x.Pairing == Guessed && (x.Notes.Has(ReplyDamaged) || x.Notes.Has(CommandDamaged)) {
		status = NoReply // it may be the word on another command
	}
	switch status {
	case OK:
		l.Outcome = Success
		p.ses.State = Transaction
		p.ses.User = p.keep(l.account())
	case NoReply:
		if p.ses.State != Transaction {
			p.ses.User = p.keep(l.account())
		}
	case Err:
		l.Outcome = Failure
		if l.Reason == NoReason {
			r := p.failure.Read(x.Text.Reveal(), l.User)
			l.Reason, l.Held = r.Reason, r.Sure && r.Reason == InUse
		}
		l.ReasonText = x.Text
	}
	p.ses.Logins++
	p.logins = append(p.logins, l)
}

// apop takes an APOP command apart: name SP digest, the digest being that
// of the greeting's timestamp and the password (RFC 1939 section 7).
func (p *Parser) apop(x *Exchange, l *Login) {
	l.Mechanism = "APOP"
	name, digest := cutDigest(x.Args.Reveal())
	l.User, l.Response = name, secret.New(bytes.TrimRight(digest, blanks))
	l.Challenge = p.ses.Challenge
	l.Exposure = Crackable
	if len(l.Response.Reveal()) == 0 && x.Status != OK && !x.Notes.Has(CommandDamaged) {
		l.Exposure = Protected // without a digest there is nothing to test guesses with
	}
	l.At = x.RequestLast
}

// sasl decodes the dialogue of an AUTH command (RFC 5034 section 4).
func (p *Parser) sasl(x *Exchange, mech string, initial []byte, l *Login) {
	var turns []sasl.Turn
	l.At = x.RequestLast
	if initial != nil {
		// One word by the RFC; some clients send the password as another.
		words := bytes.Fields(initial)
		if len(words) == 0 {
			words = [][]byte{nil}
		}
		for _, w := range words {
			turns = append(turns, sasl.Turn{Data: w})
		}
	}
	for i, t := range x.SASL {
		if mech == "LOGIN" && p.adrift(x.SASL, i) { // a password must not be taken for a name
			p.learn(decoded(t.Data.Reveal()), aSecret{proof: true})
			continue
		}
		turns = append(turns, sasl.Turn{Server: t.From == stream.Server, Data: t.Data.Reveal()})
		if t.From == stream.Client {
			l.At = t.At
		}
	}
	p.sawAuth = true
	if x.Status == Err && len(turns) == 0 && sasl.Known(mech) {
		p.refused = x.N
	}
	a := sasl.Decode(mech, turns)
	l.Mechanism = mech
	if strings.HasPrefix(mech, "SCRAM-") {
		maskServerProof(x.SASL)
	}
	p.learn(a.ServerProof.Reveal(), aSecret{proof: true})
	p.fill(l, a)
	if a.Incomplete && x.Status == OK {
		l.Exposure = Exposure(sasl.Exposes(mech)) // the missing turns did cross the wire
	}
	if a.Cancelled {
		if a.ServerError == "" { // otherwise the server had refused already
			l.Reason = Cancelled
		}
		x.Notes.Add(SASLCancelled)
	}
	if a.BadBase64 {
		x.Notes.Add(BadBase64)
	}
	if a.SecurityLayer {
		x.Notes.Add(SecurityLayer)
		p.opaque = x.Status == OK
	}
}

// maskServerProof hides what a server says after its first SCRAM message:
// its signature lets guesses be tested as well as the client's proof does
// (RFC 5802 section 3).
func maskServerProof(turns []Turn) {
	first := true
	for i := range turns {
		if t := &turns[i]; t.From == stream.Server && !t.Data.Empty() {
			if !first {
				t.Data = secret.NewHiddenText(t.Data.Reveal())
			}
			first = false
		}
	}
}

// isStrayResponse reports whether a line that is no command is base64, as
// a SASL client would send it. Where the session has had an AUTH little is
// enough, since a password must not be shown as a command.
func (p *Parser) isStrayResponse(line []byte) bool {
	lower, other := 0, 0
	for _, c := range line {
		switch {
		case 'a' <= c && c <= 'z':
			lower++
		case 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9', c == '+', c == '/', c == '=':
			other++
		default:
			return false
		}
	}
	if p.sawAuth {
		return len(line) >= 4 && lower+other > 0
	}
	return len(line) >= 16 && len(line)%4 == 0 && lower > 0 && lower+other < len(line)
}

// strayResponse adds what a client sent for a refused AUTH to the attempt:
// it did cross the wire. After a loss nobody knows which turn a line was.
func (p *Parser) strayResponse(line []byte, at stream.Stamp) {
	n := len(p.logins)
	if p.refused == 0 || n == 0 || p.logins[n-1].Exchange != p.refused || p.lossy || len(p.stray) == p.opt.Limits.Turns {
		return
	}
	p.stray = append(p.stray, sasl.Turn{Data: line})
	l := &p.logins[n-1]
	p.fill(l, sasl.Decode(l.Mechanism, p.stray))
	l.At = at
}

// fill takes what a dialogue told into a login.
func (p *Parser) fill(l *Login, a sasl.Attempt) {
	l.User, l.AuthzID = a.User, a.AuthzID
	l.Secret, l.Challenge, l.Response = a.Secret, a.Challenge, a.Response
	l.Exposure = Exposure(a.Exposure)
	l.Iterations, l.Peer = a.Iterations, a.Peer
}

// nonNil tells an empty secret from one that is not known.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
