package capturetest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/packet"
)

// comparable returns what FromSource can give back of a trace.
func comparable(t Trace) Trace {
	out := t.Clone()
	for i := range out {
		out[i].Options = nil
		if len(out[i].Payload) == 0 {
			out[i].Payload = nil
		}
		if out[i].Cut > 0 {
			out[i].BadChecksum = false // nobody can know
		}
	}
	return out
}

// TestEncapsComeBack takes dialogs through every encapsulation and package
// packet's decoder.
func TestEncapsComeBack(t *testing.T) {
	for _, name := range []string{"body-mime", "ipv6", "tcp-one-byte-segments", "tcp-scan"} {
		plain := Load(t, name).Trace()
		for _, e := range Encaps() {
			for _, v := range []struct {
				name  string
				trace Trace
			}{
				{"as it is", plain}, {"IPv6", plain.V6()}, {"bad checksums", plain.BadChecksums()}, {"cut", plain.CutPayload(3)},
			} {
				t.Run(name+"/"+e.Name+"/"+v.name, func(t *testing.T) {
					want := comparable(v.trace.For(e))
					got, err := FromSource(Source(v.trace.Packets(e)))
					if err != nil {
						t.Fatal(err)
					}
					got = comparable(got)
					if len(got) != len(want) {
						t.Fatalf("%d segments, want %d", len(got), len(want))
					}
					for i := range got {
						if e.Fragments {
							got[i].Nanos = want[i].Nanos
						}
						if !reflect.DeepEqual(got[i], want[i]) {
							t.Fatalf("segment %d\n got %v\nwant %v", i, got[i], want[i])
						}
					}
				})
			}
		}
	}
}

func TestTunnelsAreSaid(t *testing.T) {
	dec := packet.NewDecoder()
	for _, e := range Encaps() {
		if e.Fragments {
			continue
		}
		for _, p := range Load(t, "rfc1939-section10").Trace().Packets(e) {
			var s packet.Segment
			var f packet.Fragment
			if v := dec.Decode(&p, &s, &f); v != packet.IsSegment {
				t.Fatalf("%s: packet %d is %v", e.Name, p.Num, v)
			}
			if (s.Path != 0) != e.Tunnel {
				t.Errorf("%s: Path is %d, Tunnel %v", e.Name, s.Path, e.Tunnel)
				break
			}
		}
	}
}

func TestEncapNames(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Encaps() {
		if seen[e.Name] || e.Name == "" {
			t.Errorf("name %q is empty or there twice", e.Name)
		}
		seen[e.Name] = true
		if got := FindEncap(e.Name); got.Name != e.Name || got.Link != e.Link {
			t.Errorf("FindEncap(%q) finds %q", e.Name, got.Name)
		}
	}
	if Plain().Name != "ethernet" {
		t.Errorf("plain is %q", Plain().Name)
	}
}

// TestFrameBytes pins one packet of the plain encapsulation, byte for byte,
// as Wireshark shows it.
func TestFrameBytes(t *testing.T) {
	trace := mustParse(t, "! nosyn\n! noclose\n! isn client=0 server=255\nC| NOOP")
	got := trace.Packets(Plain())[0]
	want := strings.Join(strings.Fields(`
020000000002 020000000001 0800
45 00 002c 9c42 4000 40 06 b244 c6336407 c000020a
9c41 006e 00000001 00000100 50 18 01f6 863d 0000
4e4f4f50`), "")
	if hex.EncodeToString(got.Data) != want || got.Orig != 58 || got.Num != 1 || got.FileNum != 1 || got.Link != capture.LinkEthernet {
		t.Errorf("\n got %x\nwant %s\n%+v", got.Data, want, got)
	}
}

func TestPacketsAreCut(t *testing.T) {
	trace := mustParse(t, "! nosyn\n! noclose\nC| USER alice").CutPayload(4)
	for _, tt := range []struct {
		encap      string
		data, orig int
	}{
		{"ethernet", 14 + 20 + 20 + 4, 14 + 20 + 20 + 10},
		{"ethernet-trailer", 14 + 20 + 20 + 4, 14 + 20 + 20 + 10 + 14},
		{"radiotap-fcs", 9 + 24 + 8 + 20 + 20 + 4, 9 + 24 + 8 + 20 + 20 + 10 + 4},
	} {
		p := trace.Packets(FindEncap(tt.encap))[0]
		if len(p.Data) != tt.data || p.Orig != tt.orig {
			t.Errorf("%s: %d of %d bytes, want %d of %d", tt.encap, len(p.Data), p.Orig, tt.data, tt.orig)
		}
	}
}

// TestFragmentSizes: no fragment is larger than the MTU, and those of one
// datagram make up its bytes.
func TestFragmentSizes(t *testing.T) {
	trace := Load(t, "body-mime").Trace()
	for _, tt := range []struct {
		encap string
		mtu   int
	}{
		{"ipv4-fragments-576", 576}, {"ipv4-fragments-tiny", 44}, {"ipv4-fragments-reversed", 68},
		{"ipv6-fragments", 576}, {"ipv6-fragments-tiny", 72}, {"ipv6-fragments-reversed", 96}, {"gre-fragments", 68},
	} {
		packets := trace.Packets(FindEncap(tt.encap))
		if len(packets) <= len(trace) {
			t.Errorf("%s: %d packets of %d segments", tt.encap, len(packets), len(trace))
		}
		for _, p := range packets {
			if p.Orig-14 > tt.mtu {
				t.Errorf("%s: packet %d has %d bytes of IP", tt.encap, p.Num, p.Orig-14)
			}
		}
	}
}

