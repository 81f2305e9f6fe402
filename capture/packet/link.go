package packet

import (
	"encoding/binary"
	"math"

	"popscope/capture"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// EtherTypes that lead to IP, and the number below which the field is the
// length of an 802.3 frame.
const (
	etherLengths = 0x0600
	etherIPv4    = 0x0800
	etherARP     = 0x0806
	etherERSPAN3 = 0x22eb
	etherBridge  = 0x6558 // Ethernet in GRE or GENEVE
	etherVLAN    = 0x8100
	etherIPv6    = 0x86dd
	etherPPP     = 0x880b
	etherMPLS    = 0x8847
	etherMPLSUp  = 0x8848 // upstream-assigned label
	etherPPPoE   = 0x8864 // the session stage
	etherMACsec  = 0x88e5 // 802.1AE
	etherVLANS   = 0x88a8 // service tag, 802.1ad
	etherERSPAN  = 0x88be // types I and II
	etherVLANOld = 0x9100 // service tag before 802.1ad
)

// etherStep returns the step for an EtherType, or done.
func etherStep(t uint16) gopacket.LayerType {
	switch t {
	case etherIPv4:
		return layers.LayerTypeIPv4
	case etherIPv6:
		return layers.LayerTypeIPv6
	case etherVLAN, etherVLANS, etherVLANOld:
		return layers.LayerTypeDot1Q
	case etherMPLS, etherMPLSUp:
		return layers.LayerTypeMPLS
	case etherPPPoE:
		return layers.LayerTypePPPoE
	}
	return done
}

const etherHeader = 14

func (w *walk) ethernet(data []byte) gopacket.LayerType {
	if !w.need(data, etherHeader) {
		return done
	}
	if w.etherHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	w.note(HeaderEthernet, data, etherHeader, w.wire)
	w.pass(data, etherHeader)
	if w.etherHdr.EthernetType == layers.EthernetTypeLLC {
		return w.etherType(w.etherHdr.Length)
	}
	return w.etherType(uint16(w.etherHdr.EthernetType))
}

// etherType returns the step for what an EtherType or length announces.
func (w *walk) etherType(t uint16) gopacket.LayerType {
	if t > 0 && t < etherLengths {
		w.limit(int(t))
		return layers.LayerTypeLLC
	}
	if next := etherStep(t); next != done {
		return next
	}
	if t == etherMACsec {
		return w.stop(Encrypted)
	}
	return w.stop(NotIP)
}

const vlanTag = 4

func (w *walk) vlan(data []byte) gopacket.LayerType {
	if !w.need(data, vlanTag) {
		return done
	}
	if w.vlanHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	if id := w.vlanHdr.VLANIdentifier; id != 0 { // 802.1Q: 0 is a priority tag and names no VLAN
		w.path = pathAdd(w.path, pathVLAN, uint32(id))
	}
	w.advance(data, vlanTag)
	return w.etherType(uint16(w.vlanHdr.Type))
}

// Service access points of 802.2.
const (
	sapIP   = 0x06
	sapSNAP = 0xaa
)

func (w *walk) llc(data []byte) gopacket.LayerType {
	if !w.need(data, 3) {
		return done
	}
	if data[2]&3 != 3 && !w.need(data, 4) { // only unnumbered frames have a control field of one byte
		return done
	}
	if w.llcHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	w.advance(data, len(w.llcHdr.Contents))
	switch {
	case w.llcHdr.DSAP == sapSNAP && w.llcHdr.SSAP == sapSNAP:
		return layers.LayerTypeSNAP
	case w.llcHdr.DSAP == sapIP && w.llcHdr.SSAP == sapIP:
		return layers.LayerTypeIPv4
	}
	return w.stop(NotIP)
}

const snapHeader = 5

func (w *walk) snap(data []byte) gopacket.LayerType {
	if !w.need(data, snapHeader) {
		return done
	}
	if w.snapHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	w.advance(data, snapHeader)
	switch oui := w.snapHdr.OrganizationalCode; string(oui) {
	case "\x00\x00\x00", "\x00\x00\xf8": // RFC 1042, and 802.1H bridge tunnels: an EtherType follows
	default:
		return w.stop(NotIP)
	}
	if next := etherStep(uint16(w.snapHdr.Type)); next != done {
		return next
	}
	return w.stop(NotIP)
}

const loopHeader = 4

// loopback reads the address family of NULL and LOOP, in either byte order.
func (w *walk) loopback(data []byte) gopacket.LayerType {
	if !w.need(data, loopHeader) {
		return done
	}
	if w.loopHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(NotIP) // a family above 255
	}
	w.advance(data, loopHeader)
	switch w.loopHdr.Family {
	case layers.ProtocolFamilyIPv4:
		return layers.LayerTypeIPv4
	case layers.ProtocolFamilyIPv6BSD, layers.ProtocolFamilyIPv6FreeBSD,
		layers.ProtocolFamilyIPv6Darwin, layers.ProtocolFamilyIPv6Linux:
		return layers.LayerTypeIPv6
	}
	return w.stop(NotIP)
}

