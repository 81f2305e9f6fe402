package pop3parse

import (
	"bytes"
	"encoding/base64"
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
	// capture that began late may be the rest of one.
	whole := x.Verb == "" || after == USER || !p.opt.FromStart && x.start == 0
	whole = whole || x.State < Transaction && (after == PASS || after == APOP || after == AUTH || !isKeyword(x))
	for _, w := range secretWords {
		whole = whole || bytes.Contains([]byte(x.Verb), w)
	}
	if from, to := p.echo(line, false); from < to {
		whole = true
	}
	switch {
	case whole:
		x.hide(p.keep(line))
	case x.State < Transaction:
		x.Args = secret.NewHiddenText(args)
	}
}

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

const (
	minEcho    = 4       // a shorter word appears in a reply by chance
	maxKeyword = 16      // longer than all that are known, which are XAUTHLIST at most
	maxSecrets = 16      // of a session, the latest, that are looked for in its replies
	maxSearch  = 1 << 20 // steps to find what a reply repeats of a command; beyond, all of it is hidden
)

// maskEcho hides secrets of the session that the server's reply repeats, in
// any case of letters.
func (p *Parser) maskEcho(x *Exchange) {
	p.learnSecrets(x)
	p.maskKnown(x)
	p.maskTurns(x)
	if (x.Verb.Index() == 0 || x.Verb == USER) && x.Args.HasSecret() {
		p.maskRepeated(x)
	}
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
	p.learnWords(args, false)
	from, to := p.echo(text, x.Notes.Has(ReplyDamaged))
	p.secrets = known
	if a, b := repeated(text, args); from == to {
		from, to = a, b
	} else if a < b {
		from, to = min(from, a), max(to, b)
	}
	if from == to {
		return
	}
	if a, b := x.Text.SecretSpan(); a < b {
		from, to = min(from, a), max(to, b)
	}
	x.Text = secret.NewMaskedText(text, from, to)
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
	if n := len(p.logins); x.Verb == AUTH && n > 0 && p.logins[n-1].Exchange == x.N && p.repeats(p.logins[n-1].Challenge) {
		p.logins[n-1].Challenge = nil
	}
}

// search looks for secrets in a row, of data that is neither a message nor a
// listing of messages, and reports whether there is one that is known by now.
// Whether a command that nobody knows holds a secret is seen when it is over.
// Of a row of maxRow bytes there may be more, which is not searched; nor is the
// name of a capability, which people have for a password, too.
func (p *Parser) search(x *asked, row []byte, cut bool) bool {
	r := &p.reply
	if !r.rows || x.Verb.listsMessages() {
		return false
	}
	row = row[x.named(row):]
	from, to := p.echo(row, cut)
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
	from, to := p.echo(b, false)
	if from == to && len(p.secrets) > 0 {
		from, to = p.echo(decoded(b), false)
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
	text := x.Text.Reveal()
	from, to := p.echo(text, x.Notes.Has(ReplyDamaged))
	if from == to {
		return
	}
	x.Text = secret.NewMaskedText(text, from, to)
	if n := len(p.logins); n > 0 && p.logins[n-1].Exchange == x.N {
		p.logins[n-1].ReasonText = x.Text
	}
}

// echo returns the part of a server's line that repeats secrets; from == to
// where it has none. Of a line that was cut, what begins as a secret at its end
// counts too.
func (p *Parser) echo(text []byte, cut bool) (from, to int) {
	if len(p.secrets) == 0 || len(text) < minEcho {
		return 0, 0
	}
	p.low = lower(p.low, text)
	low := p.low
	from = len(text)
	for _, s := range p.secrets {
		if i := bytes.Index(low, s); i >= 0 {
			from, to = min(from, i), max(to, bytes.LastIndex(low, s)+len(s))
		}
		for n := min(len(s), len(low)); cut && n >= minEcho; n-- {
			if bytes.HasSuffix(low, s[:n]) {
				from, to = min(from, len(low)-n), len(low)
				break
			}
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
	if from, to := x.Args.SecretSpan(); from < to {
		p.learnWords(x.Args.Reveal()[from:to], x.Verb == PASS)
	}
	if x.Verb == PASS {
		return // the secret of its login is its argument
	}
	n := len(p.logins)
	if n == 0 || p.logins[n-1].Exchange != x.N {
		return
	}
	l := &p.logins[n-1]
	for i := range x.SASL {
		if x.SASL[i].From != stream.Client {
			continue
		}
		p.learn(x.SASL[i].Data.Reveal())
		if !sasl.Known(l.Mechanism) {
			p.learn(decoded(x.SASL[i].Data.Reveal()))
		}
	}
	p.learn(l.Secret.Reveal())
	p.learn(l.Response.Reveal())
}

// learnWords remembers the words of arguments, and all of them together if
// they are one secret.
func (p *Parser) learnWords(args []byte, together bool) {
	if isGraphic(args) { // one word, as most passwords are
		p.learn(args)
		return
	}
	for w := range bytes.FieldsSeq(args) {
		p.learn(w)
	}
	if together {
		p.learn(args)
	}
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
func (p *Parser) learn(s []byte) {
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	p.low = lower(p.low, bytes.Trim(bytes.TrimSpace(s), `"'`)) // people type quotes, and servers leave them out
	low := p.low
	if len(low) < minEcho {
		return
	}
	for _, known := range p.secrets {
		if bytes.Equal(known, low) {
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
	p.secrets = append(p.secrets, p.keep(low))
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
