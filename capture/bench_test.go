package capture

import (
	"bytes"
	"io"
	"testing"
)

// endless gives a file and then its records again and again.
type endless struct {
	file []byte
	from int // where the records begin
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.at == len(e.file) {
		e.at = e.from
	}
	n := copy(p, e.file[e.at:])
	e.at += n
	return n, nil
}

// endlessFile returns an input without end, and the length of its records.
func endlessFile(t testing.TB, o WriterOptions) *endless {
	empty := len(written(t, o))
	one := sample(1)
	if o.Format == Pcapng { // the interface is described once
		empty = len(written(t, o, one...)) - (enhancedData + (len(one[0].Data)+3)&^3 + 4)
	}
	return &endless{file: written(t, o, noise(1000, 600)...), from: empty}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for name, o := range map[string]WriterOptions{
		"pcap": {}, "pcap big-endian": {BigEndian: true}, "pcapng": {Format: Pcapng}, "pcapng big-endian": {Format: Pcapng, BigEndian: true},
	} {
		src, err := NewReader("endless", endlessFile(t, o))
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if n := testing.AllocsPerRun(20, func() {
			for range 1000 {
				if err := src.Next(&p); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations in 1000 packets", name, n)
		}
	}
}

// Once files are open, taking turns among them costs no allocation either.
func TestMergeDoesNotAllocate(t *testing.T) {
	times := make([]int64, 3000)
	for i := range times {
		times[i] = int64(i)
	}
	var files [][]byte
	for i := range 3 {
		files = append(files, written(t, WriterOptions{Format: Format(i % 2)}, secondsAt('a', times)...))
	}
	src, err := Open(store(t, files...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p Packet
	next := func() {
		for range 300 {
			if err := src.Next(&p); err != nil {
				t.Fatal(err)
			}
		}
	}
	next()
	if n := testing.AllocsPerRun(20, next); n != 0 {
		t.Errorf("%v allocations in 300 packets", n)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct {
		name string
		o    WriterOptions
	}{{"pcap", WriterOptions{}}, {"pcapng", WriterOptions{Format: Pcapng}}} {
		b.Run(c.name, func(b *testing.B) {
			src, err := NewReader("endless", endlessFile(b, c.o))
			if err != nil {
				b.Fatal(err)
			}
			var p Packet
			b.ReportAllocs()
			b.SetBytes(600)
			for b.Loop() {
				if err := src.Next(&p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMerge(b *testing.B) {
	packets := sample(20000)
	var halves [2][]Packet
	for i, p := range packets {
		halves[i%2] = append(halves[i%2], p)
	}
	names := store(b, written(b, WriterOptions{}, halves[0]...), written(b, WriterOptions{}, halves[1]...))
	b.ReportAllocs()
	for b.Loop() {
		src, err := Open(names...)
		if err != nil {
			b.Fatal(err)
		}
		var p Packet
		for err == nil {
			err = src.Next(&p)
		}
		if err != io.EOF || p.Num != 20000 {
			b.Fatal(p.Num, err)
		}
		src.Close()
	}
}

func BenchmarkWriter(b *testing.B) {
	p := sample(1)[0]
	w, err := NewWriter(io.Discard, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGzip(b *testing.B) {
	file := written(b, WriterOptions{}, noise(1000, 600)...)
	gz := packed(b, file, toGzip)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		src, err := NewReader("gz", bytes.NewReader(gz))
		if err != nil {
			b.Fatal(err)
		}
		var p Packet
		for err == nil {
			err = src.Next(&p)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}
