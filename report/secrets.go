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
	seen  []uint64 // digests, by number from 1
	slots []uint32 // at the place of a digest or after it: its number, and above that its highest bits; 0 is free, as one in four is at least
}

// numberBits are those of a slot that a number takes. The rest of it tells
// apart nearly all digests, whose memory then need not be waited for.
const numberBits = 21 // bits.Len(maxTags)

// newTagger returns a tagger for at most limit different secrets.
func newTagger(limit int) *tagger {
	return &tagger{limit: min(limit, maxTags), seed: maphash.MakeSeed(), slots: make([]uint32, 64)}
}

// tag returns the number of a secret, from 1; 0 when there are too many.
func (t *tagger) tag(s secret.Bytes) int {
	digest := maphash.Bytes(t.seed, s.Reveal())
	slot := t.slot(digest)
	if *slot != 0 {
		return numberIn(*slot)
	}
	if len(t.seen) >= t.limit {
		return 0
	}
	t.seen = append(t.seen, digest)
	*slot = slotOf(digest, len(t.seen))
	if 4*len(t.seen) > 3*len(t.slots) {
		t.grow()
	}
	return len(t.seen)
}

// slotOf returns the slot of a digest with a number.
func slotOf(digest uint64, number int) uint32 {
	return uint32(digest>>32)&^(1<<numberBits-1) | uint32(number)
}

// numberIn returns the number in a slot.
func numberIn(slot uint32) int { return int(slot & (1<<numberBits - 1)) }

// slot returns where the number of a digest is, or where it would be.
func (t *tagger) slot(digest uint64) *uint32 {
	want := slotOf(digest, 0)
	for i := digest; ; i++ {
		slot := &t.slots[i&uint64(len(t.slots)-1)]
		if *slot == 0 || *slot>>numberBits == want>>numberBits && t.seen[numberIn(*slot)-1] == digest {
			return slot
		}
	}
}

// grow doubles the slots.
func (t *tagger) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	for i, digest := range t.seen {
		*t.slot(digest) = slotOf(digest, i+1)
	}
}
