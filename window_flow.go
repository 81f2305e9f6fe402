package popscope

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/reassembly"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// What is kept of what the bytes of a direction are, so that copies that
// come late can be told: so many stretches, of which a line has three, and
// what waiting packets need. What is older counts as a secret.
const (
	keptStretches = 1024
	mostStretches = 64 << 10  // whatever waits
	keptBytes     = 512 << 10 // of TLS records: as many as the longest packet has
)

// flow is one connection, for those who follow its packets.
type flow struct {
	w    *window
	conn *stream.Conn
	key  connKey

	client    netip.AddrPort // as conn had it when clientEnd was found
	clientEnd int            // of key

	over bool     // the connection is closed: is is final
	is   protocol // valid iff over, or isPOP3
	id   string   // of the session, once it is known to be one

	unplaced []*row
	strays   []*row      // SYNs that another connection may have begun with
	side     [2]flowSide // by sender; valid once it is known what the connection is
	acks     [2]lastAck  // by the end of key that sent it
}

// flowSide is one direction.
type flowSide struct {
	said    []pop3parse.Stretch // what its bytes are, in order; the earliest may be forgotten
	done    int64               // the end of the last one
	waiting []*row              // placed rows whose bytes are not said yet, by their ends
	opening []*row              // those that hold TLS which may be opened yet, by opensAt
	pieces  []piece             // plaintext that is not explained, in order
	inner   pop3parse.Stretch   // the last one of plaintext
	cut     int64               // up to where snapshot lengths cut
	limit   int                 // of said, at which to trim it
	records int                 // of tls, the same
	tls     tlsdec.Records
}

// lastAck is the last acknowledgement that one end sent.
type lastAck struct {
	seq, ack uint32
	window   uint16
	valid    bool
	asked    bool // the other end sent a keep-alive since
}

// state returns what the connection is.
func (f *flow) state() protocol {
	if f.over || f.is == isPOP3 {
		return f.is
	}
	if t, ok := f.conn.Owner.(*track); ok {
		if t.is == isTLS && t.content && t.tls != nil && t.tls.inside == undecided {
			return undecided // on a port that is not POP3's, what is inside decides
		}
		if t.is == isPOP3 {
			f.is = isPOP3 // for good
		}
		return t.is
	}
	if f.conn.Ignore {
		return isOther
	}
	return undecided
}

// close makes what is known final.
func (f *flow) close() {
	f.is = f.state()
	if f.is == undecided {
		f.is = isOther // it never said a word
	}
	f.over = true
	f.keepStrays()
	conn := *f.conn
	conn.Owner = nil
	f.conn = &conn
	f.place()
	for d := range f.side {
		s := &f.side[d]
		for _, r := range s.waiting {
			f.resolve(r)
		}
		s.openUpTo(math.MaxInt64)
		f.w.lists.said.put(s.said)
		f.w.lists.rows.put(s.waiting)
		*s = flowSide{done: s.done, cut: s.cut}
	}
	if len(f.unplaced) == 0 {
		f.w.lists.rows.put(f.unplaced)
		f.unplaced = nil
	}
}

// take makes a row one of the flow's.
func (f *flow) take(r *row) {
	r.flow = f
	if r.straySYN() {
		f.strays = append(f.strays, r)
		return
	}
	f.unplaced = append(f.unplaced, r)
}

// straySYN reports whether a row is a SYN that does not belong to the
// connection that its addresses have: it may have begun the next one.
func (r *row) straySYN() bool {
	return r.Segment.Flags&packet.SYN != 0 && r.fate.Has(reassembly.OutOfWindow)
}

// keepStrays says that the connection lives, so that its strays are its own.
func (f *flow) keepStrays() {
	f.unplaced = append(f.unplaced, f.strays...)
	f.strays = nil
}

// giveStrays makes the strays from a packet on those of the connection
// that follows on the same addresses.
func (f *flow) giveStrays(to *flow, first int64) {
	for _, r := range f.strays {
		if r.gone || r.Num < first {
			f.unplaced = append(f.unplaced, r)
			continue
		}
		r.fate.Marks &^= reassembly.OutOfWindow
		to.take(r)
		to.sawAck(&r.Segment)
	}
	f.strays = nil
}

