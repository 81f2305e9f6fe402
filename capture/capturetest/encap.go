package capturetest

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"popscope/capture"
)

// Family says which IP addresses an encapsulation can carry.
type Family uint8

// AnyIP carries both, the others one.
const (
	AnyIP Family = iota
	OnlyIPv4
	OnlyIPv6
)

// Encap is a way to turn segments into frames.
type Encap struct {
	Name      string
	Link      capture.LinkType
	Family    Family // of the TCP segment's own IP header
	Fragments bool   // a segment may become several frames
	Tunnel    bool   // a VLAN, a tunnel or a PPPoE session stands around it: packet.Segment.Path is not 0 (priority tags and MPLS labels name no network)
	Layer     Layer  // what goes around the TCP segment
}

// Plain returns the usual one: Ethernet and IP.
func Plain() Encap { return Encaps()[0] }

// FindEncap returns the one of Encaps with a name, and panics if there is
// none.
func FindEncap(name string) Encap {
	for _, e := range Encaps() {
		if e.Name == name {
			return e
		}
	}
	panic(fmt.Sprintf("capturetest: no encapsulation %q", name))
}

// Encaps returns all encapsulations that package packet is to decode, one
// for each header or variant of a header. The first one is plain Ethernet.
func Encaps() []Encap {
	const (
		eth  = capture.LinkEthernet
		dot1 = 0x8100 // IEEE 802.1Q
		ad   = 0x88a8 // IEEE 802.1ad
		old  = 0x9100 // the same before it was standardised
	)
	ip := IP(IPOptions{})
	v4 := Tunnel(false, IPOptions{})
	v6 := Tunnel(true, IPOptions{})
	frag := func(mtu int, reverse bool) Layer { return IP(IPOptions{MTU: mtu, Reverse: reverse}) }
	options := IP(IPOptions{Options: []byte{0x94, 4, 0, 0, 1, 1, 1, 0}}) // router alert, no-operation, end
	padN := []byte{1, 4, 0, 0, 0, 0}
	headers := []Header{
		{0, padN},                        // hop-by-hop options
		{60, padN},                       // destination options
		{43, []byte{253, 0, 0, 0, 0, 0}}, // routing, of an experimental type, no segments left
		{60, append(padN, 1, 6, 0, 0, 0, 0, 0, 0)},
	}
	return []Encap{
		{"ethernet", eth, AnyIP, false, false, Stack(Ethernet(), ip)},
		{"ethernet-padding", eth, AnyIP, false, false, Stack(Ethernet(), Padding(""), ip)},
		{"ethernet-trailer", eth, AnyIP, false, false, Stack(Ethernet(), Padding("-ERR trailer\r\n"), ip)},
		{"vlan", eth, AnyIP, false, true, Stack(Ethernet(), VLAN(dot1, 7), ip)},
		{"vlan-priority0", eth, AnyIP, false, false, Stack(Ethernet(), VLAN(dot1, 5<<13), ip)},
		{"qinq-88a8", eth, AnyIP, false, true, Stack(Ethernet(), VLAN(ad, 100), VLAN(dot1, 7), ip)},
		{"qinq-9100", eth, AnyIP, false, true, Stack(Ethernet(), VLAN(old, 100), VLAN(dot1, 7), ip)},
		{"sll", capture.LinkLinuxSLL, AnyIP, false, false, Stack(SLL(), ip)},
		{"sll-vlan", capture.LinkLinuxSLL, AnyIP, false, true, Stack(SLL(), VLAN(dot1, 7), ip)},
		{"sll2", capture.LinkLinuxSLL2, AnyIP, false, false, Stack(SLL2(), ip)},
		{"sll2-vlan", capture.LinkLinuxSLL2, AnyIP, false, true, Stack(SLL2(), VLAN(dot1, 7), ip)},
		{"null-le", capture.LinkNull, AnyIP, false, false, Stack(Null(binary.LittleEndian, 30), ip)},
		{"null-be", capture.LinkNull, AnyIP, false, false, Stack(Null(binary.BigEndian, 28), ip)},
		{"loop", capture.LinkLoop, AnyIP, false, false, Stack(Null(binary.BigEndian, 24), ip)},
		{"raw12", capture.LinkRawOld, AnyIP, false, false, Stack(Raw(), ip)},
		{"raw14", capture.LinkRawBSD, AnyIP, false, false, Stack(Raw(), ip)},
		{"raw101", capture.LinkRaw, AnyIP, false, false, Stack(Raw(), ip)},
		{"raw-ipv4", capture.LinkIPv4, OnlyIPv4, false, false, Stack(Raw(), ip)},
		{"raw-ipv6", capture.LinkIPv6, OnlyIPv6, false, false, Stack(Raw(), ip)},
		{"ppp", capture.LinkPPP, AnyIP, false, false, Stack(PPP(true), ip)},
		{"ppp-unframed", capture.LinkPPP, AnyIP, false, false, Stack(PPP(false), ip)},
		{"ppp-hdlc", capture.LinkPPPHDLC, AnyIP, false, false, Stack(PPP(true), ip)},
		{"cisco-hdlc", capture.LinkCiscoHDLC, AnyIP, false, false, Stack(CiscoHDLC(), ip)},
		{"cisco-hdlc-as-ppp", capture.LinkPPPHDLC, AnyIP, false, false, Stack(CiscoHDLC(), ip)},
		{"pflog", capture.LinkPFLOG, AnyIP, false, false, Stack(PFLOG(), ip)},
		{"nflog-le", capture.LinkNFLOG, AnyIP, false, false, Stack(NFLOG(binary.LittleEndian), ip)},
		{"nflog-be", capture.LinkNFLOG, AnyIP, false, false, Stack(NFLOG(binary.BigEndian), ip)},
		{"pktap", capture.LinkPKTAP, AnyIP, false, false, Stack(PKTAP(capture.LinkEthernet), Ethernet(), ip)},
		{"pktap-null", capture.LinkPKTAP, AnyIP, false, false, Stack(PKTAP(capture.LinkNull), Null(binary.LittleEndian, 30), ip)},
		{"ppp-ether", capture.LinkPPPoE, AnyIP, false, true, Stack(PPPoE(), ip)},
		{"pppoe", eth, AnyIP, false, true, Stack(Ethernet(), PPPoE(), ip)},
		{"pppoe-padding", eth, AnyIP, false, true, Stack(Ethernet(), Padding(""), PPPoE(), ip)},
		{"ieee80211", capture.LinkIEEE80211, AnyIP, false, false, Stack(IEEE80211(false), ip)},
		{"radiotap", capture.LinkRadiotap, AnyIP, false, false, Stack(Radiotap(false), IEEE80211(false), ip)},
		{"radiotap-fcs", capture.LinkRadiotap, AnyIP, false, false, Stack(Radiotap(true), IEEE80211(true), ip)},
		{"gre", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{}), ip)},
		{"gre-key", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Key: 42}), ip)},
		{"gre-full", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Checksum: true, Key: 42, Sequence: true}), ip)},
		{"gre-teb", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{}), Ethernet(), ip)},
		{"gre-ipv6", eth, AnyIP, false, true, Stack(Ethernet(), v6, GRE(GREOptions{}), ip)},
		{"ipip", eth, OnlyIPv4, false, true, Stack(Ethernet(), v4, ip)},
		{"6in4", eth, OnlyIPv6, false, true, Stack(Ethernet(), v4, ip)},
		{"4in6", eth, OnlyIPv4, false, true, Stack(Ethernet(), v6, ip)},
		{"6in6", eth, OnlyIPv6, false, true, Stack(Ethernet(), v6, ip)},
		{"vxlan", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(4789), VXLAN(42), Ethernet(), ip)},
		{"vxlan-vlan", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(4789), VXLAN(42), Ethernet(), VLAN(dot1, 7), ip)},
		{"vxlan-gpe", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(4790), VXLANGPE(42, 3), Ethernet(), ip)},
		{"tzsp", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(37008), TZSP(), Ethernet(), ip)},
		{"geneve", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(6081), Geneve(42, nil), Ethernet(), ip)},
		{"geneve-options", eth, AnyIP, false, true, Stack(Ethernet(), v4, UDP(6081), Geneve(42, []byte{0xff, 0xff, 1, 1, 1, 2, 3, 4}), Ethernet(), ip)},
		{"erspan1", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Proto: protoERSPAN2}), Ethernet(), ip)},
		{"erspan2", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Sequence: true, Proto: protoERSPAN2}), ERSPAN2(), Ethernet(), ip)},
		{"erspan3", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Sequence: true, Proto: protoERSPAN3}), ERSPAN3(false), Ethernet(), ip)},
		{"erspan3-sub", eth, AnyIP, false, true, Stack(Ethernet(), v4, GRE(GREOptions{Sequence: true, Proto: protoERSPAN3}), ERSPAN3(true), Ethernet(), ip)},
		{"mpls", eth, AnyIP, false, false, Stack(Ethernet(), MPLS(16000), ip)},
		{"mpls-stack", eth, AnyIP, false, false, Stack(Ethernet(), MPLS(16000, 16001, 16002), ip)},
		{"ipv4-options", eth, OnlyIPv4, false, false, Stack(Ethernet(), options)},
		{"ipv6-headers", eth, OnlyIPv6, false, false, Stack(Ethernet(), IP(IPOptions{Headers: headers}))},
		{"ipv4-fragments-576", eth, OnlyIPv4, true, false, Stack(Ethernet(), frag(576, false))},
		{"ipv4-fragments-tiny", eth, OnlyIPv4, true, false, Stack(Ethernet(), frag(44, false))},
		{"ipv4-fragments-reversed", eth, OnlyIPv4, true, false, Stack(Ethernet(), frag(68, true))},
		{"ipv6-fragments", eth, OnlyIPv6, true, false, Stack(Ethernet(), frag(576, false))},
		{"ipv6-fragments-tiny", eth, OnlyIPv6, true, false, Stack(Ethernet(), frag(72, false))},
		{"ipv6-fragments-reversed", eth, OnlyIPv6, true, false, Stack(Ethernet(), frag(96, true))},
		{"gre-fragments", eth, AnyIP, true, true, Stack(Ethernet(), Tunnel(false, IPOptions{MTU: 68}), GRE(GREOptions{}), ip)},
	}
}

