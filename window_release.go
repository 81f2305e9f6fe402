package popscope

import (
	"slices"

	"popscope/reassembly"
)

// The limits of the window in which packets wait for Analyzer.Packets,
// besides Limits.Window.
const (
	windowBytes = 32 << 20  // frames and what is known of them
	windowNanos = 300 * 1e9 // capture time; no server takes five minutes for a reply
)

// unansweredNanos is how long a SYN waits for an answer: clients give up
// after about two minutes.
const unansweredNanos = 130 * 1e9

// yield hands on the packets that are known, or all of them.
func (w *window) yield(all bool, yield func(*Packet, error) bool) bool {
	for w.head < len(w.rows) {
		r := w.rows[w.head]
		show := false
		switch w.ready(r) {
		case shown:
			show = true
		case waits:
			if !all && !w.full(r) {
				return true
			}
			show = r.force()
			if !show && r.flow != nil {
				w.leftOut++
			}
		}
		if show {
			r.finish(w)
			if w.a.opt.wantsSession(r.Session) && !yield(&r.Packet, nil) {
				return false
			}
		}
		w.rows[w.head] = nil
		w.head++
		w.forget(r)
	}
	w.rows, w.head = w.rows[:0], 0
	return true
}

// ready is row.ready for those that may wait for nothing: a SYN that
// nobody answers, and fragments whose datagram never comes together.
func (w *window) ready(r *row) readiness {
	is := r.ready()
	if is == waits && r.flow == nil && r.leader == nil {
		if age := w.last - r.Nanos; r.frag != nil && age > int64(reassembly.DefaultFragmentTimeout) || age > unansweredNanos {
			return dropped
		}
	}
	return is
}

// full reports whether r, the first one, cannot wait any longer.
func (w *window) full(r *row) bool {
	n := len(w.rows) - w.head
	if !w.shrinks && (n > w.a.opt.Limits.Window || w.bytes > windowBytes) {
		w.compact() // perhaps many of them are not to be handed on
		w.shrinks = true
		n = len(w.rows) - w.head
	}
	w.shrinks = w.shrinks && (n > w.a.opt.Limits.Window*3/4 || w.bytes > windowBytes*3/4)
	return w.shrinks || w.last-r.Nanos > windowNanos
}

// compact lets go of the rows behind the first one that nobody waits for.
func (w *window) compact() {
	rows := w.rows[w.head:]
	n := 0
	for i, r := range rows {
		if i > 0 && w.ready(r) == dropped {
			w.forget(r)
			continue
		}
		w.rows[n] = r
		n++
	}
	clear(w.rows[n:])
	w.rows, w.head = w.rows[:n], 0
}

// forget lets go of a row that has left the window.
func (w *window) forget(r *row) {
	w.bytes -= len(r.Data) + int(r.own) + rowCost + r.cost
	r.gone = true
	if r.isAlone() {
		if r == w.now {
			w.now = nil
		}
		w.frames.put(r.Data)
		w.lists.parts.put(r.Parts)
		if len(w.spare) < maxSpareRows {
			r.clear()
			w.spare = append(w.spare, r)
		}
		return
	}
	if r.fate.Has(reassembly.HalfOpen) && r.flow == nil {
		key := keyOf(&r.Segment)
		w.syns[key] = without(w.syns[key], r)
		if len(w.syns[key]) == 0 {
			delete(w.syns, key)
		}
	}
	if r.frag != nil && r.leader == nil && r.flow == nil {
		w.pieces[r.frag.piece] = without(w.pieces[r.frag.piece], r)
		if len(w.pieces[r.frag.piece]) == 0 {
			delete(w.pieces, r.frag.piece)
		}
	}
}

// clear lets go of all that a row refers to, but for a short list.
func (r *row) clear() {
	spans := r.Secret[:0]
	if cap(spans) > spareItems {
		spans = nil
	}
	*r = row{Packet: Packet{Secret: spans}}
}

// isAlone reports whether nothing refers to a row that has left the window:
// no list of its flow, no fragment, no plaintext that is to be explained.
func (r *row) isAlone() bool {
	return r.flow != nil && r.known && !r.opening && r.frag == nil && r.leader == nil && r.Fragments == nil && r.Inside == nil
}

// without removes a row, which as a rule is the first one.
func without(rows []*row, r *row) []*row {
	if i := slices.Index(rows, r); i == 0 {
		return rows[1:]
	} else if i > 0 {
		return slices.Delete(rows, i, i+1)
	}
	return rows
}
