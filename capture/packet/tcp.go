package packet

import "github.com/google/gopacket"

// The TCP header (RFC 9293 section 3.1).
const (
	tcpSrc      = 0
	tcpDst      = 2
	tcpSeq      = 4
	tcpAck      = 8
	tcpOffset   = 12
	tcpFlags    = 13
	tcpWindow   = 14
	tcpChecksum = 16
	tcpHeader   = 20 // without options
)

func (w *walk) tcp(data []byte) gopacket.LayerType {
	if !w.need(data, tcpHeader) {
		return done
	}
	header := int(data[tcpOffset]>>4) * 4
	if header < tcpHeader || header > w.wire {
		return w.stop(Malformed)
	}
	w.note(HeaderTCP, data, header, w.wire)
	// With the lengths checked, what can fail are the options, malformed or
	// cut off, and the fields are set before they are looked at.
	_ = w.tcpHdr.DecodeFromBytes(data, w.truncations)
	h := &w.tcpHdr
	w.seg = Segment{
		Src:     Endpoint{w.src, uint16(h.SrcPort)},
		Dst:     Endpoint{w.dst, uint16(h.DstPort)},
		Path:    w.path,
		Seq:     h.Seq,
		Ack:     h.Ack,
		Window:  h.Window,
		Payload: data[min(header, len(data)):],
		Length:  w.wire - header,
	}
	for _, b := range [...]struct {
		set  bool
		flag Flags
	}{{h.FIN, FIN}, {h.SYN, SYN}, {h.RST, RST}, {h.PSH, PSH}, {h.ACK, ACK}, {h.URG, URG}} {
		if b.set {
			w.seg.Flags |= b.flag
		}
	}
	if len(data) == w.wire {
		pseudo := pseudoSum(addrSum(&w.src, &w.dst), w.wire)
		w.seg.BadChecksum = checksumWrong(data, pseudo)
		w.seg.Unfilled = unfilled(data, pseudo)
	}
	return w.stop(IsSegment)
}

// addrSum adds up the addresses of a pseudo header. The prefix that Addr puts
// before an IPv4 address does not matter: 0xffff is nothing to a sum in ones'
// complement.
func addrSum(src, dst *Addr) uint64 {
	return onesSum(dst[:], onesSum(src[:], 0))
}
