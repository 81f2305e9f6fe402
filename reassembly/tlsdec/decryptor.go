package tlsdec

import (
	"bytes"
	"slices"

	"popscope/reassembly/stream"
)

// Decryptor turns the two directions of a TLS connection into the plaintext
// that its records carry, by the secrets of a key log. It finds out besides
// what a Watcher does.
//
//	d := tlsdec.NewDecryptor(keys)
//	d.Keys(keys.Mark()) // or no secret may be used
//	for _, c := range chunks { // of both directions, from the first TLS byte on
//		d.Feed(c)
//		for p, ok := d.Next(); ok; p, ok = d.Next() {
//			session.Feed(p) // Secure, at offsets of the plaintext
//		}
//	}
//	d.Close() // and Next again
//
// The plaintext of a direction begins at the stream offset at which its TLS
// does, so that what came in clear before STLS and what is inside of TLS make
// one stream. A chunk's stamp is that of the packet that completed its
// record, and its PeerAcked is that of the record's beginning, for no record
// tells of what its sender did not have then; it counts the other
// direction's plaintext.
//
// Bytes that are not authentic are never told: a record whose tag is wrong
// is a loss, and a fact in TLSInfo. The length of a loss is exact up to the
// padding that its records had.
//
// What it finds does not depend on how the streams are cut into chunks or
// interleaved. What has to wait for a secret or for the other direction
// waits, up to a limit.
type Decryptor struct {
	watch Watcher
	keys  *KeyLog
	mark  int64 // up to which secrets may be used
	flow  [2]flow
	final bool // no more input and no more secrets come

	hellos []params     // of each handshake; more than one after a renegotiation
	early  earlyIs      // whether data before the handshake's end counts
	opened bool         // a record was opened
	data   bool         // ... with data
	leftAt stream.Stamp // of an alert of the client in one, if it sent no data before
	why    stream.Obstacle
	trace  func(Opened) // nil: nobody asks

	out   []result // out[head:] was not fetched
	head  int
	held  int      // bytes in out that outlived a Feed
	arena []byte   // plaintext of this Feed
	lent  [][]byte // records put together whose content is plaintext of this Feed
	free  [][]byte // memory of records before
}

// params are what a handshake agreed on.
type params struct {
	client, server clientRandom
	haveClient     bool
	haveServer     bool
	version        uint16
	suite          *suite // nil: not known here
	etm            bool
	extended       bool // master secret (RFC 7627)
	compressed     bool
	transcript     *transcript // nil unless the log holds premaster secrets
}

// earlyIs says what is known of early data (RFC 8446 section 4.2.10).
type earlyIs uint8

const (
	noEarly earlyIs = iota
	earlyOffered
	earlyAccepted
	earlyRefused
)

// result is a chunk of plaintext whose PeerAcked is still an offset of
// ciphertext.
type result struct {
	stream.Chunk
	from  int64 // stream offset of the record that it comes from
	owned bool
}

// Opened is a record that was opened.
type Opened struct {
	Dir     stream.Dir
	Off     int64  // stream offset of its header
	Head    []byte // the header
	Type    byte   // content type, which TLS 1.3 encrypts too
	Content []byte // it and Head are valid during the call
}

const (
	// maxWait bounds what one direction holds for a secret or for the other
	// direction: far more than captures reorder, and a usual session whole.
	maxWait = 256 << 10

	// maxHeld bounds plaintext that waits for the other direction, whose
	// bytes its sender had acknowledged but which have not come.
	maxHeld = 256 << 10
)

// NewDecryptor returns a Decryptor for one connection. keys may be nil.
func NewDecryptor(keys *KeyLog) *Decryptor {
	d := &Decryptor{keys: keys}
	d.watch.Reset()
	for i := range d.flow {
		d.flow[i] = flow{d: d, dir: stream.Dir(i), turn: -1}
	}
	return d
}

// Feed takes the next chunk of either direction. Its bytes are borrowed
// during the call.
func (d *Decryptor) Feed(c stream.Chunk) {
	if c.Dir > stream.Server || c.Len() == 0 || d.final {
		return
	}
	d.own()
	f := &d.flow[c.Dir]
	if !d.opened || !d.watch.info.Completed {
		d.watch.Feed(c) // the rest is sizes, which nobody guesses from what can be read
	}
	if f.grow(&c) {
		return
	}
	if !f.begun {
		f.begun, f.base, f.pos, f.plain = true, c.Off, c.Off, c.Off
	}
	if len(f.in) == 0 {
		f.in = f.spare[:0]
	}
	f.in = append(f.in, piece{Chunk: c})
	if len(f.in) == 1 {
		f.spare = f.in[:0]
	}
	for f.step() {
	}
	if d.flow[c.Dir.Other()].wait != forInput || f.closed {
		d.run()
		d.flow[c.Dir.Other()].keep()
	}
	f.keep()
}

