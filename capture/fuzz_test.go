package capture

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ulikunitz/xz"
)

// fuzzRead holds any bytes to what a Source promises: it ends, packets have
// sane lengths and numbers that rise, there is at most one error, and it
// tells the packet after the last good one. Memory is bounded by the largest
// block, whatever lengths the bytes announce.
func fuzzRead(t *testing.T, b []byte, grow int) {
	src, err := NewReader("fuzz", bytes.NewReader(b))
	if err != nil {
		if src != nil {
			t.Fatal("a Timeline with an error")
		}
		return
	}
	defer src.Close()
	var p Packet
	var total, last int64
	failed := false
	n := 0
	for ; ; n++ {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			n--
			var fe *FormatError
			if failed || !errors.As(err, &fe) || fe.Packet <= last || fe.Offset < 0 {
				t.Fatalf("error %v after packet %d", err, last)
			}
			failed = true
			continue
		}
		if failed {
			t.Fatal("a packet after the damage")
		}
		if len(p.Data) > maxSnapshot || p.Orig < len(p.Data) || p.FileNum <= last || p.Num != p.FileNum {
			t.Fatalf("packet %d, %d in its file, %d of %d bytes", p.Num, p.FileNum, len(p.Data), p.Orig)
		}
		last = p.FileNum
		if total += int64(len(p.Data)) + 1; grow > 0 && total > int64(grow*(len(b)+1)) {
			t.Fatalf("%d bytes of packets in %d bytes", total, len(b))
		}
		if n > 1<<16 {
			return // a compressed run of empty records
		}
		if held := src.tracks[0].buf; held != nil && len(held.data) > 2*maxBlock {
			t.Fatalf("buffer of %d bytes", len(held.data))
		}
	}
	if counted := src.Files()[0].Packets; counted != int64(n) {
		t.Fatalf("%d packets counted, %d delivered", counted, n)
	}
}

func FuzzPcap(f *testing.F) {
	for _, o := range []WriterOptions{{}, {BigEndian: true}, {Micros: true}} {
		f.Add(written(f, o, sample(2)...))
	}
	le := orders[0].o
	f.Add(concat(pcapHead(le, magicModified, 2, 4, 0, 1), pcapRecord(le, 1, 2, 3, 3, make([]byte, 11))))
	f.Add(concat(pcapHead(le, magicMicro, 2, 3, 1<<32-1, 1), pcapRecord(le, 1, 2, 9, 3, make([]byte, 3))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		if !isClassic(b) { // keep to the format: the rest of the bytes matters
			b = append(orders[0].o.AppendUint32(nil, magicMicro), b[4:]...)
		}
		fuzzRead(t, b, 1)
	})
}

func FuzzPcapng(f *testing.F) {
	for _, o := range orders {
		o := o.o
		f.Add(concat(ngSection(o), ngFace(o, 1, 0, ngOption(o, optionResolve, []byte{0x80 | 20}), ngOption(o, optionOffset, make([]byte, 8))),
			ngEnhanced(o, 0, 1, frame(1, 5), ngOption(o, 1, []byte("comment"))),
			ngBlock(o, blockSimple, o.AppendUint32(nil, 3), []byte("abc")),
			ngBlock(o, blockPacket, ngEnhancedHead(o, 0, 1, 3, 3), []byte("abc")),
			ngBlock(o, blockStats, make([]byte, 12), ngOption(o, optionIfDrop, make([]byte, 8))),
			ngBlock(o, blockSecrets, o.AppendUint32(o.AppendUint32(nil, tlsKeyLog), 4), []byte("CLI\n")),
			ngBlock(o, blockCustom, make([]byte, 4)), ngBlock(o, 4, make([]byte, 4))))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		fuzzRead(t, append([]byte{0x0a, 0x0d, 0x0d, 0x0a}, b[4:]...), 1)
	})
}

func FuzzOpen(f *testing.F) {
	file := written(f, WriterOptions{Format: Pcapng}, sample(2)...)
	f.Add([]byte("text"))
	f.Add(file)
	f.Add(packed(f, file, toGzip))
	f.Add(packed(f, packed(f, file, toGzip), toGzip))
	f.Add(packed(f, file, toZstd))
	f.Add(packed(f, file, toLZ4))
	f.Add(packed(f, file, toOldLZ4))
	f.Add(packed(f, file, toXZ(xz.WriterConfig{BlockSize: 100})))
	f.Add(packed(f, file, toXZ(xz.WriterConfig{CheckSum: xz.SHA256})))
	f.Add(fromBase64(f, threeInBzip2))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzRead(t, b, 0) })
}

// FuzzTimeline merges two files of any times: nothing may be lost, and the
// order inside a file must stay.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 5, 6, 0, 8}, []byte{2, 2, 9})
	f.Add([]byte{255, 0, 255, 0}, []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		times := func(steps []byte) []int64 {
			var all []int64
			now := int64(0)
			for _, s := range steps {
				switch {
				case s == 255:
					all = append(all, 4e9) // an outlier
					continue
				case s > 200:
					now -= int64(s - 200)
				default:
					now += int64(s)
				}
				all = append(all, max(now, 0))
			}
			return all
		}
		files := [][]byte{
			written(t, WriterOptions{}, secondsAt('a', times(a))...),
			written(t, WriterOptions{}, secondsAt('b', times(b))...),
		}
		packets, errs := drain(t, inMemory(t, files...))
		if errs != nil || len(packets) != len(a)+len(b) {
			t.Fatalf("%d packets of %d, errors %v", len(packets), len(a)+len(b), errs)
		}
		var next [2]int64
		for _, p := range packets {
			next[p.File]++
			if p.FileNum != next[p.File] || p.Data[0] != 'a'+byte(p.File) || p.Data[1] != byte(p.FileNum-1) {
				t.Fatalf("file %d: packet %d came as number %d", p.File, p.FileNum, next[p.File])
			}
		}
	})
}

// secondsAt returns packets at these seconds since 1970.
func secondsAt(first byte, seconds []int64) []Packet {
	packets := make([]Packet, len(seconds))
	for i, s := range seconds {
		packets[i] = Packet{Nanos: s * 1e9, Link: LinkEthernet, Data: []byte{first, byte(i)}, Orig: 2}
	}
	return packets
}
