package fingerprint

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
	traits []trait
	where  map[string][]int // indexes of traits by where
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
	t := &table{where: map[string][]int{}}
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
		t.where[tr.where] = append(t.where[tr.where], len(t.traits))
		t.traits = append(t.traits, tr)
	}
	return t, nil
}
