package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// told is what a Timeline tells of its packets, one by one: the packets, how
// much of the secrets was known with each, and errors in their places. Of a
// batch, what is valid is looked at when all of it has been read.
func told(t *testing.T, src *Timeline, next func([]Packet) (int, error)) string {
	t.Helper()
	defer src.Close()
	var out bytes.Buffer
	some := make([]Packet, 9)
	for {
		n, err := next(some)
		if n > 0 == (err != nil) {
			t.Fatalf("%d packets and error %v", n, err)
		}
		for i := range some[:n] {
			p := some[i]
			fmt.Fprintf(&out, "%d %d %d %d %d %d %x, secrets %q\n", p.Num, p.File, p.FileNum, p.Nanos, p.Link, p.Orig, p.Data, src.KeyLog())
			if cap(p.Data) > len(p.Data) {
				t.Fatalf("behind packet %d bytes can be written", p.Num)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintln(&out, err)
		}
	}
	fmt.Fprintln(&out, src.Files(), src.Drops(), src.KeysLeftOut())
	return out.String()
}

// oneByOne makes of Next what NextBatch is.
func oneByOne(src *Timeline) func([]Packet) (int, error) {
	return func(ps []Packet) (int, error) {
		if err := src.Next(&ps[0]); err != nil {
			return 0, err
		}
		return 1, nil
	}
}

// FuzzBatch holds NextBatch to Next: any bytes, alone or beside another file,
// that come in pieces of any length, asked for in batches of any length.
func FuzzBatch(f *testing.F) {
	le := orders[0].o
	secrets := func(b []byte) []byte {
		return ngBlock(le, blockSecrets, le.AppendUint32(le.AppendUint32(nil, tlsKeyLog), uint32(len(b))), b)
	}
	classic := written(f, WriterOptions{}, lengths(1, 200, 3, 70, 1, 0, 9)...)
	for seed, b := range [][]byte{
		classic,
		written(f, WriterOptions{BigEndian: true}, sample(15)...),
		concat(classic, classic, classic[:50]),
		concat(pcapHead(le, magicMicro, 2, 3, 60, 1), pcapRecord(le, 1, 2, 9, 3, make([]byte, 3))),
		written(f, WriterOptions{Format: Pcapng}, lengths(9, 500, 80, 2)...),
		concat(ngSection(le), ngFace(le, 1, 0), ngEnhanced(le, 0, 1, frame(1, 50)), secrets([]byte("CLI\n")), ngEnhanced(le, 0, 2, frame(2, 5)),
			ngEnhanced(le, 0, 2, frame(2, 7)), ngEnhanced(le, 1, 2, frame(3, 7))),
	} {
		f.Add(b, uint64(seed), false)
		f.Add(b, uint64(seed), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, seed uint64, several bool) {
		open := func() *Timeline {
			src := &Timeline{tracks: []*track{{info: FileInfo{Name: "fuzz"}, input: &ragged{bytes.NewReader(file), seed}}}}
			if several {
				src.tracks = append(src.tracks, &track{index: 1, info: FileInfo{Name: "other"}, input: bytes.NewReader(classic)})
			}
			for _, track := range src.tracks {
				track.t = src
			}
			if _, err := src.open(); err != nil {
				return nil
			}
			return src
		}
		plain, batched := open(), open()
		if plain == nil || batched == nil {
			if plain != batched {
				t.Fatal("it cannot be opened each time")
			}
			return
		}
		r := rand.New(rand.NewPCG(seed, 2))
		want := told(t, plain, oneByOne(plain))
		got := told(t, batched, func(ps []Packet) (int, error) {
			if n, err := batched.NextBatch(nil); n != 0 || err != nil {
				t.Fatalf("of no packets: %d, %v", n, err)
			}
			return batched.NextBatch(ps[:1+r.IntN(len(ps))])
		})
		if got != want {
			t.Fatalf("in batches %s", difference(got, want))
		}
	})
}

// A batch is what there is: it does not wait for a second packet, and takes all
// that came with the first.
func TestBatchIsWhatThereIs(t *testing.T) {
	for _, format := range []Format{Pcap, Pcapng} {
		file := written(t, WriterOptions{Format: format}, sample(40)...)
		src, err := NewReader("test", bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		some := make([]Packet, 32)
		for _, want := range []int{32, 8} {
			if n, err := src.NextBatch(some); n != want || err != nil {
				t.Errorf("format %d: %d packets, %v; want %d", format, n, err, want)
			}
		}
		pipe, feed := io.Pipe()
		go feed.Write(file[:len(file)/2]) // and then nothing
		if src, err = NewReader("pipe", pipe); err != nil {
			t.Fatal(err)
		}
		if n, err := src.NextBatch(some); n < 2 || n >= 32 || err != nil {
			t.Errorf("format %d: %d packets of half a file, %v", format, n, err)
		}
		feed.Close()
	}
}

// Done ends a Timeline before its next packet, and does not wait for one: on
// a slow pipe that might be long.
func TestDoneEndsATimeline(t *testing.T) {
	file := written(t, WriterOptions{}, sample(2)...)
	done := make(chan struct{})
	open := func() *Timeline {
		pipe, feed := io.Pipe()
		go feed.Write(file) // and then nothing
		t.Cleanup(func() { feed.Close() })
		src, err := Options{Stdin: pipe, Done: done}.Open("-")
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	src, late := open(), open()
	var got Packet
	for _, src := range []*Timeline{src, src, late} {
		if err := src.Next(&got); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	ended := make(chan error, 4)
	go func() {
		ended <- src.Next(&got)
		ended <- late.Next(&got)
		_, err := late.NextBatch(make([]Packet, 3))
		ended <- err
		ended <- open().Next(&got)
	}()
	for _, name := range []string{"with nothing left", "with a packet left", "in batches", "opened afterwards"} {
		select {
		case err := <-ended:
			if err != io.EOF {
				t.Errorf("%s: %v, want %v", name, err, io.EOF)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it waits", name)
		}
	}
}

// What Done cuts short is not damaged.
func TestDoneIsNoDamage(t *testing.T) {
	file := written(t, WriterOptions{}, sample(2)...)
	done := make(chan struct{})
	cut := io.MultiReader(bytes.NewReader(file[:len(file)-1]), readerFunc(func([]byte) (int, error) {
		close(done)
		return 0, io.EOF
	}))
	src, err := Options{Stdin: cut, Done: done}.Open("-")
	if err != nil {
		t.Fatal(err)
	}
	if packets, errs := drain(t, src); len(packets) != 1 || len(errs) != 0 {
		t.Errorf("%d packets, errors %v", len(packets), errs)
	}
	if err := src.Files()[0].Err; err != nil {
		t.Errorf("the file has the error %v", err)
	}
}

// Done ends what would be read on for hours without a packet.
func TestDoneEndsPadding(t *testing.T) {
	file := written(t, WriterOptions{}, sample(1)...)
	for name, of := range map[string]struct{ begins, goesOn []byte }{
		"zeros":            {packed(t, file, toGzip), make([]byte, 512)},
		"skippable frames": {packed(t, file, toZstd), bytes.Repeat([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"), 64)},
		"custom blocks":    {written(t, WriterOptions{Format: Pcapng}, sample(1)...), bytes.Repeat(ngBlock(binary.LittleEndian, blockCustom, make([]byte, 4)), 32)},
	} {
		done, more := make(chan struct{}), 0
		src, err := Options{Done: done, Stdin: io.MultiReader(bytes.NewReader(of.begins), readerFunc(func(b []byte) (int, error) {
			switch more++; {
			case more == 1000:
				close(done)
			case more > 1100:
				return 0, io.EOF
			}
			return copy(b, of.goesOn), nil
		}))}.Open("-")
		if err != nil {
			t.Fatal(err)
		}
		if packets, errs := drain(t, src); len(packets) != 1 || len(errs) != 0 || more > 1001 {
			t.Errorf("%s: %d packets, errors %v, %d reads after the end", name, len(packets), errs, more-1000)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
