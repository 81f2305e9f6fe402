package pop3parse

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"popscope/pop3parse/sasl"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// secretWords in an unknown verb say that a secret is near: people who
// type and broken scripts send PASSsesame, LOGIN alice sesame, or a PASS
// with junk before it.
var secretWords = [][]byte{[]byte("PASS"), []byte("PWD"), []byte("AUTH"), []byte("LOGIN"), []byte("APOP")}

// maskUnknown hides what can be a secret in a command that nobody knows: a
// mistyped PASS, a password where a command is expected, once more what was
// sent as a secret before. Apart from that there is no reason to send one in
// TRANSACTION.
func (p *Parser) maskUnknown(x *asked) {
	after := p.lastVerb
	if x.spec != nil || x.Notes.Has(CommandLost) {
		p.lastVerb = x.Verb
	}
	if x.spec != nil || x.Verb == "" && x.VerbSent == nil { // hidden already, or lost
		return
	}
	args, line := x.Args.Reveal(), x.line()
	// Of a verb that was cut nobody knows what it was, and the first line of a
	// capture that began late, or behind a gap, may be the rest of one.
	whole := x.Verb == "" || after == USER || x.blind
	whole = whole || x.State < Transaction && (after == PASS || after == APOP || after == AUTH || !isKeyword(x))
	for _, w := range secretWords {
		whole = whole || bytes.Contains([]byte(x.Verb), w)
	}
	if from, to := p.echo(line, x.lostEnds()); from < to {
		whole = true
	}
	switch {
	case whole:
		x.hide(p.keep(line))
	case x.State < Transaction:
		x.Args = secret.NewHiddenText(args)
	}
}

// maskArgs hides what can be a secret in the arguments of a command that
// takes none, or numbers, or anything: what was sent as a secret before, and
// before the login, or where the line may be the rest of another one, all that
// is no such argument.
func (p *Parser) maskArgs(x *asked) {
	args := x.Args.Reveal()
	if x.spec == nil || len(args) == 0 || x.Verb.proves() {
		return
	}
	switch {
	case x.spec.takes != anyWords && x.spec.takesThese(args) && !x.blind:
		return // the number of a message may be somebody's PIN by chance
	case !x.spec.takesThese(args) && (x.blind || p.ses.State < Transaction):
		x.Args = secret.NewHiddenText(args)
		return
	}
	lost := endIf(x.Notes.Has(CommandDamaged))
	from, to := p.echo(args, lost)
	if x.Verb == USER && lost == nothingLost && !p.isProof(args[from:to]) {
		return // it may be a name that was typed as something else before
	}
	if from < to {
		x.Args = hideAlso(x.Args, from, to)
	}
}

// lostEnds says which ends of the command's line may have been lost.
func (x *asked) lostEnds() ends {
	lost := endIf(x.Notes.Has(CommandDamaged))
	if x.blind {
		lost |= beginLost
	}
	return lost
}

// proves reports whether the arguments of a command hold what the client proves
// itself with.
func (v Verb) proves() bool { return v == PASS || v == APOP || v == AUTH || v == RPOP }

// line returns the command as it was sent.
func (x *asked) line() []byte {
	line := []byte(x.Verb)
	if x.VerbSent != nil {
		line = x.VerbSent
	}
	if args := x.Args.Reveal(); len(args) > 0 {
		line = append(append(bytes.Clone(line), ' '), args...)
	}
	return line
}

// isKeyword reports whether an unknown verb was written as people and programs
// write one (RFC 1939 section 3): a letter and more, all or none but the first
// in capitals. Digits may follow capitals, and the colon of a header field any.
func isKeyword(x *asked) bool {
	const letters, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	name, tail := strings.TrimRight(string(x.Verb), "-:"), x.VerbSent
	if tail == nil {
		name = strings.TrimRight(name, digits)
	} else {
		tail = tail[1:]
	}
	return name != "" && name[0] != '-' && len(x.Verb) <= maxKeyword && strings.Trim(name, letters+"-") == "" && bytes.Equal(tail, bytes.ToLower(tail))
}

// aSecret is one that the session has shown.
type aSecret struct {
	low   []byte // in lower case
	part  bool   // more of it was lost
	proof bool   // somebody was to be let in for it; otherwise it may be a mistyped command
}

// ends says which ends of a line of the server were lost.
type ends uint8

const nothingLost ends = 0

const (
	beginLost ends = 1 << iota
	endLost
)

// endIf returns that the end was lost, if it was.
func endIf(lost bool) ends {
	if lost {
		return endLost
	}
	return nothingLost
}

