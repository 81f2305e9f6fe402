package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// at returns packets at these times, each with data of its own.
func at(first byte, unit time.Duration, times ...int64) []Packet {
	packets := make([]Packet, len(times))
	for i, n := range times {
		packets[i] = Packet{Nanos: 1.7e18 + n*int64(unit), Link: LinkEthernet, Data: []byte{first, byte(i), byte(i >> 8)}, Orig: 3}
	}
	return packets
}

// store writes each file into a directory of the test and returns the names.
func store(t testing.TB, files ...[]byte) []string {
	t.Helper()
	dir := t.TempDir()
	names := make([]string, len(files))
	for i, b := range files {
		names[i] = filepath.Join(dir, fmt.Sprintf("%d.cap", i))
		if err := os.WriteFile(names[i], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// merged opens files of these packets and reads them to the end.
func merged(t testing.TB, files ...[]Packet) ([]Packet, []error) {
	t.Helper()
	var raw [][]byte
	for i, packets := range files {
		raw = append(raw, written(t, WriterOptions{Format: Format(i % 2)}, packets...))
	}
	src, err := Open(store(t, raw...)...)
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, src)
}

// sequence prints time and data of packets: what must not depend on the
// files that they lie in.
func sequence(packets []Packet) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%d %x\n", p.Nanos-1.7e18, p.Data)
	}
	return b.String()
}

// difference shows where two sequences part.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, g[i:min(i+4, len(g))], w[i:min(i+4, len(w))])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

func TestMergeOrder(t *testing.T) {
	const year = int64(365 * 24 * time.Hour / time.Second)
	for _, c := range []struct {
		name  string
		files [][]int64 // times in seconds
		want  string    // a letter for each packet: its file
	}{
		{"one after the other", [][]int64{{1, 2, 3}, {4, 5, 6}}, "aaabbb"},
		{"given in the wrong order", [][]int64{{4, 5, 6}, {1, 2, 3}}, "bbbaaa"},
		{"taking turns", [][]int64{{1, 3, 5}, {2, 4, 6}}, "ababab"},
		{"one within the other", [][]int64{{1, 2, 50, 51}, {10, 20}}, "aabbaa"},
		{"three", [][]int64{{1, 4, 7}, {2, 5, 8}, {3, 6, 9}}, "abcabcabc"},
		{"equal times, earlier file first", [][]int64{{2, 3, 5}, {1, 3, 5}}, "bababa"},
		{"equal times from the start, argument order", [][]int64{{1, 2, 3}, {1, 2, 3}}, "ababab"},
		{"empty files", [][]int64{{}, {1}, {}}, "b"},
		{"backwards inside a file", [][]int64{{1, 30, 20, 40}, {10, 25, 50}}, "abaabab"[0:2] + "aabab"},
		{"one future packet", [][]int64{{1, 30 * year, 3, 5}, {2, 4, 6}}, "aababab"},
		{"one future packet by an hour", [][]int64{{1, 3600, 3, 5}, {2, 4, 6}}, "abaabab"},
		{"a future packet in front", [][]int64{{30 * year, 3, 5}, {2, 4, 6}}, "baabab"},
		{"a future packet at the end", [][]int64{{1, 3, 30 * year}, {2, 4, 6}}, "abaabb"},
		{"one past packet", [][]int64{{1, 3, -30 * year, 5}, {2, 4, 6}}, "abaabab"},
		{"a past packet in front", [][]int64{{-30 * year, 3, 5}, {2, 4, 6}}, "baabab"},
		{"a past packet at the end", [][]int64{{1, 3, -30 * year}, {2, 4, 6}}, "abaabb"},
		{"a clock that was set", [][]int64{{-30 * year, -30*year + 1, 3, 5}, {2, 4, 6}}, "aababab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var files [][]Packet
			for i, times := range c.files {
				files = append(files, at('a'+byte(i), time.Second, times...))
			}
			packets, errs := merged(t, files...)
			var got []byte
			for _, p := range packets {
				got = append(got, p.Data[0])
				if int('a'+byte(p.File)) != int(p.Data[0]) || p.FileNum != int64(p.Data[1])+1 {
					t.Errorf("packet of file %c, number %d has File %d, FileNum %d", p.Data[0], p.Data[1]+1, p.File, p.FileNum)
				}
			}
			if string(got) != c.want || errs != nil {
				t.Errorf("errors %v\ngot  %s\nwant %s", errs, got, c.want)
			}
		})
	}
}

