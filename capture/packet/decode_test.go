package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/netip"
	"reflect"
	"testing"

	"popscope/capture"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// frame is a packet that was captured whole.
func frame(link capture.LinkType, data []byte) *capture.Packet {
	return &capture.Packet{Link: link, Data: data, Orig: len(data)}
}

// bothWays decodes p by Decode and by the long way, and fails where they
// differ.
func bothWays(t testing.TB, d *Decoder, p *capture.Packet) (v Verdict, s Segment, f Fragment) {
	t.Helper()
	v = d.Decode(p, &s, &f)
	var s2 Segment
	var f2 Fragment
	if v2 := d.decode(p, &s2, &f2); v2 != v || !reflect.DeepEqual(s2, s) || !reflect.DeepEqual(f2, f) {
		t.Fatalf("two ways, two answers for link type %v, % x\n short %v %+v %+v\n long  %v %+v %+v", p.Link, p.Data, v, s, f, v2, s2, f2)
	}
	var s3 Segment
	d.LeaveChecksums = true
	v3 := d.Decode(p, &s3, &f2)
	if v3 == IsSegment {
		d.Checksum(&s3)
	}
	d.LeaveChecksums = false
	if bad := s3.Bad(); v3 != v || v == IsSegment && (bad != s.BadChecksum || s3.Unfilled != s.Unfilled) {
		t.Fatalf("link type %v, % x: %v, checksum bad %v, unfilled %v; left to later %v, %v, %v", p.Link, p.Data, v, s.BadChecksum, s.Unfilled, v3, bad, s3.Unfilled)
	}
	return v, s, f
}

// strict is a decoder whose panics are not caught.
func strict() *Decoder {
	d := NewDecoder()
	d.parser.IgnorePanic = true
	return d
}

func TestEncapsulations(t *testing.T) {
	d := strict()
	paths := map[string]uint64{}
	names := map[uint64]string{}
	for _, e := range encapsulations() {
		t.Run(e.name, func(t *testing.T) {
			var path [2]uint64
			for i, w := range []way{there, back} {
				v, s, _ := bothWays(t, d, frame(e.link, e.frame(w)))
				if v != IsSegment {
					t.Fatalf("got  %v\nwant %v", v, IsSegment)
				}
				path[i], s.Path = s.Path, 0
				if want := w.segment(e.v6); !reflect.DeepEqual(s, want) {
					t.Fatalf("\ngot  %+v\nwant %+v", s, want)
				}
			}
			if path[0] != path[1] {
				t.Errorf("Path differs by direction: %#x, %#x", path[0], path[1])
			}
			if (path[0] == 0) != (e.path == "") {
				t.Errorf("Path is %#x for %q", path[0], e.path)
			}
			if known, ok := paths[e.path]; ok && known != path[0] {
				t.Errorf("Path of %q is %#x here, %#x elsewhere", e.path, path[0], known)
			}
			if other, ok := names[path[0]]; ok && other != e.path {
				t.Errorf("Path of %q is that of %q", e.path, other)
			}
			paths[e.path], names[path[0]] = path[0], e.path
		})
	}
}

// A frame cut before the end of the last header is CutShort, one cut behind it
// is a segment that tells its true length. The options of TCP may be cut off.
func TestFrameCutAnywhere(t *testing.T) {
	d := strict()
	for _, e := range encapsulations() {
		t.Run(e.name, func(t *testing.T) {
			whole := e.frame(there)
			data := bytes.Index(whole, []byte(there.data))
			after := len(whole) - data // data, and a check sequence perhaps
			headers := bytes.LastIndex(whole, bytes16(there.sport, there.dport)) + tcpHeader
			for n := range whole {
				v, s, _ := bothWays(t, d, &capture.Packet{Link: e.link, Data: whole[:n], Orig: len(whole)})
				if n < headers {
					if v != CutShort {
						t.Fatalf("cut to %d of %d bytes:\ngot  %v\nwant %v", n, len(whole), v, CutShort)
					}
					continue
				}
				want := there.data[:min(max(n-data, 0), len(there.data))]
				if v != IsSegment || s.Seq != there.seq || s.Flags != ACK|PSH || string(s.Payload) != want || s.Length != len(there.data) || s.BadChecksum {
					t.Fatalf("cut to %d of %d bytes (%d after the headers):\ngot  %v %q of %d\nwant %v %q of %d",
						n, len(whole), after, v, s.Payload, s.Length, IsSegment, want, len(there.data))
				}
			}
		})
	}
}

func TestTrailersAreNoData(t *testing.T) {
	d := strict()
	for _, e := range encapsulations() {
		if e.tso {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			for _, trailer := range []string{"\x00", "\x00\x00\x00\x00\x00\x00", "\xde\xad\xbe\xef", "USER bob\r\n"} {
				v, s, _ := bothWays(t, d, frame(e.link, cat(e.frame(there), []byte(trailer))))
				if v != IsSegment || string(s.Payload) != there.data || s.Length != len(there.data) || s.BadChecksum {
					t.Fatalf("trailer %q:\ngot  %v %q of %d, checksum bad: %v\nwant %q", trailer, v, s.Payload, s.Length, s.BadChecksum, there.data)
				}
			}
		})
	}
}

