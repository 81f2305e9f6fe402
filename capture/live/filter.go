package live

import (
	"slices"

	"golang.org/x/net/bpf"

	"popscope/capture"
)

// filter says what the kernel is to pass.
type filter struct {
	ports   []uint16 // nil: every TCP segment
	tunnels bool
	snaplen uint32 // what the program returns for a packet that passes
}

// base says where the program finds what a frame carries. Register X holds
// the offset of the network header from there on.
type base struct {
	link     capture.LinkType // of the frames
	cooked   bool             // any other link type: the kernel tells protocol and network header; link has no meaning
	loopback bool             // the interface shows each packet twice, first as outgoing
	any      bool             // frames of all interfaces: the kernel tells each one's link type
	lo       uint32           // valid iff any: index of the loopback interface
}

// netOffset added to an offset makes the kernel count it from the network
// header (SKF_NET_OFF).
const netOffset = 0xfff00000

// What the kernel calls link types (ARPHRD_...).
const (
	hwEthernet    = 1
	hwLoopback    = 772
	hwIEEE80211   = 801
	hwRadiotap    = 803
	hwRawIP       = 519
	hwNone        = 0xfffe
	packetIsOurs  = 4 // PACKET_OUTGOING
	maxVLANs      = 3
	maxExtensions = 6 // IPv6 headers looked behind; what has more is passed
)

// program makes the filter. It is split by what it looks at:
//
//	which interface   -> drop the second copy on the loopback
//	link layer        A = protocol, X = network header
//	VLAN, PPPoE       the same, behind the tags
//	IP                X = TCP header
//	TCP               ports
func (f filter) program(b base) ([]bpf.Instruction, error) {
	p := &filterProgram{assembler: newAssembler(), filter: f}
	p.accept, p.drop = p.label(), p.label()
	p.ip4, p.ip6, p.tcp, p.udp = p.label(), p.label(), p.label(), p.label()
	p.copies(b)
	p.linkLayer(b)
	p.tags()
	p.version4()
	p.version6()
	p.segment()
	if f.tunnels {
		p.datagram()
	}
	p.here(p.drop)
	p.add(bpf.RetConstant{Val: 0})
	p.here(p.accept)
	p.add(bpf.RetConstant{Val: f.snaplen})
	return p.assembler.program()
}

type filterProgram struct {
	*assembler
	filter
	accept, drop       label
	ip4, ip6, tcp, udp label
}

// copies drops what the loopback shows a second time.
func (p *filterProgram) copies(b base) {
	if !b.loopback && !b.any {
		return
	}
	once := p.label()
	if b.any {
		p.add(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
		p.when(bpf.JumpEqual, b.lo, next, once)
	}
	p.add(bpf.LoadExtension{Num: bpf.ExtType})
	p.when(bpf.JumpEqual, packetIsOurs, p.drop, next)
	p.here(once)
}

// linkLayer finds the network header. A frame of a link type that has no
// header of a fixed form, Wi-Fi, is passed.
func (p *filterProgram) linkLayer(b base) {
	found := p.label()
	ethernet := func() { p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 14}, bpf.LoadAbsolute{Off: 12, Size: 2}) }
	raw := func() {
		p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 0}, bpf.LoadAbsolute{Off: 0, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
		p.when(bpf.JumpEqual, 0x40, p.ip4, next)
		p.when(bpf.JumpEqual, 0x60, p.ip6, p.drop)
	}
	cooked := func() {
		p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: netOffset}, bpf.LoadExtension{Num: bpf.ExtProto})
	}
	switch {
	case b.any:
		isEthernet, isRaw := p.label(), p.label()
		p.add(bpf.LoadExtension{Num: bpf.ExtLinkLayerType})
		p.equal(isEthernet, hwEthernet, hwLoopback)
		p.equal(isRaw, hwNone, hwRawIP)
		p.equal(p.accept, hwIEEE80211, hwRadiotap)
		cooked()
		p.jump(found)
		p.here(isRaw)
		raw()
		p.here(isEthernet)
		ethernet()
	case b.cooked:
		cooked()
	case b.link == capture.LinkEthernet:
		ethernet()
	case b.link == capture.LinkRaw:
		raw()
	case b.link == capture.LinkNull, b.link == capture.LinkLoop:
		// What stands before the packet tells less than the packet itself.
		p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 4}, bpf.LoadAbsolute{Off: 4, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
		p.when(bpf.JumpEqual, 0x40, p.ip4, next)
		p.when(bpf.JumpEqual, 0x60, p.ip6, p.drop)
	case b.link == capture.LinkLinuxSLL:
		p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 16}, bpf.LoadAbsolute{Off: 14, Size: 2})
	case b.link == capture.LinkLinuxSLL2:
		p.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 20}, bpf.LoadAbsolute{Off: 0, Size: 2})
	default:
		p.jump(p.accept)
	}
	p.here(found)
}

