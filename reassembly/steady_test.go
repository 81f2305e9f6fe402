package reassembly

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// FuzzSteady shows that the short way of a segment in order comes to the
// same as the long one: in conversations that are mostly in order, all
// events, all counts and the state inside are equal.
func FuzzSteady(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		f.Add(noise(r, 300))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4000 {
			return
		}
		var long string
		for _, ignore := range []bool{true, false} {
			var short string
			short, _ = conversation(t, in, shortWay, ignore)
			if long, _ = conversation(t, in, longWay, ignore); short != long {
				t.Errorf("short %s\nlong  %s", short, long)
			}
		}
		if later, _ := conversation(t, in, inRounds, false); later != long {
			t.Errorf("in rounds %s\none by one %s", later, long)
		}
	})
}

// manner is how a conversation is taken: all three come to the same.
type manner uint8

const (
	shortWay manner = iota
	longWay         // no segment is taken by steady
	inRounds        // events are taken every few segments
)

func TestSteady(t *testing.T) {
	var taken int
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		in := noise(r, 1000)
		ignore := seed%4 == 0
		short, n := conversation(t, in, shortWay, ignore)
		long, none := conversation(t, in, longWay, ignore)
		if short != long {
			t.Fatalf("seed %d\nshort %s\nlong  %s", seed, short, long)
		}
		if later, _ := conversation(t, in, inRounds, false); later != long && !ignore {
			t.Fatalf("seed %d\nin rounds %s\none by one %s", seed, later, long)
		}
		if none != 0 {
			t.Fatal("steady was asked")
		}
		taken += n
	}
	if taken < 300*10 {
		t.Errorf("steady took %d segments only: the conversations are not steady", taken)
	}
}

// conversation makes two sides talk, mostly in order, and returns all that
// came of it, and how many segments steady would have taken. With ignore
// the consumer soon has enough of each connection.
func conversation(t *testing.T, in []byte, how manner, ignore bool) (string, int) {
	c := &choices{slices.Clone(in)}
	p := newScript(t, Limits{DirectionBytes: 2000, HistoryBytes: 4000})
	p.wrong = true
	p.a.thorough = how == longWay
	p.onData = func(e *stream.Event) { e.Conn.Ignore = ignore && e.Chunk.Off > 100 }
	steady := 0
	ends := [2]packet.Endpoint{{Addr: testAddr(1), Port: 40000}, {Addr: testAddr(2), Port: 110}}
	card := [2]bool{c.n(4) == 0, c.n(4) == 0} // the side leaves its checksums to a network card
	next := [2]uint32{1000, 5000 - uint32(c.n(2))*6000}
	send := func(dir int, flags packet.Flags, back, ackBack int, payload []byte, change func(*packet.Segment)) {
		s := packet.Segment{
			Src: ends[dir], Dst: ends[1-dir], Seq: next[dir] - uint32(back), Ack: next[1-dir] - uint32(ackBack),
			Flags: flags, Window: 1000, Payload: payload, Length: len(payload),
			BadChecksum: card[dir], Unfilled: card[dir],
		}
		if change != nil {
			change(&s)
		}
		p.packet++
		p.nanos += 1e6
		at := stream.Stamp{Packet: p.packet, Nanos: p.nanos}
		if k := new(key); how != longWay {
			k.set(&s)
			if e := p.a.table.find(k.hash, &k.tuple); e != nil && e.conn != nil && calmFor(e.conn, int(k.side), &s) {
				steady++
			}
		}
		if how == inRounds && p.a.Calls(&s) {
			p.drain()
		}
		p.a.Segment(&s, at)
		if p.a.Work(); how != inRounds || p.packet%7 == 0 {
			p.drain()
		}
		checkInside(t, p.a)
	}
	if c.n(4) > 0 { // otherwise it is caught in the middle
		send(0, packet.SYN, 1, 0, nil, nil)
		send(1, packet.SYN|packet.ACK, 1, 0, nil, nil)
	}
	for c.more() {
		dir := c.n(2)
		data := make([]byte, c.n(30))
		for i := range data {
			data[i] = byte('a' + c.n(3))
		}
		advance := func() { next[dir] += uint32(len(data)) }
		switch c.n(24) {
		default:
			send(dir, packet.ACK|packet.Flags(c.n(2))*packet.PSH, 0, 0, data, nil)
			advance()
		case 0: // again, or in part
			send(dir, packet.ACK, c.n(40), 0, data, nil)
		case 1: // ahead of a hole
			next[dir] += uint32(c.n(20))
			send(dir, packet.ACK, 0, 0, data, nil)
			advance()
		case 2: // an old acknowledgement, or one of what was not seen
			send(dir, packet.ACK, 0, c.n(60)-30, data, nil)
			advance()
		case 3:
			send(dir, packet.ACK, 0, 0, data, func(s *packet.Segment) { s.Window = 0 })
			advance()
		case 4: // a keep-alive
			send(dir, packet.ACK, 1, 0, []byte{0}[:c.n(2)], nil)
		case 5:
			unfilled := c.n(2) == 0
			send(dir, packet.ACK, 0, 0, data, func(s *packet.Segment) { s.BadChecksum, s.Unfilled = true, unfilled })
			advance()
		case 6:
			send(dir, packet.ACK, 0, 0, data, func(s *packet.Segment) { s.Length += 5 })
			next[dir] += 5
			advance()
		case 7:
			if c.n(4) == 0 {
				send(dir, packet.FIN|packet.ACK, 0, 0, data, nil)
				advance()
				next[dir]++
			}
		case 8:
			if c.n(8) == 0 {
				send(dir, packet.RST|packet.ACK, c.n(3), 0, nil, nil)
			}
		case 9:
			p.nanos += int64(c.n(20)) * second
		case 10:
			send(dir, packet.Flags(c.n(64)), c.n(9), c.n(9), data, nil)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	p.close()
	out := strings.Join(p.log, " ")
	for _, conn := range p.conns {
		copied := *conn
		copied.Owner = nil
		copied.Trouble = nil // a pointer, which is not to be compared
		out += fmt.Sprintf("\n%+v %+v %v", copied, conn.Transport(), conn.Conflicts())
	}
	return out + fmt.Sprintf("\n%+v", p.a.Stats()), steady
}

// calmFor reports whether a segment looks like one for steady.
func calmFor(c *conn, side int, s *packet.Segment) bool {
	return s.Flags&^packet.PSH == packet.ACK && !c.gathers && c.half[side].calm() && c.half[1-side].calm()
}