func TestChecksum(t *testing.T) {
	d := strict()
	for _, e := range encapsulations() {
		t.Run(e.name, func(t *testing.T) {
			whole := e.frame(there)
			at := bytes.Index(whole, []byte(there.data))
			for i := range there.data {
				whole[at+i] ^= 0x20
				p := frame(e.link, whole)
				if v, s, _ := bothWays(t, d, p); v != IsSegment || !s.BadChecksum {
					t.Fatalf("byte %d changed: got %v, checksum bad: %v", i, v, s.BadChecksum)
				}
				p.Data = p.Data[:at+len(there.data)-1]
				if v, s, _ := bothWays(t, d, p); v != IsSegment || s.BadChecksum {
					t.Fatalf("byte %d changed, cut frame: got %v, checksum bad: %v", i, v, s.BadChecksum)
				}
				whole[at+i] ^= 0x20
			}
		})
	}
}

// What Linux, FreeBSD and Windows write where the network card is to fill in
// the checksum (RFC 9293 section 3.1 has the pseudo header).
func TestUnfilledChecksum(t *testing.T) {
	d := strict()
	data := []byte("USER alice\r\n")
	for _, ends := range [][2]string{{there.src, there.dst}, {there.src6, there.dst6}} {
		src, dst := netip.MustParseAddr(ends[0]), netip.MustParseAddr(ends[1])
		tcp := tcpOf(ends[0], ends[1], 1, 2, 3, nil, data)
		pseudo := func(length int) uint16 {
			return ^checksumOf(cat(src.AsSlice(), dst.AsSlice(), bytes32(uint32(length)), bytes32(protoTCP)))
		}
		right := be16(tcp[tcpChecksum:])
		for _, c := range []struct {
			name          string
			check         uint16
			bad, unfilled bool
		}{
			{"right", right, false, false},
			{"wrong", right ^ 0x5555, true, false},
			{"the sum of the pseudo header", pseudo(len(tcp)), true, true},
			{"the same without the length", pseudo(0), true, true},
			{"zero", 0, true, true},
			{"the complement of the sum", ^pseudo(len(tcp)), true, false},
		} {
			binary.BigEndian.PutUint16(tcp[tcpChecksum:], c.check)
			ip := ipv4Of
			if src.Is6() {
				ip = ipv6Of
			}
			_, s, _ := bothWays(t, d, frame(capture.LinkRaw, ip(ends[0], ends[1], protoTCP, tcp)))
			if s.BadChecksum != c.bad || s.Unfilled != c.unfilled {
				t.Errorf("%s, from %v: bad %v, unfilled %v", c.name, src, s.BadChecksum, s.Unfilled)
			}
		}
	}
}

func TestChecksumOfEveryLength(t *testing.T) {
	d := strict()
	r := rand.New(rand.NewSource(1))
	for n := range 300 {
		data := make([]byte, n)
		r.Read(data)
		if n%3 == 0 { // sums that carry all the way around
			for i := range data {
				data[i] = 0xff
			}
		}
		for _, v6 := range []bool{false, true} {
			ip := ipv4Of(there.src, there.dst, protoTCP, tcpOf(there.src, there.dst, 1, 2, 3, nil, data))
			if v6 {
				ip = ipv6Of(there.src6, there.dst6, protoTCP, tcpOf(there.src6, there.dst6, 1, 2, 3, nil, data))
			}
			if v, s, _ := bothWays(t, d, frame(capture.LinkRaw, ip)); v != IsSegment || s.BadChecksum || s.Length != n {
				t.Fatalf("%d bytes, IPv6 %v: got %v, length %d, checksum bad: %v", n, v6, v, s.Length, s.BadChecksum)
			}
			ip[len(ip)-1-r.Intn(n+2)] ^= 1 << r.Intn(8)
			if v, s, _ := bothWays(t, d, frame(capture.LinkRaw, ip)); v != IsSegment || !s.BadChecksum {
				t.Fatalf("%d bytes, IPv6 %v, one bit changed: got %v, checksum bad: %v", n, v6, v, s.BadChecksum)
			}
		}
	}
}

func TestOnesSum(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for n := range 400 {
		b := make([]byte, n)
		for i := range b {
			b[i] = []byte{0, 0xff, byte(r.Intn(256))}[r.Intn(3)]
		}
		want := ^checksumOf(b)
		got := onesFold(onesSum(b, 0))
		if got = got<<8 | got>>8; got%0xffff != want%0xffff {
			t.Fatalf("%d bytes:\ngot  %#04x\nwant %#04x", n, got, want)
		}
	}
}

