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
	limit int
	seed  maphash.Seed
	known int
	seen  []*[tagBlock]uint64 // digests, by number from 1; one list would be copied again and again
	slots []uint32            // numbers, at the place of their digest or after it; 0 is free, as one in four is at least
}

const tagBlock = 1 << 10

// newTagger returns a tagger for at most limit different secrets.
func newTagger(limit int) *tagger {
	return &tagger{limit: limit, seed: maphash.MakeSeed(), slots: make([]uint32, 64)}
}

// tag returns the number of a secret, from 1; 0 when there are too many.
func (t *tagger) tag(s secret.Bytes) int {
	digest := maphash.Bytes(t.seed, s.Reveal())
	slot := t.slot(digest)
	if *slot != 0 {
		return int(*slot)
	}
	if t.known >= t.limit {
		return 0
	}
	if t.known%tagBlock == 0 {
		t.seen = append(t.seen, new([tagBlock]uint64))
	}
	t.known++
	*t.digest(t.known) = digest
	*slot = uint32(t.known)
	if 4*t.known > 3*len(t.slots) {
		t.grow()
	}
	return t.known
}

// digest returns where the digest of a number is.
func (t *tagger) digest(number int) *uint64 {
	i := number - 1
	return &t.seen[i/tagBlock][i%tagBlock]
}

// slot returns where the number of a digest is, or where it would be.
func (t *tagger) slot(digest uint64) *uint32 {
	for i := digest; ; i++ {
		slot := &t.slots[i&uint64(len(t.slots)-1)]
		if *slot == 0 || *t.digest(int(*slot)) == digest {
			return slot
		}
	}
}

// grow doubles the slots.
func (t *tagger) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	for n := 1; n <= t.known; n++ {
		*t.slot(*t.digest(n)) = uint32(n)
	}
}
