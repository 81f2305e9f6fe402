package capture

import (
	"fmt"
	"io"
	"math"
)

// Block types of draft-ietf-opsawg-pcapng, and those outside of it that
// Wireshark shows as a frame.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockStats     = 5
	blockEnhanced  = 6
	blockJournal   = 9
	blockSecrets   = 10
	blockCustom    = 0x0bad
	blockCustomNo  = 0x40000bad // "not to be copied"
	blockEvent     = 0x204      // of sysdig, and two newer kinds
	blockEvent2    = 0x216
	blockEvent2L   = 0x221
)

// Offsets in a block, from its first byte.
const (
	blockTotal    = 4
	blockBody     = 8
	blockOverhead = 12 // type, length, length again

	sectionMagic   = 8
	sectionMajor   = 12
	sectionMinimum = 28

	interfaceLink    = 8
	interfaceSnaplen = 12
	interfaceOptions = 16

	enhancedInterface = 8
	enhancedHigh      = 12
	enhancedLow       = 16
	enhancedCaptured  = 20
	enhancedOriginal  = 24
	enhancedData      = 28

	simpleOriginal = 8
	simpleData     = 12

	statsInterface = 8
	statsOptions   = 20

	secretsType   = 8
	secretsLength = 12
	secretsData   = 16
)

const (
	byteOrderMagic = 0x1a2b3c4d

	optionEnd      = 0
	optionResolve  = 9  // if_tsresol
	optionOffset   = 14 // if_tsoffset
	optionName     = 2  // if_name
	optionIfDrop   = 5  // isb_ifdrop
	optionOsDrop   = 7  // isb_osdrop
	defaultResolve = 6  // microseconds

	tlsKeyLog = 0x544c534b

	// maxBlock bounds the blocks that are held whole: the longest packet
	// with room for options. Others are passed over at any length.
	maxBlock      = maxSnapshot + 1<<20
	maxInterfaces = 1 << 16
)

// ngInterface is what one Interface Description Block tells.
type ngInterface struct {
	link    LinkType
	snaplen uint32 // 0 is no limit
	clock   clock
	dropped uint64 // by the latest statistics block
}

// ng reads a pcapng file, section by section.
type ng struct {
	buf        *buffer
	name       string
	order      order
	interfaces []ngInterface // of this section
	num        int64         // records passed that Wireshark numbers
	at         int64         // where the current block begins
	last       int64         // time of the packet before
	dropped    uint64        // in the sections before
	keys       *keyLog       // nil: secrets are passed over
}

