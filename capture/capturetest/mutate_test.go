package capturetest

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// positions are the bytes of one direction from a sequence number on: the
// first copy of each, -1 where there is none.
type positions struct {
	from  uint32
	bytes []int16
}

// bytesOf returns which byte stands where in each direction. It is not
// Trace.Stream, so that one checks the other. The traces are small, and
// their sequence numbers do not stray.
func bytesOf(t Trace) map[way]positions {
	out := map[way]positions{}
	for i := range t {
		s := &t[i]
		if len(s.Payload) == 0 {
			continue
		}
		p, ok := out[s.way()]
		if !ok {
			p.from = s.dataSeq()
		}
		if before := int(int32(p.from - s.dataSeq())); before > 0 {
			p.bytes = append(slices.Repeat([]int16{-1}, before), p.bytes...)
			p.from = s.dataSeq()
		}
		at := int(s.dataSeq() - p.from)
		if more := at + len(s.Payload) - len(p.bytes); more > 0 {
			p.bytes = append(p.bytes, slices.Repeat([]int16{-1}, more)...)
		}
		for j, b := range s.Payload {
			if p.bytes[at+j] < 0 {
				p.bytes[at+j] = int16(b)
			}
		}
		out[s.way()] = p
	}
	return out
}

func sameBytes(a, b map[way]positions) bool {
	return maps.EqualFunc(a, b, func(a, b positions) bool {
		return a.from == b.from && slices.Equal(a.bytes, b.bytes)
	})
}

// endsOf counts the SYNs, FINs and RSTs, by who sent them and where: no
// mutation may lose one.
func endsOf(t Trace) map[string]bool {
	out := map[string]bool{}
	for i := range t {
		s := &t[i]
		for _, f := range []uint8{syn, fin, rst} {
			at := s.Seq
			if f == fin {
				at = s.end() - 1
			}
			if s.Flags&f != 0 {
				out[fmt.Sprint(s.way(), f, at)] = true
			}
		}
	}
	return out
}

func ascends(t Trace) bool {
	for i := 1; i < len(t); i++ {
		if t[i].Nanos < t[i-1].Nanos {
			return false
		}
	}
	return true
}

// keeping are the mutations that lose and change nothing.
var keeping = []struct {
	name   string
	mutate func(Trace) Trace
}{
	{"Clone", Trace.Clone},
	{"Split 1", func(t Trace) Trace { return t.Split(1) }},
	{"Split 7", func(t Trace) Trace { return t.Split(7) }},
	{"SplitAt middle", func(t Trace) Trace { return t.SplitAt(t.Bytes() / 2) }},
	{"Coalesce 1460", func(t Trace) Trace { return t.Coalesce(1460) }},
	{"Split, Coalesce", func(t Trace) Trace { return t.Split(1).Coalesce(5) }},
	{"Shuffle 3", func(t Trace) Trace { return t.Shuffle(1, 3) }},
	{"Shuffle 50", func(t Trace) Trace { return t.Shuffle(2, 50) }},
	{"ShuffleWithTimes", func(t Trace) Trace { return t.ShuffleWithTimes(3, 4) }},
	{"Duplicate", func(t Trace) Trace { return t.Duplicate(4, 50) }},
	{"RetransmitLater", func(t Trace) Trace { return t.RetransmitLater(5, 50, 6) }},
	{"Overlap", func(t Trace) Trace { return t.Overlap(6) }},
	{"KeepAlives", Trace.KeepAlives},
	{"BadChecksums", Trace.BadChecksums},
	{"UnfilledChecksums", Trace.UnfilledChecksums},
	{"V6", Trace.V6},
	{"V4", Trace.V4},
	{"Delay", func(t Trace) Trace { return t.Delay(time.Hour) }},
	{"all together", func(t Trace) Trace {
		return t.Split(11).Overlap(7).RetransmitLater(7, 20, 5).Duplicate(7, 20).Shuffle(7, 6)
	}},
}

func TestMutationsKeepTheStreams(t *testing.T) {
	for _, d := range LoadAll(t, "") {
		before := d.Trace()
		wantBytes, wantEnds := bytesOf(before), endsOf(before)
		for _, m := range keeping {
			after := m.mutate(before)
			if got := bytesOf(after); !sameBytes(got, wantBytes) {
				t.Errorf("%s: %s: the streams are\n%v\nand were\n%v", d.Name, m.name, got, wantBytes)
			}
			if got := endsOf(after); !reflect.DeepEqual(got, wantEnds) {
				t.Errorf("%s: %s: SYN, FIN, RST\n got %v\nwant %v", d.Name, m.name, got, wantEnds)
			}
			if m.name != "ShuffleWithTimes" && !ascends(after) {
				t.Errorf("%s: %s: times do not ascend", d.Name, m.name)
			}
		}
		if !reflect.DeepEqual(before, d.Trace()) {
			t.Errorf("%s: a mutation has changed the trace it was given", d.Name)
		}
	}
}

