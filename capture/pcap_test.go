package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestClassicVariants(t *testing.T) {
	data := frame(1, 21)
	for _, o := range orders {
		for _, c := range []struct {
			name          string
			magic         uint32
			major, minor  uint16
			snaplen, link uint32
			first, second uint32 // the two lengths as they stand in the record
			extra         int    // bytes between record header and data
			nanos         int64
			orig          int
			wantLink      LinkType
		}{
			{"microseconds", magicMicro, 2, 4, 65535, 1, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"nanoseconds", magicNano, 2, 4, 65535, 1, 21, 90, 0, 5_000_000_007, 90, LinkEthernet},
			{"modified", magicModified, 2, 4, 65535, 1, 21, 90, 8, 5_000_007_000, 90, LinkEthernet},
			{"version 2.0", magicMicro, 2, 0, 65535, 1, 90, 21, 0, 5_000_007_000, 90, LinkEthernet},
			{"version 2.2", magicMicro, 2, 2, 65535, 1, 90, 21, 0, 5_000_007_000, 90, LinkEthernet},
			{"version 2.3 swapped", magicMicro, 2, 3, 65535, 1, 90, 21, 0, 5_000_007_000, 90, LinkEthernet},
			{"version 2.3 not swapped", magicMicro, 2, 3, 65535, 1, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"version 543.0", magicMicro, 543, 0, 65535, 1, 90, 21, 0, 5_000_007_000, 90, LinkEthernet},
			{"snaplen 0", magicMicro, 2, 4, 0, 1, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"snaplen too small", magicMicro, 2, 4, 8, 1, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"snaplen all ones", magicMicro, 2, 4, 1<<32 - 1, 1, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"FCS length in the link type", magicMicro, 2, 4, 65535, 0x24000001, 21, 90, 0, 5_000_007_000, 90, LinkEthernet},
			{"SLL2", magicMicro, 2, 4, 65535, 276, 21, 90, 0, 5_000_007_000, 90, LinkLinuxSLL2},
			{"captured more than there was", magicMicro, 2, 4, 65535, 1, 21, 20, 0, 5_000_007_000, 21, LinkEthernet},
			{"original length all ones", magicMicro, 2, 4, 65535, 1, 21, 1<<32 - 1, 0, 5_000_007_000, 1<<31 - 1, LinkEthernet},
		} {
			t.Run(o.name+" "+c.name, func(t *testing.T) {
				record := pcapRecord(o.o, 5, 7, c.first, c.second, append(make([]byte, c.extra), data...))
				file := concat(pcapHead(o.o, c.magic, c.major, c.minor, c.snaplen, c.link), record, record)
				packets, errs := readAll(t, file)
				want := Packet{FileNum: 1, Nanos: c.nanos, Link: c.wantLink, Data: data, Orig: c.orig}
				second := want
				second.FileNum = 2
				if got, want := list(packets), list([]Packet{want, second}); got != want || errs != nil {
					t.Errorf("errors %v\ngot  %swant %s", errs, got, want)
				}
			})
		}
	}
}

func TestClassicTimesAtTheirEnds(t *testing.T) {
	o := binary.LittleEndian
	file := concat(pcapHead(o, magicMicro, 2, 4, 0, 1),
		pcapRecord(o, 0, 0, 1, 1, []byte{1}),
		pcapRecord(o, 1<<32-1, 999_999, 1, 1, []byte{1}),
		pcapRecord(o, 1<<32-1, 1<<32-1, 1, 1, []byte{1}))
	packets, errs := readAll(t, file)
	want := []int64{0, 4294967295_999_999_000, 4294967295e9 + 4294967295000}
	if got := times(packets); len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || errs != nil {
		t.Errorf("errors %v\ngot  %d\nwant %d", errs, got, want)
	}
}

func TestClassicDamage(t *testing.T) {
	o := binary.LittleEndian
	head := pcapHead(o, magicMicro, 2, 4, 0, 1)
	good := pcapRecord(o, 5, 7, 3, 3, []byte("abc"))
	for _, c := range []struct {
		name    string
		file    []byte
		packets int
		packet  int64
		offset  int64
		words   string
	}{
		{"header cut short", head[:23], 0, 1, 0, "file header cut short"},
		{"version 1.4", pcapHead(o, magicMicro, 1, 4, 0, 1), 0, 1, 0, "version 1.4"},
		{"version 3.0", pcapHead(o, magicMicro, 3, 0, 0, 1), 0, 1, 0, "version 3.0"},
		{"record header cut short", concat(head, good, good[:15]), 1, 2, 43, "record header cut short"},
		{"record cut short", concat(head, good, good[:18]), 1, 2, 43, "record cut short"},
		{"length beyond the limit", concat(head, good, pcapRecord(o, 5, 7, maxPacket+1, maxPacket+1, nil), good), 1, 2, 43, "impossible packet length 262145"},
		{"length all ones", concat(head, pcapRecord(o, 5, 7, 1<<32-1, 1<<32-1, nil)), 0, 1, 24, "impossible packet length 4294967295"},
		{"length beyond the largest snaplen", concat(pcapHead(o, magicMicro, 2, 4, 1<<32-1, 1), pcapRecord(o, 5, 7, maxSnapshot+1, 0, nil)), 0, 1, 24, "impossible packet length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			packets, errs := readAll(t, c.file)
			if len(packets) != c.packets {
				t.Errorf("got %d packets, want %d", len(packets), c.packets)
			}
			wantDamage(t, errs, c.packet, c.offset, c.words)
		})
	}
}

