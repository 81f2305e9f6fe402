package popscope

import "sync"

// reuse keeps what Results and tracks were made of, for the next ones: a
// flood of short sessions then costs the memory of those that are open at
// once. Results come back in the goroutine that hands them out, tracks are
// taken in that of their shard.
type reuse struct {
	mu      sync.Mutex
	results []*Result
	tracks  []*track
}

const (
	// spareResults bounds what a shard keeps for use again.
	spareResults = 128
	// spareExchanges bounds the exchanges of a track that is used again: the
	// memory of a long session is let go.
	spareExchanges = 32
)

// result returns an empty Result.
func (u *reuse) result() *Result {
	u.mu.Lock()
	defer u.mu.Unlock()
	return take(&u.results)
}

// track returns a track to be begun.
func (u *reuse) track() *track {
	u.mu.Lock()
	defer u.mu.Unlock()
	return take(&u.tracks)
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
	if r.track != nil {
		r.track.shard.reuse.done(r)
	}
}

// done takes the last Result of a session, which nobody looks at any more,
// and the track that it came from. Results of other parts are left alone:
// they own what they hold.
func (u *reuse) done(r *Result) {
	t := r.track
	clear(r.Messages)
	*r = Result{Messages: r.Messages[:0], found: r.found}
	t.clear()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.results) < spareResults {
		u.results = append(u.results, r)
	}
	u.keep(t)
}

// left takes a track of a connection that came to nothing.
func (u *reuse) left(t *track) {
	t.clear()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keep(t)
}

func (u *reuse) keep(t *track) {
	if len(u.tracks) < spareResults && (t.parser == nil || t.parser.Size() <= spareExchanges) {
		u.tracks = append(u.tracks, t)
	}
}
