package tlsdec

import (
	"popscope/reassembly/stream"
)

// gap is what is between the last record that was opened and the next one.
type gap struct {
	on        bool
	searching bool  // where the next record begins is not known
	data      bool  // some of it may be data
	bytes     int64 // of ciphertext
	records   int64 // records in it whose headers were seen; there may be more when it was searched
	at        stream.Stamp
	acked     int64
}

// count adds bytes of ciphertext.
func (g *gap) count(n int64, at stream.Stamp, acked int64) {
	g.bytes += n
	g.at, g.acked = at, acked
}

// drop passes over n bytes that cannot be read.
func (f *flow) drop(n int, at stream.Stamp, acked int64) {
	if n > 0 {
		f.gap.count(int64(n), at, acked)
		f.pos += int64(n)
	}
}

// flush tells of what is lost in a direction that is closed. Of a connection
// that was never opened nothing is told.
func (f *flow) flush() {
	if f.gap.bytes > 0 && f.d.opened {
		f.lost(f.gap.bytes, f.gap.at, f.gap.acked)
		f.gap = gap{}
		f.note()
	}
}

// lose takes a loss, with which the input begins.
func (f *flow) lose() {
	p := f.in[0]
	f.pop()
	n := p.Lost
	f.prevN = 0
	f.msgs.tear()
	f.loseMessages()
	f.gap.on = true
	switch left := int64(f.skip); {
	case f.skip > 0 && n <= left: // more of a damaged record
		f.skip -= int(n)
	case f.skip == 0 && len(f.part) >= recordHeader && n <= f.pending()-int64(len(f.part)):
		// Inside of a record: the next one begins where its header says.
		f.skip = int(f.pending() - int64(len(f.part)) - n)
		f.gap.data = f.gap.data || f.mayBeData(f.part[0])
		f.gap.records++
		f.drop(len(f.part), p.At, f.acked)
		f.part = f.part[:0]
	default:
		f.drop(len(f.part), p.At, f.acked)
		f.part, f.skip, f.joined = f.part[:0], 0, 0
		f.gap.searching, f.gap.data = true, true
	}
	f.gap.count(n, p.At, p.PeerAcked)
	f.pos += n
}

// mayBeData reports whether a record of that type can hold data.
func (f *flow) mayBeData(kind byte) bool {
	return kind == recordData || f.epoch != inClear && f.tls13()
}

// search looks for the next record: one that has a plausible header and
// opens. It reports whether it got further.
func (f *flow) search() bool {
	if f.in[0].Lost > 0 {
		f.part, f.joined = f.part[:0], 0
		f.lose()
		return true
	}
	p, v := f.params()
	if p == nil {
		return v == done
	}
	if why := p.unsupported(); why != stream.NoObstacle {
		f.die(why)
		return true
	}
	if f.open == nil && f.epoch != inClear {
		if v, ok := f.findKeys(p); !ok {
			return v == done
		}
	}
	if f.epoch == inClear && len(f.nextKeys(p)) == 0 {
		if v, ok := f.missing(); !ok {
			return v == done
		}
	}
	f.wait = forInput
	for f.joined < len(f.in) && f.in[f.joined].Lost == 0 {
		f.part = append(f.part, f.in[f.joined].Data...)
		f.joined++
	}
	complete := f.joined < len(f.in) || f.d.final // no more comes to what part holds
	used := 0
	for b := f.part; len(b) > 0; b = f.part[used:] {
		if len(b) < recordHeader && !complete {
			break
		}
		if len(b) >= recordHeader && likely(p, b) {
			n := recordHeader + bodyLength(b)
			if n <= len(b) {
				if f.found(p, used, n) {
					return true
				}
				if f.closed {
					return true
				}
			} else if !complete {
				break
			}
		}
		used++
	}
	f.pass(used)
	return used > 0
}

// likely reports whether b begins like an encrypted record of a connection.
func likely(p *params, b []byte) bool {
	version, kind := p.version, b[0]
	if isTLS13(version) {
		if version = tls12; kind != recordData { // RFC 8446 section 5.2
			return false
		}
	}
	return recordCCS <= kind && kind <= recordData && b[1] == byte(version>>8) && b[2] == byte(version) &&
		0 < bodyLength(b) && bodyLength(b) <= maxRecord
}

// pass passes over the next n bytes of the input while searching.
func (f *flow) pass(n int) {
	f.before(f.part[:n])
	for n > 0 {
		p := &f.in[0]
		k := min(n, len(p.Data))
		f.drop(k, p.At, p.PeerAcked)
		f.part = f.part[k:]
		n -= k
		f.use(k)
	}
	if len(f.part) == 0 {
		f.part = nil
	}
}

// found tries the record of n bytes at part[from:], and goes on behind it if
// it opens.
func (f *flow) found(p *params, from, n int) bool {
	rec := f.part[from : from+n]
	r := sealed{head: rec[:recordHeader], body: rec[recordHeader:]}
	if from >= maxPrev {
		r.prev = f.part[from-maxPrev : from]
	} else {
		seen := f.prev[maxPrev-f.prevN:]
		r.prev = append(append([]byte(nil), seen...), f.part[:from]...)
	}
	c, ok := f.tryAll(p, r, int64(from))
	if !ok {
		return false
	}
	f.pass(from)
	// The stamps of its first and last byte.
	f.acked = f.in[0].PeerAcked
	left := n
	for i := range f.in {
		f.at = f.in[i].At
		if left -= len(f.in[i].Data); left <= 0 {
			break
		}
	}
	body := append([]byte(nil), f.part[:n]...)
	f.use(n)
	f.part, f.joined = nil, 0
	f.bridge(c)
	f.opened(body[:recordHeader], c.content, c.kind, false)
	f.pos += int64(n)
	f.before(body)
	f.note()
	return true
}

