package capture

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
)

func TestWriterRoundTrip(t *testing.T) {
	packets := sample(20)
	packets[3].Orig = 9000
	packets[5].Data, packets[5].Orig = nil, 0
	for _, format := range []Format{Pcap, Pcapng} {
		for _, big := range []bool{false, true} {
			for _, micros := range []bool{false, true} {
				want := make([]Packet, len(packets))
				for i, p := range packets {
					p.Nanos += 123_456_789
					packets[i].Nanos = p.Nanos
					if micros {
						p.Nanos = p.Nanos / 1000 * 1000
					}
					p.FileNum = int64(i + 1)
					want[i] = p
				}
				file := written(t, WriterOptions{Format: format, BigEndian: big, Micros: micros}, packets...)
				got, errs := readAll(t, file)
				if list(got) != list(want) || errs != nil {
					t.Errorf("format %d, big-endian %v, microseconds %v: errors %v\ngot  %s\nwant %s", format, big, micros, errs, list(got), list(want))
				}
			}
		}
	}
}

func TestWriterFitsPacketsIn(t *testing.T) {
	long := frame(1, maxPacket+1)
	for _, c := range []struct {
		name   string
		o      WriterOptions
		in     Packet
		nanos  int64
		data   int
		length int
	}{
		{"cut to the snapshot length", WriterOptions{Snaplen: 10}, Packet{Data: long[:60], Orig: 60}, 0, 10, 60},
		{"cut to what readers take", WriterOptions{}, Packet{Data: long, Orig: len(long)}, 0, maxPacket, maxPacket + 1},
		{"longer if it is allowed", WriterOptions{Snaplen: 1 << 20}, Packet{Data: long, Orig: len(long)}, 0, maxPacket + 1, maxPacket + 1},
		{"no original length", WriterOptions{}, Packet{Data: long[:60]}, 0, 60, 60},
		{"before 1970", WriterOptions{}, Packet{Nanos: -5, Data: long[:1], Orig: 1}, 0, 1, 1},
		{"after 2106", WriterOptions{}, Packet{Nanos: math.MaxInt64, Data: long[:1], Orig: 1}, math.MaxUint32*1e9 + 999_999_999, 1, 1},
		{"before 1970, pcapng", WriterOptions{Format: Pcapng}, Packet{Nanos: math.MinInt64, Data: long[:1], Orig: 1}, 0, 1, 1},
		{"after 2106, pcapng", WriterOptions{Format: Pcapng}, Packet{Nanos: math.MaxInt64, Data: long[:1], Orig: 1}, math.MaxInt64, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, errs := readAll(t, written(t, c.o, c.in))
			if errs != nil || len(got) != 1 || got[0].Nanos != c.nanos || len(got[0].Data) != c.data || got[0].Orig != c.length {
				t.Errorf("errors %v, %d packets", errs, len(got))
				for _, p := range got {
					t.Errorf("\ngot  %d, %d of %d bytes\nwant %d, %d of %d bytes", p.Nanos, len(p.Data), p.Orig, c.nanos, c.data, c.length)
				}
			}
		})
	}
}

func TestWriterLinkTypes(t *testing.T) {
	ethernet := Packet{Link: LinkEthernet, Data: []byte("e"), Orig: 1}
	raw := Packet{Link: LinkRaw, Data: []byte("r"), Orig: 1}
	t.Run("pcapng takes all", func(t *testing.T) {
		got, errs := readAll(t, written(t, WriterOptions{Format: Pcapng}, ethernet, raw, ethernet))
		if errs != nil || len(got) != 3 || got[0].Link != LinkEthernet || got[1].Link != LinkRaw || got[2].Link != LinkEthernet {
			t.Errorf("errors %v\n%s", errs, list(got))
		}
	})
	for name, o := range map[string]WriterOptions{"pcap takes the first": {}, "pcap takes the one asked for": {Link: LinkEthernet}} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := NewWriter(&b, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				p    Packet
				want error
			}{{ethernet, nil}, {raw, ErrLink}, {ethernet, nil}} {
				if err := w.Write(&step.p); !errors.Is(err, step.want) {
					t.Errorf("writing %v: %v, want %v", step.p.Link, err, step.want)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if got, errs := readAll(t, b.Bytes()); len(got) != 2 || errs != nil {
				t.Errorf("%d packets, errors %v", len(got), errs)
			}
		})
	}
}

func TestWriterWithoutPackets(t *testing.T) {
	for _, format := range []Format{Pcap, Pcapng} {
		if got, errs := readAll(t, written(t, WriterOptions{Format: format})); len(got) != 0 || errs != nil {
			t.Errorf("format %d: %d packets, errors %v", format, len(got), errs)
		}
	}
}

func TestNewWriterRefuses(t *testing.T) {
	for name, o := range map[string]WriterOptions{
		"unknown format":              {Format: 2},
		"negative snapshot length":    {Snaplen: -1},
		"snapshot length beyond ours": {Snaplen: maxSnapshot + 1},
	} {
		if w, err := NewWriter(io.Discard, o); w != nil || err == nil {
			t.Errorf("%s: %v, %v", name, w, err)
		}
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func TestWriterKeepsItsError(t *testing.T) {
	for _, format := range []Format{Pcap, Pcapng} {
		w, err := NewWriter(&fullDisk{room: 100_000}, WriterOptions{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		p := Packet{Link: LinkEthernet, Data: frame(1, 1000), Orig: 1000}
		for range 200 {
			err = w.Write(&p)
		}
		if !errors.Is(err, errFull) {
			t.Errorf("Write: %v", err)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("Close: %v", err)
		}
	}
}