// TestMutationsShareNothing changes all bytes of each result.
func TestMutationsShareNothing(t *testing.T) {
	before := Load(t, "body-mime").Trace()
	want := before.Clone()
	all := append(keeping[:len(keeping):len(keeping)], []struct {
		name   string
		mutate func(Trace) Trace
	}{
		{"Drop", func(t Trace) Trace { return t.Drop(0) }},
		{"OneSide", func(t Trace) Trace { return t.OneSide(true) }},
		{"FromMiddle", func(t Trace) Trace { return t.FromMiddle(2) }},
		{"CutPayload", func(t Trace) Trace { return t.CutPayload(5) }},
		{"RetransmitChanged", func(t Trace) Trace { return t.RetransmitChanged(5, func(b []byte) { clear(b) }) }},
		{"Rebase", func(t Trace) Trace { return t.Rebase(1, 2) }},
		{"Merge", func(t Trace) Trace { return Merge(t) }},
	}...)
	for _, m := range all {
		for _, s := range m.mutate(before) {
			for i := range s.Payload {
				s.Payload[i] ^= 0xff
			}
			for i := range s.Options {
				s.Options[i] ^= 0xff
			}
		}
		if !reflect.DeepEqual(before, want) {
			t.Fatalf("%s returns a trace that shares memory with its argument", m.name)
		}
	}
}

