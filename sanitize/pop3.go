package sanitize

import (
	"bytes"
	"encoding/base64"
	"strings"

	"popscope/pop3parse"
	"popscope/pop3parse/sasl"
	"popscope/reassembly/stream"
)

// dialog is what has to be known of a session to tell harmless bytes.
type dialog struct {
	s     *Sanitizer
	mail  [2]mail
	lossy bool
	lines [2][]span // of the SASL dialogue under way, by end of the flow
	mech  string
	row   [2]row
	said  [2]saying
}

// row is a line of a listing whose end has not come.
type row struct {
	off  int64
	open bool
	data pop3parse.Stretch // that it is of
}

// saying is a line of the server, whose stretches come one after the other.
type saying struct {
	span
	stretch pop3parse.Stretch // its first one
	secret  []span
}

// span is a stretch of one direction.
type span struct {
	off, end int64
	initial  bool // an initial response, not an answer to a challenge
	secret   bool // of a challenge: it repeats a secret, or proves that the server knows it
}

// stretch overwrites a stretch by what it is.
func (c *conn) stretch(side int, st pop3parse.Stretch) {
	w := &c.wins[side]
	client := st.Dir == stream.Client
	whole := func(f func(orig, out []byte)) {
		w.each(st.Off, st.End(), func(_ int64, orig, out []byte) { f(orig, out) })
	}
	keep := func(orig, out []byte) { copy(out, orig) }
	if st.Part != pop3parse.Rows {
		c.endRow(side, st)
	}
	if st.Part != pop3parse.Words {
		c.endSaying(side)
	}
	switch st.Part {
	case pop3parse.LineEnd, pop3parse.Final, pop3parse.Stuffing:
		whole(keep)
	case pop3parse.Indicator:
		whole(keep)
		if orig, _ := w.bytes(st.Off, st.End()); !client && !bytes.HasPrefix(orig, []byte("+ ")) && string(orig) != "+" {
			c.finishSASL()
		}
	case pop3parse.Keyword:
		if client && len(c.dialog.lines[side]) > 0 {
			c.finishSASL() // the word on the dialogue was lost
		}
		if st.Verb != "" && st.Verb.RFC() != "" && !st.Secret {
			whole(keep)
		} else {
			whole(func(orig, out []byte) { copy(out, orig); scrubUnknown(out, otherFiller) })
		}
	case pop3parse.Args:
		c.args(side, st, whole)
	case pop3parse.Words:
		c.say(side, st)
	case pop3parse.SASLData:
		c.dialog.lines[side] = append(c.dialog.lines[side], span{off: st.Off, end: st.End(), secret: !client && st.Secret})
		if w.holds[forDialogue] < 0 {
			w.holds[forDialogue] = st.Off
		}
	case pop3parse.Rows:
		c.rows(side, st)
	case pop3parse.Mail:
		c.mailStretch(side, st)
	case pop3parse.Proxy:
		whole(func(orig, out []byte) { copy(out, orig); scrubProxy(out) })
	case pop3parse.TLS:
		c.passTLS(side, st.Off, st.End(), false)
	case pop3parse.Missing:
		c.dialog.lossy = true
		if c.tls[side] != nil {
			c.tls[side].lose()
		}
	case pop3parse.Unread:
		c.dialog.lossy = true
		if !client {
			whole(keepIndicators)
		}
	}
	w.tell(st.End())
}

// say takes a stretch of what a server says, which waits for its line to
// be whole: words are not to be cut.
func (c *conn) say(side int, st pop3parse.Stretch) {
	l := &c.dialog.said[side]
	if l.end == l.off {
		*l = saying{span: span{off: st.Off, end: st.Off}, stretch: st, secret: l.secret[:0]}
		c.wins[side].holds[forLine] = st.Off
	}
	l.end = st.End()
	if st.Secret {
		l.secret = append(l.secret, span{off: st.Off, end: st.End()})
	}
}

// endSaying overwrites what a server said.
func (c *conn) endSaying(side int) {
	l := &c.dialog.said[side]
	if l.end == l.off {
		return
	}
	w := &c.wins[side]
	w.each(l.off, l.end, func(off int64, orig, out []byte) {
		copy(out, orig)
		c.words(out, l.stretch)
		for _, sp := range l.secret {
			from, to := max(sp.off-off, 0), min(sp.end-off, int64(len(out)))
			if from < to {
				c.echo(out, int(from), int(to))
			}
		}
		copy(out, orig[:indicator(orig)])
	})
	l.end = l.off
	w.holds[forLine] = -1
}