func TestLongestPackets(t *testing.T) {
	o := binary.LittleEndian
	for _, c := range []struct {
		name    string
		snaplen uint32
		n       int
	}{
		{"libpcap's limit", 96, maxPacket},
		{"beyond it by the file's own snaplen", 1 << 20, 1 << 20},
		{"at most", 1<<32 - 1, maxSnapshot},
	} {
		data := frame(3, c.n)
		record := pcapRecord(o, 1, 0, uint32(c.n), uint32(c.n), data)
		small := pcapRecord(o, 1, 0, 3, 3, []byte("abc"))
		for kind, file := range map[string][]byte{
			"pcap": concat(pcapHead(o, magicMicro, 2, 4, c.snaplen, 1), small, record, small),
			"pcapng": concat(ngSection(o), ngFace(o, 1, c.snaplen), ngEnhanced(o, 0, 1, []byte("abc")),
				ngEnhanced(o, 0, 1, data), ngEnhanced(o, 0, 1, []byte("abc"))),
		} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				packets, errs := readAll(t, file)
				if errs != nil || len(packets) != 3 || !bytes.Equal(packets[1].Data, data) || string(packets[2].Data) != "abc" {
					t.Errorf("got %d packets, errors %v", len(packets), errs)
				}
			})
		}
	}
}

func TestClassicFilesJoined(t *testing.T) {
	var all []byte
	var want []Packet
	for i, o := range orders {
		all = append(all, pcapHead(o.o, magicMicro, 2, 4, 0, uint32(100+i))...)
		all = append(all, pcapRecord(o.o, 1, 0, 2, 2, []byte("ab"))...)
		all = append(all, pcapRecord(o.o, 2, 0, 0, 0, nil)...) // no bytes, but no header either
		want = append(want,
			Packet{FileNum: int64(2*i + 1), Nanos: 1e9, Link: LinkType(100 + i), Data: []byte("ab"), Orig: 2},
			Packet{FileNum: int64(2*i + 2), Nanos: 2e9, Link: LinkType(100 + i)})
	}
	packets, errs := readAll(t, all)
	if got, want := list(packets), list(want); got != want || errs != nil {
		t.Errorf("errors %v\ngot  %swant %s", errs, got, want)
	}
}

// cutEverywhere cuts a file at every byte; ends are the offsets where a
// record ends, and skip how many of them stand before the first packet.
func cutEverywhere(t *testing.T, file []byte, ends []int, skip int) {
	t.Helper()
	whole, errs := readAll(t, file)
	if errs != nil {
		t.Fatal(errs)
	}
	for n := range len(file) {
		packets, errs := readAll(t, file[:n])
		done, boundary := 0, false
		for _, e := range ends {
			if e <= n {
				done++
			}
			boundary = boundary || e == n
		}
		want := max(done-skip, 0)
		if got, want := list(packets), list(whole[:want]); got != want {
			t.Fatalf("cut at %d\ngot  %s\nwant %s", n, got, want)
		}
		if boundary && errs != nil {
			t.Fatalf("cut at %d, between two records: %v", n, errs)
		}
		if !boundary {
			if len(errs) != 1 {
				t.Fatalf("cut at %d: errors %v, want one", n, errs)
			}
			cause := io.ErrUnexpectedEOF
			switch {
			case n == 0:
				cause = ErrEmpty
			case n < 4:
				cause = ErrFormat
			}
			var fe *FormatError
			if !errors.As(errs[0], &fe) || !errors.Is(fe, cause) || fe.Packet != int64(want+1) {
				t.Fatalf("cut at %d: %v, want %v at packet %d", n, errs[0], cause, want+1)
			}
		}
	}
}

