package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ulikunitz/xz"
)

// blocks are the sizes of an ahead.
type blocks struct{ n, room, size int }

func (b blocks) String() string {
	return fmt.Sprintf("%d blocks of %d bytes behind %d", b.n, b.size, b.room)
}

// open returns a buffer on src that is read ahead from offset after on.
func (b blocks) open(src io.Reader, own int, after int64) *buffer {
	buf := newBuffer(src, make([]byte, own))
	buf.after = after
	buf.begin = func(src io.Reader) *ahead {
		a := newAhead(b.n, b.room, b.size)
		a.start(src)
		return a
	}
	return buf
}

// walk reads what a buffer holds to its end or its damage, and closes it. Of
// each packet it makes sure that its bytes stay while they are valid.
func walk(t testing.TB, classic bool, buf *buffer) string {
	t.Helper()
	defer buf.close()
	var d decoder
	var keys keyLog
	var err error
	if classic {
		d, err = newClassic("test", buf)
	} else {
		d, err = newNG("test", buf, &keys)
	}
	var packets []Packet
	var p Packet
	for err == nil {
		if err = d.next(&p); err != nil {
			break
		}
		q := p
		q.Data = bytes.Clone(p.Data)
		packets = append(packets, q)
		if buf.ahead != nil {
			runtime.Gosched() // let it fill blocks
		}
		if !bytes.Equal(p.Data, q.Data) {
			t.Fatalf("packet %d changed before the next was asked for", p.FileNum)
		}
	}
	var drops uint64
	if d != nil {
		drops = d.drops()
	}
	return fmt.Sprintf("%s%v, %d dropped, secrets %q, %d left out", list(packets), err, drops, keys.b, keys.left)
}

// lengths returns packets of these lengths.
func lengths(n ...int) []Packet {
	packets := make([]Packet, len(n))
	for i, n := range n {
		packets[i] = Packet{Nanos: 1.7e18 + int64(i)*1e6, Link: LinkEthernet, Data: frame(i, n), Orig: n}
	}
	return packets
}

// Wherever blocks end: in a header, in a packet, between two, several times
// in one packet; and however much of it fits in front of the next block.
func TestRecordsAcrossBlocks(t *testing.T) {
	for _, format := range []Format{Pcap, Pcapng} {
		packets := lengths(40, 0, 3, 64, 1, 100, 257, 12, 5, 900, 31, 300, 300, 300, 2, 16, 17)
		file := written(t, WriterOptions{Format: format}, packets...)
		want := walk(t, format == Pcap, newBuffer(bytes.NewReader(file), make([]byte, blockSize)))
		for i := range packets {
			packets[i].FileNum = int64(i + 1)
		}
		if !strings.HasPrefix(want, list(packets)+"EOF, ") {
			t.Fatal(want)
		}
		for size := 1; size < 130; size++ {
			for _, b := range []blocks{{2, 0, size}, {2, 7, size}, {3, 16, size}, {3, 64, size}, {4, 1000, size}} {
				for _, after := range []int64{0, 100} {
					if got := walk(t, format == Pcap, b.open(bytes.NewReader(file), 1+size%40, after)); got != want {
						t.Fatalf("format %d, %v, from %d on: %s", format, b, after, difference(got, want))
					}
				}
			}
		}
	}
}

// A file gives the same however its bytes come, and whatever ends them.
func TestAheadOfSlowAndBrokenInput(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, format := range []Format{Pcap, Pcapng} {
		file := written(t, WriterOptions{Format: format}, sample(8)...)
		for name, slow := range map[string]func(io.Reader) io.Reader{
			"at once":            func(r io.Reader) io.Reader { return r },
			"one byte at a time": iotest.OneByteReader,
			"half of the asked":  iotest.HalfReader,
			"data with error":    iotest.DataErrReader,
		} {
			for cut := 300; cut <= len(file); cut += 1 + cut%11 {
				for end, r := range map[string]io.Reader{"": bytes.NewReader(nil), "disk on fire": iotest.ErrReader(broken), "multiple Read calls": idle{}} {
					if name == "data with error" && end == "multiple Read calls" {
						continue // that reader waits for ever by itself
					}
					open := func() io.Reader { return slow(io.MultiReader(bytes.NewReader(file[:cut]), r)) }
					want := walk(t, format == Pcap, newBuffer(open(), make([]byte, blockSize)))
					if !strings.Contains(want, end) {
						t.Fatal(want)
					}
					if got := walk(t, format == Pcap, blocks{3, 30, 150}.open(open(), 100, 80)); got != want {
						t.Fatalf("format %d, %s, cut at %d, %s: %s", format, name, cut, end, difference(got, want))
					}
				}
			}
		}
	}
}