// keepIndicators keeps of lines nothing but what they begin with.
func keepIndicators(orig, out []byte) {
	for from := 0; from < len(orig); {
		line := orig[from:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		copy(out[from:], line[:indicator(bytes.TrimRight(line, "\r\n"))])
		from += len(line)
	}
}

// indicator returns the length of the +, +OK or -ERR that a line begins
// with. It stays also where nobody knew the line for a reply.
func indicator(b []byte) int {
	for _, ind := range []string{"+ ", "+OK", "-ERR"} {
		n := min(len(ind), len(b)) // a loss may have cut it
		if strings.EqualFold(string(b[:n]), ind[:n]) {
			return n
		}
	}
	return 0
}

// echo overwrites a secret that a server seems to repeat. Words of the list
// stay all the same: a server that answers a wrong password with "invalid
// password" does not repeat it, and to overwrite the word would tell what
// it was.
func (c *conn) echo(out []byte, from, to int) {
	var fill []int
	for i := from; i < to; i++ {
		if out[i] == '\r' || out[i] == 0 || knownWord(out, i) {
			continue
		}
		if !isWord(out[i]) && (i == 0 || knownWord(out, i-1)) && (i+1 == len(out) || knownWord(out, i+1)) {
			continue // between two words that stay
		}
		fill = append(fill, i) // not before all were looked at
	}
	for _, i := range fill {
		out[i] = filler
	}
}

// knownWord reports whether the byte at i is part of a word of the list.
func knownWord(b []byte, i int) bool {
	lo, hi := i, i
	for lo > 0 && isWord(b[lo-1]) && i-lo <= maxWord {
		lo--
	}
	for hi < len(b) && isWord(b[hi]) && hi-lo <= maxWord {
		hi++
	}
	return isWord(b[i]) && hi-lo <= maxWord && words()[string(bytes.ToLower(b[lo:hi]))]
}

// maxWord bounds the words of the list.
const maxWord = 32

// words overwrites what a server says.
func (c *conn) words(out []byte, st pop3parse.Stretch) {
	opt := &c.dialog.s.opt
	switch {
	case opt.Texts:
	case st.Greeting:
		scrubGreeting(out, opt.Hosts, opt.Addresses)
	case (st.Verb == pop3parse.UIDL || st.Verb == pop3parse.XUIDL) && isScan(out):
		scrubUIDL(out)
	default:
		scrubText(out)
		if st.Verb.Index() == 0 || st.Verb == pop3parse.USER {
			scrubNumbers(out)
		} else if !sizes[st.Verb] {
			c.dialog.s.names.numbers(out)
		}
	}
}

// sizes are the commands that are answered with sizes and numbers of
// messages, which are no user names even where they look like one.
var sizes = map[pop3parse.Verb]bool{
	pop3parse.STAT: true, pop3parse.LIST: true, pop3parse.RETR: true, pop3parse.TOP: true, pop3parse.DELE: true,
	pop3parse.UIDL: true, pop3parse.XUIDL: true, pop3parse.XAUTHLIST: true, pop3parse.LAST: true,
}

// isScan reports whether a text is the unique id listing of one message.
func isScan(b []byte) bool {
	return len(b) > 0 && '0' <= b[0] && b[0] <= '9' && bytes.Count(bytes.TrimSpace(b), []byte(" ")) == 1
}

// args overwrites the arguments of a command.
func (c *conn) args(side int, st pop3parse.Stretch, whole func(func(orig, out []byte))) {
	names := c.dialog.s.names
	in := func(f func(b []byte)) {
		whole(func(orig, out []byte) { copy(out, orig); f(out) })
	}
	switch st.Verb {
	case pop3parse.USER:
		if st.Secret { // what stands behind a blank may be a password typed too early
			in(func(b []byte) { scrubBehind(b, filler) })
			return
		}
		in(func(b []byte) {
			name := bytes.Trim(b, " \t")
			copy(name, names.user(name))
		})
	case pop3parse.APOP:
		if st.Secret {
			in(scrubDigest)
			return
		}
		in(func(b []byte) { copy(b, names.user(b)) })
	case pop3parse.AUTH:
		c.auth(side, st, in)
	case pop3parse.PASS, pop3parse.RPOP:
		in(func(b []byte) { overwriteWhere(b, filler, unnoted) })
	case pop3parse.LANG:
		if st.Secret {
			in(func(b []byte) { scrubBehind(b, filler) })
			return
		}
		in(func(b []byte) {
			overwriteWhere(b, filler, func(x byte) bool { return x >= 0x80 || len(b) > 8 && isWord(x) })
		})
	case "":
		in(c.stray)
	case pop3parse.XCLIENT, pop3parse.XOIP:
		in(func(b []byte) { overwriteWhere(b, filler, func(x byte) bool { return x != ' ' && x != '=' }) })
	default:
		switch {
		case st.Verb.Index() == 0:
			in(func(b []byte) { scrubBehind(b, otherFiller) })
		case st.Verb.RFC() == "" || st.Secret:
			in(func(b []byte) { scrubBehind(b, filler) })
		default:
			in(scrubText)
		}
	}
}

// unnoted reports whether the analysis makes no note of a byte: a NUL and a
// CR inside a line stay, so that their notes do.
func unnoted(c byte) bool { return c != 0 && c != '\r' }

// scrubDigest overwrites an answer to an APOP challenge by one that still
// has the form of a digest, if it had.
func scrubDigest(b []byte) {
	with := byte(filler)
	if len(bytes.Trim(b, "0123456789abcdefABCDEF")) == 0 {
		with = '0'
	}
	for i := range b {
		b[i] = with
	}
}

// wordOf returns how long the first word of b is.
func wordOf(b []byte) int {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return i
	}
	return len(b)
}