func TestFramesOfNoUse(t *testing.T) {
	eth, raw := capture.LinkEthernet, capture.LinkRaw
	w := there
	change := func(b []byte, at int, v byte) []byte { b[at] = v; return b }
	deep := w.ip4()
	for range maxDepth {
		deep = w.outer(protoIPv4, deep)
	}
	tests := []struct {
		name string
		link capture.LinkType
		data []byte
		want Verdict
	}{
		{"unknown link type", 9999, w.ip4(), UnknownLink},
		{"unknown link type in pktap", capture.LinkPKTAP, cat(hexes("0c 00 00 00  01 00 00 00  93 00 00 00"), w.ip4()), UnknownLink},
		{"no packet in pktap", capture.LinkPKTAP, cat(hexes("0c 00 00 00  00 00 00 00  01 00 00 00"), w.ip4()), NotIP},
		{"no bytes", eth, nil, Malformed},
		{"runt", eth, w.ether(etherIPv4)[:13], Malformed},
		{"nothing after ethernet", eth, w.ether(etherIPv4), Malformed},
		{"arp", eth, w.ether(etherARP, make([]byte, 28)), NotIP},
		{"ethertype 0", eth, w.ether(0, make([]byte, 46)), NotIP},
		{"spanning tree", eth, w.ether802(hexes("42 42 03"), make([]byte, 35)), NotIP},
		{"llc information frame", eth, w.ether802(hexes("f0 f0 00 00"), make([]byte, 35)), NotIP},
		{"llc cut by its length", eth, w.ether(3, hexes("f0 f0 00 00"), make([]byte, 35)), Malformed},
		{"ethernet length 1", eth, w.ether(1, hexes("f0 f0 03"), make([]byte, 43)), Malformed},
		{"smallest ethertype", eth, w.ether(etherLengths, snapOf(etherIPv4, w.ip4())), NotIP},
		{"llc of two service access points", eth, w.ether802(hexes("aa 42 03 00 00 00 08 00"), w.ip4()), NotIP},
		{"llc of ip and another", eth, w.ether802(hexes("06 42 03"), w.ip4()), NotIP},
		{"novell raw", eth, w.ether802(hexes("ff ff"), make([]byte, 44)), NotIP},
		{"snap of a vendor", eth, w.ether802(hexes("aa aa 03 00 00 0c 08 00"), w.ip4()), NotIP},
		{"snap of something else", eth, w.ether802(snapOf(0x809b, w.ip4())), NotIP},
		{"pppoe discovery", eth, w.ether(0x8863, hexes("11 09 00 00 00 04 01 01 00 00")), NotIP},
		{"pppoe terminate", eth, w.ether(etherPPPoE, hexes("11 a7 00 01 00 00")), NotIP},
		{"pppoe version", eth, w.ether(etherPPPoE, change(pppoeOf(9, w.ip4()), 0, 0x12)), Malformed},
		{"macsec", eth, w.ether(etherMACsec, w.ip4()), Encrypted},
		{"mpls of nothing known", eth, w.ether(etherMPLS, label(1, true), make([]byte, 60)), NotIP},
		{"mpls generic associated channel", eth, w.ether(etherMPLS, label(1, true), hexes("10 00 00 07"), make([]byte, 60)), NotIP},
		{"mpls without a bottom", eth, w.ether(etherMPLS, bytes.Repeat(label(1, false), 40), label(1, true), w.ip4()), TooDeep},
		{"mpls ends in a label", eth, w.ether(etherMPLS, label(1, false)), Malformed},
		{"netlink", capture.LinkLinuxSLL, cat(bytes16(0, hardwareNetlink, 0), make([]byte, 8), bytes16(etherIPv4), w.ip4()), NotIP},
		{"netlink sll2", capture.LinkLinuxSLL2, cat(bytes16(etherIPv4, 0), bytes32(1), bytes16(hardwareNetlink, 0), make([]byte, 8), w.ip4()), NotIP},
		{"sll arp", capture.LinkLinuxSLL, cat(bytes16(0, 1, 6), w.srcMAC, bytes16(0, etherARP), make([]byte, 28)), NotIP},
		{"null family unknown", capture.LinkNull, cat(hexes("07 00 00 00"), w.ip4()), NotIP},
		{"null family too large", capture.LinkNull, cat(hexes("02 01 00 00"), w.ip4()), NotIP},
		{"null family 0", capture.LinkNull, cat(hexes("00 00 00 00"), w.ip4()), NotIP},
		{"raw version 5", raw, change(w.ip4(), 0, 0x55), NotIP},
		{"ipv4 version 5", eth, w.ether(etherIPv4, change(w.ip4(), 0, 0x55)), Malformed},
		{"ipv6 version 7", eth, w.ether(etherIPv6, change(w.ip6(), 0, 0x70)), Malformed},
		{"ipv4 link with ipv6", capture.LinkIPv4, w.ip6(), Malformed},
		{"ipv6 link with ipv4", capture.LinkIPv6, cat(w.ip4(), make([]byte, 40)), Malformed},
		{"ppp link control", capture.LinkPPP, hexes("ff 03 c0 21 01 01 00 04"), NotIP},
		{"ppp protocol even", capture.LinkPPP, cat(hexes("00 20"), w.ip4()), Malformed},
		{"cisco keepalive", capture.LinkPPPHDLC, cat(hexes("8f 00 80 35"), make([]byte, 18)), NotIP},
		{"802.11 beacon", capture.LinkIEEE80211, w.dot11Of(0x80, 0, nil, make([]byte, 40)), NotIP},
		{"802.11 acknowledgement", capture.LinkIEEE80211, cat(hexes("d4 00 00 00"), macA), NotIP},
		{"802.11 null", capture.LinkIEEE80211, w.dot11Of(0x48, dot11ToDS, nil, nil), NotIP},
		{"802.11 protected", capture.LinkIEEE80211, w.dot11Of(0x08, dot11FromDS|dot11Protected, nil, snapOf(etherIPv4, w.ip4())), Encrypted},
		{"802.11 protected null", capture.LinkIEEE80211, w.dot11Of(0x48, dot11FromDS|dot11Protected, nil, nil), NotIP},
		{"802.11 later fragment", capture.LinkIEEE80211, change(w.dot11Of(0x08, dot11FromDS, nil, snapOf(etherIPv4, w.ip4())), dot11Sequence, 0x31), NotIP},
		{"802.11 version 1", capture.LinkIEEE80211, w.dot11Of(0x09, dot11FromDS, nil, snapOf(etherIPv4, w.ip4())), NotIP},
		{"802.11 a-msdu cut by its length", capture.LinkIEEE80211, w.dot11Of(0x88, dot11FromDS, []byte{qosAMSDU, 0}, w.ether(2, snapOf(etherIPv4, w.ip4()))), Malformed},
		{"radiotap version", capture.LinkRadiotap, cat(hexes("01 00 08 00 00 00 00 00"), w.ip4()), Malformed},
		{"radiotap shorter than itself", capture.LinkRadiotap, cat(hexes("00 00 07 00 00 00 00 00"), w.ip4()), Malformed},
		{"radiotap words without end", capture.LinkRadiotap, cat(hexes("00 00 10 00"), bytes.Repeat(hexes("00 00 00 80"), 9)), Malformed},
		{"radiotap flags outside", capture.LinkRadiotap, cat(hexes("00 00 08 00 02 00 00 00"), w.ip4()), Malformed},
		{"radiotap shorter than its check sequence", capture.LinkRadiotap, hexes("00 00 09 00 02 00 00 00 10 08 02"), Malformed},

		{"ipv4 header length 4", raw, change(w.ip4(), 0, 0x44), Malformed},
		{"ipv4 header longer than total", raw, change(change(w.ip4(), 0, 0x4f), 3, 59), Malformed},
		{"ipv4 total length 19", raw, change(w.ip4(), 3, 19), Malformed},
		{"ipv4 length 0 and too short for it", raw, zeroLength(change(w.ip4()[:24], 0, 0x47)), Malformed},
		{"ipv4 without tcp", raw, ipv4Of(w.src, w.dst, protoTCP, nil), Malformed},
		{"tcp header 19 bytes", raw, ipv4Of(w.src, w.dst, protoTCP, w.tcp4()[:19]), Malformed},
		{"tcp data offset 4", raw, ipv4Of(w.src, w.dst, protoTCP, change(w.tcp4(), tcpOffset, 0x40)), Malformed},
		{"tcp data offset beyond the segment", raw, ipv4Of(w.src, w.dst, protoTCP, change(w.tcp4(), tcpOffset, 0x90)), Malformed},
		{"tcp data offset beyond the segment, ipv6", raw, ipv6Of(w.src6, w.dst6, protoTCP, change(w.tcp6(), tcpOffset, 0xf0)), Malformed},
		{"icmp", raw, ipv4Of(w.src, w.dst, protoICMP, make([]byte, 8)), NotTCP},
		{"icmp of ipv6", raw, ipv6Of(w.src6, w.dst6, protoICMPv6, make([]byte, 8)), NotTCP},
		{"esp", raw, ipv4Of(w.src, w.dst, 50, make([]byte, 80)), Encrypted},
		{"esp ipv6", raw, ipv6Of(w.src6, w.dst6, 50, make([]byte, 80)), Encrypted},
		{"macsec in a vlan", eth, w.ether(etherVLAN, bytes16(7, etherMACsec), make([]byte, 80)), Encrypted},
		{"no next header", raw, ipv6Of(w.src6, w.dst6, 59, nil), NotTCP},
		{"ipv6 headers in ipv4", raw, ipv4Of(w.src, w.dst, protoDestination, cat(ext(protoTCP, 0), w.tcp4())), NotTCP},
		{"extension header beyond the packet", raw, ipv6Of(w.src6, w.dst6, protoDestination, cat(ext(protoTCP, 0)[:1], []byte{90}, w.tcp6())), Malformed},
		{"extension headers without end", raw, ipv6Of(w.src6, w.dst6, protoDestination, bytes.Repeat(ext(protoDestination, 0), 100)), TooDeep},
		{"authentication header too short", raw, ipv4Of(w.src, w.dst, protoAH, cat([]byte{protoTCP, 0}, make([]byte, 10), w.tcp4())), Malformed},
		{"jumbo option too short", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, optionJumbo, 2), w.tcp6()))), Malformed},
		{"jumbo length that is none", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, optionJumbo, 4, 0, 0, 0xff, 0xff), w.tcp6()))), Malformed},
		{"jumbo length beyond the frame", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, optionJumbo, 4, 0xff, 0xff, 0xff, 0xff), w.tcp6()))), Malformed},
		{"jumbo option too long", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 1, optionJumbo, 5, 0, 1, 0, 0, 0), w.tcp6()))), Malformed},
		{"option without a length", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, 1, 3, 0, 0, 0, 5), w.tcp6()))), Malformed},
		{"option beyond the header", raw, zeroLength(ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoTCP, 0, 5, 5), w.tcp6()))), Malformed},

		{"udp", raw, ipv4Of(w.src, w.dst, protoUDP, udpOf(53, 5000, make([]byte, 30))), NotTCP},
		{"udp of ipv6", raw, ipv6Of(w.src6, w.dst6, protoUDP, udpOf(53, 5000, make([]byte, 30))), NotTCP},
		{"udp header 7 bytes", raw, ipv4Of(w.src, w.dst, protoUDP, make([]byte, 7)), Malformed},
		{"udp length 5, no tunnel", raw, ipv4Of(w.src, w.dst, protoUDP, change(udpOf(53, 5000, w.ip4()), 5, 5)), NotTCP},
		{"udp length 5, tunnel", raw, w.outer(protoUDP, change(change(udpOf(1, portVXLAN, w.ip4()), 4, 0), 5, 5)), Malformed},
		{"udp tunnel port without data", raw, w.outerUDP(1, portVXLAN), NotTCP},
		{"vxlan without a network", raw, w.outerUDP(1, portVXLAN, make([]byte, 8), w.ether(etherIPv4, w.ip4())), NotTCP},
		{"vxlan arp", raw, w.outerUDP(1, portVXLAN, hexes("08 00 00 00 00 00 05 00"), w.ether(etherARP, make([]byte, 28))), NotIP},
		{"geneve version 1", raw, w.outerUDP(1, portGeneve, hexes("40 00 08 00 00 00 05 00"), w.ip4()), NotTCP},
		{"geneve of something else", raw, w.outerUDP(1, portGeneve, hexes("00 00 12 34 00 00 05 00"), w.ip4()), NotTCP},
		{"geneve options beyond the datagram", raw, w.outerUDP(1, portGeneve, hexes("3f 00 08 00 00 00 05 00"), w.ip4()), Malformed},
		{"gtp echo", raw, w.outerUDP(portGTP, portGTP, hexes("32 01 00 04 00 00 00 00 00 00 00 00")), NotTCP},
		{"gtp prime", raw, w.outerUDP(portGTP, portGTP, hexes("20 ff 00 40 00 00 00 00"), w.ip4()), NotTCP},
		{"gtp extension of length 0", raw, w.outerUDP(portGTP, portGTP, hexes("34 ff 00 08 00 00 00 00 00 00 00 85 00 00 00 00")), Malformed},
		{"gtp extension beyond the datagram", raw, w.outerUDP(portGTP, portGTP, hexes("34 ff 00 08 00 00 00 00 00 00 00 85 09 00 00 00")), Malformed},
		{"vxlan-gpe with a service header", raw, w.outerUDP(1, portVXLANGPE, hexes("0c 00 00 04 00 00 05 00"), w.ip4()), NotTCP},
		{"vxlan-gpe with what nobody knows", raw, w.outerUDP(1, portVXLANGPE, hexes("0c 00 00 fe 00 00 05 00"), w.ip4()), NotTCP},
		{"vxlan-gpe of a later version", raw, w.outerUDP(1, portVXLANGPE, hexes("1c 00 00 01 00 00 05 00"), w.ip4()), NotTCP},
		{"vxlan-gpe without a network", raw, w.outerUDP(1, portVXLANGPE, hexes("04 00 00 01 00 00 05 00"), w.ip4()), NotTCP},
		{"esp in udp", raw, w.outerUDP(4500, 4500, hexes("00 00 01 00 00 00 00 01"), make([]byte, 64)), Encrypted},
		{"esp in udp behind nat", raw, w.outerUDP(4500, 1030, hexes("00 00 01 00 00 00 00 01"), make([]byte, 64)), Encrypted},
		{"key exchange on the port of esp", raw, w.outerUDP(4500, 4500, make([]byte, 64)), NotTCP},
		{"keepalive on the port of esp", raw, w.outerUDP(4500, 4500, hexes("ff")), NotTCP},
		{"tzsp keepalive", raw, w.outerUDP(1, portTZSP, hexes("01 04 00 00")), NotTCP},
		{"tzsp of another version", raw, w.outerUDP(1, portTZSP, hexes("02 00 00 01 01"), w.ether(etherIPv4, w.ip4())), NotTCP},
		{"tzsp of token ring", raw, w.outerUDP(1, portTZSP, hexes("01 00 00 02 01"), w.ether(etherIPv4, w.ip4())), NotTCP},
		{"tzsp without end", raw, w.outerUDP(1, portTZSP, hexes("01 00 00 01 00 00 00 00")), Malformed},
		{"tzsp field beyond the datagram", raw, w.outerUDP(1, portTZSP, hexes("01 00 00 01 0a ff 00 00")), Malformed},
		{"tzsp field without length", raw, w.outerUDP(1, portTZSP, hexes("01 00 00 01 0a")), Malformed},
		{"l2tp control", raw, w.outerUDP(portL2TP, portL2TP, hexes("c8 02 00 0c 00 00 00 00 00 00 00 00")), NotTCP},
		{"l2tp version 3", raw, w.outerUDP(portL2TP, portL2TP, hexes("00 03 00 00 00 00 00 01"), w.ip4()), NotTCP},
		{"l2tp shorter than its header", raw, w.outerUDP(portL2TP, portL2TP, hexes("40 02 00 07 00 01 00 01"), w.ip4()), Malformed},
		{"l2tp offset beyond the datagram", raw, w.outerUDP(portL2TP, portL2TP, hexes("02 02 00 07 00 01 ff 01"), w.ip4()), Malformed},
		{"gre source route", raw, w.outer(protoGRE, hexes("40 00 08 00"), make([]byte, 8), w.ip4()), NotTCP},
		{"gre version 2", raw, w.outer(protoGRE, hexes("00 02 08 00"), w.ip4()), NotTCP},
		{"gre of something else", raw, w.outer(protoGRE, hexes("00 00 12 34"), w.ip4()), NotTCP},
		{"gre shorter than its fields", raw, w.outer(protoGRE, hexes("b0 00 08 00 00 00 00 00")), Malformed},
		{"pptp acknowledgement", raw, w.outer(protoGRE, hexes("20 81 88 0b 00 00 00 01 00 00 00 01"), w.ip4()), NotTCP},
		{"pptp without key", raw, w.outer(protoGRE, hexes("00 01 88 0b"), w.ip4()), NotTCP},
		{"pptp of something else", raw, w.outer(protoGRE, hexes("20 01 08 00"), bytes16(uint16(len(w.ip4())+4), 7), hexes("ff 03 00 21"), w.ip4()), NotTCP},
		{"erspan II version", raw, w.outer(protoGRE, hexes("10 00 88 be"), bytes32(9), hexes("30 64 08 03 00 00 00 01"), w.ether(etherIPv4, w.ip4())), NotTCP},
		{"erspan III version", raw, w.outer(protoGRE, hexes("10 00 22 eb"), bytes32(9), hexes("10 64 08 03 00 00 00 01 00 00 00 00"), w.ip4()), NotTCP},
		{"erspan III of something else", raw, w.outer(protoGRE, hexes("10 00 22 eb"), bytes32(9), hexes("20 64 08 03 00 00 00 01 00 00 04 00"), w.ip4()), NotTCP},
		{"etherip version", raw, w.outer(protoEtherIP, hexes("40 00"), w.ether(etherIPv4, w.ip4())), Malformed},
		{"ip in ip without end", raw, deep, TooDeep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := strict() // one of its own: no verdict is left over from another frame
			if v, _, _ := bothWays(t, d, frame(tt.link, tt.data)); v != tt.want {
				t.Errorf("got  %v\nwant %v", v, tt.want)
			}
		})
	}
}