// openAfterGap tries the record at hand, whose place is known.
func (f *flow) openAfterGap(p *params, r sealed) bool {
	c, ok := f.tryAll(p, r, 0)
	if !ok {
		return false
	}
	f.bridge(c)
	f.opened(r.head, c.content, c.kind, false)
	return true
}

// keys are those of an epoch.
type keys struct {
	epoch  epoch
	gen    int
	secret []byte
	open   opener
}

// candidate is a record that opened, under some keys with some number.
type candidate struct {
	keys
	same    bool // the keys that hold already
	seq     uint64
	content []byte
	kind    byte
}

const (
	// maxTried bounds the work on records that open under no key and number
	// that they could have: 64 MB take some tenths of a second.
	maxTried = 64 << 20

	// maxLostRecords bounds the numbers that are tried for one record.
	maxLostRecords = 1 << 16
)

// tryAll tries a record behind a gap, with extra bytes more than gap.bytes
// before it, under all keys and numbers that it can have.
func (f *flow) tryAll(p *params, r sealed, extra int64) (candidate, bool) {
	size := f.gap.bytes + extra
	if f.open != nil {
		now := keys{f.epoch, f.gen, f.secret, f.open}
		guesses := []int64{f.gap.records}
		if o, ok := f.open.(*aead12); ok {
			guesses = append(guesses, o.ahead(r))
		}
		if c, ok := f.tryNumbers(now, r, f.seq, size, guesses); ok {
			c.same = true
			return c, true
		}
	}
	for _, k := range f.nextKeys(p) {
		if c, ok := f.tryNumbers(k, r, 0, size, nil); ok {
			return c, true
		}
	}
	return candidate{}, false
}

// tryNumbers tries all numbers from first on that a record can have behind a
// gap of so many bytes: those that were guessed, then those that fit a gap
// full of the longest records or shorter ones, then the others.
func (f *flow) tryNumbers(k keys, r sealed, first uint64, size int64, guesses []int64) (candidate, bool) {
	most := min(size/int64(k.open.overhead()), maxLostRecords)
	least := min(size/(recordHeader+maxRecord), most)
	for _, i := range guesses {
		if 0 <= i && i <= most {
			if c, ok := f.try(k, r, first+uint64(i)); ok {
				return c, true
			}
		}
	}
	for n := range most + 1 {
		i := least + n
		if i > most {
			i = n - (most - least) - 1
		}
		if c, ok := f.try(k, r, first+uint64(i)); ok {
			return c, true
		}
		if f.closed {
			break
		}
	}
	return candidate{}, false
}

// try opens a record under keys with a number.
func (f *flow) try(k keys, r sealed, seq uint64) (candidate, bool) {
	if f.closed {
		return candidate{}, false
	}
	r.seq = seq
	content, kind, ok := k.open.open(f.d.room(len(r.body)), r)
	if !ok {
		if f.tried += len(r.body); f.tried > maxTried {
			f.die(stream.TooManyLost)
		}
		return candidate{}, false
	}
	return candidate{keys: k, seq: seq, content: content, kind: kind}, true
}

// bridge ends the gap before a record that opened: it tells what is lost,
// and goes on with the record's keys and number.
//
//	plaintext = ciphertext - what the records have besides
func (f *flow) bridge(c candidate) {
	g := f.gap
	f.gap = gap{}
	overhead := int64(c.open.overhead())
	records := int64(c.seq) // lost ones under the keys that hold now
	if c.same {
		records -= int64(f.seq)
	}
	data := g.data && records > 0
	switch {
	case !c.same && f.epoch == inData && c.epoch == inData: // a KeyUpdate is among what is lost
		data = g.data
		records++
	case !f.tls13() && (!c.same || f.seq == 0) && records == 1:
		data = false // Finished alone
	}
	f.epoch, f.gen, f.secret, f.open, f.seq = c.epoch, c.gen, c.secret, c.open, c.seq
	f.msgs.tear()
	if data {
		f.lost(max(1, g.bytes-max(records, 1)*overhead), g.at, g.acked)
		f.note()
	}
}

// tls13 reports whether the keys are those of TLS 1.3. The hellos have come.
func (f *flow) tls13() bool { return isTLS13(f.d.hellos[f.cur].version) }

// finish decides what is left at the end of the input.
func (f *flow) finish() {
	if f.closed {
		f.flush()
		return
	}
	f.closed = true
	if f.gap.searching {
		for len(f.in) > 0 {
			p := f.in[0]
			f.drop(int(p.Len()), p.At, p.PeerAcked)
			f.pop()
		}
		f.part = nil
	}
	if n := len(f.part); n > 0 { // a record without its end
		f.gap.data = f.gap.data || f.mayBeData(f.part[0])
		f.drop(n, f.at, f.acked)
		f.gap.records++
	}
	switch {
	case f.ever:
		lost := f.gap.bytes - max(1, f.gap.records)*int64(f.overhead())
		if f.gap.data && lost > 0 {
			f.lost(lost, f.gap.at, f.gap.acked)
		}
	case f.lax > 0:
		f.d.reason(stream.WrongKeys)
	case f.gap.on && f.gap.bytes > 0:
		f.d.reason(stream.TooManyLost)
	}
	f.gap, f.part = gap{}, nil
	f.note()
}

func (f *flow) overhead() int {
	if f.open == nil {
		return recordHeader
	}
	return f.open.overhead()
}
