package packet

import (
	"fmt"
	"strings"

	"popscope/capture"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Layer is one header of a frame, in the order in which they stand.
type Layer struct {
	Name   string // in Wireshark's words
	Offset int    // of its first byte in the frame; -1 unknown
	Length int    // of the header; 0 unknown
	Fields []Field
}

// Field is one field of a header, by its name and value for people. Both are
// made of printing ASCII characters.
type Field struct{ Name, Value string }

// Tree reads the headers of a frame for people to look at: as far as Decode
// reads them, and in the same way. It allocates, unlike Decode. What stops it
// is the last layer: a header that contradicts itself or was cut, or a
// fragment, or the TCP header.
func (d *Decoder) Tree(p *capture.Packet) []Layer {
	t := &tree{frame: p.Data, wire: max(p.Orig, len(p.Data))}
	t.frameLayer(p)
	d.w.tree = t
	defer func() { d.w.tree = nil }()
	var s Segment
	var f Fragment
	if v := d.decode(p, &s, &f); v > IsFragment {
		t.layers = append(t.layers, Layer{Name: "Not read further", Offset: -1, Fields: []Field{{"Reason", strings.ReplaceAll(v.String(), "_", " ")}}})
	}
	return t.layers
}

// tree collects the layers of a walk.
type tree struct {
	frame  []byte
	wire   int
	layers []Layer
}

func (t *tree) frameLayer(p *capture.Packet) {
	t.layers = append(t.layers, Layer{Name: "Frame", Length: len(p.Data), Fields: []Field{
		{"Number", fmt.Sprint(p.Num)},
		{"Time", p.Time().Format("2006-01-02 15:04:05.000000000 UTC")},
		{"Length", fmt.Sprintf("%d bytes on the wire, %d captured", t.wire, len(p.Data))},
		{"Link type", p.Link.String()},
	}})
}

// add notes the header that a step has read from data.
func (t *tree) add(w *walk, typ gopacket.LayerType, data []byte) {
	d, ok := describe[typ]
	if !ok {
		return
	}
	failed := w.next == done && w.verdict != IsSegment && w.verdict != IsFragment && w.verdict != NotTCP && w.verdict != NotIP && w.verdict != Encrypted
	l := Layer{Name: d.name, Offset: cap(t.frame) - cap(data), Length: cap(data) - cap(w.rest)}
	if typ == layers.LayerTypeTCP && !failed {
		l.Length = len(tcpHeaderOf(data))
	}
	if l.Offset < 0 || l.Offset > len(t.frame) {
		l.Offset = -1
	}
	if l.Length < 0 || l.Length > len(data) {
		l.Length = 0
	}
	if !failed && d.fields != nil {
		l.Fields = d.fields(w, data)
	}
	t.layers = append(t.layers, l)
}

// describe says how headers are shown. Steps that are not here are no
// headers.
var describe = map[gopacket.LayerType]struct {
	name   string
	fields func(w *walk, data []byte) []Field
}{
	layers.LayerTypeEthernet:        {"Ethernet", ethernetFields},
	layers.LayerTypeDot1Q:           {"802.1Q Virtual LAN", vlanFields},
	layers.LayerTypeLLC:             {"Logical-Link Control", nil},
	layers.LayerTypeSNAP:            {"SNAP", nil},
	layers.LayerTypeLoopback:        {"Null/Loopback", nil},
	layers.LayerTypeLinuxSLL:        {"Linux cooked capture v1", nil},
	stepCooked2:                     {"Linux cooked capture v2", nil},
	stepPFLOG:                       {"PF log", nil},
	stepNFLOG:                       {"Netfilter log", nil},
	stepPKTAP:                       {"PKTAP", nil},
	layers.LayerTypePPP:             {"Point-to-Point Protocol", nil},
	layers.LayerTypePPPoE:           {"PPP-over-Ethernet Session", pppoeFields},
	layers.LayerTypeMPLS:            {"MultiProtocol Label Switching", mplsFields},
	stepControlWord:                 {"PW Ethernet Control Word", nil},
	layers.LayerTypeRadioTap:        {"Radiotap Header", nil},
	layers.LayerTypeDot11:           {"IEEE 802.11", nil},
	layers.LayerTypeIPv4:            {"Internet Protocol Version 4", ipv4Fields},
	layers.LayerTypeIPv6:            {"Internet Protocol Version 6", ipv6Fields},
	layers.LayerTypeIPv6HopByHop:    {"IPv6 Hop-by-Hop Options", nil},
	layers.LayerTypeIPv6Routing:     {"IPv6 Routing Header", nil},
	layers.LayerTypeIPv6Fragment:    {"IPv6 Fragment Header", fragment6Fields},
	layers.LayerTypeIPv6Destination: {"IPv6 Destination Options", nil},
	layers.LayerTypeIPSecAH:         {"Authentication Header", nil},
	layers.LayerTypeGRE:             {"Generic Routing Encapsulation", greFields},
	layers.LayerTypeERSPANII:        {"Encapsulated Remote Switch Packet ANalysis II", erspan2Fields},
	stepERSPANIII:                   {"Encapsulated Remote Switch Packet ANalysis III", erspan3Fields},
	layers.LayerTypeEtherIP:         {"EtherIP", nil},
	layers.LayerTypeUDP:             {"User Datagram Protocol", udpFields},
	layers.LayerTypeVXLAN:           {"Virtual eXtensible Local Area Network", vxlanFields},
	stepVXLANGPE:                    {"Virtual eXtensible Local Area Network (Generic Protocol Extension)", gpeFields},
	layers.LayerTypeGeneve:          {"Generic Network Virtualization Encapsulation", geneveFields},
	layers.LayerTypeGTPv1U:          {"GPRS Tunneling Protocol", gtpuFields},
	stepL2TP:                        {"Layer 2 Tunneling Protocol", nil},
	stepESPinUDP:                    {"UDP Encapsulation of IPsec Packets", nil},
	stepTZSP:                        {"TZSP", nil},
	layers.LayerTypeTCP:             {"Transmission Control Protocol", tcpFields},
}

func field(name, format string, args ...any) Field { return Field{name, fmt.Sprintf(format, args...)} }

func ethernetFields(w *walk, _ []byte) []Field {
	h := &w.etherHdr
	return []Field{
		{"Destination", h.DstMAC.String()}, {"Source", h.SrcMAC.String()}, field("Type", "0x%04x", uint16(h.EthernetType)),
	}
}

func vlanFields(w *walk, _ []byte) []Field {
	h := &w.vlanHdr
	return []Field{
		field("Priority", "%d", h.Priority), field("Drop eligible", "%v", h.DropEligible), field("ID", "%d", h.VLANIdentifier),
		field("Type", "0x%04x", uint16(h.Type)),
	}
}

// mplsFields shows the bottom label, which decides what follows.
func mplsFields(_ *walk, data []byte) []Field {
	v := be32(data)
	return []Field{
		field("Label", "%d", v>>12), field("Traffic class", "%d", v>>9&7), field("Bottom of stack", "%v", v>>8&1 == 1), field("TTL", "%d", v&0xff),
	}
}

func ipv4Fields(w *walk, _ []byte) []Field {
	h := &w.ipv4Hdr
	var flags []string
	if h.Flags&layers.IPv4EvilBit != 0 {
		flags = append(flags, "reserved bit")
	}
	if h.Flags&layers.IPv4DontFragment != 0 {
		flags = append(flags, "don't fragment")
	}
	if h.Flags&layers.IPv4MoreFragments != 0 {
		flags = append(flags, "more fragments")
	}
	out := []Field{
		field("Header length", "%d bytes", int(h.IHL)*4),
		field("DSCP", "%d", h.TOS>>2), field("ECN", "%d", h.TOS&3),
		field("Total length", "%d", h.Length),
		field("Identification", "0x%04x (%d)", h.Id, h.Id),
		{"Flags", orNone(flags)},
		field("Fragment offset", "%d", int(h.FragOffset)*8),
		field("Time to live", "%d", h.TTL),
		field("Protocol", "%d%s", uint8(h.Protocol), protocolName(uint8(h.Protocol))),
		field("Header checksum", "0x%04x", h.Checksum),
		{"Source address", w.src.Netip().String()}, {"Destination address", w.dst.Netip().String()},
	}
	if n := int(h.IHL)*4 - ipv4Header; n > 0 {
		out = append(out, field("Options", "%d bytes", n))
	}
	return out
}

// protocolName names the IP protocols that are read.
func protocolName(p uint8) string {
	name, ok := map[uint8]string{
		protoICMP: "ICMP", protoIPv4: "IPv4", protoTCP: "TCP", protoUDP: "UDP", protoIPv6: "IPv6", protoGRE: "GRE", protoAH: "AH",
		protoICMPv6: "ICMPv6", protoHopByHop: "hop-by-hop options", protoRouting: "routing", protoFragment: "fragment",
		protoDestination: "destination options", protoMPLS: "MPLS", protoEtherIP: "EtherIP",
	}[p]
	if !ok {
		return ""
	}
	return " (" + name + ")"
}

func ipv6Fields(w *walk, data []byte) []Field {
	v := be32(data)
	return []Field{
		field("Traffic class", "0x%02x", v>>20&0xff), field("Flow label", "0x%05x", v&0xfffff),
		field("Payload length", "%d", be16(data[ipv6Length:])),
		field("Next header", "%d%s", data[ipv6Next], protocolName(data[ipv6Next])),
		field("Hop limit", "%d", data[ipv6Next+1]),
		{"Source address", w.src.Netip().String()}, {"Destination address", w.dst.Netip().String()},
	}
}

func fragment6Fields(_ *walk, data []byte) []Field {
	return []Field{
		field("Next header", "%d%s", data[0], protocolName(data[0])), field("Offset", "%d", be16(data[2:])&^7),
		field("More fragments", "%v", data[3]&1 == 1), field("Identification", "0x%08x", be32(data[4:])),
	}
}

func greFields(w *walk, _ []byte) []Field {
	h := &w.greHdr
	out := []Field{field("Protocol type", "0x%04x", uint16(h.Protocol)), field("Version", "%d", h.Version)}
	if h.KeyPresent {
		out = append(out, field("Key", "0x%08x", h.Key))
	}
	if h.SeqPresent {
		out = append(out, field("Sequence number", "%d", h.Seq))
	}
	return out
}

func udpFields(_ *walk, data []byte) []Field {
	return []Field{
		field("Source port", "%d", be16(data)), field("Destination port", "%d", be16(data[2:])),
		field("Length", "%d", be16(data[4:])), field("Checksum", "0x%04x", be16(data[6:])),
	}
}

func vxlanFields(w *walk, _ []byte) []Field { return []Field{field("VNI", "%d", w.vxlanHdr.VNI)} }

func gpeFields(_ *walk, data []byte) []Field {
	return []Field{field("VNI", "%d", be32(data[gpeVNI:])>>8)}
}

func geneveFields(_ *walk, data []byte) []Field {
	return []Field{field("Protocol type", "0x%04x", be16(data[geneveProtocol:])), field("VNI", "%d", be32(data[geneveVNI:])>>8)}
}

func gtpuFields(_ *walk, data []byte) []Field {
	return []Field{field("Message type", "%d", data[gtpType]), field("TEID", "0x%08x", be32(data[gtpTunnel:]))}
}

func pppoeFields(_ *walk, data []byte) []Field {
	return []Field{field("Session ID", "0x%04x", be16(data[pppoeSession:])), field("Payload length", "%d", be16(data[pppoeLength:]))}
}

func erspan2Fields(w *walk, _ []byte) []Field {
	return []Field{field("VLAN", "%d", w.erspanHdr.VLANIdentifier), field("Session ID", "%d", w.erspanHdr.SessionID)}
}

func erspan3Fields(_ *walk, data []byte) []Field {
	return []Field{field("VLAN", "%d", be16(data)&0x0fff), field("Session ID", "%d", be16(data[erspan3Session:])&0x03ff)}
}

func tcpFields(w *walk, data []byte) []Field {
	s := &w.seg
	out := []Field{
		field("Source port", "%d", s.Src.Port), field("Destination port", "%d", s.Dst.Port),
		field("Sequence number (raw)", "%d", s.Seq), field("Acknowledgment number (raw)", "%d", s.Ack),
		field("Header length", "%d bytes", int(data[tcpOffset]>>4)*4),
		{"Flags", tcpFlagText(data)},
		field("Window", "%d", s.Window),
		field("Checksum", "0x%04x%s", be16(data[16:]), checksumWord(w, data)),
		field("Urgent pointer", "%d", be16(data[18:])),
	}
	out = append(out, tcpOptionFields(tcpHeaderOf(data)[tcpHeader:])...)
	return append(out, field("Payload", "%d bytes", s.Length))
}

// tcpHeaderOf returns the header of a segment with its options, as far as it
// was captured.
func tcpHeaderOf(data []byte) []byte { return data[:min(int(data[tcpOffset]>>4)*4, len(data))] }

func checksumWord(w *walk, data []byte) string {
	switch {
	case len(data) != w.wire:
		return " (not checked: the frame was cut)"
	case w.seg.BadChecksum && w.seg.Unfilled:
		return " (left to the network card)"
	case w.seg.BadChecksum:
		return " (wrong)"
	}
	return " (correct)"
}

// tcpFlagText writes all control bits, also those that reassembly does not
// look at (RFC 9293 section 3.1, RFC 3168, RFC 9768).
func tcpFlagText(data []byte) string {
	bits := uint16(data[tcpOffset]&1)<<8 | uint16(data[tcpFlags])
	var names []string
	for i, n := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"} {
		if bits>>i&1 != 0 {
			names = append(names, n)
		}
	}
	return fmt.Sprintf("0x%03x (%s)", bits, orNone(names))
}

