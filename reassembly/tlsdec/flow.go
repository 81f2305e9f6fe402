package tlsdec

import (
	"bytes"
	"encoding/binary"

	"popscope/reassembly/stream"
)

// flow reads one direction of a Decryptor.
//
//	[record][record][rec- gap -ord][rec- gap -   ...[record]
//	                     passed over    searched    found again by its tag
type flow struct {
	d      *Decryptor
	dir    stream.Dir
	begun  bool
	closed bool  // it died or is at its end: nothing more becomes plaintext
	base   int64 // stream offset at which TLS begins
	pos    int64 // of the record under way, or of what is searched
	plain  int64 // of the next byte of plaintext

	in     []piece // input that was not used
	spare  []piece // the memory of in, when it is empty
	held   int     // what owned pieces and part take
	part   []byte  // the current record as far as it has come; while searching, a copy of what in begins with
	joined int     // pieces of in that part holds a copy of; while searching
	rec    []byte  // the current record, once it is whole
	lent   bool    // what part holds was handed on
	acked  int64   // PeerAcked of its first byte
	at     stream.Stamp
	skip   int // bytes of a damaged record that are passed over
	wait   wait

	prev  [maxPrev]byte // the stream's bytes before pos: its last prevN
	prevN int

	turn   int // index of its last hello in Decryptor.hellos; -1 before the first
	cur    int // index of the handshake whose keys hold
	epoch  epoch
	gen    int // of the traffic secret
	secret []byte
	open   opener // nil until the keys of the epoch are known
	seq    uint64
	under  bool // a record was opened under these keys
	lax    int  // how many more records may be another epoch's, whose keys are not known, and are no data
	ever   bool // a record was opened

	msgs   collector
	gap    gap
	tried  int // bytes of records that were tried in vain
	marks  []mark
	forgot bool // marks before the first one are gone
}

// piece is input that was not used.
type piece struct {
	stream.Chunk
	owned bool
}

// pieceCost is what a piece takes besides its bytes.
const pieceCost = 128

// wait says what a flow waits for.
type wait uint8

const (
	forInput wait = iota
	forPeer       // the other direction's hello
	forKeys
)

// epoch is a stage of a direction at which other keys hold.
type epoch uint8

const (
	inClear     epoch = iota
	inEarly           // TLS 1.3: early data
	inHandshake       // TLS 1.3
	inData            // TLS 1.3: application data; before it: everything after ChangeCipherSpec
)

// keep copies input that was not used, whose memory the caller is about to
// use again. The flow dies when too much waits.
func (f *flow) keep() {
	f.held = len(f.part)
	for i := range f.in {
		p := &f.in[i]
		if !p.owned {
			p.owned = true
			p.Data = bytes.Clone(p.Data)
		}
		f.held += len(p.Data) + pieceCost
	}
	if f.held <= maxWait {
		return
	}
	switch f.wait {
	case forKeys:
		f.die(stream.NoKeys)
	case forPeer:
		f.die(stream.HandshakeNotSeen)
	}
	f.d.run()
}

// die ends the reading of the direction: what follows is lost.
func (f *flow) die(why stream.Obstacle) {
	if f.closed {
		return
	}
	f.d.reason(why)
	f.closed, f.wait = true, forInput
	switch {
	case f.rec != nil:
		f.drop(len(f.rec), f.at, f.acked)
	case !f.gap.searching: // what is searched is in f.in still
		f.drop(len(f.part), f.at, f.acked)
	}
	f.gap.searching = false
	f.rec, f.part, f.joined, f.skip = nil, nil, 0, 0
	f.msgs = collector{}
	f.flush()
}

// step uses the next input, and reports whether it got further.
func (f *flow) step() bool {
	switch {
	case f.rec != nil:
		return f.record()
	case len(f.in) == 0:
		return false
	case f.closed:
		p := f.in[0]
		f.drop(int(p.Len()), p.At, p.PeerAcked)
		f.pop()
		f.flush()
		return true
	case f.gap.searching:
		return f.search()
	}
	p := &f.in[0]
	switch {
	case p.Lost > 0:
		f.lose()
	case f.skip > 0:
		n := min(f.skip, len(p.Data))
		f.before(p.Data[:n])
		f.drop(n, p.At, p.PeerAcked)
		f.skip -= n
		f.use(n)
	default:
		f.gather()
	}
	return true
}

// pop drops the first piece of input.
func (f *flow) pop() {
	f.in[0] = piece{}
	f.in = f.in[1:]
	f.joined = max(0, f.joined-1)
}

// use drops the first n bytes of the input, none of them lost.
func (f *flow) use(n int) {
	for n > 0 {
		p := &f.in[0]
		k := min(n, len(p.Data))
		n -= k
		if p.Data = p.Data[k:]; len(p.Data) == 0 {
			f.pop()
		}
	}
}

