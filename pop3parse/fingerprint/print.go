package fingerprint

import (
	"bytes"
	"strconv"

	"popscope/pop3parse"
)

// Sure says how sure a name is.
type Sure uint8

// Medium: it sounds like it. High: several traits, or it says so itself.
const (
	Medium Sure = iota
	High
)

// String returns the word used in records.
func (s Sure) String() string { return [...]string{"medium", "high"}[s] }

// Software is what speaks.
type Software struct {
	Name     string
	Version  string // as it tells itself; "" unknown. At most 40 letters, digits and ".+~:_-"
	Sure     Sure
	Evidence []string // the traits that matched: "greeting", "CAPA list", "reply to PASS", "order of commands"
}

const (
	// maxExchanges bounds the exchanges of a session that are looked at:
	// software shows itself early.
	maxExchanges = 64
)

// Print gathers the traits of one session. Reset makes it ready.
type Print struct {
	m        *Matcher
	found    traitSet
	versions []*hits // those that tell a version, one for each software
	script   []byte
	text     []byte // scratch
	seen     int
}

// Print begins a session.
func (m *Matcher) Print() *Print {
	p := &Print{}
	p.Reset(m)
	return p
}

// Reset begins another session, and keeps the memory of the one before.
func (p *Print) Reset(m *Matcher) {
	clear(p.versions)
	*p = Print{m: m, versions: p.versions[:0], script: p.script[:0], text: p.text[:0]}
}

// look holds a text against the traits of a place.
func (p *Print) look(at place, text []byte) {
	if at == nowhere {
		return
	}
	h := p.m.match(at, text)
	p.found.join(&h.traits)
	if h.version != "" && p.version(h.of) == "" {
		p.versions = append(p.versions, h)
	}
}

// version returns the version of a software, if it told one.
func (p *Print) version(software string) string {
	for _, h := range p.versions {
		if h.of == software {
			return h.version
		}
	}
	return ""
}

// Exchange takes the next exchange. Those that are paired by guess say
// nothing of the server.
func (p *Print) Exchange(x *pop3parse.Exchange) {
	p.seen++
	if p.seen > maxExchanges {
		if p.seen == maxExchanges+1 {
			p.script = append(p.script, " ..."...)
		}
		return
	}
	verb := x.Verb.Index()
	p.command(x, verb > 0)
	if x.Pairing == pop3parse.Guessed {
		return
	}
	text := x.Text.Masked() // what a server repeats says nothing of its software
	replies := &p.m.t.replies[verb]
	switch x.Status {
	case pop3parse.OK:
		p.look(replies.ok, text)
	case pop3parse.Err:
		p.look(p.m.t.anyErr, text)
		p.look(replies.err, text)
	}
}

// command adds a command to the script. known tells that there is such a
// command.
func (p *Print) command(x *pop3parse.Exchange, known bool) {
	if x.RequestFirst.Packet == 0 {
		p.script = append(p.script, " ?"...)
		return
	}
	if len(p.script) > 0 {
		p.script = append(p.script, ' ')
	}
	if x.Pipelined {
		p.script = append(p.script, '&')
	}
	if !known {
		p.script = append(p.script, '?') // it may be anything, also a secret
		return
	}
	if x.VerbSent != nil {
		p.script = append(p.script, x.VerbSent...)
	} else {
		p.script = append(p.script, x.Verb...)
	}
	switch {
	case x.Args.Empty(), x.Verb == pop3parse.USER, x.Verb == pop3parse.PASS, x.Verb == pop3parse.APOP:
		return
	}
	first, rest, more := bytes.Cut(bytes.TrimSpace(x.Args.Masked()), []byte(" "))
	switch {
	case x.Verb == pop3parse.AUTH && len(first) > 0:
		p.script = append(append(p.script, '-'), bytes.ToUpper(first[:min(len(first), 20)])...)
		if more && len(rest) > 0 {
			p.script = append(p.script, '=')
		}
	case isNumber(first):
		p.script = append(p.script, '#')
	}
}

// isNumber reports whether a word is a number, as messages have.
func isNumber(word []byte) bool {
	if len(word) == 0 || word[0] > '9' {
		return false // most are none, and errors cost memory
	}
	_, err := strconv.Atoi(string(word))
	return err == nil
}

// Server returns which software the server is; nil if that is not known.
// Call it after the last exchange. The Software must not be changed.
func (p *Print) Server(s *pop3parse.Session) *Software {
	t := p.m.t
	if s.HasGreeting {
		text := s.Greeting.Masked()
		if s.Challenge != nil {
			p.look(t.timestamp, s.Challenge)
			p.text = withoutChallenge(p.text[:0], text, s.Challenge)
			text = p.text
		}
		p.look(t.greeting, text)
	}
	if s.Capabilities != nil {
		p.text = p.text[:0]
		for i, row := range s.Capabilities {
			if i > 0 {
				p.text = append(p.text, ", "...)
			}
			p.text = append(p.text, row...)
		}
		p.look(t.capa, p.text)
	}
	return p.verdict(&t.servers)
}

// withoutChallenge appends a greeting to dst with <> in place of its APOP
// timestamp.
func withoutChallenge(dst, greeting, challenge []byte) []byte {
	before, after, found := bytes.Cut(greeting, challenge)
	if !found {
		return append(dst, greeting...)
	}
	return append(append(append(dst, before...), "<>"...), after...)
}

// Client returns which software the client is; nil if that is not known.
// The Software must not be changed.
func (p *Print) Client() *Software {
	if len(p.script) > 0 {
		p.look(p.m.t.script, p.script)
	}
	return p.verdict(&p.m.t.clients)
}

// verdict names the software of one side, whose traits are given.
func (p *Print) verdict(side *traitSet) *Software {
	found := p.found.and(side)
	if found == (traitSet{}) {
		return nil
	}
	out := p.m.verdict(&found)
	if out == nil {
		return nil
	}
	key := verdictKey{found: found, version: p.version(out.Name)}
	if key.version == "" {
		return out
	}
	with, ok := p.m.verdicts[key]
	if !ok {
		with = new(Software)
		*with = *out
		with.Version = key.version
		p.m.remember(key, with)
	}
	return with
}
