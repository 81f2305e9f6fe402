package reassembly

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// script plays segments to an Assembler and writes down what comes out.
// One line of it is one packet of a conversation between a client C and a
// server S:
//
//	C syn            the client's SYN
//	S syn            the server's SYN-ACK
//	C ack            nothing but an acknowledgement of all that S has sent
//	C 0:5            the bytes [0, 5) of the client's stream
//	C fin            a FIN behind all that C has sent
//	C rst            an RST there
//	C keep           a keep-alive of one byte; keep0: of none
//	tick 40          40 packets that are no segments
//	wait 2s          so much time goes by, with enough packets that it counts
//	new              both sides choose new sequence numbers
//	base 100 70      the next connection will be seen from these bytes on
//	expire 1h        Assembler.Expire with a time so much later
//	quiet 1s         Assembler.Quiet
//
// and may be followed by
//
//	ack=5 noack      another acknowledgement than the usual one, or none
//	at=5             another offset for fin, rst, ack, keep and syn
//	fin psh          more control bits
//	drop             it is sent, and not captured
//	cut=3            only 3 bytes of it are captured
//	x                all its bytes are wrong
//	nul              all its bytes are zero
//	bad              so is its checksum
//	card             its checksum is left to the network card
//	win=0            the window
//	port=7           the client's port is not 50000
//
// What comes out is a word for each event: "open", "C0:5" for bytes,
// "C-5:9" for a loss, "fin", "rst", "timeout", "shed" and "end".
type script struct {
	t      testing.TB
	a      *Assembler
	packet int64
	nanos  int64
	isn    [2]Seq
	sent   map[int]*[2]int64 // by port: behind the last number sent
	log    []string
	conns  []*stream.Conn // in the order of their Opened events
	base   [2]int64       // contents' offsets of the first bytes of the next connection
	bases  map[*stream.Conn][2]int64
	off    map[*stream.Conn]*[2]int64
	closed map[*stream.Conn]bool
	ended  int64
	onData func(e *stream.Event)
	wrong  bool // chunks may hold wrong bytes
	acks   []int64
	stamps []int64
	fates  []string // of each segment
}

func newScript(t testing.TB, l Limits) *script {
	return &script{
		t: t, a: New(l), nanos: 1_700_000_000 * second,
		isn:   [2]Seq{1000, math.MaxUint32 - 20}, // the server's number wraps at once
		sent:  map[int]*[2]int64{},
		bases: map[*stream.Conn][2]int64{}, off: map[*stream.Conn]*[2]int64{}, closed: map[*stream.Conn]bool{},
	}
}

// content is byte number off of what a side says.
func content(d stream.Dir, off int64) byte {
	return byte(off) ^ byte(off>>8)*7 ^ byte(d)*0x55
}

func contents(d stream.Dir, from, to int64) []byte {
	b := make([]byte, to-from)
	for i := range b {
		b[i] = content(d, from+int64(i))
	}
	return b
}

func testAddr(last byte) packet.Addr {
	return packet.Addr{10: 0xff, 11: 0xff, 12: 192, 13: 0, 14: 2, 15: last}
}

func (p *script) run(text string) {
	p.t.Helper()
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		if f := strings.Fields(line); len(f) > 0 {
			p.line(f)
		}
	}
}

func (p *script) line(f []string) {
	p.t.Helper()
	switch f[0] {
	case "tick":
		n, _ := strconv.Atoi(f[1])
		for range n {
			p.tick()
		}
		return
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			p.t.Fatal(err)
		}
		p.nanos += int64(d)
		for range 2 * clockWindow {
			p.tick()
		}
		return
	case "expire", "quiet":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			p.t.Fatal(err)
		}
		if f[0] == "quiet" {
			p.a.Quiet(d)
		} else {
			p.a.Expire(p.nanos + int64(d))
		}
		p.drain()
		return
	case "base":
		p.base[0], _ = strconv.ParseInt(f[1], 10, 64)
		p.base[1], _ = strconv.ParseInt(f[2], 10, 64)
		return
	case "new":
		p.isn[0], p.isn[1] = p.isn[0]+1_500_000_000, p.isn[1]+2_000_000_000
		clear(p.sent)
		return
	}
	p.packetLine(f)
}

