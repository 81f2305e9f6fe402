package reassembly

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// fragOf returns the fragment of a datagram that ends in its last byte, or
// before.
func fragOf(id uint32, datagram string, off, end int) packet.Fragment {
	return packet.Fragment{
		Src: packet.Addr{1}, Dst: packet.Addr{2}, ID: id, Proto: 6, Depth: 2,
		Offset: off, More: end < len(datagram), Payload: []byte(datagram[off:end]), Length: end - off,
	}
}

// fragSecond is a time so many seconds into the capture.
func fragSecond(n int64) stream.Stamp { return stream.Stamp{Packet: 1, Nanos: n * 1e9} }

const fragText = "0123456789abcdef0123456789ABCDEFxyz" // 35 bytes

func TestFragmentsInAnyOrder(t *testing.T) {
	parts := [][2]int{{0, 8}, {8, 16}, {16, 32}, {32, 35}}
	var orders [][]int
	var permute func(done, rest []int)
	permute = func(done, rest []int) {
		if len(rest) == 0 {
			orders = append(orders, slices.Clone(done))
		}
		for i, r := range rest {
			permute(append(done, r), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	permute(nil, []int{0, 1, 2, 3})
	for _, v6 := range []bool{false, true} {
		for _, order := range orders {
			d := NewDefragmenter(0, 0, 0)
			for n, i := range order {
				f := fragOf(7, fragText, parts[i][0], parts[i][1])
				f.V6 = v6
				dup := f // each fragment but the last to arrive comes twice
				for range min(2, len(order)-n) {
					payload, length, done := d.Add(&f, fragSecond(0))
					if done != (n == 3) {
						t.Fatalf("v6 %v, order %v: done after %d fragments: %v", v6, order, n+1, done)
					}
					if done && (string(payload) != fragText || length != len(fragText)) {
						t.Fatalf("v6 %v, order %v:\ngot  %q of %d\nwant %q", v6, order, payload, length, fragText)
					}
					f = dup
				}
			}
			want := FragmentStats{Datagrams: 1}
			if got := d.Stats(); got != want || d.bytes != 0 || d.arrived.Len() != 0 {
				t.Fatalf("v6 %v, order %v:\ngot  %+v, %d bytes\nwant %+v", v6, order, got, d.bytes, want)
			}
		}
	}
}

// Rows of fragments, and what comes of them. A fragment is written as
// offset:text, with + when more follow, and ~n when its last n bytes were
// cut off.
func TestFragments(t *testing.T) {
	tests := []struct {
		name  string
		v6    bool
		frags string
		want  string // "payload/length", or "" when nothing is done
		stats FragmentStats
	}{
		{"two", false, "0:01234567+ 8:abc", "01234567abc/11", FragmentStats{Datagrams: 1}},
		{"last one of 1 byte", false, "0:01234567+ 8:a", "01234567a/9", FragmentStats{Datagrams: 1}},
		{"only the first", false, "0:01234567+", "", FragmentStats{Waiting: 1}},
		{"hole", false, "0:01234567+ 16:abc", "", FragmentStats{Waiting: 1}},

		{"ipv4 overlap with the same bytes", false, "0:0123456789abcdef+ 8:89abcdefxyz", "0123456789abcdefxyz/19", FragmentStats{Datagrams: 1}},
		{"ipv4 overlap with other bytes", false, "0:0123456789abcdef+ 8:________xyz", "0123456789abcdefxyz/19", FragmentStats{Datagrams: 1, Conflicts: 1}},
		{"ipv4 overlap from the front", false, "8:89abcdef+ 0:01234567________+ 16:xyz", "0123456789abcdefxyz/19", FragmentStats{Datagrams: 1, Conflicts: 1}},
		{"ipv4 overlap over two and the holes between", false, "8:88888888+ 24:33333333+ 0:________________________________________ ",
			"________88888888________33333333________/40", FragmentStats{Datagrams: 1, Conflicts: 1}},
		{"ipv4 duplicate with other bytes", false, "0:01234567+ 0:________+ 8:abc", "01234567abc/11", FragmentStats{Datagrams: 1, Conflicts: 1}},
		{"ipv4 contained", false, "0:0123456789abcdef+ 0:01234567+ 16:x", "0123456789abcdefx/17", FragmentStats{Datagrams: 1}},

		{"ipv6 exact duplicate", true, "0:01234567+ 0:01234567+ 8:abc", "01234567abc/11", FragmentStats{Datagrams: 1}},
		{"ipv6 overlap with the same bytes", true, "0:0123456789abcdef+ 8:89abcdefxyz", "", FragmentStats{Conflicts: 1}},
		{"ipv6 duplicate with other bytes", true, "0:01234567+ 0:________+ 8:abc", "", FragmentStats{Conflicts: 1}},
		{"ipv6 contained", true, "0:0123456789abcdef+ 0:01234567+ 16:x", "", FragmentStats{Conflicts: 1}},
		{"ipv6 overlapped again and again", true, "0:0123456789abcdef+ 8:89abcdef+ 8:________+ 8:........+", "", FragmentStats{Conflicts: 1}},
		{"ipv6 all of an overlapped datagram is dropped", true, "8:89abcdef+ 0:0123456789abcdef+ 0:01234567+ 8:89abcdef+ 16:x", "", FragmentStats{Conflicts: 1}},

		{"cut at the very end", false, "0:01234567+ 8:abcdefg~3", "01234567abcd/15", FragmentStats{Datagrams: 1}},
		{"cut in the middle", false, "0:01234567~3+ 8:abcdefg", "01234/15", FragmentStats{Datagrams: 1}},
		{"cut in the middle, other order", false, "8:89abcdef~2+ 16:xyz 0:01234567+", "0123456789abcd/19", FragmentStats{Datagrams: 1}},
		{"cut to nothing", true, "8:abc~3 0:01234567+", "01234567/11", FragmentStats{Datagrams: 1}},
		{"cut to nothing, and a copy", false, "0:01234567~8+ 0:01234567+ 8:abc", "/11", FragmentStats{Datagrams: 1}},
		{"cut duplicate", true, "0:01234567+ 0:01234567~4+ 8:abc", "01234567abc/11", FragmentStats{Datagrams: 1}},
		{"cut overlap", false, "0:01234567~4+ 0:0123456789abcdef~2+ 16:x", "0123/17", FragmentStats{Datagrams: 1}},

		{"not a multiple of 8 though more follow", false, "0:0123456+ 8:abc", "", FragmentStats{Malformed: 1, Waiting: 1}},
		{"empty", false, "0:01234567+ 8:", "", FragmentStats{Malformed: 1, Waiting: 1}},
		{"beyond the end", false, "8:abc 16:x+ 16:01234567+ 0:01234567+", "01234567abc/11", FragmentStats{Datagrams: 1, Malformed: 2}},
		{"two ends, the first one shorter", false, "8:abc 8:abcd 0:01234567+", "01234567abc/11", FragmentStats{Datagrams: 1, Malformed: 1}},
		{"two ends, the first one longer", false, "8:abcd 8:abc 0:01234567+", "01234567abcd/12", FragmentStats{Datagrams: 1, Malformed: 1}},
		{"end before what was there", false, "16:01234567+ 8:abc 0:01234567+", "", FragmentStats{Malformed: 1, Waiting: 1}},
		{"beyond 65535", false, "65528:01234567", "", FragmentStats{Malformed: 1}},
		{"negative offset", false, "-8:01234567+", "", FragmentStats{Malformed: 1}},
		{"whole in one", false, "0:01234567", "01234567/8", FragmentStats{Datagrams: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDefragmenter(0, 0, 0)
			var got []string
			for _, row := range strings.Fields(tt.frags) {
				f := packet.Fragment{V6: tt.v6, Proto: 6}
				row, f.More = strings.CutSuffix(row, "+")
				cut := 0
				if before, n, ok := strings.Cut(row, "~"); ok {
					row = before
					fmt.Sscan(n, &cut)
				}
				var text string
				if n, _ := fmt.Sscanf(row, "%d:%s", &f.Offset, &text); n == 0 {
					t.Fatalf("row %q", row)
				}
				f.Length = len(text)
				f.Payload = []byte(text[:len(text)-cut])
				if payload, length, done := d.Add(&f, fragSecond(0)); done {
					got = append(got, fmt.Sprintf("%s/%d", payload, length))
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("\ngot  %q\nwant %q", got, tt.want)
			}
			if d.Stats() != tt.stats {
				t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), tt.stats)
			}
		})
	}
}

func TestMalformedFragmentNumbers(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	for _, f := range []packet.Fragment{
		{Offset: math.MaxInt, Length: 8},
		{Offset: 8, Length: math.MaxInt},
		{Offset: math.MinInt, Length: math.MinInt},
		{Length: -8, More: true},
		{Offset: 65536, Length: 1},
	} {
		if _, _, done := d.Add(&f, fragSecond(0)); done {
			t.Errorf("%+v: done", f)
		}
	}
	if want := (FragmentStats{Malformed: 5}); d.Stats() != want {
		t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
	}
}

// More captured bytes than the length on the wire are not taken.
func TestFragmentPayloadBeyondItsLength(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	d.Add(&packet.Fragment{Payload: []byte("01234567trailer"), Length: 8, More: true}, fragSecond(0))
	payload, _, done := d.Add(&packet.Fragment{Payload: []byte("abc"), Length: 3, Offset: 8}, fragSecond(0))
	if !done || string(payload) != "01234567abc" {
		t.Errorf("got %q, %v", payload, done)
	}
}

func TestFragmentsOfDifferentDatagrams(t *testing.T) {
	base := fragOf(1, fragText, 0, 8)
	tests := []struct {
		name   string
		change func(f *packet.Fragment)
		same   bool
	}{
		{"nothing", func(f *packet.Fragment) {}, true},
		{"identification", func(f *packet.Fragment) { f.ID++ }, false},
		{"source", func(f *packet.Fragment) { f.Src[15]++ }, false},
		{"destination", func(f *packet.Fragment) { f.Dst[15]++ }, false},
		{"path", func(f *packet.Fragment) { f.Path = 9 }, false},
		{"family", func(f *packet.Fragment) { f.V6 = true }, false},
		{"protocol", func(f *packet.Fragment) { f.Proto = 17 }, false},
		{"depth", func(f *packet.Fragment) { f.Depth = 9 }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDefragmenter(0, 0, 0)
			first, rest := base, fragOf(1, fragText, 8, 35)
			tt.change(&rest)
			d.Add(&first, fragSecond(0))
			if _, _, done := d.Add(&rest, fragSecond(0)); done != tt.same {
				t.Errorf("\ngot  %v\nwant %v", done, tt.same)
			}
		})
	}
}

// RFC 8200 section 4.5: the next header of the fragment with offset 0 counts.
func TestProtocolOfDatagramV6(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		parts := []packet.Fragment{fragOf(1, fragText, 0, 8), fragOf(1, fragText, 8, 35)}
		parts[0].V6, parts[1].V6 = true, true
		parts[1].Proto, parts[1].Depth = 17, 5
		d := NewDefragmenter(0, 0, 0)
		d.Add(&parts[order[0]], fragSecond(0))
		f := parts[order[1]]
		if _, _, done := d.Add(&f, fragSecond(0)); !done || f.Proto != 6 || f.Depth != 5 {
			t.Errorf("order %v: done %v, protocol %d, depth %d; want 6 and 5", order, done, f.Proto, f.Depth)
		}
	}
}

