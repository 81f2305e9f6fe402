package popscope

import (
	"popscope/capture/packet"
	"popscope/pop3parse"
)

// mask lists the bytes of the frame that must not be shown, of those that
// carry the payload of l's segment: l is r itself unless r is a fragment.
func (r *row) mask(w *window, l *row) {
	w.hidden.spans = l.hidden(w.hidden.spans[:0])
	hidden := w.hidden.spans
	if len(hidden) == 0 {
		return
	}
	at, low, high := r.at, 0, len(l.Segment.Payload) // payload byte i is at+i, for those from low up to high
	if f := r.frag; f != nil && r.at >= 0 && l.header >= 0 {
		before := int(l.header) - f.off
		at = r.at + before
		low, high = max(0, -before), min(high, f.len-before)
	} else if f != nil || r.at < 0 {
		r.Secret = []Span{{0, len(r.Data)}} // nobody knows where
		return
	}
	m := masker{spans: r.Secret}
	// With the checksums guesses of what is hidden could be tested, and a
	// frame check sequence may stand at the end.
	w.headers(r, &m)
	if r.frag != nil {
		m.add(r.at, at+low)
	}
	for _, s := range hidden {
		m.add(at+max(s.From, low), at+min(s.To, high))
	}
	end := at + high
	if r.frag != nil {
		end = r.at + r.frag.len
	}
	m.add(end, len(r.Data))
	r.Secret = m.spans
}

// hidden appends to spans the bytes of the payload that must not be shown.
func (r *row) hidden(spans []Span) []Span {
	if len(r.Segment.Payload) == 0 {
		return spans
	}
	return hiddenIn(spans, r.Off, len(r.Segment.Payload), r.Parts, r.Hides)
}

// hiddenIn appends to spans, which is empty, which of n bytes from an offset
// on must not be shown: those of parts that hide them, and those of no part.
func hiddenIn(spans []Span, off int64, n int, parts []pop3parse.Stretch, hides func(*pop3parse.Stretch) bool) []Span {
	m := masker{spans: spans}
	done := 0
	for i := range parts {
		p := &parts[i]
		from, to := int(p.Off-off), int(p.End()-off)
		m.add(done, from)
		if hides(p) {
			m.add(from, to)
		}
		done = to
	}
	m.add(done, n)
	return m.spans
}

// masker collects spans that come in order.
type masker struct{ spans []Span }

func (m *masker) add(from, to int) {
	if from >= to {
		return
	}
	if n := len(m.spans); n > 0 && m.spans[n-1].To >= from {
		m.spans[n-1].To = max(m.spans[n-1].To, to)
		return
	}
	m.spans = append(m.spans, Span{from, to})
}

// headers hides the checksums in the headers of a frame that cover what is
// behind them (RFC 9293 section 3.1, RFC 768, RFC 2784).
func (w *window) headers(r *row, m *masker) {
	var s packet.Segment
	var f packet.Fragment
	_, w.heads = w.dec.Headers(&r.Packet.Packet, &s, &f, w.heads[:0])
	for _, h := range w.heads {
		sum := 0
		switch h.Kind {
		case packet.HeaderTCP:
			sum = 16
		case packet.HeaderUDP:
			sum = 6
		case packet.HeaderGRE:
			sum = 4
			if h.Captured < 8 || r.Data[h.At]&0x80 == 0 {
				continue // it has none
			}
		default:
			continue
		}
		m.add(h.At+sum, min(h.At+sum+2, len(r.Data)))
	}
}

// Hides reports whether the bytes of a part must not be shown. Of a copy
// that differs from the one that was read nobody knows what its bytes are,
// but where they stand in for a message's.
func (p *Packet) Hides(s *pop3parse.Stretch) bool {
	if s.Secret || s.Part == pop3parse.Missing {
		return true
	}
	if !p.Notes.Has(Conflicting) {
		return false
	}
	return s.Part != pop3parse.Mail && s.Part != pop3parse.Rows && s.Part != pop3parse.TLS
}