// saw looks at the acknowledgement of a segment, and notes what it repeats.
func (f *flow) saw(s *packet.Segment, fate reassembly.Fate) {
	n := f.sawAck(s)
	if r := f.w.now; r != nil {
		r.Notes |= n
	}
	if fate.Has(reassembly.KeepAlive) {
		f.acks[1-f.end(s)].asked = true
	}
}

// end returns which end of the key sent a segment.
func (f *flow) end(s *packet.Segment) int {
	if s.Src == f.key.a {
		return 0
	}
	return 1
}

func (f *flow) sawAck(s *packet.Segment) (notes PacketNotes) {
	l := &f.acks[f.end(s)]
	now := lastAck{seq: s.Seq + uint32(s.Length), ack: s.Ack, window: s.Window, valid: s.Flags&packet.ACK != 0}
	bare := s.Length == 0 && s.Flags&(packet.SYN|packet.FIN|packet.RST|packet.ACK) == packet.ACK
	if bare && l.valid && l.seq == now.seq && l.ack == now.ack && !l.asked {
		switch {
		case s.Window == l.window:
			notes.Add(DuplicateAck)
		case s.Window > 0:
			notes.Add(WindowUpdate)
		}
	}
	if s.Flags&(packet.SYN|packet.FIN) != 0 {
		now.seq++
	}
	if now.valid {
		*l = now
	}
	return notes
}

// place finds out where in the streams the packets lie, as soon as that can
// be told: it must be known who is the client, and where the streams start.
func (f *flow) place() {
	if is := f.state(); len(f.unplaced) == 0 || is != isPOP3 && is != isTLS {
		return
	}
	left := f.unplaced[:0]
	for _, r := range f.unplaced {
		if !r.gone && !f.placeRow(r) {
			left = append(left, r)
		}
	}
	clear(f.unplaced[len(left):])
	f.unplaced = left
}

// sender returns who sent a segment.
func (f *flow) sender(s *packet.Segment) stream.Dir {
	if f.client != f.conn.Client { // it may change as long as it is not known
		f.client, f.clientEnd = f.conn.Client, 1
		if f.key.a.AddrPort() == f.client {
			f.clientEnd = 0
		}
	}
	if f.end(s) == f.clientEnd {
		return stream.Client
	}
	return stream.Server
}

func (f *flow) placeRow(r *row) bool {
	s, c := &r.Segment, f.conn
	r.From = f.sender(s)
	peer := r.From.Other()
	hasAck := s.Flags&packet.ACK != 0
	if !f.over && (!c.Started[r.From] || hasAck && !c.Started[peer]) {
		return false
	}
	if hasAck && c.Started[peer] {
		r.Ack = Relative{f.unwrap(peer, s.Ack) + 1, true}
	}
	if !c.Started[r.From] {
		r.known = true
		return true
	}
	r.Off = f.unwrap(r.From, s.Seq)
	r.Seq = Relative{r.Off + 1, true}
	if s.Flags&packet.SYN != 0 {
		r.Off++ // the SYN takes a number and is no byte
	}
	side := &f.side[r.From]
	if s.Length > len(s.Payload) {
		side.cut = max(side.cut, r.Off+int64(s.Length))
	}
	switch {
	case f.over, len(s.Payload) == 0, r.end() <= side.done, r.fate.Has(reassembly.KeepAlive | reassembly.OutOfWindow):
		f.resolve(r)
	default:
		i, _ := slices.BinarySearchFunc(side.waiting, r.end()+1, byEnd)
		side.waiting = slices.Insert(side.waiting, i, r)
	}
	return true
}

// end returns the stream offset behind a row's captured bytes.
func (r *row) end() int64 { return r.Off + int64(len(r.Segment.Payload)) }

// byEnd compares where rows end.
func byEnd(r *row, end int64) int { return cmp.Compare(r.end(), end) }

// unwrap returns the stream offset of a sequence number: the one nearest to
// where the stream stands.
func (f *flow) unwrap(d stream.Dir, seq uint32) int64 {
	pos := f.conn.Bytes[d] + f.conn.Lost[d]
	return pos + int64(int32(seq-f.conn.Start[d]-uint32(pos)))
}
