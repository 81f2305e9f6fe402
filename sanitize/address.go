package sanitize

import (
	"encoding/binary"
	"errors"
	"math"

	"popscope/capture/packet"
)

// maxHosts bounds the addresses that are replaced; a map entry takes some
// 60 bytes.
const maxHosts = 1 << 20

// ErrHosts says that there are more hosts than can be told apart.
var ErrHosts = errors.New("more than 1,048,576 addresses to replace")

// addresses replaces addresses in the order of their appearance. Those of
// one network, /24 or /64, stay in one network.
//
//	192.0.2.20          10.0.0.1      network 0, host 1
//	192.0.2.10          10.0.0.2
//	198.51.100.7        10.0.1.1
//	2001:db8:7::25      fd00::1
type addresses struct {
	on    bool
	hosts map[packet.Addr]packet.Addr
	nets  map[packet.Addr]*network
	macs  map[[6]byte]uint32
	count [2]uint32 // networks of IPv4 and of IPv6
	err   error
}

// network is one whose hosts are counted.
type network struct{ index, hosts uint32 }

func newAddresses(on bool) *addresses {
	return &addresses{on: on, hosts: map[packet.Addr]packet.Addr{}, nets: map[packet.Addr]*network{}, macs: map[[6]byte]uint32{}}
}

// addr returns what stands for an address. Unspecified, loopback, broadcast
// and multicast addresses stand for themselves.
func (a *addresses) addr(x packet.Addr) packet.Addr {
	if !a.on {
		return x
	}
	if y, ok := a.hosts[x]; ok {
		return y
	}
	ip := x.Netip()
	if ip.IsUnspecified() || ip.IsLoopback() || ip.IsMulticast() || ip.Is4() && x[12] == 255 {
		return x
	}
	if len(a.hosts) == maxHosts {
		a.err = ErrHosts
		return packet.Addr{}
	}
	key, family := x, 1
	clear(key[8:])
	if ip.Is4() {
		key, family = x, 0
		key[15] = 0
	}
	n := a.nets[key]
	if n == nil {
		n = &network{index: a.count[family]}
		a.count[family]++
		a.nets[key] = n
	}
	n.hosts++
	y := packet.Addr{}
	if family == 0 {
		y = packet.Addr{10: 0xff, 11: 0xff}
		binary.BigEndian.PutUint32(y[12:], 10<<24+n.index<<8+n.hosts&0xff)
	} else {
		y[0] = 0xfd
		if ip.IsLinkLocalUnicast() {
			y[0], y[1] = 0xfe, 0x80
		}
		binary.BigEndian.PutUint32(y[4:], n.index)
		binary.BigEndian.PutUint32(y[12:], n.hosts)
	}
	a.hosts[x] = y
	return y
}

// mac replaces a hardware address in place. Group addresses stay.
func (a *addresses) mac(b []byte) {
	key := [6]byte(b)
	if key == ([6]byte{}) || key[0]&1 != 0 {
		return
	}
	n, ok := a.macs[key]
	if !ok {
		if len(a.macs) == maxHosts {
			a.err = ErrHosts
		} else {
			n = uint32(len(a.macs)) + 1
			a.macs[key] = n
		}
	}
	b[0], b[1] = 2, 0 // locally administered
	binary.BigEndian.PutUint32(b[2:], n)
}

// Offsets of addresses in headers.
const (
	ipv4Src, ipv4Dst   = 12, 16
	ipv6Src, ipv6Dst   = 8, 24
	routingList        = 8
	sllLen, sllAddr    = 4, 6
	sll2Len, sll2Addr  = 11, 12
	cookedAddr         = 8
	dot11Addr, dot11A4 = 4, 24
	tzspFields         = 4  // of TZSP: the access point's address among them
	pflogNames         = 4  // of the interface, and of the rules, which may be a user's; later ones hold addresses too
	pktapNames         = 12 // of the interface and the program
)

// emptyAttributes makes one empty text of the attributes of a netfilter log
// before the packet, or several where one cannot be so long: there are hardware
// addresses among them.
func emptyAttributes(b []byte) {
	const first, head, prefix = 4, 4, 10 // NFULA_PREFIX
	const longest = math.MaxUint16 &^ 3
	payload := len(b) - head
	var order binary.ByteOrder = binary.LittleEndian
	if b[payload+2] == 0 {
		order = binary.BigEndian
	}
	clear(b[first:payload])
	for at := first; at < payload; at += longest {
		order.PutUint16(b[at:], uint16(min(payload-at, longest)))
		order.PutUint16(b[at+2:], prefix)
	}
}

// headers replaces the addresses in the headers of a frame.
func (a *addresses) headers(f *frame) {
	if !a.on {
		return
	}
	for i := range f.headers {
		h := &f.headers[i]
		if h.Kind == packet.FragmentPayload || h.Captured < h.Size {
			continue
		}
		b := f.out[h.At : h.At+h.Size]
		switch h.Kind {
		case packet.HeaderEthernet:
			a.mac(b)
			a.mac(b[6:])
		case packet.HeaderSLL:
			a.cooked(b[sllAddr:sllAddr+cookedAddr], int(binary.BigEndian.Uint16(b[sllLen:])))
		case packet.HeaderSLL2:
			a.cooked(b[sll2Addr:sll2Addr+cookedAddr], int(b[sll2Len]))
		case packet.HeaderPFLOG:
			clear(b[pflogNames:])
		case packet.HeaderNFLOG:
			emptyAttributes(b)
		case packet.HeaderTZSP:
			clear(b[tzspFields : len(b)-1]) // they become padding before the end
		case packet.HeaderPKTAP:
			clear(b[pktapNames:])
		case packet.Header80211:
			for at := dot11Addr; at < dot11Addr+18; at += 6 {
				a.mac(b[at:])
			}
			if b[1]&3 == 3 {
				a.mac(b[dot11A4:])
			}
		case packet.HeaderIPv4:
			a.v4(b[ipv4Src:])
			a.v4(b[ipv4Dst:])
		case packet.HeaderIPv6:
			a.v6(b[ipv6Src:])
			a.v6(b[ipv6Dst:])
		case packet.HeaderRouting:
			for at := routingList; at+16 <= len(b); at += 16 {
				a.v6(b[at:])
			}
		}
	}
}

// cooked replaces the sender's address of n bytes in a field of a Linux
// "cooked" header. On a tunnel it is an IP address, of IPv6 as much as fits.
func (a *addresses) cooked(b []byte, n int) {
	switch n {
	case 6:
		a.mac(b)
	case 4:
		a.v4(b)
	default:
		n = 0
	}
	clear(b[n:])
}

func (a *addresses) v4(b []byte) {
	x := packet.Addr{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}
	y := a.addr(x)
	copy(b[:4], y[12:])
}

func (a *addresses) v6(b []byte) {
	y := a.addr(packet.Addr(b[:16]))
	copy(b, y[:])
}