// Keys says that the secrets up to a mark of the key log may be used from
// now on.
func (d *Decryptor) Keys(mark int64) {
	if mark <= d.mark {
		return
	}
	d.mark = mark
	if d.Waiting() {
		d.own()
		d.run()
	}
}

// Trace has f told of each record that opens, in the order of each direction
// and before Next tells of its plaintext.
func (d *Decryptor) Trace(f func(Opened)) { d.trace = f }

// Done returns the stream offset up to which the bytes of a direction were
// decided: whatever records end before it hold, Trace and Next have told it,
// as far as it can be told at all. It is 0 before the first byte.
func (d *Decryptor) Done(dir stream.Dir) int64 {
	for i := range d.out[d.head:] {
		if r := &d.out[d.head+i]; r.Dir == dir {
			return r.from
		}
	}
	f := &d.flow[dir]
	if f.rec != nil || len(f.in) > 0 || f.gap.searching {
		return f.pos
	}
	return f.pos + int64(len(f.part))
}

// Waiting reports whether a direction waits for a secret.
func (d *Decryptor) Waiting() bool { return d.flow[0].wait == forKeys || d.flow[1].wait == forKeys }

// Held returns how much memory waits for secrets or for the other direction.
func (d *Decryptor) Held() int { return d.flow[0].held + d.flow[1].held + d.held }

// GiveUp lets go of what waits for secrets: they come too late.
func (d *Decryptor) GiveUp() {
	d.own()
	for i := range d.flow {
		if f := &d.flow[i]; f.wait == forKeys {
			f.die(stream.NoKeys)
		}
	}
	d.run()
}

// Close says that no more comes, neither chunks nor secrets. Everything that
// was waiting is decided; ask Next for it.
func (d *Decryptor) Close() {
	if d.final {
		return
	}
	d.own()
	d.final = true
	d.run()
	for i := range d.flow {
		d.flow[i].finish()
	}
}

// Info returns what is known of the connection by now, or nil before its
// first byte. Where neither hello has come that is but the Obstacle. See
// Watcher.Info.
func (d *Decryptor) Info() *stream.TLSInfo {
	known := d.watch.Info()
	switch {
	case known != nil:
	case d.flow[stream.Client].begun || d.flow[stream.Server].begun:
		return &stream.TLSInfo{Obstacle: stream.HandshakeNotSeen}
	default:
		return nil
	}
	info := *known
	info.Completed = info.Completed || d.data
	if info.Decrypted = d.opened; d.opened {
		info.Estimate, info.LeftAt = nil, d.leftAt
	}
	info.Obstacle = d.obstacle()
	return &info
}

// obstacle says in a word why not everything could be read.
func (d *Decryptor) obstacle() stream.Obstacle {
	c, s := &d.flow[stream.Client], &d.flow[stream.Server]
	switch {
	case d.watch.info.ClearAt.Packet != 0:
		return stream.ServerInClear
	case d.watch.info.Version == ssl2Version:
		return stream.VersionUnsupported
	case d.why != stream.NoObstacle:
		return d.why
	case c.ever && s.ever:
		return stream.NoObstacle
	case d.Waiting():
		return stream.NoKeys
	case d.watch.info.Alert != "":
		return stream.NothingEncrypted
	case len(d.hellos) == 0 || !d.hellos[0].haveClient || !d.hellos[0].haveServer:
		return stream.HandshakeNotSeen
	}
	return stream.NothingEncrypted
}

// Unanswered reports whether a ClientHello came, and nothing at all of the
// server. Where the capture has all that the server sent, Info's
// HandshakeNotSeen is NothingEncrypted then.
func (d *Decryptor) Unanswered() bool {
	return len(d.hellos) > 0 && d.hellos[0].haveClient && !d.flow[stream.Server].begun
}

// reason notes why a direction is not read further. Of two reasons the more
// telling one counts, whichever direction comes to its end first.
func (d *Decryptor) reason(why stream.Obstacle) {
	if slices.Index(telling, why) > slices.Index(telling, d.why) {
		d.why = why
	}
}

