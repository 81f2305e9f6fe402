package reassembly

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"popscope/reassembly/stream"
)

func TestSeq(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b Seq
		want int64 // a - b
	}{
		{"equal", 7, 7, 0},
		{"ahead", 9, 7, 2},
		{"behind", 7, 9, -2},
		{"ahead over the wrap", 3, math.MaxUint32, 4},
		{"behind over the wrap", math.MaxUint32, 3, -4},
		{"zero is one after the highest", 0, math.MaxUint32, 1},
		{"as far ahead as can be told", 1<<31 - 1, 0, 1<<31 - 1},
		{"as far behind as can be told", 1 << 31, 0, -1 << 31},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.a.Sub(test.b); got != test.want {
				t.Errorf("Sub\n got %d\nwant %d", got, test.want)
			}
			if got := test.b.Add(test.want); got != test.a {
				t.Errorf("Add\n got %d\nwant %d", got, test.a)
			}
			if got, want := test.a.Before(test.b), test.want < 0; got != want {
				t.Errorf("Before\n got %v\nwant %v", got, want)
			}
		})
	}
	if got := Seq(5).Add(3<<32 - 6); got != math.MaxUint32 {
		t.Errorf("Add over several wraps\n got %d\nwant %d", got, uint32(math.MaxUint32))
	}
}

