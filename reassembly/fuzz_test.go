package reassembly

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// checkInside checks what must hold inside an Assembler between calls.
func checkInside(t testing.TB, a *Assembler) {
	t.Helper()
	waiting, holds, history, conns := 0, 0, 0, 0
	check := func(c *conn) {
		conns++
		if c.ended() != (c.pub.Close != stream.NotClosed) {
			t.Fatalf("ended is %v for %v", c.ended(), c.pub.Close)
		}
		for side := range c.half {
			h := &c.half[side]
			if y := h.history; y != nil {
				history += y.cost()
				if y.owner != h || y.hi != h.next || y.lo > y.hi || y.hi-y.lo > int64(len(y.ring)) {
					t.Fatalf("history [%d, %d) of %d at %d", y.lo, y.hi, len(y.ring), h.next)
				}
			}
			k := h.hold
			if k == nil {
				continue
			}
			holds++
			cost, cuts, end := 0, 0, h.next
			if c.gathers {
				if h.start != startFixed {
					end = nothing
				}
				if k.kind != holdStart {
					t.Fatalf("hold of kind %d while the connection gathers", k.kind)
				}
			} else if k.kind != h.holdKind() || k.next != h.next {
				t.Fatalf("hold of kind %d at %d, direction of kind %d at %d", k.kind, k.next, h.holdKind(), h.next)
			}
			k.pieces.all(func(p *piece) {
				if p.off < end || p.end() <= p.off || p.cut > 0 && p.data != nil {
					t.Fatalf("piece [%d, %d) behind %d", p.off, p.end(), end)
				}
				if p.off == h.next && !c.gathers && !h.finished() {
					t.Fatalf("a piece waits at %d, where the stream is", p.off)
				}
				end = p.end()
				cost += p.cost()
				if p.cut > 0 {
					cuts++
				}
			})
			if cost != k.cost || cuts != k.cuts {
				t.Fatalf("cost %d and cuts %d, counted %d and %d", k.cost, k.cuts, cost, cuts)
			}
			if cost > a.limits.DirectionBytes {
				t.Fatalf("%d bytes wait, more than %d", cost, a.limits.DirectionBytes)
			}
			waiting += cost
		}
	}
	entries := 0
	for kind := range a.used {
		since := int64(0)
		for e := range a.used[kind].All() {
			entries++
			if int(e.kind) != kind || (e.conn != nil) != (kind <= int(kindFinishing)) || a.table.find(e.hash, &e.tuple) != e {
				t.Fatalf("entry %+v in the queue of kind %d", e, kind)
			}
			if e.since < since {
				t.Fatal("queue is out of order")
			}
			since = e.since
			if e.conn != nil {
				check(e.conn)
			}
		}
	}
	for x := range a.ending.All() {
		if x.conn.entry == nil {
			check(x.conn)
		}
	}
	inQueues := 0
	for i := range a.holds {
		inQueues += a.holds[i].Len()
	}
	if entries != a.table.len || waiting != a.waiting || holds != inQueues || history != a.archive.held {
		t.Fatalf("entries %d of %d, waiting %d of %d, holds %d of %d, history %d of %d",
			a.table.len, entries, a.waiting, waiting, inQueues, holds, a.archive.held, history)
	}
	s := a.Stats()
	if s.WaitingBytes > a.limits.TotalBytes || s.HistoryBytes > a.limits.HistoryBytes || s.Connections > a.limits.Connections ||
		s.HalfOpen > a.limits.HalfOpen || s.Tombstones > a.limits.Tombstones || s.Lingering > a.limits.LingerConnections {
		t.Fatalf("over the limits: %+v", s)
	}
}

// choices hands out the bytes of a fuzz input, then zeroes.
type choices struct{ b []byte }

func (c *choices) n(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	v := int(c.b[0])
	c.b = c.b[1:]
	return v % n
}

func (c *choices) more() bool { return len(c.b) > 0 }

// TestModel plays random conversations, and FuzzModel those that a fuzzer
// thinks of, through a capture that swaps packets, repeats, splits and
// drops them, and checks against the model of a conversation that
//
//   - no byte comes out that was not said;
//   - no captured byte is called lost, and none is missing at the end;
//   - a byte is called lost only if the capture shows that it was sent. The
//     number of a FIN that nothing but its acknowledgement tells of may be
//     taken for a byte, if the connection goes on.
func TestModel(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		in := noise(r, 50+r.IntN(600))
		model(t, in)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x01\x01\x01a conversation"))
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		f.Add(noise(r, 300))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 2000 {
			model(t, in)
		}
	})
}

