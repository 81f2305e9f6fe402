package packet

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

const mplsEntry = 4

// mpls reads one entry of a label stack (RFC 3032). Labels are one-way and
// do not go into the path.
func (w *walk) mpls(data []byte) gopacket.LayerType {
	if !w.need(data, mplsEntry) {
		return done
	}
	bottom := data[2]&1 != 0
	w.advance(data, mplsEntry)
	if !bottom {
		return layers.LayerTypeMPLS
	}
	return w.underLabels(w.rest)
}

// underLabels guesses what is below a label stack, since nothing says so:
// IP, or Ethernet with or without a control word (RFC 4385, RFC 4448).
//
//	4 or 6 ...         IP, if its lengths agree; else a hardware address
//	anything           Ethernet, if an EtherType that we know stands where it should
//	0 ...              a control word, if the same is true 4 bytes later
func (w *walk) underLabels(data []byte) gopacket.LayerType {
	if !w.need(data, 1) {
		return done
	}
	ip := done
	switch data[0] >> 4 {
	case 4:
		ip = layers.LayerTypeIPv4
		if likelyIPv4(data, w.wire) {
			return ip
		}
	case 6:
		ip = layers.LayerTypeIPv6
		if likelyIPv6(data, w.wire) {
			return ip
		}
	}
	if likelyEthernet(data) { // before the control word: a tag after the addresses would pass for its EtherType
		return layers.LayerTypeEthernet
	}
	if data[0]>>4 == 0 && len(data) >= controlWord && likelyEthernet(data[controlWord:]) {
		return stepControlWord
	}
	if ip != done { // an IP header with something wrong; the next step says what
		return ip
	}
	if len(data) < w.wire && len(data) < controlWord+etherHeader+2 {
		return w.stop(CutShort)
	}
	return w.stop(NotIP)
}

const controlWord = 4

func (w *walk) controlWord(data []byte) gopacket.LayerType {
	if !w.need(data, controlWord) {
		return done
	}
	w.advance(data, controlWord)
	return layers.LayerTypeEthernet
}

func likelyIPv4(data []byte, wire int) bool {
	if len(data) < ipv4Header {
		return false
	}
	header := int(data[0]&15) * 4
	total := int(be16(data[ipv4Total:]))
	return header >= ipv4Header && (total == 0 || header <= total && total <= wire)
}

func likelyIPv6(data []byte, wire int) bool {
	return len(data) >= ipv6Header && ipv6Header+int(be16(data[ipv6Length:])) <= wire
}

func likelyEthernet(data []byte) bool {
	if len(data) < etherHeader {
		return false
	}
	t := be16(data[etherHeader-2:])
	if t < etherLengths {
		return len(data) >= etherHeader+2 && data[etherHeader] == sapSNAP && data[etherHeader+1] == sapSNAP
	}
	return t == etherARP || etherStep(t) != done
}