func TestJumbogram(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 5000)
	for _, header := range [][]byte{
		ext(protoTCP, 0, optionJumbo, 4),
		ext(protoTCP, 1, optionPad1, 1, 2, 0xff, 0xff, optionPad1, optionPad1, optionPad1, optionJumbo, 4), // behind padding
	} {
		payload := cat(header, tcpOf(there.src6, there.dst6, 1, 2, 3, nil, data))
		copy(payload[len(header)-4:], bytes32(uint32(len(payload))))
		whole := cat(zeroLength(ipv6Of(there.src6, there.dst6, protoHopByHop, payload)), []byte("trailer"))
		v, s, _ := bothWays(t, strict(), frame(capture.LinkRaw, whole))
		if v != IsSegment || s.Length != len(data) || !bytes.Equal(s.Payload, data) || s.BadChecksum {
			t.Errorf("got %v, %d bytes, length %d, checksum bad: %v; want %d", v, len(s.Payload), s.Length, s.BadChecksum, len(data))
		}
	}
}

func TestOffloadedSegmentAbove64K(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 5000)
	for _, ip := range [][]byte{
		ipv4Of(there.src, there.dst, protoTCP, tcpOf(there.src, there.dst, 1, 2, 3, nil, data)),
		ipv6Of(there.src6, there.dst6, protoTCP, tcpOf(there.src6, there.dst6, 1, 2, 3, nil, data)),
	} {
		p := frame(capture.LinkRaw, zeroLength(ip))
		v, s, _ := bothWays(t, strict(), p)
		if v != IsSegment || s.Length != len(data) || !bytes.Equal(s.Payload, data) || s.BadChecksum {
			t.Errorf("got %v, %d bytes, length %d, checksum bad: %v; want %d", v, len(s.Payload), s.Length, s.BadChecksum, len(data))
		}
	}
}

