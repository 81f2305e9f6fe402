package popscope

import (
	"cmp"
	"math/bits"
	"slices"

	"popscope/reassembly/stream"
)

// budget bounds what the sessions of a shard keep together: each has limits
// of its own, but an attacker can open any number of sessions. It acts when
// a limit is passed, on the largest sessions first, in three steps that cost
// ever more: what is finished is handed on as a part; what can be spared is
// forgotten; sessions are closed.
//
// It goes by sizes that are the same on every machine, so that results are.
type budget struct {
	limit  int
	kept   int // by all tracks
	next   int // valid iff above limit: from where on to act again, where little could be done
	tracks []*track
}

// charge is what a track has in the budget.
type charge struct {
	conn  *stream.Conn
	cost  int   // bytes
	place int32 // in budget.tracks
	gone  bool  // its connection was closed to make room
}

const (
	// trackSize is about what a connection takes that waits to be read, in
	// assembler and track, besides its backlog. With 768 bytes of that,
	// there is room for as many sessions as for connections.
	trackSize = 768
	// readerSize is about what a reader takes that has read little.
	readerSize = 3 << 10
	// conflictSize and disputeSize are about what a stream.Conflict and a
	// stream.Dispute take.
	conflictSize, disputeSize = 64, 32
)

// add begins to charge for a track.
func (b *budget) add(t *track, c *stream.Conn) {
	t.charge = charge{conn: c, place: int32(len(b.tracks))}
	b.tracks = append(b.tracks, t)
	b.charge(t)
}

// remove ends it.
func (b *budget) remove(t *track) {
	last := b.tracks[len(b.tracks)-1]
	b.tracks[t.charge.place], last.charge.place = last, t.charge.place
	b.tracks[len(b.tracks)-1] = nil
	b.tracks = b.tracks[:len(b.tracks)-1]
	b.kept -= t.charge.cost
}

// charge takes note of what a track keeps by now.
func (b *budget) charge(t *track) {
	if t.charge.gone {
		return
	}
	now := t.kept()
	b.kept += now - t.charge.cost
	t.charge.cost = now
}

// largest returns the tracks, the largest ones first. Where two are of
// about one size the one that was silent for longer comes first.
func (b *budget) largest() []*track {
	out := slices.Clone(b.tracks)
	slices.SortFunc(out, func(x, y *track) int {
		a, b := &x.charge, &y.charge
		return cmp.Or(
			cmp.Compare(bits.Len(uint(b.cost)), bits.Len(uint(a.cost))),
			cmp.Compare(a.conn.Last.Packet, b.conn.Last.Packet),
			cmp.Compare(a.conn.First.Packet, b.conn.First.Packet),
		)
	})
	return out
}

// short reports whether it is time to make room.
func (b *budget) short() bool { return b.kept > max(b.limit, b.next) }

// kept returns about how many bytes are kept for a connection.
func (t *track) kept() int {
	n := trackSize + cap(t.backlog.packed)
	if x := t.charge.conn.Trouble; x != nil {
		n += conflictSize*len(x.Copies) + disputeSize*(len(x.Disputes[0])+len(x.Disputes[1]))
	}
	if t.reader == nil {
		return n
	}
	n += readerSize + t.seen[0].kept() + t.seen[1].kept()
	if t.parser != nil {
		n += t.parser.Kept()
	}
	return n
}

// makeRoom brings the sessions back into their budget, and a little below
// it, so that it is not asked again at once.
func (s *shard) makeRoom() {
	b := &s.budget
	defer func() { b.next = b.kept + b.limit/16 }()
	enough := b.limit - b.limit/8
	for _, step := range [...]func(*track){s.handOn, s.spare, s.giveUp} {
		for _, t := range b.largest() {
			if b.kept <= enough {
				return
			}
			if !t.charge.gone {
				step(t)
				b.charge(t)
			}
		}
	}
}

// handOn makes a part of what a session has finished, unless that is little.
func (s *shard) handOn(t *track) {
	const little = 4 << 10
	if t.is != isOther && t.reader != nil && t.parser != nil && t.parser.Ready() > little && t.charge.conn.Ended.Packet == 0 {
		t.emit(t.charge.conn, false)
	}
}

// spare forgets what a session can go on without.
func (s *shard) spare(t *track) {
	if t.reader == nil || t.parser == nil {
		return
	}
	t.parser.Forget()
	s.handOn(t)
}

// giveUp closes the connection of a track. What is left of it is reported in
// its turn, and so is charged no more.
func (s *shard) giveUp(t *track) {
	if s.asm.GiveUp(t.charge.conn) {
		s.budget.kept -= t.charge.cost
		t.charge.cost, t.charge.gone = 0, true
	}
}
