package packet

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// GRE (RFC 2784, RFC 2890) and the enhanced GRE of PPTP (RFC 2637).
const (
	greHeader = 4 // without optional fields

	greChecksum = 0x80 // of the first byte
	greRouting  = 0x40
	greKey      = 0x20
	greSequence = 0x10
	greAck      = 0x80 // of the second byte, version 1 only
	greVersion  = 0x07
)

func (w *walk) gre(data []byte) gopacket.LayerType {
	if !w.need(data, greHeader) {
		return done
	}
	flags, version := data[0], data[1]&greVersion
	if version > 1 || flags&greRouting != 0 { // source routes: RFC 1701, dropped from the standard
		return w.stop(NotTCP)
	}
	n := greHeader
	for _, field := range [...]bool{
		flags&greChecksum != 0, flags&greKey != 0, flags&greSequence != 0, version == 1 && data[1]&greAck != 0,
	} {
		if field {
			n += 4
		}
	}
	// In version 0 the bit of the acknowledgement number is reserved and to
	// be ignored (RFC 2784 section 2.3), but gopacket reads 4 bytes for it,
	// and panics without them. No packet of use is that short.
	if !w.need(data, n+4) {
		return done
	}
	if w.greHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	w.note(HeaderGRE, data, n, w.wire)
	w.pass(data, n)
	if version == 1 {
		return w.pptp()
	}
	if w.greHdr.KeyPresent {
		w.tunnel(pathGREKey, w.greHdr.Key)
	} else {
		w.tunnel(pathGRE, 0)
	}
	switch t := uint16(w.greHdr.Protocol); t {
	case etherBridge:
		return layers.LayerTypeEthernet
	case etherPPP:
		return layers.LayerTypePPP
	case etherERSPAN:
		return w.erspan()
	case etherERSPAN3:
		return stepERSPANIII
	default:
		if next := etherStep(t); next != done {
			return next
		}
	}
	return w.stop(NotTCP)
}

// pptp follows enhanced GRE. Its key is the length of the payload and a call
// id, which is another one in the other direction.
func (w *walk) pptp() gopacket.LayerType {
	if w.greHdr.Protocol != etherPPP || !w.greHdr.KeyPresent {
		return w.stop(NotTCP)
	}
	w.limit(int(w.greHdr.Key >> 16))
	if w.wire == 0 { // an acknowledgement only
		return w.stop(NotTCP)
	}
	w.tunnel(pathGRE, 1)
	return layers.LayerTypePPP
}

// erspan tells the types of ERSPAN apart that share an EtherType: type I has
// no header and no GRE sequence number, type II has both.
func (w *walk) erspan() gopacket.LayerType {
	if !w.greHdr.SeqPresent {
		return layers.LayerTypeEthernet
	}
	return layers.LayerTypeERSPANII
}

const (
	erspan2Header = 8
	erspan2       = 1 // version field
	erspan3       = 2
)

func (w *walk) erspan2(data []byte) gopacket.LayerType {
	if !w.need(data, erspan2Header) {
		return done
	}
	if w.erspanHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	if w.erspanHdr.Version != erspan2 {
		return w.stop(NotTCP)
	}
	w.path = pathAdd(w.path, pathERSPAN, uint32(w.erspanHdr.SessionID))
	w.advance(data, erspan2Header)
	return layers.LayerTypeEthernet
}

// ERSPAN type III (draft-foschiano-erspan-03 section 4.3).
const (
	erspan3Session = 2
	erspan3Flags   = 10
	erspan3Header  = 12
	erspan3More    = 8 // platform-specific header, there when the last flag is set

	erspan3FrameType = 0x7c00
	erspan3Ethernet  = 0 << 10
	erspan3IP        = 2 << 10
	erspan3HasMore   = 0x0001
)

func (w *walk) erspan3(data []byte) gopacket.LayerType {
	if !w.need(data, erspan3Header) {
		return done
	}
	if data[0]>>4 != erspan3 {
		return w.stop(NotTCP)
	}
	flags := be16(data[erspan3Flags:])
	n := erspan3Header
	if flags&erspan3HasMore != 0 {
		n += erspan3More
	}
	if !w.need(data, n) {
		return done
	}
	w.path = pathAdd(w.path, pathERSPAN, uint32(be16(data[erspan3Session:])&0x03ff))
	w.advance(data, n)
	switch flags & erspan3FrameType {
	case erspan3Ethernet:
		return layers.LayerTypeEthernet
	case erspan3IP:
		return stepRawIP
	}
	return w.stop(NotTCP)
}