func TestOffloadedLengthOutOfBounds(t *testing.T) {
	d := strict()
	for _, ip := range [][]byte{there.ip4(), there.ip6()} {
		p := frame(capture.LinkRaw, zeroLength(ip))
		for _, tt := range []struct {
			orig int
			want Verdict
		}{{maxOffload, IsSegment}, {maxOffload + 41, Malformed}, {1<<31 - 1, Malformed}} {
			p.Orig = tt.orig
			if v, _, _ := bothWays(t, d, p); v != tt.want {
				t.Errorf("%d bytes on the wire:\ngot  %v\nwant %v", tt.orig, v, tt.want)
			}
		}
	}
}

// The IP header is believed over the length on the wire, which some programs
// write wrong when they cut packets.
func TestLengthComesFromIP(t *testing.T) {
	whole := there.ether(etherIPv4, there.ip4())
	cut := frame(capture.LinkEthernet, whole[:len(whole)-5])
	v, s, _ := bothWays(t, strict(), cut)
	if v != IsSegment || s.Length != len(there.data) || len(s.Payload) != len(there.data)-5 {
		t.Errorf("got %v, %d of %d", v, len(s.Payload), s.Length)
	}
}

func TestFlags(t *testing.T) {
	d := strict()
	for flags := range 256 {
		ip := there.ip4()
		ip[ipv4Header+tcpFlags] = byte(flags)
		v, s, _ := bothWays(t, d, frame(capture.LinkRaw, ip))
		if want := Flags(flags & 0x3f); v != IsSegment || s.Flags != want {
			t.Errorf("%#x: got %v %#x, want %#x", flags, v, s.Flags, want)
		}
	}
}