// captures are captures as one file; what is cut from them must come together
// to the same again.
func captures() map[string][]Packet {
	const n = 120
	from := func(f func(i int64) int64) []Packet {
		times := make([]int64, n)
		for i := range times {
			times[i] = f(int64(i))
		}
		return at('x', time.Microsecond, times...)
	}
	r := rand.New(rand.NewPCG(7, 7))
	steady := func(i int64) int64 { return i * 1000 }
	all := map[string][]Packet{
		"steady":                 from(steady),
		"pairs of equal times":   from(func(i int64) int64 { return i / 2 * 1000 }),
		"five of equal times":    from(func(i int64) int64 { return i / 5 * 1000 }),
		"coarse clock":           from(func(i int64) int64 { return i / 7 * 10_000_000 }),
		"every third late":       from(func(i int64) int64 { return i*1000 - i%3/2*1700 }),
		"random, 5 ms":           from(func(i int64) int64 { return i*1000 + r.Int64N(5000) }),
		"random, 50 ms, 1 s":     from(func(i int64) int64 { return i*1_000_000/20 + r.Int64N(50_000) }),
		"random, slow":           from(func(i int64) int64 { return i*10_000_000 + r.Int64N(20_000_000)/1000 }),
		"long pauses":            from(func(i int64) int64 { return i/10*3_600_000_000 + i%10*1000 - i%4/3*1500 }),
		"outlier in the middle":  from(steady),
		"outliers now and then":  from(steady),
		"outliers of the past":   from(steady),
		"one step back of 90 ms": from(steady),
	}
	for i := range all["one step back of 90 ms"] {
		p := &all["one step back of 90 ms"][i]
		p.Nanos = 1.7e18 + int64(i)*100e6
		if i == n/2 {
			p.Nanos -= 190e6
		}
	}
	all["outlier in the middle"][n/2].Nanos = math.MaxUint32 * 1e9 // in 2106
	for i := 3; i < n; i += 10 {
		all["outliers now and then"][i].Nanos += 40 * 365 * 24 * int64(time.Hour)
		all["outliers of the past"][i].Nanos = 0
	}
	return all
}

func TestSplitCaptureIsPutTogether(t *testing.T) {
	for name, packets := range captures() {
		t.Run(name, func(t *testing.T) {
			want := sequence(packets)
			r := rand.New(rand.NewPCG(1, uint64(len(name))))
			for _, size := range []int{7, 10, 30, 59, 60, 61, 62, 63, 100} {
				var files [][]Packet
				for c := range slices.Chunk(packets, size) {
					files = append(files, c)
				}
				for range 2 {
					got, errs := merged(t, files...)
					if s := sequence(got); s != want || errs != nil {
						t.Fatalf("files of %d packets: errors %v\n%s", size, errs, difference(s, want))
					}
					r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
				}
			}
		})
	}
}

// Wherever it is cut in two, and whichever part is given first.
func TestCaptureCutInTwoAnywhere(t *testing.T) {
	for name, packets := range captures() {
		if name == "coarse clock" {
			continue // cut among the first seven, both parts begin alike
		}
		want := sequence(packets)
		for i := 20; i < len(packets)-3; i += 1 + len(name)%3 {
			got, errs := drain(t, inMemory(t,
				written(t, WriterOptions{Format: Pcapng}, packets[i:]...), written(t, WriterOptions{}, packets[:i]...)))
			if s := sequence(got); s != want || errs != nil {
				t.Errorf("%s, cut at %d: errors %v\n%s", name, i, errs, difference(s, want))
				break
			}
		}
	}
}

// Packets dealt out to several files that run side by side come back in the
// order of their times.
func TestSideBySide(t *testing.T) {
	packets := at('x', time.Millisecond, func() []int64 {
		times := make([]int64, 3000)
		for i := range times {
			times[i] = int64(i)
		}
		return times
	}()...)
	want := sequence(packets)
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{2, 3, 20} {
		for name, pick := range map[string]func(i int) int{
			"in turn":   func(i int) int { return i % n },
			"in runs":   func(i int) int { return i / 50 % n },
			"at random": func(int) int { return r.IntN(n) },
		} {
			files := make([][]Packet, n)
			for i, p := range packets {
				k := pick(i)
				files[k] = append(files[k], p)
			}
			got, errs := merged(t, files...)
			if s := sequence(got); s != want || errs != nil {
				t.Errorf("%d files, %s: errors %v, not the order of times", n, name, errs)
			}
		}
	}
}

// Two directions of one short session, captured apart, are not taken for a
// capture cut in two.
func TestShortCapturesOfOneMoment(t *testing.T) {
	got, errs := merged(t,
		at('a', time.Millisecond, 0, 3, 5, 9, 12),
		at('b', time.Millisecond, 2, 4, 7, 10, 14))
	var order []byte
	for _, p := range got {
		order = append(order, p.Data[0])
	}
	if want := "ababababab"; string(order) != want || errs != nil {
		t.Errorf("errors %v\ngot  %s\nwant %s", errs, order, want)
	}
}