// grow takes a chunk that lies inside of the record under way and does not
// end it: most chunks of a large record do.
func (f *flow) grow(c *stream.Chunk) bool {
	if len(f.part) < recordHeader || f.rec != nil || len(f.in) > 0 || f.gap.searching || f.closed || c.Lost > 0 ||
		len(f.part)+len(c.Data) >= recordHeader+bodyLength(f.part) {
		return false
	}
	f.part = append(f.part, c.Data...)
	f.at = c.At
	f.held = len(f.part)
	return true
}

// gather takes what the current record still lacks from the first piece.
func (f *flow) gather() {
	p := &f.in[0]
	f.at = p.At
	if len(f.part) == 0 {
		f.acked = p.PeerAcked
		if len(p.Data) >= recordHeader {
			if n := recordHeader + bodyLength(p.Data); n <= len(p.Data) {
				f.rec = p.Data[:n:n] // whole: need not be copied
				f.use(n)
				return
			}
		}
	}
	want := recordHeader
	if len(f.part) >= recordHeader {
		want += bodyLength(f.part)
	}
	n := min(want-len(f.part), len(p.Data))
	f.part = append(f.part, p.Data[:n]...)
	f.use(n)
	if len(f.part) == recordHeader && !f.plausible(f.part) || len(f.part) >= recordHeader && len(f.part) == recordHeader+bodyLength(f.part) {
		f.rec = f.part
	}
}

// bodyLength returns the length that a record's header announces.
func bodyLength(head []byte) int { return int(binary.BigEndian.Uint16(head[3:])) }

// record reads the record that is whole. It reports false when that has to
// wait.
func (f *flow) record() bool {
	switch v := f.handle(f.rec); v {
	case waits:
		if len(f.part) == 0 {
			f.part = append(f.part, f.rec...)
		}
		f.rec = f.part
		return false
	case done:
		f.wait = forInput
		if f.closed {
			return true
		}
		f.pos += int64(len(f.rec))
		f.before(f.rec)
		f.note()
		f.rec, f.part = nil, f.part[:0]
		if f.lent {
			f.part, f.lent = f.d.lend(f.part), false
		}
	case astray:
		if f.wait = forInput; f.under && !f.gap.on {
			f.d.bad(f.at)
		}
		rest := piece{Chunk: stream.Chunk{Dir: f.dir, Data: bytes.Clone(f.rec), At: f.at, PeerAcked: f.acked}, owned: true}
		f.in = append([]piece{rest}, f.in...)
		f.rec, f.part = nil, f.part[:0]
		f.gap.on, f.gap.searching, f.gap.data, f.joined = true, true, true, 0
	}
	return true
}

// verdict is what became of a record.
type verdict uint8

const (
	done   verdict = iota
	waits          // for the other direction, or for a secret; see flow.wait
	astray         // no record begins here
)

// before remembers the last bytes of what was read.
func (f *flow) before(b []byte) {
	if len(b) >= maxPrev {
		copy(f.prev[:], b[len(b)-maxPrev:])
		f.prevN = maxPrev
		return
	}
	copy(f.prev[:], f.prev[len(b):])
	copy(f.prev[maxPrev-len(b):], b)
	f.prevN = min(maxPrev, f.prevN+len(b))
}

// plausible reports whether a header can be that of a record.
func (f *flow) plausible(head []byte) bool {
	return recordCCS <= head[0] && head[0] <= recordHeartbeat && head[1] == 3 && head[2] <= 4 && bodyLength(head) <= maxRecord
}

// handle reads a record.
func (f *flow) handle(rec []byte) verdict {
	if !f.plausible(rec) {
		if f.epoch == inClear && !f.gap.on {
			f.die(stream.HandshakeNotSeen) // this is no TLS, or its beginning is missing
			return done
		}
		return astray
	}
	if f.epoch != inClear {
		return f.sealed(rec)
	}
	if rec[0] != recordData {
		f.gap = gap{} // of what was in clear, and no data
	}
	return f.clear(rec)
}

// clear reads a record that is not encrypted.
func (f *flow) clear(rec []byte) verdict {
	switch rec[0] {
	case recordHandshake:
		f.msgs.read(rec[recordHeader:], f.clearMessage)
		return done
	case recordCCS:
		if f.turn < 0 {
			return done // after a HelloRetryRequest, or after what was lost
		}
		p, v := f.params()
		if p == nil {
			return v
		}
		if !isTLS13(p.version) { // in TLS 1.3 it means nothing (RFC 8446 section 5)
			f.enter(inData)
		}
		return done
	case recordData:
		p, v := f.params()
		switch {
		case p == nil:
			return v
		case !isTLS13(p.version) || f.dir == stream.Server:
			f.die(stream.HandshakeNotSeen)
			return done
		}
		// The client's first encrypted record.
		if f.d.early != noEarly {
			f.enter(inEarly)
		} else {
			f.enter(inHandshake)
		}
		return f.sealed(rec)
	}
	return done // an alert
}