func TestFragments(t *testing.T) {
	w := there
	src, dst, src6, dst6 := addrOf(w.src), addrOf(w.dst), addrOf(w.src6), addrOf(w.dst6)
	part := []byte("sixteen bytes...")
	tests := []struct {
		name string
		data []byte
		cut  int
		want Fragment
	}{
		{"ipv4 first", ipv4With(w.src, w.dst, protoTCP, 0x2000, nil, part), 0,
			Fragment{Src: src, Dst: dst, ID: 0x1234, Proto: protoTCP, Depth: 2, More: true, Payload: part, Length: 16}},
		{"ipv4 first, may not be fragmented", ipv4With(w.src, w.dst, protoTCP, 0x6000, nil, part), 0,
			Fragment{Src: src, Dst: dst, ID: 0x1234, Proto: protoTCP, Depth: 2, More: true, Payload: part, Length: 16}},
		{"ipv4 last", ipv4With(w.src, w.dst, protoTCP, 0x0002, hexes("01 01 01 01"), part[:3]), 0,
			Fragment{Src: src, Dst: dst, ID: 0x1234, Proto: protoTCP, Depth: 2, Offset: 16, Payload: part[:3], Length: 3}},
		{"ipv4 highest offset", ipv4With(w.src, w.dst, protoUDP, 0x1fff, nil, part), 0,
			Fragment{Src: src, Dst: dst, ID: 0x1234, Proto: protoUDP, Depth: 2, Offset: 65528, Payload: part, Length: 16}},
		{"ipv4 cut", ipv4With(w.src, w.dst, protoTCP, 0x2000, nil, part), 6,
			Fragment{Src: src, Dst: dst, ID: 0x1234, Proto: protoTCP, Depth: 2, More: true, Payload: part[:10], Length: 16}},
		{"ipv6 first", ipv6Of(w.src6, w.dst6, protoFragment, cat([]byte{protoTCP, 0, 0, 1, 1, 2, 3, 4}, part)), 0,
			Fragment{Src: src6, Dst: dst6, V6: true, ID: 0x01020304, Proto: protoTCP, Depth: 3, More: true, Payload: part, Length: 16}},
		{"ipv6 middle after another header", ipv6Of(w.src6, w.dst6, protoHopByHop, cat(ext(protoFragment, 0), []byte{protoDestination, 0, 0xff, 0xf9, 1, 2, 3, 4}, part)), 0,
			Fragment{Src: src6, Dst: dst6, V6: true, ID: 0x01020304, Proto: protoDestination, Depth: 4, Offset: 65528, More: true, Payload: part, Length: 16}},
		{"ipv6 last, cut", ipv6Of(w.src6, w.dst6, protoFragment, cat([]byte{protoTCP, 0, 0, 8, 1, 2, 3, 4}, part[:5])), 5,
			Fragment{Src: src6, Dst: dst6, V6: true, ID: 0x01020304, Proto: protoTCP, Depth: 3, Offset: 8, Payload: part[:0], Length: 5}},
	}
	d := strict()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &capture.Packet{Link: capture.LinkRaw, Data: tt.data[:len(tt.data)-tt.cut], Orig: len(tt.data)}
			if v, _, f := bothWays(t, d, p); v != IsFragment || !reflect.DeepEqual(f, tt.want) {
				t.Errorf("\ngot  %v %+v\nwant %v %+v", v, f, IsFragment, tt.want)
			}
		})
	}
}

