package popscope

import (
	"slices"

	"popscope/pop3parse"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// stretch takes what a run of bytes is.
func (f *flow) stretch(s pop3parse.Stretch) {
	if s.Secure {
		f.inside(s)
		return
	}
	side := &f.side[s.Dir]
	side.said = join(side.said, s)
	side.done = s.End()
	n := 0
	for n < len(side.waiting) && side.waiting[n].end() <= side.done {
		f.resolve(side.waiting[n])
		n++
	}
	switch {
	case n == 0:
	case n == len(side.waiting):
		clear(side.waiting)
		side.waiting = side.waiting[:0]
	default:
		side.waiting = side.waiting[n:]
	}
	side.trim()
}

// join appends a stretch to a list, or lengthens the last one by it.
func join(list []pop3parse.Stretch, s pop3parse.Stretch) []pop3parse.Stretch {
	n := len(list)
	if n == 0 || !joins(&list[n-1], &s) {
		return append(list, s)
	}
	list[n-1].Len += s.Len
	list[n-1].Last = s.Last
	return list
}

// joins reports whether t goes on where s ends, as the same.
func joins(s, t *pop3parse.Stretch) bool {
	if s.End() != t.Off || s.Part != t.Part || s.Secret != t.Secret || s.Exchange != t.Exchange || s.Greeting != t.Greeting {
		return false
	}
	switch s.Part {
	case pop3parse.Mail:
		return s.At+s.Len == t.At && s.Number == t.Number
	case pop3parse.Rows, pop3parse.TLS, pop3parse.Wrapped:
		return true
	}
	return false
}

// trim forgets what nobody will ask for, now and then.
func (s *flowSide) trim() {
	if len(s.said) < max(s.limit, 2*keptStretches) {
		return
	}
	from := s.done
	for _, r := range s.waiting {
		from = min(from, r.Off)
	}
	n := 0
	for len(s.said)-n > keptStretches && (s.said[n].End() < from || len(s.said)-n > mostStretches) {
		n++
	}
	s.said = slices.Delete(s.said, 0, n)
	s.limit = len(s.said) + keptStretches
}

// tlsBytes takes a chunk of TLS.
func (f *flow) tlsBytes(c stream.Chunk) {
	s := &f.side[c.Dir]
	s.tls.Feed(c)
	if n := len(s.tls.List()); n >= max(s.records, 2*keptStretches) {
		s.tls.Forget(c.Off - keptBytes)
		s.records = len(s.tls.List()) + keptStretches
	}
}

// implicitTLS takes a chunk of a connection that is TLS from its first byte.
func (f *flow) implicitTLS(c stream.Chunk) {
	f.tlsBytes(c)
	part := pop3parse.TLS
	if c.Lost > 0 {
		part = pop3parse.Missing
	}
	f.stretch(pop3parse.Stretch{Dir: c.Dir, Part: part, Off: c.Off, Len: c.Len(), First: c.At, Last: c.At})
}

// resolve says what the bytes of a placed row are, as far as that is known.
func (f *flow) resolve(r *row) {
	r.known = true
	side := &f.side[r.From]
	end := r.end()
	i := side.behind(r.Off)
	if r.fate.Has(reassembly.OutOfWindow) {
		return
	}
	for j := i - 1; j >= 0 && side.said[j].Part == pop3parse.Missing && side.said[j].End() == r.Off-r.Gap && len(r.Segment.Payload) > 0; j-- {
		// What a snapshot length cut off is no gap.
		n := r.Off - r.Gap - max(side.said[j].Off, side.cut)
		if n <= 0 {
			break
		}
		r.Gap += n
	}
	if i > 0 && side.said[i-1].End() == r.Off {
		r.from = unfinished(side.said[i-1].Part)
	}
	if len(r.Segment.Payload) > 0 && r.Parts == nil {
		r.Parts = f.w.lists.parts.take()
	}
	for ; len(r.Segment.Payload) > 0 && i < len(side.said) && side.said[i].Off < end; i++ {
		r.from = r.from || side.said[i].Off < r.Off
		r.Parts = append(r.Parts, clip(side.said[i], r.Off, end))
	}
	if n := len(r.Parts); n > 0 && r.Parts[n-1].End() == end {
		r.to = unfinished(r.Parts[n-1].Part)
	}
	f.awaitOpening(r)
	r.pays(f.w, len(r.Parts)*stretchCost)
	if f.w.a.opt.NoFrames && r.isMailOnly() {
		r.empty(f.w)
	}
}

// isMailOnly reports whether all that a row carries is bytes of one message,
// and nothing of that is to be masked or compared.
func (r *row) isMailOnly() bool {
	n := len(r.Segment.Payload)
	return n > 0 && len(r.Parts) == 1 && r.Parts[0].Part == pop3parse.Mail && !r.Parts[0].Secret &&
		r.Parts[0].Off == r.Off && r.Parts[0].Len == int64(n) &&
		!r.fate.Has(reassembly.Differs) && !r.opening && r.Inside == nil && r.own == 0 && r.frag == nil && !r.gone
}

// empty lets go of the bytes of a row, of which only their number is told. See
// Options.NoFrames.
func (r *row) empty(w *window) {
	n := len(r.Segment.Payload)
	if n > len(w.zeros) {
		w.zeros = make([]byte, n)
	}
	w.bytes -= len(r.Data)
	w.frames.put(r.Data)
	r.Data, r.at, r.Segment.Payload = nil, -1, w.zeros[:n:n]
}

// behind returns the index of the first stretch that ends behind an offset.
func (s *flowSide) behind(off int64) int {
	from, to := 0, len(s.said)
	for from < to {
		if i := int(uint(from+to) >> 1); s.said[i].End() > off {
			to = i
		} else {
			from = i + 1
		}
	}
	return from
}

// stretchCost is what a part of a row takes.
const stretchCost = 160

// unfinished reports whether what ends with a part has not come to its end.
func unfinished(p pop3parse.Part) bool {
	switch p {
	case pop3parse.Keyword, pop3parse.Args, pop3parse.Indicator, pop3parse.Words, pop3parse.SASLData,
		pop3parse.Rows, pop3parse.Mail, pop3parse.Stuffing:
		return true
	}
	return false
}
