package packet

import (
	"encoding/binary"
	"strings"
	"testing"

	"popscope/capture"
)

// checkTree fails unless a tree can be shown: names, values in ASCII,
// headers that follow each other inside of the frame.
func checkTree(t *testing.T, p *capture.Packet, layers []Layer) {
	t.Helper()
	if len(layers) == 0 || layers[0].Name != "Frame" {
		t.Fatalf("layers %v", layers)
	}
	at := 0
	for _, l := range layers[1:] {
		if l.Offset >= 0 && (l.Offset < at || l.Offset+l.Length > len(p.Data)) {
			t.Fatalf("%s at %d, %d bytes, in a frame of %d; the one before ends at %d", l.Name, l.Offset, l.Length, len(p.Data), at)
		}
		if l.Offset >= 0 {
			at = l.Offset + l.Length
		}
		for _, f := range append(l.Fields, Field{l.Name, ""}) {
			for _, s := range []string{f.Name, f.Value} {
				if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%s: %q", l.Name, s)
				}
			}
		}
	}
}

// TestTrees: every stack of headers is shown down to TCP.
func TestTrees(t *testing.T) {
	d := NewDecoder()
	for _, e := range encapsulations() {
		b := e.frame(there)
		p := &capture.Packet{Num: 7, Link: e.link, Data: b, Orig: len(b)}
		layers := d.Tree(p)
		checkTree(t, p, layers)
		last := layers[len(layers)-1]
		if last.Name != "Transmission Control Protocol" || len(last.Fields) < 10 || last.Offset < 0 || last.Length < tcpHeader {
			t.Errorf("%s ends in %+v", e.name, last)
		}
		// The way of every day is not changed by it.
		var s Segment
		if v := d.Decode(p, &s, nil); v != IsSegment {
			t.Errorf("%s: %v after a tree", e.name, v)
		}
	}
}

// TestTreeShowsEveryField: the values of the fields are those in the frame.
func TestTreeShowsEveryField(t *testing.T) {
	w := there
	reserved := ipv4With(w.src, w.dst, protoTCP, 0xe000, hexes("01 01 01 00"), make([]byte, 8))
	reserved[1] = 0xb9 // DSCP 46, ECN 1
	binary.BigEndian.PutUint16(reserved[10:], 0xbeef)
	class := w.ip6()
	class[0], class[1], class[2], class[3] = 0x6b, 0x9a, 0xbc, 0xde
	tcp := func(check uint16) []byte { // URG, URG's pointer, AE, CWR
		b := tcpOf(w.src, w.dst, 40000, 110, 7, hexes("02 04 05 b4"), []byte("QUIT\r\n"))
		b[tcpOffset] |= 1
		b[tcpFlags] = 0xa2
		binary.BigEndian.PutUint16(b[18:], 9)
		binary.BigEndian.PutUint16(b[tcpChecksum:], check)
		return w.ether(etherIPv4, ipv4Of(w.src, w.dst, protoTCP, b))
	}
	tcpFields := func(check string) string {
		return "Source port=40000, Destination port=110, Sequence number (raw)=7, Acknowledgment number (raw)=16909060, Header length=24 bytes, " +
			"Flags=0x1a2 (SYN, URG, CWR, AE), Window=65277, Checksum=" + check + ", Urgent pointer=9, Option: maximum segment size=1460, Payload=6 bytes"
	}
	d := NewDecoder()
	for _, c := range []struct {
		layer string
		frame []byte
		want  string
	}{
		{"802.1Q Virtual LAN", w.ether(etherVLAN, tag(0xb007, etherIPv4, w.ip4())), "Priority=5, Drop eligible=true, ID=7, Type=0x0800"},
		{"802.1Q Virtual LAN", w.ether(etherVLAN, tag(7, etherIPv6, w.ip6())), "Priority=0, Drop eligible=false, ID=7, Type=0x86dd"},
		{"MultiProtocol Label Switching", w.ether(etherMPLS, label(77, false), label(0, true), w.ip4()),
			"Label=77, Traffic class=0, Bottom of stack=false, TTL=64; Label=0, Traffic class=0, Bottom of stack=true, TTL=64"},
		{"MultiProtocol Label Switching", w.ether(etherMPLS, hexes("ff ff fb 07"), w.ip4()), "Label=1048575, Traffic class=5, Bottom of stack=true, TTL=7"},
		{"Internet Protocol Version 4", w.ether(etherIPv4, reserved), "Header length=24 bytes, DSCP=46, ECN=1, Total length=32, Identification=0x1234 (4660), " +
			"Flags=reserved bit, don't fragment, more fragments, Fragment offset=0, Time to live=64, Protocol=6 (TCP), Header checksum=0xbeef, " +
			"Source address=192.0.2.1, Destination address=198.51.100.2, Options=4 bytes"},
		{"Internet Protocol Version 4", w.ether(etherIPv4, ipv4With(w.src, w.dst, 200, 3, nil, nil)), "Header length=20 bytes, DSCP=0, ECN=0, Total length=20, " +
			"Identification=0x1234 (4660), Flags=none, Fragment offset=24, Time to live=64, Protocol=200, Header checksum=0x7bb4, " +
			"Source address=192.0.2.1, Destination address=198.51.100.2"},
		{"Internet Protocol Version 6", w.ether(etherIPv6, class), "Traffic class=0xb9, Flow label=0xabcde, Payload length=32, Next header=6 (TCP), Hop limit=64, " +
			"Source address=2001:db8::1, Destination address=2001:db8:1::2"},
		{"IPv6 Fragment Header", w.ether(etherIPv6, ipv6Of(w.src6, w.dst6, protoFragment, cat(hexes("06 00 01 2b"), bytes32(0xdecade)))),
			"Next header=6 (TCP), Offset=296, More fragments=true, Identification=0x00decade"},
		{"IPv6 Fragment Header", w.ether(etherIPv6, ipv6Of(w.src6, w.dst6, protoFragment, cat(hexes("11 00 00 10"), bytes32(1)))),
			"Next header=17 (UDP), Offset=16, More fragments=false, Identification=0x00000001"},
		{"Generic Routing Encapsulation", w.ether(etherIPv4, w.outer(protoGRE, hexes("30 00 08 00"), bytes32(4), bytes32(5), w.ip4())),
			"Protocol type=0x0800, Version=0, Key=0x00000004, Sequence number=5"},
		{"User Datagram Protocol", w.ether(etherIPv4, w.outer(protoUDP, bytes16(53, 54, 12, 0xabcd), bytes32(0))), "Source port=53, Destination port=54, Length=12, Checksum=0xabcd"},
		{"Transmission Control Protocol", tcp(0), tcpFields("0x0000 (left to the network card)")},
		{"Transmission Control Protocol", tcp(1), tcpFields("0x0001 (wrong)")},
		{"Transmission Control Protocol", tcp(0x62d3), tcpFields("0x62d3 (correct)")},
		{"Transmission Control Protocol", tcp(1)[:62], tcpFields("0x0001 (not checked: the frame was cut)")},
	} {
		var got []string
		for _, l := range d.Tree(&capture.Packet{Link: capture.LinkEthernet, Data: c.frame, Orig: len(c.frame)}) {
			if l.Name == c.layer {
				var fields []string
				for _, f := range l.Fields {
					fields = append(fields, f.Name+"="+f.Value)
				}
				got = append(got, strings.Join(fields, ", "))
			}
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.layer, got, c.want)
		}
	}
}

