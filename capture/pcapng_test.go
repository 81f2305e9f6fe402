package capture

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"
)

const second = 1_700_000_000 // of the times in pcapng tests

func TestNGPackets(t *testing.T) {
	data := frame(1, 61)
	for _, order := range orders {
		o := order.o
		head := concat(ngSection(o), ngFace(o, 1, 65535))
		comment := ngOption(o, 1, []byte("a comment"))
		obsolete := func(face, drops uint16, ticks uint64, data []byte, options ...[]byte) []byte {
			b := ngEnhancedHead(o, 0, ticks, uint32(len(data)), 90)
			o.PutUint16(b, face)
			o.PutUint16(b[2:], drops)
			return ngBlock(o, blockPacket, b, data, make([]byte, -len(data)&3), bytes.Join(options, nil))
		}
		simple := func(orig uint32, data []byte) []byte {
			return ngBlock(o, blockSimple, o.AppendUint32(nil, orig), data)
		}
		packet := func(num, nanos int64, n, orig int) Packet {
			return Packet{FileNum: num, Nanos: nanos, Link: LinkEthernet, Data: data[:n], Orig: orig}
		}
		for _, c := range []struct {
			name string
			file []byte
			want []Packet
		}{
			{"no packets", ngSection(o), nil},
			{"section only with options", ngBlock(o, blockSection, ngSection(o)[8:24], ngOption(o, 3, []byte("an OS"))), nil},
			{"enhanced", concat(head, ngEnhanced(o, 0, second*1e6+7, data)),
				[]Packet{packet(1, second*1e9+7000, 61, 61)}},
			{"enhanced with options", concat(head, ngEnhanced(o, 0, second*1e6, data, comment, ngOption(o, 0, nil)), ngEnhanced(o, 0, second*1e6, data[:1])),
				[]Packet{packet(1, second*1e9, 61, 61), packet(2, second*1e9, 1, 1)}},
			{"enhanced without data", concat(head, ngEnhanced(o, 0, second*1e6, nil)),
				[]Packet{packet(1, second*1e9, 0, 0)}},
			{"captured more than there was", concat(head, ngBlock(o, blockEnhanced, ngEnhancedHead(o, 0, 0, 8, 5), data[:8])),
				[]Packet{packet(1, 0, 8, 8)}},
			{"obsolete", concat(head, obsolete(0, 9, second*1e6, data), obsolete(0, math.MaxUint16, second*1e6, data, comment)),
				[]Packet{packet(1, second*1e9, 61, 90), packet(2, second*1e9, 61, 90)}},
			{"simple", concat(head, ngEnhanced(o, 0, second*1e6, data), simple(61, data), simple(0, nil)),
				[]Packet{packet(1, second*1e9, 61, 61), packet(2, second*1e9, 61, 61), packet(3, second*1e9, 0, 0)}},
			{"simple, first of its file", concat(head, simple(61, data)),
				[]Packet{packet(1, 0, 61, 61)}},
			{"simple cut by the interface", concat(ngSection(o), ngFace(o, 1, 60), simple(99, data[:60])),
				[]Packet{packet(1, 0, 60, 99)}},
			{"simple without limit", concat(ngSection(o), ngFace(o, 1, 0), simple(61, data)),
				[]Packet{packet(1, 0, 61, 61)}},
			{"blocks passed over", concat(head, ngBlock(o, 4, o.AppendUint32(nil, 0)), ngBlock(o, 0x777, frame(0, 4000)), ngBlock(o, 0x80000001),
				ngEnhanced(o, 0, second*1e6, data)),
				[]Packet{packet(1, second*1e9, 61, 61)}},
			{"blocks that Wireshark counts", concat(head, ngBlock(o, blockCustom, o.AppendUint32(nil, 32473)), ngBlock(o, blockCustomNo, o.AppendUint32(nil, 32473)),
				ngBlock(o, blockJournal, []byte("A=b\n")), ngEnhanced(o, 0, second*1e6, data)),
				[]Packet{packet(4, second*1e9, 61, 61)}},
			{"padding not counted in the length", concat(head, func() []byte {
				b := ngEnhanced(o, 0, second*1e6, data)
				o.PutUint32(b[4:], uint32(len(b)-3))
				o.PutUint32(b[len(b)-4:], uint32(len(b)-3))
				return b
			}(), ngEnhanced(o, 0, second*1e6, data)),
				[]Packet{packet(1, second*1e9, 61, 61), packet(2, second*1e9, 61, 61)}},
		} {
			t.Run(order.name+" "+c.name, func(t *testing.T) {
				packets, errs := readAll(t, c.file)
				if got, want := list(packets), list(c.want); got != want || errs != nil {
					t.Errorf("errors %v\ngot  %swant %s", errs, got, want)
				}
			})
		}
	}
}

