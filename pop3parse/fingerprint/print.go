package fingerprint

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

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
	Score    int
	Evidence []string // the traits that matched: "greeting", "CAPA list", "reply to PASS", "order of commands"
}

const (
	named  = 50 // score from which software is named
	sure   = 80 // and from which that is sure
	margin = 20 // by which it must be ahead of all other software

	// maxExchanges bounds the exchanges of a session that are looked at:
	// software shows itself early.
	maxExchanges = 64
	// maxText bounds the texts that patterns are held against.
	maxText = 512
	// maxCache bounds the texts whose traits are remembered: servers say
	// the same words to everybody.
	maxCache = 1024
	// maxVersion bounds a version.
	maxVersion = 40
)

// Matcher holds texts against the table. It is not safe for concurrent use.
type Matcher struct {
	t     *table
	cache map[string]hits
}

// hits is what a text matches.
type hits struct {
	traits  []int
	version string // from the first trait that has one
	of      string // whose version it is
}

// NewMatcher returns a Matcher for the table of the package.
func NewMatcher() *Matcher { return &Matcher{t: known(), cache: map[string]hits{}} }

// Print gathers the traits of one session.
type Print struct {
	m        *Matcher
	found    map[int]bool
	versions map[string]string // by software
	script   []byte
	seen     int
}

// Print begins a session.
func (m *Matcher) Print() *Print { return &Print{m: m} }

// look holds a text against the traits of a place.
func (p *Print) look(where string, text []byte) {
	traits := p.m.t.where[where]
	if len(traits) == 0 {
		return
	}
	text = text[:min(len(text), maxText)]
	h, ok := p.m.cache[where+" "+string(text)]
	if !ok {
		for _, i := range traits {
			tr := &p.m.t.traits[i]
			match := tr.pattern.FindSubmatch(text)
			if match == nil {
				continue
			}
			h.traits = append(h.traits, i)
			if n := tr.pattern.SubexpIndex("version"); n > 0 && h.version == "" {
				h.version, h.of = cleanVersion(match[n]), tr.software
			}
		}
		if len(p.m.cache) >= maxCache {
			clear(p.m.cache)
		}
		p.m.cache[where+" "+string(text)] = h
	}
	for _, i := range h.traits {
		if p.found == nil {
			p.found = map[int]bool{}
		}
		p.found[i] = true
	}
	if h.version != "" && p.versions[h.of] == "" {
		if p.versions == nil {
			p.versions = map[string]string{}
		}
		p.versions[h.of] = h.version
	}
}

// cleanVersion returns what can be a version at the start of b.
func cleanVersion(b []byte) string {
	for i, c := range b {
		ok := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte(".+~:_-", c) >= 0
		if !ok || i == maxVersion {
			b = b[:i]
			break
		}
	}
	return strings.TrimRight(string(b), ".-:")
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
	p.command(x)
	if x.Pairing == pop3parse.Guessed {
		return
	}
	text := x.Text.Masked() // what a server repeats says nothing of its software
	if x.Status == pop3parse.Err {
		p.look("-", text)
	}
	switch {
	case x.Verb.RFC() == "":
	case x.Status == pop3parse.OK:
		p.look(string(x.Verb)+"+", text)
	case x.Status == pop3parse.Err:
		p.look(string(x.Verb)+"-", text)
	}
}

// command adds a command to the script.
func (p *Print) command(x *pop3parse.Exchange) {
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
	if x.Verb.RFC() == "" {
		p.script = append(p.script, '?') // it may be anything, also a secret
		return
	}
	if x.VerbSent != nil {
		p.script = append(p.script, x.VerbSent...)
	} else {
		p.script = append(p.script, x.Verb...)
	}
	first, rest, more := bytes.Cut(bytes.TrimSpace(x.Args.Masked()), []byte(" "))
	switch {
	case x.Verb == pop3parse.AUTH && len(first) > 0:
		p.script = append(append(p.script, '-'), bytes.ToUpper(first[:min(len(first), 20)])...)
		if more && len(rest) > 0 {
			p.script = append(p.script, '=')
		}
	case x.Verb == pop3parse.USER || x.Verb == pop3parse.PASS || x.Verb == pop3parse.APOP:
	case len(first) > 0:
		if _, err := strconv.Atoi(string(first)); err == nil {
			p.script = append(p.script, '#')
		}
	}
}

// Server returns which software the server is; nil if that is not known.
// Call it after the last exchange.
func (p *Print) Server(s *pop3parse.Session) *Software {
	if s.HasGreeting {
		text := s.Greeting.Masked()
		if s.Challenge != nil {
			p.look("timestamp", s.Challenge)
			text = bytes.Replace(text, s.Challenge, []byte("<>"), 1)
		}
		p.look("greeting", text)
	}
	if s.Capabilities != nil {
		p.look("capa", bytes.Join(s.Capabilities, []byte(", ")))
	}
	return p.best(false)
}

// Client returns which software the client is; nil if that is not known.
func (p *Print) Client() *Software {
	if len(p.script) > 0 {
		p.look("script", p.script)
	}
	return p.best(true)
}

// best adds up the weights of one side.
func (p *Print) best(client bool) *Software {
	if len(p.found) == 0 {
		return nil
	}
	scores := map[string]int{}
	for i := range p.found {
		if tr := &p.m.t.traits[i]; tr.client == client {
			scores[tr.software] += tr.weight
		}
	}
	var name string
	first, second := 0, 0
	for n, score := range scores {
		switch {
		case score > first:
			name, first, second = n, score, first
		case score > second:
			second = score
		}
	}
	if first < named || first-second < margin {
		return nil
	}
	out := &Software{Name: name, Version: p.versions[name], Score: first}
	if first >= sure {
		out.Sure = High
	}
	for i := range p.found {
		if tr := &p.m.t.traits[i]; tr.client == client && tr.software == name && tr.weight > 0 {
			out.Evidence = append(out.Evidence, tr.evidence())
		}
	}
	slices.Sort(out.Evidence)
	out.Evidence = slices.Compact(out.Evidence)
	return out
}

// evidence names a trait for people.
func (t *trait) evidence() string {
	switch t.where {
	case "greeting":
		return "greeting"
	case "timestamp":
		return "APOP timestamp"
	case "capa":
		return "CAPA list"
	case "script":
		return "order of commands"
	case "-":
		return "errors"
	}
	return "reply to " + strings.TrimRight(t.where, "+-")
}
