package live

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"popscope/capture"
)

// linkOf returns the link type for a kernel's hardware type; ok is false if
// there is none of a fixed form and a cooked header has to stand for it.
func linkOf(hatype uint16) (link capture.LinkType, ok bool) {
	switch hatype {
	case hwEthernet, hwLoopback:
		return capture.LinkEthernet, true
	case hwNone, hwRawIP:
		return capture.LinkRaw, true
	case hwIEEE80211:
		return capture.LinkIEEE80211, true
	case hwRadiotap:
		return capture.LinkRadiotap, true
	}
	return capture.LinkLinuxSLL2, false
}

// baseOf returns how the filter finds the network header on an interface.
func baseOf(hatype uint16) base {
	link, ok := linkOf(hatype)
	return base{link: link, cooked: !ok, loopback: hatype == hwLoopback}
}

// hatypeOf asks the kernel for the hardware type of an interface, through
// any socket.
func hatypeOf(fd int, name string) (uint16, error) {
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, r)
	}
	if err != nil {
		return 0, err
	}
	return r.Uint16(), nil // sa_family of the address
}

// finish makes the packet of a frame: it gives it a link type, and puts
// back what the kernel took out. scratch is used for that and returned.
func (f *frame) finish(p *capture.Packet, scratch []byte) []byte {
	link, ok := linkOf(f.hatype)
	p.Link, p.Data, p.Orig, p.Nanos = link, f.data, f.length, f.nanos
	tagged := f.status&unix.TP_STATUS_VLAN_VALID != 0
	tpid := uint16(unix.ETH_P_8021Q)
	if f.status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = f.tpid
	}
	switch {
	case ok && !tagged:
		return scratch
	case ok && link == capture.LinkEthernet && len(f.data) >= macs:
		scratch = append(scratch[:0], f.data[:macs]...)
		scratch = binary.BigEndian.AppendUint16(scratch, tpid)
		scratch = binary.BigEndian.AppendUint16(scratch, f.tci)
		scratch = append(scratch, f.data[macs:]...)
		p.Orig += vlanTag
	case ok:
		return scratch
	default:
		scratch = f.cook(scratch[:0], tagged, tpid)
		p.Orig += len(scratch) - len(f.data)
	}
	p.Data = scratch
	return scratch
}

const (
	macs    = 12 // two addresses of Ethernet
	vlanTag = 4
)

// cook appends the frame with a cooked header (LINKTYPE_LINUX_SLL2) in
// place of that of its link layer.
func (f *frame) cook(b []byte, tagged bool, tpid uint16) []byte {
	o := binary.BigEndian
	proto := f.proto
	if tagged {
		proto = tpid
	}
	b = o.AppendUint16(b, proto)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, uint32(f.index))
	b = o.AppendUint16(b, f.hatype)
	b = append(b, f.ours, min(f.addrLen, 8))
	b = append(b, f.address[:]...)
	if tagged {
		b = o.AppendUint16(b, f.tci)
		b = o.AppendUint16(b, f.proto)
	}
	return append(b, f.data[min(max(f.network, 0), len(f.data)):]...)
}
