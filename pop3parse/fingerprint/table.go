package fingerprint

import (
	_ "embed"
	"fmt"
	"iter"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"popscope/pop3parse"
)

//go:embed software.tsv
var tsv string

// trait is a row of the table.
type trait struct {
	client   bool
	software string
	where    string
	weight   int
	verified string
	pattern  *regexp.Regexp
	example  string
}

// table is software.tsv, read.
type table struct {
	traits           []trait
	servers, clients traitSet
	places           [][]int // indexes of traits

	// Places where to look.
	greeting, timestamp, capa, script, anyErr place
	replies                                   [pop3parse.MaxIndex + 1]replies // by Verb.Index
}

// place is an index of table.places.
type place int

// nowhere is where no trait is found. The zero value, so that maps of
// places have it for what they do not hold.
const nowhere place = 0

// replies are the places of what is said to a command.
type replies struct{ ok, err place }

// maxTraits bounds the table, so that a set of traits is a value.
const maxTraits = 128

// traitSet is a set of indexes of table.traits.
type traitSet [maxTraits / 64]uint64

func (s *traitSet) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *traitSet) join(o *traitSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *traitSet) and(o *traitSet) traitSet {
	var out traitSet
	for i := range s {
		out[i] = s[i] & o[i]
	}
	return out
}

// all yields the members in order.
func (s *traitSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

var known = sync.OnceValue(func() *table {
	t, err := parse(tsv)
	if err != nil {
		panic("popscope: internal error: " + err.Error())
	}
	return t
})

// parse reads a table: seven columns with a tab between them. Lines that
// begin with # are comments.
func parse(text string) (*table, error) {
	t := &table{places: make([][]int, 1)}
	places := map[string]place{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 7 {
			return nil, fmt.Errorf("fingerprint: line %d: %d columns instead of 7", n, len(f))
		}
		weight, err := strconv.Atoi(f[3])
		if err != nil {
			return nil, fmt.Errorf("fingerprint: line %d: weight: %w", n, err)
		}
		pattern, err := regexp.Compile(f[5])
		if err != nil {
			return nil, fmt.Errorf("fingerprint: line %d: %w", n, err)
		}
		if f[0] != "server" && f[0] != "client" {
			return nil, fmt.Errorf("fingerprint: line %d: side %q", n, f[0])
		}
		tr := trait{client: f[0] == "client", software: f[1], where: f[2], weight: weight, verified: f[4], pattern: pattern, example: f[6]}
		if len(t.traits) == maxTraits {
			return nil, fmt.Errorf("fingerprint: line %d: more than %d traits", n, maxTraits)
		}
		t.add(tr, places)
	}
	t.greeting, t.timestamp, t.capa, t.script, t.anyErr = places["greeting"], places["timestamp"], places["capa"], places["script"], places["-"]
	return t, nil
}

// add puts a trait into the table. places are those known by now, by name.
func (t *table) add(tr trait, places map[string]place) {
	i := len(t.traits)
	t.traits = append(t.traits, tr)
	side := &t.servers
	if tr.client {
		side = &t.clients
	}
	side.add(i)
	at := places[tr.where]
	if at == nowhere {
		at = place(len(t.places))
		places[tr.where] = at
		t.places = append(t.places, nil)
	}
	t.places[at] = append(t.places[at], i)
	verb := pop3parse.Verb(strings.TrimRight(tr.where, "+-")).Index()
	switch {
	case verb == 0: // "-": to any command
	case strings.HasSuffix(tr.where, "+"):
		t.replies[verb].ok = at
	case strings.HasSuffix(tr.where, "-"):
		t.replies[verb].err = at
	}
}