func TestNGSections(t *testing.T) {
	le, be := orders[0].o, orders[1].o
	file := concat(
		ngSection(le), ngFace(le, 1, 0), ngFace(le, 276, 0, ngOption(le, optionResolve, []byte{9})),
		ngEnhanced(le, 1, second*1e9+1, []byte("a")), ngEnhanced(le, 0, second*1e6+2, []byte("b")),
		ngSection(be), ngFace(be, 101, 0), ngEnhanced(be, 0, second*1e6+3, []byte("c")),
		ngSection(le), ngSection(be), ngFace(be, 113, 0, ngOption(be, optionOffset, be.AppendUint64(nil, second)), ngOption(be, optionResolve, []byte{0})),
		ngEnhanced(be, 0, 4, []byte("d")))
	packets, errs := readAll(t, file)
	want := []Packet{
		{FileNum: 1, Nanos: second*1e9 + 1, Link: LinkLinuxSLL2, Data: []byte("a"), Orig: 1},
		{FileNum: 2, Nanos: second*1e9 + 2000, Link: LinkEthernet, Data: []byte("b"), Orig: 1},
		{FileNum: 3, Nanos: second*1e9 + 3000, Link: LinkRaw, Data: []byte("c"), Orig: 1},
		{FileNum: 4, Nanos: (second + 4) * 1e9, Link: LinkLinuxSLL, Data: []byte("d"), Orig: 1},
	}
	if got, want := list(packets), list(want); got != want || errs != nil {
		t.Errorf("errors %v\ngot  %swant %s", errs, got, want)
	}
}

func TestNGTimeResolutions(t *testing.T) {
	o := orders[0].o
	for _, c := range []struct {
		name       string
		resolution []byte // the option's value
		offset     []byte
		ticks      uint64
		want       int64
	}{
		{"none given", nil, nil, 5, 5000},
		{"10^0", []byte{0}, nil, 5, 5e9},
		{"10^-3", []byte{3}, nil, 5, 5e6},
		{"10^-9", []byte{9}, nil, 5, 5},
		{"10^-12", []byte{12}, nil, 5999, 5},
		{"10^-64", []byte{64}, nil, math.MaxUint64, 0},
		{"10^-127", []byte{127}, nil, math.MaxUint64, 0},
		{"2^0", []byte{0x80}, nil, 5, 5e9},
		{"2^-10", []byte{0x80 | 10}, nil, 1536, 15e8},
		{"2^-127", []byte{0x80 | 127}, nil, math.MaxUint64, 0},
		{"beyond int64", []byte{0}, nil, math.MaxUint64, math.MaxInt64},
		{"before 1970", []byte{6}, o.AppendUint64(nil, 1<<64-5), 1, -5e9 + 1000},
		{"before int64", []byte{6}, o.AppendUint64(nil, 1<<63), 1, math.MinInt64},
		{"option of two bytes counts for nothing", []byte{9, 9}, nil, 5, 5000},
	} {
		t.Run(c.name, func(t *testing.T) {
			var options [][]byte
			if c.resolution != nil {
				options = append(options, ngOption(o, optionResolve, c.resolution))
			}
			if c.offset != nil {
				options = append(options, ngOption(o, optionOffset, c.offset))
			}
			options = append(options, ngOption(o, optionEnd, nil), ngOption(o, optionResolve, []byte{1})) // after the end: not read
			packets, errs := readAll(t, concat(ngSection(o), ngFace(o, 1, 0, options...), ngEnhanced(o, 0, c.ticks, []byte("x"))))
			if errs != nil || len(packets) != 1 || packets[0].Nanos != c.want {
				t.Errorf("errors %v\ngot  %d\nwant %d", errs, times(packets), c.want)
			}
		})
	}
}

