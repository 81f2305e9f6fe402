package audit

import "math"

// recent is a table that holds a bounded number of entries: beyond it the
// one that was not used for the longest time is forgotten. What it does
// depends on the order of calls only. Entries are found by a hash of what
// they are about, and linked by their numbers, which take half of what
// pointers do and which the garbage collector need not follow.
type recent[V any] struct {
	limit     int
	count     int // entries in use
	forgotten int64
	forget    func(*V) // called for what is forgotten; may be nil
	renew     func(*V) // makes a value that was used before ready for use again, with its memory; nil: it is set to zero

	chains         []number              // where the entries begin that have a hash in common, as far as mask goes; a power of two of them
	newest, oldest number                // by their last use
	blocks         []*[perBlock]entry[V] // entries are made by the block, and stay where they are
	made           number                // entries that were made
	free           number                // entries that are not in use, linked by older
}

// number is which entry something is, from 1; 0 is none.
type number uint32

const (
	perBlock    = 64 // entries that are made at once
	firstChains = 64
)

// entry is a value in its places: in a chain of equal hashes, and in the
// order of use.
type entry[V any] struct {
	value        V
	hash         uint64
	self         number
	next         number // in the chain
	newer, older number
}

func newRecent[V any](limit int, forget func(*V)) *recent[V] {
	return &recent[V]{limit: min(limit, math.MaxInt32), forget: forget, chains: make([]number, firstChains)}
}

// at returns an entry by its number.
func (r *recent[V]) at(n number) *entry[V] {
	n--
	return &r.blocks[n/perBlock][n%perBlock]
}

// chain returns where the entries with a hash begin.
func (r *recent[V]) chain(hash uint64) *number {
	return &r.chains[hash&uint64(len(r.chains)-1)]
}

// get returns the entry that has a hash and is the same as what is looked
// for, and marks it as the one used last; nil when there is none. Where
// same is nil the hash alone decides.
func (r *recent[V]) get(hash uint64, same func(*V) bool) *entry[V] {
	for n := *r.chain(hash); n != 0; {
		e := r.at(n)
		if e.hash == hash && (same == nil || same(&e.value)) {
			if r.newest != n {
				r.unlink(e)
				r.link(e)
			}
			return e
		}
		n = e.next
	}
	return nil
}

// add makes an entry for what has none.
func (r *recent[V]) add(hash uint64) *entry[V] {
	if r.count >= r.limit {
		e := r.at(r.oldest)
		if r.forget != nil {
			r.forget(&e.value)
		}
		r.forgotten++
		r.remove(e)
	}
	if r.count++; r.count > len(r.chains) {
		r.grow()
	}
	e := r.take()
	e.hash = hash
	r.enchain(e)
	r.link(e)
	return e
}

// enchain puts an entry into the chain of its hash.
func (r *recent[V]) enchain(e *entry[V]) {
	c := r.chain(e.hash)
	e.next, *c = *c, e.self
}

// grow doubles the chains.
func (r *recent[V]) grow() {
	r.chains = make([]number, 2*len(r.chains))
	for n := r.newest; n != 0; {
		e := r.at(n)
		r.enchain(e)
		n = e.older
	}
}

// take returns an entry that is in no list.
func (r *recent[V]) take() *entry[V] {
	if r.free != 0 {
		e := r.at(r.free)
		r.free, e.older = e.older, 0
		if r.renew != nil {
			r.renew(&e.value)
		} else {
			e.value = *new(V)
		}
		return e
	}
	if int(r.made) == perBlock*len(r.blocks) {
		r.blocks = append(r.blocks, new([perBlock]entry[V]))
	}
	r.made++
	e := r.at(r.made)
	e.self = r.made
	return e
}

// remove takes an entry out. Its value is valid until the next add.
func (r *recent[V]) remove(e *entry[V]) {
	r.unlink(e)
	c := r.chain(e.hash)
	for *c != e.self {
		c = &r.at(*c).next
	}
	*c = e.next
	r.count--
	r.free, e.older = e.self, r.free
}

func (r *recent[V]) link(e *entry[V]) {
	e.older = r.newest
	if r.newest != 0 {
		r.at(r.newest).newer = e.self
	}
	r.newest = e.self
	if r.oldest == 0 {
		r.oldest = e.self
	}
}

func (r *recent[V]) unlink(e *entry[V]) {
	if e.newer != 0 {
		r.at(e.newer).older = e.older
	} else {
		r.newest = e.older
	}
	if e.older != 0 {
		r.at(e.older).newer = e.newer
	} else {
		r.oldest = e.newer
	}
	e.newer, e.older = 0, 0
}

// each calls f for all entries, those not used for the longest time first.
func (r *recent[V]) each(f func(*V)) {
	for n := r.oldest; n != 0; {
		e := r.at(n)
		f(&e.value)
		n = e.newer
	}
}
