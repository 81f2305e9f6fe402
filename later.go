package popscope

import (
	"slices"

	"popscope/reassembly"
)

// later holds the sessions of a shard that have ended and are read when it is
// their turn to be reported. Until then each takes the little that it took
// while it was open, and a Result with all that it refers to takes several
// times as much: when very many end in one instant, at the end of a capture
// or after a long silence, or while their turn does not come, only some of
// them are to be there at once.
type later struct {
	tracks []*track
	sorted bool // in the order of results

	made   [maxMade]int64 // the packets at which the last results were made that were not put off
	oldest int            // of made
}

// maxMade is how many results a shard makes within as many packets as a
// connection may linger in another one, while all later ones wait. It takes
// sessions of less than eight packets to come up to it.
const maxMade = 2048

// full reports whether as many results may be waiting, and takes note of one
// more if not.
func (l *later) full(packet int64) bool {
	at := &l.made[l.oldest]
	if *at != 0 && packet-*at < reassembly.LingerPackets {
		return true
	}
	*at, l.oldest = packet, (l.oldest+1)%maxMade
	return false
}

// putOff leaves a session that has ended for later. What it has a reader for
// is read now, since there may be parts to hand on.
func (s *shard) putOff(t *track) {
	if t.reader != nil {
		t.readToEnd(t.charge.conn)
	}
	s.later.tracks, s.later.sorted = append(s.later.tracks, t), false
}

// due returns the place of the first of them; behind(never) if there are
// none.
func (l *later) due() rank {
	if len(l.tracks) == 0 {
		return behind(never)
	}
	if !l.sorted {
		slices.SortFunc(l.tracks, func(a, b *track) int { return rankOf(a.charge.conn).compare(rankOf(b.charge.conn)) })
		l.sorted = true
	}
	return rankOf(l.tracks[0].charge.conn)
}

// readLater makes the results of those that come first.
func (s *shard) readLater() {
	some := s.later.tracks[:min(len(s.later.tracks), maxEnding)]
	for _, t := range some {
		s.ended = append(s.ended, ending{track: t})
	}
	clear(some)
	s.later.tracks = s.later.tracks[len(some):]
	s.finish()
}

// crew are the shards that one goroutine works for.
type crew []*shard

// finished is what a crew hands on.
type finished struct {
	results []*Result
	mark    int64 // the packet up to which no session can end any more; valid after a turn
	due     rank  // the place of the first session that was put off
}

// learn lets all shards learn the news of a turn. What they hand on goes to
// the end of to.
func (c crew) learn(n *news, to []*Result) finished {
	f := finished{mark: n.at.Packet}
	made := 0
	for _, s := range c {
		s.learn(n)
		made += len(s.out)
		f.mark = min(f.mark, s.mark())
	}
	f.results = slices.Grow(to, made)
	for _, s := range c {
		f.take(s)
	}
	f.due = c.due()
	return f
}

// ignored returns the connections that are ignored since it was called last.
func (c crew) ignored() (all []reassembly.Ignored) {
	for _, s := range c {
		all = s.asm.TakeIgnored(all)
	}
	return all
}

// read reads some of the sessions that were put off, the first one among
// them.
func (c crew) read() (f finished) {
	first := c.due()
	for _, s := range c {
		if s.later.due() == first {
			s.readLater()
			f.take(s)
			break
		}
	}
	f.due = c.due()
	return f
}

// due returns the place of the first session that was put off.
func (c crew) due() rank {
	due := behind(never)
	for _, s := range c {
		if d := s.later.due(); d.before(due) {
			due = d
		}
	}
	return due
}

// take takes the results of a shard.
func (f *finished) take(s *shard) {
	f.results = append(f.results, s.out...)
	clear(s.out)
	s.out = s.out[:0]
}

// late is what the crew of another goroutine has put off.
type late struct {
	due  rank
	up   chan rank     // up to where results are wanted: once in each turn that leaves something put off
	more chan finished // a few of them at a time, as long as the next one is before that
}

// lates are those of all workers.
type lates []*late

// ask says up to where results are wanted in a turn.
func (l lates) ask(up rank) {
	for _, w := range l {
		if w.due != behind(never) {
			w.up <- up
		}
	}
}

// answer hands on what is asked for. It reports whether anybody wants more.
func (l *late) answer(c crew, stop chan struct{}) bool {
	due := c.due()
	if due == behind(never) {
		return true
	}
	var up rank
	select {
	case up = <-l.up:
	case <-stop:
		return false
	}
	for due.before(up) {
		f := c.read()
		select {
		case l.more <- f:
		case <-stop:
			return false
		}
		due = f.due
	}
	return true
}

func (l lates) first() *late {
	return slices.MinFunc(l, func(a, b *late) int { return a.due.compare(b.due) })
}

func (l lates) due() rank { return l.first().due }

func (l lates) read() finished {
	first := l.first()
	f := <-first.more
	first.due = f.due
	return f
}