func TestClock(t *testing.T) {
	const start = 1_700_000_000 * second
	times := func(n int, at int64) []int64 {
		r := make([]int64, n)
		for i := range r {
			r[i] = at
		}
		return r
	}
	join := func(parts ...[]int64) (all []int64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	w := clockWindow
	for _, test := range []struct {
		name  string
		times []int64
		want  int64
	}{
		{"no packets", nil, 0},
		{"less than a window", times(w-1, start), 0},
		{"steady", join(times(w, start), times(w, start+second), times(w, start+3*second)), 3 * second},
		{"one packet from the future", join(times(w, start), times(w-1, start), times(1, start+50*365*24*hour), times(w, start+second)), second},
		{"one packet from the past", join(times(w, start), times(1, 0), times(w-1, start+second), times(w, start+2*second)), 2 * second},
		{"the first packet from the past", join(times(1, 0), times(w-1, start), times(w, start+second)), second},
		{"slow packets at first", join(times(1, start-clockLead), times(w-1, start), times(w, start+second)), clockLead + second},
		{"set back by an hour, one packet from the past", join(times(w, start), times(1, 0), times(w-1, start-hour), times(w, start-hour+second)), second},
		{"a little back", join(times(w, start), times(w, start-5*second), times(w, start+second)), second},
		{"set back by an hour", join(times(w, start), times(w, start-hour), times(w, start-hour+second)), second},
		{"a leap ahead", join(times(w, start), times(w, start+hour)), hour},
		{"leaps are bounded", join(times(w, start), times(w, math.MaxInt64)), clockStep},
		{"from one end to the other", join(times(w, math.MinInt64), times(w, math.MaxInt64), times(w, math.MinInt64), times(w, math.MaxInt64)), 2 * clockStep},
	} {
		t.Run(test.name, func(t *testing.T) {
			var k clock
			last := int64(0)
			for _, n := range test.times {
				moved := k.see(n)
				if k.now < last || moved != (k.now > last) {
					t.Errorf("moved is %v from %d to %d", moved, last, k.now)
				}
				last = k.now
			}
			if k.now != test.want {
				t.Errorf("got  %v\nwant %v", time.Duration(k.now), time.Duration(test.want))
			}
		})
	}
	var k clock
	for range 1000 {
		k.moveTo(math.MinInt64)
		k.capture = math.MinInt64
		k.moveTo(math.MaxInt64)
	}
	if k.now != clockEnd {
		t.Errorf("the clock went on to %d", k.now)
	}
}

func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, test := range []struct {
		name  string
		order func(i, n int) int
	}{
		{"ascending", func(i, n int) int { return i }},
		{"descending", func(i, n int) int { return n - 1 - i }},
		{"from the middle", func(i, n int) int { return (i + n/2) % n }},
		{"random", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 1000
			order := r.Perm(n)
			if test.order != nil {
				for i := range order {
					order[i] = test.order(i, n)
				}
			}
			var l pieces
			for _, i := range order {
				l.insert(&piece{off: int64(i * 10), cut: 4}) // [ cccc      cccc      cccc ]
			}
			i := 0
			for at := (place{}); l.at(at) != nil; at = l.next(at) {
				if got := l.at(at).off; got != int64(i*10) {
					t.Fatalf("piece %d is at %d", i, got)
				}
				i++
			}
			if i != n {
				t.Fatalf("%d pieces", i)
			}
			for range 1000 {
				off := int64(r.IntN(n * 10))
				want := (off + 6) / 10
				switch p := l.at(l.seek(off)); {
				case p == nil && want < n || p != nil && p.off != want*10:
					t.Fatalf("seek(%d)\n got %+v\nwant a piece at %d", off, p, want*10)
				}
			}
			left := n
			for range 500 {
				l.remove(l.seek(int64(r.IntN(n*10 - 3000))))
				left--
			}
			for ; l.first() != nil; left-- {
				l.remove(place{})
			}
			if left != 0 {
				t.Errorf("%d pieces are missing", left)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	v := newArchive(Limits{DirectionHistory: 1000, HistoryBytes: 1 << 20})
	h := &half{}
	for i := range 2000 {
		n := 1 + r.IntN(100)
		if i%100 == 0 {
			n = 5000
		}
		h.next += int64(n)
		v.add(h, contents(stream.Client, h.next-int64(n), h.next), stream.Stamp{Packet: int64(i)})
		y := h.history
		if y.hi != h.next || y.hi-y.lo > 1024 {
			t.Fatalf("[%d, %d) at %d", y.lo, y.hi, h.next)
		}
		from := y.lo + r.Int64N(y.hi-y.lo)
		to := from + 1 + r.Int64N(y.hi-from)
		b := contents(stream.Client, from, to)
		if d := y.compare(from, b); d.any() {
			t.Fatalf("[%d, %d) differs in [%d, %d)", from, to, d.from, d.to)
		}
		p, q := r.IntN(len(b)), r.IntN(len(b))
		p, q = min(p, q), max(p, q)
		b[p] ^= 1
		if p != q {
			b[q] ^= 1
		}
		if d := y.compare(from, b); d.from != from+int64(p) || d.to != from+int64(q)+1 {
			t.Fatalf("got [%d, %d)\nwant [%d, %d)", d.from, d.to, from+int64(p), from+int64(q)+1)
		}
		if got := y.brought(y.hi - 1).Packet; got != int64(i) {
			t.Fatalf("the last byte came with packet %d, not %d", got, i)
		}
	}
}

func TestHistoryLimit(t *testing.T) {
	v := newArchive(Limits{DirectionHistory: 4096, HistoryBytes: 10 * (historyMin + historyOverhead)})
	halves := make([]half, 100)
	for i := range halves {
		h := &halves[i]
		h.next = 10
		v.add(h, make([]byte, 10), stream.Stamp{})
		if v.held > v.limit || v.held+v.spare > v.limit {
			t.Fatalf("%d and %d of %d", v.held, v.spare, v.limit)
		}
	}
	for i := range halves {
		if kept := halves[i].history != nil; kept != (i >= 90) {
			t.Errorf("history of direction %d: %v", i, kept)
		}
	}
	h := &halves[10]
	h.next += 10
	v.add(h, make([]byte, 10), stream.Stamp{})
	if h.history != nil || halves[90].history == nil {
		t.Error("a direction has taken history from another twice")
	}
	v.drop(&halves[91]) // room for one to grow
	v.drop(&halves[92])
	h = &halves[95]
	for range 100 {
		h.next += 3000
		v.add(h, make([]byte, 3000), stream.Stamp{})
		if v.held+v.spare > v.limit {
			t.Fatalf("%d and %d of %d", v.held, v.spare, v.limit)
		}
	}
	if got := len(h.history.ring); got != 1024 {
		t.Errorf("a ring of %d", got)
	}
	for i := range halves {
		v.drop(&halves[i])
	}
	if v.held != 0 || v.inUse.Len() != 0 {
		t.Errorf("%d held in %d histories", v.held, v.inUse.Len())
	}
	small := newArchive(Limits{DirectionHistory: 4096, HistoryBytes: 100})
	h = &half{next: 10}
	small.add(h, make([]byte, 10), stream.Stamp{})
	if h.history != nil || small.held != 0 {
		t.Error("a history above the limit")
	}
}

func TestTable(t *testing.T) {
	tab := newTable()
	r := rand.New(rand.NewPCG(5, 5))
	var in []*entry
	for step := range 20000 {
		if len(in) > 0 && (r.IntN(3) == 0 || step > 15000) {
			i := r.IntN(len(in))
			tab.remove(in[i])
			if tab.find(in[i].hash, &in[i].tuple) != nil {
				t.Fatal("found after it was removed")
			}
			in[i] = in[len(in)-1]
			in = in[:len(in)-1]
			continue
		}
		e := &entry{tuple: tuple{path: uint64(step)}}
		e.hash = e.tuple.hash() % 997 // many collide
		tab.insert(e)
		in = append(in, e)
		if step%500 == 0 {
			for _, e := range in {
				if tab.find(e.hash, &e.tuple) != e {
					t.Fatal("lost an entry")
				}
			}
		}
	}
	if tab.len != len(in) || len(tab.slots) > 32*max(tab.len, tableMin) {
		t.Errorf("%d entries of %d in %d slots", tab.len, len(in), len(tab.slots))
	}
}

func TestDiffer(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want difference
	}{
		{"", "", difference{5, 5, 0}},
		{"abc", "abc", difference{5, 5, 0}},
		{"abc", "xbc", difference{5, 6, 0}},
		{"abc", "abx", difference{7, 8, 0}},
		{"abcde", "axcye", difference{6, 9, 0}},
		{"a\nb\nc", "a\nx\nc", difference{7, 8, 0}},
		{"a\nb\nc", "xyzwc", difference{5, 9, 2}},
		{"a\nb", "\n\nb", difference{5, 6, -1}},
	} {
		if got := differ(5, []byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("differ(%q, %q)\n got %v\nwant %v", test.a, test.b, got, test.want)
		}
	}
	if !bytes.Equal(contents(stream.Client, 0, 3), []byte{0, 1, 2}) {
		t.Error("contents are not what the tests take them for")
	}
}

// TestDisputes holds them to a map of disputed bytes: as long as there are
// few, they are those; and however many there are, they hold them.
func TestDisputes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, size := range []int64{100, 2_000, 40_000} {
		var all []stream.Dispute
		in := make([]bool, size)
		joined := false
		for range 4 * stream.MaxDisputes {
			from := r.Int64N(size)
			to := min(from+1+r.Int64N(3), size)
			for i := from; i < to; i++ {
				in[i] = true
			}
			all = dispute(all, stream.Dispute{From: from, To: to})
			joined = joined || len(all) == stream.MaxDisputes
			if len(all) > stream.MaxDisputes {
				t.Fatalf("%d disputes", len(all))
			}
		}
		got := make([]bool, size)
		for i, x := range all {
			if i > 0 && all[i-1].To >= x.From {
				t.Fatalf("%v before %v", all[i-1], x)
			}
			for o := x.From; o < x.To; o++ {
				got[o] = true
			}
		}
		for o := range in {
			if in[o] && !got[o] || got[o] && !in[o] && !joined {
				t.Fatalf("byte %d of %d: got %v, want %v", o, size, got[o], in[o])
			}
		}
	}
	all := []stream.Dispute{{From: 0, To: 2}, {From: 5, To: 7, Lines: true}}
	if got := dispute(all, stream.Dispute{From: 2, To: 5}); !slices.Equal(got, []stream.Dispute{{From: 0, To: 7, Lines: true}}) {
		t.Errorf("between two: %v", got)
	}
	all = []stream.Dispute{{From: 0, To: 2}}
	if got := dispute(all, stream.Dispute{From: 1, To: 3, Lines: true}); !slices.Equal(got, []stream.Dispute{{From: 0, To: 3, Lines: true}}) {
		t.Errorf("over one without lines: %v", got)
	}
	all = nil
	for i := range int64(stream.MaxDisputes) {
		all = append(all, stream.Dispute{From: 100 * i, To: 100*i + 1 + i%2*80})
	}
	all = dispute(all, stream.Dispute{From: 100 * stream.MaxDisputes, To: 100*stream.MaxDisputes + 1})
	if want := (stream.Dispute{From: 100, To: 201}); all[1] != want {
		t.Errorf("too many: %v is the second, want %v", all[1], want)
	}
}

func TestWaitsBeginWithTheirPacket(t *testing.T) {
	const start = 1_700_000_000 * second
	var k clock
	if got := k.from(start); got != 0 {
		t.Errorf("before the clock is set: %d", got)
	}
	k.pass(0, second) // a silence behind a single packet, whose time may be wrong
	for range 2 * clockWindow {
		k.see(start)
	}
	if k.now != second {
		t.Errorf("a silence before the clock was set is %d", k.now)
	}
	for _, test := range []struct {
		name        string
		nanos, want int64
	}{
		{"at the clock", start, 0},
		{"behind it", start - hour, 0},
		{"after a pause", start + 5*second, 5 * second},
		{"too far ahead to be believed", start + hour, clockLead},
		{"at the end of time", math.MaxInt64, clockLead},
	} {
		if got := k.from(test.nanos); got-second != test.want {
			t.Errorf("%s\n got %d\nwant %d", test.name, got-second, test.want)
		}
	}
}