// newNG reads the first section header.
func newNG(name string, buf *buffer, keys *keyLog) (decoder, error) {
	d := &ng{buf: buf, name: name, keys: keys}
	if err := d.section(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *ng) records() int64 { return d.num }

func (d *ng) drops() uint64 {
	sum := d.dropped
	for i := range d.interfaces {
		sum = saturate(sum, d.interfaces[i].dropped)
	}
	return sum
}

// next walks the blocks up to and including the next one with a packet.
func (d *ng) next(p *Packet) error {
	for {
		d.at = d.buf.offset()
		h, err := d.buf.want(blockBody)
		if err != nil {
			if err == io.EOF {
				return err
			}
			return d.damage(cutShort("block header", err))
		}
		kind, total := d.order.u32(h), d.order.u32(h[blockTotal:])
		found := false
		switch kind {
		case blockSection:
			err = d.section()
		case blockInterface:
			err = d.describe(total)
		case blockEnhanced, blockPacket:
			err = d.packet(kind, total, p)
			found = true
		case blockSimple:
			err = d.simple(total, p)
			found = true
		case blockStats:
			err = d.stats(total)
		case blockSecrets:
			err = d.secrets(total)
		default:
			err = d.pass(total)
			if err == nil && numbered(kind) {
				d.num++
			}
		}
		if err != nil {
			return d.damage(err)
		}
		if found {
			d.num++
			d.last = p.Nanos
			p.FileNum = d.num
			return nil
		}
	}
}

// more stops at all but the blocks that nearly every packet comes in: what
// others hold must not be known before its place.
func (d *ng) more(ps []Packet) (n int, err error) {
	d.buf.sweep()
	for n < len(ps) && err == nil && d.atPacket() {
		if err = d.next(&ps[n]); err == nil {
			n++
		}
	}
	return n, err
}

// atPacket reports whether an Enhanced Packet Block comes next and is there
// whole.
func (d *ng) atPacket() bool {
	b := d.buf.unread()
	return len(b) >= blockBody && d.order.u32(b) == blockEnhanced && padded(d.order.u32(b[blockTotal:])) <= int64(len(b))
}

// numbered tells the blocks without a packet that Wireshark counts as frames.
func numbered(kind uint32) bool {
	switch kind {
	case blockJournal, blockCustom, blockCustomNo, blockEvent, blockEvent2, blockEvent2L:
		return true
	}
	return false
}

// section begins a section: byte order and interfaces are its own.
func (d *ng) section() error {
	b, err := d.buf.want(sectionMajor + 2)
	if err != nil {
		return cutShort("section header", err)
	}
	switch {
	case order{big: false}.u32(b[sectionMagic:]) == byteOrderMagic:
		d.order = order{big: false}
	case order{big: true}.u32(b[sectionMagic:]) == byteOrderMagic:
		d.order = order{big: true}
	default:
		return fmt.Errorf("section header: byte-order magic %#x", b[sectionMagic:sectionMajor])
	}
	if major := d.order.u16(b[sectionMajor:]); major != 1 {
		return fmt.Errorf("section header: pcapng version %d", major)
	}
	total := d.order.u32(b[blockTotal:])
	if total < sectionMinimum {
		return blockLength(total)
	}
	d.dropped = d.drops()
	d.interfaces = d.interfaces[:0]
	return d.pass(total)
}

// describe takes an Interface Description Block.
func (d *ng) describe(total uint32) error {
	b, err := d.whole(total, interfaceOptions)
	if err != nil {
		return err
	}
	if len(d.interfaces) == maxInterfaces {
		return fmt.Errorf("more than %d interfaces", maxInterfaces)
	}
	resolution, offset := byte(defaultResolve), int64(0)
	err = d.options(b[interfaceOptions:], func(code uint16, v []byte) {
		switch {
		case code == optionResolve && len(v) == 1:
			resolution = v[0]
		case code == optionOffset && len(v) == 8:
			offset = int64(d.order.u64(v))
		}
	})
	if err != nil {
		return err // a time resolution may be among what is lost: all times would be wrong
	}
	d.interfaces = append(d.interfaces, ngInterface{
		link:    LinkType(d.order.u16(b[interfaceLink:])),
		snaplen: d.order.u32(b[interfaceSnaplen:]),
		clock:   newClock(resolution, offset),
	})
	return nil
}

// packet takes an Enhanced Packet Block, or the obsolete Packet Block: the
// two differ in the width of the interface number only.
func (d *ng) packet(kind, total uint32, p *Packet) error {
	h, err := d.begin(total, enhancedData)
	if err != nil {
		return err
	}
	id := d.order.u32(h[enhancedInterface:])
	if kind == blockPacket {
		id = uint32(d.order.u16(h[enhancedInterface:]))
	}
	face, err := d.face(id)
	if err != nil {
		return err
	}
	captured := d.order.u32(h[enhancedCaptured:])
	if captured > packetLimit(face.snaplen) {
		return impossible(captured)
	}
	if room := total - enhancedData - 4; captured > room {
		return fmt.Errorf("packet of %d bytes in a block with room for %d", captured, room)
	}
	b, err := d.whole(total, enhancedData)
	if err != nil {
		return err
	}
	end := enhancedData + int(captured)
	ticks := uint64(d.order.u32(b[enhancedHigh:]))<<32 | uint64(d.order.u32(b[enhancedLow:]))
	p.Nanos = face.clock.nanos(ticks)
	p.Link = face.link
	p.Data = b[enhancedData:end:end]
	p.Orig = wireLength(d.order.u32(b[enhancedOriginal:]), captured)
	return nil
}

// simple takes a Simple Packet Block. It tells neither time nor interface
// nor captured length: that is the first interface's, and the time of the
// packet before keeps it in its place.
func (d *ng) simple(total uint32, p *Packet) error {
	h, err := d.begin(total, simpleData)
	if err != nil {
		return err
	}
	face, err := d.face(0)
	if err != nil {
		return err
	}
	orig := d.order.u32(h[simpleOriginal:])
	captured := orig
	if face.snaplen != 0 {
		captured = min(captured, face.snaplen)
	}
	if captured > packetLimit(face.snaplen) {
		return impossible(captured)
	}
	if room := total - simpleData - 4; captured > room {
		return fmt.Errorf("packet of %d bytes in a block with room for %d", captured, room)
	}
	b, err := d.whole(total, simpleData)
	if err != nil {
		return err
	}
	end := simpleData + int(captured)
	p.Nanos = d.last
	p.Link = face.link
	p.Data = b[simpleData:end:end]
	p.Orig = wireLength(orig, captured)
	return nil
}

// face returns the interface with this number in the section.
func (d *ng) face(id uint32) (*ngInterface, error) {
	if uint64(id) >= uint64(len(d.interfaces)) {
		return nil, fmt.Errorf("interface %d is not described", id)
	}
	return &d.interfaces[id], nil
}

// stats takes an Interface Statistics Block; the counts in it are totals.
// One that tells of no known interface, or is cut, says nothing.
func (d *ng) stats(total uint32) error {
	if total < statsOptions+4 || total > maxBlock {
		return d.pass(total)
	}
	b, err := d.whole(total, statsOptions)
	if err != nil {
		return err
	}
	face, err := d.face(d.order.u32(b[statsInterface:]))
	if err != nil {
		return nil
	}
	var dropped uint64
	counted := false
	_ = d.options(b[statsOptions:], func(code uint16, v []byte) {
		if (code == optionIfDrop || code == optionOsDrop) && len(v) == 8 {
			dropped = saturate(dropped, d.order.u64(v))
			counted = true
		}
	})
	if counted {
		face.dropped = dropped
	}
	return nil
}

// secrets takes a Decryption Secrets Block. Those of other protocols are
// passed over, and those whose length does not fit, which are counted.
func (d *ng) secrets(total uint32) error {
	if d.keys == nil {
		return d.pass(total)
	}
	if total < secretsData+4 || total > maxBlock {
		d.keys.left++
		return d.pass(total)
	}
	b, err := d.whole(total, secretsData)
	if err != nil {
		return err
	}
	n := d.order.u32(b[secretsLength:])
	switch {
	case d.order.u32(b[secretsType:]) != tlsKeyLog:
	case uint64(n) > uint64(len(b)-secretsData):
		d.keys.left++
	default:
		d.keys.add(b[secretsData : secretsData+int(n)])
	}
	return nil
}

// options calls f for each option of a list.
func (d *ng) options(b []byte, f func(code uint16, value []byte)) error {
	for len(b) >= 4 {
		code, n := d.order.u16(b), int(d.order.u16(b[2:]))
		if code == optionEnd {
			return nil
		}
		b = b[4:]
		if n > len(b) {
			return fmt.Errorf("option %d of %d bytes with %d left in its block", code, n, len(b))
		}
		f(code, b[:n])
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// begin returns the first n bytes of a block that must hold them.
func (d *ng) begin(total uint32, n int) ([]byte, error) {
	if uint64(total) < uint64(n)+4 {
		return nil, blockLength(total)
	}
	b, err := d.buf.want(n)
	if err != nil {
		return nil, cutShort("block", err)
	}
	return b, nil
}

// whole passes over a block of at least n bytes before its closing length,
// and returns it without that.
func (d *ng) whole(total uint32, n int) ([]byte, error) {
	if uint64(total) < uint64(n)+4 || total > maxBlock {
		return nil, blockLength(total)
	}
	size := int(padded(total))
	b, err := d.buf.want(size)
	if err != nil {
		return nil, cutShort("block", err)
	}
	if again := d.order.u32(b[size-4:]); again != total {
		return nil, disagree(total, again)
	}
	d.buf.pass(size)
	return b[: size-4 : size-4], nil
}

// pass passes over a block of any length without holding it.
func (d *ng) pass(total uint32) error {
	if total < blockOverhead {
		return blockLength(total)
	}
	if err := d.buf.skip(padded(total) - 4); err != nil {
		return cutShort("block", err)
	}
	b, err := d.buf.want(4)
	if err != nil {
		return cutShort("block", err)
	}
	if again := d.order.u32(b); again != total {
		return disagree(total, again)
	}
	d.buf.pass(4)
	return nil
}

// padded returns the space that a block takes. The length should be a
// multiple of four; QUIRK: some writers leave the padding uncounted, and
// Wireshark reads those.
func padded(total uint32) int64 { return (int64(total) + 3) &^ 3 }

func (d *ng) damage(err error) error {
	return &FormatError{File: d.name, Packet: d.num + 1, Offset: d.at, Err: err}
}

func blockLength(n uint32) error { return fmt.Errorf("impossible block length %d", n) }

func disagree(first, second uint32) error {
	return fmt.Errorf("block lengths disagree: %d before, %d after", first, second)
}

// saturate adds without wrapping around.
func saturate(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// maxKeyLog bounds the secrets kept: a line is about 180 bytes, so that
// this is some 90,000 TLS connections.
const maxKeyLog = 16 << 20

// keyLog gathers the TLS key logs of decryption-secrets blocks. Bytes once
// added are never changed.
type keyLog struct {
	b    []byte
	left int64 // blocks that are not in it
}

func (k *keyLog) add(b []byte) {
	if len(b) == 0 {
		return
	}
	if len(b)+1 > maxKeyLog-len(k.b) {
		k.left++
		return
	}
	k.b = append(k.b, b...)
	if b[len(b)-1] != '\n' {
		k.b = append(k.b, '\n') // each block may end without one
	}
}