const etherIPHeader = 2

func (w *walk) etherIP(data []byte) gopacket.LayerType {
	if !w.need(data, etherIPHeader) {
		return done
	}
	if w.etherIPHdr.DecodeFromBytes(data, w.truncations) != nil || w.etherIPHdr.Version != 3 { // RFC 3378 section 2
		return w.stop(Malformed)
	}
	w.tunnel(pathEtherIP, 0)
	w.advance(data, etherIPHeader)
	return layers.LayerTypeEthernet
}

// UDP ports of tunnels. All but L2TP and ESP send to this port in both
// directions.
const (
	portL2TP     = 1701
	portGTP      = 2152
	portESP      = 4500
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portVXLANOld = 8472 // Linux's default, from before the assignment
	portTZSP     = 37008
)

// udpTunnel returns the step for a datagram's ports, or done.
func udpTunnel(src, dst uint16) gopacket.LayerType {
	switch dst {
	case portVXLAN, portVXLANOld:
		return layers.LayerTypeVXLAN
	case portVXLANGPE:
		return stepVXLANGPE
	case portGeneve:
		return layers.LayerTypeGeneve
	case portGTP:
		return layers.LayerTypeGTPv1U
	case portL2TP:
		return stepL2TP
	case portTZSP:
		return stepTZSP
	}
	switch {
	case src == portL2TP: // RFC 2661 section 8.1: the answer may come to any port
		return stepL2TP
	case src == portESP || dst == portESP: // RFC 3948 section 2: behind NAT the other one is any
		return stepESPinUDP
	}
	return done
}

const udpHeader = 8

func (w *walk) udp(data []byte) gopacket.LayerType {
	if !w.need(data, udpHeader) {
		return done
	}
	err := w.udpHdr.DecodeFromBytes(data, w.truncations)
	next := udpTunnel(uint16(w.udpHdr.SrcPort), uint16(w.udpHdr.DstPort))
	w.note(HeaderUDP, data, udpHeader, udpWire(w.wire, int(w.udpHdr.Length)))
	if next == done {
		return w.stop(NotTCP)
	}
	if err != nil { // a length below 8; the ports are read before it
		return w.stop(Malformed)
	}
	w.pass(data, udpHeader)
	if length := int(w.udpHdr.Length); length > 0 {
		w.limit(length - udpHeader)
	}
	if w.wire == 0 {
		return w.stop(NotTCP)
	}
	return next
}

// udpWire returns the length of a datagram, of which its own field may
// say that it is shorter than what IP carries.
func udpWire(wire, length int) int {
	if length >= udpHeader {
		return min(wire, length)
	}
	return wire
}

const vxlanHeader = 8

func (w *walk) vxlan(data []byte) gopacket.LayerType {
	if !w.need(data, vxlanHeader) {
		return done
	}
	if w.vxlanHdr.DecodeFromBytes(data, w.truncations) != nil {
		return w.stop(Malformed)
	}
	if !w.vxlanHdr.ValidIDFlag { // something else on this port
		return w.stop(NotTCP)
	}
	w.tunnel(pathVXLAN, w.vxlanHdr.VNI)
	w.advance(data, vxlanHeader)
	return layers.LayerTypeEthernet
}

// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe section 3).
const (
	gpeNext   = 3
	gpeVNI    = 4
	gpeHeader = 8

	gpeVersion  = 0x30 // bits of the first byte
	gpeValidVNI = 0x08
	gpeHasNext  = 0x04 // otherwise it is Ethernet, as in VXLAN
)

func (w *walk) vxlanGPE(data []byte) gopacket.LayerType {
	if !w.need(data, gpeHeader) {
		return done
	}
	next := layers.LayerTypeEthernet
	if data[0]&gpeHasNext != 0 {
		next = done
		if n := int(data[gpeNext]); n < len(gpeSteps) {
			next = gpeSteps[n]
		}
	}
	if data[0]&gpeVersion != 0 || data[0]&gpeValidVNI == 0 || next == done {
		return w.stop(NotTCP)
	}
	w.tunnel(pathVXLANGPE, be32(data[gpeVNI:])>>8)
	w.advance(data, gpeHeader)
	return next
}

