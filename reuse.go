package popscope

import "sync"

// reuse keeps what Results and readers were made of, for the next ones: a
// flood of short sessions then costs the memory of those that are read at
// once. Results come back in the goroutine that hands them out, readers are
// taken in that of their shard.
type reuse struct {
	mu      sync.Mutex
	results []*Result
	readers []*reader

	buffers buffers // of backlogs; in the shard's goroutine only

	few bool // keep spareForPackets
}

const (
	// spareResults bounds what a shard keeps for use again.
	spareResults = 128
	// spareForPackets is the same for Analyzer.Packets, which hands Results on
	// at once.
	spareForPackets = 8
	// spareExchanges bounds the exchanges of a reader that is used again:
	// the memory of a long session is let go.
	spareExchanges = 32
)

// result returns an empty Result.
func (u *reuse) result() *Result {
	u.mu.Lock()
	r := take(&u.results)
	u.mu.Unlock()
	*r = Result{Messages: r.Messages[:0], found: r.found}
	return r
}

// reader returns a reader to be begun.
func (u *reuse) reader() *reader {
	u.mu.Lock()
	r := take(&u.readers)
	u.mu.Unlock()
	r.clear()
	return r
}

// take returns the one that was put down last, or a new one.
func take[T any](spare *[]*T) *T {
	n := len(*spare)
	if n == 0 {
		return new(T)
	}
	last := (*spare)[n-1]
	*spare = (*spare)[:n-1]
	return last
}

// done says that nobody looks at a Result any more.
func (r *Result) done() {
	if r.reader != nil {
		r.shard.reuse.done(r)
	}
}

// done takes the last Result of a session, which nobody looks at any more,
// and the reader that it came from. Results of other parts are left alone:
// they own what they hold. What a mail told is let go of now; the rest is
// cleared by the shard, which writes to it next: between two processors
// memory that both write to is slow.
func (u *reuse) done(r *Result) {
	read := r.reader
	r.reader = nil
	clear(r.Messages)
	clear(read.digests)
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.results) < u.most() {
		u.results = append(u.results, r)
	}
	u.keep(read)
}

// left takes a reader of a connection that came to nothing.
func (u *reuse) left(r *reader) {
	clear(r.digests)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keep(r)
}

// most returns how many of a kind are kept.
func (u *reuse) most() int {
	if u.few {
		return spareForPackets
	}
	return spareResults
}

func (u *reuse) keep(r *reader) {
	if len(u.readers) < u.most() && (r.parser == nil || r.parser.Size() <= spareExchanges) {
		u.readers = append(u.readers, r)
	}
}
