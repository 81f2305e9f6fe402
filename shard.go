package popscope

import (
	"encoding/binary"
	"strings"
	"sync/atomic"

	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/pop3parse/fingerprint"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// numShards is how many parts the connections are dealt into. It is fixed,
// not the number of workers, so that limits act in the same way and the
// results are the same however many workers there are.
const numShards = 16

// shard follows the connections that are dealt to it.
type shard struct {
	number int // its place among the shards
	opt    *Options
	ports  *portSet
	asm    *reassembly.Assembler
	judge  *audit.Judge
	out    []*Result
	now    stream.Stamp
	ids    map[sessionID]struct{} // of the sessions under way
	free   []*mailSink
	reuse  reuse
	tracks []*track        // to be used again
	ended  []ending        // see finish
	later  later           // what else has ended
	names  strings.Builder // where name puts them
	window *window         // nil unless packets are asked for
	tls    waiting
	budget budget // of the sessions
	known  int64  // up to which secrets of the key log are known

	patient   bool  // sessions may be read when they are over
	behind    bool  // there is no time to hash messages
	notHashed int64 // messages
	notPOP3   int64 // connections
	lost      int64 // connections of which no data was captured
	notInside int64 // connections in TLS that have no POP3 inside
	open      *atomic.Int64

	prints *fingerprint.Matcher // nil before the first connection
}

func newShards(o *Options) []*shard {
	l := o.Limits.Reassembly.Share(numShards)
	l.Ports = o.Ports
	judge, ports := audit.NewJudge(&o.Policy), newPortSet(o.Ports)
	out := make([]*shard, numShards)
	for i := range out {
		out[i] = &shard{
			number: i, opt: o, ports: ports, asm: reassembly.New(l), judge: judge, ids: make(map[sessionID]struct{}),
			budget: budget{limit: o.Limits.Sessions / numShards}, patient: o.patience(),
		}
	}
	return out
}

// hashOf returns a number that tells the connection of a segment: the same
// for both directions, and for equal addresses in different VLANs and tunnels.
func hashOf(s *packet.Segment) uint64 {
	return mix(endHash(words(&s.Src.Addr), s.Src.Port) + endHash(words(&s.Dst.Addr), s.Dst.Port))
}

// shardOf returns the shard of the connections with a hash.
func shardOf(hash uint64) int { return int(hash >> 60) }

func words(a *packet.Addr) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(a[8:])}
}

func endHash(addr [2]uint64, port uint16) uint64 {
	return (addr[0] ^ addr[1]*0x9e3779b97f4a7c15 ^ uint64(port)) * 0xff51afd7ed558ccd
}

func mix(h uint64) uint64 {
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15
}

// segment takes one segment. keys is the mark of the key log at that time.
func (s *shard) segment(seg *packet.Segment, at stream.Stamp, keys int64) {
	s.keys(keys)
	s.now = at
	s.asm.Segment(seg, at)
	s.drain()
}

// assemble takes the segments of a round, and what was left out of it. What
// they bring waits for drain, so that the code of each stage, which is more
// than a processor holds at once, runs for many packets in a row.
func (s *shard) assemble(items []item, out []stream.Stamp) {
	for len(items) > 0 {
		near := items[:min(len(items), reassembly.Reach)]
		for i := range near {
			s.asm.Expect(&near[i].seg)
		}
		s.asm.Fetch()
		out = s.assembleNear(near, out)
		items = items[len(near):]
	}
	s.asm.Pass(out)
}

// assembleNear takes segments that the assembler expects, and what was left
// out before them. It returns the rest of that.
func (s *shard) assembleNear(items []item, out []stream.Stamp) []stream.Stamp {
	for i := range items {
		it := &items[i]
		n := 0
		for n < len(out) && out[n].Packet < it.at.Packet {
			n++
		}
		s.asm.Pass(out[:n])
		out = out[n:]
		if it.keys > s.known || s.asm.Calls(&it.seg) {
			s.drain()
			s.keys(it.keys)
		}
		s.now = it.at
		s.asm.Segment(&it.seg, it.at)
		s.asm.Work()
	}
	return out
}

// learn takes the news of a turn.
func (s *shard) learn(n *news) {
	s.drain()
	s.keys(n.keys)
	switch {
	case n.part:
		return
	case n.last:
		s.asm.Close()
		s.drain()
		return
	}
	s.now = n.at
	s.asm.Tick(n.at)
	s.drain()
	switch {
	case n.quiet > 0:
		s.asm.Quiet(n.quiet)
	case n.until != 0:
		s.asm.Expire(n.until)
	default:
		return
	}
	s.drain()
}