// Linux cooked headers, LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2.
const (
	sllHardware  = 2
	sllProtocol  = 14
	sllHeader    = 16
	sll2Hardware = 8
	sll2Protocol = 0
	sll2Header   = 20

	hardwareNetlink = 824 // ARPHRD_NETLINK: the protocol is a netlink family
	cookedLLC       = 4   // the protocol number for an 802.2 LLC frame
)

func (w *walk) cooked(data []byte) gopacket.LayerType {
	if !w.need(data, sllHeader) {
		return done
	}
	w.note(HeaderSLL, data, sllHeader, w.wire)
	w.pass(data, sllHeader)
	return w.cookedProtocol(be16(data[sllHardware:]), be16(data[sllProtocol:]))
}

func (w *walk) cooked2(data []byte) gopacket.LayerType {
	if !w.need(data, sll2Header) {
		return done
	}
	w.note(HeaderSLL2, data, sll2Header, w.wire)
	w.pass(data, sll2Header)
	return w.cookedProtocol(be16(data[sll2Hardware:]), be16(data[sll2Protocol:]))
}

func (w *walk) cookedProtocol(hardware, protocol uint16) gopacket.LayerType {
	if hardware == hardwareNetlink {
		return w.stop(NotIP)
	}
	if protocol == cookedLLC {
		return layers.LayerTypeLLC
	}
	if next := etherStep(protocol); next != done {
		return next
	}
	return w.stop(NotIP)
}

// rawIP reads the version that tells IPv4 from IPv6.
func (w *walk) rawIP(data []byte) gopacket.LayerType {
	if !w.need(data, 1) {
		return done
	}
	w.advance(data, 0)
	switch data[0] >> 4 {
	case 4:
		return layers.LayerTypeIPv4
	case 6:
		return layers.LayerTypeIPv6
	}
	return w.stop(NotIP)
}

// Of the header of the BSDs' pf log, only the first byte matters: its length,
// without the bytes that fill it up to a multiple of four.
const pflogLeast = 45 // of the oldest systems that write link type 117

func (w *walk) pflog(data []byte) gopacket.LayerType {
	if !w.need(data, 1) {
		return done
	}
	n := int(data[0])
	if n < pflogLeast {
		return w.stop(Malformed)
	}
	if n = (n + 3) &^ 3; !w.need(data, n) {
		return done
	}
	w.note(HeaderPFLOG, data, n, w.wire)
	w.pass(data, n)
	return stepRawIP
}

// The header of Linux's netfilter log, and the attributes behind it: length
// and type in the byte order of the machine, then the value, filled up to a
// multiple of four. The lengths are those of the attribute without the filling.
const (
	nflogHeader    = 4
	nflogAttribute = 4
	nflogPayload   = 9    // NFULA_PAYLOAD, whose value is the packet
	nflogFlags     = 0xc0 // of the high byte of a type: that there are attributes in its value, as of a VLAN, and their byte order
)