func TestNGDamage(t *testing.T) {
	for _, order := range orders {
		o := order.o
		head := concat(ngSection(o), ngFace(o, 1, 96), ngEnhanced(o, 0, 1, []byte("good")))
		at := int64(len(head))
		good := ngEnhanced(o, 0, 2, []byte("good"))
		with := func(b []byte, offset int, v uint32) []byte {
			b = bytes.Clone(b)
			if offset < 0 {
				offset += len(b)
			}
			o.PutUint32(b[offset:], v)
			return b
		}
		for _, c := range []struct {
			name  string
			block []byte
			words string
		}{
			{"length 0", with(good, 4, 0), "impossible block length 0"},
			{"length 8", with(ngBlock(o, 0x777), 4, 8), "impossible block length 8"},
			{"too short for its kind", ngBlock(o, blockEnhanced, make([]byte, 16)), "impossible block length 28"},
			{"simple too short", ngBlock(o, blockSimple), "impossible block length 12"},
			{"interface too short", ngBlock(o, blockInterface, make([]byte, 4)), "impossible block length 16"},
			{"section too short", with(ngSection(o), 4, 24), "impossible block length 24"},
			{"lengths disagree", with(good, -4, 99), "block lengths disagree: 36 before, 99 after"},
			{"lengths disagree in an unknown block", with(ngBlock(o, 0x777, good), -4, 0), "block lengths disagree"},
			{"lengths disagree in a section", with(ngSection(o), -4, 0), "block lengths disagree"},
			{"packet block too long", with(good, 4, maxBlock+4), "impossible block length"},
			{"unknown block longer than the file", with(ngBlock(o, 0x777, make([]byte, 64)), 4, 1<<32-1), "block cut short"},
			{"interface not described", ngEnhanced(o, 1, 2, []byte("bad")), "interface 1 is not described"},
			{"interface all ones", ngEnhanced(o, 1<<32-1, 2, []byte("bad")), "interface 4294967295 is not described"},
			{"packet longer than its block", with(good, enhancedCaptured, 5), "packet of 5 bytes in a block with room for 4"},
			{"packet longer than the limit", with(good, enhancedCaptured, 0x7fffffff), "impossible packet length 2147483647"},
			{"simple longer than its block", concat(ngBlock(o, blockSimple, o.AppendUint32(nil, 90), []byte("bad!"))), "packet of 90 bytes in a block with room for 4"},
			{"option longer than its block", ngFace(o, 1, 0, []byte{1, 1, 200, 200}), "option 257 of 51400 bytes with 0 left"},
			{"byte-order magic", with(ngSection(o), sectionMagic, 7), "byte-order magic"},
			{"version 2", with(ngSection(o), sectionMajor, 0x00020002), "pcapng version 2"},
			{"section without its interfaces", concat(ngSection(o), good), "interface 0 is not described"},
			{"simple in a section without interfaces", concat(ngSection(o), ngBlock(o, blockSimple, o.AppendUint32(nil, 4), []byte("bad!"))), "interface 0 is not described"},
		} {
			t.Run(order.name+" "+c.name, func(t *testing.T) {
				packets, errs := readAll(t, concat(head, c.block, good))
				if len(packets) != 1 || string(packets[0].Data) != "good" {
					t.Errorf("got  %s", list(packets))
				}
				offset := at
				if bytes.HasPrefix(c.block, ngSection(o)) && len(c.block) > sectionMinimum {
					offset += sectionMinimum
				}
				wantDamage(t, errs, 2, offset, c.words)
			})
		}
	}
}

func TestNGCutEverywhere(t *testing.T) {
	for _, order := range orders {
		o := order.o
		var file []byte
		var ends []int
		for _, block := range [][]byte{
			ngSection(o), ngFace(o, 1, 0, ngOption(o, optionResolve, []byte{9})),
			ngEnhanced(o, 0, 1, frame(1, 5)), ngEnhanced(o, 0, 2, frame(2, 8), ngOption(o, 1, []byte("comment"))),
		} {
			file = append(file, block...)
			ends = append(ends, len(file))
		}
		cutEverywhere(t, file, ends, 2)
	}
}

func TestNGTooManyInterfaces(t *testing.T) {
	o := orders[0].o
	file := ngSection(o)
	face := ngFace(o, 1, 0)
	for range maxInterfaces + 1 {
		file = append(file, face...)
	}
	_, errs := readAll(t, file)
	wantDamage(t, errs, 1, int64(28+maxInterfaces*len(face)), "more than 65536 interfaces")
}

// zeros gives n zero bytes and no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A block of 64 MiB that means nothing to us is not held in memory.
func TestNGHugeBlockIsNotHeld(t *testing.T) {
	o := orders[0].o
	const n = 64 << 20
	for name, kind := range map[string]uint32{"unknown": 0x777, "secrets": blockSecrets, "statistics": blockStats} {
		open := o.AppendUint32(o.AppendUint32(nil, kind), n)
		src, err := NewReader("test", io.MultiReader(
			bytes.NewReader(concat(ngSection(o), ngFace(o, 1, 0), open)), zeros(n-12),
			bytes.NewReader(concat(o.AppendUint32(nil, n), ngEnhanced(o, 0, 1, []byte("after"))))))
		if err != nil {
			t.Fatal(err)
		}
		held := len(src.tracks[0].buf.data)
		var p Packet
		if err := src.Next(&p); err != nil || string(p.Data) != "after" {
			t.Errorf("%s: %q, %v", name, p.Data, err)
		}
		if now := len(src.tracks[0].buf.data); now != held {
			t.Errorf("%s: buffer grew from %d to %d bytes", name, held, now)
		}
	}
}

