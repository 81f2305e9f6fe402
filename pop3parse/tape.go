package pop3parse

import (
	"popscope/pop3parse/wire"
	"popscope/reassembly/stream"
)

// tape writes down what the bytes of both directions are, in the order of
// each stream, and hands that on to Options.Stretch as soon as it cannot
// change any more: what is secret in an unknown command, and the number of
// an exchange, are known only when others are over.
//
// The entries of a lane follow each other without a hole and without
// overlap, whatever the parser says: what it leaves out is Unread.
//
//	lane   | handed on | waiting: first entry is not settled, later ones may be |
//	                   ^ begin                                                  ^ end
type tape struct {
	out   func(Stretch)
	lanes [4]lane // client, server; the same decrypted
	ids   int64   // of commands
}

// lane is one direction of the tape.
type lane struct {
	begun   bool
	end     int64
	entries []entry // entries[head:] wait
	head    int
}

// maxWaiting bounds the entries of rows that wait for the end of their reply.
// Rows follow each other as one entry but for stuffed dots and losses.
const maxWaiting = 256

// waiting returns the entries that are not handed on yet.
func (l *lane) waiting() []entry { return l.entries[l.head:] }

// entry is a run of bytes that was read.
type entry struct {
	Stretch
	owner   int64 // asked.id of the exchange it is part of; 0: none
	settled bool

	// Of a line: how long its head and its text are; what is left is its
	// end, or was not read when cut is set. secret is a range of the text.
	line       lineKind
	head, text int64
	cut        bool
	from, to   int64
	turn       int // valid iff line == aTurn: which one of the exchange
}

// lineKind says how an entry is cut into stretches.
type lineKind uint8

const (
	noLine lineKind = iota
	aCommand
	aStatus
	aTurn
	anOddLine // of the server, that is no reply; what is secret in it is known from the start
)

// spareEntries bounds the entries of a lane that is used again.
const spareEntries = 64

// again returns an empty tape, which may be t, or nil if nobody asks for
// stretches. t may be nil.
func (t *tape) again(out func(Stretch)) *tape {
	switch {
	case out == nil:
		return nil
	case t == nil:
		return &tape{out: out}
	}
	for i := range t.lanes {
		l := &t.lanes[i]
		spare := l.entries[:0]
		if cap(spare) > spareEntries {
			spare = nil
		}
		*l = lane{entries: spare}
	}
	t.out, t.ids = out, 0
	return t
}

func (t *tape) lane(d stream.Dir, secure bool) *lane {
	if secure {
		return &t.lanes[2+d]
	}
	return &t.lanes[d]
}

// add puts an entry at the end of its lane.
func (t *tape) add(e entry) {
	l := t.lane(e.Dir, e.Secure)
	if !l.begun {
		l.begun = true
		if e.Secure {
			l.end = e.Off
		}
	}
	if e.Off > l.end {
		l.entries = append(l.entries, entry{settled: true, Stretch: Stretch{
			Dir: e.Dir, Secure: e.Secure, Part: Unread, Off: l.end, Len: e.Off - l.end, First: e.First, Last: e.First,
		}})
		l.end = e.Off
	}
	if again := l.end - e.Off; again > 0 {
		if again >= e.Len {
			return
		}
		e.Off, e.Len = l.end, e.Len-again
		e.line, e.Part = noLine, Unread
	}
	if e.Len <= 0 {
		return
	}
	l.end = e.End()
	if w := l.waiting(); len(w) > 0 && w[len(w)-1].takes(&e) {
		w[len(w)-1].Len += e.Len
		w[len(w)-1].Last = e.Last
	} else {
		l.entries = append(l.entries, e)
	}
	t.flush(l)
}

// takes reports whether f goes on where e ends, as the same.
func (e *entry) takes(f *entry) bool {
	return e.line == noLine && f.line == noLine && e.Part == f.Part && e.owner == f.owner && e.settled == f.settled &&
		(e.Part != Mail || e.At+e.Len == f.At)
}

// text writes down a line. head is how much of it stands before its text.
func (t *tape) text(d stream.Dir, l *wire.Text, kind wire.Kind, as lineKind, head int, e entry) {
	e.Stretch.Dir, e.Secure, e.Off, e.Len, e.First, e.Last = d, l.Secure, l.Off, l.End-l.Off, l.First, l.Last
	e.line, e.head, e.text = as, int64(head), int64(len(l.Text)-head)
	e.cut = l.Cut > 0 || kind != wire.Line || e.Len-int64(len(l.Text)) > 2
	t.add(e)
}

// gap writes down a loss, or a line that is passed over, as a part.
func (t *tape) gap(d stream.Dir, l *wire.Text, p Part) {
	t.add(entry{settled: true, Stretch: Stretch{Dir: d, Part: p, Secure: l.Secure, Off: l.Off, Len: l.End - l.Off, First: l.First, Last: l.Last}})
}

// chunk writes down a whole chunk as a part.
func (t *tape) chunk(c stream.Chunk, p Part) {
	if c.Lost > 0 {
		p = Missing
	}
	t.add(entry{settled: true, Stretch: Stretch{Dir: c.Dir, Part: p, Secure: c.Secure, Off: c.Off, Len: c.Len(), First: c.At, Last: c.At}})
}

