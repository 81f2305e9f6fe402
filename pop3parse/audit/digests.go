package audit

// digests is a set of digests under a key of the run, which nobody can
// choose so that they crowd in one place. The zero value is empty.
type digests struct {
	slots []uint64 // a power of two; 0 is free, and a digest stands at its place or after it
	n     int
}

// has reports whether a digest is in the set.
func (d *digests) has(digest uint64) bool {
	return d.n > 0 && d.slots[d.place(digest)] != 0
}

// add puts a digest into the set. It is not there: has returned false.
func (d *digests) add(digest uint64) {
	if 4*(d.n+1) > 3*len(d.slots) {
		d.grow()
	}
	d.slots[d.place(digest)] = digest | 1 // 0 is none
	d.n++
}

// home returns where a digest is looked for first.
func (d *digests) home(digest uint64) uint64 { return digest >> 1 & uint64(len(d.slots)-1) }

// place returns where a digest stands, or where it would.
func (d *digests) place(digest uint64) uint64 {
	i := d.home(digest)
	digest |= 1
	for d.slots[i] != 0 && d.slots[i] != digest {
		i = (i + 1) & uint64(len(d.slots)-1)
	}
	return i
}

// grow doubles the room, so that a quarter of it is free at least.
func (d *digests) grow() {
	old := d.slots
	d.slots = make([]uint64, max(2, 2*len(old)))
	for _, digest := range old {
		if digest != 0 {
			d.slots[d.place(digest)] = digest
		}
	}
}
