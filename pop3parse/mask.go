package pop3parse

import (
	"bytes"
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
// mistyped PASS, a password where a command is expected. In TRANSACTION
// there is no reason to send one.
func (p *Parser) maskUnknown(x *asked) {
	after := p.lastVerb
	p.lastVerb = x.Verb
	if x.spec != nil || x.Verb == "" && x.VerbSent == nil || x.Args.HasSecret() {
		return
	}
	// Of a verb that was cut nobody knows what it was.
	whole := x.Verb == "" || after == USER || !p.opt.FromStart && x.N == 1
	for _, w := range secretWords {
		whole = whole || bytes.Contains([]byte(x.Verb), w)
	}
	switch args := x.Args.Reveal(); {
	case whole:
		line := []byte(x.Verb)
		if x.VerbSent != nil {
			line = x.VerbSent
		}
		if len(args) > 0 {
			line = append(append(bytes.Clone(line), ' '), args...)
		}
		line = p.keep(line)
		x.setVerb("")
		x.VerbSent = nil
		x.Args = secret.NewMaskedText(line, 0, len(line))
	case x.State < Transaction:
		x.Args = secret.NewMaskedText(args, 0, len(args))
	}
}

const (
	minEcho    = 4  // a shorter word appears in a reply by chance
	maxSecrets = 16 // of a session, that are looked for in its replies
)

// maskEcho hides secrets of the session that the server's reply repeats, in
// any case of letters.
func (p *Parser) maskEcho(x *Exchange) {
	p.learnSecrets(x)
	p.maskKnown(x)
	if x.Verb != "" && (x.Verb.Index() == 0 || x.Verb == USER) && x.Args.HasSecret() {
		p.maskRepeated(x)
	}
}

// maskRepeated hides in the reply to a command that nobody knows, or to USER,
// what was hidden in the command. Later replies are not searched for it: most
// of it is no secret, and would take the place of those that are.
func (p *Parser) maskRepeated(x *Exchange) {
	known := p.secrets
	p.secrets = nil
	from, to := x.Args.SecretSpan()
	p.learnWords(x.Args.Reveal()[from:to], false)
	text := x.Text.Reveal()
	from, to = p.echo(text)
	p.secrets = known
	if from == to {
		return
	}
	if a, b := x.Text.SecretSpan(); a < b {
		from, to = min(from, a), max(to, b)
	}
	x.Text = secret.NewMaskedText(text, from, to)
}

// maskKnown does that with the secrets that are known by now.
func (p *Parser) maskKnown(x *Exchange) {
	text := x.Text.Reveal()
	from, to := p.echo(text)
	if from == to {
		return
	}
	x.Text = secret.NewMaskedText(text, from, to)
	if n := len(p.logins); n > 0 && p.logins[n-1].Exchange == x.N {
		p.logins[n-1].ReasonText = x.Text
	}
}

// echo returns the part of a server's line that repeats secrets; from == to
// where it has none.
func (p *Parser) echo(text []byte) (from, to int) {
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
	default:
		if x.Verb != "" || !x.Args.HasSecret() {
			return
		}
	}
	if x.Args.HasSecret() {
		p.learnWords(x.Args.Reveal(), x.Verb == PASS)
	}
	if x.Verb == PASS {
		return // the secret of its login is its argument
	}
	for i := range x.SASL {
		if x.SASL[i].From == stream.Client {
			p.learn(x.SASL[i].Data.Reveal())
		}
	}
	if n := len(p.logins); n > 0 && p.logins[n-1].Exchange == x.N {
		p.learn(p.logins[n-1].Secret.Reveal())
		p.learn(p.logins[n-1].Response.Reveal())
	}
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
	p.low = lower(p.low, bytes.TrimSpace(s))
	low := p.low
	if len(low) < minEcho || len(p.secrets) == maxSecrets {
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