// mark returns the packet up to which no session can end any more.
func (s *shard) mark() int64 {
	if n, ok := s.asm.Oldest(); ok {
		return n - 1
	}
	return s.now.Packet
}

// drain takes the events that there are.
func (s *shard) drain() {
	now := s.now
	for ev := s.asm.Next(); ev != nil; ev = s.asm.Next() {
		s.now.Packet = ev.Packet
		switch ev.Kind {
		case stream.Data:
			s.data(ev.Conn, &ev.Chunk)
			if s.budget.short() {
				s.makeRoom()
			}
		case stream.Closed:
			s.closed(ev.Conn)
		}
	}
	s.now = now
	s.finish()
}

// data takes a chunk of a connection.
func (s *shard) data(c *stream.Conn, ch *stream.Chunk) {
	t, ok := c.Owner.(*track)
	if !ok {
		if s.plainlyNot(c, ch) {
			c.Ignore = true
			s.notPOP3++
			s.decided(c, OtherProtocol)
			return
		}
		t = take(&s.tracks)
		t.begin(s, c, ch)
		c.Owner = t
		s.budget.add(t, c)
	}
	if s.opt.Tap != nil && t.is != isOther {
		s.opt.Tap.Chunk(c, *ch)
	}
	if t.patient {
		t.wait(c, ch)
	} else {
		t.data(c, *ch)
	}
	if c.Trouble != nil && t.reader != nil && t.parser != nil && t.parser.Disputed(&c.Trouble.Disputes) {
		t.dispute(c)
	}
	s.budget.charge(t)
}

// decided tells the tap what a connection is.
func (s *shard) decided(c *stream.Conn, p Protocol) {
	if s.opt.Tap != nil {
		s.opt.Tap.Decided(c, p)
	}
}

// plainlyNot decides about a connection by its first bytes alone: most of
// the traffic that is no POP3 leaves here, before anything is kept of it.
func (s *shard) plainlyNot(c *stream.Conn, ch *stream.Chunk) bool {
	if s.ports.has(c.Server.Port()) || !c.ClientKnown || len(ch.Data) == 0 || s.mayOpen(ch) {
		return false
	}
	e := pop3parse.Evidence{FromStart: ch.Off == 0}
	if ch.Dir == stream.Client {
		e.Client = ch.Data
	} else {
		e.Server, e.ClientFirst = ch.Data, ch.PeerAcked > 0
	}
	return pop3parse.Probe(e) == pop3parse.IsNot
}

// closed takes the end of a connection.
func (s *shard) closed(c *stream.Conn) {
	t, ok := c.Owner.(*track)
	if ok {
		s.budget.remove(t)
	}
	if s.patient {
		c.Owner = nil
		if ok && (len(s.ended) == maxEnding || s.later.full(s.now.Packet)) {
			s.putOff(t)
			return
		}
		// Nobody else looks at c, which stays as it is until the next segment.
		c.Done = true
		if ok {
			s.ended = append(s.ended, ending{track: t})
		}
		return
	}
	if ok {
		t.close(c)
	}
	if s.opt.Tap != nil {
		s.opt.Tap.Closed(c)
	}
	c.Done = s.opt.Tap == nil
	if s.window == nil {
		return
	}
	s.window.closed(c)
	if c.Done && ok {
		c.Owner = nil
		s.release(t)
	}
}

// release keeps a track, of a connection that is over, for another one.
func (s *shard) release(t *track) {
	*t = track{}
	if len(s.tracks) < spareResults {
		s.tracks = append(s.tracks, t)
	}
}

// ignored returns the connections that are no POP3, by reason.
func (s *shard) ignored() map[string]int64 {
	st := s.asm.Stats()
	return map[string]int64{
		"not_pop3_connections": s.notPOP3,
		LostConnections:        s.lost,
		"not_pop3_in_tls":      s.notInside,
		"tls_held_no_longer":   s.tls.gaveUp,
		NotHashed:              s.notHashed,
		"no_data_connections":  st.Silent,
		"stray_segments":       st.Stray,
		"shed_connections":     st.Shed,
		shedHalfOpen:           st.ShedHalf,
	}
}