// A tunnel's packet that was fragmented leads to the same segment as a whole
// one, its path and depth going on where the fragment was found.
func TestDatagramGoesOn(t *testing.T) {
	w := there
	tests := []struct {
		name    string
		v6      bool // the fragmented datagram
		inner   bool // the connection
		proto   byte
		payload []byte
		whole   []byte // an unfragmented frame with the same path
	}{
		{"tcp", false, false, protoTCP, tcpOf(w.from, w.to, w.sport, w.dport, w.seq, nil, []byte(w.data)), nil},
		{"tcp after a destination header", true, true, protoDestination,
			cat(ext(protoTCP, 0), tcpOf(w.from6, w.to6, w.sport, w.dport, w.seq, nil, []byte(w.data))), nil},
		{"ip in ip", false, false, protoIPv4, w.ip4(), w.outer(protoIPv4, w.ip4())},
		{"6in6", true, true, protoIPv6, w.ip6(), w.outer6(protoIPv6, w.ip6())},
		{"gre", false, true, protoGRE, cat(hexes("20 00 86 dd"), bytes32(4), w.ip6()), w.outer(protoGRE, hexes("20 00 86 dd"), bytes32(4), w.ip6())},
		{"vxlan", false, false, protoUDP, udpOf(1, portVXLAN, cat(hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, w.ip4()))),
			w.outerUDP(1, portVXLAN, hexes("08 00 00 00 00 00 05 00"), w.ether(etherIPv4, w.ip4()))},
	}
	d := strict()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet := ipv4With(w.from, w.to, tt.proto, 0x2000, nil, tt.payload[:8])
			if tt.v6 {
				packet = ipv6Of(w.from6, w.to6, protoFragment, cat([]byte{tt.proto, 0, 0, 1, 1, 2, 3, 4}, tt.payload[:8]))
			}
			v, _, f := bothWays(t, d, frame(capture.LinkRaw, packet))
			if v != IsFragment {
				t.Fatalf("got %v", v)
			}
			var got Segment
			if v := d.Datagram(&f, tt.payload, len(tt.payload), &got, &f); v != IsSegment {
				t.Fatalf("got %v", v)
			}
			want := w.segment(tt.inner)
			if tt.whole != nil {
				_, want, _ = bothWays(t, d, frame(capture.LinkRaw, tt.whole))
			} else if want.Src.Addr, want.Dst.Addr = addrOf(w.from), addrOf(w.to); tt.v6 {
				want.Src.Addr, want.Dst.Addr = addrOf(w.from6), addrOf(w.to6)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\ngot  %+v\nwant %+v", got, want)
			}
			cut := tt.payload[:len(tt.payload)-3]
			if v := d.Datagram(&f, cut, len(tt.payload), &got, &f); v != IsSegment || got.Length != len(w.data) || len(got.Payload) != len(w.data)-3 {
				t.Errorf("cut: got %v, %d of %d", v, len(got.Payload), got.Length)
			}
		})
	}
}