const (
	minEcho    = 4       // a shorter word appears in a reply by chance
	sureEcho   = 8       // one of this length does not appear inside a unique id by chance
	maxKeyword = 16      // longer than all that are known, which are XAUTHLIST at most
	maxRest    = 1 << 10 // of what follows a loss; passwords are shorter
	maxSecrets = 16      // of a session, the latest, that are looked for in its replies
	maxSearch  = 1 << 20 // steps to find what a reply repeats of a command; beyond, all of it is hidden
)

// maskEcho hides secrets of the session that the server's reply repeats, in
// any case of letters. All of the reply is hidden where it is to what was
// captured in part, and where something was lost before the login and nobody
// knows what exactly a refusal is about.
func (p *Parser) maskEcho(asked *asked) {
	x := &asked.Exchange
	p.learnSecrets(x)
	p.maskKnown(x)
	p.maskTurns(x)
	switch {
	case asked.inPart(), p.lossy && x.State < Transaction && p.mayRepeatOther(x):
		p.maskReply(x, 0, len(x.Text.Reveal())) // who knows what it repeats
	case x.Verb == PASS || x.Verb == AUTH:
		if l := p.loginOf(x); l != nil && !bytes.EqualFold(l.Secret.Reveal(), l.User) {
			p.maskShort(x, l.Secret.Reveal())
		}
	case x.Args.HasSecret() && !x.Verb.proves():
		p.maskRepeated(x)
	}
}

// loginOf returns the login that the exchange finished last is, nil if it is
// none.
func (p *Parser) loginOf(x *Exchange) *Login {
	if n := len(p.logins); n > 0 && p.logins[n-1].Exchange == x.N {
		return &p.logins[n-1]
	}
	return nil
}

// mayRepeatOther reports whether the reply of an exchange in a session with
// losses, before the login, may be to another command that holds a secret: a
// refusal that was matched by a guess, and what seems to answer a part of
// a login, but was sent when the server had more than that.
func (p *Parser) mayRepeatOther(x *Exchange) bool {
	partOfLogin := !x.Notes.Has(CommandLost) && (x.Verb == USER || x.Verb.proves())
	return x.Pairing == Guessed && (x.Status == Err || partOfLogin && p.reply.ahead)
}

// maskShort hides in the reply to a command its secret where that is too short
// to be looked for, and stands by itself.
func (p *Parser) maskShort(x *Exchange, s []byte) {
	if len(s) < minEcho {
		from, to := wholeWord(x.Text.Reveal(), s)
		p.maskReply(x, from, to)
		x.echo = x.echo || from < to
	}
}

// inPart reports whether what was captured of the command can be a part of a
// secret: behind its loss something else came than a command, what may be a
// secret stands directly behind a loss, or its line was cut.
func (x *asked) inPart() bool {
	switch {
	case x.Verb == "":
		return x.blind && x.Args.HasSecret() || x.rest != nil || x.Notes.Has(CommandDamaged)
	case !x.Args.HasSecret() && len(x.SASL) == 0:
		return false
	}
	return x.Notes.Has(CommandDamaged)
}

// maskReply hides text[from:to] of a reply, and what is between that and what
// is hidden already; nothing when they are equal. A response code is a part of
// the text.
func (p *Parser) maskReply(x *Exchange, from, to int) {
	if from == to {
		return
	}
	x.Text = hideAlso(x.Text, from, to)
	if from <= len(x.Code) && !isRegistered(x.Code) {
		x.Code = nil
	}
	if l := p.loginOf(x); l != nil && l.Outcome == Failure {
		l.ReasonText = x.Text
	}
}

// hideAlso hides [from:to] of a text too, and what is between that and what is
// hidden already.
func hideAlso(t secret.Text, from, to int) secret.Text {
	if a, b := t.SecretSpan(); a < b {
		from, to = min(from, a), max(to, b)
	}
	return secret.NewMaskedText(t.Reveal(), from, to)
}

// wholeWord returns the part of a text from the first to the last place where
// word stands by itself, in any case of letters; from == to without any. Of
// texts that take too long to be searched it is all.
func wholeWord(text, word []byte) (from, to int) {
	places := len(text) - len(word) + 1
	switch {
	case len(word) == 0 || places <= 0:
		return 0, 0
	case places > maxSearch/len(word):
		return 0, len(text)
	}
	from = len(text)
	for i := range places {
		if end := i + len(word); standsAlone(text, i, end) && bytes.EqualFold(text[i:end], word) {
			from, to = min(from, i), end
		}
	}
	return min(from, to), to
}

