package popscope_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/reassembly/stream"
)

// liveSource delivers packets as an interface would: now and then there is
// none, and the time goes on. With several workers one goroutine reads it
// while the test looks at it.
type liveSource struct {
	mu      sync.Mutex
	packets []capture.Packet
	random  *rand.Rand
	now     int64
	last    int64 // time of the last packet
	tail    int   // times to tell of silence after the last packet
}

// maxPause is less than the time that ends idle connections: a live run
// learns that it passed, and one from a file does not.
const maxPause = 10 * time.Minute

// state returns the time, and whether the source has come to its end.
func (s *liveSource) state() (now int64, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now, s.tail < 0
}

func (s *liveSource) Next(p *capture.Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.packets) == 0:
		s.tail--
		if s.tail < 0 {
			return io.EOF
		}
		s.now += int64(500 * time.Millisecond)
		*p = capture.Packet{Nanos: s.now}
		return capture.ErrIdle
	case s.random.IntN(3) == 0 && s.now < s.last+int64(maxPause):
		// Up to the next packet nothing comes.
		if next := min(s.packets[0].Nanos, s.last+int64(maxPause)); next > s.now {
			s.now += s.random.Int64N(next - s.now)
		}
		*p = capture.Packet{Nanos: s.now}
		return capture.ErrIdle
	}
	*p = s.packets[0]
	s.packets = s.packets[1:]
	s.now, s.last = max(s.now, p.Nanos), p.Nanos
	return nil
}

// TestLiveIsLikeFromFile compares all output bytes of a capture with those
// of the same packets as they come in, with pauses and without.
func TestLiveIsLikeFromFile(t *testing.T) {
	sources := map[string][]capture.Packet{}
	var all []capturetest.Trace
	for _, n := range capturetest.Some(traces(t)) {
		if !fromMiddle(n.name) {
			all = append(all, n.trace)
		}
		sources[n.name] = n.trace.Packets(capturetest.Plain())
	}
	sources["all"] = capturetest.Merge(all...).Packets(capturetest.Plain())
	for name, packets := range sources {
		want, _ := analyze(t, capturetest.Source(packets), one)
		for seed, workers := range []int{1, 3} {
			src := &liveSource{packets: packets, random: rand.New(rand.NewPCG(uint64(seed), 7)), tail: 30 * seed}
			got, _ := analyze(t, src, popscope.Options{Workers: workers, Ahead: 20 * seed})
			if got != want {
				t.Errorf("%s, %d workers:\n%s", name, workers, diff(got, want))
			}
		}
	}
}

// fromMiddle reports whether a dialog begins without its SYN. Dialogs share
// addresses, so behind another one that is open it would be a part of that.
func fromMiddle(name string) bool {
	return strings.HasPrefix(name, "tcp-middle") || strings.Contains(name, "nosyn")
}

// TestResultsComeInTime looks at how long after its last packet a session
// is handed on, when no other packets come.
func TestResultsComeInTime(t *testing.T) {
	for _, workers := range []int{1, 2} {
		src := &liveSource{packets: capturetest.Load(t, "rfc1939-section10").Trace().Packets(capturetest.Plain()), random: rand.New(rand.NewPCG(1, 1)), tail: 100}
		last := src.packets[len(src.packets)-1].Nanos
		for r, err := range popscope.New(popscope.Options{Workers: workers}).Results(src) {
			if err != nil {
				t.Fatal(err)
			}
			// The workers may be a few turns behind the source.
			now, over := src.state()
			if late := time.Duration(now - last); r.Last && workers == 1 && late > 2*time.Second {
				t.Errorf("a session came %v after its end", late)
			}
			if over {
				t.Errorf("%d workers: a session came only at the end of the capture", workers)
			}
			break
		}
	}
}

// TestLiveRunLeavesNoGoroutines ends runs in every way: at the end of the
// source, and by a caller that wants no more, at once or later.
func TestLiveRunLeavesNoGoroutines(t *testing.T) {
	capturetest.NoLeaks(t)
	packets := capturetest.Load(t, "rfc1939-section10").Trace().Packets(capturetest.Plain())
	for _, workers := range []int{1, 2, 5} {
		for wanted := range 3 {
			src := &liveSource{packets: packets, random: rand.New(rand.NewPCG(1, 1)), tail: 50}
			n := 0
			for range popscope.New(popscope.Options{Workers: workers, Follow: true, Ahead: 8}).Results(src) {
				if n++; n > wanted*wanted {
					break
				}
			}
			if n == 0 {
				t.Error("nothing was found")
			}
		}
	}
}

