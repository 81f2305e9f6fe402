package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// frame returns data of n bytes that differ from frame to frame.
func frame(i, n int) []byte {
	b := make([]byte, n)
	for j := range b {
		b[j] = byte(i*31 + j)
	}
	return b
}

// appender is a byte order that reads and appends.
type appender interface {
	binary.AppendByteOrder
	binary.ByteOrder
}

// orders are both byte orders, for tables.
var orders = []struct {
	name string
	o    appender
}{{"little", binary.LittleEndian}, {"big", binary.BigEndian}}

// pcapHead returns the header of a classic file.
func pcapHead(o appender, magic uint32, major, minor uint16, snaplen, link uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, major)
	b = o.AppendUint16(b, minor)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, snaplen)
	return o.AppendUint32(b, link)
}

// pcapRecord returns a record with these four header fields and the bytes.
func pcapRecord(o appender, sec, frac, first, second uint32, data []byte) []byte {
	b := o.AppendUint32(nil, sec)
	b = o.AppendUint32(b, frac)
	b = o.AppendUint32(b, first)
	b = o.AppendUint32(b, second)
	return append(b, data...)
}

// ngBlock returns a pcapng block with correct lengths.
func ngBlock(o appender, kind uint32, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	all = append(all, make([]byte, -len(all)&3)...)
	n := uint32(len(all) + 12)
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, n)
	b = append(b, all...)
	return o.AppendUint32(b, n)
}

func ngSection(o appender) []byte {
	b := o.AppendUint32(nil, byteOrderMagic)
	b = o.AppendUint16(b, 1)
	b = o.AppendUint16(b, 0)
	return ngBlock(o, blockSection, o.AppendUint64(b, 1<<64-1))
}

func ngOption(o appender, code uint16, value []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func ngFace(o appender, link uint16, snaplen uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, snaplen)
	return ngBlock(o, blockInterface, b, bytes.Join(options, nil))
}

func ngEnhanced(o appender, face uint32, ticks uint64, data []byte, options ...[]byte) []byte {
	return ngBlock(o, blockEnhanced, ngEnhancedHead(o, face, ticks, uint32(len(data)), uint32(len(data))),
		data, make([]byte, -len(data)&3), bytes.Join(options, nil))
}

func ngEnhancedHead(o appender, face uint32, ticks uint64, captured, orig uint32) []byte {
	b := o.AppendUint32(nil, face)
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint32(b, captured)
	return o.AppendUint32(b, orig)
}

// drain reads a Timeline to its end: the packets, with copied data, and the
// errors on the way. It fails the test if the counts do not run.
func drain(t testing.TB, src *Timeline) ([]Packet, []error) {
	t.Helper()
	defer src.Close()
	var packets []Packet
	var errs []error
	var p Packet
	passed := map[int]int64{} // by file
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			errs = append(errs, err)
			if len(errs) > 1000 {
				t.Fatal("errors without end")
			}
			continue
		}
		passed[p.File] = p.FileNum
		num := int64(0)
		for _, n := range passed {
			num += n
		}
		if p.Num != num {
			t.Fatalf("packet %d of file %d has Num %d\nwant %d", p.FileNum, p.File, p.Num, num)
		}
		if p.Orig < len(p.Data) {
			t.Fatalf("packet %d: %d bytes captured of %d", p.Num, len(p.Data), p.Orig)
		}
		q := p
		q.Data = bytes.Clone(p.Data)
		packets = append(packets, q)
	}
	if err := src.Next(&p); err != io.EOF {
		t.Fatalf("after the end: %v", err)
	}
	return packets, errs
}

// readAll reads one capture from memory. An error of opening counts as the
// only error.
func readAll(t testing.TB, b []byte) ([]Packet, []error) {
	t.Helper()
	src, err := NewReader("test", bytes.NewReader(b))
	if err != nil {
		return nil, []error{err}
	}
	return drain(t, src)
}

// inMemory opens files that are not on disk as one timeline.
func inMemory(t testing.TB, files ...[]byte) *Timeline {
	t.Helper()
	src := &Timeline{}
	for i, b := range files {
		src.tracks = append(src.tracks, &track{t: src, index: i, input: bytes.NewReader(b)})
	}
	if _, err := src.open(); err != nil {
		t.Fatal(err)
	}
	return src
}

// list prints packets for comparing: number in file, time, lengths, link
// type and data.
func list(packets []Packet) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%d %d %d/%d %v %x\n", p.FileNum, p.Nanos, len(p.Data), p.Orig, p.Link, p.Data)
	}
	return b.String()
}

// times returns the packets' times.
func times(packets []Packet) []int64 {
	var ts []int64
	for _, p := range packets {
		ts = append(ts, p.Nanos)
	}
	return ts
}

// wantDamage checks that errs is one FormatError at this packet and offset
// whose text holds the words.
func wantDamage(t *testing.T, errs []error, packet, offset int64, words string) {
	t.Helper()
	var fe *FormatError
	if len(errs) != 1 || !errors.As(errs[0], &fe) {
		t.Fatalf("errors %v, want one FormatError", errs)
	}
	if fe.Packet != packet || fe.Offset != offset || !strings.Contains(fe.Err.Error(), words) {
		t.Errorf("got  packet %d, offset %d: %v\nwant packet %d, offset %d: ...%s...",
			fe.Packet, fe.Offset, fe.Err, packet, offset, words)
	}
}

// written returns a capture file of these packets.
func written(t testing.TB, o WriterOptions, packets ...Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		if err := w.Write(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample returns n Ethernet packets a millisecond apart, of odd lengths.
func sample(n int) []Packet {
	packets := make([]Packet, n)
	for i := range packets {
		data := frame(i, 60+i*7%90)
		packets[i] = Packet{Nanos: 1.7e18 + int64(i)*1e6, Link: LinkEthernet, Data: data, Orig: len(data)}
	}
	return packets
}

// concat joins byte slices.
func concat(parts ...[]byte) []byte { return slices.Concat(parts...) }