// flight is one packet on its way to the capture.
type flight struct {
	dir  stream.Dir
	line string
	from int64
	to   int64
	ack  int64
	age  int // packets that overtook it
}

func model(t *testing.T, in []byte) {
	in = slices.Clone(in)
	c := &choices{in}
	p := newScript(t, Limits{})
	p.isn = [2]Seq{^Seq(c.n(200)), Seq(c.n(3) * 0x7fffffff)}
	shuffle := 1 + c.n(8)
	dropping := c.n(4) // of 16
	var said, fin, shown [2]int64
	var captured [2][]bool
	var way []flight
	var trace []string // for the reader of a failure
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(trace, "\n"))
		}
	}()
	p.onData = func(e *stream.Event) {
		ch := &e.Chunk
		if ch.Lost == 0 {
			return
		}
		for o := ch.Off; o < ch.Off+ch.Lost; o++ {
			if o < int64(len(captured[ch.Dir])) && captured[ch.Dir][o] {
				t.Fatalf("%v byte %d was captured and is called lost", ch.Dir, o)
			}
		}
		if end := ch.Off + ch.Lost; end > shown[ch.Dir] {
			t.Fatalf("%v bytes up to %d are called lost, and %d were shown", ch.Dir, end, shown[ch.Dir])
		}
	}
	arrive := func(i int) {
		f := way[i]
		way = slices.Delete(way, i, i+1)
		s := &captured[f.dir]
		for f.from < f.to && int64(len(*s)) < f.to {
			*s = append(*s, false)
		}
		for o := f.from; o < f.to; o++ {
			(*s)[o] = true
		}
		shown[f.dir] = max(shown[f.dir], f.from, f.to)
		shown[f.dir.Other()] = max(shown[f.dir.Other()], f.ack)
		p.run(f.line)
		trace = append(trace, f.line, "\t\t"+strings.Join(p.log, " "))
		p.log = nil
		checkInside(t, p.a)
	}
	send := func(d stream.Dir, from, to int64, ack int64, more string) {
		f := flight{dir: d, from: from, to: to, ack: ack}
		f.line = fmt.Sprintf("%c at=%d %s ack=%d", "CS"[d], from, more, ack)
		if to > from {
			f.line = fmt.Sprintf("%c %d:%d %s ack=%d", "CS"[d], from, to, more, ack)
		}
		if c.n(16) < dropping {
			return
		}
		way = append(way, f)
		if c.n(8) == 0 {
			way = append(way, f)
		}
	}
	switch c.n(4) {
	case 3: // caught in the middle: then it must not lose anything in its first packets
		dropping, shuffle = 0, min(shuffle, 4)
	case 0:
		p.run("C syn; S syn; C ack")
	case 1:
		p.run("C syn; S at=0 ack")
	case 2:
		p.run("S syn; C ack")
	}
	received := func(d stream.Dir) int64 { return said[d] + fin[d] }
	for c.more() {
		d := stream.Dir(c.n(2))
		ack := received(d.Other())
		switch op := c.n(12); {
		case op < 5 && fin[d] == 0:
			n := int64(1 + c.n(40))
			send(d, said[d], said[d]+n, ack, "psh")
			said[d] += n
		case op < 8:
			send(d, said[d]+fin[d], said[d]+fin[d], ack, "")
		case op < 10 && said[d] > 0:
			from := int64(c.n(int(said[d])))
			to := min(said[d], from+int64(1+c.n(60)))
			send(d, from, to, ack, "psh")
		case op == 10 && fin[d] == 0 && c.n(4) == 0:
			fin[d] = 1
			send(d, said[d], said[d], ack, "fin")
		case op == 11 && c.n(4) == 0:
			for len(way) > 0 {
				arrive(0)
			}
			p.run("wait " + (time.Duration(c.n(20)) * 100 * time.Millisecond).String())
			checkInside(t, p.a)
		}
		for len(way) >= shuffle {
			i := c.n(len(way))
			if way[0].age >= 6 {
				i = 0
			}
			for j := range i {
				way[j].age++
			}
			arrive(i)
		}
	}
	for len(way) > 0 {
		arrive(0)
	}
	p.close()
	checkInside(t, p.a)
	want := [2]int64{}
	for d := range want {
		want[d] = int64(len(captured[d]))
	}
	if len(p.conns) == 0 {
		if want != [2]int64{} {
			t.Fatalf("captured %v, and nothing came out", want)
		}
		return
	}
	if len(p.conns) > 1 {
		t.Fatalf("%d connections", len(p.conns))
	}
	for d, n := range p.off[p.conns[0]] {
		if n < want[d] {
			t.Fatalf("%v: %d bytes came out, %d were captured", stream.Dir(d), n, want[d])
		}
	}
}