func TestNGDrops(t *testing.T) {
	o := orders[1].o
	stats := func(face uint32, options ...[]byte) []byte {
		return ngBlock(o, blockStats, o.AppendUint32(nil, face), make([]byte, 8), bytes.Join(options, nil))
	}
	count := func(code uint16, n uint64) []byte { return ngOption(o, code, o.AppendUint64(nil, n)) }
	head := concat(ngSection(o), ngFace(o, 1, 0), ngFace(o, 1, 0))
	for _, c := range []struct {
		name string
		file []byte
		want uint64
	}{
		{"none told", head, 0},
		{"interface and system", concat(head, stats(0, count(optionIfDrop, 3), count(optionOsDrop, 4))), 7},
		{"received packets are none", concat(head, stats(0, count(4, 99))), 0},
		{"the last one counts", concat(head, stats(0, count(optionIfDrop, 3)), stats(0, count(optionIfDrop, 5)), stats(0, count(4, 9))), 5},
		{"each interface", concat(head, stats(0, count(optionIfDrop, 3)), stats(1, count(optionIfDrop, 5))), 8},
		{"each section", concat(head, stats(0, count(optionIfDrop, 3)), head, stats(0, count(optionIfDrop, 5))), 8},
		{"unknown interface", concat(head, stats(7, count(optionIfDrop, 3))), 0},
		{"cut option", concat(head, stats(0, count(optionIfDrop, 3), []byte{0, 7, 0, 200})), 3},
		{"too short", concat(head, ngBlock(o, blockStats)), 0},
		{"no wrap", concat(head, stats(0, count(optionIfDrop, 1<<64-1)), stats(1, count(optionIfDrop, 5))), 1<<64 - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := NewReader("test", bytes.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, errs := drain(t, src); errs != nil {
				t.Fatal(errs)
			}
			if got := src.Drops(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestNGKeyLog(t *testing.T) {
	secrets := func(o appender, kind, n uint32, b string) []byte {
		return ngBlock(o, blockSecrets, o.AppendUint32(o.AppendUint32(nil, kind), n), []byte(b))
	}
	key := func(o appender, s string) []byte { return secrets(o, tlsKeyLog, uint32(len(s)), s) }
	le, be := orders[0].o, orders[1].o
	file := concat(ngSection(le), key(le, "CLIENT_RANDOM aa bb\n"), ngFace(le, 1, 0), ngEnhanced(le, 0, 1, []byte("x")),
		key(le, "CLIENT_RANDOM cc dd"), // no line end
		secrets(le, 0x57474b4c, 3, "wireguard"),
		secrets(le, tlsKeyLog, 77, "longer than its block"),
		ngBlock(le, blockSecrets), // too short
		key(le, ""),
		ngSection(be), key(be, "CLIENT_RANDOM ee ff\n"))
	src, err := NewReader("test", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	if err := src.Next(&p); err != nil {
		t.Fatal(err)
	}
	first := src.KeyLog()
	if got, want := string(first), "CLIENT_RANDOM aa bb\n"; got != want {
		t.Errorf("before the first packet\ngot  %q\nwant %q", got, want)
	}
	if err := src.Next(&p); err != io.EOF {
		t.Fatal(err)
	}
	all := "CLIENT_RANDOM aa bb\nCLIENT_RANDOM cc dd\nCLIENT_RANDOM ee ff\n"
	if got := string(src.KeyLog()); got != all {
		t.Errorf("at the end\ngot  %q\nwant %q", got, all)
	}
	if got := string(first); got != all[:len(first)] {
		t.Errorf("bytes given out changed to %q", got)
	}
	if got := src.KeysLeftOut(); got != 2 { // the damaged ones
		t.Errorf("%d blocks left out", got)
	}
}

func TestKeyLogIsBounded(t *testing.T) {
	o := orders[0].o
	line := strings.Repeat("x", 1<<20-1) + "\n"
	block := ngBlock(o, blockSecrets, o.AppendUint32(o.AppendUint32(nil, tlsKeyLog), uint32(len(line))), []byte(line))
	parts := []io.Reader{bytes.NewReader(ngSection(o))}
	for range 20 {
		parts = append(parts, bytes.NewReader(block))
	}
	src, err := NewReader("test", io.MultiReader(parts...))
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := drain(t, src); errs != nil {
		t.Fatal(errs)
	}
	if left := int(src.KeysLeftOut()); left+len(src.KeyLog())/len(line) != 20 {
		t.Errorf("%d blocks left out", left)
	}
	if n := len(src.KeyLog()); n == 0 || n > maxKeyLog || n%len(line) != 0 {
		t.Errorf("%d bytes kept", n)
	}
}
