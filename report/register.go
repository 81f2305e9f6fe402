package report

// register numbers digests in the order in which they come, from 1. The
// digests are under a key of the run, which nobody can choose so that they
// crowd in one place.
type register struct {
	limit int
	known int
	seen  []*[seenBlock]uint64 // digests, by number from 1; one list would be copied again and again
	slots []uint32             // at the place of a digest or after it: its number, and above that its highest bits; 0 is free, as one in four is at least
}

// numberBits are those of a slot that a number takes. The rest of it tells
// apart nearly all digests, whose memory then need not be waited for.
const numberBits = 21

// maxNumbers is the highest number.
const maxNumbers = 1<<numberBits - 1

const (
	firstSlots = 64
	seenBlock  = 1 << 10
)

// newRegister returns a register for at most limit different digests.
func newRegister(limit int) register {
	return register{limit: min(limit, maxNumbers), slots: make([]uint32, firstSlots)}
}

// of returns the number of a digest; 0 when it has none.
func (r *register) of(digest uint64) int { return numberIn(*r.slot(digest)) }

// give returns the number of a digest, which it gets if it has none; 0 when
// there are too many.
func (r *register) give(digest uint64) int {
	slot := r.slot(digest)
	if *slot != 0 {
		return numberIn(*slot)
	}
	if r.known >= r.limit {
		return 0
	}
	if r.known%seenBlock == 0 {
		r.seen = append(r.seen, new([seenBlock]uint64))
	}
	r.known++
	*r.digest(r.known) = digest
	*slot = slotOf(digest, r.known)
	if 4*r.known > 3*len(r.slots) {
		r.grow()
	}
	return r.known
}

// digest returns where the digest of a number is.
func (r *register) digest(number int) *uint64 {
	i := number - 1
	return &r.seen[i/seenBlock][i%seenBlock]
}

// slotOf returns the slot of a digest with a number.
func slotOf(digest uint64, number int) uint32 {
	return uint32(digest>>32)&^maxNumbers | uint32(number)
}

// numberIn returns the number in a slot.
func numberIn(slot uint32) int { return int(slot & maxNumbers) }

// slot returns where the number of a digest is, or where it would be.
func (r *register) slot(digest uint64) *uint32 {
	want := slotOf(digest, 0)
	for i := digest; ; i++ {
		slot := &r.slots[i&uint64(len(r.slots)-1)]
		if *slot == 0 || *slot&^maxNumbers == want && *r.digest(numberIn(*slot)) == digest {
			return slot
		}
	}
}

// grow doubles the slots.
func (r *register) grow() {
	r.slots = make([]uint32, 2*len(r.slots))
	for n := 1; n <= r.known; n++ {
		digest := *r.digest(n)
		*r.slot(digest) = slotOf(digest, n)
	}
}
