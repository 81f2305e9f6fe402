package packet

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// The radiotap header, of which only the frame's flags are wanted.
const (
	radiotapLength  = 2
	radiotapPresent = 4
	radiotapHeader  = 8 // at least

	presentTSFT  = 1 << 0
	presentFlags = 1 << 1
	presentMore  = 1 << 31 // another word of these bits follows

	radiotapFCS     = 0x10 // the frame ends in its check sequence
	radiotapDatapad = 0x20 // the 802.11 header is padded to a multiple of 4
)

func (w *walk) radiotap(data []byte) gopacket.LayerType {
	if !w.need(data, radiotapHeader) {
		return done
	}
	n := int(binary.LittleEndian.Uint16(data[radiotapLength:]))
	if data[0] != 0 || n < radiotapHeader {
		return w.stop(Malformed)
	}
	if !w.need(data, n) {
		return done
	}
	flags, ok := radiotapFlags(data[:n])
	if !ok {
		return w.stop(Malformed)
	}
	w.datapad = flags&radiotapDatapad != 0
	w.advance(data, n)
	if flags&radiotapFCS != 0 {
		w.limit(max(w.wire-4, 0))
	}
	return layers.LayerTypeDot11
}

// radiotapFlags returns the flags field, 0 when there is none.
func radiotapFlags(header []byte) (flags byte, ok bool) {
	present := binary.LittleEndian.Uint32(header[radiotapPresent:])
	at := radiotapPresent + 4
	for more := present; more&presentMore != 0; at += 4 {
		if at+4 > len(header) {
			return 0, false
		}
		more = binary.LittleEndian.Uint32(header[at:])
	}
	if present&presentFlags == 0 {
		return 0, true
	}
	if present&presentTSFT != 0 {
		at = (at+7)&^7 + 8 // fields are aligned to their size
	}
	if at >= len(header) {
		return 0, false
	}
	return header[at], true
}

// The 802.11 MAC header.
const (
	dot11Flags    = 1
	dot11Sequence = 22
	dot11Header   = 24
	dot11Address4 = 6
	dot11QoS      = 2
	dot11HT       = 4

	dot11TypeMask  = 0x0f // type and protocol version
	dot11Data      = 0x08 // type data, version 0
	dot11NoData    = 0x40 // subtype bit: null frames
	dot11HasQoS    = 0x80 // subtype bit
	dot11ToDS      = 0x01
	dot11FromDS    = 0x02
	dot11Protected = 0x40
	dot11Order     = 0x80 // in QoS frames: an HT control field is present

	qosAMSDU = 0x80
)

func (w *walk) dot11(data []byte) gopacket.LayerType {
	if !w.need(data, 2) {
		return done
	}
	control, flags := data[0], data[dot11Flags]
	if control&dot11TypeMask != dot11Data || control&dot11NoData != 0 {
		return w.stop(NotIP)
	}
	if flags&dot11Protected != 0 {
		return w.stop(Encrypted)
	}
	n := dot11Header
	if flags&(dot11ToDS|dot11FromDS) == dot11ToDS|dot11FromDS {
		n += dot11Address4
	}
	qos := n
	if control&dot11HasQoS != 0 {
		n += dot11QoS
		if flags&dot11Order != 0 {
			n += dot11HT
		}
	}
	if w.datapad {
		n = (n + 3) &^ 3
	}
	if !w.need(data, n) {
		return done
	}
	if data[dot11Sequence]&0x0f != 0 { // a later fragment: its LLC header was in the first one
		return w.stop(NotIP)
	}
	w.note(Header80211, data, n, w.wire)
	w.pass(data, n)
	if control&dot11HasQoS != 0 && data[qos]&qosAMSDU != 0 {
		return stepAMSDU
	}
	return layers.LayerTypeLLC
}

// amsdu reads the first subframe of an aggregate: two addresses and a length.
func (w *walk) amsdu(data []byte) gopacket.LayerType {
	if !w.need(data, etherHeader) {
		return done
	}
	w.note(HeaderEthernet, data, etherHeader, w.wire)
	w.pass(data, etherHeader)
	w.limit(int(be16(data[etherHeader-2:])))
	return layers.LayerTypeLLC
}