func TestFragmentTimeout(t *testing.T) {
	tests := []struct {
		name    string
		timeout time.Duration
		times   []int64 // in seconds, of the two halves
		done    bool
	}{
		{"in time", 0, []int64{100, 130}, true},
		{"too late", 0, []int64{100, 131}, false},
		{"own timeout", time.Minute, []int64{100, 160}, true},
		{"no timeout", -1, []int64{0, math.MaxInt64 / 1_000_000_000}, true},
		{"a little backwards", 0, []int64{100, 75}, true},
		{"far backwards", 0, []int64{100, 50}, false},
		{"from end to end", 0, []int64{math.MinInt64 / 1_000_000_000, math.MaxInt64 / 1_000_000_000}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDefragmenter(0, 0, tt.timeout)
			a, b := fragOf(1, fragText, 0, 8), fragOf(1, fragText, 8, 35)
			d.Add(&a, fragSecond(tt.times[0]))
			_, _, done := d.Add(&b, fragSecond(tt.times[1]))
			if done != tt.done {
				t.Errorf("\ngot  %v\nwant %v", done, tt.done)
			}
			want := FragmentStats{Datagrams: 1}
			if !tt.done {
				want = FragmentStats{TimedOut: 1, Waiting: 1}
			}
			if d.Stats() != want {
				t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
			}
		})
	}
}