func (p *script) packetLine(f []string) {
	p.t.Helper()
	dir := stream.Client
	if f[0] == "S" {
		dir = stream.Server
	} else if f[0] != "C" {
		p.t.Fatalf("script: %q", f)
	}
	s := packet.Segment{Window: 1000, Flags: packet.ACK}
	port := 50000
	for _, w := range f {
		if v, ok := strings.CutPrefix(w, "port="); ok {
			port, _ = strconv.Atoi(v)
		}
	}
	pos := p.sent[port]
	if pos == nil {
		pos = &[2]int64{}
		p.sent[port] = pos
	}
	from, ack := pos[dir], pos[dir.Other()]
	var length, takes int64
	drop, noAck, cut, x, nul, syn := false, false, -1, false, false, false
	for _, w := range f[1:] {
		key, val, hasVal := strings.Cut(w, "=")
		n, _ := strconv.ParseInt(val, 10, 64)
		switch {
		case key == "syn":
			syn = true
			s.Flags |= packet.SYN
			from = 0
			if dir == stream.Client {
				s.Flags &^= packet.ACK
			}
		case key == "fin":
			s.Flags |= packet.FIN
			takes = 1
		case key == "rst":
			s.Flags |= packet.RST
		case key == "psh":
			s.Flags |= packet.PSH
		case key == "keep":
			from, length, x = from-1, 1, true
		case key == "keep0":
			from--
		case key == "noack":
			noAck = true
		case key == "drop":
			drop = true
		case key == "x":
			x = true
		case key == "nul":
			nul = true
		case key == "bad":
			s.BadChecksum = true
		case key == "card":
			s.BadChecksum, s.Unfilled = true, true
		case key == "ack" && !hasVal:
		case key == "ack":
			ack = n
		case key == "at":
			from = n
		case key == "cut":
			cut = int(n)
		case key == "win":
			s.Window = uint16(n)
		case key == "port":
		default:
			a, b, ok := strings.Cut(w, ":")
			if !ok {
				p.t.Fatalf("script: %q in %q", w, f)
			}
			from, _ = strconv.ParseInt(a, 10, 64)
			end, _ := strconv.ParseInt(b, 10, 64)
			length = end - from
		}
	}
	if s.Flags&packet.RST == 0 {
		pos[dir] = max(pos[dir], from+length+takes)
	}
	p.packet++
	p.nanos += 1000
	if drop {
		return
	}
	ends := [2]packet.Endpoint{{Addr: testAddr(1), Port: uint16(port)}, {Addr: testAddr(2), Port: 110}}
	s.Src, s.Dst = ends[dir], ends[dir.Other()]
	s.Seq = uint32(p.isn[dir].Add(1 + from))
	if syn {
		s.Seq--
	}
	s.Ack = uint32(p.isn[dir.Other()].Add(1 + ack))
	if noAck || s.Flags&packet.ACK == 0 {
		s.Flags &^= packet.ACK
		s.Ack = 0
	}
	s.Payload = contents(dir, from, from+length)
	if x {
		for i := range s.Payload {
			s.Payload[i] ^= 0xff
		}
	}
	if nul {
		clear(s.Payload)
	}
	s.Length = len(s.Payload)
	if cut >= 0 {
		s.Payload = s.Payload[:cut]
	}
	p.a.Segment(&s, stream.Stamp{Packet: p.packet, Nanos: p.nanos})
	p.fates = append(p.fates, p.a.Fate().Marks.String())
	p.drain()
	for i := range s.Payload {
		s.Payload[i] = 0xee // borrowed no longer
	}
}

func (p *script) tick() {
	p.packet++
	p.a.Tick(stream.Stamp{Packet: p.packet, Nanos: p.nanos})
	p.drain()
}

func (p *script) close() {
	p.a.Close()
	p.drain()
}

// drain writes down the events there are, and checks what holds for all.
func (p *script) drain() {
	p.t.Helper()
	for e := p.a.Next(); e != nil; e = p.a.Next() {
		p.event(e)
	}
}

func (p *script) event(e *stream.Event) {
	p.t.Helper()
	c := e.Conn
	if p.closed[c] {
		p.t.Errorf("an event after Closed: %+v", e)
	}
	if (e.Kind == stream.Opened) == (p.off[c] != nil) {
		p.t.Errorf("Opened is missing, or came twice: %+v", e)
	}
	switch e.Kind {
	case stream.Opened:
		p.off[c] = &[2]int64{}
		p.bases[c] = p.base
		p.conns = append(p.conns, c)
		p.log = append(p.log, "open")
	case stream.Closed:
		p.closed[c] = true
		word := c.Close.String()
		switch {
		case c.Shed:
			word = "shed"
		case c.Close == stream.NotClosed:
			word = "end"
		}
		p.log = append(p.log, word)
		if (c.Ended == stream.Stamp{}) != (c.Close == stream.NotClosed) {
			p.t.Errorf("Ended is %v for %v", c.Ended, c.Close)
		}
		if c.Close == stream.NotClosed {
			p.ended = math.MaxInt64
		} else if c.Ended.Packet < p.ended {
			p.t.Errorf("Closed with Ended.Packet %d after one with %d", c.Ended.Packet, p.ended)
		} else {
			p.ended = c.Ended.Packet
		}
	case stream.Data:
		p.chunk(c, &e.Chunk)
		if p.onData != nil {
			p.onData(e)
		}
	}
}

func (p *script) chunk(c *stream.Conn, ch *stream.Chunk) {
	p.t.Helper()
	next := &p.off[c][ch.Dir]
	if ch.Off != *next || ch.Len() <= 0 || ch.Lost != 0 && ch.Data != nil || ch.PeerAcked < -1 {
		p.t.Errorf("chunk %+v at offset %d", ch, *next)
	}
	*next = ch.Off + ch.Len()
	if c.Bytes[ch.Dir]+c.Lost[ch.Dir] != *next {
		p.t.Errorf("Bytes %v and Lost %v at offset %d", c.Bytes, c.Lost, *next)
	}
	if ch.At.Packet < 1 || ch.At.Packet > p.packet {
		p.t.Errorf("chunk %+v at packet %d", ch, p.packet)
	}
	if !p.wrong {
		for i, b := range ch.Data {
			if want := content(ch.Dir, p.bases[c][ch.Dir]+ch.Off+int64(i)); b != want {
				p.t.Fatalf("%v byte %d: got %#x, want %#x", ch.Dir, ch.Off+int64(i), b, want)
			}
		}
	}
	p.acks = append(p.acks, ch.PeerAcked)
	p.stamps = append(p.stamps, ch.At.Packet)
	sep := ""
	if ch.Lost > 0 {
		sep = "-"
	}
	p.log = append(p.log, fmt.Sprintf("%c%s%d:%d", "CS"[ch.Dir], sep, ch.Off, *next))
}

func (p *script) want(log string) {
	p.t.Helper()
	got := strings.Join(p.log, " ")
	if want := strings.Join(strings.Fields(log), " "); got != want {
		p.t.Errorf("events\n got %s\nwant %s", got, want)
	}
	p.log = nil
}

const handshakeLines = "C syn; S syn; C ack;"

// bytewise has the client send one byte at a time, and bytewiseLog is what
// comes of it.
func bytewise(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "C %d:%d psh;", i, i+1)
	}
	return b.String()
}

func bytewiseLog(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "C%d:%d ", i, i+1)
	}
	return b.String()
}