// For returns the trace with addresses that the encapsulation can carry:
// t itself, V4 or V6 of it. Packets does the same, so compare what comes
// out with this.
func (t Trace) For(e Encap) Trace {
	switch e.Family {
	case OnlyIPv4:
		return t.V4()
	case OnlyIPv6:
		return t.V6()
	}
	return t.Clone()
}

// Packets returns the trace as frames. Their bytes are owned by the
// caller; Num and FileNum count from 1. What an encapsulation cannot carry
// is mapped as For does.
func (t Trace) Packets(e Encap) []capture.Packet {
	out := make([]capture.Packet, 0, len(t))
	ids := map[netip.AddrPort]uint16{}
	for _, s := range t.For(e) {
		src, dst := s.src(), s.dst()
		ids[src]++
		f := Frame{
			Data: tcp(&s, src.Addr(), dst.Addr()), Cut: s.Cut, Next: nextTCP, FromClient: s.FromClient,
			Src: src.Addr(), Dst: dst.Addr(), ID: src.Port() + ids[src],
		}
		for _, f := range e.Layer(f) {
			num := int64(len(out) + 1)
			out = append(out, capture.Packet{
				Num: num, FileNum: num, Nanos: s.Nanos, Link: e.Link,
				Data: f.Data[: len(f.Data)-f.Cut : len(f.Data)-f.Cut], Orig: len(f.Data),
			})
		}
	}
	return out
}