func mustParse(t *testing.T, text string) Trace {
	t.Helper()
	d, err := Parse("x.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	return d.Trace()
}

func TestSingleMutations(t *testing.T) {
	const text = "! nosyn\n! noclose\nC| abcdef\nS| ghi\nC| jk"
	const same = `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`
	tests := []struct {
		name   string
		mutate func(Trace) Trace
		want   string
	}{
		{"nothing", Trace.Clone, same},
		{"Split", func(t Trace) Trace { return t.Split(4) }, `
0 C>S ACK seq=1 ack=1 win=502 "abcd"
0 C>S PSH|ACK seq=5 ack=1 win=502 "ef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"SplitAt inside", func(t Trace) Trace { return t.SplitAt(7) }, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 S>C ACK seq=1 ack=7 win=502 "g"
0 S>C PSH|ACK seq=2 ack=7 win=502 "hi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"SplitAt a boundary", func(t Trace) Trace { return t.SplitAt(6) }, same},
		{"SplitAt the beginning", func(t Trace) Trace { return t.SplitAt(0) }, same},
		{"SplitAt the end", func(t Trace) Trace { return t.SplitAt(11) }, same},
		{"Coalesce what lies apart", func(t Trace) Trace { return t.Coalesce(100) }, same},
		{"Coalesce", func(t Trace) Trace { return t.Split(2).Coalesce(4) }, `
0 C>S ACK seq=1 ack=1 win=502 "abcd"
0 C>S PSH|ACK seq=5 ack=1 win=502 "ef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"Drop", func(t Trace) Trace { return t.Drop(1) }, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"DropSome: none", func(t Trace) Trace { return t.DropSome(1, 0) }, same},
		{"DropSome: all", func(t Trace) Trace { return t.DropSome(1, 100) }, "\n"},
		{"OneSide of the server", func(t Trace) Trace { return t.OneSide(false) }, `
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
`},
		{"FromMiddle", func(t Trace) Trace { return t.FromMiddle(2) }, `
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"FromMiddle: the end", func(t Trace) Trace { return t.FromMiddle(3) }, "\n"},
		{"CutPayload", func(t Trace) Trace { return t.CutPayload(2) }, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "ab" cut=4
0 S>C PSH|ACK seq=1 ack=7 win=502 "gh" cut=1
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"CutPayload to nothing, twice", func(t Trace) Trace { return t.CutPayload(1).CutPayload(0).FromMiddle(1) }, `
0 S>C PSH|ACK seq=1 ack=7 win=502 cut=3
0 C>S PSH|ACK seq=7 ack=4 win=502 cut=2
`},
		{"Split what was cut", func(t Trace) Trace { return t.CutPayload(3).Split(2).FromMiddle(3) }, `
0 S>C PSH|ACK seq=3 ack=7 win=502 "i"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"RetransmitChanged", func(t Trace) Trace {
			return t.RetransmitChanged(1, func(b []byte) { b[0] = 'X' })
		}, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 S>C PSH|ACK seq=1 ack=7 win=502 "Xhi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"Duplicate all", func(t Trace) Trace { return t.FromMiddle(2).Duplicate(1, 100) }, `
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"RetransmitLater all, the acknowledgement of its time", func(t Trace) Trace {
			return t.RetransmitLater(2, 100, 3)
		}, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
0 C>S PSH|ACK seq=1 ack=4 win=502 "abcdef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
`},
		{"KeepAlives", Trace.KeepAlives, `
0 C>S PSH|ACK seq=1 ack=1 win=502 "abcdef"
0 S>C PSH|ACK seq=1 ack=7 win=502 "ghi"
0 C>S ACK seq=6 ack=4 win=502
0 S>C ACK seq=4 ack=7 win=502
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk"
0 S>C ACK seq=3 ack=9 win=502 "\x00"
0 C>S ACK seq=9 ack=4 win=502
`},
		{"BadChecksums", func(t Trace) Trace { return t.FromMiddle(2).BadChecksums() }, `
0 C>S PSH|ACK seq=7 ack=4 win=502 "jk" bad checksum
`},
		{"Rebase over the wrap and back", func(t Trace) Trace { return t.Rebase(1<<31, 1<<31).Rebase(1<<31, 1<<31) }, same},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, want := render(tt.mutate(mustParse(t, text))), strings.TrimPrefix(tt.want, "\n")
			if got != want {
				t.Errorf("\n got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestShuffleMovesNoFartherThanItsWindow(t *testing.T) {
	trace := Load(t, "body-large").Trace()
	for window := range 12 {
		moved := 0
		for seed := range uint64(20) {
			got := trace.ShuffleWithTimes(seed, window)
			for i, s := range got {
				// Times are unique in this dialog: they name the packet.
				from := int((s.Nanos - trace[0].Nanos) / int64(time.Millisecond))
				if d := max(i-from, from-i); d > window {
					t.Fatalf("window %d, seed %d: packet %d moved by %d", window, seed, from, d)
				} else if d > 0 {
					moved++
				}
			}
		}
		if (moved > 0) != (window > 0) {
			t.Errorf("window %d: %d packets moved", window, moved)
		}
	}
}

func TestSeedsDecide(t *testing.T) {
	trace := Load(t, "body-large").Trace()
	for _, m := range []struct {
		name   string
		mutate func(seed uint64) Trace
	}{
		{"Shuffle", func(seed uint64) Trace { return trace.Shuffle(seed, 5) }},
		{"Duplicate", func(seed uint64) Trace { return trace.Duplicate(seed, 30) }},
		{"RetransmitLater", func(seed uint64) Trace { return trace.RetransmitLater(seed, 30, 5) }},
		{"Overlap", func(seed uint64) Trace { return trace.Overlap(seed) }},
		{"DropSome", func(seed uint64) Trace { return trace.DropSome(seed, 30) }},
	} {
		if !reflect.DeepEqual(m.mutate(1), m.mutate(1)) {
			t.Errorf("%s: one seed, two results", m.name)
		}
		if reflect.DeepEqual(m.mutate(1), m.mutate(2)) {
			t.Errorf("%s: two seeds, one result", m.name)
		}
	}
}

// TestOverlapOverlaps: there are segments with both old and new bytes.
func TestOverlapOverlaps(t *testing.T) {
	got := Load(t, "body-large").Trace().Overlap(1)
	next := map[way]uint32{}
	mixed := 0
	for i := range got {
		s := &got[i]
		if n, ok := next[s.way()]; ok && int32(n-s.Seq) > 0 && int32(s.end()-n) > 0 {
			mixed++
		}
		if n, ok := next[s.way()]; !ok || int32(s.end()-n) > 0 {
			next[s.way()] = s.end()
		}
	}
	if mixed < 5 {
		t.Errorf("%d segments with old and new bytes", mixed)
	}
}

func TestMerge(t *testing.T) {
	a := mustParse(t, "! nosyn\n! noclose\nC| a\n! pause 3ms\nC| b")
	b := mustParse(t, "! nosyn\n! noclose\nC| c").Delay(time.Millisecond)
	got := Merge(a, b)
	want := "0 a,1 c,0 b,"
	var text strings.Builder
	for _, s := range got {
		if len(s.Payload) > 0 {
			fmt.Fprintf(&text, "%d %s,", s.Conn, s.Payload)
		}
	}
	if text.String() != want || got.Conns() != 2 {
		t.Errorf("\n got %s of %d connections\nwant %s", text.String(), got.Conns(), want)
	}
}

func TestReaddress(t *testing.T) {
	trace := Load(t, "tcp-interleaved").Trace()
	to := trace[0].Server
	for _, s := range trace.Readdress(1, to, to) {
		if (s.Client == to) != (s.Conn == 1) {
			t.Fatalf("%v: client %v", s, s.Client)
		}
	}
}

func TestV6AndBack(t *testing.T) {
	for _, name := range []string{"rfc1939-section10", "tcp-interleaved"} {
		trace := Load(t, name).Trace()
		six := trace.V6()
		for _, s := range six {
			if !s.Client.Addr().Is6() || !s.Server.Addr().Is6() {
				t.Fatalf("%s: %v to %v after V6", name, s.Client, s.Server)
			}
		}
		seen := map[string]int{}
		for i, s := range six.V4() {
			if !s.Client.Addr().Is4() || !s.Server.Addr().Is4() {
				t.Fatalf("%s: %v to %v after V4", name, s.Client, s.Server)
			}
			if trace[i].Client.Addr().Is4() && s.Client != trace[i].Client {
				t.Errorf("%s: %v came back as %v", name, trace[i].Client, s.Client)
			}
			key := s.Client.String() + s.Server.String()
			if c, ok := seen[key]; ok && c != s.Conn {
				t.Errorf("%s: connections %d and %d have become one", name, c, s.Conn)
			}
			seen[key] = s.Conn
		}
	}
}

func TestImpossibleAsksPanic(t *testing.T) {
	trace := mustParse(t, "C| a")
	for name, f := range map[string]func(){
		"Split":             func() { trace.Split(0) },
		"SplitAt":           func() { trace.SplitAt(2) },
		"Shuffle":           func() { trace.Shuffle(0, -1) },
		"RetransmitLater":   func() { trace.RetransmitLater(0, 1, 0) },
		"Drop":              func() { trace.Drop(len(trace)) },
		"RetransmitChanged": func() { trace.RetransmitChanged(-1, nil) },
		"FromMiddle":        func() { trace.FromMiddle(len(trace) + 1) },
		"CutPayload":        func() { trace.CutPayload(-1) },
		"FindEncap":         func() { FindEncap("token-ring") },
	} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.HasPrefix(s, "capturetest: ") {
					t.Errorf("%s: panics with %q", name, s)
				}
			}()
			f()
		}()
	}
}

// FuzzMutations: whatever the seeds, nothing is lost or changed, and every
// frame decodes to what went in.
func FuzzMutations(f *testing.F) {
	f.Add(uint64(1), byte(3), byte(5), "+OK ready\r\n", "QUIT\r\n")
	f.Add(uint64(99), byte(1), byte(40), strings.Repeat("0123456789", 30), "x")
	f.Fuzz(func(t *testing.T, seed uint64, size, window byte, server, client string) {
		if len(server)+len(client) > 4096 {
			return
		}
		text := "! mss " + fmt.Sprint(int(size)+1) + "\n"
		for _, line := range []string{"S", "C"} {
			data := map[string]string{"S": server, "C": client}[line]
			if data != "" {
				text += line + "| "
				for i := range len(data) {
					text += fmt.Sprintf(`\x%02x`, data[i])
				}
				text += "\n"
			}
		}
		before := mustParse(t, text)
		after := before.Split(int(window)+1).Overlap(seed).RetransmitLater(seed, 30, int(window)+1).
			Duplicate(seed, 30).Shuffle(seed, int(window))
		for _, tr := range []Trace{before, after, after.Coalesce(int(size))} {
			if got := tr.Stream(0, false); string(got) != server {
				t.Fatalf("server's stream\n got %q\nwant %q", got, server)
			}
			if got := tr.Stream(0, true); string(got) != client {
				t.Fatalf("client's stream\n got %q\nwant %q", got, client)
			}
		}
		encaps := Encaps()
		e := encaps[seed%uint64(len(encaps))]
		got, err := FromSource(Source(after.Packets(e)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Stream(0, false), []byte(server)) || !bytes.Equal(got.Stream(0, true), []byte(client)) {
			t.Fatalf("%s: other streams came out", e.Name)
		}
	})
}