// Nor are two that follow files of which two were under way at once: each of
// the two directions of a tap was cut there.
func TestFilesAfterThoseOfATap(t *testing.T) {
	got, errs := merged(t,
		at('a', time.Millisecond, 0, 2000, 4000), at('b', time.Millisecond, 1000, 3000, 5000),
		at('c', time.Millisecond, 60_000, 60_020, 60_050), at('d', time.Millisecond, 60_030, 60_060, 60_090))
	var order []byte
	for _, p := range got {
		order = append(order, p.Data[0])
	}
	if want := "abababccdcdd"; string(order) != want || errs != nil {
		t.Errorf("errors %v\ngot  %s\nwant %s", errs, order, want)
	}
}

// Files that overlap for longer than packets are out of order are no capture
// cut in two.
func TestFilesThatOverlapForLonger(t *testing.T) {
	for _, c := range []struct {
		name, want string
		a, b       []int64 // milliseconds
	}{
		{"in order", "aaababb", []int64{0, 5000, 10_000, 10_300}, []int64{10_100, 10_400, 10_500}},
		{"out of order as far", "aaaaabb", []int64{0, 5000, 4700, 10_000, 10_300}, []int64{10_100, 10_400}},
	} {
		got, errs := merged(t, at('a', time.Millisecond, c.a...), at('b', time.Millisecond, c.b...))
		var order []byte
		for _, p := range got {
			order = append(order, p.Data[0])
		}
		if string(order) != c.want || errs != nil {
			t.Errorf("%s: errors %v\ngot  %s\nwant %s", c.name, errs, order, c.want)
		}
	}
}

// Blocks that have a number but no packet count at the end of a file too: the
// numbers are those of a capture that was not cut there.
func TestNumbersOverACut(t *testing.T) {
	custom := ngBlock(binary.LittleEndian, blockCustom, make([]byte, 4))
	packets := sample(2)
	a := concat(written(t, WriterOptions{Format: Pcapng}, packets[0]), custom)
	b := written(t, WriterOptions{Format: Pcapng}, packets[1])
	for _, files := range [][][]byte{{concat(a, b)}, {a, b}} {
		src := inMemory(t, files...)
		var p Packet
		for _, want := range []int64{1, 3} {
			if err := src.Next(&p); err != nil || p.Num != want {
				t.Errorf("%d files: got %d, %v, want %d", len(files), p.Num, err, want)
			}
		}
	}
}

func TestSameFileTwice(t *testing.T) {
	name := store(t, written(t, WriterOptions{}, sample(5)...))[0]
	src, err := Open(name, name)
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := drain(t, src)
	if len(packets) != 10 || errs != nil {
		t.Errorf("%d packets, errors %v", len(packets), errs)
	}
	for _, info := range src.Files() {
		if info.Packets != 5 || info.Name != name || info.Err != nil {
			t.Errorf("%+v", info)
		}
	}
}

func TestOpenFailsIfNothingCanBeRead(t *testing.T) {
	names := store(t, nil, []byte("From alice@example.org\r\n"), []byte("\xd4\xc3\xb2\xa1half a head"),
		[]byte("snoop\x00\x00\x00\x00\x00\x00\x02"), []byte("PK\x03\x04zipzip"), []byte("\x0a\x0d\x0d\x0anot pcapng at all, but long enough"), []byte("x"), []byte("\x7fELF\x02\x01\x01\x00\x00"))
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		name  string
		files []string
		is    error
		words string
	}{
		{"no names", nil, nil, "no files"},
		{"standard input twice", []string{"-", "-"}, nil, "read once only"},
		{"missing", []string{missing}, fs.ErrNotExist, "missing"},
		{"directory", []string{t.TempDir()}, nil, "is a directory"},
		{"empty", names[:1], ErrEmpty, "packet 1, offset 0: empty file"},
		{"text", names[1:2], ErrFormat, `not a capture file: it begins with "From ali"`},
		{"header cut short", names[2:3], io.ErrUnexpectedEOF, "file header cut short"},
		{"snoop", names[3:4], ErrFormat, "snoop"},
		{"zip", names[4:5], ErrFormat, "a zip archive: unpack it"},
		{"pcapng by its first bytes only", names[5:6], nil, "byte-order magic"},
		{"one byte", names[6:7], ErrFormat, `begins with "x"`},
		{"a program", names[7:8], ErrFormat, "it begins with the bytes 7f 45 4c 46 02 01 01 00"},
		{"all of several", append([]string{missing}, names...), ErrEmpty, "snoop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := Open(c.files...)
			if src != nil || err == nil {
				t.Fatalf("got %v, %v", src, err)
			}
			if c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got  %v\nwant %v, ...%s...", err, c.is, c.words)
			}
		})
	}
}