// noise returns n random bytes.
func noise(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// FuzzSegments takes any segments at all and checks that the events and
// what is inside stay in order, that the limits hold, and that a second
// run tells the same.
func FuzzSegments(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 8 {
		f.Add(noise(r, 400))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4000 {
			return
		}
		one, two := anySegments(t, in), anySegments(t, in)
		if one != two {
			t.Errorf("two runs differ\none %s\ntwo %s", one, two)
		}
	})
}

func TestAnySegments(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		in := noise(r, 1000)
		if one, two := anySegments(t, in), anySegments(t, in); one != two {
			t.Fatalf("seed %d: two runs differ\none %s\ntwo %s", seed, one, two)
		}
	}
}

func anySegments(t *testing.T, in []byte) string {
	c := &choices{slices.Clone(in)}
	p := newScript(t, Limits{
		DirectionBytes: 2000, TotalBytes: 5000, Connections: 3, HalfOpen: 2, Tombstones: 2, LingerConnections: 3,
		HistoryBytes: 4000, Idle: time.Minute, HalfOpenIdle: time.Minute,
	})
	p.wrong = true
	p.onData = func(e *stream.Event) {
		e.Conn.Ignore = c.n(64) == 63
		e.Conn.Flip = c.n(16) == 15
		if e.Conn.Flip && !e.Conn.ClientKnown {
			o := p.off[e.Conn]
			o[0], o[1] = o[1], o[0]
		}
	}
	for c.more() {
		dir := c.n(2)
		ends := [2]packet.Endpoint{{Addr: testAddr(1), Port: uint16(c.n(5))}, {Addr: testAddr(2), Port: 110}}
		s := packet.Segment{
			Src: ends[dir], Dst: ends[1-dir],
			Seq:         uint32(c.n(256)) - 100,
			Ack:         uint32(c.n(256)) - 100,
			Flags:       [16]packet.Flags{0, packet.FIN, packet.SYN, packet.RST, packet.SYN | packet.ACK, packet.FIN | packet.ACK, packet.RST | packet.ACK, packet.Flags(c.n(64))}[c.n(8)],
			Window:      uint16(c.n(2)),
			BadChecksum: c.n(8) == 7, Unfilled: c.n(3) > 0,
		}
		if c.n(2) == 1 {
			s.Flags |= packet.ACK
		}
		switch c.n(32) {
		case 31:
			s.Seq += 1 << 29 * uint32(c.n(8))
		case 30:
			s.Ack += 1 << 29 * uint32(c.n(8))
		case 29:
			p.nanos += int64(c.n(256)-64) * second
		case 28:
			p.nanos += int64(c.n(256)-128) << 55
		case 27:
			for range c.n(64) {
				p.tick()
			}
		}
		if c.n(2) == 1 {
			s.Payload = make([]byte, c.n(100))
			for i := range s.Payload {
				s.Payload[i] = byte(c.n(2))
			}
			s.Length = len(s.Payload)
			if c.n(8) == 7 {
				s.Length += c.n(100)
			}
		}
		p.packet++
		p.nanos += 1000
		p.a.Segment(&s, stream.Stamp{Packet: p.packet, Nanos: p.nanos})
		p.drain()
		checkInside(t, p.a)
		if t.Failed() {
			t.FailNow()
		}
	}
	p.close()
	checkInside(t, p.a)
	for _, c := range p.conns {
		if !p.closed[c] {
			t.Errorf("not closed: %+v", c)
		}
	}
	return strings.Join(p.log, " ") + fmt.Sprintf(" %+v", p.a.Stats())
}
