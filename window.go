package popscope

import (
	"cmp"
	"slices"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// rowCost is what a row takes besides its frame.
const rowCost = 512

// shiftRows is from how many rows handed on their places are used again.
const shiftRows = 64

// maxEnded bounds the ended connections whose late packets are recognised.
const maxEnded = 4096

// window holds packets until they can be handed on.
//
//	| handed on | first: not known yet | later ones: known or not |
type window struct {
	a     *Analyzer
	rows  []*row // rows[head:] wait, in the order of the capture
	head  int
	bytes int
	last  int64 // latest capture time

	flows     map[*stream.Conn]*flow
	byKey     map[connKey]*flow  // the last one of those
	syns      map[connKey][]*row // SYNs that nobody has answered
	ended     map[connKey]*flow  // of POP3, and closed
	endedList []connKey
	pieces    map[pieceKey][]*row // fragments of datagrams that are not complete

	now     *row   // of the packet at hand; nil while it is no part of the window
	wants   bool   // the packet at hand is asked for
	whole   []*row // fragments of the datagram that the packet at hand completed
	gram    []byte // that datagram's payload
	took    bool   // it held a segment
	frame   capture.Packet
	leftOut int64
	dec     *packet.Decoder
	heads   []packet.Header // scratch
	shrinks bool            // a limit was reached, and not yet enough handed on
	spare   []*row          // to be used again
	frames  spareFrames
	zeros   []byte   // see row.empty
	hidden  masker   // scratch
	lists   struct { // of flows, to be used again
		said, parts lists[pop3parse.Stretch]
		rows        lists[*row]
	}
}

// row is a packet that waits.
type row struct {
	Packet
	flow   *flow
	leader *row      // of a fragment: the packet that completed the datagram; nil as long as there is none
	frag   *fragment // nil: it is none

	fate    reassembly.Fate
	gone    bool  // not to be handed on
	known   bool  // Parts are, or cannot be
	opening bool  // its TLS records may be opened yet: when what comes before opensAt is decided
	untold  int32 // how many of Inside are not explained
	own     int32 // length of Segment.Payload where that is no part of Data
	header  int32 // of a leader that was put together: where the segment's payload begins in the datagram's; -1 unknown
	opensAt int64
	cost    int // of Parts and Inside
	at      int // of the payload, or of the fragment's, in Data; -1 unknown
}

// fragment is what a row of one has besides.
type fragment struct {
	piece pieceKey // of the datagram that it waits for
	off   int      // of its bytes in the datagram's payload
	len   int
}

// connKey names the ends of a connection in a fixed order.
type connKey struct {
	a, b packet.Endpoint
	path uint64
}

func keyOf(s *packet.Segment) connKey {
	a, b := s.Src, s.Dst
	if c := slices.Compare(a.Addr[:], b.Addr[:]); c > 0 || c == 0 && a.Port > b.Port {
		a, b = b, a
	}
	return connKey{a, b, s.Path}
}

// pieceKey names a datagram in fragments.
type pieceKey struct {
	src, dst packet.Addr
	path     uint64
	id       uint32
	proto    uint8
	v6       bool
}

func newWindow(a *Analyzer) *window {
	w := &window{
		a: a, flows: make(map[*stream.Conn]*flow), byKey: make(map[connKey]*flow), syns: make(map[connKey][]*row),
		ended: make(map[connKey]*flow), pieces: make(map[pieceKey][]*row), dec: packet.NewDecoder(),
	}
	for _, s := range a.shards {
		s.asm.Trace()
		s.window, s.patient, s.reuse.few = w, false, true
	}
	a.in.fragment = w.fragment
	return w
}

// begin takes the next frame.
func (w *window) begin(p *capture.Packet) {
	if w.gram != nil && !w.took { // a datagram without a TCP segment
		w.drop(w.now)
		for _, r := range w.whole {
			w.drop(r)
		}
	}
	w.frame, w.now, w.took = *p, nil, false
	w.whole, w.gram = w.whole[:0], nil
	w.last = max(w.last, p.Nanos)
	o := &w.a.opt
	w.wants = (o.From.IsZero() || !p.Time().Before(o.From)) && (o.To.IsZero() || !p.Time().After(o.To))
}

// fragment takes a fragment that the frame holds; gram is the payload of
// the datagram that it completes, if it does.
func (w *window) fragment(f *packet.Fragment, gram []byte) {
	if f.HoldsTCP() && !w.wantsHosts(f.Src, f.Dst) { // a tunnel's ends are no hosts of a connection
		w.wants = false
		return
	}
	key := pieceKey{f.Src, f.Dst, f.Path, f.ID, f.Proto, f.V6}
	if w.gram = gram; gram != nil { // nil: the datagram inside an outer one that is complete may not be
		w.whole = append(w.whole, w.pieces[key]...)
		delete(w.pieces, key)
	}
	if !w.wants {
		return
	}
	if w.now == nil {
		r := w.add()
		r.frag = &fragment{off: f.Offset, len: len(f.Payload)}
		r.at = within(w.frame.Data, f.Payload)
		w.now = r
	} else {
		w.now.at = -1 // a fragment in a fragment
		for _, r := range w.whole {
			r.at = -1
		}
	}
	if gram != nil {
		return
	}
	for _, r := range append(w.whole, w.now) {
		r.frag.piece = key
		w.pieces[key] = append(w.pieces[key], r)
	}
	w.whole = w.whole[:0]
}

// add makes a row of the frame.
func (w *window) add() *row {
	r := take(&w.spare)
	r.Packet.Packet, r.at, r.header = w.frame, -1, -1
	r.Data = w.frames.keep(w.frame.Data)
	w.bytes += len(r.Data) + rowCost
	if w.head >= shiftRows && w.head >= len(w.rows)-w.head {
		n := copy(w.rows, w.rows[w.head:])
		clear(w.rows[n:])
		w.rows, w.head = w.rows[:n], 0
	}
	w.rows = append(w.rows, r)
	return r
}

// row returns the one of a packet that waits, or nil.
func (w *window) row(num int64) *row {
	rows := w.rows[w.head:]
	i, ok := slices.BinarySearchFunc(rows, num, func(r *row, num int64) int { return cmp.Compare(r.Num, num) })
	if !ok || rows[i].gone {
		return nil
	}
	return rows[i]
}

// within returns where in data part lies, which borrows from it; -1 if it
// does not.
func within(data, part []byte) int {
	i := cap(data) - cap(part)
	if len(part) == 0 || i < 0 || i+len(part) > len(data) || &data[i] != &part[0] {
		return -1
	}
	return i
}

func (w *window) wantsHosts(src, dst packet.Addr) bool {
	hosts := w.a.opt.Hosts
	return len(hosts) == 0 || slices.Contains(hosts, src.Netip()) || slices.Contains(hosts, dst.Netip())
}

// segment takes the segment that the frame holds or completed, and what
// became of it. Its events are not drained yet.
func (w *window) segment(s *packet.Segment, fate reassembly.Fate) {
	w.took = true
	if fate.Conn != nil && fate.Conn.Ignore || !w.wantsHosts(s.Src.Addr, s.Dst.Addr) {
		w.drop(w.now)
		for _, r := range w.whole {
			w.drop(r)
		}
		w.now = nil
		if f := w.flows[fate.Conn]; f != nil && fate.Conn.Ignore {
			f.unplaced, f.strays = nil, nil
		}
		return
	}
	var f *flow
	if fate.Conn != nil {
		f = w.flow(fate.Conn, s)
		if !(s.Flags&packet.SYN != 0 && fate.Has(reassembly.OutOfWindow)) {
			f.keepStrays()
		}
		defer f.saw(s, fate)
	}
	if !w.wants {
		return
	}
	r := w.now
	if r == nil {
		if r = w.add(); len(s.Payload) > 0 {
			r.at = within(w.frame.Data, s.Payload)
		}
		w.now = r
	}
	r.Segment, r.fate = *s, fate
	r.adopt(w, s)
	if f != nil {
		f.take(r)
		return
	}
	switch key := keyOf(s); {
	case fate.Has(reassembly.HalfOpen):
		w.syns[key] = append(w.syns[key], r)
	case w.ended[key] != nil:
		w.ended[key].take(r)
	default:
		w.drop(r)
	}
}

// adopt takes over the payload, and the fragments that it came in.
func (r *row) adopt(w *window, s *packet.Segment) {
	if w.gram == nil {
		if r.at >= 0 {
			r.Segment.Payload = r.Data[r.at : r.at+len(s.Payload) : r.at+len(s.Payload)]
			return
		}
		r.keepPayload(w, s)
		return
	}
	r.keepPayload(w, s)
	r.header = int32(within(w.gram, s.Payload))
	if len(s.Payload) == 0 {
		r.header = int32(len(w.gram))
	}
	for _, piece := range w.whole {
		if piece != r && !piece.gone {
			piece.leader = r
			piece.Fragment, piece.Whole = true, r.Num
			r.Fragments = append(r.Fragments, piece.Num)
		}
	}
	slices.Sort(r.Fragments) // of fragments in fragments the outer ones came first
}

// keepPayload copies a payload that is no part of the frame.
func (r *row) keepPayload(w *window, s *packet.Segment) {
	r.Segment.Payload = slices.Clone(s.Payload)
	r.own = int32(len(s.Payload))
	w.bytes += len(s.Payload)
}

// flow returns the flow of a connection, of which a segment has come. The
// first time, the SYNs that it began with become its own.
func (w *window) flow(c *stream.Conn, s *packet.Segment) *flow {
	f := w.flows[c]
	if f != nil {
		return f
	}
	key := keyOf(s)
	f = &flow{w: w, conn: c, key: key, unplaced: w.lists.rows.take()}
	for d := range f.side {
		f.side[d].said, f.side[d].waiting = w.lists.said.take(), w.lists.rows.take()
	}
	w.flows[c] = f
	if old := w.byKey[key]; old != nil {
		old.giveStrays(f, c.First.Packet)
	}
	w.byKey[key] = f
	delete(w.ended, key)
	for _, r := range w.syns[key] {
		if r.Num >= c.First.Packet && !r.gone {
			f.take(r)
			f.sawAck(&r.Segment)
		} else {
			w.drop(r)
		}
	}
	delete(w.syns, key)
	return f
}

// drop says that a row is not to be handed on.
func (w *window) drop(r *row) {
	if r != nil {
		r.gone = true
	}
}

// closed takes the end of a connection.
func (w *window) closed(c *stream.Conn) {
	f := w.flows[c]
	if f == nil {
		return
	}
	delete(w.flows, c)
	if w.byKey[f.key] == f {
		delete(w.byKey, f.key)
	}
	f.close()
	if f.is == isOther {
		return
	}
	if len(w.endedList) >= maxEnded {
		delete(w.ended, w.endedList[0])
		w.endedList = w.endedList[1:]
	}
	w.ended[f.key] = f
	w.endedList = append(w.endedList, f.key)
}

// settle is called when the events of the packet at hand are drained.
func (w *window) settle() {
	if w.now != nil && w.now.flow != nil {
		w.now.flow.place()
	}
}
