package capture

import (
	"fmt"
	"io"
)

// The magic numbers of classic files, as they read in the file's own byte
// order.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // A. Kuznetsov's patch: eight more bytes in each record header
)

// The header of a classic file, and of each record in it.
const (
	pcapHeader  = 24
	pcapMajor   = 4
	pcapMinor   = 6
	pcapSnaplen = 16
	pcapLink    = 20

	recordHeader         = 16
	modifiedRecordHeader = 24
	recordSeconds        = 0
	recordFraction       = 4
	recordCaptured       = 8
	recordOriginal       = 12
)

// lengthOrder says which of a record's two lengths comes first.
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	originalFirst             // before version 2.3
	smallerFirst              // version 2.3: both orders were written
)

// pcapFormat is what the header of a classic file tells.
type pcapFormat struct {
	order   order
	header  int   // length of a record header
	tick    int64 // nanoseconds that a fraction counts
	lengths lengthOrder
	limit   uint32 // longest packet
	link    LinkType
}

// isClassic reports whether b begins with the magic number of a classic file.
func isClassic(b []byte) bool {
	_, _, ok := classicMagic(b)
	return ok
}

func classicMagic(b []byte) (magic uint32, o order, ok bool) {
	if len(b) < 4 {
		return 0, order{}, false
	}
	for _, o := range [...]order{{big: false}, {big: true}} {
		switch magic := o.u32(b); magic {
		case magicMicro, magicNano, magicModified:
			return magic, o, true
		}
	}
	return 0, order{}, false
}

// parseClassic reads the header of a classic file.
func parseClassic(b []byte) (pcapFormat, error) {
	magic, o, ok := classicMagic(b)
	if !ok {
		return pcapFormat{}, ErrFormat
	}
	f := pcapFormat{order: o, header: recordHeader, tick: 1000}
	switch magic {
	case magicNano:
		f.tick = 1
	case magicModified:
		f.header = modifiedRecordHeader
	}
	major, minor := o.u16(b[pcapMajor:]), o.u16(b[pcapMinor:])
	switch {
	case major == 2 && minor < 3, major == 543 && minor == 0: // 543.0 is DG/UX tcpdump
		f.lengths = originalFirst
	case major == 2 && minor == 3:
		f.lengths = smallerFirst
	case major == 2:
		f.lengths = capturedFirst
	default:
		return pcapFormat{}, fmt.Errorf("%w: pcap version %d.%d", ErrFormat, major, minor)
	}
	f.limit = packetLimit(o.u32(b[pcapSnaplen:]))
	f.link = LinkType(o.u32(b[pcapLink:])) // the upper half tells of an FCS, and is no part of the type
	return f, nil
}

// classic reads a file of the format that libpcap and tcpdump write.
type classic struct {
	pcapFormat
	buf  *buffer
	name string
	num  int64 // records passed
}

// newClassic reads the file's header.
func newClassic(name string, buf *buffer) (decoder, error) {
	b, err := buf.want(pcapHeader)
	if err != nil {
		return nil, cutShort("file header", err)
	}
	f, err := parseClassic(b)
	if err != nil {
		return nil, err
	}
	buf.pass(pcapHeader)
	return &classic{pcapFormat: f, buf: buf, name: name}, nil
}

func (d *classic) records() int64 { return d.num }

func (d *classic) drops() uint64 { return 0 }

// isLineEnd reports whether b is a line end and nothing else.
//
// QUIRK: editors, web forms and mail programs append one to a file. It
// costs no packet, and no capture was cut there but by a rare chance.
func isLineEnd(b []byte) bool { return string(b) == "\n" || string(b) == "\r\n" }

func (d *classic) next(p *Packet) error {
	for {
		b := d.buf.unread() // mostly the record is whole
		if len(b) < d.header {
			var err error
			if b, err = d.buf.want(d.header); err == io.EOF || err == io.ErrUnexpectedEOF && isLineEnd(b) {
				return io.EOF
			} else if err != nil {
				return d.damage(cutShort("record header", err))
			}
		}
		captured, orig := d.order.u32(b[recordCaptured:]), d.order.u32(b[recordOriginal:])
		if d.lengths == originalFirst || d.lengths == smallerFirst && captured > orig {
			captured, orig = orig, captured
		}
		if captured == 0 && orig == 0 && isClassic(b) && d.joined() {
			continue
		}
		if captured > d.limit {
			return d.damage(impossible(captured))
		}
		n := d.header + int(captured)
		if len(b) < n {
			var err error
			if b, err = d.buf.want(n); err != nil {
				return d.damage(cutShort("record", err))
			}
		}
		d.buf.pass(n)
		d.record(p, b[:n], captured, orig)
		return nil
	}
}

// more leaves to next what is not as nearly all records are.
func (d *classic) more(ps []Packet) (n int, _ error) {
	if d.lengths != capturedFirst {
		return 0, nil
	}
	d.buf.sweep()
	b, passed := d.buf.unread(), 0
	for n < len(ps) && len(b)-passed >= d.header {
		r := b[passed:]
		captured := d.order.u32(r[recordCaptured:])
		size := d.header + int(captured)
		if captured == 0 || captured > d.limit || size > len(r) {
			break
		}
		d.record(&ps[n], r[:size], captured, d.order.u32(r[recordOriginal:]))
		passed += size
		n++
	}
	d.buf.pass(passed)
	return n, nil
}

// record makes a packet of a whole record.
func (d *classic) record(p *Packet, b []byte, captured, orig uint32) {
	d.num++
	// Neither product nor sum leaves int64: seconds and fraction have 32 bits.
	p.Nanos = int64(d.order.u32(b[recordSeconds:]))*1e9 + int64(d.order.u32(b[recordFraction:]))*d.tick
	p.Link = d.link
	p.Data = b[d.header:len(b):len(b)]
	p.Orig = wireLength(orig, captured)
	p.FileNum = d.num
}

// joined takes a second file header in the place of a record: classic files
// that were simply joined end to end. It cannot be mistaken for a record,
// which would be one without a byte, with a magic number for its time.
func (d *classic) joined() bool {
	h, err := d.buf.want(pcapHeader)
	if err != nil {
		return false
	}
	f, err := parseClassic(h)
	if err != nil {
		return false
	}
	d.pcapFormat = f
	d.buf.pass(pcapHeader)
	return true
}

func (d *classic) damage(err error) error {
	return &FormatError{File: d.name, Packet: d.num + 1, Offset: d.buf.offset(), Err: err}
}