// FuzzAhead holds reading ahead to reading: any bytes, any blocks, reads of
// any length.
func FuzzAhead(f *testing.F) {
	f.Add(written(f, WriterOptions{}, lengths(1, 200, 3, 70, 0)...), uint64(1))
	f.Add(written(f, WriterOptions{BigEndian: true}, sample(5)...), uint64(2))
	f.Add(written(f, WriterOptions{Format: Pcapng}, lengths(9, 500, 80, 2)...), uint64(3))
	le := orders[0].o
	f.Add(concat(ngSection(le), ngFace(le, 1, 0), ngBlock(le, 4, frame(1, 400)), ngEnhanced(le, 0, 1, frame(1, 50)),
		ngBlock(le, blockSecrets, le.AppendUint32(le.AppendUint32(nil, tlsKeyLog), 4), []byte("CLI\n")),
		ngBlock(le, blockStats, make([]byte, 12), ngOption(le, optionIfDrop, frame(1, 8)))), uint64(4))
	f.Fuzz(func(t *testing.T, file []byte, seed uint64) {
		classic := isClassic(file)
		want := walk(t, classic, newBuffer(bytes.NewReader(file), make([]byte, blockSize)))
		r := rand.New(rand.NewPCG(seed, 1))
		b := blocks{2 + r.IntN(3), r.IntN(200), 1 + r.IntN(400)}
		buf := b.open(&ragged{bytes.NewReader(file), r.Uint64()}, 1+r.IntN(300), r.Int64N(100))
		if got := walk(t, classic, buf); got != want {
			t.Fatalf("%v, from %d on: %s", b, buf.after, difference(got, want))
		}
	})
}

// ragged gives a few bytes at a time, and sometimes none.
type ragged struct {
	r     io.Reader
	state uint64
}

func (r *ragged) Read(p []byte) (int, error) {
	r.state = r.state*6364136223846793005 + 1442695040888963407
	return r.r.Read(p[:min(len(p), int(r.state>>33)%90)])
}

// twoProcessors makes sure that there is one to read ahead.
func twoProcessors(t testing.TB) {
	before := runtime.GOMAXPROCS(2)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// large returns packets of some MB, which do not compress, among them some
// that are longer than the room in front of a block, and than a block.
func large() []Packet {
	var n []int
	for i := range 3000 {
		n = append(n, 60+i*37%1460)
		if i%100 == 50 {
			n = append(n, 65535)
		}
	}
	n = append(n, headroom, blockSize, 100, 200_000, 190_000, 3, maxPacket, 7, 90_000)
	packets := lengths(n...)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range packets {
		for j := range packets[i].Data {
			packets[i].Data[j] = byte(r.Uint32())
		}
	}
	return packets
}

// reads reads n packets, or all, and reports whether the file was ever read
// ahead.
func reads(t testing.TB, src *Timeline, n int) bool {
	t.Helper()
	ever := false
	var p Packet
	for i := 0; i != n; i++ {
		err := src.Next(&p)
		if err == io.EOF && n < 0 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ever = ever || src.ahead != nil && src.ahead.busy
	}
	return ever
}

func TestWhatIsReadAhead(t *testing.T) {
	twoProcessors(t)
	file := written(t, WriterOptions{}, large()...)
	small := written(t, WriterOptions{}, sample(5000)...)
	if len(small) > aheadAfter || len(file) < 3*aheadAfter {
		t.Fatal("sizes", len(small), len(file))
	}
	names := store(t, file, small, packed(t, file, toGzip))
	open := func(names ...string) func() (*Timeline, error) {
		return func() (*Timeline, error) { return Open(names...) }
	}
	for _, c := range []struct {
		name string
		open func() (*Timeline, error)
		want bool
	}{
		{"large file", open(names[0]), true},
		{"large when decompressed", open(names[2]), true},
		{"small file", open(names[1]), false},
		{"small files", open(names[1], names[1], names[1]), false},
		{"a small and a large one", open(names[1], names[0]), true},
		{"reader", func() (*Timeline, error) { return NewReader("", bytes.NewReader(file)) }, false},
		{"standard input", func() (*Timeline, error) {
			in, err := os.Open(names[0])
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { in.Close() })
			return Options{Stdin: in}.Open("-")
		}, false},
		{"one processor", func() (*Timeline, error) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			return Open(names[0])
		}, false},
	} {
		src, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		if src.ahead != nil {
			t.Errorf("%s: read ahead by Open", c.name)
		}
		if got := reads(t, src, -1); got != c.want {
			t.Errorf("%s: read ahead: %v, want %v", c.name, got, c.want)
		}
		if src.ahead != nil && src.ahead.busy {
			t.Errorf("%s: still read ahead at the end", c.name)
		}
		src.Close()
	}
}