// tags goes behind VLAN tags and PPPoE headers.
func (p *filterProgram) tags() {
	const (
		vlan, service, old = 0x8100, 0x88a8, 0x9100
		pppoe              = 0x8864
		mpls, mplsMulti    = 0x8847, 0x8848
	)
	done := p.label()
	for range maxVLANs {
		tag := p.label()
		p.equal(tag, vlan, service, old)
		p.jump(done)
		p.here(tag)
		p.add(bpf.LoadIndirect{Off: 2, Size: 2})
		p.advance(4)
	}
	p.here(done)
	p.equal(p.ip4, 0x0800)
	p.equal(p.ip6, 0x86dd)
	if p.tunnels {
		p.equal(p.accept, mpls, mplsMulti)
	}
	p.when(bpf.JumpEqual, pppoe, next, p.drop)
	p.add(bpf.LoadIndirect{Off: 6, Size: 2})
	p.advance(8)
	p.equal(p.ip4, 0x0021) // RFC 1332
	p.equal(p.ip6, 0x0057) // RFC 5072
	if p.tunnels {
		p.equal(p.accept, 0x0281)
	}
	p.when(bpf.JumpBitsSet, 0x0100, p.accept, p.drop) // a protocol field of one octet (RFC 1661 section 6.5): what follows moves
}

// advance adds to register X and keeps A.
func (p *filterProgram) advance(n uint32) {
	p.add(bpf.StoreScratch{Src: bpf.RegA, N: 0}, bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: n}, bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: 0})
}

// IP protocols.
const (
	protoIPIP    = 4
	protoTCP     = 6
	protoUDP     = 17
	protoIPv6    = 41
	protoFrag    = 44
	protoGRE     = 47
	protoAH      = 51
	protoEtherIP = 97
	protoMPLS    = 137
)

// version4 reads an IPv4 header (RFC 791 section 3.1).
func (p *filterProgram) version4() {
	isTCP, rest := p.label(), p.label()
	p.here(p.ip4)
	p.add(bpf.LoadIndirect{Off: 9, Size: 1})
	p.equal(isTCP, protoTCP)
	p.other(rest)
	if p.tunnels {
		p.here(rest)
		p.add(bpf.LoadIndirect{Off: 6, Size: 2})
		p.when(bpf.JumpBitsSet, 0x1fff, p.accept, next)
		p.behind4()
		p.jump(p.udp)
	}
	p.here(isTCP)
	p.add(bpf.LoadIndirect{Off: 6, Size: 2})
	p.when(bpf.JumpBitsSet, 0x1fff, p.accept, next) // a fragment without ports
	p.behind4()
	p.jump(p.tcp)
}

// behind4 moves X behind an IPv4 header.
func (p *filterProgram) behind4() {
	p.add(bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x0f}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
}

// other decides about IP protocols that are not TCP. UDP goes to udp.
func (p *filterProgram) other(udp label) {
	if p.tunnels {
		p.equal(p.accept, protoIPIP, protoIPv6, protoGRE, protoEtherIP, protoMPLS)
		p.equal(udp, protoUDP)
	}
	p.jump(p.drop)
}

