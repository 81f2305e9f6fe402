package popscope_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// everySegment is the options under which no segment is left out by the
// reader.
var everySegment = popscope.Options{Workers: 1, Ahead: 1}

// FuzzBypass shows that nothing changes when the reader leaves out the
// segments of connections that are no POP3: whatever they do, and whatever
// comes after them on the same addresses and ports, the records and the counts are
// the same.
func FuzzBypass(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 8 {
		in := make([]byte, 400)
		for i := range in {
			in[i] = byte(r.UintN(256))
		}
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1000 {
			return
		}
		packets := neighbours(in).Packets(capturetest.Plain())
		want, _ := analyze(t, capturetest.Source(packets), everySegment)
		for _, workers := range []int{1, 2} {
			if got, _ := analyze(t, capturetest.Source(packets), popscope.Options{Workers: workers}); got != want {
				t.Fatalf("%d workers: %s", workers, diff(got, want))
			}
		}
	})
}

// TestBypassLeavesOut: of long connections that are no POP3 few segments
// reach a shard, and those of POP3 beside them all do.
func TestBypassLeavesOut(t *testing.T) {
	var n neighbour
	n.begin(1, 8080)
	var tr capturetest.Trace
	n.handshake(&tr)
	for i := range 1000 {
		n.send(&tr, i%2 == 0, packet.ACK, []byte("HTTP/1.1 200 OK\r\nand so on\r\n"))
	}
	n.send(&tr, true, packet.FIN|packet.ACK, nil)
	n.send(&tr, false, packet.FIN|packet.ACK, nil)
	n.begin(2, 110)
	n.session(&tr)
	for i := range tr {
		tr[i].Nanos = int64(i) * int64(time.Second)
	}
	for o, want := range map[*popscope.Options][2]int64{{Workers: 1}: {900, 1000}, {Workers: 2}: {900, 1000}, &everySegment: {0, 0}} {
		a := popscope.New(*o)
		for range a.Results(capturetest.Source(tr.Packets(capturetest.Plain()))) {
		}
		if n := a.LeftOut(); n < want[0] || n > want[1] {
			t.Errorf("%d workers: %d segments were left out of %d, want %d to %d", o.Workers, n, len(tr), want[0], want[1])
		}
		if sum := a.Summary(); sum.Sessions != 1 || sum.Logins != 1 {
			t.Errorf("%d sessions, %d logins, want one of each", sum.Sessions, sum.Logins)
		}
	}
}

// TestBypass: what a connection comes to that has been left out for long is
// told right, and so is what comes after it.
func TestBypass(t *testing.T) {
	web := []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
	const late = 3 // packets a minute after the rest: strays, if the connection is over
	end := func(n *neighbour, tr *capturetest.Trace) {
		n.send(tr, true, packet.FIN|packet.ACK, nil)
		n.send(tr, false, packet.FIN|packet.ACK, nil)
		for range late {
			n.send(tr, true, packet.ACK, nil)
		}
	}
	for _, c := range []struct {
		name     string
		step     time.Duration // between the packets of then
		then     func(*neighbour, *capturetest.Trace)
		sessions int64
		leftOut  int64 // segments, at least
	}{
		{"it ends", time.Second, end, 0, 30},
		{"it is reset", time.Second, func(n *neighbour, tr *capturetest.Trace) {
			n.send(tr, true, packet.RST, nil)
			n.send(tr, false, packet.ACK, nil)
		}, 0, 30},
		{"it goes on for gigabytes", 10 * time.Millisecond, func(n *neighbour, tr *capturetest.Trace) {
			for range 1000 {
				n.next[0] += 3 << 20
				n.send(tr, false, packet.ACK, web)
			}
			end(n, tr)
		}, 0, 1000},
		{"it goes on for hours", 10 * time.Second, func(n *neighbour, tr *capturetest.Trace) {
			for range 1000 {
				n.send(tr, false, packet.ACK, web)
			}
			end(n, tr)
		}, 0, 600},
		{"POP3 on the same ports", time.Second, func(n *neighbour, tr *capturetest.Trace) { n.session(tr) }, 1, 30},
		{"and its beginning is lost", time.Second, func(n *neighbour, tr *capturetest.Trace) {
			n.next[0] += 1 << 31
			n.next[1] += 1 << 31
			n.dialogue(tr)
		}, 1, 30},
		{"and it was silent for an hour", time.Second, func(n *neighbour, tr *capturetest.Trace) {
			var other neighbour
			other.begin(7, 8000)
			for range 100 { // by which it is known to be late
				other.send(tr, true, packet.ACK, web)
			}
			n.dialogue(tr)
		}, 1, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tr capturetest.Trace
			var n neighbour
			n.begin(1, 8080)
			n.handshake(&tr)
			for i := range 60 {
				n.send(&tr, i%2 == 0, packet.ACK, web)
			}
			before := len(tr)
			c.then(&n, &tr)
			for i := range tr {
				tr[i].Nanos = int64(min(i, before)) * int64(time.Second)
				if i >= before {
					tr[i].Nanos += int64(i-before) * int64(c.step)
				}
				if i >= len(tr)-late {
					tr[i].Nanos += int64(time.Minute)
				}
				if i >= before && strings.Contains(c.name, "silent") {
					tr[i].Nanos += int64(time.Hour)
				}
			}
			packets := tr.Packets(capturetest.Plain())
			want, _ := analyze(t, capturetest.Source(packets), everySegment)
			got, _ := analyze(t, capturetest.Source(packets), popscope.Options{Workers: 1})
			if got != want {
				t.Error(diff(got, want))
			}
			a := popscope.New(popscope.Options{Workers: 1})
			for range a.Results(capturetest.Source(packets)) {
			}
			if n := a.LeftOut(); n < c.leftOut {
				t.Errorf("%d segments were left out, want %d", n, c.leftOut)
			}
			if n := a.Summary().Sessions; n != c.sessions {
				t.Errorf("%d sessions, want %d", n, c.sessions)
			}
		})
	}
}