func TestSourceReusesItsBuffer(t *testing.T) {
	packets := Load(t, "rfc1939-section10").Trace().Packets(Plain())
	src := Source(packets)
	var first, next capture.Packet
	if err := src.Next(&first); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Data, packets[0].Data) || first.Num != 1 {
		t.Fatalf("first packet is %+v", first)
	}
	if err := src.Next(&next); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Data, packets[0].Data) {
		t.Error("bytes of the first packet outlive the call to Next")
	}
	n := 2
	for src.Next(&next) == nil {
		n++
	}
	if n != len(packets) {
		t.Errorf("%d packets, want %d", n, len(packets))
	}
	if err := src.Next(&next); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestWritePcap(t *testing.T) {
	packets := Load(t, "rfc1939-section10").Trace().CutPayload(3).Packets(FindEncap("sll2"))
	var file bytes.Buffer
	if err := WritePcap(&file, packets); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	if want := "4d3cb2a1020004000000000000000000000004001401" + "0000"; hex.EncodeToString(b[:24]) != want {
		t.Fatalf("header\n got %x\nwant %s", b[:24], want)
	}
	b = b[24:]
	le := binary.LittleEndian
	for _, p := range packets {
		n := int(le.Uint32(b[8:]))
		nanos := int64(le.Uint32(b))*1e9 + int64(le.Uint32(b[4:]))
		if nanos != p.Nanos || int(le.Uint32(b[12:])) != p.Orig || !bytes.Equal(b[16:16+n], p.Data) {
			t.Fatalf("packet %d: record %x", p.Num, b[:16+n])
		}
		b = b[16+n:]
	}
	if len(b) != 0 {
		t.Errorf("%d bytes after the last packet", len(b))
	}
}

func TestWritePcapErrors(t *testing.T) {
	mixed := append(Load(t, "ipv6").Trace().Packets(Plain()), Load(t, "ipv6").Trace().Packets(FindEncap("sll"))...)
	if err := WritePcap(io.Discard, mixed); err == nil || !strings.Contains(err.Error(), "LINUX_SLL") {
		t.Errorf("two link types: %v", err)
	}
	full := errors.New("disk full")
	if err := WritePcap(failingWriter{full}, nil); err != full {
		t.Errorf("got %v, want %v", err, full)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// damagedSource gives its packets with an error after the first one.
type damagedSource struct {
	capture.Source
	calls int
	err   error
}

func (s *damagedSource) Next(p *capture.Packet) error {
	if s.calls++; s.calls == 2 {
		return s.err
	}
	return s.Source.Next(p)
}

func TestFromSourceErrors(t *testing.T) {
	packets := Load(t, "rfc1939-section10").Trace().Packets(Plain())
	damage := &capture.FormatError{File: "x.pcap", Packet: 2, Err: io.ErrUnexpectedEOF}
	got, err := FromSource(&damagedSource{Source: Source(packets), err: damage})
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != len(packets) {
		t.Errorf("damage: %d of %d packets, %v", len(got), len(packets), err)
	}
	broken := errors.New("cable out")
	got, err = FromSource(&damagedSource{Source: Source(packets), err: broken})
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("failure: %d packets, %v", len(got), err)
	}
}

func TestFromSourceFindsConnections(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mutate func(Trace) Trace
		conns  int
	}{
		{"tcp-port-reuse", Trace.Clone, 2},
		{"tcp-port-reuse-no-close", Trace.Clone, 2},
		{"tcp-interleaved", Trace.Clone, 3},
		{"tcp-middle-of-retr", Trace.Clone, 1},
		{"rfc1939-section10", func(t Trace) Trace { return t.OneSide(false) }, 1},
		{"rfc1939-section10", func(t Trace) Trace { return t.Shuffle(3, 3) }, 1},
		{"rfc1939-section10", func(t Trace) Trace { return t.Duplicate(3, 100) }, 1},
	} {
		want := tt.mutate(Load(t, tt.name).Trace())
		got, err := FromSource(Source(want.Packets(Plain())))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(comparable(got), comparable(want)) || got.Conns() != tt.conns {
			t.Errorf("%s: %d connections, want %d, or other segments", tt.name, got.Conns(), tt.conns)
		}
	}
}

func TestFromSourcePassesOverWhatIsNoTCP(t *testing.T) {
	packets := Load(t, "rfc1939-quit-before-login").Trace().Packets(Plain())
	arp := capture.Packet{Link: capture.LinkEthernet, Data: append(bytes.Repeat([]byte{0xff}, 12), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1), Orig: 60}
	lonely := Load(t, "body-mime").Trace().Packets(FindEncap("ipv4-fragments-tiny"))[0]
	got, err := FromSource(Source(append([]capture.Packet{arp, lonely}, packets...)))
	if err != nil || len(got) != len(packets) {
		t.Errorf("%d segments of %d packets, %v", len(got), len(packets), err)
	}
}

func TestFamilies(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.10")
	trace := mustParse(t, "! nosyn\nC| x")
	for _, e := range Encaps() {
		for _, s := range append(trace.For(e), trace.V6().For(e)...) {
			if e.Family == OnlyIPv4 && s.Server.Addr() != four || e.Family == OnlyIPv6 && !s.Server.Addr().Is6() {
				t.Errorf("%s: server %v", e.Name, s.Server)
			}
		}
	}
}