// However a file is packed, cut or merged with others: the packets and
// errors are those of a file that is not read ahead.
func TestReadAheadIsTheSame(t *testing.T) {
	twoProcessors(t)
	packets := large()
	var odd, even []Packet
	for i, p := range packets {
		if i%2 == 0 {
			even = append(even, p)
		} else {
			odd = append(odd, p)
		}
	}
	for _, format := range formats() {
		o := WriterOptions{Format: format}
		file := written(t, o, packets...)
		damaged := bytes.Clone(file)
		copy(damaged[len(damaged)/2:], bytes.Repeat([]byte{0xee}, 3000))
		half := len(packets) / 2
		gz, zst := packed(t, file, toGzip), packed(t, file, toZstd)
		all := map[string][][]byte{
			"plain":          {file},
			"gzip":           {gz},
			"zstd":           {zst},
			"lz4":            {packed(t, file, toLZ4)},
			"gzip in zstd":   {packed(t, gz, toZstd)},
			"cut":            {file[:len(file)*3/4]},
			"gzip, cut":      {gz[:3<<19]},
			"zstd, cut":      {zst[:3<<19]},
			"damaged":        {damaged},
			"cut in two":     {written(t, o, packets[half:]...), written(t, o, packets[:half]...)},
			"interleaved":    {written(t, o, even...), written(t, o, odd...)},
			"the same twice": {file, file},
		}
		if format == Pcap { // its writer is slow
			all["xz, cut"] = [][]byte{packed(t, file[:5<<18], toXZ(xz.WriterConfig{BlockSize: 500_000}))}
		}
		for name, files := range all {
			ahead, err := Open(store(t, files...)...)
			if err != nil {
				t.Fatal(err)
			}
			got, errs := drain(t, ahead)
			if ahead.ahead == nil {
				t.Fatalf("%s was not read ahead", name)
			}
			plain := inMemory(t, files...)
			want, wantErrs := drain(t, plain)
			if plain.ahead != nil {
				t.Fatalf("%s was read ahead from memory", name)
			}
			if !slices.EqualFunc(got, want, func(a, b Packet) bool {
				return a.Num == b.Num && a.File == b.File && a.FileNum == b.FileNum && a.Nanos == b.Nanos && a.Orig == b.Orig && bytes.Equal(a.Data, b.Data)
			}) {
				t.Errorf("%s: %d packets, want %d, or others", name, len(got), len(want))
			}
			if len(errs) != len(wantErrs) || len(errs) > 0 && !sameDamage(errs[0], wantErrs[0]) {
				t.Errorf("%s:\ngot  errors %v\nwant errors %v", name, errs, wantErrs)
			}
		}
	}
}

// sameDamage compares errors but for the name of the file.
func sameDamage(a, b error) bool {
	var x, y *FormatError
	return errors.As(a, &x) && errors.As(b, &y) && x.Packet == y.Packet && x.Offset == y.Offset && x.Err.Error() == y.Err.Error()
}

