package fingerprint

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
)

// TestMatcherForgetsNothing holds what a Matcher says after many texts to
// what one says that has seen none, whatever it remembers in between.
func TestMatcherForgetsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "x", "POP3 server ready"}
	for _, tr := range known().traits {
		texts = append(texts, tr.example)
	}
	used := NewMatcher()
	matched, same := 0, 0
	for range 3000 {
		at := place(1 + r.IntN(len(known().places)-1))
		text := texts[r.IntN(len(texts))]
		if of := known().places[at]; r.IntN(2) == 0 {
			text = known().traits[of[r.IntN(len(of))]].example
		}
		for range 1 + r.IntN(3) {
			got, want := *used.match(at, []byte(text)), *unusedLike(used).match(at, []byte(text))
			got.text, want.text = "", ""
			if got != want {
				t.Fatalf("place %d, %q:\n got %+v\nwant %+v", at, text, got, want)
			}
			if got.traits != (traitSet{}) {
				matched++
			}
			if used.texts[at].last != nil && used.texts[at].text == text {
				same++
			}
		}
	}
	if matched < 1000 || same < 1000 {
		t.Errorf("%d texts matched, %d were the last one of their place", matched, same)
	}
}

// unusedLike returns a Matcher of the same table that has seen nothing.
func unusedLike(m *Matcher) *Matcher {
	fresh := &Matcher{t: m.t, seed: m.seed, verdicts: map[verdictKey]*Software{}}
	fresh.forget()
	return fresh
}

// TestVerdictsDoNotDependOnOtherSessions prints sessions in many orders.
func TestVerdictsDoNotDependOnOtherSessions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	greetings := []string{"nothing known"}
	for _, tr := range known().traits {
		if tr.where == "greeting" {
			greetings = append(greetings, tr.example)
		}
	}
	name := func(m *Matcher, greeting string) Software {
		s := pop3parse.Session{HasGreeting: true, Greeting: secret.NewText([]byte(greeting))}
		p := m.Print()
		for _, v := range []pop3parse.Verb{pop3parse.CAPA, pop3parse.USER, pop3parse.PASS, pop3parse.QUIT} {
			p.Exchange(exchange(turn{v, "", pop3parse.OK, ""}))
		}
		if got := p.Server(&s); got != nil {
			return *got
		}
		return Software{}
	}
	used := NewMatcher()
	names := []string{}
	for range 1000 {
		g := greetings[r.IntN(len(greetings))]
		got, want := name(used, g), name(unusedLike(used), g)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %+v\nwant %+v", g, got, want)
		}
		if want.Name != "" && !slices.Contains(names, want.Name+want.Version) {
			names = append(names, want.Name+want.Version)
		}
	}
	if len(names) < 5 {
		t.Errorf("only %q", names)
	}
}

// TestTextsInTurns: texts that come in turns are remembered from the second
// time on, also those that share a place.
func TestTextsInTurns(t *testing.T) {
	m := NewMatcher()
	places := func(n int) (text []byte, one, other uint64) {
		text = fmt.Appendf(nil, "text %d", n)
		digest := maphash.Bytes(m.seed, text)
		return text, digest % maxCache, digest >> 32 % maxCache
	}
	n := 0
	first, one, other := places(n)
	for ; one == other; n++ {
		first, one, other = places(n)
	}
	second, shared, own := places(n + 1)
	for ; shared != one || own == one || own == other; n++ {
		second, shared, own = places(n + 1)
	}
	for round := range 3 {
		for _, text := range [][]byte{first, second} {
			if again := m.again(text); again != (round > 0) {
				t.Errorf("round %d, %s: came before: %v", round+1, text, again)
			}
		}
	}
}
