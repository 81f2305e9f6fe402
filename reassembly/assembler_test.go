package reassembly

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

func TestConflicts(t *testing.T) {
	for _, test := range []struct {
		name       string
		play       string
		want       []stream.Conflict
		unverified int64
	}{
		{
			name: "a retransmission that differs",
			play: "C 0:10; C 0:10 x",
			want: []stream.Conflict{{Dir: stream.Client, Off: 0, Length: 10, First: stream.Stamp{Packet: 4}, Second: stream.Stamp{Packet: 5}}},
		},
		{
			name: "a retransmission that differs in what a second packet brought",
			play: "C 0:10; C 10:20; C 15:18 x; C 0:20",
			want: []stream.Conflict{{Dir: stream.Client, Off: 15, Length: 3, First: stream.Stamp{Packet: 5}, Second: stream.Stamp{Packet: 6}}},
		},
		{
			name: "new bytes behind a part that differs",
			play: "S 0:10; S 5:20 x",
			want: []stream.Conflict{{Dir: stream.Server, Off: 5, Length: 5, First: stream.Stamp{Packet: 4}, Second: stream.Stamp{Packet: 5}}},
		},
		{
			name: "two copies of what waits",
			play: "C 5:10; C 7:12 x; C 0:5",
			want: []stream.Conflict{{Dir: stream.Client, Off: 7, Length: 3, First: stream.Stamp{Packet: 4}, Second: stream.Stamp{Packet: 5}}},
		},
		{
			name: "bytes that fill a hole differ from what waits behind it",
			play: "C 5:10; C 12:15; C 0:14 x",
			want: []stream.Conflict{
				{Dir: stream.Client, Off: 5, Length: 5, First: stream.Stamp{Packet: 4}, Second: stream.Stamp{Packet: 6}},
				{Dir: stream.Client, Off: 12, Length: 2, First: stream.Stamp{Packet: 5}, Second: stream.Stamp{Packet: 6}},
			},
		},
		{
			name: "keep-alives do not count",
			play: "C 0:10; C keep; S ack; C 20:25; C keep; C 0:1",
		},
		{
			name: "what is lost cannot differ",
			play: "C 10:20; S ack" + strings.Repeat("; S ack", 32) + "; C 0:15",
			// The bytes [0, 10) were given up before.
			unverified: 10,
		},
		{
			name:       "too old to be compared",
			play:       "C 0:10; C 10:6000; C 0:10 x; C 6000:6010; C 5000:5100",
			unverified: 10,
		},
		{
			name:       "bytes from before the capture",
			play:       "new; S 5:10 ack=20; C ack at=20 ack=10" + strings.Repeat("; S ack", 8) + "; S 0:5; C 0:20 x",
			unverified: 25,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newScript(t, Limits{})
			p.wrong = true
			if !strings.HasPrefix(test.play, "new") {
				p.run(handshakeLines)
			}
			p.run(test.play)
			p.close()
			c := p.conns[0]
			for i := range c.Conflicts() {
				c.Conflicts()[i].First.Nanos, c.Conflicts()[i].Second.Nanos = 0, 0
			}
			if !reflect.DeepEqual(c.Conflicts(), test.want) || c.Transport().Conflicts != int64(len(test.want)) {
				t.Errorf("conflicts\n got %+v\nwant %+v", c.Conflicts(), test.want)
			}
			if c.Transport().Unverified != test.unverified {
				t.Errorf("unverified\n got %d\nwant %d", c.Transport().Unverified, test.unverified)
			}
		})
	}
}