// Files of a rotation are read ahead one after the other, with the same
// blocks; of those that are open at once, one is.
func TestOneFileAtATimeIsReadAhead(t *testing.T) {
	twoProcessors(t)
	file := written(t, WriterOptions{}, large()...)
	names := store(t, file, file, file, file)
	src, err := Open(names...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	seen := map[*track]bool{}
	var p Packet
	for src.Next(&p) == nil {
		n := 0
		for _, f := range src.tracks {
			if f.buf != nil && f.buf.ahead != nil {
				n++
				seen[f] = true
			}
		}
		if n > 1 {
			t.Fatalf("packet %d: %d files are read ahead", p.Num, n)
		}
	}
	if len(seen) == 0 {
		t.Error("none was")
	}
	seen = map[*track]bool{}
	var later []Packet
	for _, p := range large() {
		p.Nanos += int64(3600e9)
		later = append(later, p)
	}
	if src, err = Open(names[0], store(t, written(t, WriterOptions{}, later...))[0]); err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var first *ahead
	for src.Next(&p) == nil {
		if b := src.tracks[p.File].buf; b != nil && b.ahead != nil {
			if first == nil {
				first = b.ahead
			}
			seen[src.tracks[p.File]] = b.ahead == first
		}
	}
	if len(seen) != 2 || !seen[src.tracks[0]] || !seen[src.tracks[1]] {
		t.Errorf("read ahead with the same blocks: %v, want both files", seen)
	}
}

// Close ends the goroutine, wherever it is.
func TestCloseWhileReadAhead(t *testing.T) {
	twoProcessors(t)
	file := written(t, WriterOptions{}, large()...)
	for _, b := range [][]byte{file, packed(t, file, toGzip), packed(t, file, toZstd)} {
		name := store(t, b)[0]
		for n := 1; n < 3000; n += 299 {
			src, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			reads(t, src, n)
			a := src.ahead
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			if a == nil {
				continue
			}
			select {
			case <-a.done:
			default:
				t.Fatal("the goroutine goes on after Close")
			}
			var p Packet
			if err := src.Next(&p); !errors.Is(err, fs.ErrClosed) {
				t.Fatalf("Next after Close: %v", err)
			}
		}
	}
}

// held is an input whose reads wait to be let through; it tells of each.
type held struct {
	r         io.Reader
	came, may chan bool
}

func (h *held) Read(p []byte) (int, error) {
	h.came <- true
	<-h.may
	return h.r.Read(p[:min(len(p), 10)])
}

// A read that is under way is waited for, and no other follows.
func TestCloseDuringARead(t *testing.T) {
	h := &held{bytes.NewReader(make([]byte, 1000)), make(chan bool), make(chan bool)}
	a := newAhead(3, 10, 100)
	a.start(h)
	<-h.came
	h.may <- true
	<-h.came
	ended := make(chan bool)
	go func() { a.end(); close(ended) }()
	<-a.stop
	select {
	case <-ended:
		t.Fatal("it ended while a read was under way")
	default:
	}
	h.may <- true
	select {
	case <-h.came:
		t.Fatal("one more read")
	case <-ended:
	}
	a.start(strings.NewReader("and again"))
	if f := <-a.full; string(f.block[10:f.end]) != "and again" || f.err != io.EOF {
		t.Errorf("got %q, %v", f.block[10:f.end], f.err)
	}
	select {
	case <-a.done:
	case <-time.After(time.Minute):
		t.Error("it goes on after the end of the input")
	}
	a.end()
}

// Close when all blocks are full and the goroutine waits for one.
func TestCloseWhenAllBlocksAreFull(t *testing.T) {
	a := newAhead(3, 0, 10)
	a.start(endlessFile(t, WriterOptions{}))
	for len(a.full) < 3 {
		runtime.Gosched()
	}
	a.end()
	if len(a.full) != 3 || a.busy {
		t.Errorf("%d blocks are full, busy %v", len(a.full), a.busy)
	}
}

func TestProgressOfWhatIsReadAhead(t *testing.T) {
	twoProcessors(t)
	file := written(t, WriterOptions{}, large()...)
	for _, b := range [][]byte{file, packed(t, file, toGzip)} {
		src, err := Open(store(t, b)...)
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		done := make(chan bool)
		go func() { // any goroutine may ask
			var last int64
			for n := int64(0); n < int64(len(b)); n = src.Read() {
				if n < last || n > src.Size() {
					t.Errorf("%d bytes read after %d, of %d", n, last, src.Size())
				}
				last = n
				runtime.Gosched()
			}
			close(done)
		}()
		for err == nil {
			err = src.Next(&p)
		}
		if err != io.EOF || src.Read() != int64(len(b)) {
			t.Fatalf("%d bytes read of %d, %v", src.Read(), len(b), err)
		}
		<-done
	}
}

func TestReadAheadDoesNotAllocate(t *testing.T) {
	twoProcessors(t)
	for _, format := range []Format{Pcap, Pcapng} {
		src, err := Open(store(t, written(t, WriterOptions{Format: format}, lengths(slices.Repeat([]int{600}, 15000)...)...))...)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		reads(t, src, 3000)
		if src.ahead == nil || !src.ahead.busy {
			t.Fatal("not read ahead")
		}
		var p Packet
		next := func() {
			for range 1000 {
				if err := src.Next(&p); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := testing.AllocsPerRun(10, next); n != 0 {
			t.Errorf("format %d: %v allocations in 1000 packets", format, n)
		}
	}
}