func TestClassicCutEverywhere(t *testing.T) {
	for _, o := range orders {
		for _, magic := range []uint32{magicMicro, magicModified} {
			file := pcapHead(o.o, magic, 2, 4, 0, 1)
			ends := []int{len(file)}
			for i := range 3 {
				data := frame(i, 5+i)
				extra := 0
				if magic == magicModified {
					extra = 8
				}
				file = append(file, pcapRecord(o.o, 5, 7, uint32(len(data)), 99, append(make([]byte, extra), data...))...)
				ends = append(ends, len(file))
			}
			cutEverywhere(t, file, ends, 1)
		}
	}
}

// A file gives the same packets however its bytes arrive.
func TestSlowInput(t *testing.T) {
	for kind, file := range map[string][]byte{
		"pcap":   written(t, WriterOptions{}, sample(20)...),
		"pcapng": written(t, WriterOptions{Format: Pcapng}, sample(20)...),
	} {
		want, errs := readAll(t, file)
		if errs != nil {
			t.Fatal(errs)
		}
		for name, slow := range map[string]func(io.Reader) io.Reader{
			"one byte at a time": iotest.OneByteReader,
			"half of the asked":  iotest.HalfReader,
			"data with error":    iotest.DataErrReader,
		} {
			src, err := NewReader("test", slow(bytes.NewReader(file)))
			if err != nil {
				t.Fatal(kind, name, err)
			}
			packets, errs := drain(t, src)
			if got, want := list(packets), list(want); got != want || errs != nil {
				t.Errorf("%s, %s: errors %v\ngot  %swant %s", kind, name, errs, got, want)
			}
		}
	}
}

// A pipe's packets are delivered as they come, without waiting for more.
func TestLivePipe(t *testing.T) {
	packets := sample(3)
	for _, format := range []Format{Pcap, Pcapng} {
		r, w := io.Pipe()
		done := make(chan error, 1)
		step := make(chan bool)
		go func() {
			out, err := NewWriter(w, WriterOptions{Format: format})
			for i := range packets {
				if err == nil {
					err = out.Write(&packets[i])
				}
				if err == nil {
					err = out.Flush()
				}
				<-step // the packet was read; nothing more was written
			}
			w.Close()
			done <- err
		}()
		src, err := NewReader("pipe", r)
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		for i := range packets {
			if err := src.Next(&p); err != nil || !bytes.Equal(p.Data, packets[i].Data) {
				t.Fatalf("packet %d: %v", i, err)
			}
			step <- true
		}
		if err := src.Next(&p); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestReadErrorInTheMiddle(t *testing.T) {
	broken := errors.New("disk on fire")
	for kind, file := range map[string][]byte{
		"pcap":   written(t, WriterOptions{}, sample(3)...),
		"pcapng": written(t, WriterOptions{Format: Pcapng}, sample(3)...),
	} {
		for _, cut := range []int{2, len(file), len(file) - 1} {
			src, err := NewReader("test", io.MultiReader(bytes.NewReader(file[:cut]), iotest.ErrReader(broken)))
			var errs []error
			var packets []Packet
			if err != nil {
				errs = []error{err}
			} else {
				packets, errs = drain(t, src)
			}
			want := map[int]int{2: 0, len(file): 3, len(file) - 1: 2}[cut]
			var fe *FormatError
			if len(packets) != want || len(errs) != 1 || !errors.As(errs[0], &fe) || !errors.Is(fe, broken) {
				t.Errorf("%s cut at %d: %d packets, errors %v", kind, cut, len(packets), errs)
			}
		}
	}
}

// A reader that never gives anything must not be asked for ever.
func TestReaderWithoutProgress(t *testing.T) {
	file := written(t, WriterOptions{}, sample(1)...)
	src, err := NewReader("test", io.MultiReader(bytes.NewReader(file[:30]), idle{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := drain(t, src); len(errs) != 1 || !errors.Is(errs[0], io.ErrNoProgress) {
		t.Errorf("errors %v", errs)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestLineEndBehindTheLastRecord(t *testing.T) {
	o := binary.LittleEndian
	whole := concat(pcapHead(o, magicMicro, 2, 4, 0, 1), pcapRecord(o, 5, 7, 3, 3, []byte("abc")))
	for _, end := range []string{"\n", "\r\n"} {
		if packets, errs := readAll(t, concat(whole, []byte(end))); len(packets) != 1 || len(errs) != 0 {
			t.Errorf("with %q behind it: %d packets, errors %v", end, len(packets), errs)
		}
	}
	for _, end := range []string{"\n\n", "\r", "x", "\n0123456789abcde"} {
		if packets, errs := readAll(t, concat(whole, []byte(end))); len(packets) != 1 || len(errs) != 1 {
			t.Errorf("with %q behind it: %d packets, errors %v; want one of each", end, len(packets), errs)
		}
	}
}