// gpeSteps are what follows for each value of the next protocol.
var gpeSteps = [...]gopacket.LayerType{
	1: layers.LayerTypeIPv4, 2: layers.LayerTypeIPv6, 3: layers.LayerTypeEthernet, 5: layers.LayerTypeMPLS,
}

// Beside ESP, its port has the key exchange, behind four zero bytes, and
// keepalives of one byte (RFC 3948 section 2).
func (w *walk) espInUDP(data []byte) gopacket.LayerType {
	const marker = 4
	if len(data) < marker || be32(data) == 0 {
		return w.stop(NotTCP)
	}
	return w.stop(Encrypted)
}

// GENEVE (RFC 8926 section 3.4).
const (
	geneveProtocol = 2
	geneveVNI      = 4
	geneveHeader   = 8 // without options
)

func (w *walk) geneve(data []byte) gopacket.LayerType {
	if !w.need(data, geneveHeader) {
		return done
	}
	t := be16(data[geneveProtocol:])
	next := etherStep(t)
	if t == etherBridge {
		next = layers.LayerTypeEthernet
	}
	if data[0]>>6 != 0 || next == done {
		return w.stop(NotTCP)
	}
	n := geneveHeader + int(data[0]&0x3f)*4
	if !w.need(data, n) {
		return done
	}
	w.tunnel(pathGeneve, be32(data[geneveVNI:])>>8)
	w.advance(data, n)
	return next
}

// GTP-U (3GPP TS 29.281 section 5.1).
const (
	gtpType   = 1
	gtpLength = 2
	gtpTunnel = 4
	gtpHeader = 8
	gtpFields = 4 // sequence number, N-PDU number and next extension, all there when one of them is

	gtpVersion   = 0xf0 // with the protocol type
	gtpUser      = 0x30 // version 1, GTP
	gtpExtension = 0x04
	gtpAny       = 0x07
	gtpPDU       = 255
)

func (w *walk) gtp(data []byte) gopacket.LayerType {
	if !w.need(data, gtpHeader) {
		return done
	}
	if data[0]&gtpVersion != gtpUser || data[gtpType] != gtpPDU {
		return w.stop(NotTCP)
	}
	flags := data[0]
	w.advance(data, gtpHeader)
	w.limit(int(be16(data[gtpLength:])))
	if flags&gtpAny != 0 {
		data = w.rest
		if !w.need(data, gtpFields) {
			return done
		}
		w.advance(data, gtpFields)
		next := data[gtpFields-1]
		for flags&gtpExtension != 0 && next != 0 {
			data = w.rest
			if !w.need(data, 1) {
				return done
			}
			n := int(data[0]) * 4 // the whole extension; its last byte is the next one's type
			if n == 0 {
				return w.stop(Malformed)
			}
			if !w.need(data, n) {
				return done
			}
			next = data[n-1]
			w.advance(data, n)
		}
	}
	w.tunnel(pathGTP, 0)
	return stepRawIP
}

// L2TP version 2 (RFC 2661 section 3.1).
const (
	l2tpControl  = 0x8000
	l2tpLength   = 0x4000
	l2tpSequence = 0x0800
	l2tpOffset   = 0x0200
	l2tpVersion  = 0x000f
)

func (w *walk) l2tp(data []byte) gopacket.LayerType {
	if !w.need(data, 2) {
		return done
	}
	flags := be16(data)
	if flags&l2tpVersion != 2 || flags&l2tpControl != 0 {
		return w.stop(NotTCP)
	}
	n := 6 // flags, tunnel id, session id
	if flags&l2tpLength != 0 {
		n += 2
	}
	if flags&l2tpSequence != 0 {
		n += 4
	}
	if flags&l2tpOffset != 0 {
		if !w.need(data, n+2) {
			return done
		}
		n += 2 + int(be16(data[n:]))
	}
	if !w.need(data, n) {
		return done
	}
	length := w.wire
	if flags&l2tpLength != 0 {
		length = int(be16(data[2:]))
	}
	if length < n {
		return w.stop(Malformed)
	}
	w.tunnel(pathL2TP, 0)
	w.advance(data, n)
	w.limit(length - n)
	return layers.LayerTypePPP
}