func TestBadFilesDoNotHideOthers(t *testing.T) {
	good := sample(6)
	whole := written(t, WriterOptions{}, good[3:]...)
	names := store(t, []byte("plain text"), whole, written(t, WriterOptions{}, good[:3]...), whole[:len(whole)-1], nil)
	missing := filepath.Join(t.TempDir(), "missing")
	src, err := Open(names[0], missing, names[1], names[2], names[3], names[4], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := drain(t, src)
	if len(packets) != 8 { // three, three, and two before the cut
		t.Errorf("%d packets\n%s", len(packets), list(packets))
	}
	if len(errs) != 5 {
		t.Fatalf("errors %v, want 5", errs)
	}
	for i, want := range []error{ErrFormat, fs.ErrNotExist, ErrEmpty, nil, io.ErrUnexpectedEOF} {
		if want != nil && !errors.Is(errs[i], want) {
			t.Errorf("error %d: %v, want %v", i, errs[i], want)
		}
	}
	var text []string
	for _, info := range src.Files() {
		text = append(text, fmt.Sprint(info.Packets, info.Err == nil))
	}
	if got, want := strings.Join(text, " "), "0 false 0 false 3 true 3 true 2 false 0 false 0 false"; got != want {
		t.Errorf("files\ngot  %s\nwant %s", got, want)
	}
}

// A damaged file gives what it has at its place in the timeline.
func TestDamageAmongOthers(t *testing.T) {
	a := written(t, WriterOptions{}, at('a', time.Second, 1, 4)...)
	b := written(t, WriterOptions{}, at('b', time.Second, 2, 5, 8)...)
	c := written(t, WriterOptions{}) // no packet before the damage
	src, err := Open(store(t, a[:len(a)-1], b, append(c, 1, 2, 3))...)
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := drain(t, src)
	var order []byte
	for _, p := range packets {
		order = append(order, p.Data[0])
	}
	if string(order) != "abbb" || len(errs) != 2 {
		t.Errorf("got %s, errors %v", order, errs)
	}
}

func TestStandardInput(t *testing.T) {
	good := sample(9)
	stdin := Options{Stdin: bytes.NewReader(written(t, WriterOptions{}, good[3:6]...))}
	names := store(t, written(t, WriterOptions{}, good[6:]...), written(t, WriterOptions{}, good[:3]...))
	src, err := stdin.Open(names[0], "-", names[1])
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := drain(t, src)
	if sequence(packets) != sequence(good) || errs != nil {
		t.Errorf("errors %v\ngot  %swant %s", errs, sequence(packets), sequence(good))
	}
	if name := src.Files()[1].Name; name != "-" {
		t.Errorf("standard input is called %q", name)
	}
	stdin.Stdin = bytes.NewReader(packed(t, written(t, WriterOptions{}, good...), toGzip))
	if src, err = stdin.Open("-"); err != nil {
		t.Fatal(err)
	}
	if packets, errs := drain(t, src); len(packets) != 9 || errs != nil {
		t.Errorf("alone: %d packets, errors %v", len(packets), errs)
	}
}

func TestFilesChangedAfterOpen(t *testing.T) {
	good := sample(40)
	later := written(t, WriterOptions{}, good[20:]...)
	for _, c := range []struct {
		name    string
		change  func(name string) error
		packets int
		is      error
	}{
		{"nothing", func(string) error { return nil }, 40, nil},
		{"removed", os.Remove, 20, fs.ErrNotExist},
		{"cut", func(name string) error { return os.Truncate(name, 30) }, 20, ErrChanged},
		{"emptied", func(name string) error { return os.Truncate(name, 0) }, 20, ErrEmpty},
		{"rewritten", func(name string) error {
			return os.WriteFile(name, written(t, WriterOptions{}, noise(20, 200)...), 0o600)
		}, 20, ErrChanged},
		{"replaced by the same", func(name string) error {
			if err := os.WriteFile(name+"new", later, 0o600); err != nil {
				return err
			}
			return os.Rename(name+"new", name)
		}, 20, ErrChanged},
		{"grown", func(name string) error {
			return os.WriteFile(name, written(t, WriterOptions{}, append(slices.Clone(good[20:]), good[39])...), 0o600)
		}, 41, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			names := store(t, written(t, WriterOptions{}, good[:20]...), later)
			src, err := Open(names...)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.change(names[1]); err != nil {
				t.Fatal(err)
			}
			packets, errs := drain(t, src)
			if len(packets) != c.packets {
				t.Errorf("%d packets, want %d", len(packets), c.packets)
			}
			if c.is == nil && errs != nil || c.is != nil && (len(errs) != 1 || !errors.Is(errs[0], c.is)) {
				t.Errorf("errors %v, want %v", errs, c.is)
			}
			if got := src.Files()[1].Err; (got == nil) != (c.is == nil) {
				t.Errorf("FileInfo.Err %v", got)
			}
		})
	}
}