// A datagram behind a younger one in the row is still found to be too old
// when its key comes up again.
func TestFragmentTimeoutOutOfOrder(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	for _, step := range []struct{ id, second int64 }{{1, 120}, {2, 100}, {2, 135}} {
		f := fragOf(uint32(step.id), fragText, 0, 8)
		d.Add(&f, fragSecond(step.second))
	}
	if want := (FragmentStats{TimedOut: 1, Waiting: 2}); d.Stats() != want {
		t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
	}
}

// The datagrams on both sides of one that is done are still given up in time.
func TestFragmentTimeoutAroundOneThatIsDone(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	for id := range uint32(4) {
		f := fragOf(id, fragText, 0, 8)
		d.Add(&f, fragSecond(100))
	}
	f := fragOf(1, fragText, 8, len(fragText))
	d.Add(&f, fragSecond(101))
	f = fragOf(5, fragText, 0, 8)
	d.Add(&f, fragSecond(200))
	if want := (FragmentStats{Datagrams: 1, TimedOut: 3, Waiting: 1}); d.Stats() != want {
		t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
	}
}

// What is put together of swapped fragments is one datagram at a time.
func TestSwappedFragmentsOfSeveralDatagrams(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	for id, text := range []string{fragText, "another text of a few bytes"} {
		last, first := fragOf(uint32(id), text, 8, len(text)), fragOf(uint32(id), text, 0, 8)
		d.Add(&last, fragSecond(0))
		if got, length, done := d.Add(&first, fragSecond(0)); !done || string(got) != text || length != len(text) {
			t.Errorf("\ngot  %q\nwant %q", got, text)
		}
	}
}

