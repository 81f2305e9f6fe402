package popscope

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// Plaintext is what TLS records hold that end in one packet: bytes that
// follow each other, or a loss.
type Plaintext struct {
	Off   int64  // of Data[0], in the stream that the direction is with its TLS opened
	Data  []byte // empty if Lost > 0
	Lost  int64  // so many bytes of plaintext are missing
	Parts []pop3parse.Stretch
	from  bool
	to    bool
	dir   stream.Dir
}

// End returns the offset behind it.
func (p *Plaintext) End() int64 { return p.Off + int64(len(p.Data)) + p.Lost }

// Continued reports whether the first part began in an earlier packet.
func (p *Plaintext) Continued() bool { return p.from }

// GoesOn reports whether the last part goes on in a later packet.
func (p *Plaintext) GoesOn() bool { return p.to }

// Hides reports whether the bytes of a part must not be shown.
func (p *Plaintext) Hides(s *pop3parse.Stretch) bool { return s.Secret || s.Part == pop3parse.Missing }

// Secret lists what of Data must not be shown, in order.
func (p *Plaintext) Secret() []Span { return hiddenIn(nil, p.Off, len(p.Data), p.Parts, p.Hides) }

// piece is plaintext of a row that is not explained yet.
//
//	records:    [   ][ r1 ][      r2 ][r3]     each tells its plaintext to
//	packets:  |   1     |   2   |  3     |     the packet with its last byte
type piece struct {
	row *row
	n   int // index in row.Inside
	end int64
}

// opened takes what a record holds.
func (f *flow) opened(o tlsdec.Opened) { f.side[o.Dir].tls.Open(o) }

// plaintext takes a chunk out of TLS, before it is explained.
func (f *flow) plaintext(c stream.Chunk) {
	r := f.w.row(c.At.Packet)
	if r == nil {
		return // nobody asked for that packet, or it could not wait
	}
	side := &f.side[c.Dir]
	r.Inside = append(r.Inside, Plaintext{Off: c.Off, Lost: c.Lost, Data: bytes.Clone(c.Data), dir: c.Dir})
	r.untold++
	side.pieces = append(side.pieces, piece{r, len(r.Inside) - 1, c.Off + c.Len()})
	r.pays(f.w, len(c.Data)+stretchCost)
}

// pays notes what a row takes besides its frame.
func (r *row) pays(w *window, n int) {
	w.bytes += n
	r.cost += n
}

// inside takes what a run of plaintext is.
func (f *flow) inside(s pop3parse.Stretch) {
	side := &f.side[s.Dir]
	for len(side.pieces) > 0 {
		p := side.pieces[0]
		if !p.row.gone && s.Off < p.end && s.End() > p.row.Inside[p.n].Off { // what is gone was joined
			f.tell(p, s)
		}
		if s.End() < p.end {
			break
		}
		p.row.untold--
		side.pieces = side.pieces[1:]
	}
	side.inner = s
}

// tell adds a part to plaintext, as much of it as lies there.
func (f *flow) tell(p piece, s pop3parse.Stretch) {
	text := &p.row.Inside[p.n]
	if len(text.Parts) == 0 {
		before := &f.side[s.Dir].inner
		text.from = s.Off < text.Off || before.End() == text.Off && unfinished(before.Part)
	}
	s = clip(s, text.Off, p.end)
	text.to = s.End() == p.end && unfinished(s.Part)
	before := len(text.Parts)
	text.Parts = join(text.Parts, s)
	if len(text.Parts) > before {
		p.row.pays(f.w, stretchCost)
	}
}

// clip cuts a stretch off at two offsets.
func clip(s pop3parse.Stretch, from, to int64) pop3parse.Stretch {
	if cut := from - s.Off; cut > 0 {
		s.Off, s.Len, s.At = s.Off+cut, s.Len-cut, s.At+cut
	}
	s.Len = min(s.Len, to-s.Off)
	return s
}

// awaitOpening has a row wait until its TLS records are opened, or cannot be.
func (f *flow) awaitOpening(r *row) {
	side := &f.side[r.From]
	r.TLS = side.recordsOf(r)
	inTLS := slices.ContainsFunc(r.Parts, func(s pop3parse.Stretch) bool { return s.Part == pop3parse.TLS })
	r.opensAt = r.end()
	if n := len(r.TLS); n > 0 {
		r.opensAt = max(r.opensAt, r.TLS[n-1].Off+r.TLS[n-1].Len) // its name may be hidden, too
	}
	if !inTLS || r.opensAt <= f.opensUpTo(r.From) {
		return
	}
	r.opening = true
	i, _ := slices.BinarySearchFunc(side.opening, r.opensAt+1, func(r *row, off int64) int { return cmp.Compare(r.opensAt, off) })
	side.opening = slices.Insert(side.opening, i, r)
}

// opensUpTo returns the stream offset up to which TLS was opened, as far as
// that is possible: where no secrets are to be expected nothing waits for
// them.
func (f *flow) opensUpTo(d stream.Dir) int64 {
	t, ok := f.conn.Owner.(*track)
	if !ok || t.tls == nil || t.tls.dec.Waiting() && !t.shard.expectsKeys() {
		return math.MaxInt64
	}
	return t.tls.dec.Done(d)
}

// decrypted looks which rows need not wait any longer.
func (f *flow) decrypted() {
	for d := range f.side {
		if len(f.side[d].opening) > 0 {
			f.side[d].openUpTo(f.opensUpTo(stream.Dir(d)))
		}
	}
}

// openUpTo lets those rows go that need nothing behind an offset.
func (s *flowSide) openUpTo(off int64) {
	n := 0
	for n < len(s.opening) && s.opening[n].opensAt <= off {
		r := s.opening[n]
		r.TLS, r.opening = s.recordsOf(r), false
		n++
	}
	s.opening = slices.Delete(s.opening, 0, n)
}

// recordsOf returns the TLS records that a row holds bytes of.
func (s *flowSide) recordsOf(r *row) []tlsdec.Record {
	list, end := s.tls.List(), r.end()
	from, _ := slices.BinarySearchFunc(list, r.Off, func(rec tlsdec.Record, off int64) int {
		if rec.Off+rec.Len > off {
			return 1
		}
		return -1
	})
	var out []tlsdec.Record
	for _, rec := range list[from:] {
		if rec.Off >= end {
			break
		}
		out = append(out, rec)
	}
	return out
}

// joinInside makes one of plaintext that follows each other. Losses of the
// other direction, which a packet's acknowledgement brought to light, are not
// the packet's.
func (r *row) joinInside() {
	joined := r.Inside[:0]
	for _, p := range r.Inside {
		n := len(joined)
		if p.dir != r.From {
			continue
		}
		if n == 0 || joined[n-1].End() != p.Off || joined[n-1].Lost > 0 || p.Lost > 0 {
			joined = append(joined, p)
			continue
		}
		last := &joined[n-1]
		last.Data = append(last.Data, p.Data...)
		for _, s := range p.Parts {
			last.Parts = join(last.Parts, s)
		}
		last.to = p.to
	}
	r.Inside = joined
}
