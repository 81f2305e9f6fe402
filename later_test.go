package popscope

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/capture/packet"
)

// made makes packets as they are asked for.
type made struct {
	next func() []capture.Packet // nil at the end
	todo []capture.Packet
	num  int64
}

func (m *made) Next(p *capture.Packet) error {
	for len(m.todo) == 0 {
		if m.todo = m.next(); m.todo == nil {
			return io.EOF
		}
	}
	m.num++
	*p = m.todo[0]
	p.Num = m.num
	m.todo = m.todo[1:]
	return nil
}

// crowd makes sessions that log in and stay open, one a millisecond; then what
// comes after, a list a call.
func crowd(sessions int, after ...func() []capture.Packet) *made {
	opened := 0
	return &made{next: func() []capture.Packet {
		if opened < sessions {
			opened++
			packets := at(member(opened), time.Duration(opened)*time.Millisecond)
			return packets[:len(packets)-closing]
		}
		if len(after) == 0 {
			return nil
		}
		f := after[0]
		after = after[1:]
		return f()
	}}
}

// member returns one of the crowd, all of which are in two shards. They are
// asked for again and again.
func member(n int) capturetest.Trace {
	for len(members) <= n {
		members = append(members, newMember(len(members)))
	}
	return members[n]
}

var members []capturetest.Trace

func newMember(n int) capturetest.Trace {
	return dialogue("S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\n", n, func(shard int) bool { return shard == 1 || shard == 2 })
}

// closing is how many of its packets end it.
const closing = 4

// dialogue returns a session of the n-th client whose shard is right.
func dialogue(text string, n int, right func(shard int) bool) capturetest.Trace {
	d, err := capturetest.Parse("crowd", text)
	if err != nil {
		panic(err)
	}
	return d.Trace().Readdress(0, clientIn(n, right), crowdServer)
}

var crowdServer = netip.MustParseAddrPort("192.0.2.10:110")

// clientIn returns the n-th of the clients whose shard is right.
func clientIn(n int, right func(shard int) bool) netip.AddrPort {
	for port := uint16(1024); ; port++ {
		c := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}), port)
		s := packet.Segment{
			Src: packet.EndpointOf(c),
			Dst: packet.EndpointOf(crowdServer),
		}
		if right(shardOf(hashOf(&s))) {
			return c
		}
	}
}

// at returns the packets of a trace, all at one time after the beginning.
func at(tr capturetest.Trace, since time.Duration) []capture.Packet {
	out := tr.Packets(capturetest.Plain())
	for i := range out {
		out[i].Nanos = 1_700_000_000_000_000_000 + int64(since)
	}
	return out
}

// TestManyEndAtOnce: when very many sessions end in one instant, they are
// reported in order, the same with any number of workers, and what is made
// of them is not there for all of them at once. Otherwise each would take
// more than 5 KB.
func TestManyEndAtOnce(t *testing.T) {
	const each = 4500 // bytes
	sessions := 10_000
	if testing.Short() {
		sessions = 1000
	}
	member(sessions) // all are there before memory is counted
	lingers := dialogue("S: +OK ready\nC: QUIT\nS: +OK\n", 0, func(shard int) bool { return shard == 0 })
	none := func(n int, since time.Duration) []capture.Packet { // packets that count, and are no TCP
		p := at(lingers, since)[0]
		p.Data = p.Data[:20]
		return slices.Repeat([]capture.Packet{p}, n)
	}
	for _, row := range []struct {
		name string
		src  func(sample func()) *made
	}{
		{"open when the capture ends", func(func()) *made { return crowd(sessions) }},
		{"idle for too long, while one that ended before lingers", func(sample func()) *made {
			const since = 2 * time.Hour
			return crowd(sessions,
				func() []capture.Packet { return at(lingers, since) },
				func() []capture.Packet { return none(20*batchPackets, since) },
				func() []capture.Packet { sample(); return at(lingers, since+2*time.Second)[:1] })
		}},
		{"over one after the other, while one that ended before lingers", func(sample func()) *made {
			since := time.Duration(sessions) * time.Millisecond
			after := []func() []capture.Packet{func() []capture.Packet { return at(lingers, since) }}
			for n := 1; n <= sessions; n++ {
				after = append(after, func() []capture.Packet {
					packets := at(member(n), since)
					return append(none(16, since), packets[len(packets)-closing:]...)
				})
			}
			return crowd(sessions, append(after,
				func() []capture.Packet { return none(20*batchPackets, since) },
				func() []capture.Packet { sample(); return at(lingers, since+2*time.Second)[:1] })...)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var want []string
			o := Options{}
			o.Limits.Reassembly.HistoryBytes = 1 // so that it is not counted
			for _, workers := range []int{1, 2, 3, 8} {
				var got []string
				before, most := capturetest.Heap(), int64(0)
				sample := func() { most = max(most, capturetest.Heap()-before) }
				last := rank{}
				o.Workers = workers
				for r, err := range New(o).Results(row.src(sample)) {
					if err != nil {
						t.Fatal(err)
					}
					if len(got) == 0 {
						sample()
					}
					if now := r.rank(); now.before(last) {
						t.Fatalf("%d workers: %+v comes after %+v", workers, now, last)
					} else {
						last = now
					}
					got = append(got, fmt.Sprint(r.ID, " ", r.Conn.Client, " ", r.Conn.Close, " ", r.rank(), " ", len(r.Exchanges), " ", len(r.Logins)))
				}
				if len(got) < sessions {
					t.Fatalf("%d workers: %d sessions, want %d", workers, len(got), sessions)
				}
				if want == nil {
					want = got
				}
				if i := firstDifference(got, want); i >= 0 {
					t.Errorf("%d workers: session %d\n got %s\nwant %s", workers, i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
				}
				used := most / int64(sessions)
				if used > each && !testing.Short() { // few sessions are less than what is there for any number
					t.Errorf("%d workers: %d bytes for each session, more than %d", workers, used, each)
				}
				t.Logf("%d workers: %d bytes for each session", workers, used)
			}
		})
	}
}

// firstDifference returns where two lists differ first; -1 if they do not.
func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}
