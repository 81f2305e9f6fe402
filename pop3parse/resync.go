package pop3parse

import (
	"bytes"
	"sort"
	"strings"

	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// After a loss the acknowledgement numbers say which command the server's
// bytes belong to:
//
//	the reply to a command begins no earlier than where the client stood
//	when it sent the command (asked.acked);
//	bytes were sent no earlier than the server had the whole command
//	(their PeerAcked is at least asked.end).
//
// They prove it, and the exchange says resynced, for a client that sends one
// command or several and waits for all the replies before it sends more.
// Where such a client stands when it sends a command, all earlier ones are
// answered but those that it sent from the same place. So the reply to the
// first command sent from a place begins exactly there (isClear), and the
// others follow in order. A command is the first one (isFirst)
//
//	if the command directly before it was sent from an earlier place;
//	or, where what stands directly before it was lost, if bytes that the
//	client had received acknowledge all of that: then nothing of it was sent
//	when they had come.
//
// Without the second part the lost bytes may hold commands sent from the same
// place, to which the replies may be, so the exchange says guessed, as it does
// where the shape of a reply has to do. That a client goes on when it has only
// a part of what it asked for can be seen where nothing is lost (slides); of
// such a client nothing is proved any more.
//
// The last reply before the place that a first command was sent from is that of
// the command directly before it (proveBack).

// lossState is what a loss left undecided, and how sure pairing is since.
type lossState struct {
	open      bool  // bytes of the server were lost and settleLoss has not decided yet
	off, end  int64 // of the lost bytes
	pairing   Pairing
	prevAcked int64 // asked.acked of the last finished command; -1 unknown
	served    int64 // how much of the client's stream the server had when it sent the status lines read so far; -1 unknown
	slides    bool  // the client was seen to go on when it had a part of what it had asked for
	tail      bool  // the next line is the rest of a reply whose beginning was lost
	cutAt     int64 // server stream offset at which the last line of a reply ended that was captured in part; -1 without one
	adrift    bool  // what looks like a status line next may be a line of data
}

// openLoss notes that bytes of the server's stream are missing.
func (p *Parser) openLoss(off, end int64) {
	if p.loss.open && p.loss.end == off {
		p.loss.end = end
		return
	}
	p.loss.open, p.loss.off, p.loss.end = true, off, end
}

// place decides how sure it is that the reply at server stream offset off
// belongs to x. A client that waited for everything before x gives a clear
// point, from which on pairing is sure again.
func (p *Parser) place(x *asked, off, acked int64) {
	x.Pairing = p.loss.pairing
	if x.Notes.Has(CommandDamaged) && p.lossy {
		x.Pairing = max(x.Pairing, Resynced) // the gap may hold the end of it and more
	}
	x.clear = x.spec != nil && acked >= x.end && p.isClear(x, off)
	if p.loss.pairing == Sure {
		return
	}
	if x.clear {
		x.Pairing = Resynced
		p.loss.pairing = Sure
		p.proveBack(x.start, off)
	}
}

// proveBack looks at the exchanges before a command that begins at client
// stream offset start, and the reply to which is known to begin at off: the
// last reply before off is that of the last command before start, and so on
// for all that have replies of one line, of which none can be a line of data.
func (p *Parser) proveBack(start, off int64) {
	first := len(p.done)
	for first > 0 {
		x := &p.done[first-1]
		if x.command.from == 0 && !p.opt.FromStart {
			break // it may be the rest of a line
		}
		if x.Pairing != Guessed || x.command.to != start || x.answer.to != off || !x.isWhole() || x.Multiline || len(x.SASL) > 0 {
			break
		}
		start, off = x.command.from, x.answer.from
		first--
	}
	for i := range p.done[first:] {
		x := &p.done[first+i]
		x.Pairing = Resynced
		switch {
		case x.Status == OK && x.Verb == RSET:
			p.drop.unmark()
		case x.Status == OK && x.Verb == DELE:
			p.drop.mark(x.Number(), true)
		}
	}
}

// isWhole reports whether all of the command and of its reply, as far as that
// was read, was captured.
func (x *Exchange) isWhole() bool {
	const damage = Notes(1<<CommandLost | 1<<CommandDamaged | 1<<ReplyLost | 1<<ReplyDamaged | 1<<UnexpectedReply | 1<<UnexpectedLine)
	return x.Status != NoReply && x.Notes&damage == 0
}

// isClear reports whether the server's bytes from off on are the reply to x,
// all commands before it having been finished.
func (p *Parser) isClear(x *asked, off int64) bool {
	return x.acked == off && p.isFirst(x)
}

// isFirst reports whether x is the first command that the client sent where
// it stood, all commands before it having been finished.
func (p *Parser) isFirst(x *asked) bool {
	switch {
	case x.lost, p.loss.slides, x.acked <= p.loss.prevAcked:
		return false
	case x.blind:
		return p.loss.served >= x.start
	}
	return true
}

// skipToClearPoint looks for a waiting command that the client sent when it
// had received exactly what comes before line l, while pairing is not sure:
// the replies to the commands before it are over then, and some of them
// were lost. It reports whether there is one that is not the head.
func (p *Parser) skipToClearPoint(l *wire.Text) bool {
	if p.loss.pairing == Sure || p.reply.begun {
		return false
	}
	// The first candidate; acknowledgements ascend along the queue.
	first := 1 + sort.Search(max(p.waiting()-1, 0), func(i int) bool {
		x := p.at(i + 1)
		return x.lost || x.acked >= l.Off
	})
	for j := first; ; j++ {
		x := p.at(j)
		if x == nil || x.lost || x.acked > l.Off || l.PeerAcked < x.end {
			return false
		}
		if x.spec != nil && !x.blind && !p.loss.slides && x.acked == l.Off && p.at(j-1).acked < l.Off {
			for range j {
				p.giveUp(ReplyLost)
			}
			return true
		}
	}
}

// clientBehind reports whether the server had received more of the client
// when it sent something than has come here: what a decision rests on may
// be still on its way.
func (p *Parser) clientBehind(q int64) bool {
	return p.mayWait() && q > p.scan[stream.Client].Known()
}

// settleLoss decides which command the bytes after a loss answer, and
// reports whether it could.
func (p *Parser) settleLoss() bool {
	s := &p.scan[stream.Server]
	if s.Empty() {
		if p.mayWait() {
			return false
		}
		p.loseTrack()
		return true
	}
	if p.mode != wantData && len(s.Peek(1)) == 0 { // another gap
		l, _ := s.Line()
		p.loss.end = l.End
		p.skip(stream.Server, l, Missing)
		return true
	}
	q := s.PeerAcked()
	if p.clientBehind(q) {
		return false
	}
	k := p.lastAnswered(q)
	held := k >= 0 && p.hold != noBarrier && k == p.waiting()-1
	if held && (p.reply.begun || p.at(k).acked < p.loss.end) && p.passBarrier(p.loss.end, q) {
		return true
	}
	if k < 0 {
		p.loseTrack()
		return true
	}
	if p.reply.begun && k == 0 {
		p.goOn()
		return true
	}
	j := p.groupStart(k)
	next := j == 0 && p.loss.pairing != Guessed // in the order of the commands it comes next
	p.loss.pairing = Resynced
	if p.at(j).lost {
		p.loss.pairing = Guessed // what was lost may have been sent in one go with those before
	}
	for range j {
		p.giveUp(ReplyLost)
	}
	if x := p.head(); x.lost {
		p.loseTrack()
		return true
	}
	return p.startAfterLoss(k-j+1, next || p.isFirst(p.head()))
}

// lastAnswered returns the index of the last waiting command that the
// server can have been answering when it sent the bytes after the loss; -1
// when there is none.
func (p *Parser) lastAnswered(q int64) int {
	k := -1
	for i := 0; ; i++ {
		x := p.at(i)
		switch {
		case x == nil:
			return k
		case i == 0 && p.reply.begun:
			k = 0
		case x.lost:
			if q < 0 || q > x.start {
				k = i
			}
		case x.acked > p.loss.end, q >= 0 && x.end > q:
			return k
		case p.reply.begun && x.acked <= p.loss.off:
			// Pipelined behind the reply that was cut: it may or may
			// not have ended in the gap.
			return k
		default:
			k = i
		}
	}
}

// groupStart returns the first of the commands up to the k-th that were
// sent at the same point of the server's stream as the k-th.
func (p *Parser) groupStart(k int) int {
	j := k
	for j > 0 && !(j == 1 && p.reply.begun) && !p.at(j-1).lost && !p.at(k).lost && p.at(j-1).acked == p.at(k).acked {
		j--
	}
	return j
}

// startAfterLoss begins to read the reply of one of the first n waiting
// commands, all of which may be the one. Unless known, what was lost of the
// client may be the one as well.
func (p *Parser) startAfterLoss(n int, known bool) bool {
	s := &p.scan[stream.Server]
	exact := p.head().acked == p.loss.end
	l, kind := s.Line()
	if kind == wire.None && !exact && p.mayWait() && mayBeStatus(s.Peek(5)) {
		return false
	}
	ind := noIndicator
	var text []byte
	if kind != wire.None {
		ind, text = parseStatus(l.Text)
	}
	isStatus := ind == isOK || ind == isErr
	if exact && p.isFirst(p.head()) {
		n, known = 1, true // however many commands were sent with it
	} else if p.loss.cutAt == p.loss.off && p.head().acked <= p.loss.off {
		known = false // this may be the rest of the line that the loss cut
	}
	if n > 1 {
		p.loss.pairing = Guessed
		if isStatus {
			for i := p.firstFit(n, ind, text); i > 0; i-- {
				p.giveUp(ReplyLost)
			}
		}
	}
	switch {
	case n == 1 && exact && known:
		p.closeLoss(Resynced)
	case isStatus || exact:
		p.loss.adrift = !exact
		p.closeLoss(Guessed)
	default:
		p.insideReply(n == 1 && known)
	}
	return true
}

// firstFit returns which of the first n waiting commands a status line
// fits, the lost bytes having room for the replies before it.
func (p *Parser) firstFit(n int, ind indicator, text []byte) int {
	const shortest = int64(len("+OK\r\n"))
	room := p.loss.end - p.loss.off
	first := 0
	if x := p.head(); p.isFirst(x) && p.loss.off <= x.acked && x.acked < p.loss.end {
		first = 1 // of the reply to this one the beginning was lost
	}
	for i := first; i < n && int64(i)*shortest <= room; i++ {
		if fits(p.at(i), ind, text) {
			return i
		}
	}
	return 0
}

// fits reports whether a status line has the shape of a reply to x.
func fits(x *asked, ind indicator, text []byte) bool {
	if ind == isErr {
		return true
	}
	_, _, numbers := twoNumbers(text)
	switch x.Verb {
	case STAT:
		return numbers
	case LIST, UIDL:
		return len(bytes.TrimSpace(x.Args.Reveal())) == 0 || isScan(text)
	case RETR:
		return !numbers
	case QUIT, DELE, NOOP, RSET:
		return !numbers && announcedOctets(text) < 0
	}
	return true
}

// insideReply begins to read a reply whose first bytes were lost.
func (p *Parser) insideReply(known bool) {
	x, s := p.head(), &p.scan[stream.Server]
	x.Notes.Add(ReplyDamaged)
	x.Pairing = Guessed
	if known {
		x.Pairing = Resynced
	}
	from := max(x.acked, p.loss.off)
	lost := p.loss.end - from
	p.reply.begun, p.reply.off = true, from
	p.closeLoss(Guessed)
	rule := x.spec.ruleFor(x.Args.Reveal())
	if rule != multi && (rule != lookAhead || x.spec.isListing()) {
		p.loss.tail, p.loss.adrift = true, !known
		return
	}
	p.beginData(x)
	s.Inside()
	p.reply.watch, p.reply.fresh, p.reply.rowCut = true, true, true
	p.mailGap(lost)
}

// goOn goes on with the reply that the loss cut, none other being possible.
func (p *Parser) goOn() {
	x, s, r := p.head(), &p.scan[stream.Server], &p.reply
	x.Notes.Add(ReplyDamaged)
	switch p.mode {
	case wantData:
		r.watch, r.fresh = true, true
	case wantRow:
		x.lookedAhead()
		if mayBeStatus(s.Peek(5)) {
			p.finish(r.statusEnd)
			break
		}
		p.beginData(x)
		s.Inside()
		r.watch, r.fresh, r.rowCut = true, true, true
	default: // a dialogue: its last word may be among what was lost
		x.Pairing = Guessed
	}
	p.closeLoss(Guessed)
}

// loseTrack ends the decision about a loss where nothing tells what goes on
// behind it.
func (p *Parser) loseTrack() {
	p.closeLoss(Guessed)
	p.loss.adrift = true
}

// closeLoss ends the decision about a loss.
func (p *Parser) closeLoss(pairing Pairing) {
	p.loss.open = false
	p.loss.pairing = pairing
}

// giveUp ends the head without (the rest of) its reply, which was lost.
func (p *Parser) giveUp(why Note) {
	x := p.head()
	p.learnRest(x)
	if x.lost {
		if x.replies > 0 || x.weak {
			p.loss.prevAcked = max(p.loss.prevAcked, x.acked)
			p.pop()
			return
		}
		x.lost = false
		x.Notes.Add(CommandLost)
		x.Pairing = Guessed
	}
	switch {
	case p.reply.begun:
		x.Notes.Add(ReplyDamaged)
		if p.reply.seenOK {
			x.Pairing = max(x.Pairing, Resynced) // the go-ahead is not the last word
		}
		if p.mode == wantData {
			p.reply.cut = true
			p.endData(x)
		}
	default:
		if p.lossy {
			x.Notes.Add(why)
		}
		x.Pairing = max(x.Pairing, p.loss.pairing)
	}
	p.finish(p.lastReplyEnd)
}

// decision says whether a line that looks like a status line ends the data.
type decision uint8

const (
	goesOn decision = iota
	undecided
	dataEnded
)

// endsHere decides, where a line of damaged or guessed data begins, whether
// it is the reply to the next command already.
func (p *Parser) endsHere(x *asked) decision {
	s := &p.scan[stream.Server]
	b := s.Peek(5)
	switch {
	case len(b) == 0:
		return goesOn
	case p.reply.fresh && b[0] == '.':
		return p.finalDot()
	case !mayBeStatus(b):
		return goesOn
	}
	l, kind := s.Line()
	if kind == wire.None {
		if p.mayWait() && l == nil {
			return undecided
		}
		return goesOn
	}
	if ind, _ := parseStatus(l.Text); ind != isOK && ind != isErr {
		return goesOn
	}
	if p.clientBehind(l.PeerAcked) {
		return undecided
	}
	next := p.at(1)
	pairing := Guessed
	switch {
	case next == nil:
		return goesOn
	case next.lost:
		if l.PeerAcked <= next.start {
			return goesOn
		}
	case l.PeerAcked >= 0 && l.PeerAcked < next.end, next.acked < 0, l.Off < next.acked:
		return goesOn
	case p.isClear(next, l.Off) && next.acked > p.reply.off:
		pairing = Resynced
	}
	if pairing == Guessed && p.reply.brief && !x.Verb.listsMessages() { // no row of those is a status line
		return goesOn
	}
	off := l.Off
	p.reply.cut = true
	p.loss.pairing, p.loss.adrift = pairing, pairing == Guessed
	p.endData(x)
	p.finish(off)
	return dataEnded
}

// finalDot decides whether a dot directly after a gap is the final line of
// the data.
func (p *Parser) finalDot() decision {
	s := &p.scan[stream.Server]
	l, kind := s.Line()
	if kind == wire.None {
		if p.mayWait() {
			return undecided
		}
		return goesOn
	}
	if len(l.Text) != 1 {
		return goesOn
	}
	next := p.at(1)
	if next == nil && p.mayWait() {
		return undecided
	}
	if next == nil || next.lost || next.acked <= p.reply.off || next.acked == l.End {
		s.StartLine()
	}
	return goesOn
}

// replyToLost reads a server line while the oldest command is one that was
// lost.
func (p *Parser) replyToLost(x *asked, l *wire.Text) bool {
	next, q := p.at(1), l.PeerAcked
	p.learnRest(x)
	switch {
	case next != nil && next.lost:
	case next != nil:
		certain := q >= 0 && q < next.end || next.acked > l.Off
		if !certain && (x.replies > 0 || x.weak) {
			p.loss.prevAcked = max(p.loss.prevAcked, x.acked)
			p.loss.pairing = Guessed
			if q >= 0 && p.isClear(next, l.Off) {
				p.loss.pairing = Resynced
			}
			p.pop()
			return true
		}
	case q >= 0 && q <= x.end:
	case p.mayWait():
		return false
	}
	ind, text := parseStatus(l.Text)
	if ind != isOK && ind != isErr {
		p.ses.Notes.Add(UnexpectedLine)
		p.skip(stream.Server, l, Unread)
		return true
	}
	x.replies++
	unasked, rest := x.start == x.end && (p.opt.FromStart || p.n > 0), x.rest
	p.loss.pairing = Guessed
	y := p.pushFront()
	y.rest = rest
	if unasked {
		y.Notes.Add(UnexpectedReply)
	} else {
		y.Notes.Add(CommandLost)
	}
	p.statusLine(y, l, ind, text, wire.Line)
	return true
}

// guessByRow tells from the first row of a reply which command it answers;
// "" when the row does not say.
func guessByRow(row []byte) Verb {
	num, rest, found := bytes.Cut(row, []byte(" "))
	switch {
	case found && messageNumber(num) > 0 && messageNumber(rest) > 0 && bytes.IndexByte(rest, ' ') < 0:
		return LIST
	case found && messageNumber(num) > 0 && bytes.IndexByte(rest, ' ') < 0:
		return UIDL
	case isHeaderLine(row):
		return RETR
	}
	if isCapability(num) {
		return CAPA
	}
	return ""
}

// isCapability reports whether a word is the name of a capability (RFC 2449
// section 6).
func isCapability(word []byte) bool {
	switch string(bytes.ToUpper(word)) {
	case "TOP", "USER", "UIDL", "SASL", "STLS", "CAPA", "PIPELINING", "RESP-CODES", "EXPIRE", "LOGIN-DELAY", "IMPLEMENTATION", "AUTH-RESP-CODE", "UTF8", "LANG":
		return true
	}
	return false
}

// agreeing returns the verb that a reply looks like, as far as what was
// captured of the command allows for it.
func (x *asked) agreeing(v Verb) Verb {
	begins := func(v Verb) bool { return strings.HasPrefix(string(v), strings.ToUpper(string(x.VerbSent))) }
	switch {
	case begins(v):
		return v
	case v == RETR && begins(TOP):
		return TOP
	}
	return ""
}

// isHeaderLine reports whether row is a header field of a mail (RFC 5322
// section 2.2).
func isHeaderLine(row []byte) bool {
	i := bytes.IndexByte(row, ':')
	if i < 2 {
		return false
	}
	for _, c := range row[:i] {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// guessByText tells from a single-line reply which command it answers.
func guessByText(text []byte) Verb {
	if _, _, ok := twoNumbers(text); ok {
		return STAT
	}
	low := bytes.ToLower(text)
	for _, w := range []struct {
		word string
		verb Verb
	}{
		{"bye", QUIT}, {"logging out", QUIT}, {"signing off", QUIT}, {"closing", QUIT},
		{"marked to be deleted", DELE}, {"message deleted", DELE}, {"marked for deletion", DELE},
		{"begin tls", STLS},
	} {
		if bytes.Contains(low, []byte(w.word)) {
			return w.verb
		}
	}
	return ""
}