// openFiles counts the files that a Timeline holds open.
func openFiles(src *Timeline) int {
	n := 0
	for _, f := range src.tracks {
		if len(f.closers) > 0 {
			n++
		}
	}
	return n
}

func TestThousandsOfFiles(t *testing.T) {
	packets := sample(800)
	var files [][]byte
	for c := range slices.Chunk(packets, 2) {
		files = append(files, written(t, WriterOptions{}, c...))
	}
	names := store(t, files...)
	slices.Reverse(names)
	src, err := Open(names...)
	if err != nil {
		t.Fatal(err)
	}
	if n := openFiles(src); n != 0 {
		t.Errorf("%d files open after Open", n)
	}
	var p Packet
	for i := range packets {
		if err := src.Next(&p); err != nil || !bytes.Equal(p.Data, packets[i].Data) {
			t.Fatalf("packet %d: %v", i, err)
		}
		if n := openFiles(src); n > 2 {
			t.Fatalf("%d files open at packet %d", n, i)
		}
	}
	if err := src.Next(&p); err != io.EOF {
		t.Error(err)
	}
	if n := openFiles(src); n != 0 {
		t.Errorf("%d files open at the end", n)
	}
}

func TestProgress(t *testing.T) {
	a := written(t, WriterOptions{}, sample(50)...)
	b := packed(t, a, toGzip)
	for _, files := range [][][]byte{{a}, {b}, {a, b, a}} {
		src, err := Open(store(t, files...)...)
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, f := range files {
			size += int64(len(f))
		}
		if src.Size() != size {
			t.Errorf("Size %d, want %d", src.Size(), size)
		}
		if len(files) > 1 && src.Read() != 0 {
			t.Errorf("Read %d before the first packet", src.Read())
		}
		drain(t, src)
		if src.Read() != size {
			t.Errorf("Read %d at the end, want %d", src.Read(), size)
		}
	}
}

func TestFilesAreCounted(t *testing.T) {
	packets := sample(4)
	packets[0].Orig = 1500
	src, err := NewReader("name", bytes.NewReader(written(t, WriterOptions{}, packets...)))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := drain(t, src)
	var bytes int64
	for _, p := range got {
		bytes += int64(p.Orig)
	}
	if info := src.Files()[0]; info.Name != "name" || info.Packets != 4 || info.Bytes != bytes || info.Err != nil || bytes < 1500 {
		t.Errorf("%+v, want 4 packets of %d bytes", info, bytes)
	}
}

func TestClose(t *testing.T) {
	file := written(t, WriterOptions{}, sample(50)...)
	src, err := Open(store(t, file, file)...)
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	for range 10 {
		if err := src.Next(&p); err != nil {
			t.Fatal(err)
		}
	}
	if n := openFiles(src); n == 0 {
		t.Error("no file open while reading")
	}
	for range 2 {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := openFiles(src); n != 0 {
		t.Errorf("%d files open after Close", n)
	}
	if err := src.Next(&p); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	if n := src.Files()[0].Packets + src.Files()[1].Packets; n != 10 {
		t.Errorf("%d packets counted", n)
	}
}

// TestOpenFile: everything that is opened by its name, also the second time,
// is opened as the caller wants it.
func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), written(t, WriterOptions{}, Packet{Data: []byte("frame"), Orig: 5}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opened := map[string]int{}
	src, err := Options{OpenFile: func(name string) (fs.File, error) {
		opened[name]++
		return os.Open(filepath.Join(dir, name))
	}}.Open("a", "b", "missing")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p Packet
	var missing *fs.PathError
	if err := src.Next(&p); !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the missing file: %v", err)
	}
	for range 2 {
		if err := src.Next(&p); err != nil || string(p.Data) != "frame" {
			t.Errorf("got %q, %v", p.Data, err)
		}
	}
	if err := src.Next(&p); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if want := map[string]int{"a": 2, "b": 2, "missing": 1}; !maps.Equal(opened, want) {
		t.Errorf("opened:\n got %v\nwant %v", opened, want)
	}
}