// standsAlone reports whether no letters or digits touch text[from:to].
func standsAlone(text []byte, from, to int) bool {
	touches := func(c byte) bool {
		return c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'A' <= upperCase(c) && upperCase(c) <= 'Z'
	}
	return (from == 0 || !touches(text[from-1])) && (to == len(text) || !touches(text[to]))
}

// maskRepeated hides in the reply to a command that nobody knows, or to USER,
// what was hidden in the command, as a whole or in parts. Later replies are not
// searched for it: most of it is no secret, and would take the place of those
// that are.
func (p *Parser) maskRepeated(x *Exchange) {
	begin, end := x.Args.SecretSpan()
	text, args := x.Text.Reveal(), x.Args.Reveal()[begin:end]
	known := p.secrets
	p.secrets = nil
	p.learnWords(args, aSecret{}, false)
	from, to := p.echo(text, endIf(x.Notes.Has(ReplyDamaged)))
	p.secrets = known
	p.maskReply(x, from, to)
	from, to = repeated(text, args)
	p.maskReply(x, from, to)
	p.maskShort(x, bytes.Trim(args, blanks))
}

// ordinary are words of replies that are no secret where a part of them is in
// a command too.
var ordinary = []byte("password passwd username user login auth apop command")

// repeated returns the part of a text from the first to the last minEcho
// bytes that of has too, in any case of letters; from == to without any.
// Parts of ordinary words do not count.
func repeated(text, of []byte) (from, to int) {
	if len(of) < minEcho {
		return 0, 0
	}
	low := lower(nil, text)
	if len(low)*len(of) > maxSearch {
		return 0, len(text)
	}
	of = lower(nil, of)
	from = len(low)
	for i := range max(0, len(low)-minEcho+1) {
		if part := low[i : i+minEcho]; bytes.Contains(of, part) && !bytes.Contains(ordinary, part) {
			from, to = min(from, i), i+minEcho
		}
	}
	if from < to && !inPlace(low, text) {
		return 0, len(text)
	}
	return min(from, to), to
}

// maskTurns hides what the server says in a SASL dialogue where it repeats a
// secret, as sent or decoded: that of the client, or its own proof that it
// knows it, as rspauth of DIGEST-MD5 (RFC 2831 section 2.1.3).
func (p *Parser) maskTurns(x *Exchange) {
	for i := range x.SASL {
		t := &x.SASL[i]
		if t.From == stream.Server && !t.Data.HasSecret() && p.repeats(t.Data.Reveal()) {
			t.Data = secret.NewHiddenText(t.Data.Reveal())
		}
	}
	if l := p.loginOf(x); l != nil && x.Verb == AUTH && p.repeats(l.Challenge) {
		l.Challenge = nil
	}
}

// search looks for secrets in a row, of data that is no message, and reports
// whether there is one that is known by now. Whether a command that nobody knows
// holds a secret is seen when it is over. Of a row of maxRow bytes there may be
// more, which is not searched; nor is the name of a capability, which people have
// for a password, too. An end of the row may have been lost, and its beginning
// if that of the data was, or something before it.
func (p *Parser) search(x *asked, row []byte, lost ends) bool {
	r := &p.reply
	if !r.rows {
		return false
	}
	if r.rowCut {
		lost |= beginLost
	}
	if x.Verb.listsMessages() {
		found := p.lists(row, lost)
		x.SecretBody = x.SecretBody || found
		return found
	}
	row = row[x.named(row):]
	from, to := p.echo(row, lost)
	found := from < to || len(row) >= maxRow && len(p.secrets) > 0
	x.SecretBody = x.SecretBody || found
	if x.spec == nil && !r.repeats && len(row) >= minEcho {
		line := x.line()
		from, to := repeated(row, line)
		r.steps += len(row) * len(line)
		r.repeats = from < to || len(row) >= maxRow || r.steps > maxSearch
	}
	return found
}

// lists reports whether a row of a listing repeats a secret. Numbers of
// messages and octets do not, and what is a part of a longer word in a unique id
// does so by chance unless it is long.
func (p *Parser) lists(row []byte, lost ends) bool {
	if len(p.secrets) == 0 || len(bytes.Trim(row, blanks+"0123456789")) == 0 {
		return false
	}
	if len(row) >= maxRow {
		return true // there may be more of it
	}
	if lost&beginLost == 0 { // the number of the message
		num, rest, _ := bytes.Cut(row, []byte(" "))
		if messageNumber(num) > 0 {
			row = rest
		}
	}
	from, to := p.echo(row, lost)
	return from < to && (to-from >= sureEcho || lost != nothingLost || standsAlone(row, from, to))
}

