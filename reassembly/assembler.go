package reassembly

import (
	"time"

	"popscope/capture/packet"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// Assembler turns TCP segments into the streams they carry. Make one with
// New. It is a plain machine, without goroutines and without a clock of
// its own: the same calls give the same events.
//
// It must not be used from several goroutines at once.
type Assembler struct {
	limits Limits
	table  table
	ahead  ahead
	clock  clock
	at     stream.Stamp // of the packet at hand

	used    [kinds]queue.Queue[entry]    // by last use, to within 1/32 of the time they may be idle
	ending  queue.Queue[ending]          // ended and not reported, in the order of their ends
	holds   [holdKinds]queue.Queue[hold] // by hold.since
	waiting int                          // cost of all pieces that wait
	archive archive

	items  []item // events to come, from items[head] on
	head   int
	placed int          // items of which item.acked is known
	event  stream.Event // the one handed out
	last   *conn        // its connection, until the flags are looked at that the consumer may have set
	done   bool         // that was Closed: the conn can be used again
	busy   bool         // something may have come due
	closed bool         // by Close
	rest   []*conn      // after Close: those that were open, in the order of their first packets

	gaps         []gap // scratch
	fate         Fate  // of the last segment
	listIgnored  bool
	newlyIgnored []Ignored // valid iff listIgnored
	trace        bool      // connections without data are reported too
	thorough     bool      // tests: no segment is taken by steady
	freeConns    spare[conn]
	freeEntries  spare[entry]
	freeEndings  spare[ending]
	entries      []entry // that were not in use yet
	stats        Stats
}

// item is an event to come. What depends on the roles is made from it only
// when it is handed out, because the consumer may swap them before.
type item struct {
	conn   *conn
	data   []byte
	off    int64
	lost   int64
	at     stream.Stamp
	now    int64 // the packet at hand
	acked  int64 // stream.Chunk.PeerAcked; valid from place on
	ack    Seq
	hasAck bool
	closed bool
	side   uint8
}

// longQueue is how many events more than a round brings.
const longQueue = 4096

// New returns an Assembler.
func New(l Limits) *Assembler {
	l = l.withDefaults()
	return &Assembler{limits: l, table: newTable(), archive: newArchive(l)}
}

// Segment takes one segment, which came with the packet at. The numbers
// of the packets must not decrease.
//
// s is read only, and not kept, but the events that come of it borrow its
// Payload: call Next until it returns nil before Payload changes. To take the
// events of many segments at once, ask Calls before each of them, and call
// Work behind it.
func (a *Assembler) Segment(s *packet.Segment, at stream.Stamp) {
	a.Tick(at)
	a.stats.Segments++
	a.takenFor(nil)
	k := a.keyOf(s)
	a.ahead.next++
	side, e := int(k.side), a.table.find(k.hash, &k.tuple)
	switch {
	case e == nil:
		a.meet(k.hash, &k.tuple, side, s)
	case e.conn != nil:
		a.continued(e, side, s)
	case e.kind == kindHalfOpen:
		a.answered(e, side, s)
	default:
		a.haunted(e, side, s)
	}
	a.placeItems()
}

// Work does what has come due, as Next does when there are no events, and
// hands out nothing.
func (a *Assembler) Work() {
	a.settle()
	for a.busy && !a.closed {
		a.busy = a.work()
		a.placeItems()
	}
}

// Calls reports whether the events that there are should be taken before a
// segment: a SYN can change what is known of a connection from its beginning.
func (a *Assembler) Calls(s *packet.Segment) bool {
	if s.Flags&packet.SYN == 0 || a.head == len(a.items) {
		return false
	}
	k := a.keyOf(s)
	e := a.table.find(k.hash, &k.tuple)
	return e != nil && e.conn != nil && e.conn.told
}

// Tick takes note of a packet that is not for this Assembler: the clock
// goes by all packets of a capture, and stream.Conn.Ended by their numbers.
func (a *Assembler) Tick(at stream.Stamp) {
	a.settle()
	a.tick(at)
}

func (a *Assembler) tick(at stream.Stamp) {
	if at.Packet == a.at.Packet {
		return
	}
	a.at = at
	if a.clock.see(at.Nanos) || a.outlived() {
		a.busy = true
	}
}

// Pass is Tick and Work for each of several packets.
func (a *Assembler) Pass(all []stream.Stamp) {
	a.settle()
	for i := range all {
		a.tick(all[i])
		if a.busy {
			a.Work()
		}
	}
}

// Expire tells that it is late: nanos, since 1970-01-01 UTC. Live use
// calls it while no packets come; captures that are read have no need of
// it. A time before that of the packets changes nothing.
func (a *Assembler) Expire(nanos int64) {
	a.settle()
	if a.clock.moveTo(nanos) {
		a.busy = true
	}
}

// Quiet tells that for d after the packet at hand, and after what earlier
// calls since then told, no packet came. Unlike Expire it trusts the time
// of that single packet only so far: the clock goes on by a little more
// than a minute and d at most.
func (a *Assembler) Quiet(d time.Duration) {
	a.settle()
	a.clock.pass(a.at.Nanos, int64(d))
	a.busy = true
}

// Close tells that the capture is over. What is left then comes out of
// Next: the connections that have ended, in the order of their ends, then
// those still open, in the order of their first packets.
func (a *Assembler) Close() {
	a.settle()
	a.closed, a.busy = true, true
}

// Next returns the next event, or nil when there is none until the next
// call of another method. The event, and its Data, are valid until the
// next call of any method; its Conn is valid for good, and written by the
// Assembler until its Closed event has been returned.
//
// A connection is reported as Opened just before its first Data, and those
// that never carry a byte are counted in Stats only. Closed events come
// in the order of Conn.Ended.
func (a *Assembler) Next() *stream.Event {
	a.settle()
	for {
		if a.head == len(a.items) {
			a.rewind()
			if !a.busy {
				return nil
			}
			a.busy = a.work()
			a.placeItems()
			continue
		}
		it := &a.items[a.head]
		c := it.conn
		switch {
		case !it.closed && c.ignored:
			a.head++
			continue
		case !c.opened:
			c.opened = true
			a.stats.Opened++
			a.event = stream.Event{Kind: stream.Opened, Conn: c.pub, Packet: it.now}
		case it.closed:
			a.head++
			a.done = true
			a.event = stream.Event{Kind: stream.Closed, Conn: c.pub, Packet: it.now}
		default:
			a.head++
			a.event.Kind, a.event.Conn, a.event.Packet = stream.Data, c.pub, it.now
			ch := &a.event.Chunk
			it.fill(ch)
			if c.pub.Bytes[ch.Dir] += int64(len(ch.Data)); ch.Lost > 0 {
				c.pub.Lost[ch.Dir] += ch.Lost
			}
		}
		a.last = c
		return &a.event
	}
}

// rewind makes the queue of events empty, and lets go of it if a rare
// event has made it long.
func (a *Assembler) rewind() {
	a.items, a.head, a.placed = a.items[:0], 0, 0
	if cap(a.items) > longQueue {
		a.items = nil
	}
}

func (a *Assembler) emit(c *conn, it item) {
	it.conn, it.now = c, a.at.Packet
	c.told = true
	a.items = append(a.items, it)
}

// placeItems says of the events that a segment caused where their senders
// stood in the other direction, as far as that is known when the segment is
// done with.
func (a *Assembler) placeItems() {
	for ; a.placed < len(a.items); a.placed++ {
		it := &a.items[a.placed]
		it.acked = -1
		if peer := &it.conn.half[1-it.side]; it.hasAck && peer.start == startFixed {
			if off := peer.offset(it.ack); off <= peer.next+window {
				it.acked = max(off, 0)
				if peer.ended {
					it.acked = min(it.acked, peer.fin)
				}
			}
		}
	}
}

// fill makes a chunk of an item, in place: it is handed out for each segment.
func (it *item) fill(ch *stream.Chunk) {
	ch.Dir, ch.Secure = it.conn.dir(int(it.side)), false
	ch.Off, ch.Data, ch.Lost, ch.At, ch.PeerAcked = it.off, it.data, it.lost, it.at, it.acked
}

// settle does what the consumer asked for in the flags of the connection
// whose event it had last.
func (a *Assembler) settle() {
	c := a.last
	if c == nil {
		return
	}
	a.last = nil
	if a.done {
		a.done = false
		a.freeConn(c)
		return
	}
	if c.pub.Flip {
		c.pub.Flip = false
		if !c.pub.ClientKnown {
			c.swapRoles()
		}
	}
	if c.pub.Ignore && !c.ignored {
		a.ignore(c)
	}
}

// Stats returns the counts.
func (a *Assembler) Stats() Stats {
	s := a.stats
	s.Connections = a.connections()
	s.Lingering = a.ending.Len()
	s.HalfOpen = a.used[kindHalfOpen].Len()
	s.Tombstones = a.used[kindTombstone].Len()
	s.WaitingBytes = a.waiting
	s.HistoryBytes = a.archive.held
	return s
}

// Oldest returns the lowest Conn.Ended.Packet of the connections that have
// ended and were not reported as Closed yet; ok is false if there are
// none. Any connection that ends later has a higher one, or that of the
// packet at hand. Ask when Next has returned nil.
func (a *Assembler) Oldest() (packet int64, ok bool) {
	e := a.ending.First()
	if e == nil {
		return 0, false
	}
	return e.conn.pub.Ended.Packet, true
}
