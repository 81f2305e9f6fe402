package packet

import (
	"reflect"
	"testing"

	"popscope/capture"
)

var allLinks = []capture.LinkType{
	capture.LinkNull, capture.LinkEthernet, capture.LinkPPP, capture.LinkRawOld, capture.LinkRawBSD, capture.LinkPPPHDLC,
	capture.LinkPPPoE, capture.LinkRaw, capture.LinkCiscoHDLC, capture.LinkPFLOG, capture.LinkNFLOG, capture.LinkPKTAP, capture.LinkIEEE80211, capture.LinkLoop, capture.LinkLinuxSLL, capture.LinkRadiotap,
	capture.LinkIPv4, capture.LinkIPv6, capture.LinkLinuxSLL2,
}

func TestEveryLinkTypeHasADecoder(t *testing.T) {
	for _, link := range allLinks {
		if _, ok := firstStep(link); !ok {
			t.Errorf("%v has none", link)
		}
	}
}

// checkBorrowed fails unless payload is a part of data.
func checkBorrowed(t *testing.T, data, payload []byte, length int) {
	if len(payload) > length {
		t.Fatalf("payload of %d bytes has the length %d", len(payload), length)
	}
	if len(payload) == 0 {
		return
	}
	for i := range data {
		if &data[i] == &payload[0] {
			if len(data)-i < len(payload) {
				t.Fatalf("payload of %d bytes at offset %d of %d", len(payload), i, len(data))
			}
			return
		}
	}
	t.Fatal("payload is not borrowed from the frame")
}

func seed(f *testing.F) {
	for _, e := range encapsulations() {
		b := e.frame(there)
		f.Add(uint16(e.link), b, 0)
		f.Add(uint16(e.link), b[:len(b)-3], 3)
	}
}

// Whatever a frame holds, there is no panic, not even one that would be
// caught, and what is found lies inside the frame.
func FuzzDecode(f *testing.F) {
	seed(f)
	d := strict()
	f.Fuzz(func(t *testing.T, link uint16, data []byte, more int) {
		p := &capture.Packet{Link: capture.LinkType(link), Data: data, Orig: len(data) + more}
		var s Segment
		var fr Fragment
		v := d.Decode(p, &s, &fr)
		for range maxDepth + 1 { // take fragments for datagrams, as deep as it goes
			switch v {
			case IsSegment:
				checkBorrowed(t, data, s.Payload, s.Length)
				if s.BadChecksum && len(s.Payload) != s.Length {
					t.Fatal("checksum of a segment that was cut")
				}
				return
			case IsFragment:
				checkBorrowed(t, data, fr.Payload, fr.Length)
				if fr.Offset < 0 || fr.Offset > 65528 || fr.Offset%8 != 0 || fr.Depth < 1 || fr.Depth > maxDepth {
					t.Fatalf("fragment %+v", fr)
				}
				v = d.Datagram(&fr, fr.Payload, fr.Length, &s, &fr)
			default:
				_ = v.String()
				return
			}
		}
		t.Fatal("fragments without end")
	})
}

// Wherever the short way answers, the long way gives the same answer.
func FuzzTwoWays(f *testing.F) {
	seed(f)
	d := strict()
	f.Fuzz(func(t *testing.T, link uint16, data []byte, more int) {
		p := &capture.Packet{Link: capture.LinkType(link), Data: data, Orig: len(data) + more}
		var short, long Segment
		var fr Fragment
		v, ok := d.peek(p, &short)
		if !ok {
			return
		}
		if v2 := d.decode(p, &long, &fr); v2 != v {
			t.Fatalf("short %v, long %v", v, v2)
		}
		if v == IsSegment && !reflect.DeepEqual(short, long) {
			t.Fatalf("\nshort %+v\nlong  %+v", short, long)
		}
		if hs, ok := d.peekHeaders(p, &short, nil); ok {
			if _, want := d.allHeaders(p, &long, &fr, nil); !reflect.DeepEqual(hs, want) || !reflect.DeepEqual(short, long) {
				t.Fatalf("\nshort %+v\nlong  %+v", hs, want)
			}
		}
		var later Segment
		d.LeaveChecksums = true
		v2, _ := d.peek(p, &later)
		d.LeaveChecksums = false
		if v2 == IsSegment {
			d.Checksum(&later)
		}
		if v2 != v || later.Bad() != short.BadChecksum || later.Unfilled != short.Unfilled {
			t.Fatalf("checksum bad %v, unfilled %v; left to later %v, %v, %v", short.BadChecksum, short.Unfilled, v2, later.Bad(), later.Unfilled)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	w := there
	w.data = string(make([]byte, 1400))
	for _, e := range encapsulations() {
		switch e.name {
		case "ethernet ipv4", "ethernet ipv6", "vlan", "qinq 88a8", "sll2", "mpls", "gre", "vxlan", "802.11 qos", "ipv6 hop-by-hop":
			b.Run(e.name, func(b *testing.B) {
				d := NewDecoder()
				var s Segment
				var f Fragment
				p := frame(e.link, e.frame(w))
				b.ReportAllocs()
				b.SetBytes(int64(len(p.Data)))
				for b.Loop() {
					d.Decode(p, &s, &f)
				}
			})
		}
	}
	b.Run("long way ethernet ipv4", func(b *testing.B) {
		d := NewDecoder()
		var s Segment
		var f Fragment
		p := frame(capture.LinkEthernet, w.ether(etherIPv4, w.ip4()))
		b.ReportAllocs()
		b.SetBytes(int64(len(p.Data)))
		for b.Loop() {
			d.decode(p, &s, &f)
		}
	})
	b.Run("ethernet ipv4 without data", func(b *testing.B) {
		d := NewDecoder()
		var s Segment
		var f Fragment
		w.data = ""
		p := frame(capture.LinkEthernet, w.ether(etherIPv4, w.ip4()))
		b.ReportAllocs()
		for b.Loop() {
			d.Decode(p, &s, &f)
		}
	})
}