func TestScripts(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		play   string
		want   string // before Close
		rest   string // after Close
		check  func(t *testing.T, c *stream.Conn)
	}{
		{
			name: "a whole conversation",
			play: handshakeLines + "S 0:11; C ack; C 0:12; S 11:20; C 12:18; S 20:25; S fin; C fin; S ack; wait 2s",
			want: "open S0:11 C0:12 S11:20 C12:18 S20:25 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if !c.Handshake || !c.ClientKnown || c.Packets != [2]int64{6, 6} || c.Ended.Packet != 11 || c.First.Packet != 1 || c.Last.Packet != 12 {
					t.Errorf("got %+v", c)
				}
				if c.Transport() != (stream.Transport{}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "two segments swapped",
			play: handshakeLines + "S 5:9; S 0:5; C ack",
			want: "open S0:5 S5:9",
			rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfOrder: [2]int64{0, 1}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a new tail on a retransmission",
			play: handshakeLines + "S 0:5; S 0:9; S 2:4; C ack",
			want: "open S0:5 S5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{Retransmitted: [2]int64{0, 1}, ResendTime: [2]int64{0, 1000}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a retransmission fills a hole and goes over what waits",
			play: handshakeLines + "S 5:9; S 12:15; S 0:20; C ack",
			want: "open S0:5 S5:9 S9:12 S12:15 S15:20", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfOrder != [2]int64{0, 2} || c.Transport().Conflicts != 0 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a loss is given up 32 packets after the peer acknowledged it",
			play: handshakeLines + "S 0:10; S 10:20 drop; S 20:30; C ack" + strings.Repeat("; C ack", 31),
			want: "open S0:10",
			rest: "S-10:20 S20:30 end",
		},
		{
			name: "and not before",
			play: handshakeLines + "S 0:10; S 10:20 drop; S 20:30; C ack" + strings.Repeat("; C ack", 32),
			want: "open S0:10 S-10:20 S20:30",
			rest: "end",
		},
		{
			name: "a loss is given up a second after the peer acknowledged it",
			play: "tick 32; " + handshakeLines + "S 0:10; S 10:20 drop; S 20:30; C ack; tick 32; wait 900ms; wait 200ms",
			want: "open S0:10 S-10:20 S20:30",
			rest: "end",
		},
		{
			name: "acknowledged data may come late",
			play: "tick 32; " + handshakeLines + "S 0:10; C ack=30; S 20:30; tick 32; wait 900ms; S 10:20",
			want: "open S0:10 S10:20 S20:30", rest: "end",
		},
		{
			name: "a hole that the peer does not acknowledge stays open",
			play: "tick 32; " + handshakeLines + "S 10:20; C ack=0; wait 10m; C ack=0; wait 10m; S 0:10",
			want: "open S0:10 S10:20", rest: "end",
		},
		{
			name: "a loss with nothing behind it",
			play: handshakeLines + "S 0:10; S 10:25 drop; C 0:5" + strings.Repeat("; C ack", 32) + "; S 25:30",
			want: "open S0:10 C0:5 S-10:25 S25:30", rest: "end",
		},
		{
			name: "partly acknowledged",
			play: handshakeLines + "S 30:40; C ack=10" + strings.Repeat("; C ack=10", 32),
			want: "open S-0:10", rest: "S-10:30 S30:40 end",
		},
		{
			name: "several losses by one acknowledgement",
			play: handshakeLines + "S 10:20; S 30:40; S 50:60; C ack" + strings.Repeat("; C ack", 32),
			want: "open S-0:10 S10:20 S-20:30 S30:40 S-40:50 S50:60", rest: "end",
		},
		{
			name: "FIN before the last data",
			play: handshakeLines + "S 0:10; S 20:25 fin; C fin ack=10; S 10:20; C ack; S ack; wait 2s",
			want: "open S0:10 S10:20 S20:25 fin",
		},
		{
			name: "FIN of its own before the last data",
			play: handshakeLines + "S 0:10; S fin at=20; C fin ack=10; S 10:20; C ack; S ack; wait 2s",
			want: "open S0:10 S10:20 fin",
		},
		{
			name: "bytes before a FIN are lost",
			play: "tick 32;" + handshakeLines + "S 0:10; S 10:20 drop; S fin; C fin; S ack; wait 3s; wait 2s",
			want: "open S0:10 S-10:20 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Lost != [2]int64{0, 10} {
					t.Errorf("Lost %v", c.Lost)
				}
			},
		},
		{
			name: "one side closes and the other goes on",
			play: handshakeLines + "C 0:5; C fin; S 0:10; S 10:20; C ack; wait 2s; S 20:30; S fin; C ack; wait 2s",
			want: "open C0:5 S0:10 S10:20 S20:30 fin",
		},
		{
			name: "data after a FIN",
			play: handshakeLines + "C 0:5; C fin; S ack; C 6:9; C 5:9; S fin ack=6; C ack; wait 2s",
			want: "open C0:5 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{2, 0} {
					t.Errorf("Late %v", c.Transport().Late)
				}
			},
		},
		{
			name: "a FIN that was forged",
			play: handshakeLines + "C 0:5; C fin; C 5:9; C 9:12; S ack=12; C 12:15; S ack=15",
			want: "open C0:5 C5:9 C9:12 C12:15", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfWindow != [2]int64{1, 0} || c.Transport().Late != [2]int64{} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "two FINs that were forged",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; C 5:9; C 9:12; S at=0 ack=12; S 0:5 ack=12; C ack=5; C fin at=12; S fin at=5; C ack; wait 2s",
			want: "open C0:5 C5:9 C9:12 S0:5 fin",
		},
		{
			name: "a forged FIN that is never reached",
			play: handshakeLines + "C 0:5; C fin at=500; C 5:9; S ack=9; C fin at=9; S 0:3 ack=10; S fin at=3 ack=10; C ack=4; wait 2s",
			want: "open C0:5 C5:9 S0:3 fin",
		},
		{
			name: "RST",
			play: handshakeLines + "C 0:5; S 0:4; C rst; wait 2s",
			want: "open C0:5 S0:4 rst",
		},
		{
			name: "RST far from the stream",
			play: handshakeLines + "C 0:5; C rst at=70000; S rst at=-1; S 0:4; wait 2s",
			want: "open C0:5 S0:4", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfWindow != [2]int64{1, 1} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a forged RST that both sides ignore",
			play: handshakeLines + "C 0:5; S rst; C 5:9; S 0:4; C ack; wait 2s; C 9:11; S ack; wait 2s",
			want: "open C0:5 C5:9 S0:4 C9:11", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfWindow != [2]int64{0, 1} || c.Close != stream.NotClosed {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "data on its way when an RST comes",
			play: handshakeLines + "S 0:5; C rst; S 5:9; wait 2s",
			want: "open S0:5 S5:9 rst",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{0, 1} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "RST with a bad checksum from a side that has good ones",
			play: handshakeLines + "C 0:5; C rst bad; wait 2s; C 5:6 psh",
			want: "open C0:5 C5:6", rest: "end",
		},
		{
			name: "RST after the FINs",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; C rst; wait 2s",
			want: "open C0:5 fin",
		},
		{
			name: "keep-alives",
			play: handshakeLines + "C 0:5; S 0:5; C keep; S ack; S keep0; C ack; S keep; S 5:9; S keep; C keep0",
			want: "open C0:5 S0:5 S5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{KeepAlives: [2]int64{2, 3}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "keep-alive before any data",
			play: handshakeLines + "C keep; C 0:5",
			want: "open C0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{KeepAlives: [2]int64{1, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "keep-alive behind a hole",
			play: handshakeLines + "C 5:9; C keep; C 0:5; C keep",
			want: "open C0:5 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().KeepAlives != [2]int64{2, 0} || c.Transport().Conflicts != 0 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "keep-alive behind what was not captured",
			play: handshakeLines + "C 0:5; S ack=9; C keep nul at=8; S ack=9; wait 2s; C 9:12",
			want: "open C0:5 C-5:9 C9:12", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().KeepAlives != [2]int64{1, 0} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a window of zero and a probe with a new byte",
			play: handshakeLines + "S 0:5; C ack win=0; S 5:6; C ack=5 win=0; S 5:6; C ack=5 win=0; C ack=5; S 5:9; C ack",
			want: "open S0:5 S5:6 S6:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{KeepAlives: [2]int64{0, 1}, ZeroWindows: [2]int64{3, 0}, ZeroTime: [2]int64{5000, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "caught in the middle",
			play: "base 100 70; C 100:105 ack=70; S 70:80; C 105:110",
			rest: "open C0:5 S0:10 C5:10 end",
		},
		{
			name: "caught in the middle: nothing is delivered until 8 packets are there, then all in their order",
			play: "base 100 70; S 75:80 ack=100; C 100:105 ack=70; S 70:75 ack=100; C 105:106; C 106:110" + strings.Repeat("; S ack", 3),
			want: "", rest: "open C0:5 S0:5 S5:10 C5:6 C6:10 end",
		},
		{
			name: "and after them",
			play: "base 100 70; S 75:80 ack=100; C 100:105 ack=70; S 70:75 ack=100; C 105:106; C 106:110" + strings.Repeat("; S ack", 4) + "; C 110:120",
			want: "open C0:5 S0:5 S5:10 C5:6 C6:10 C10:20", rest: "end",
		},
		{
			name: "or until a second has passed",
			play: "base 100 70; tick 32; C 100:105; wait 2s",
			want: "open C0:5", rest: "end",
		},
		{
			name: "caught in the middle with a hole in the first packets",
			play: "base 100 70; C ack at=100 ack=70; S 70:80; C 100:105; S 85:90; S 80:85",
			rest: "open S0:10 C0:5 S10:15 S15:20 end",
		},
		{
			name: "caught in the middle, first packets swapped",
			play: "base 0 70; S 80:90 ack=5; S 70:80 ack=5; C ack=90 at=5; S 90:95",
			rest: "open S0:10 S10:20 S20:25 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfOrder != [2]int64{0, 1} || c.ClientKnown || c.Lost != [2]int64{} {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "caught in the middle of a long answer: what went before is not lost",
			play: "base 0 5000; C ack=3000 at=50; S 5000:6000; C ack=5000; S 6000:7000; C ack=7000; wait 2s",
			want: "open S0:1000 S1000:2000", rest: "end",
		},
		{
			name: "caught in the middle, and the first answer is lost",
			play: "base 10 100; C 10:20 ack=100; S 100:130 drop; C 20:25 ack=130; S 130:140; C 25:30" + strings.Repeat("; C ack", 8+32),
			want: "open C0:10 C10:15 C15:20 S-0:30 S30:40", rest: "end",
		},
		{
			name: "caught in the middle, with bytes from before what was acknowledged",
			play: "base 0 65; C ack=70; S 65:69; S 70:80; S 80:85; C ack=85",
			rest: "open S0:4 S-4:5 S5:15 S15:20 end",
		},
		{
			name: "SYN after the first data",
			play: "S syn; C 0:5; S 0:9; C syn; C 5:9",
			want: "open C0:5 S0:9 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if !c.Handshake || !c.ClientKnown {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "SYN after data that nobody acknowledged yet",
			play: "C 4:9; C syn; S syn; C 0:4",
			want: "open C0:4 C4:9", rest: "end",
		},
		{
			name: "keep-alive as the first packet",
			play: "base 100 0; C keep nul at=99 ack=50; S ack=100 at=50; C 100:105",
			rest: "open C0:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().KeepAlives[0] != 1 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "only the client is captured",
			play: "C syn; S syn drop; C ack; S 0:11 drop; C 0:12; S 11:20 drop; C 12:18; S 20:25 fin drop; C fin; wait 2s; wait 2s",
			want: "open C0:12 C12:18 S-0:25 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Lost != [2]int64{0, 25} {
					t.Errorf("Lost %v", c.Lost)
				}
			},
		},
		{
			name: "only the server is captured",
			play: "C syn drop; S syn; S 0:11; C 0:12 drop; S 11:20; C 12:18 drop; S 20:25; S fin; C fin drop; S ack; wait 2s; wait 2s",
			want: "open S0:11 S11:20 S20:25 C-0:18 fin",
		},
		{
			name: "the FIN of one side is lost, and its acknowledgement is not a byte",
			play: "tick 32;" + handshakeLines + "C 0:5; S 0:5; S fin drop; C fin; S ack; wait 3s; wait 2s; C ack; wait 3m",
			want: "open C0:5 S0:5 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Lost != [2]int64{} {
					t.Errorf("Lost %v", c.Lost)
				}
			},
		},
		{
			name: "the last data and the FIN of one side are lost",
			play: "tick 32;" + handshakeLines + "C 0:5; S 0:5; S 5:9 fin drop; C fin; S ack; wait 3s; wait 2s",
			want: "open C0:5 S0:5 S-5:9", rest: "fin",
		},
		{
			name: "cut by the snapshot length",
			play: handshakeLines + "S 0:100 cut=60; C ack; S 100:150",
			want: "open S0:60 S-60:100 S100:150", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{Cut: [2]int64{0, 1}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "cut, and whole in a retransmission while it waits",
			play: handshakeLines + "S 10:100 cut=60; S 20:90; S 0:10",
			want: "open S0:10 S10:70 S70:90 S-90:100", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Conflicts != 0 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "headers only",
			play: handshakeLines + "S 0:100 cut=0; C 0:5 cut=0",
			want: "open S-0:100 C-0:5", rest: "end",
		},
		{
			name: "cut, and bytes from the middle in a retransmission",
			play: handshakeLines + "S 10:40 cut=10; S 25:30; S 0:10",
			want: "open S0:10 S10:20 S-20:25 S25:30 S-30:40", rest: "end",
		},
		{
			name: "cut, and bytes for several of those in a retransmission",
			play: handshakeLines + "S 10:20 cut=5; S 20:30 cut=5; S 30:40 cut=0; S 12:38; S 0:10",
			want: "open S0:10 S10:15 S15:20 S20:25 S25:38 S-38:40", rest: "end",
		},
		{
			name: "bytes on both sides of a FIN in one segment",
			play: handshakeLines + "S 5:12; S fin at=8; S 0:5; C fin ack=9; S ack; wait 2s",
			want: "open S0:5 S5:8 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{0, 1} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "cut bytes on both sides of a FIN in one segment",
			play: handshakeLines + "S 5:12 cut=1; S fin at=8; S 0:5; C fin ack=9; S ack; wait 2s",
			want: "open S0:5 S5:6 S-6:8 fin",
		},
		{
			name:   "too many bytes wait behind a FIN",
			limits: Limits{DirectionBytes: pieceOverhead + 15},
			play:   handshakeLines + "S fin at=5; S 10:20; S 30:40; S 0:3",
			want:   "open S-0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{0, 2} || c.Transport().BufferLimit != 2 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a forged FIN where only one side is captured",
			play: "C syn; C 0:5; C fin; C 5:9;" + bytewise(9, 280),
			want: "open C0:5 C5:9 " + bytewiseLog(9, 280), rest: "end",
		},
		{
			name: "out of the window",
			play: handshakeLines + "S 0:5; S 2000000000:2000000005; S 1200000000:1200000001; S 5:9",
			want: "open S0:5 S5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfWindow != [2]int64{0, 2} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a forged segment far ahead does not stop the stream",
			play: handshakeLines + "S 1000:1005; S 0:5" + strings.Repeat("; C ack=5", 300) + "; S 5:9; wait 1m; C 0:9 ack=9; S fin at=9; C fin ack=10; S ack; wait 2s",
			want: "open S0:5 S5:9 C0:9 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Lost != [2]int64{} {
					t.Errorf("Lost %v", c.Lost)
				}
			},
		},
		{
			name: "a forged acknowledgement does not make a loss",
			play: "tick 32;" + handshakeLines + "S 0:5; C ack=9000; C ack=5; C ack=5; C ack=5; C ack=5; wait 2m; S 5:9" + strings.Repeat("; C ack=9; S ack", 40),
			want: "open S0:5 S5:9", rest: "end",
		},
		{
			name: "acknowledgements that overtake each other do not take back a loss",
			play: handshakeLines + "S 0:10; S 20:30; C ack; C ack=10; C ack=10; C ack; C ack=10; C ack=10" + strings.Repeat("; C ack", 27),
			want: "open S0:10 S-10:20 S20:30", rest: "end",
		},
		{
			name: "a FIN that nobody acknowledged proves no loss before it",
			play: "tick 32;" + handshakeLines + "S 0:10; S fin at=20; C ack=10; wait 3s; S 10:20",
			want: "open S0:10 S10:20", rest: "end",
		},
		{
			name: "bytes before a FIN are lost, and nobody is seen who could tell",
			play: "tick 32; C syn; C 0:5; C fin at=9; wait 10s; wait 10s; wait 2s",
			want: "open C0:5 C-5:9 fin",
		},
		{
			name: "bytes before a FIN are lost, and some come behind it",
			play: handshakeLines + "S 0:5; S fin at=8; S 10:15",
			want: "open S0:5", rest: "S-5:8 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{0, 1} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a FIN before the end of what came",
			play: handshakeLines + "C 0:9; C fin at=5; C 9:12",
			want: "open C0:9 C9:12", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfWindow: [2]int64{1, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a FIN stands, whatever is acknowledged before it",
			play: "tick 32;" + handshakeLines + "S 0:10; S fin at=20; C fin ack=15; S ack at=21; wait 3s; wait 2s; S 15:20; C ack=21; wait 3s",
			want: "open S0:10 S-10:15 S15:20 fin",
		},
		{
			name: "a forged acknowledgement of bytes behind a FIN",
			play: handshakeLines + "C 0:5; C fin; S ack=20; S fin ack=6; C ack; wait 2s",
			want: "open C0:5 fin",
		},
		{
			name: "a FIN was guessed, and the stream went on",
			play: "tick 32;" + handshakeLines + "C 0:5; S 0:5; C fin ack=9; S ack; wait 3s; C ack=20; wait 3s; wait 2s",
			want: "open C0:5 S0:5 S-5:8 S-8:19", rest: "fin",
		},
		{
			name: "caught at a FIN",
			play: "base 100 0; S ack=98 at=0; C fin at=100; S ack=101 at=0; S 0:5 ack=101; S fin at=5 ack=101; C ack=6 at=101; wait 3s; wait 3s",
			want: "open S0:5 fin",
		},
		{
			name: "caught before anything was sent",
			play: "base 0 100; S ack at=70; S 100:105; C ack=105",
			want: "", rest: "open S0:5 end",
		},
		{
			name: "caught where only acknowledgements are seen",
			play: "tick 32; base 0 200; C ack=100 at=0; C ack=200 at=0" + strings.Repeat("; C ack=150 at=0", 64) + "; C ack=300 at=0; wait 3s; wait 2s",
			want: "open S-0:100", rest: "end",
		},
		{
			name: "a lone byte behind what was acknowledged is no keep-alive",
			play: "base 100 0; S ack=100 at=0; C 100:101; C 101:105",
			want: "", rest: "open C0:1 C1:5 end",
		},
		{
			name: "keep-alive without a byte behind a hole",
			play: handshakeLines + "C 5:9; C keep0; C 0:5",
			want: "open C0:5 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().KeepAlives != [2]int64{1, 0} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "bytes from before the SYN's number",
			play: handshakeLines + "S 0:5; S -20:-15; S 5:9",
			want: "open S0:5 S5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfWindow: [2]int64{0, 1}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "bytes from long before a stream caught in the middle",
			play: "base 0 200000000; S 200000000:200000005" + strings.Repeat("; C ack", 8) + "; S 100000000:100000010; S 200000005:200000010",
			want: "open S0:5 S5:10", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfWindow: [2]int64{0, 1}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a retransmission that is cut before its new bytes",
			play: handshakeLines + "S 0:10; S 5:20 cut=2; S 20:25",
			want: "open S0:10 S-10:20 S20:25", rest: "end",
		},
		{
			name: "data with the SYN, all of it cut",
			play: "C syn 0:5 cut=0; S syn",
			want: "open C-0:5", rest: "end",
		},
		{
			name: "the history is that of 16 chunks",
			play: handshakeLines + bytewise(0, 18) + "C 0:3 x",
			want: "open " + bytewiseLog(0, 18), rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Unverified != 2 || c.Transport().Conflicts != 1 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "an RST that acknowledges far too much makes no loss",
			play: handshakeLines + "S 0:5; C rst ack=900000; wait 2s",
			want: "open S0:5 rst",
		},
		{
			name: "a stray SYN on a connection that goes on",
			play: handshakeLines + "C 0:5; C syn at=70000; S 0:5 ack=5; C 5:9 ack=5; S 5:9 ack=9",
			want: "open C0:5 S0:5 C5:9 S5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfWindow: [2]int64{1, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a stray SYN before a connection is seen that goes on",
			play: "C syn; new; base 5 5; C 5:9 ack=5; S 5:9 ack=9; C 9:12; S ack",
			want: "", rest: "open C0:4 S0:4 C4:7 end",
		},
		{
			name: "the side that is not seen goes on after a FIN",
			play: "tick 32; S syn; S 0:5; S fin; wait 800ms; S ack=20; wait 800ms; S ack=40; wait 3s",
			want: "open S0:5 C-0:39 fin",
		},
		{
			name: "and the other way round",
			play: "tick 32; C syn; C 0:5; wait 2s; C fin; wait 800ms; C ack=20; wait 800ms; C ack=40; wait 3s",
			want: "open C0:5 S-0:39 fin",
		},
		{
			name: "only copies come while the peer is not seen: the hole stays open",
			play: "C syn; C 0:5; C 9:12" + strings.Repeat("; C 0:5", 280) + "; C 5:9",
			want: "open C0:5 C5:9 C9:12", rest: "end",
		},
		{
			name: "caught far behind what was acknowledged before",
			play: "base 0 2000000; C 0:5 ack=0; S 2000000:2000005",
			want: "", rest: "open C0:5 S0:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "keep-alive after a FIN",
			play: handshakeLines + "C 0:5; C fin; S ack; C keep; S ack",
			want: "open C0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{KeepAlives: [2]int64{1, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a lone byte at the end of what was acknowledged",
			play: handshakeLines + "C 0:5; S ack=9; C 8:9; S ack" + strings.Repeat("; S ack", 32),
			want: "open C0:5 C-5:8 C8:9", rest: "end",
		},
		{
			name: "a lone zero byte behind a hole is no keep-alive",
			play: handshakeLines + "C 0:261; C 263:264; C 261:263",
			want: "open C0:261 C261:263 C263:264", rest: "end",
		},
		{
			name: "four-tuple used again, with data on the SYN-ACK",
			play: handshakeLines + "C 0:5; new; C syn; S syn 0:5; C ack",
			want: "open C0:5 open S0:5 timeout", rest: "end",
		},
		{
			name: "a SYN that comes again after the report",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; wait 2s; C syn; S syn; C 0:5",
			want: "open C0:5 fin",
		},
		{
			name: "late packets after the report of an RST open nothing",
			play: handshakeLines + "C 0:5; S rst; wait 2s; wait 2s; C 0:5; C ack",
			want: "open C0:5 rst",
		},
		{
			name: "checksums left to the network card",
			play: handshakeLines + "C 0:5 card; C 5:9 card",
			want: "open C0:5 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{Unfilled: [2]int64{2, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "checksums left to the network card, but not all of them",
			play: handshakeLines + "C 0:5 card; C 5:9; C 9:12 card",
			want: "open C0:5 C5:9 C9:12", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{BadChecksums: [2]int64{2, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "checksums that are just wrong",
			play: handshakeLines + "C 0:5 bad; C 5:9 bad",
			want: "open C0:5 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{BadChecksums: [2]int64{2, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a FIN that was guessed comes late",
			play: "tick 32;" + handshakeLines + "C 0:5; S 0:5; S fin drop; C fin; S ack; wait 3s; wait 2s; S fin at=5; wait 2s",
			want: "open C0:5 S0:5 fin",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a SYN-ACK for another SYN",
			play: "C syn; C 0:5; S syn ack=900; S syn; S 0:3",
			want: "open C0:5 S0:3", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfWindow: [2]int64{0, 1}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "acknowledged once, and nobody is seen who could send it again",
			play: "tick 32; C syn; C 0:5; C ack=9; wait 3s; wait 2s; wait 2s",
			want: "open C0:5 S-0:9", rest: "end",
		},
		{
			name: "a single number is acknowledged that may be that of a FIN",
			play: handshakeLines + "C 0:5; S 0:5; C ack=6",
			want: "open C0:5 S0:5", rest: "end",
		},
		{
			name: "data of an older connection between SYN and SYN-ACK",
			play: "C syn; S 70000:70005 cut=0 ack=1200000000; S syn; C ack=0; C 0:5 ack=0",
			want: "open S-0:5 timeout open C0:5", rest: "end",
		},
		{
			name: "and its acknowledgement is ahead of the SYN",
			play: "C syn; S 70000:70005 cut=0 ack=300000000; S at=0 syn; C ack=0; C 0:5 ack=0",
			want: "open S-0:5 timeout open C0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if o := c.Transport().OutOfWindow; o != [2]int64{} || c.Lost[stream.Client] != 0 {
					t.Errorf("got %v out of the window, %d bytes lost", o, c.Lost[stream.Client])
				}
			},
		},
		{
			name: "the side with the lower port opens, and the other one speaks",
			play: "S syn noack; C 0:5 cut=0",
			want: "", rest: "open S-0:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if !c.ClientKnown || c.Client.Port() != 110 {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "an RST without an acknowledgement makes no loss",
			play: handshakeLines + "S 0:5; C rst noack; wait 2s",
			want: "open S0:5 rst",
		},
		{
			name: "keep-alive without a byte as the first packet of a side",
			play: "base 100 0; S ack=100 at=0; C keep0 at=99; C 100:105",
			want: "", rest: "open C0:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{KeepAlives: [2]int64{1, 0}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "caught where only empty segments are seen",
			play: "base 0 70" + strings.Repeat("; S ack at=70", 66) + "; S 100:105" + strings.Repeat("; C ack=105", 34),
			want: "open S-0:30 S30:35", rest: "end",
		},
		{
			name: "caught where the peer said that it lacks some",
			play: "base 95 0; S 0:5 ack=98; S 5:9 ack=100; S 9:12 ack=95; C 100:105",
			want: "", rest: "open S0:5 S5:9 S9:12 C-0:5 C5:10 end",
		},
		{
			name: "a segment in parts is out of order once",
			play: handshakeLines + "S 5:9; S 3:12; S 0:3",
			want: "open S0:3 S3:5 S5:9 S9:12", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport() != (stream.Transport{OutOfOrder: [2]int64{0, 2}}) {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "a segment in parts is late once",
			play: handshakeLines + "S fin at=5; S 30:35; S 25:40; S 0:5",
			want: "open S0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().Late != [2]int64{0, 2} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "an RST that overtook data",
			play: handshakeLines + "C 0:5; S rst at=9; S 0:9; C ack; wait 2s",
			want: "open C0:5 S0:9 rst",
		},
		{
			name: "copies with other lines, and with the same",
			play: handshakeLines + "S 0:100; S 90:100 x; S 0:10 x",
			want: "open S0:100", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if d := c.Trouble.Disputes[stream.Server]; !slices.Equal(d, []stream.Dispute{{From: 0, To: 10}, {From: 90, To: 100, Lines: true}}) {
					t.Errorf("got %+v", d)
				}
			},
		},
		{
			name:   "quiet, as a live capture tells",
			limits: Limits{Idle: time.Minute},
			play:   "tick 32;" + handshakeLines + "C 0:5; tick 32; quiet 40s; quiet 40s",
			want:   "open C0:5 timeout",
		},
		{
			name:   "quiet, and the packets after it tell the same time",
			limits: Limits{Idle: time.Minute},
			play:   "tick 32;" + handshakeLines + "C 0:5; tick 32; quiet 40s; wait 40s; C 5:9",
			want:   "open C0:5 C5:9", rest: "end",
		},
		{
			name: "both directions wait at the end: what came first comes out first",
			play: handshakeLines + "C 5:9 ack=0; S 5:9 ack=0",
			want: "", rest: "open C-0:5 C5:9 S-0:5 S5:9 end",
		},
		{
			name: "an RST behind what was acknowledged",
			play: handshakeLines + "C 0:5; C rst at=0; wait 2s",
			want: "open C0:5 rst",
		},
		{
			name: "a single acknowledgement of bytes that nobody saw proves nothing",
			play: "tick 32;" + handshakeLines + "S 0:5; C ack=9000; wait 3s; wait 2s; S 5:9" + strings.Repeat("; C ack=9", 4),
			want: "open S0:5 S5:9", rest: "end",
		},
		{
			name: "SYN again and again",
			play: "C syn; C syn; C syn; S syn; S syn; C ack; C 0:5; C syn; S syn; C 5:9",
			want: "open C0:5 C5:9", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Packets != [2]int64{7, 3} || !c.Handshake {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "data with the SYN",
			play: "C syn 0:5; S syn; C ack; C 5:9; S 0:3",
			want: "open C0:5 C5:9 S0:3", rest: "end",
		},
		{
			name: "the SYN-ACK is not captured",
			play: "C syn; S syn drop; C ack; S 0:5; C 0:5",
			rest: "open S0:5 C0:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Handshake || !c.ClientKnown {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "the SYN is not captured",
			play: "S syn; C ack; S 0:5; C 0:5",
			want: "open S0:5 C0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Handshake || !c.ClientKnown || c.Client.Port() != 50000 {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name: "four-tuple used again after the end",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; new;" + handshakeLines + "C 0:7; wait 2s",
			want: "open C0:5 open C0:7 fin", rest: "end",
		},
		{
			name: "four-tuple used again after the report",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; wait 2s; S ack; C ack; new;" + handshakeLines + "C 0:7",
			want: "open C0:5 fin open C0:7", rest: "end",
		},
		{
			name: "four-tuple used again without an end",
			play: handshakeLines + "C 0:5; new;" + handshakeLines + "C 0:7",
			want: "open C0:5 timeout open C0:7", rest: "end",
		},
		{
			name: "four-tuple used again after one FIN",
			play: handshakeLines + "C 0:5; C fin; S ack; new;" + handshakeLines + "C 0:7",
			want: "open C0:5 fin open C0:7", rest: "end",
		},
		{
			name: "four-tuple used again, its SYN-ACK not captured",
			play: handshakeLines + "C 0:5; new; C syn; S syn drop; C ack; S 0:3; C 0:7",
			want: "open C0:5 timeout", rest: "open S0:3 C0:7 end",
		},
		{
			name: "four-tuple used again, its SYN not captured",
			play: handshakeLines + "C 0:5; new; C syn drop; S syn; C ack; S 0:3; C 0:7",
			want: "open C0:5 timeout open S0:3 C0:7", rest: "end",
		},
		{
			name: "four-tuple used again, neither SYN captured",
			play: handshakeLines + "C 0:5; S 0:9; new; base 15 30; C 10:15 ack=30; S 30:33; C 15:18; S 33:39; C 18:20",
			want: "open C0:5 S0:9 timeout", rest: "open S0:3 C0:3 S3:9 C3:5 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().OutOfWindow != [2]int64{1, 1} {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name: "late packets after the report open nothing",
			play: handshakeLines + "C 0:5; C fin; S fin; C ack; wait 2s; C 0:5; S fin at=0; C rst; C ack; C syn; wait 2s",
			want: "open C0:5 fin",
		},
		{
			name: "an RST that was forged, and nobody spoke for a while",
			play: handshakeLines + "C 0:5; S rst; wait 2s; wait 2s; base 5 0; C 5:9; S ack=9; C 9:12; S ack=12",
			want: "open C0:5 rst", rest: "open C0:4 C4:7 end",
		},
		{
			name: "a connection refused",
			play: "C syn; S rst ack=0; wait 2s",
			want: "",
		},
		{
			name: "no byte was sent",
			play: handshakeLines + "C fin; S fin; C ack; wait 2s",
			want: "",
		},
		{
			name: "both sides open at once",
			play: "C syn; S syn noack; C ack; S ack; C 0:5; S 0:5",
			want: "open C0:5 S0:5", rest: "end",
			check: func(t *testing.T, c *stream.Conn) {
				if !c.Handshake {
					t.Errorf("got %+v", c)
				}
			},
		},
		{
			name:   "idle",
			limits: Limits{Idle: time.Minute},
			play:   "tick 32;" + handshakeLines + "C 0:5; S 5:9; wait 40s; C ack=0; wait 40s; wait 30s",
			want:   "open C0:5 S-0:5 S5:9 timeout",
		},
		{
			name: "expired by the live clock",
			play: "tick 32;" + handshakeLines + "C 0:5; expire 29m; expire 32m",
			want: "open C0:5 timeout",
		},
		{
			name:   "too many bytes wait",
			limits: Limits{DirectionBytes: 3*pieceOverhead + 30},
			play:   handshakeLines + "S 10:20; S 30:40; S 50:60; S 70:80",
			want:   "open S-0:10 S10:20", rest: "S-20:30 S30:40 S-40:50 S50:60 S-60:70 S70:80 end",
			check: func(t *testing.T, c *stream.Conn) {
				if c.Transport().BufferLimit != 1 {
					t.Errorf("got %+v", c.Transport())
				}
			},
		},
		{
			name:   "too many bytes wait in all: the hole that waits longest is given up",
			limits: Limits{TotalBytes: 2*pieceOverhead + 20},
			play:   "C syn port=1; S syn port=1; S 10:20 port=1; C syn port=2; S syn port=2; S 10:20 port=2; S 10:20 port=2; C 5:9 port=2",
			want:   "open S-0:10 S10:20", rest: "end open S-0:10 S10:20 C-0:5 C5:9 end",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newScript(t, test.limits)
			p.run(test.play)
			p.want(test.want)
			p.close()
			p.want(test.rest)
			s := p.a.Stats()
			if s.WaitingBytes != 0 || s.HistoryBytes != 0 || s.Connections != 0 || s.Lingering != 0 || s.HalfOpen != 0 || s.Tombstones != 0 {
				t.Errorf("left over after Close: %+v", s)
			}
			if p.a.table.len != 0 {
				t.Errorf("%d entries left in the table", p.a.table.len)
			}
			if test.check != nil {
				test.check(t, p.conns[0])
			}
		})
	}
}