// The kinds of TCP options that are taken apart (RFC 9293 section 3.1, RFC
// 7323, RFC 2018).
const (
	optionEnd       = 0
	optionNOP       = 1
	optionMSS       = 2
	optionWindow    = 3
	optionSACKOK    = 4
	optionSACK      = 5
	optionTimestamp = 8
)

// tcpOptionFields takes options apart, up to one that contradicts itself.
func tcpOptionFields(b []byte) []Field {
	var out []Field
	for len(b) > 0 && b[0] != optionEnd {
		if b[0] == optionNOP {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return append(out, field("Option", "malformed, kind %d", b[0]))
		}
		kind, body := b[0], b[2:b[1]]
		b = b[b[1]:]
		switch {
		case kind == optionMSS && len(body) == 2:
			out = append(out, field("Option: maximum segment size", "%d", be16(body)))
		case kind == optionWindow && len(body) == 1:
			out = append(out, field("Option: window scale", "%d (multiply by %d)", body[0], 1<<min(body[0], 14)))
		case kind == optionSACKOK && len(body) == 0:
			out = append(out, Field{"Option: SACK", "permitted"})
		case kind == optionSACK && len(body)%8 == 0:
			for ; len(body) > 0; body = body[8:] {
				out = append(out, field("Option: SACK block (raw)", "%d-%d", be32(body), be32(body[4:])))
			}
		case kind == optionTimestamp && len(body) == 8:
			out = append(out, field("Option: timestamps", "value %d, echo reply %d", be32(body), be32(body[4:])))
		default:
			out = append(out, field("Option", "kind %d, %d bytes", kind, len(body)))
		}
	}
	return out
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
