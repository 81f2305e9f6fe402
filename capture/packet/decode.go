package packet

import (
	"encoding/binary"
	"errors"

	"popscope/capture"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// maxDepth bounds the headers around a segment. A provider's network reaches
// about 12 (VLANs, labels, a tunnel and what is in it).
const maxDepth = 32

// Decoder finds TCP segments in frames. It keeps nothing from one frame to
// the next but memory for reuse. It is not safe for concurrent use.
type Decoder struct {
	// LeaveChecksums leaves the checksums of segments to Checksum, and their
	// payloads to Segment.Bad, so that they cost nothing where nobody asks:
	// BadChecksum and Unfilled may then not be set.
	LeaveChecksums bool
	left           left // by Decode

	parser *gopacket.DecodingLayerParser
	passed []gopacket.LayerType // the parser wants to note what it passed
	w      walk
}

// NewDecoder returns a Decoder for all link types.
func NewDecoder() *Decoder {
	d := &Decoder{passed: make([]gopacket.LayerType, 0, maxDepth+2)}
	d.w.truncations = gopacket.NilDecodeFeedback
	d.parser = gopacket.NewDecodingLayerParser(stepEntry)
	d.parser.IgnoreUnsupported = true // the error would allocate, and no step names a layer that is not here
	list := gopacket.DecodingLayerContainer(gopacket.DecodingLayerSparse(nil))
	list = list.Put(entry{&d.w})
	for _, s := range [...]struct {
		typ  gopacket.LayerType
		read func(*walk, []byte) gopacket.LayerType
	}{
		{layers.LayerTypeEthernet, (*walk).ethernet},
		{layers.LayerTypeDot1Q, (*walk).vlan},
		{layers.LayerTypeLLC, (*walk).llc},
		{layers.LayerTypeSNAP, (*walk).snap},
		{layers.LayerTypeLoopback, (*walk).loopback},
		{layers.LayerTypeLinuxSLL, (*walk).cooked},
		{stepCooked2, (*walk).cooked2},
		{layers.LayerTypePPP, (*walk).ppp},
		{layers.LayerTypePPPoE, (*walk).pppoe},
		{layers.LayerTypeMPLS, (*walk).mpls},
		{stepControlWord, (*walk).controlWord},
		{layers.LayerTypeRadioTap, (*walk).radiotap},
		{layers.LayerTypeDot11, (*walk).dot11},
		{stepAMSDU, (*walk).amsdu},
		{stepRawIP, (*walk).rawIP},
		{stepPFLOG, (*walk).pflog},
		{stepNFLOG, (*walk).nflog},
		{stepPKTAP, (*walk).pktap},
		{layers.LayerTypeIPv4, (*walk).ipv4},
		{layers.LayerTypeIPv6, (*walk).ipv6},
		{layers.LayerTypeIPv6HopByHop, (*walk).hopByHop},
		{layers.LayerTypeIPv6Routing, (*walk).routing},
		{layers.LayerTypeIPv6Fragment, (*walk).fragment6},
		{layers.LayerTypeIPv6Destination, (*walk).extension6},
		{layers.LayerTypeIPSecAH, (*walk).authentication},
		{layers.LayerTypeGRE, (*walk).gre},
		{layers.LayerTypeERSPANII, (*walk).erspan2},
		{stepERSPANIII, (*walk).erspan3},
		{layers.LayerTypeEtherIP, (*walk).etherIP},
		{layers.LayerTypeUDP, (*walk).udp},
		{layers.LayerTypeVXLAN, (*walk).vxlan},
		{stepVXLANGPE, (*walk).vxlanGPE},
		{layers.LayerTypeGeneve, (*walk).geneve},
		{layers.LayerTypeGTPv1U, (*walk).gtp},
		{stepL2TP, (*walk).l2tp},
		{stepESPinUDP, (*walk).espInUDP},
		{stepTZSP, (*walk).tzsp},
		{layers.LayerTypeTCP, (*walk).tcp},
	} {
		list = list.Put(&step{&d.w, s.typ, s.read})
	}
	d.parser.SetDecodingLayerContainer(list)
	return d
}

// Decode says what p holds. It fills s iff it returns IsSegment, and f iff it
// returns IsFragment; the payloads borrow from p.Data. Any bytes are welcome.
func (d *Decoder) Decode(p *capture.Packet, s *Segment, f *Fragment) Verdict {
	if v, ok := d.peek(p, s); ok {
		return v
	}
	return d.decode(p, s, f)
}

// Checksum does for the segment that Decode has just filled in what
// LeaveChecksums put off, up to the payload. Without it, Segment.Bad finds
// nothing wrong.
func (d *Decoder) Checksum(s *Segment) {
	if b := d.left.segment; b != nil {
		pseudo := pseudoSum(d.left.addrs, len(b))
		s.Unfilled = unfilled(b, pseudo)
		s.rest = onesHalf(onesSum(b[:len(b)-len(s.Payload)], pseudo))
	}
}

// left is what is needed for a checksum that was left to Decoder.Checksum.
type left struct {
	segment []byte // nil if there is none
	addrs   uint64 // sum of the addresses
}

// decode is the long way of Decode.
func (d *Decoder) decode(p *capture.Packet, s *Segment, f *Fragment) Verdict {
	d.left.segment = nil
	first, ok := firstStep(p.Link)
	if !ok {
		return UnknownLink
	}
	d.w.begin(p.Data, p.Orig)
	d.w.next = first
	return d.run(p.Data, s, f)
}

// firstStep says what a frame of a link type begins with.
func firstStep(link capture.LinkType) (gopacket.LayerType, bool) {
	switch link {
	case capture.LinkEthernet:
		return layers.LayerTypeEthernet, true
	case capture.LinkNull, capture.LinkLoop:
		return layers.LayerTypeLoopback, true
	case capture.LinkRawOld, capture.LinkRawBSD, capture.LinkRaw:
		return stepRawIP, true
	case capture.LinkIPv4:
		return layers.LayerTypeIPv4, true
	case capture.LinkIPv6:
		return layers.LayerTypeIPv6, true
	case capture.LinkLinuxSLL:
		return layers.LayerTypeLinuxSLL, true
	case capture.LinkLinuxSLL2:
		return stepCooked2, true
	case capture.LinkPPP, capture.LinkPPPHDLC, capture.LinkCiscoHDLC:
		return layers.LayerTypePPP, true
	case capture.LinkPPPoE:
		return layers.LayerTypePPPoE, true
	case capture.LinkIEEE80211:
		return layers.LayerTypeDot11, true
	case capture.LinkRadiotap:
		return layers.LayerTypeRadioTap, true
	case capture.LinkPFLOG:
		return stepPFLOG, true
	case capture.LinkNFLOG:
		return stepNFLOG, true
	case capture.LinkPKTAP:
		return stepPKTAP, true
	}
	return 0, false
}

// Datagram goes on decoding where f was found, with the payload of the whole
// datagram. length is the datagram's payload on the wire, and more than
// len(payload) when bytes at its end are missing. The answer is that of
// Decode, borrowing from payload; inner is filled when the datagram was a
// tunnel with another fragment in it. f and inner may be the same.
func (d *Decoder) Datagram(f *Fragment, payload []byte, length int, s *Segment, inner *Fragment) Verdict {
	w := &d.w
	w.begin(payload, length)
	w.src, w.dst, w.v6 = f.Src, f.Dst, f.V6
	w.path, w.depth = f.Path, f.Depth
	if w.next = w.protocol(f.Proto); w.next == done {
		return w.verdict
	}
	return d.run(payload, s, inner)
}

// run walks through data and hands out what was found.
func (d *Decoder) run(data []byte, s *Segment, f *Fragment) Verdict {
	w := &d.w
	err := d.parser.DecodeLayers(data, &d.passed)
	switch {
	case err == nil: // the bytes ended where a header should begin
		if w.wire > 0 {
			return CutShort
		}
		return Malformed
	case err != errDone: // a panic, which the parser caught
		return Malformed
	}
	switch w.verdict {
	case IsSegment:
		*s = w.seg
	case IsFragment:
		*f = w.frag
	}
	return w.verdict
}

// Steps that gopacket has no layer type for. It leaves the numbers from 1000
// on to programs; they need no registration, as only our own list uses them.
const (
	stepEntry gopacket.LayerType = 1000 + iota
	stepRawIP
	stepCooked2
	stepControlWord
	stepAMSDU
	stepERSPANIII
	stepL2TP
	stepVXLANGPE
	stepESPinUDP
	stepTZSP
	stepPFLOG
	stepNFLOG
	stepPKTAP
)

// done as the next step means that the walk is over, with its verdict set.
const done gopacket.LayerType = 0

// errDone ends the parser's loop.
var errDone = errors.New("packet: decoded")

// walk is the state of the long way through one frame. Each step reads the
// header at the beginning of its data, then calls advance and returns the
// next step, or ends the walk with stop.
//
// wire is never less than the number of captured bytes that remain.
type walk struct {
	next gopacket.LayerType
	rest []byte // captured bytes after the header read last
	wire int    // how many bytes there were on the wire from that point on

	depth    int
	path     uint64
	src, dst Addr // of the innermost IP header
	v6       bool
	offload  bool // the IPv6 payload length was 0
	datapad  bool // the 802.11 header is padded to a multiple of 4

	noting  bool     // headers are to be noted
	headers []Header // valid iff noting
	base    int      // capacity of what begin was given: see note

	tree    *tree // where to note the headers; nil as a rule
	verdict Verdict
	seg     Segment
	frag    Fragment

	// Headers as gopacket reads them.
	etherHdr    layers.Ethernet
	vlanHdr     layers.Dot1Q
	llcHdr      layers.LLC
	snapHdr     layers.SNAP
	loopHdr     layers.Loopback
	ipv4Hdr     layers.IPv4
	extHdr      layers.IPv6ExtensionSkipper
	greHdr      layers.GRE
	erspanHdr   layers.ERSPANII
	etherIPHdr  layers.EtherIP
	udpHdr      layers.UDP
	vxlanHdr    layers.VXLAN
	tcpHdr      layers.TCP
	truncations gopacket.DecodeFeedback // gopacket's notes of bytes that are missing; not needed, as wire tells
}

func (w *walk) begin(data []byte, wire int) {
	w.rest = data
	w.base = cap(data)
	w.wire = max(wire, len(data))
	w.depth, w.path = 0, 0
	w.v6, w.offload, w.datapad = false, false, false
}

// need tells whether the header's n bytes are there; if not, the walk is over.
func (w *walk) need(data []byte, n int) bool {
	if w.wire < n {
		w.verdict = Malformed
		return false
	}
	if len(data) < n {
		w.verdict = CutShort
		return false
	}
	return true
}

// advance leaves the header's n bytes behind.
func (w *walk) advance(data []byte, n int) {
	w.note(HeaderOther, data, n, w.wire)
	w.pass(data, n)
}

// pass is advance for a header that was noted as what it is.
func (w *walk) pass(data []byte, n int) {
	w.rest = data[n:]
	w.wire -= n
}

// limit says that no more than n of the bytes that remain are data.
func (w *walk) limit(n int) {
	w.wire = min(w.wire, n)
	w.rest = w.rest[:min(len(w.rest), w.wire)]
}

// exactly says that the datagram has n more bytes, captured or not.
func (w *walk) exactly(n int) {
	w.wire = n
	w.rest = w.rest[:min(len(w.rest), n)]
}

// stop ends the walk.
func (w *walk) stop(v Verdict) gopacket.LayerType {
	w.verdict = v
	return done
}

// tunnel notes a tunnel between the addresses of the IP header read last.
func (w *walk) tunnel(kind byte, id uint32) {
	w.path = pathAddrs(pathAdd(w.path, kind, id), &w.src, &w.dst)
}

// entry is what the parser begins with; it leads to the first real step.
type entry struct{ w *walk }

func (e entry) DecodeFromBytes([]byte, gopacket.DecodeFeedback) error { return nil }
func (e entry) CanDecode() gopacket.LayerClass                        { return stepEntry }
func (e entry) NextLayerType() gopacket.LayerType                     { return e.w.next }
func (e entry) LayerPayload() []byte                                  { return e.w.rest }

// step makes one of walk's methods a layer for the parser.
type step struct {
	w    *walk
	typ  gopacket.LayerType
	read func(*walk, []byte) gopacket.LayerType
}

func (s *step) DecodeFromBytes(data []byte, _ gopacket.DecodeFeedback) error {
	if s.w.depth >= maxDepth {
		s.w.verdict = TooDeep
		return errDone
	}
	s.w.depth++
	s.w.next = s.read(s.w, data)
	if s.w.tree != nil {
		s.w.tree.add(s.w, s.typ, data)
	}
	if s.w.next == done {
		return errDone
	}
	return nil
}

func (s *step) CanDecode() gopacket.LayerClass    { return s.typ }
func (s *step) NextLayerType() gopacket.LayerType { return s.w.next }
func (s *step) LayerPayload() []byte              { return s.w.rest }

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
