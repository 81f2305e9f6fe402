package report

import (
	"hash/maphash"

	"popscope/pop3parse/secret"
)

// This file is the only place of the package that reveals secrets.

// maxTags bounds the memory that secret tags take: about 20 MB, reached
// by a million different secrets only. Later ones have no tag.
const maxTags = 1 << 20

// shownText returns a text as the options allow, and whether these are
// the exact bytes.
func shownText(t secret.Text, show bool) (b []byte, exact bool) {
	if t.HasSecret() && !show {
		return t.Masked(), false
	}
	return t.Reveal(), true
}

// shownWhole is shownText for a text that is secret as a whole, whatever
// it says itself: SASL data of the client.
func shownWhole(t secret.Text, show bool) (b []byte, exact bool) {
	if !show {
		return []byte(secret.Mask), false
	}
	return t.Reveal(), true
}

// shownBytes returns a secret as the options allow, and whether these are
// the exact bytes.
func shownBytes(s secret.Bytes, show bool) (b []byte, exact bool) {
	if !show {
		return []byte(secret.Mask), false
	}
	return s.Reveal(), true
}

// tagger numbers the different secrets of a run in the order of their
// first appearance. It keeps digests under a key of the run, not secrets.
type tagger struct {
	register
	seed maphash.Seed
}

// newTagger returns a tagger for at most limit different secrets.
func newTagger(limit int) *tagger { return &tagger{newRegister(limit), maphash.MakeSeed()} }

// tag returns the number of a secret, from 1; 0 when there are too many.
func (t *tagger) tag(s secret.Bytes) int { return t.give(maphash.Bytes(t.seed, s.Reveal())) }