// telling are the reasons from the least telling one on.
var telling = []stream.Obstacle{
	stream.NoObstacle, stream.HandshakeNotSeen, stream.TooManyLost, stream.NoKeys, stream.WrongKeys,
	stream.CipherUnsupported, stream.CompressionUnsupported, stream.VersionUnsupported,
}

// bad notes a record that is not authentic.
func (d *Decryptor) bad(at stream.Stamp) {
	if d.watch.info.BadRecords++; d.watch.info.BadRecords == 1 {
		d.watch.info.BadAt = at
	}
}

// run reads on in both directions for as long as one gets further.
func (d *Decryptor) run() {
	for moved := true; moved; {
		moved = false
		for i := range d.flow {
			for d.flow[i].step() {
				moved = true
			}
		}
	}
}

// own makes the results that were not fetched independent of the arena,
// which is about to be used again.
func (d *Decryptor) own() {
	if len(d.out) > 0 || len(d.lent) > 0 {
		d.ownResults()
	}
	d.arena = d.arena[:0]
}

// ownResults does that where there are any: few chunks end a record.
func (d *Decryptor) ownResults() {
	if d.head > 0 {
		n := copy(d.out, d.out[d.head:])
		clear(d.out[n:])
		d.out, d.head = d.out[:n], 0
	}
	for i := range d.out {
		if r := &d.out[i]; !r.owned {
			r.owned = true
			r.Data = bytes.Clone(r.Data)
			d.held += len(r.Data) + pieceCost
		}
	}
	for _, b := range d.lent {
		if len(d.free) < maxFree {
			d.free = append(d.free, b[:0])
		}
	}
	clear(d.lent)
	d.lent = d.lent[:0]
}

// maxFree bounds the memory that is kept for records: a segment rarely ends
// more than one in each direction.
const maxFree = 2

// lend keeps the memory of a record whose content was handed on until that
// is not valid any more, and returns other memory.
func (d *Decryptor) lend(b []byte) []byte {
	d.lent = append(d.lent, b)
	if n := len(d.free); n > 0 {
		b = d.free[n-1]
		d.free = d.free[:n-1]
		return b
	}
	return make([]byte, 0, cap(b))
}

// room returns an empty slice with room for n bytes of plaintext.
func (d *Decryptor) room(n int) []byte {
	if cap(d.arena)-len(d.arena) < n {
		d.arena = make([]byte, 0, max(n, min(2*cap(d.arena), maxArena)))
	}
	return d.arena[len(d.arena):]
}

// maxArena is what the memory for plaintext grows to by itself; what one
// Feed brings may be more.
const maxArena = 64 << 10

// emit adds a chunk of plaintext, or a loss.
func (d *Decryptor) emit(c stream.Chunk) {
	c.Secure = true
	if last := len(d.out) - 1; last >= d.head && c.Lost > 0 && d.out[last].Lost > 0 && d.out[last].Dir == c.Dir {
		d.out[last].Lost += c.Lost // one loss
		return
	}
	d.out = append(d.out, result{Chunk: c, from: d.flow[c.Dir].pos})
}

// Next returns the next chunk of plaintext. Its bytes are valid until the
// next call to Feed, Keys or Close. Nothing is told of a connection of which
// no record could be opened.
func (d *Decryptor) Next() (stream.Chunk, bool) {
	if !d.opened || d.head == len(d.out) {
		return stream.Chunk{}, false
	}
	return d.next()
}

// next is Next where something was not fetched.
func (d *Decryptor) next() (stream.Chunk, bool) {
	force := d.final || d.held > maxHeld
	var blocked [2]bool
	for i := d.head; i < len(d.out) && !(blocked[0] && blocked[1]); i++ {
		r := &d.out[i]
		if blocked[r.Dir] {
			continue
		}
		acked, known := d.flow[r.Dir.Other()].translate(r.PeerAcked)
		if !known && !force {
			blocked[r.Dir] = true
			continue
		}
		c := r.Chunk
		if c.PeerAcked = acked; !known {
			c.PeerAcked = -1
		}
		if r.owned {
			d.held -= len(r.Data) + pieceCost
		}
		if i == d.head {
			d.out[i] = result{}
			d.head++
		} else {
			d.out = append(d.out[:i], d.out[i+1:]...)
		}
		return c, true
	}
	return stream.Chunk{}, false
}
