package fingerprint

import (
	"hash/maphash"
	"slices"
	"strings"
)

const (
	named  = 50 // score from which software is named
	sure   = 80 // and from which that is sure
	margin = 20 // by which it must be ahead of all other software

	// maxText bounds the texts that patterns are held against.
	maxText = 512
	// maxCache bounds the texts whose traits are remembered, and the
	// verdicts: servers say the same words to everybody.
	maxCache = 1024
	// maxVersion bounds a version.
	maxVersion = 40
)

// Matcher holds texts against the table, and remembers what came of it. It
// is not safe for concurrent use.
type Matcher struct {
	t        *table
	texts    []texts          // by place
	held     int              // texts in all of them
	once     [maxCache]uint64 // digests of texts that came: see again
	seed     maphash.Seed
	scratch  hits
	verdicts map[verdictKey]*Software
	found    traitSet // of the last verdict without a version; empty before
	last     *Software
}

// texts are those that came to a place more than once. Where one server
// speaks to many, each is the one before, which is found without a map.
type texts struct {
	hits map[string]*hits
	text string // the last one that was found
	last *hits  // of it; nil before
}

// hits is what a text matches.
type hits struct {
	text    string // valid iff it is remembered
	traits  traitSet
	version string // from the first trait that has one
	of      string // whose version it is
}

// verdictKey is all that a verdict depends on.
type verdictKey struct {
	found   traitSet // of one side
	version string   // of the software that is named
}

// NewMatcher returns a Matcher for the table of the package.
func NewMatcher() *Matcher {
	m := &Matcher{t: known(), seed: maphash.MakeSeed(), verdicts: map[verdictKey]*Software{}}
	m.forget()
	return m
}

// forget empties the memory of texts.
func (m *Matcher) forget() {
	m.texts, m.held = make([]texts, len(m.t.places)), 0
}

// match holds a text against the traits of a place. What it returns is valid
// until the next call, unless it tells a version.
func (m *Matcher) match(at place, text []byte) *hits {
	text = text[:min(len(text), maxText)]
	known := &m.texts[at]
	if known.last != nil && known.text == string(text) {
		return known.last
	}
	if h, ok := known.hits[string(text)]; ok {
		known.text, known.last = h.text, h
		return h
	}
	again := m.again(text)
	h := &m.scratch
	*h = hits{}
	for _, i := range m.t.places[at] {
		tr := &m.t.traits[i]
		match := tr.pattern.FindSubmatch(text)
		if match == nil {
			continue
		}
		h.traits.add(i)
		if n := tr.pattern.SubexpIndex("version"); n > 0 && h.version == "" {
			h.version, h.of = cleanVersion(match[n]), tr.software
		}
	}
	if again || h.version != "" {
		kept := *h
		h = &kept
	}
	if again {
		if m.held >= maxCache {
			m.forget()
		}
		m.held++
		m.texts[at].add(string(text), h)
	}
	return h
}

// add remembers a text.
func (t *texts) add(text string, h *hits) {
	if t.hits == nil {
		t.hits = map[string]*hits{}
	}
	h.text = text
	t.hits[text] = h
}

// again reports whether a text has come before, as far as that is
// remembered. Many come once only: they have a number or a time in them.
// Each has two places, since two texts that came in turns to one place would
// both be new for ever.
func (m *Matcher) again(text []byte) (again bool) {
	digest := maphash.Bytes(m.seed, text)
	for _, place := range [...]uint64{digest % maxCache, digest >> 32 % maxCache} {
		again = again || m.once[place] == digest
		m.once[place] = digest
	}
	return again
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

// verdict names the software that has the traits found, without a version.
func (m *Matcher) verdict(found *traitSet) *Software {
	if m.found == *found {
		return m.last
	}
	key := verdictKey{found: *found}
	out, ok := m.verdicts[key]
	if !ok {
		out = m.t.best(found)
		m.remember(key, out)
	}
	m.found, m.last = *found, out
	return out
}

func (m *Matcher) remember(key verdictKey, s *Software) {
	if len(m.verdicts) >= maxCache {
		clear(m.verdicts)
	}
	m.verdicts[key] = s
}

// best adds up the weights of the traits of one side.
func (t *table) best(found *traitSet) *Software {
	scores := map[string]int{}
	for i := range found.all() {
		scores[t.traits[i].software] += t.traits[i].weight
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
	out := &Software{Name: name}
	if first >= sure {
		out.Sure = High
	}
	for i := range found.all() {
		if tr := &t.traits[i]; tr.software == name && tr.weight > 0 {
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