func TestDatagramWithFragmentInside(t *testing.T) {
	d := strict()
	var s Segment
	inner := ipv4With(there.src, there.dst, protoTCP, 0x2000, nil, there.tcp4()[:24])
	f := Fragment{Src: addrOf(there.from), Dst: addrOf(there.to), Proto: protoIPv4, Depth: 2}
	if v := d.Datagram(&f, inner, len(inner), &s, &f); v != IsFragment {
		t.Fatalf("got %v", v)
	}
	if f.Src != addrOf(there.src) || f.Depth != 3 || f.Path == 0 || f.Length != 24 {
		t.Errorf("got %+v", f)
	}
	if v := d.Datagram(&f, there.tcp4(), len(there.tcp4()), &s, &f); v != IsSegment || s.Path != f.Path || string(s.Payload) != there.data {
		t.Errorf("got %v %+v", v, s)
	}
	f.Depth = maxDepth
	if v := d.Datagram(&f, there.tcp4(), len(there.tcp4()), &s, &f); v != TooDeep {
		t.Errorf("got %v, want %v", v, TooDeep)
	}
	f.Proto, f.Depth = protoICMP, 0
	if v := d.Datagram(&f, there.tcp4(), 40, &s, &f); v != NotTCP {
		t.Errorf("got %v, want %v", v, NotTCP)
	}
	f.Proto = protoTCP
	if v := d.Datagram(&f, nil, 40, &s, &f); v != CutShort {
		t.Errorf("got %v, want %v", v, CutShort)
	}
}

func TestPanicInALayer(t *testing.T) {
	d := NewDecoder()
	d.parser.AddDecodingLayer(&step{&d.w, layers.LayerTypeGRE, func(_ *walk, b []byte) gopacket.LayerType { return gopacket.LayerType(b[len(b)]) }})
	var s Segment
	var f Fragment
	p := frame(capture.LinkRaw, there.outer(protoGRE, hexes("00 00 08 00"), there.ip4()))
	if v := d.Decode(p, &s, &f); v != Malformed {
		t.Errorf("got  %v\nwant %v", v, Malformed)
	}
	if v := d.Decode(frame(capture.LinkRaw, there.ip4()), &s, &f); v != IsSegment {
		t.Errorf("the next frame: got %v", v)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	d := NewDecoder()
	var s Segment
	var f Fragment
	tcp := there.tcp6()
	frames := []*capture.Packet{
		frame(capture.LinkRaw, ipv4With(there.src, there.dst, protoTCP, 0x2000, nil, there.tcp4())),
		frame(capture.LinkRaw, ipv6Of(there.src6, there.dst6, protoFragment, cat([]byte{protoTCP, 0, 0, 1, 1, 2, 3, 4}, there.tcp6()))),
		frame(capture.LinkEthernet, there.ether(etherARP, make([]byte, 28))),
	}
	for _, e := range encapsulations() {
		if e.name == "ipv4 options malformed" || e.name == "tcp options malformed" {
			continue // gopacket makes an error
		}
		frames = append(frames, frame(e.link, e.frame(there)))
	}
	run := func() {
		for _, p := range frames {
			d.Decode(p, &s, &f)
			d.decode(p, &s, &f)
		}
		d.Datagram(&f, tcp, len(tcp), &s, &f)
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%v allocations in %d frames", n, len(frames))
	}
}

// What gopacket keeps from one frame to the next must not grow with them.
func TestMemoryStaysBounded(t *testing.T) {
	d := NewDecoder()
	r := rand.New(rand.NewSource(3))
	rows := encapsulations()
	var s Segment
	var f Fragment
	for range 50000 {
		e := rows[r.Intn(len(rows))]
		b := e.frame(there)
		for range r.Intn(4) {
			b[r.Intn(len(b))] = byte(r.Intn(256))
		}
		d.decode(frame(e.link, b), &s, &f)
	}
	if n := cap(d.w.ipv4Hdr.Options); n > 64 {
		t.Errorf("room for %d IPv4 options", n)
	}
	if n := cap(d.w.tcpHdr.Options); n > 64 {
		t.Errorf("room for %d TCP options", n)
	}
	if n := cap(d.passed); n > 2*maxDepth {
		t.Errorf("room for %d layers", n)
	}
}

// gopacket on its own reads the plain frames alike.
func TestPlainFramesAgainstGopacket(t *testing.T) {
	var (
		eth  layers.Ethernet
		vlan layers.Dot1Q
		ip4  layers.IPv4
		ip6  layers.IPv6
		tcp  layers.TCP
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &vlan, &ip4, &ip6, &tcp)
	parser.IgnoreUnsupported = true
	var passed []gopacket.LayerType
	d := strict()
	n := 0
	for _, e := range encapsulations() {
		if e.link != capture.LinkEthernet {
			continue
		}
		b := e.frame(back)
		if parser.DecodeLayers(b, &passed) != nil || passed[len(passed)-1] != layers.LayerTypeTCP {
			continue
		}
		n++
		_, s, _ := bothWays(t, d, frame(e.link, b))
		src, dst := fmt.Sprint(ip4.SrcIP), fmt.Sprint(ip4.DstIP)
		if e.v6 {
			src, dst = fmt.Sprint(ip6.SrcIP), fmt.Sprint(ip6.DstIP)
		}
		want := fmt.Sprintf("%s:%d %s:%d %d %d %d %q", src, uint16(tcp.SrcPort), dst, uint16(tcp.DstPort), tcp.Seq, tcp.Ack, tcp.Window, tcp.Payload)
		got := fmt.Sprintf("%s:%d %s:%d %d %d %d %q", s.Src.Addr.Netip(), s.Src.Port, s.Dst.Addr.Netip(), s.Dst.Port, s.Seq, s.Ack, s.Window, s.Payload)
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", e.name, got, want)
		}
	}
	if n < 10 {
		t.Errorf("gopacket read %d frames only", n)
	}
}