func TestFragmentLimitSheds(t *testing.T) {
	t.Run("datagrams", func(t *testing.T) {
		d := NewDefragmenter(0, 3, 0)
		for id := range uint32(5) {
			f := fragOf(id, fragText, 0, 8)
			d.Add(&f, fragSecond(0))
		}
		for id, want := range []bool{false, false, true, true, true} {
			if id < 2 { // gone; asking for them would make room
				continue
			}
			f := fragOf(uint32(id), fragText, 8, 35)
			if _, _, done := d.Add(&f, fragSecond(0)); done != want {
				t.Errorf("datagram %d: got %v, want %v", id, done, want)
			}
		}
		if want := (FragmentStats{Datagrams: 3, Shed: 2}); d.Stats() != want {
			t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		big := strings.Repeat("0123456789abcdef", 1000)
		d := NewDefragmenter(40000, 0, 0)
		for id := range uint32(5) {
			f := fragOf(id, big, 0, 8000)
			d.Add(&f, fragSecond(0))
			if d.bytes > 40000 {
				t.Fatalf("%d bytes held", d.bytes)
			}
		}
		f := fragOf(0, big, 8000, 16000)
		if _, _, done := d.Add(&f, fragSecond(0)); done {
			t.Error("the oldest was not shed")
		}
		f = fragOf(4, big, 8000, 16000)
		if payload, _, done := d.Add(&f, fragSecond(0)); !done || string(payload) != big {
			t.Error("the newest was shed")
		}
	})
	t.Run("less than one", func(t *testing.T) {
		d := NewDefragmenter(1, 1, 0)
		f := fragOf(1, fragText, 0, 8)
		d.Add(&f, fragSecond(0))
		if want := (FragmentStats{Shed: 1}); d.Stats() != want || d.bytes != 0 {
			t.Errorf("\ngot  %+v, %d bytes\nwant %+v", d.Stats(), d.bytes, want)
		}
	})
	t.Run("dropped datagrams make room without being counted", func(t *testing.T) {
		d := NewDefragmenter(0, 1, 0)
		for _, off := range []int{0, 8} {
			f := fragOf(1, fragText, off, 24)
			f.V6 = true
			d.Add(&f, fragSecond(0))
		}
		f := fragOf(2, fragText, 0, 8)
		d.Add(&f, fragSecond(0))
		if want := (FragmentStats{Conflicts: 1, Waiting: 1}); d.Stats() != want {
			t.Errorf("\ngot  %+v\nwant %+v", d.Stats(), want)
		}
	})
}

// Offsets cost nothing: memory is held for bytes that arrived.
func TestFragmentOffsetsCostNothing(t *testing.T) {
	d := NewDefragmenter(0, 0, 0)
	f := packet.Fragment{Offset: 65000, Payload: []byte("01234567"), Length: 8, More: true}
	d.Add(&f, fragSecond(0))
	f = packet.Fragment{Offset: 0, Length: 64000, More: true} // captured: nothing of it
	d.Add(&f, fragSecond(0))
	if d.bytes > 1000 {
		t.Errorf("%d bytes held for 8", d.bytes)
	}
}

// fragPacket is an IPv4 packet between 192.0.2.1 and 198.51.100.2; its
// flags field is in units of 8 bytes, with 0x2000 when more follow.
func fragPacket(proto byte, flags int, payload []byte) []byte {
	n := 20 + len(payload)
	return append([]byte{0x45, 0, byte(n >> 8), byte(n), 0, 9, byte(flags >> 8), byte(flags), 64, proto, 0, 0,
		192, 0, 2, 1, 198, 51, 100, 2}, payload...)
}

// From frames to the segment: an IP-in-IP tunnel whose packets are
// fragmented, holding a packet that was itself a fragment.
func TestFragmentsFromFramesToSegment(t *testing.T) {
	tcp := append([]byte{0x9c, 0x40, 0, 110, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0}, "RETR 1\r\nQUIT\r\n"...)
	var sum uint32
	for i := 0; i < len(tcp); i += 2 {
		sum += uint32(tcp[i])<<8 + uint32(tcp[i+1])
	}
	sum += 0xc000 + 0x0201 + 0xc633 + 0x6402 + 6 + uint32(len(tcp))
	sum = sum>>16 + sum&0xffff
	sum = ^(sum>>16 + sum&0xffff)
	tcp[16], tcp[17] = byte(sum>>8), byte(sum)

	var frames [][]byte
	for _, inner := range [][]byte{fragPacket(6, 2, tcp[16:]), fragPacket(6, 0x2000, tcp[:16])} {
		frames = append(frames, fragPacket(4, 0x2000, inner[:16]), fragPacket(4, 2, inner[16:]))
	}
	decoder, defragmenter := packet.NewDecoder(), NewDefragmenter(0, 0, 0)
	var got []packet.Segment
	for _, data := range frames {
		var s packet.Segment
		var f packet.Fragment
		v := decoder.Decode(&capture.Packet{Link: capture.LinkRaw, Data: data, Orig: len(data)}, &s, &f)
		for v == packet.IsFragment {
			payload, length, done := defragmenter.Add(&f, fragSecond(0))
			if !done {
				break
			}
			v = decoder.Datagram(&f, payload, length, &s, &f)
		}
		if v == packet.IsSegment {
			got = append(got, s)
		} else if v != packet.IsFragment {
			t.Fatalf("got %v for % x", v, data)
		}
	}
	if len(got) != 1 || string(got[0].Payload) != "RETR 1\r\nQUIT\r\n" || got[0].BadChecksum || got[0].Path == 0 {
		t.Fatalf("got %+v", got)
	}
	if want := (FragmentStats{Datagrams: 3}); defragmenter.Stats() != want {
		t.Errorf("\ngot  %+v\nwant %+v", defragmenter.Stats(), want)
	}
}

// A datagram split at random, its fragments shuffled and some sent twice,
// comes out as it was, and once only if nothing came twice.
func FuzzFragmentSplit(f *testing.F) {
	f.Add([]byte(fragText), int64(1), false)
	f.Add(bytes.Repeat([]byte(fragText), 300), int64(2), true)
	f.Fuzz(func(t *testing.T, data []byte, seed int64, v6 bool) {
		if len(data) < 16 || len(data) > fragMaxDatagram {
			return
		}
		r := rand.New(rand.NewSource(seed))
		var frags []packet.Fragment
		for off := 0; off < len(data); {
			end := min(off+8*(1+r.Intn(1+len(data)/16)), len(data))
			frags = append(frags, packet.Fragment{V6: v6, Offset: off, More: end < len(data), Payload: data[off:end], Length: end - off})
			off = end
		}
		n := len(frags)
		for range r.Intn(3) {
			frags = append(frags, frags[r.Intn(n)])
		}
		if !v6 { // overlaps that say the same
			for range r.Intn(3) {
				off := 8 * r.Intn((len(data)+7)/8)
				end := min(off+8*(1+r.Intn(4)), len(data))
				frags = append(frags, packet.Fragment{Offset: off, More: end < len(data), Payload: data[off:end], Length: end - off})
			}
		}
		r.Shuffle(len(frags), func(i, j int) { frags[i], frags[j] = frags[j], frags[i] })
		d := NewDefragmenter(-1, 0, 0)
		times := 0
		for i := range frags {
			payload, length, done := d.Add(&frags[i], fragSecond(0))
			if !done {
				continue
			}
			times++
			if length != len(data) || !bytes.Equal(payload, data) {
				t.Fatalf("got %d bytes of %d, want %d", len(payload), length, len(data))
			}
		}
		if times == 0 || times > 1 && len(frags) == n {
			t.Fatalf("done %d times", times)
		}
		if s := d.Stats(); s.Conflicts+s.Malformed > 0 || (s.Waiting == 0) != (d.bytes == 0) {
			t.Fatalf("%+v, %d bytes held", s, d.bytes)
		}
	})
}

// Garbage never makes it hold more than the limits, and what it counts adds
// up.
func FuzzFragmentGarbage(f *testing.F) {
	f.Add([]byte(fragText), int64(0))
	f.Add(bytes.Repeat([]byte{1, 0, 3, 0, 200, 7, 1, 1, 3, 9, 200, 7}, 50), int64(1<<40))
	f.Fuzz(func(t *testing.T, script []byte, step int64) {
		const maxBytes, maxDatagrams = 1 << 14, 6
		d := NewDefragmenter(maxBytes, maxDatagrams, time.Second)
		room := make([]byte, 3000)
		script = script[:min(len(script), 6*1000)] // checking all of it after each step takes long
		var now int64
		var took int64
		for ; len(script) >= 6; script = script[6:] {
			fr := packet.Fragment{
				ID: uint32(script[0] >> 2), V6: script[0]&1 != 0, More: script[0]&2 != 0,
				Offset: (int(script[1])<<8 | int(script[2])) * 8 >> (script[5] & 7),
				Length: int(script[3]) * 9, Payload: room[:int(script[4])*9],
			}
			for i := range fr.Payload {
				fr.Payload[i] = script[5]
			}
			now += step
			payload, length, done := d.Add(&fr, stream.Stamp{Nanos: now})
			took++
			if done && (len(payload) > length || length > fragMaxDatagram) {
				t.Fatalf("%d bytes of %d", len(payload), length)
			}
			if d.bytes > maxBytes || len(d.byKey) > maxDatagrams {
				t.Fatalf("%d bytes, %d datagrams held", d.bytes, len(d.byKey))
			}
			s := d.Stats()
			if s.Waiting < 0 || s.Waiting > int64(len(d.byKey)) || s.Datagrams+s.TimedOut+s.Shed+s.Malformed+s.Waiting > took {
				t.Fatalf("after %d fragments: %+v", took, s)
			}
			sum, row := 0, 0
			for g := range d.arrived.All() {
				row++
				sum += g.cost
				if !slices.IsSortedFunc(g.spans, func(a, b fragSpan) int { return a.off - b.off }) {
					t.Fatalf("spans %+v", g.spans)
				}
				covered, end := 0, 0
				for _, x := range g.spans {
					if x.off < end || x.end <= x.off || x.n < 0 || x.n > x.end-x.off || x.at+x.n > len(g.data) {
						t.Fatalf("spans %+v", g.spans)
					}
					covered += x.end - x.off
					end = x.end
				}
				if !g.dropped && (covered != g.covered || g.total >= 0 && end > g.total) {
					t.Fatalf("covered %d, total %d, spans %+v", g.covered, g.total, g.spans)
				}
			}
			if sum != d.bytes || row != len(d.byKey) {
				t.Fatalf("%d bytes counted, %d held; %d in the row, %d in the map", d.bytes, sum, row, len(d.byKey))
			}
		}
	})
}

func BenchmarkDefragmenter(b *testing.B) {
	data := strings.Repeat("0123456789abcdef", 4000)
	var frags []packet.Fragment
	for off := 0; off < len(data); off += 1480 {
		frags = append(frags, fragOf(1, data, off, min(off+1480, len(data))))
	}
	for _, order := range []string{"in order", "reversed"} {
		b.Run(order, func(b *testing.B) {
			d := NewDefragmenter(0, 0, 0)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				for i := range frags {
					d.Add(&frags[i], fragSecond(0))
				}
			}
			slices.Reverse(frags)
		})
	}
}