// version6 reads an IPv6 header and those that extend it (RFC 8200 section
// 4).
func (p *filterProgram) version6() {
	p.here(p.ip6)
	p.add(bpf.LoadIndirect{Off: 6, Size: 1})
	p.advance(40)
	for range maxExtensions {
		extension, auth, fragment, done := p.label(), p.label(), p.label(), p.label()
		p.equal(p.tcp, protoTCP)
		p.equal(extension, 0, 43, 60, 135, 139, 140)
		p.equal(auth, protoAH)
		p.equal(fragment, protoFrag)
		p.other(p.udp)

		p.here(fragment)
		p.add(bpf.LoadIndirect{Off: 2, Size: 2})
		first, later := p.label(), p.label()
		p.when(bpf.JumpBitsSet, 0xfff8, later, first)
		p.here(later) // without ports: by the protocol alone
		p.add(bpf.LoadIndirect{Off: 0, Size: 1})
		p.equal(p.accept, protoTCP, 0, 43, 60, 135, 139, 140, protoAH)
		p.other(p.accept)
		p.here(first)
		p.add(bpf.LoadIndirect{Off: 0, Size: 1})
		p.advance(8)
		p.jump(done)

		p.here(auth) // its length counts words of 4, less 2 (RFC 4302 section 2.2)
		p.behind6(2, 2)
		p.jump(done)

		p.here(extension) // its length counts words of 8, less 1
		p.behind6(1, 3)
		p.here(done)
	}
	p.jump(p.accept)
}

// behind6 moves X behind an extension header and loads what comes next.
func (p *filterProgram) behind6(more, shift uint32) {
	p.add(bpf.LoadIndirect{Off: 0, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: 0},
		bpf.LoadIndirect{Off: 1, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: more}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: shift},
		bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: 0})
}

// segment looks at the ports of TCP.
func (p *filterProgram) segment() {
	p.here(p.tcp)
	if p.ports == nil {
		p.jump(p.accept)
		return
	}
	p.eitherPort(portRanges(p.ports, maxRanges))
}

// datagram looks for tunnels in UDP.
func (p *filterProgram) datagram() {
	p.here(p.udp)
	p.eitherPort(portRanges([]uint16{1701, 2152, 4789, 4790, 6081, 8472, 37008}, maxRanges)) // L2TP, GTP-U, VXLAN and -GPE, GENEVE, TZSP
}

// eitherPort passes what has its source or destination port in ranges.
func (p *filterProgram) eitherPort(ranges []portRange) {
	second := p.label()
	p.add(bpf.LoadIndirect{Off: 0, Size: 2})
	p.among(ranges, second)
	p.here(second)
	p.add(bpf.LoadIndirect{Off: 2, Size: 2})
	p.among(ranges, p.drop)
}

// among passes what register A has in one of the ranges, by halving them.
func (p *filterProgram) among(ranges []portRange, otherwise label) {
	switch len(ranges) {
	case 0:
		p.jump(otherwise)
	case 1:
		r := ranges[0]
		if r.first == r.last {
			p.when(bpf.JumpEqual, uint32(r.first), p.accept, otherwise)
			return
		}
		p.when(bpf.JumpGreaterOrEqual, uint32(r.first), next, otherwise)
		p.when(bpf.JumpGreaterThan, uint32(r.last), otherwise, p.accept)
	default:
		half := len(ranges) / 2
		upper := p.label()
		p.when(bpf.JumpGreaterOrEqual, uint32(ranges[half].first), upper, next)
		p.among(ranges[:half], otherwise)
		p.here(upper)
		p.among(ranges[half:], otherwise)
	}
}

// portRange is a range of ports, both ends of it included.
type portRange struct{ first, last uint16 }

// maxRanges keeps the program within what the kernel takes. With more, the
// nearest ones are joined: what passes besides is sorted out later.
const maxRanges = 300

// portRanges returns the ports as ranges in order, at most so many.
func portRanges(ports []uint16, most int) []portRange {
	ports = slices.Clone(ports)
	slices.Sort(ports)
	var out []portRange
	for _, p := range ports {
		if n := len(out); n > 0 && int(p) <= int(out[n-1].last)+1 {
			out[n-1].last = p
			continue
		}
		out = append(out, portRange{p, p})
	}
	for gap := 2; len(out) > most; gap *= 2 {
		joined := out[:1]
		for _, r := range out[1:] {
			if last := &joined[len(joined)-1]; int(r.first)-int(last.last) <= gap {
				last.last = r.last
			} else {
				joined = append(joined, r)
			}
		}
		out = joined
	}
	return out
}
