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
}

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
	e := &entry[K, V]{key: key}
	r.items[key] = e
	r.link(e)
	return e
}

// remove takes an entry out.
func (r *recent[K, V]) remove(e *entry[K, V]) {
	r.unlink(e)
	delete(r.items, e.key)
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