// neighbours makes connections one after the other and side by side, on three
// pairs of addresses and ports: most are no POP3.
func neighbours(in []byte) capturetest.Trace {
	var all [3]neighbour
	var tr capturetest.Trace
	for i := range all {
		all[i].begin(i, []int{8080, 110, 143}[i])
		all[i].handshake(&tr)
	}
	nanos := int64(1e18)
	for i := range tr {
		tr[i].Nanos = nanos
	}
	for ; len(in) > 2; in = in[3:] {
		n := &all[int(in[0])%len(all)]
		from, size := in[0] >= 128, int(in[2])
		before := len(tr)
		switch op := in[1] % 32; op {
		case 0:
			n.send(&tr, from, packet.FIN|packet.ACK, nil)
		case 1:
			n.send(&tr, from, packet.RST|packet.ACK, nil)
		case 2:
			n.handshake(&tr)
		case 3:
			n.next[side(from)] += uint32(size) * 100
		case 4:
			n.next[side(from)] += uint32(size) << 21
		case 5:
			n.session(&tr)
		case 6: // of another connection, whose SYNs are lost
			n.next[0] += 1 << 31
			n.next[1] += 1 << 31
			n.dialogue(&tr)
		case 7:
			nanos += int64(1+size%9) * int64(time.Minute)
		case 8, 9: // once more, as far as there is something
			sent := n.next[side(from)] - n.start[side(from)]
			back := min(uint32(size), sent)
			n.next[side(from)] -= back
			n.send(&tr, from, packet.ACK, bytes.Repeat([]byte("x"), int(back)))
		case 10:
			n.send(&tr, from, packet.ACK, nil)
		default:
			n.send(&tr, from, packet.ACK|packet.PSH, []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"+strings.Repeat("y", size)))
		}
		for i := before; i < len(tr); i++ {
			nanos += int64(1100 * time.Millisecond) // a round each
			tr[i].Nanos = nanos
		}
	}
	return tr
}

// neighbour is a pair of addresses and ports.
type neighbour struct {
	number         int
	client, server netip.AddrPort
	start, next    [2]uint32 // sequence numbers of server and client
}

func side(fromClient bool) int {
	if fromClient {
		return 1
	}
	return 0
}

func (n *neighbour) begin(number, port int) {
	n.number = number
	n.client = netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:40000", number+1))
	n.server = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), uint16(port))
	n.next = [2]uint32{1000, 5000}
}

func (n *neighbour) send(tr *capturetest.Trace, fromClient bool, flags packet.Flags, payload []byte) {
	me := side(fromClient)
	*tr = append(*tr, capturetest.Segment{
		Conn: n.number, FromClient: fromClient, Client: n.client, Server: n.server,
		Seq: n.next[me], Ack: n.next[1-me], Flags: uint8(flags), Window: 500, Payload: payload,
	})
	n.next[me] += uint32(len(payload))
	if flags&(packet.SYN|packet.FIN) != 0 {
		n.next[me]++
	}
}

func (n *neighbour) handshake(tr *capturetest.Trace) {
	n.next[0] += 1 << 29
	n.next[1] += 1 << 29
	n.start = [2]uint32{n.next[0] + 1, n.next[1] + 1}
	n.send(tr, true, packet.SYN, nil)
	n.send(tr, false, packet.SYN|packet.ACK, nil)
	n.send(tr, true, packet.ACK, nil)
}

// session is a whole POP3 session.
func (n *neighbour) session(tr *capturetest.Trace) {
	n.handshake(tr)
	n.dialogue(tr)
	n.send(tr, false, packet.FIN|packet.ACK, nil)
	n.send(tr, true, packet.FIN|packet.ACK, nil)
	n.send(tr, false, packet.ACK, nil)
}

func (n *neighbour) dialogue(tr *capturetest.Trace) {
	n.start = n.next
	for _, line := range []string{"+OK POP3 ready", "USER alice", "+OK", "PASS sesame", "+OK logged in", "STAT", "+OK 0 0", "QUIT", "+OK bye"} {
		n.send(tr, !strings.HasPrefix(line, "+"), packet.ACK|packet.PSH, []byte(line+"\r\n"))
	}
}