// named returns how much of a row is the name of a capability, with the blank
// behind it.
func (x *asked) named(row []byte) int {
	name, _, found := bytes.Cut(row, []byte(" "))
	switch {
	case x.Verb != CAPA || !isCapability(name):
		return 0
	case found:
		return len(name) + 1
	}
	return len(name)
}

// repeats reports whether a secret is in b, or in what b is the base64 of.
func (p *Parser) repeats(b []byte) bool {
	from, to := p.echo(b, nothingLost)
	if from == to && len(p.secrets) > 0 {
		from, to = p.echo(decoded(b), nothingLost)
	}
	return from < to
}

// decoded returns what b is the base64 of, up to where it is none.
func decoded(b []byte) []byte {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, _ := base64.StdEncoding.Decode(out, b)
	return out[:n]
}

// maskKnown hides in a reply the secrets that are known by now.
func (p *Parser) maskKnown(x *Exchange) {
	from, to := p.echo(x.Text.Reveal(), endIf(x.Notes.Has(ReplyDamaged)))
	p.maskReply(x, from, to)
	x.echo = x.echo || from < to && !p.mayBeNone()
}

// mayBeNone reports whether the line that was searched last has what follows a
// loss, which need not be of a secret.
func (p *Parser) mayBeNone() bool {
	return slices.ContainsFunc(p.secrets, func(s aSecret) bool { return s.part && !s.proof && bytes.Contains(p.low, s.low) })
}

// echo returns the part of a server's line that repeats secrets; from == to
// where it has none. Of a line of which an end was lost, a part of a secret at
// that end counts too. Where a secret was captured in part, nobody knows how
// much of the line is the rest of it.
func (p *Parser) echo(text []byte, lost ends) (from, to int) {
	if len(p.secrets) == 0 || len(text) < minEcho {
		return 0, 0
	}
	p.low = lower(p.low, text)
	low := p.low
	from = len(text)
	for i := range p.secrets {
		s := p.secrets[i].low
		if at := bytes.Index(low, s); at >= 0 {
			from, to = min(from, at), max(to, bytes.LastIndex(low, s)+len(s))
			if p.secrets[i].part {
				return 0, len(text)
			}
		}
		if lost != nothingLost {
			a, b := brokenEcho(low, s, lost)
			from, to = min(from, a), max(to, b)
		}
	}
	switch {
	case from >= to:
		return 0, 0
	case !inPlace(low, text):
		return 0, len(text)
	}
	return from, to
}

// brokenEcho returns the part of a line with lost ends that can be a part of a
// secret, of minEcho bytes or more; from > to where there is none.
func brokenEcho(line, s []byte, lost ends) (from, to int) {
	from = len(line) + 1
	if lost&endLost != 0 {
		if n := overlap(line, s); n >= minEcho {
			from, to = len(line)-n, len(line)
		}
	}
	if lost&beginLost != 0 {
		if n := overlap(s, line); n >= minEcho {
			from, to = 0, max(to, n)
		}
	}
	if lost == beginLost|endLost && len(line) >= minEcho && bytes.Contains(s, line) {
		return 0, len(line)
	}
	return from, to
}

// shortWord is the length up to which overlap compares ends one by one.
const shortWord = 64

// overlap returns the length of the longest end of a that b begins with. Its
// time grows with their length, and not with the product: both come from the
// wire.
func overlap(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[:n]
	if n <= shortWord {
		for n > 0 && !bytes.Equal(a[len(a)-n:], b[:n]) {
			n--
		}
		return n
	}
	// border[i] is the length of the longest end of b[:i+1], but for itself,
	// that b begins with.
	border := make([]int32, n)
	k := 0
	for i := 1; i < n; i++ {
		k = extend(b, border, k, b[i])
		border[i] = int32(k)
	}
	k = 0
	for _, c := range a {
		k = extend(b, border, k, c)
	}
	return k
}

// extend returns how much of b is at the end of what ends in b[:k] and c, less
// than all of b being there before.
func extend(b []byte, border []int32, k int, c byte) int {
	for k > 0 && b[k] != c {
		k = int(border[k-1])
	}
	if b[k] == c {
		k++
	}
	return k
}

