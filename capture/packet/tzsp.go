package packet

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// TaZmen Sniffer Protocol, in which routers and access points send the frames
// that they see to whoever captures.
const (
	tzspType     = 1
	tzspProtocol = 2
	tzspHeader   = 4 // without tagged fields

	tzspVersion  = 1
	tzspReceived = 0 // the types that carry a frame
	tzspTransmit = 1

	tzspEthernet = 1
	tzsp80211    = 18

	tzspPadding = 0 // the tags that have no length
	tzspEnd     = 1
)

func (w *walk) tzsp(data []byte) gopacket.LayerType {
	if !w.need(data, tzspHeader) {
		return done
	}
	if data[0] != tzspVersion || data[tzspType] != tzspReceived && data[tzspType] != tzspTransmit {
		return w.stop(NotTCP) // a keepalive, or something else on this port
	}
	n := tzspHeader
	for end := false; !end; {
		if !w.need(data, n+1) {
			return done
		}
		switch tag := data[n]; tag {
		case tzspPadding, tzspEnd:
			n++
			end = tag == tzspEnd
		default:
			if !w.need(data, n+2) {
				return done
			}
			n += 2 + int(data[n+1])
		}
	}
	var next gopacket.LayerType
	switch be16(data[tzspProtocol:]) {
	case tzspEthernet:
		next = layers.LayerTypeEthernet
	case tzsp80211:
		next = layers.LayerTypeDot11
	default:
		return w.stop(NotTCP)
	}
	w.tunnel(pathTZSP, 0)
	w.note(HeaderTZSP, data, n, w.wire)
	w.pass(data, n)
	return next
}
