package capturetest

// GREOptions vary a GRE header (RFC 2784, RFC 2890).
type GREOptions struct {
	Checksum bool
	Key      uint32 // 0 means none
	Sequence bool
	Proto    uint16 // instead of the EtherType of what is inside; 0 means that one
}

// GRE puts a GRE header around a packet.
func GRE(o GREOptions) Layer {
	return header(nextGRE, func(f *Frame) []byte {
		h := make([]byte, 4, 16)
		proto := f.Next.EtherType
		if o.Proto != 0 {
			proto = o.Proto
		}
		be.PutUint16(h[2:], proto)
		if o.Checksum {
			h[0] |= 0x80
			h = append(h, 0, 0, 0, 0)
		}
		if o.Key != 0 {
			h[0] |= 0x20
			h = be.AppendUint32(h, o.Key)
		}
		if o.Sequence {
			h[0] |= 0x10
			h = be.AppendUint32(h, uint32(f.ID))
		}
		if o.Checksum {
			be.PutUint16(h[4:], fold(sum(sum(0, h), f.Data)))
		}
		return h
	})
}

// The EtherTypes that GRE has for ERSPAN.
const (
	protoERSPAN2 = 0x88be // types I and II
	protoERSPAN3 = 0x22eb
)

// ERSPAN2 puts the header of ERSPAN type II around an Ethernet frame; it
// goes into GRE with a sequence number.
func ERSPAN2() Layer {
	return header(nextNothing, func(*Frame) []byte {
		return []byte{0x10, 0x07, 0x00, 0x2a, 0, 0, 0, 1} // version 1, VLAN 7, session 42, index 1
	})
}

// ERSPAN3 puts the header of ERSPAN type III around an Ethernet frame, and
// if sub the platform-specific subheader too.
func ERSPAN3(sub bool) Layer {
	return header(nextNothing, func(f *Frame) []byte {
		h := []byte{0x20, 0x07, 0x00, 0x2a}  // version 2, VLAN 7, session 42
		h = be.AppendUint32(h, uint32(f.ID)) // timestamp
		h = append(h, 0, 0, 0, 0)            // no security group; an Ethernet frame
		if sub {
			h[11] |= 1
			h = append(h, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		return h
	})
}

// VXLAN puts a VXLAN header (RFC 7348 section 5) around an Ethernet frame;
// it goes into UDP.
func VXLAN(vni uint32) Layer {
	return header(nextNothing, func(*Frame) []byte {
		return be.AppendUint32([]byte{0x08, 0, 0, 0}, vni<<8)
	})
}

// VXLANGPE is VXLAN with a next protocol (draft-ietf-nvo3-vxlan-gpe section
// 3), which is 3 for Ethernet; it goes into UDP.
func VXLANGPE(vni uint32, next byte) Layer {
	return header(nextNothing, func(*Frame) []byte {
		return be.AppendUint32([]byte{0x0c, 0, 0, next}, vni<<8)
	})
}

// TZSP puts a TZSP header with two tagged fields around an Ethernet frame; it
// goes into UDP.
func TZSP() Layer {
	return header(nextNothing, func(*Frame) []byte {
		const signal, sensor = 0x0a, 0x3c
		return []byte{1, 0, 0, 1, signal, 1, 0xd3, 0, sensor, 6, 0x02, 0x00, 0x5e, 0x10, 0x00, 0x09, 1}
	})
}

// Geneve puts a Geneve header (RFC 8926 section 3.4) around a packet,
// with options of a multiple of four bytes; it goes into UDP.
func Geneve(vni uint32, options []byte) Layer {
	return header(nextNothing, func(f *Frame) []byte {
		h := []byte{byte(len(options) / 4), 0}
		h = be.AppendUint16(h, f.Next.EtherType)
		h = be.AppendUint32(h, vni<<8)
		return append(h, options...)
	})
}

// MPLS puts a stack of labels around a packet (RFC 3032 section 2.1), the
// first one outermost.
func MPLS(labels ...uint32) Layer {
	return header(nextMPLS, func(f *Frame) []byte {
		var h []byte
		for i, label := range labels {
			entry := label<<12 | uint32(hops(f))
			if i == len(labels)-1 {
				entry |= 1 << 8 // bottom of stack
			}
			h = be.AppendUint32(h, entry)
		}
		return h
	})
}