// TestIdleSessionIsReportedInTime leaves a session open on an interface
// that shows nothing more: it is closed when its time is over by the clock.
func TestIdleSessionIsReportedInTime(t *testing.T) {
	packets := capturetest.Load(t, "rfc1939-section10").Trace().Packets(capturetest.Plain())
	open := packets[:len(packets)-6] // without QUIT and what follows
	const idle = 10 * time.Minute
	for _, workers := range []int{1, 2} {
		src := &liveSource{packets: open, random: rand.New(rand.NewPCG(1, 1)), tail: 4000}
		last := open[len(open)-1].Nanos
		var o popscope.Options
		o.Workers, o.Limits.Reassembly.Idle = workers, idle
		for r, err := range popscope.New(o).Results(src) {
			if err != nil {
				t.Fatal(err)
			}
			now, over := src.state()
			if late := time.Duration(now-last) - idle; over || workers == 1 && (late < 0 || late > 2*time.Minute) {
				t.Errorf("%d workers: a session came %v after its time", workers, late)
			}
			if r.Conn.Close != stream.ClosedTimeout {
				t.Errorf("closed %v, want a timeout", r.Conn.Close)
			}
			break
		}
	}
}

// TestFollow looks at the parts that come while a session is under way.
func TestFollow(t *testing.T) {
	tr := capturetest.Load(t, "rfc1939-section10").Trace()
	want, _ := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), one)
	for _, workers := range []int{1, 2} {
		src := &liveSource{packets: tr.Packets(capturetest.Plain()), random: rand.New(rand.NewPCG(1, 1)), tail: 10}
		got, _ := analyze(t, src, popscope.Options{Workers: workers, Follow: true})
		// "deleted" is not known until the end.
		if g, w := sortedLines(fateless(got)), sortedLines(fateless(want)); g != w {
			t.Errorf("%d workers:\n%s", workers, diff(g, w))
		}
	}

	src := &liveSource{packets: tr.Packets(capturetest.Plain()), random: rand.New(rand.NewPCG(1, 1))}
	early := false
	for r := range popscope.New(popscope.Options{Workers: 1, Follow: true}).Results(src) {
		early = early || len(r.Exchanges) > 0 && len(src.packets) > 0
	}
	if !early {
		t.Error("no exchange came before the last packet")
	}
}

// fateless leaves out what became of messages.
func fateless(s string) string {
	return strings.NewReplacer(`,"deleted":true`, "", `,"deleted":false`, "").Replace(s)
}

// TestSieve keeps what belongs to POP3 and loses nothing of it: the
// sessions found in what is kept are those found in everything, and live as
// from the file.
func TestSieve(t *testing.T) {
	var all []capturetest.Trace
	for i, n := range traces(t) {
		if !fromMiddle(n.name) {
			all = append(all, apart(n.trace, i))
		}
	}
	packets := capturetest.Merge(all...).Packets(capturetest.Plain())
	// The dialogs are years apart. What is idle by the clock is no matter of
	// this test.
	patient := one
	patient.Limits.Reassembly.Idle = -1
	everything, _ := analyze(t, capturetest.Source(packets), patient)
	for seed := range uint64(3) {
		sieve := popscope.NewSieve(&liveSource{packets: packets, random: rand.New(rand.NewPCG(seed, 7)), tail: 30}, patient)
		kept := &keeping{Source: sieve}
		two := patient
		two.Workers = 2
		live, _ := analyze(t, kept, two)
		if len(kept.packets) >= len(packets) || len(kept.packets) < len(packets)/2 {
			t.Errorf("kept %d of %d packets", len(kept.packets), len(packets))
		}
		if file, _ := analyze(t, capturetest.Source(kept.packets), patient); file != live {
			t.Errorf("live and from file:\n%s", diff(live, file))
		}
		if got, want := essence(t, live), essence(t, everything); got != want {
			t.Errorf("kept and everything:\n%s", diff(got, want))
		}
		if sieve.Missed() != 0 {
			t.Errorf("missed %d", sieve.Missed())
		}
	}
}

// apart returns a trace with clients that the n-th trace has for itself.
// Most dialogs have the same one, and at the same time: merged as they are,
// they would be one connection of which nothing can be said.
func apart(tr capturetest.Trace, n int) capturetest.Trace {
	for conn := range tr.Conns() {
		i := slices.IndexFunc(tr, func(s capturetest.Segment) bool { return s.Conn == conn })
		addr := tr[i].Client.Addr().AsSlice()
		binary.BigEndian.PutUint16(addr[1:], uint16(n))
		client, _ := netip.AddrFromSlice(addr)
		tr = tr.Readdress(conn, netip.AddrPortFrom(client, tr[i].Client.Port()), tr[i].Server)
	}
	return tr
}

// keeping is a source that remembers its packets.
type keeping struct {
	capture.Source
	packets []capture.Packet
}

func (k *keeping) Next(p *capture.Packet) error {
	err := k.Source.Next(p)
	if err == nil {
		q := *p
		q.Data = bytes.Clone(p.Data)
		k.packets = append(k.packets, q)
	}
	return err
}
