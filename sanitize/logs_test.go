package sanitize

import (
	"bytes"
	"encoding/binary"
	"testing"

	"popscope/capture"
	"popscope/capture/packet"
)

// TestLogHeaders: with addresses replaced, what firewalls, macOS and access
// points put before a packet names nobody any more, and the packet is found
// where it was.
func TestLogHeaders(t *testing.T) {
	name := []byte("xyz")
	named := func(n int) []byte { return bytes.Repeat(name, n/len(name)+1)[:n] }
	ip := append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 20, 192, 0, 2, 10, 0, 110, 4, 0}, make([]byte, 16)...)
	ip[20+12] = 5 << 4
	nflog := func(order binary.AppendByteOrder, attributes ...int) []byte {
		b := []byte{2, 0, 0, 5}
		for _, n := range attributes {
			b = order.AppendUint16(order.AppendUint16(b, uint16(4+n)), 8) // NFULA_HWADDR
			b = append(b, named(n)...)
		}
		return order.AppendUint16(order.AppendUint16(b, uint16(4+len(ip))), 9)
	}
	tzsp := append([]byte{1, 0, 0, 1, 0, 60, 6}, append(named(6), 1)...)
	tzsp = append(append(tzsp, make([]byte, 12)...), 8, 0)
	udp := binary.BigEndian.AppendUint16([]byte{4, 0, 0x90, 0x90}, uint16(8+len(tzsp)+len(ip)))
	udp = append(append(udp, 0, 0), tzsp...)
	outer := binary.BigEndian.AppendUint16([]byte{0x45, 0}, uint16(20+len(udp)+len(ip)))
	outer = append(append(outer, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2), udp...)
	for _, c := range []struct {
		name   string
		link   capture.LinkType
		header []byte
	}{
		{"pflog of old", capture.LinkPFLOG, append([]byte{45, 2, 0, 0}, named(44)...)},
		{"pflog of today", capture.LinkPFLOG, append([]byte{100, 2, 0, 0}, named(96)...)},
		{"nflog", capture.LinkNFLOG, nflog(binary.LittleEndian, 4, 12)},
		{"nflog without attributes", capture.LinkNFLOG, nflog(binary.BigEndian)},
		{"nflog, 64 KiB", capture.LinkNFLOG, nflog(binary.LittleEndian, 32764, 32764)},
		{"nflog, more", capture.LinkNFLOG, nflog(binary.BigEndian, 60000, 60000, 60000, 60000)},
		{"tzsp", capture.LinkRaw, outer},
		{"pktap", capture.LinkPKTAP, append([]byte{108, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0}, named(96)...)},
	} {
		p := capture.Packet{Link: c.link, Data: append(c.header, ip...)}
		var seg packet.Segment
		var frag packet.Fragment
		d := packet.NewDecoder()
		v, want := d.Headers(&p, &seg, &frag, nil)
		if v != packet.IsSegment {
			t.Fatalf("%s: %v", c.name, v)
		}
		f := &frame{headers: want}
		f.begin(new(pool), p.Data)
		newAddresses(true).headers(f)
		if i := bytes.IndexAny(f.out, string(name)); i >= 0 {
			t.Errorf("%s: %q stays at %d", c.name, f.out[i], i)
		}
		p.Data = f.out
		v, got := d.Headers(&p, &seg, &frag, nil)
		if v != packet.IsSegment || got[0].Size != want[0].Size || got[1].At != want[1].At {
			t.Errorf("%s: then %v, behind %+v, want %+v", c.name, v, got, want)
		}
	}
}