func (w *walk) nflog(data []byte) gopacket.LayerType {
	if !w.need(data, nflogHeader) {
		return done
	}
	for at := nflogHeader; ; {
		if !w.need(data, at+nflogAttribute) {
			return done
		}
		b := data[at:]
		n, kind := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if b[2]&^nflogFlags == 0 { // no type has the number 0, and none one above 63
			n, kind = int(be16(b)), be16(b[2:])
		}
		switch {
		case n < nflogAttribute:
			return w.stop(Malformed)
		case kind == nflogPayload:
			w.note(HeaderNFLOG, data, at+nflogAttribute, w.wire)
			w.pass(data, at+nflogAttribute)
			w.limit(n - nflogAttribute)
			return stepRawIP
		}
		at += (n + 3) &^ 3
	}
}

// The header of macOS's pktap: its length, what it is about, and the link
// type of what follows, in the byte order of the machine, little endian.
const (
	pktapType  = 4
	pktapLink  = 8
	pktapLeast = 12
	pktapFrame = 1 // the type of what a packet follows
)

func (w *walk) pktap(data []byte) gopacket.LayerType {
	if !w.need(data, pktapLeast) {
		return done
	}
	n, link := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[pktapLink:])
	if n < pktapLeast || n > math.MaxUint16 {
		return w.stop(Malformed)
	}
	if binary.LittleEndian.Uint32(data[pktapType:]) != pktapFrame {
		return w.stop(NotIP)
	}
	next, ok := firstStep(capture.LinkType(link))
	if link > math.MaxUint16 || !ok {
		return w.stop(UnknownLink)
	}
	if !w.need(data, int(n)) {
		return done
	}
	w.note(HeaderPKTAP, data, int(n), w.wire)
	w.pass(data, int(n))
	return next
}

// PPP protocol numbers.
const (
	pppIPv4   = 0x0021
	pppIPv6   = 0x0057
	pppMPLS   = 0x0281
	pppMPLSUp = 0x0283
)

// ppp reads PPP with or without address and control fields (RFC 1661, RFC
// 1662) and with the protocol field of one or two bytes, and Cisco HDLC
// (RFC 1547 section 4.3.1), which link type 50 may be as well as 104.
func (w *walk) ppp(data []byte) gopacket.LayerType {
	if !w.need(data, 2) {
		return done
	}
	n := 0
	switch {
	case data[0] == 0xff && data[1] == 0x03:
		n = 2
	case (data[0] == 0x0f || data[0] == 0x8f) && data[1] == 0: // Cisco HDLC, unicast and broadcast
		if !w.need(data, 4) {
			return done
		}
		w.advance(data, 4)
		if next := etherStep(be16(data[2:])); next != done {
			return next
		}
		return w.stop(NotIP)
	}
	if !w.need(data, n+1) {
		return done
	}
	protocol := uint16(data[n])
	if protocol&1 == 0 { // RFC 1661 section 2: the last byte of the protocol field is odd, all others are even
		if !w.need(data, n+2) {
			return done
		}
		protocol = be16(data[n:])
		n++
		if protocol&1 == 0 {
			return w.stop(Malformed)
		}
	}
	w.advance(data, n+1)
	switch protocol {
	case pppIPv4:
		return layers.LayerTypeIPv4
	case pppIPv6:
		return layers.LayerTypeIPv6
	case pppMPLS, pppMPLSUp:
		return layers.LayerTypeMPLS
	}
	return w.stop(NotIP)
}

const (
	pppoeCode    = 1
	pppoeSession = 2
	pppoeLength  = 4
	pppoeHeader  = 6
)

func (w *walk) pppoe(data []byte) gopacket.LayerType {
	if !w.need(data, pppoeHeader) {
		return done
	}
	if data[0] != 0x11 { // RFC 2516 section 4: version 1, type 1
		return w.stop(Malformed)
	}
	if data[pppoeCode] != 0 { // discovery
		return w.stop(NotIP)
	}
	w.path = pathAdd(w.path, pathPPPoE, uint32(be16(data[pppoeSession:])))
	w.advance(data, pppoeHeader)
	w.limit(int(be16(data[pppoeLength:])))
	return layers.LayerTypePPP
}
