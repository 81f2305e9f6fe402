package audit

import "math"

// recent is a table that holds a bounded number of entries: beyond it the
// one that was not used for the longest time is forgotten. What it does
// depends on the order of calls only. Entries are found by a hash of what
// they are about, and named by numbers, which take half of what pointers do
// and which the garbage collector need not follow.
//
// To look at an entry is to wait for memory. So the slots tell apart nearly
// all entries, and the order of use lies closely packed beside them.
type recent[V any] struct {
	limit     int
	count     int // entries in use
	forgotten int64
	forget    func(*V) // called for what is forgotten; may be nil
	renew     func(*V) // makes a value that was used before ready for use again, with its memory; nil: it is set to zero

	slots          []slot      // a power of two of them, of which a quarter is free at least
	newest, oldest number      // by their last use
	blocks         []*block[V] // entries are made by the block, and stay where they are
	made           number      // entries that were made
	free           number      // entries that are not in use, linked by older
}

// number is which entry something is, from 1; 0 is none.
type number uint32

// slot says where an entry is. It stands at the place of its tag, or after
// it with no free one between.
type slot struct {
	tag uint32 // of the entry's hash
	number
}

// block is some entries, and their places in the order of use.
type block[V any] struct {
	entries [perBlock]entry[V]
	order   [perBlock]links
}

type entry[V any] struct {
	hash  uint64
	value V
}

// links are the entries that were used next before and after one.
type links struct{ newer, older number }

const (
	perBlock   = 512 // entries that are made at once: most blocks are whole pages of memory then
	firstSlots = 64
)

func newRecent[V any](limit int, forget func(*V)) *recent[V] {
	return &recent[V]{limit: min(limit, math.MaxInt32), forget: forget, slots: make([]slot, firstSlots)}
}

// tagOf returns what a slot tells of a hash. The lowest bits of a hash may be
// the same for all.
func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// entry returns an entry by its number.
func (r *recent[V]) entry(n number) *entry[V] {
	n--
	return &r.blocks[n/perBlock].entries[n%perBlock]
}

// at returns the value of an entry.
func (r *recent[V]) at(n number) *V { return &r.entry(n).value }

// links returns the place of an entry in the order of use.
func (r *recent[V]) links(n number) *links {
	n--
	return &r.blocks[n/perBlock].order[n%perBlock]
}

// get returns the entry that has a hash and is the same as what is looked
// for, and marks it as the one used last; 0 when there is none. Where same is
// nil the hash alone decides.
func (r *recent[V]) get(hash uint64, same func(*V) bool) number {
	tag, mask := tagOf(hash), len(r.slots)-1
	for i := int(tag) & mask; ; i = (i + 1) & mask {
		s := r.slots[i]
		if s.number == 0 {
			return 0
		}
		if s.tag != tag {
			continue
		}
		if e := r.entry(s.number); e.hash == hash && (same == nil || same(&e.value)) {
			if r.newest != s.number {
				r.unlink(s.number)
				r.link(s.number)
			}
			return s.number
		}
	}
}

// touch begins to read the slot of what has a hash. What it returns is of no
// use but to be used.
func (r *recent[V]) touch(hash uint64) uint64 {
	return uint64(r.slots[int(tagOf(hash))&(len(r.slots)-1)].number)
}

// peek returns the value that most likely has a hash, and begins to read its
// place in the order of use; nil if there is none. Nothing changes by it.
func (r *recent[V]) peek(hash uint64) *V {
	tag, mask := tagOf(hash), len(r.slots)-1
	for i := int(tag) & mask; ; i = (i + 1) & mask {
		s := r.slots[i]
		if s.number == 0 {
			return nil
		}
		if s.tag == tag {
			return r.at(s.number)
		}
	}
}

// touchOldest begins to read the n entries that are the next to be
// forgotten, where it has come to that, and gives their values to touch.
func (r *recent[V]) touchOldest(n int, touch func(*V) uint64) (sum uint64) {
	if r.count < r.limit {
		return 0
	}
	for old := r.oldest; old != 0 && n > 0; old = r.links(old).newer {
		e := r.entry(old)
		sum += r.touch(e.hash) + touch(&e.value)
		n--
	}
	return sum
}

// add makes an entry for what has none.
func (r *recent[V]) add(hash uint64) number {
	if r.count >= r.limit {
		if r.forget != nil {
			r.forget(r.at(r.oldest))
		}
		r.forgotten++
		r.remove(r.oldest)
	}
	if r.count++; 4*r.count > 3*len(r.slots) {
		r.grow()
	}
	n := r.take()
	r.entry(n).hash = hash
	r.place(slot{tagOf(hash), n})
	r.link(n)
	return n
}

// place puts a slot in its place.
func (r *recent[V]) place(s slot) {
	mask := len(r.slots) - 1
	i := int(s.tag) & mask
	for r.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	r.slots[i] = s
}

// grow doubles the slots.
func (r *recent[V]) grow() {
	old := r.slots
	r.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.number != 0 {
			r.place(s)
		}
	}
}

// take returns an entry that is in no list.
func (r *recent[V]) take() number {
	if n := r.free; n != 0 {
		r.free = r.links(n).older
		if v := r.at(n); r.renew != nil {
			r.renew(v)
		} else {
			*v = *new(V)
		}
		return n
	}
	if int(r.made) == perBlock*len(r.blocks) {
		r.blocks = append(r.blocks, new(block[V]))
	}
	r.made++
	return r.made
}

// remove takes an entry out. Its value is valid until the next add.
func (r *recent[V]) remove(n number) {
	r.unlink(n)
	slots, mask := r.slots, len(r.slots)-1
	i := int(tagOf(r.entry(n).hash)) & mask
	for slots[i].number != n {
		i = (i + 1) & mask
	}
	// Those after it that may stand here move up.
	for k := (i + 1) & mask; slots[k].number != 0; k = (k + 1) & mask {
		if home := int(slots[k].tag); (k-home)&mask >= (k-i)&mask {
			slots[i] = slots[k]
			i = k
		}
	}
	slots[i] = slot{}
	r.count--
	r.links(n).older = r.free
	r.free = n
}

// link puts an entry into the order of use, as the newest one.
func (r *recent[V]) link(n number) {
	*r.links(n) = links{older: r.newest}
	if r.newest != 0 {
		r.links(r.newest).newer = n
	}
	r.newest = n
	if r.oldest == 0 {
		r.oldest = n
	}
}

// unlink takes an entry out of the order of use.
func (r *recent[V]) unlink(n number) {
	l := r.links(n)
	if l.newer != 0 {
		r.links(l.newer).older = l.older
	} else {
		r.newest = l.older
	}
	if l.older != 0 {
		r.links(l.older).newer = l.newer
	} else {
		r.oldest = l.newer
	}
}

// each calls f for all entries, those not used for the longest time first.
func (r *recent[V]) each(f func(*V)) {
	for n := r.oldest; n != 0; n = r.links(n).newer {
		f(r.at(n))
	}
}