func TestFirstCopyWins(t *testing.T) {
	var got []byte
	p := newScript(t, Limits{})
	p.wrong = true
	p.onData = func(e *stream.Event) { got = append(got, e.Chunk.Data...) }
	p.run(handshakeLines + "C 5:10; C 0:12 x; C 12:15; C 0:15")
	for i, b := range got {
		want := content(stream.Client, int64(i))
		if i < 5 || i >= 10 && i < 12 {
			want ^= 0xff
		}
		if b != want {
			t.Errorf("byte %d: got %#x, want %#x", i, b, want)
		}
	}
	if len(got) != 15 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestConflictsAreBounded(t *testing.T) {
	p := newScript(t, Limits{})
	p.run(handshakeLines + "C 0:10" + strings.Repeat("; C 0:10 x", 100))
	c := p.conns[0]
	if len(c.Conflicts()) != stream.MaxConflicts || c.Transport().Conflicts != 100 {
		t.Errorf("%d conflicts of %d", len(c.Conflicts()), c.Transport().Conflicts)
	}
}

func TestPeerAcked(t *testing.T) {
	for _, test := range []struct {
		name string
		play string
		want []int64
	}{
		{"request and answer", handshakeLines + "S 0:11; C 0:5; S 11:20; C 5:9", []int64{0, 11, 5, 20}},
		{"the stamp of a segment that waited is its own", handshakeLines + "S 0:11; C 5:9 ack=11; S 11:20 ack=0; C 0:5 ack=0", []int64{0, 0, 0, 11}},
		{"unknown without ACK", handshakeLines + "S 0:11 noack", []int64{-1}},
		{"a FIN is not a byte", handshakeLines + "S 0:11 fin; C 0:5", []int64{0, 11}},
		{"caught in the middle", "base 100 70; C 100:105 ack=70; S 70:80; C 105:110", []int64{0, 5, 10}},
		{"nor is one known of that the sender had not", handshakeLines + "C 0:5; C 5:10 fin; S 0:3 ack=5", []int64{0, 0, 5}},
		{"a loss", handshakeLines + "S 5:9; C ack" + strings.Repeat("; C ack", 32), []int64{-1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newScript(t, Limits{})
			p.run(test.play)
			p.close()
			if !reflect.DeepEqual(p.acks, test.want) {
				t.Errorf("PeerAcked\n got %d\nwant %d", p.acks, test.want)
			}
		})
	}
}

func TestStampsAreThoseOfTheFirstCopy(t *testing.T) {
	p := newScript(t, Limits{})
	p.run(handshakeLines + "S 5:10; S 15:20; S 0:20; S 30:40; C ack" + strings.Repeat("; C ack", 32))
	// 0:5 5:10 10:15 15:20, the loss by the acknowledgement in packet 8, 30:40
	if want := []int64{6, 4, 6, 5, 8, 7}; !reflect.DeepEqual(p.stamps, want) {
		t.Errorf("packets\n got %d\nwant %d", p.stamps, want)
	}
	p = newScript(t, Limits{})
	p.run(handshakeLines + "S 0:5; C ack=9; S 12:15; tick 3")
	p.close()
	// 0:5, the loss by the acknowledgement in packet 5, and 9:12 with it, 12:15
	if want := []int64{4, 5, 6}; !reflect.DeepEqual(p.stamps, want) {
		t.Errorf("packets at the end\n got %d\nwant %d", p.stamps, want)
	}
}

func TestWhoIsTheClient(t *testing.T) {
	for _, test := range []struct {
		name         string
		ports        []uint16
		src, dst     uint16
		flags        packet.Flags
		client       uint16
		known, shake bool
	}{
		{"the sender of the SYN", nil, 110, 5000, packet.SYN, 110, true, false},
		{"the receiver of the SYN-ACK", nil, 5000, 110, packet.SYN | packet.ACK, 110, true, false},
		{"the side without a server's port", nil, 110, 5000, packet.ACK, 5000, false, false},
		{"the same, when it speaks", nil, 5000, 995, packet.ACK, 5000, false, false},
		{"the same, with a lower port", []uint16{8110}, 8110, 5000, packet.ACK, 5000, false, false},
		{"the higher port", nil, 1100, 5000, packet.ACK, 5000, false, false},
		{"the higher port, when both are servers'", nil, 110, 995, packet.ACK, 995, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := New(Limits{Ports: test.ports})
			s := packet.Segment{
				Src: packet.Endpoint{Addr: testAddr(9), Port: test.src}, Dst: packet.Endpoint{Addr: testAddr(8), Port: test.dst},
				Flags: test.flags, Payload: []byte("hello"), Length: 5,
			}
			a.Segment(&s, stream.Stamp{Packet: 1})
			a.Close()
			c := a.Next().Conn
			if c.Client.Port() != test.client || c.ClientKnown != test.known || c.Handshake != test.shake {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestFlip(t *testing.T) {
	a := New(Limits{})
	s := packet.Segment{
		Src: packet.Endpoint{Addr: testAddr(1), Port: 6000}, Dst: packet.Endpoint{Addr: testAddr(2), Port: 5000},
		Flags: packet.ACK | packet.PSH, Window: 1,
	}
	var dirs []stream.Dir
	var c *stream.Conn
	packets := int64(0)
	send := func(n int, back bool) {
		seg := s
		seg.Seq, seg.Ack = 100, 200
		if back {
			seg.Src, seg.Dst, seg.Seq, seg.Ack = s.Dst, s.Src, 200, 100
		}
		seg.Payload, seg.Length = make([]byte, n), n
		packets++
		seg.Payload[0] = byte(packets) // no copy is the same
		a.Segment(&seg, stream.Stamp{Packet: packets})
		for e := a.Next(); e != nil; e = a.Next() {
			c = e.Conn
			if e.Kind == stream.Data {
				dirs = append(dirs, e.Chunk.Dir)
				e.Conn.Flip = len(dirs) == 1
			}
		}
	}
	send(5, false)
	send(7, true)
	for range 8 {
		send(5, false)
	}
	if want := []stream.Dir{stream.Client, stream.Client}; !reflect.DeepEqual(dirs, want) {
		t.Errorf("directions\n got %v\nwant %v", dirs, want)
	}
	if c.Client.Port() != 5000 || c.Server.Port() != 6000 || c.Packets != [2]int64{1, 9} || c.Bytes != [2]int64{7, 5} ||
		c.Transport().Retransmitted != [2]int64{0, 8} || c.Flip || c.Trouble.Copies[0].Dir != stream.Server || len(c.Trouble.Disputes[stream.Server]) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestFlipIsNotForKnownRoles(t *testing.T) {
	p := newScript(t, Limits{})
	p.onData = func(e *stream.Event) { e.Conn.Flip = true }
	p.run(handshakeLines + "C 0:5; S 0:5")
	p.want("open C0:5 S0:5")
}

func TestIgnore(t *testing.T) {
	for _, test := range []struct{ name, play, want string }{
		{"to the FINs", "C 0:5; S 10:20; S 30:40; C 10:20; S fin; C 5:10; C 20:30; C fin; S ack; wait 2s", "open C0:5 fin"},
		{"to an RST", "S 10:20; C 20:30; C 0:5; S 30:40; C rst; wait 2s", "open C0:5 rst"},
		{"to the next connection", "C 0:5; new; C syn; S syn; C ack; C 0:3; C fin; S fin; wait 2s", "open C0:5 timeout open C0:3 fin"},
		{"when it was caught in the middle", "new; tick 32; C 0:5; S 0:5; S ack; wait 2s; S 5:7; C fin; S fin; wait 2s", "open C0:5 fin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newScript(t, Limits{})
			p.onData = func(e *stream.Event) { e.Conn.Ignore = true }
			if !strings.HasPrefix(test.play, "new") {
				p.run(handshakeLines)
			}
			p.run(test.play)
			checkInside(t, p.a)
			if s := p.a.Stats(); s.WaitingBytes != 0 || s.HistoryBytes != 0 {
				t.Errorf("an ignored connection holds %+v", s)
			}
			p.want(test.want)
		})
	}
}

// TestClosedInOrder ends connections in another order than they began, one
// of them twice, and looks at the order of the reports.
func TestClosedInOrder(t *testing.T) {
	p := newScript(t, Limits{Idle: time.Minute})
	end := func(port int) string { return fmt.Sprintf("C fin at=3 port=%d; S fin at=0 ack=4 port=%d;", port, port) }
	for _, port := range []int{1, 2, 3, 4} {
		p.run(fmt.Sprintf("C syn port=%d; S syn port=%d; C 0:3 port=%d", port, port, port))
	}
	p.run("tick 32; S rst at=0 port=1")
	p.run(end(3))
	p.run("C 3:5 port=1; S ack=5 at=0 port=1") // 1 lives
	p.run(end(4) + end(2))
	if n, ok := p.a.Oldest(); !ok || p.conns != nil && n != 46+1 {
		t.Errorf("Oldest is %d, %v", n, ok)
	}
	p.log = nil
	p.run("C rst at=5 port=1; wait 2s")
	p.want("fin fin fin rst")
	if _, ok := p.a.Oldest(); ok {
		t.Error("Oldest after all were reported")
	}
	var got []uint16
	for _, c := range p.conns {
		got = append(got, c.Client.Port())
	}
	if want := []uint16{1, 2, 3, 4}; !reflect.DeepEqual(got, want) {
		t.Errorf("opened %v", got)
	}
}

func TestOpenOnesComeLastInTheOrderOfTheirFirstPackets(t *testing.T) {
	p := newScript(t, Limits{})
	var order []uint16
	for _, port := range []int{5, 3, 9, 1} {
		p.run(fmt.Sprintf("C syn port=%d; S syn port=%d", port, port))
	}
	p.run("C 0:3 port=1; C 0:3 port=3; C 0:3 port=9; C 0:3 port=5; C fin at=3 port=9; S fin at=0 ack=4 port=9")
	p.a.Close()
	for e := p.a.Next(); e != nil; e = p.a.Next() {
		if e.Kind == stream.Closed {
			order = append(order, e.Conn.Client.Port())
		}
	}
	if want := []uint16{9, 5, 3, 1}; !reflect.DeepEqual(order, want) {
		t.Errorf("closed\n got %v\nwant %v", order, want)
	}
	p.run("new; " + handshakeLines + "C 0:3")
	if got := p.log[len(p.log)-1]; got != "C0:3" {
		t.Errorf("after Close: %q", got)
	}
}

func TestShedding(t *testing.T) {
	p := newScript(t, Limits{Connections: 3})
	p.onData = func(e *stream.Event) { e.Conn.Ignore = e.Conn.Client.Port() == 2 }
	open := func(port int) {
		p.run(fmt.Sprintf("C syn port=%d; S syn port=%d; C 0:3 port=%d", port, port, port))
	}
	open(1)
	open(2)
	open(3)
	p.want("open C0:3 open C0:3 open C0:3")
	open(4)
	p.want("shed open C0:3")
	if p.conns[0].Shed || !p.conns[1].Shed {
		t.Error("number 2 is ignored")
	}
	p.run("C fin at=3 port=3; S fin at=0 ack=4 port=3")
	open(5) // in the place of number 3, which has ended
	p.run("tick 32; wait 2s")
	p.want("open C0:3 fin")
	open(6)
	p.want("shed open C0:3")
	if !p.conns[0].Shed || !p.conns[1].Shed || p.conns[2].Shed || p.conns[2].Close != stream.ClosedFIN {
		t.Error("the wrong ones were shed")
	}
	if s := p.a.Stats(); s.Shed != 2 || s.Connections != 3 {
		t.Errorf("got %+v", s)
	}
}

// A connection that is closing goes before those that are open, whatever was
// used last.
func TestClosingOnesAreShed(t *testing.T) {
	p := newScript(t, Limits{Connections: 2})
	p.run("tick 32; C syn port=1; S syn port=1; C 0:3 port=1; C syn port=2; S syn port=2; C 0:3 port=2")
	p.run("C ack=1 port=2; C fin at=3 port=2; S ack=4 port=2; wait 3s; C syn port=3; S syn port=3; C 0:3 port=3")
	if p.conns[0].Shed || !p.conns[1].Shed {
		t.Error("number 2 was closing")
	}
}

func TestLeastRecentlyUsedIsShed(t *testing.T) {
	p := newScript(t, Limits{Connections: 2, Idle: time.Minute})
	p.run("tick 32; C syn port=1; S syn port=1; C 0:3 port=1; C syn port=2; S syn port=2; C 0:3 port=2")
	p.run("wait 10s; C 3:5 port=1; C syn port=3; S syn port=3; C 0:3 port=3")
	if p.conns[0].Shed || !p.conns[1].Shed {
		t.Error("number 2 was unused for longest")
	}
}

// TestHalfOpenFlood sends a million SYNs that nobody answers, and one that
// somebody does.
func TestHalfOpenFlood(t *testing.T) {
	const n = 1_000_000
	a := New(Limits{})
	s := packet.Segment{Dst: packet.Endpoint{Addr: testAddr(2), Port: 110}, Flags: packet.SYN}
	for i := range n {
		s.Src = packet.Endpoint{Addr: packet.Addr{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 10: byte(i >> 16), 11: byte(i >> 8), 12: byte(i)}, Port: 50000}
		s.Seq = uint32(i)
		a.Segment(&s, stream.Stamp{Packet: int64(i + 1), Nanos: int64(i)})
		if e := a.Next(); e != nil {
			t.Fatalf("event %+v", e)
		}
	}
	st := a.Stats()
	if st.HalfOpen != 1<<16 || st.ShedHalf != n-1<<16 || st.Connections != 0 {
		t.Errorf("got %+v", st)
	}
	answer := packet.Segment{Src: s.Dst, Dst: s.Src, Seq: 7, Ack: s.Seq + 1, Flags: packet.SYN | packet.ACK}
	a.Segment(&answer, stream.Stamp{Packet: n + 1})
	answer.Seq++
	answer.Flags = packet.ACK
	answer.Payload, answer.Length = []byte("+OK\r\n"), 5
	a.Segment(&answer, stream.Stamp{Packet: n + 2})
	e := a.Next()
	if e == nil || !e.Conn.Handshake || e.Conn.First.Packet != n {
		t.Errorf("got %+v", e)
	}
	a.Close()
	for a.Next() != nil {
	}
	if s := a.Stats(); s.HalfOpen != 0 || s.Silent != n-1 {
		t.Errorf("got %+v", s)
	}
}

// TestMillionHoles lets every second byte of a stream wait, without any
// limit and in the worst order, and then fills the holes.
func TestMillionHoles(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	p := newScript(t, Limits{DirectionBytes: -1, TotalBytes: -1})
	p.run(handshakeLines)
	base := uint32(p.isn[0].Add(1))
	s := packet.Segment{
		Src: packet.Endpoint{Addr: testAddr(1), Port: 50000}, Dst: packet.Endpoint{Addr: testAddr(2), Port: 110},
		Flags: packet.PSH, Payload: make([]byte, 1), Length: 1,
	}
	send := func(off int) {
		s.Seq = base + uint32(off)
		s.Payload[0] = content(stream.Client, int64(off))
		p.packet++
		p.a.Segment(&s, stream.Stamp{Packet: p.packet, Nanos: p.nanos})
		if off%200 == 1 {
			p.run("S ack=0") // so that it is seen to be waiting
		}
	}
	for i := range n {
		send(1 + 2*((i+n/2)%n)) // from the middle, and then from the start up to it
	}
	if w := p.a.Stats().WaitingBytes; w != n*(pieceOverhead+1) {
		t.Errorf("%d bytes wait", w)
	}
	got := 0
	for i := range n {
		send(2 * i)
		for e := p.a.Next(); e != nil; e = p.a.Next() {
			for _, b := range e.Chunk.Data {
				if b != content(stream.Client, int64(got)) {
					t.Fatalf("byte %d is wrong", got)
				}
				got++
			}
		}
	}
	if got != 2*n || p.a.Stats().WaitingBytes != 0 {
		t.Errorf("%d bytes came out, want %d", got, 2*n)
	}
}

func TestManyEventsAtOnce(t *testing.T) {
	p := newScript(t, Limits{})
	p.run(handshakeLines)
	var want strings.Builder
	for i := 5; i < 5000; i++ {
		p.run(fmt.Sprintf("C %d:%d psh; S ack=0", i, i+1))
		fmt.Fprintf(&want, " C%d:%d", i, i+1)
	}
	p.run("C 0:5")
	p.want("open C0:5" + want.String())
	if cap(p.a.items) > longQueue {
		t.Errorf("the queue keeps room for %d events", cap(p.a.items))
	}
}

func TestShare(t *testing.T) {
	l := Limits{TotalBytes: 160, Connections: 1, Idle: time.Hour, DirectionBytes: 70, HalfOpen: -1}.Share(16)
	if l.TotalBytes != 10 || l.Connections != 1 || l.Idle != time.Hour || l.DirectionBytes != 70 || l.HalfOpen < 1<<24 || l.Tombstones != 1024 {
		t.Errorf("got %+v", l)
	}
}

// TestStreamOfManyGigabytes checks offsets beyond the wrap of the sequence
// number, with losses as long as a window.
func TestStreamOfManyGigabytes(t *testing.T) {
	p := newScript(t, Limits{})
	p.run(handshakeLines)
	const step = 1 << 29
	want := []string{"open"}
	for i := int64(0); i < 40; i++ {
		p.run(fmt.Sprintf("C %d:%d; S ack", i*step, i*step+3) + strings.Repeat("; S ack", 32))
		if i > 0 {
			want = append(want, fmt.Sprintf("C-%d:%d", (i-1)*step+3, i*step))
		}
		want = append(want, fmt.Sprintf("C%d:%d", i*step, i*step+3))
	}
	p.want(strings.Join(want, " "))
	if got := p.acks[len(p.acks)-1]; got != 0 {
		t.Errorf("PeerAcked %d", got)
	}
	p.run("C 20937965571:20937965580; S 0:5; C ack; S fin; C fin; S ack; wait 2s")
	p.want("C20937965571:20937965580 S0:5 fin")
}

func TestTombstonesAreBounded(t *testing.T) {
	p := newScript(t, Limits{Tombstones: 2, LingerConnections: 1})
	for port := range 5 {
		p.run(fmt.Sprintf("C syn port=%d; S syn port=%d; C 0:3 port=%d; C fin at=3 port=%d; S fin at=0 ack=4 port=%d", port, port, port, port, port))
		if s := p.a.Stats(); s.Tombstones > 2 || s.Lingering > 1 {
			t.Errorf("got %+v", s)
		}
	}
	p.run("tick 32; wait 5m; wait 5m")
	if s := p.a.Stats(); s.Tombstones != 0 || s.Lingering != 0 || s.Connections != 0 {
		t.Errorf("after a while: %+v", s)
	}
}

func TestHalfOpenOnesAreForgotten(t *testing.T) {
	for _, test := range []struct {
		name, play string
		want       Stats
	}{
		{"after two minutes", "tick 32; C syn; wait 110s; wait 20s", Stats{Segments: 1, Silent: 1}},
		{"of the last SYN", "tick 32; C syn; wait 110s; C syn; wait 20s", Stats{Segments: 2, HalfOpen: 1}},
		{"when they are refused", "C syn; S rst ack=0", Stats{Segments: 2, Silent: 1}},
		{"when they are taken back", "C syn; C rst", Stats{Segments: 2, Silent: 1}},
		{"not by an RST of something else", "C syn; S rst ack=7; C rst at=7", Stats{Segments: 3, HalfOpen: 1, Stray: 2}},
		{"not by an acknowledgement of something else", "C syn; S ack=-7", Stats{Segments: 2, HalfOpen: 1, Stray: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newScript(t, Limits{})
			p.run(test.play)
			if s := p.a.Stats(); s != test.want {
				t.Errorf("\n got %+v\nwant %+v", s, test.want)
			}
			p.close()
			if s := p.a.Stats(); s.Silent != 1 {
				t.Errorf("at the end %+v", s)
			}
		})
	}
}

func TestPathsTellConnectionsApart(t *testing.T) {
	a := New(Limits{})
	opened := map[uint64]string{}
	s := packet.Segment{
		Src: packet.Endpoint{Addr: testAddr(1), Port: 5000}, Dst: packet.Endpoint{Addr: testAddr(2), Port: 110},
	}
	for i, flags := range []packet.Flags{packet.SYN, packet.PSH} {
		for path := range uint64(3) {
			s.Path, s.Flags, s.Seq = path, flags, uint32(path)*1000+uint32(i)
			if i == 1 {
				s.Payload = []byte{byte('a' + path)}
				s.Length = 1
			}
			a.Segment(&s, stream.Stamp{Packet: 1})
		}
	}
	a.Close()
	for e := a.Next(); e != nil; e = a.Next() {
		opened[e.Conn.Path] += string(e.Chunk.Data)
	}
	if want := map[uint64]string{0: "a", 1: "b", 2: "c"}; !reflect.DeepEqual(opened, want) {
		t.Errorf("got %v", opened)
	}
}

func TestBothEndsTheSame(t *testing.T) {
	a := New(Limits{})
	end := packet.Endpoint{Addr: testAddr(1), Port: 110}
	s := packet.Segment{Src: end, Dst: end}
	n := 0
	for i, flags := range []packet.Flags{packet.SYN, packet.SYN | packet.ACK, packet.ACK, packet.FIN, packet.RST, packet.ACK} {
		s.Flags, s.Seq = flags, uint32(i)
		s.Payload, s.Length = make([]byte, i), i
		a.Segment(&s, stream.Stamp{Packet: int64(i)})
		for a.Next() != nil {
			n++
		}
		checkInside(t, a)
	}
	a.Close()
	for a.Next() != nil {
		n++
	}
	if n == 0 {
		t.Error("no events")
	}
}

// TestLeapingTimes plays a conversation whose packets have any time at all.
func TestLeapingTimes(t *testing.T) {
	p := newScript(t, Limits{})
	nanos := []int64{0, 1 << 62, -1 << 62, 1_700_000_000 * second, -1 << 63, 1<<63 - 1}
	p.run(handshakeLines)
	var want []string
	for i := range int64(200) {
		p.nanos = nanos[i%int64(len(nanos))]
		p.run(fmt.Sprintf("C %d:%d; S ack", i, i+1))
		want = append(want, fmt.Sprintf("C%d:%d", i, i+1))
	}
	p.want("open " + strings.Join(want, " "))
}

// TestInOrderDataAllocatesNothing is what keeps the bulk of a capture
// cheap.
func TestInOrderDataAllocatesNothing(t *testing.T) {
	p := newScript(t, Limits{})
	p.run(handshakeLines + "C 0:5")
	s := packet.Segment{
		Src: packet.Endpoint{Addr: testAddr(1), Port: 50000}, Dst: packet.Endpoint{Addr: testAddr(2), Port: 110},
		Flags: packet.ACK, Seq: uint32(p.isn[0].Add(6)), Ack: uint32(p.isn[1].Add(1)), Payload: make([]byte, 1448), Length: 1448,
	}
	back := packet.Segment{Src: s.Dst, Dst: s.Src, Flags: packet.ACK, Seq: s.Ack, Ack: s.Seq}
	bytes := 0
	send := func() {
		for _, x := range []*packet.Segment{&s, &back} {
			p.packet++
			p.a.Segment(x, stream.Stamp{Packet: p.packet, Nanos: p.nanos})
			for e := p.a.Next(); e != nil; e = p.a.Next() {
				bytes += len(e.Chunk.Data)
			}
		}
		s.Seq += 1448
		back.Ack = s.Seq
	}
	for range 10 {
		send()
	}
	if n := testing.AllocsPerRun(1000, send); n != 0 {
		t.Errorf("%v allocations for a segment and its acknowledgement", n)
	}
	if bytes < 1000*1448 {
		t.Errorf("only %d bytes came out", bytes)
	}
}

// TestGiveUp: the consumer closes a connection to make room.
func TestGiveUp(t *testing.T) {
	p := newScript(t, Limits{})
	p.run("C syn port=1; S syn port=1; C 0:3 port=1; C 5:8 port=1; C syn port=2; S syn port=2; C 0:3 port=2")
	p.want("open C0:3 open C0:3")
	if !p.a.GiveUp(p.conns[0]) {
		t.Fatal("a connection that is followed was not given up")
	}
	if p.a.GiveUp(p.conns[0]) {
		t.Error("it was given up twice")
	}
	p.run("tick 32")
	p.want("C-3:5 C5:8 shed")
	if s := p.a.Stats(); s.Shed != 1 || s.Connections != 1 || !p.conns[0].Shed || p.conns[1].Shed {
		t.Errorf("got %+v", s)
	}
	p.run("C 3:5 port=2")
	p.want("C3:5")
}

// TestLingerEndsWhileTheClockStands: in a capture whose packets all have one
// time, what has ended is reported all the same.
func TestLingerEndsWhileTheClockStands(t *testing.T) {
	p := newScript(t, Limits{})
	p.run("C syn; S syn; C 0:3; C fin at=3; S fin at=0 ack=4")
	p.want("open C0:3")
	end, now := p.a.at.Packet, p.a.at.Nanos
	for n := end + 1; n < end+LingerPackets; n++ {
		p.a.Tick(stream.Stamp{Packet: n, Nanos: now})
		if e := p.a.Next(); e != nil {
			t.Fatalf("packet %d: event %v", n-end, e.Kind)
		}
	}
	p.a.Tick(stream.Stamp{Packet: end + LingerPackets, Nanos: now})
	if e := p.a.Next(); e == nil || e.Kind != stream.Closed {
		t.Errorf("event %v", e)
	}
}