// inPlace reports whether each byte of low stands where that of text does.
// Letters beyond ASCII may change their length with their case.
func inPlace(low, text []byte) bool {
	if len(low) != len(text) {
		return false
	}
	for i, c := range text {
		if c != low[i] && c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// learnSecrets remembers what an exchange that logs in has shown, as sent
// and as decoded.
func (p *Parser) learnSecrets(x *Exchange) {
	switch x.Verb {
	case PASS, APOP, AUTH:
	case USER:
		if !x.Args.HasSecret() || !holdsPass(x.Args.Reveal()) {
			return // most likely it is a part of the name
		}
	default:
		if x.Verb != "" || !x.Args.HasSecret() {
			return
		}
	}
	kind := aSecret{part: x.Notes.Has(CommandDamaged), proof: x.Verb.proves()}
	if from, to := x.Args.SecretSpan(); from < to {
		args := x.Args.Reveal()[from:to]
		p.learnWords(args, kind, x.Verb == PASS)
		if x.Verb == "" {
			p.learnDecoded(args, kind)
		}
	}
	if x.Verb == PASS {
		return // the secret of its login is its argument
	}
	l := p.loginOf(x)
	if l == nil {
		return
	}
	for i := range x.SASL {
		if x.SASL[i].From != stream.Client {
			continue
		}
		p.learn(x.SASL[i].Data.Reveal(), kind)
		if !sasl.Known(l.Mechanism) {
			p.learn(decoded(x.SASL[i].Data.Reveal()), kind)
		}
	}
	p.learn(l.Secret.Reveal(), kind)
	p.learn(l.Response.Reveal(), kind)
}

// learnWords remembers the words of arguments as secrets of a kind, and all of
// them together if they are one.
func (p *Parser) learnWords(args []byte, kind aSecret, together bool) {
	if isGraphic(args) { // one word, as most passwords are
		p.learn(args, kind)
		return
	}
	for w := range bytes.FieldsSeq(args) {
		p.learn(w, kind)
	}
	if together {
		p.learn(args, kind)
	}
}

// learnDecoded remembers what a line is the base64 of, which a client sends for
// an AUTH that was lost. Names and passwords in it stand between zero bytes (RFC
// 4616 section 2).
func (p *Parser) learnDecoded(line []byte, kind aSecret) {
	for part := range bytes.SplitSeq(decoded(line), []byte{0}) {
		p.learn(part, kind)
	}
}

// learnRest remembers what follows a loss, of which no command was made. It
// may be the rest of a secret.
func (p *Parser) learnRest(x *asked) {
	if len(x.rest) > 0 {
		p.learnWords(x.rest, aSecret{part: true}, false)
		for line := range bytes.SplitSeq(x.rest, []byte{'\n'}) {
			p.learnDecoded(line, aSecret{part: true})
		}
		x.rest = x.rest[:0]
	}
}

// keepRest keeps a line for learnRest, or its beginning.
func (p *Parser) keepRest(x *asked, line []byte) {
	if n := min(len(line), maxRest-len(x.rest)); n > 0 {
		x.rest = append(append(x.rest, line[:n]...), '\n')
		x.text, p.texts, p.asking = x.text+n+1, p.texts+n+1, p.asking+n+1
	}
}

// isProof reports whether b is a secret that somebody was to be let in for.
func (p *Parser) isProof(b []byte) bool {
	if len(b) < minEcho {
		return false
	}
	p.low = lower(p.low, b)
	return slices.ContainsFunc(p.secrets, func(s aSecret) bool { return s.proof && bytes.Equal(s.low, p.low) })
}

// isGraphic reports whether b has visible ASCII characters only.
func isGraphic(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// learn remembers one secret, up to a NUL, at which servers written in C
// cut what they repeat. User names and mechanisms are none.
func (p *Parser) learn(s []byte, kind aSecret) {
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	p.low = lower(p.low, bytes.Trim(bytes.TrimSpace(s), `"'`)) // people type quotes, and servers leave them out
	low := p.low
	if len(low) < minEcho {
		return
	}
	for i := range p.secrets {
		if known := &p.secrets[i]; bytes.Equal(known.low, low) {
			known.part, known.proof = known.part && kind.part, known.proof || kind.proof
			return
		}
	}
	if bytes.EqualFold(low, p.user) || sasl.Known(string(low)) {
		return
	}
	if n := len(p.logins); n > 0 && bytes.EqualFold(low, p.logins[n-1].User) {
		return
	}
	if len(p.secrets) == maxSecrets {
		p.secrets = append(p.secrets[:0], p.secrets[1:]...)
	}
	kind.low = p.keep(low)
	p.secrets = append(p.secrets, kind)
}

// lower returns b in lower case, in the memory of room as far as that will
// do.
func lower(room, b []byte) []byte {
	low := append(room[:0], b...)
	for i, c := range low {
		switch {
		case c >= utf8.RuneSelf:
			return append(low[:0], bytes.ToLower(b)...)
		case 'A' <= c && c <= 'Z':
			low[i] = c + ('a' - 'A')
		}
	}
	return low
}