// token writes down a piece of data, of the message m if it is of one.
func (t *tape) token(d stream.Dir, x *asked, tok wire.Token, r *reply, m *Message) {
	s := Stretch{Dir: d, Secure: tok.Secure, Off: tok.Off, Len: int64(len(tok.Raw)) + tok.Lost, First: tok.At, Last: tok.At}
	switch tok.Kind {
	case wire.Missing:
		s.Part = Missing
	case wire.Stuffing:
		s.Part = Stuffing
	case wire.End:
		s.Part = Final
	default:
		s.Part = Rows
		if r.isMail {
			s.Part, s.At = Mail, r.size
			s.Number, s.Announced = m.Number, m.Announced
		}
	}
	t.add(entry{Stretch: s, owner: x.id})
}

// settle says that nothing changes any more about the entries of x in a
// direction, which is the n-th exchange.
func (t *tape) settle(d stream.Dir, x *asked, n int) {
	for _, l := range [...]*lane{t.lane(d, false), t.lane(d, true)} {
		w := l.waiting()
		for i := range w {
			e := &w[i]
			if e.owner == x.id {
				e.settle(&x.Exchange)
				e.Exchange = n
			} else if e.owner != 0 && !e.settled {
				break // of a later exchange
			}
		}
		t.flush(l)
	}
}

// settle takes over what is known of the exchange by now.
func (e *entry) settle(x *Exchange) {
	if e.settled {
		return
	}
	e.settled = true
	e.Verb = x.Verb
	switch e.line {
	case noLine:
		e.Secret = e.Part == Rows && x.SecretBody
	case aCommand:
		from, to := x.Args.SecretSpan()
		if x.Verb == "" { // perhaps a secret where a command is expected
			e.head, e.text = 0, e.head+e.text
			from, to = 0, int(e.text)
		}
		e.from, e.to = int64(from), int64(to)
	case aStatus:
		from, to := x.Text.SecretSpan()
		e.from, e.to = int64(from), int64(to)
	case aTurn:
		e.from, e.to = 0, e.text
		if e.turn < len(x.SASL) && !x.SASL[e.turn].Data.HasSecret() {
			e.to = 0
		}
	}
}

// waits reports whether anything is not handed on yet.
func (t *tape) waits() bool {
	for i := range t.lanes {
		if len(t.lanes[i].waiting()) > 0 {
			return true
		}
	}
	return false
}

// explain hands on everything that waits with what is known of it now. live
// holds the commands that wait, by id.
func (t *tape) explain(live map[int64]*Exchange) {
	for i := range t.lanes {
		l := &t.lanes[i]
		w := l.waiting()
		for j := range w {
			e := &w[j]
			if e.settled {
				continue
			}
			x := live[e.owner]
			if x != nil && e.line == aCommand && settledEarly(x.Verb) && specOf(x.Verb).takesThese(x.Args.Reveal()) {
				e.settle(x)
				continue
			}
			if x != nil && settledEarly(x.Verb) { // others may be a secret themselves
				e.Verb = x.Verb
			}
			e.settled = true
			switch e.line { // what is undecided may be secret
			case noLine:
				e.Secret = e.Part == Rows
			case aCommand:
				e.head, e.text = 0, e.head+e.text
				e.from, e.to = 0, e.text
			case aStatus, aTurn:
				e.from, e.to = 0, e.text
			}
		}
		t.flush(l)
	}
}

// settledEarly reports whether what is secret in a command is known before
// its exchange is over.
func settledEarly(v Verb) bool {
	return specOf(v) != nil
}

// flush hands on the settled entries at the front of a lane.
func (t *tape) flush(l *lane) {
	for l.head < len(l.entries) && (l.entries[l.head].settled || l.entries[l.head].owner == 0) {
		l.entries[l.head].pieces(t.out)
		l.head++
	}
	if l.head == len(l.entries) {
		l.entries, l.head = l.entries[:0], 0
	} else if l.head >= 64 && l.head*2 > len(l.entries) {
		l.entries, l.head = l.entries[:copy(l.entries, l.entries[l.head:])], 0
	}
}

// pieces cuts an entry into stretches.
func (e *entry) pieces(out func(Stretch)) {
	s := e.Stretch
	piece := func(n int64, p Part, secret bool) {
		if n > 0 {
			s.Len, s.Part, s.Secret = n, p, secret || p == Unread
			out(s)
			s.Off += n
		}
	}
	end := LineEnd
	if e.cut {
		end = Unread
	}
	head, text := Indicator, Words
	switch e.line {
	case noLine:
		piece(e.Len, e.Part, e.Secret)
		return
	case aCommand:
		head, text = Keyword, Args
	case aTurn:
		text = SASLData
	}
	from := min(e.from, e.text)
	to := max(from, min(e.to, e.text))
	whole := e.Off + e.Len
	piece(e.head, head, false)
	piece(from, text, false)
	piece(to-from, text, true)
	piece(e.text-to, text, false)
	piece(whole-s.Off, end, false)
}