// scrubBehind overwrites b with a letter, but for blanks at its ends.
func scrubBehind(b []byte, with byte) {
	from := len(b) - len(bytes.TrimLeft(b, " "))
	to := max(from, len(bytes.TrimRight(b, " ")))
	overwriteWhere(b[from:to], with, unnoted)
}

// stray overwrites a line that is no command.
func (c *conn) stray(b []byte) {
	if bytes.IndexByte(b, ' ') < 0 && len(b) >= 4 {
		s := sasl.NewScrubber("", nil, nil)
		if out := s.Line(false, b); bytes.IndexByte(out, '-') < 0 && len(out) == len(b) && len(bytes.Trim(out, base64Letters)) == 0 && len(b)%4 == 0 {
			copy(b, out)
			return
		}
	}
	scrubUnknown(b, filler)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// auth takes the arguments of AUTH: the name of the mechanism, and perhaps
// an initial response.
func (c *conn) auth(side int, st pop3parse.Stretch, in func(func([]byte))) {
	if st.Secret {
		c.dialog.lines[side] = append(c.dialog.lines[side], span{off: st.Off, end: st.End(), initial: true})
		if w := &c.wins[side]; w.holds[forDialogue] < 0 {
			w.holds[forDialogue] = st.Off
		}
		return
	}
	in(func(b []byte) {
		name, _, _ := bytes.Cut(bytes.TrimLeft(bytes.ReplaceAll(b, []byte("\t"), []byte(" ")), " "), []byte(" "))
		c.dialog.mech = string(name)
		if !sasl.Known(string(name)) {
			scrubText(b)
		}
	})
}

// finishSASL overwrites the dialogue that came to its end. It is done as
// a whole, since which answer is the password can hang on the prompt before
// it, and the two directions come one after the other.
func (c *conn) finishSASL() {
	d := &c.dialog
	if len(d.lines[0])+len(d.lines[1]) > 0 {
		c.scrubSASL()
	}
	d.lines, d.mech = [2][]span{}, ""
	for i := range c.wins {
		if w := &c.wins[i]; w.holds[forDialogue] >= 0 {
			w.holds[forDialogue] = -1
			w.tell(w.told)
		}
	}
}

func (c *conn) scrubSASL() {
	d := &c.dialog
	client := c.side(stream.Client)
	s := sasl.NewScrubber(d.mech, d.s.names.user, func(b []byte) []byte {
		out := bytes.Clone(b)
		if !d.s.opt.Texts {
			scrubText(out)
			d.s.names.numbers(out)
		}
		return out
	})
	answers, challenges := d.lines[client], d.lines[1-client]
	var initial []span
	for len(answers) > 0 && answers[0].initial {
		initial, answers = append(initial, answers[0]), answers[1:]
	}
	line := func(side int, sp span, server bool) {
		orig, out := c.wins[side].bytes(sp.off, sp.end)
		if orig == nil {
			return // part of it was lost: it stays overwritten
		}
		if sp.initial {
			scrubInitial(s, orig, out)
			return
		}
		copy(out, s.Line(server, orig))
		if server {
			d.s.scrubChallenge(out)
		}
		if sp.secret && !sasl.ScrubsProof(d.mech) {
			copy(out, sasl.NewScrubber("", nil, nil).Line(true, orig))
		}
	}
	// Each answer follows a challenge. Where there are not as many of both,
	// something was lost, or a +OK served as one; then nobody knows which
	// answer is the password of LOGIN.
	if n := len(answers) - len(challenges); d.lossy || n > 0 || n < -1 {
		s.Distrust()
	}
	for _, sp := range initial {
		line(client, sp, false)
	}
	for i := range max(len(answers), len(challenges)) {
		if i < len(challenges) {
			line(1-client, challenges[i], true)
		}
		if i < len(answers) {
			line(client, answers[i], false)
		}
	}
}

// scrubInitial overwrites an initial response: one word by RFC 5034, but some
// clients send more.
func scrubInitial(s *sasl.Scrubber, orig, out []byte) {
	for from := 0; from < len(orig); {
		n := wordOf(orig[from:])
		copy(out[from:], s.Line(false, orig[from:from+n]))
		if from += n; from < len(orig) {
			out[from] = orig[from]
			from++
		}
	}
}

// scrubChallenge overwrites the name of the host in a challenge that is a
// timestamp, as that of CRAM-MD5 (RFC 2195), in base64.
func (s *Sanitizer) scrubChallenge(line []byte) {
	line = bytes.Trim(line, " \t\r\n")
	enc := base64.StdEncoding
	if !bytes.HasSuffix(line, []byte("=")) {
		enc = base64.RawStdEncoding
	}
	b, err := enc.DecodeString(string(line))
	if err != nil || len(b) == 0 || b[0] != '<' || b[len(b)-1] != '>' {
		return
	}
	scrubTimestamp(b, s.opt.Hosts, s.opt.Addresses)
	enc.Encode(line, b)
}

// rows overwrites data that is no message, line by line.
func (c *conn) rows(side int, st pop3parse.Stretch) {
	if !listings[st.Verb] {
		c.mailStretch(side, st)
		return
	}
	w, r := &c.wins[side], &c.dialog.row[side]
	if !r.open {
		r.off, r.open = st.Off, true
	}
	r.data = st
	orig, _ := w.bytes(r.off, st.End())
	n := int64(bytes.LastIndexByte(orig, '\n') + 1)
	if n > 0 {
		c.scrubRows(side, r.off, r.off+n, st)
		r.off += n
	}
	r.open = r.off < st.End() && st.End()-r.off <= maxRow && orig != nil
	w.holds[forLine] = -1
	if r.open {
		w.holds[forLine] = r.off
	}
}

// maxRow bounds a row that is waited for. Of longer ones, and of those
// with a gap, the rest stays overwritten.
const maxRow = 4 << 10

// listings are the commands whose rows are known.
var listings = map[pop3parse.Verb]bool{
	pop3parse.UIDL: true, pop3parse.XUIDL: true, pop3parse.CAPA: true, pop3parse.LIST: true, pop3parse.AUTH: true,
	pop3parse.LANG: true, pop3parse.XAUTHLIST: true,
}

// endRow ends a row that has no line end.
func (c *conn) endRow(side int, st pop3parse.Stretch) {
	w, r := &c.wins[side], &c.dialog.row[side]
	if !r.open {
		return
	}
	c.scrubRows(side, r.off, st.Off, r.data)
	r.open = false
	w.holds[forLine] = -1
}

// scrubRows overwrites whole rows, of data that st is of.
func (c *conn) scrubRows(side int, off, end int64, st pop3parse.Stretch) {
	c.wins[side].each(off, end, func(_ int64, orig, out []byte) {
		copy(out, orig)
		switch v := st.Verb; {
		case v == pop3parse.UIDL || v == pop3parse.XUIDL:
			scrubUIDL(out)
			if st.Secret {
				scrubIDs(out)
			}
		case v == pop3parse.XAUTHLIST || st.Secret || !c.dialog.s.opt.Texts:
			scrubText(out)
			if st.Secret && v == pop3parse.CAPA {
				scrubNumbers(out)
			}
		}
	})
}

// scrubIDs overwrites the unique ids in rows of UIDL. They end in the numbers
// of their messages, where these fit, so that they stay unique.
func scrubIDs(b []byte) {
	for row := range bytes.Lines(b) {
		row = bytes.TrimRight(row, "\r\n")
		num, id, _ := bytes.Cut(row, []byte(" "))
		for i := range id {
			id[i] = filler
		}
		copy(id[max(0, len(id)-len(num)):], num)
	}
}

// maxUID bounds a unique id (RFC 1939 section 7).
const maxUID = 70

// scrubUIDL keeps rows of a number and a unique id, and overwrites what is
// too much.
func scrubUIDL(b []byte) {
	field, n := 0, 0
	for i, x := range b {
		switch {
		case x == '\n':
			field, n = 0, 0
			continue
		case x == '\r' || x == 0:
			continue
		case x == ' ':
			field++
			n = 0
			continue
		}
		n++
		ok := field == 0 && '0' <= x && x <= '9' || field == 1 && x > ' ' && x < 0x7f
		if !ok || n > maxUID {
			b[i] = filler
		}
	}
}

// scrubProxy overwrites the addresses in a header of the PROXY protocol.
func scrubProxy(b []byte) {
	const binaryFixed = 16
	if b[0] != 'P' {
		clear(b[min(len(b), binaryFixed):])
		return
	}
	word := 0
	for i, x := range b {
		switch {
		case x == ' ':
			word++
		case word > 1 && isWord(x):
			b[i] = '0'
		}
	}
}