// TestTreeNamesNetworks: what tells apart connections of equal addresses is
// shown.
func TestTreeNamesNetworks(t *testing.T) {
	d := NewDecoder()
	shown := map[string]bool{}
	for _, e := range encapsulations() {
		b := e.frame(there)
		for _, l := range d.Tree(&capture.Packet{Num: 7, Link: e.link, Data: b, Orig: len(b)}) {
			for _, f := range l.Fields {
				shown[l.Name+": "+f.Name] = true
			}
		}
	}
	for _, want := range []string{
		"802.1Q Virtual LAN: ID", "PPP-over-Ethernet Session: Session ID", "Generic Routing Encapsulation: Key",
		"Encapsulated Remote Switch Packet ANalysis II: Session ID", "Encapsulated Remote Switch Packet ANalysis III: Session ID",
		"Virtual eXtensible Local Area Network: VNI", "Generic Network Virtualization Encapsulation: VNI", "GPRS Tunneling Protocol: TEID",
	} {
		if !shown[want] {
			t.Errorf("not shown: %s", want)
		}
	}
}

// FuzzTree: whatever a frame holds, it can be shown.
func FuzzTree(f *testing.F) {
	seed(f)
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, link uint16, data []byte, more int) {
		if more < 0 || more > 1<<20 {
			return
		}
		p := &capture.Packet{Link: capture.LinkType(link), Data: data, Orig: len(data) + more}
		checkTree(t, p, d.Tree(p))
	})
}

func TestTCPOptions(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"none", "", ""},
		{"a SYN's", "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x01\x03\x03\x07",
			"maximum segment size=1460 SACK=permitted timestamps=value 1, echo reply 2 window scale=7 (multiply by 128)"},
		{"SACK", "\x01\x01\x05\x0a\x00\x00\x00\x05\x00\x00\x00\x09", "SACK block (raw)=5-9"},
		{"the end", "\x00\x02\x04", ""},
		{"malformed", "\x02\x09\x05", "Option=malformed, kind 2"},
		{"cut", "\x02", "Option=malformed, kind 2"},
		{"not known", "\xfe\x04\x01\x02", "Option=kind 254, 2 bytes"},
	} {
		var out []string
		for _, f := range tcpOptionFields([]byte(c.bytes)) {
			out = append(out, strings.TrimPrefix(f.Name, "Option: ")+"="+f.Value)
		}
		if got := strings.Join(out, " "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
