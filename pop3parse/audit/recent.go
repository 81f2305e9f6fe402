package audit

// recent is a map that holds a bounded number of entries: beyond it the
// one that was not used for the longest time is forgotten. What it does
// depends on the order of calls only.
type recent[K comparable, V any] struct {
	limit     int
	items     map[K]*entry[K, V]
	newest    *entry[K, V]
	oldest    *entry[K, V]
	forgotten int64
	forget    func(*V) // called for what is forgotten; may be nil
	renew     func(*V) // makes a value that was used before ready for use again, with its memory; nil: it is set to zero

	block []entry[K, V] // entries are made by the block
	free  *entry[K, V]  // to be used again, linked by older
}

// minBlock and maxBlock bound the entries that are made at once.
const minBlock, maxBlock = 8, 256

type entry[K comparable, V any] struct {
	key          K
	value        V
	newer, older *entry[K, V]
}

func newRecent[K comparable, V any](limit int, forget func(*V)) *recent[K, V] {
	return &recent[K, V]{limit: limit, items: make(map[K]*entry[K, V]), forget: forget}
}

// use marks an entry as the one used last.
func (r *recent[K, V]) use(e *entry[K, V]) {
	if r.newest == e {
		return
	}
	r.unlink(e)
	r.link(e)
}

// add makes an entry for a key that has none.
func (r *recent[K, V]) add(key K) *entry[K, V] {
	if len(r.items) >= r.limit {
		e := r.oldest
		if r.forget != nil {
			r.forget(&e.value)
		}
		r.forgotten++
		r.remove(e)
	}
	e := r.take()
	e.key = key
	r.items[key] = e
	r.link(e)
	return e
}

// take returns an entry that is in no list.
func (r *recent[K, V]) take() *entry[K, V] {
	if e := r.free; e != nil {
		r.free, e.older = e.older, nil
		if r.renew != nil {
			r.renew(&e.value)
		} else {
			e.value = *new(V)
		}
		return e
	}
	if len(r.block) == 0 {
		r.block = make([]entry[K, V], min(max(len(r.items), minBlock), maxBlock))
	}
	e := &r.block[0]
	r.block = r.block[1:]
	return e
}

// remove takes an entry out. Its value is valid until the next add.
func (r *recent[K, V]) remove(e *entry[K, V]) {
	r.unlink(e)
	delete(r.items, e.key)
	r.free, e.older = e, r.free
}

func (r *recent[K, V]) link(e *entry[K, V]) {
	e.older = r.newest
	if r.newest != nil {
		r.newest.newer = e
	}
	r.newest = e
	if r.oldest == nil {
		r.oldest = e
	}
}

func (r *recent[K, V]) unlink(e *entry[K, V]) {
	if e.newer != nil {
		e.newer.older = e.older
	} else if r.newest == e {
		r.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else if r.oldest == e {
		r.oldest = e.newer
	}
	e.newer, e.older = nil, nil
}

// each calls f for all entries, those not used for the longest time first.
func (r *recent[K, V]) each(f func(*V)) {
	for e := r.oldest; e != nil; e = e.newer {
		f(&e.value)
	}
}