// params returns what the handshake agreed on whose keys hold, or what to do
// while its hellos have not both come.
func (f *flow) params() (*params, verdict) {
	if f.epoch == inClear {
		f.cur = f.turn
	}
	if f.cur < 0 {
		f.die(stream.HandshakeNotSeen)
		return nil, done
	}
	p := &f.d.hellos[f.cur]
	if p.haveClient && p.haveServer {
		return p, done
	}
	seen := p.haveClient
	if f.dir == stream.Server {
		seen = p.haveServer
	}
	if peer := &f.d.flow[f.dir.Other()]; !seen || f.d.final || peer.closed {
		f.die(stream.HandshakeNotSeen)
		return nil, done
	}
	f.wait = forPeer
	return nil, waits
}

// enter begins an epoch, whose keys are looked up when they are needed.
func (f *flow) enter(e epoch) {
	f.cur = f.turn
	f.epoch, f.gen, f.secret, f.open, f.seq = e, 0, nil, nil, 0
	f.under, f.lax = false, 0
}

// sealed reads an encrypted record.
func (f *flow) sealed(rec []byte) verdict {
	p, v := f.params()
	if p == nil {
		return v
	}
	if isTLS13(p.version) && rec[0] != recordData {
		return done // ChangeCipherSpec for middleboxes, or an alert of one who has no keys
	}
	if f.open == nil {
		if v, ok := f.findKeys(p); !ok {
			return v
		}
	}
	r := sealed{head: rec[:recordHeader], body: rec[recordHeader:], prev: f.prev[maxPrev-f.prevN:]}
	if f.gap.on {
		if f.openAfterGap(p, r) {
			return done
		}
		f.stray(rec, p)
		return done
	}
	r.seq = f.seq
	// A record that was put together lies in memory of ours: its content
	// takes its place, which spares the caches.
	ours := len(f.part) == len(rec) && len(rec) > 0
	var room []byte
	if !ours {
		room = f.d.room(len(r.body))
	}
	content, kind, ok := f.open.open(room, r)
	if ok {
		f.opened(rec[:recordHeader], content, kind, ours)
		return done
	}
	switch {
	case f.lax > 0:
		if f.lax--; f.lax == 0 {
			f.die(stream.WrongKeys)
		}
	case !f.under:
		f.die(stream.WrongKeys)
	default:
		f.d.bad(f.at)
		f.stray(rec, p)
	}
	return done
}

// stray adds a whole record that cannot be opened to the gap.
func (f *flow) stray(rec []byte, p *params) {
	f.gap.on = true
	f.gap.data = f.gap.data || isTLS13(p.version) || rec[0] == recordData
	f.gap.count(int64(len(rec)), f.at, f.acked)
	f.gap.records++
	f.msgs.tear()
}

// opened takes the content of the record with number seq. ours says that it
// lies in part, not in the arena.
func (f *flow) opened(head, content []byte, kind byte, ours bool) {
	f.seq++
	f.under, f.ever, f.d.opened, f.lax = true, true, true, 0
	if f.d.trace != nil {
		f.d.trace(Opened{Dir: f.dir, Off: f.pos, Head: head, Type: kind, Content: content})
	}
	switch kind {
	case recordData:
		if !ours {
			f.d.arena = f.d.arena[:len(f.d.arena)+len(content)]
		}
		if len(content) > 0 {
			f.lent = f.lent || ours
			f.d.emit(stream.Chunk{Dir: f.dir, Off: f.plain, Data: content, At: f.at, PeerAcked: f.acked})
			f.plain += int64(len(content))
			f.d.data = true
			if f.dir == stream.Client {
				f.d.leftAt = stream.Stamp{}
			}
		}
	case recordHandshake:
		f.msgs.read(content, f.message)
	case recordCCS: // after a renegotiation
		if f.turn == f.cur {
			f.handshake() // its hello was lost
		}
		f.enter(inData)
	case recordAlert:
		if f.dir == stream.Client && f.plain == f.base {
			f.d.leftAt = f.at
		}
		if len(content) == alertSize && content[0] == alertFatal && f.d.watch.info.Alert == "" {
			f.d.watch.info.Alert = alertName(content[1])
		}
	}
}

// lost tells of lost plaintext.
func (f *flow) lost(n int64, at stream.Stamp, acked int64) {
	f.d.emit(stream.Chunk{Dir: f.dir, Off: f.plain, Lost: n, At: at, PeerAcked: acked})
	f.plain += n
}
