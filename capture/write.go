package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Format is a format that a Writer can write.
type Format uint8

// The formats of a Writer.
const (
	Pcap Format = iota
	Pcapng
)

// WriterOptions choose what a Writer writes. The zero value is a classic
// little-endian file with nanoseconds, of the first packet's link type.
type WriterOptions struct {
	Format    Format
	Micros    bool // times in microseconds, cut off; for tools that know no others
	BigEndian bool
	Snaplen   int      // longest packet, in bytes; longer ones are cut. 0 means 262,144
	Link      LinkType // of a classic file; 0 means that of the first packet

	// Interfaces are the names of the interfaces that Packet.File counts,
	// for pcapng. nil: Packet.File has no meaning.
	Interfaces []string
}

// Writer writes packets as a capture file: to cut out connections, and for
// tests. Writes are buffered: call Close at the end, or Flush when a reader
// should see what there is.
type Writer struct {
	w       *bufio.Writer
	o       WriterOptions
	order   binary.AppendByteOrder
	scratch []byte
	faces   []described // pcapng: the interfaces of the file
	begun   bool
	err     error // sticky
}

// described is an Interface Description Block that was written.
type described struct {
	link LinkType
	face int // index in WriterOptions.Interfaces; 0 without them
}

// NewWriter returns a Writer on w. It fails for options that make no file;
// nothing is written before the first packet, Flush or Close.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	if o.Format > Pcapng {
		return nil, fmt.Errorf("capture: unknown format %d to write", o.Format)
	}
	if o.Snaplen < 0 || o.Snaplen > maxSnapshot {
		return nil, fmt.Errorf("capture: snapshot length %d: not in 0 to %d", o.Snaplen, maxSnapshot)
	}
	if o.Snaplen == 0 {
		o.Snaplen = maxPacket
	}
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10), o: o, order: binary.LittleEndian}
	if o.BigEndian {
		out.order = binary.BigEndian
	}
	return out, nil
}

// ErrLink says that a packet of a second link type was to be written to a
// classic file, which has one only.
var ErrLink = errors.New("packet of another link type than the file's")

// Write writes Nanos, Link, Data and Orig of p, and keeps nothing of it.
// Times that the format cannot tell (before 1970; in a classic file, after
// 2106) are moved to the nearest that it can. A classic file refuses a
// packet of another link type with ErrLink, and goes on. The errors of the
// underlying writer are returned again by each later call.
func (w *Writer) Write(p *Packet) error {
	if !w.begun && w.o.Link == 0 {
		w.o.Link = p.Link
	}
	if w.o.Format == Pcap && p.Link != w.o.Link {
		return fmt.Errorf("capture: %v in a file of %v: %w", p.Link, w.o.Link, ErrLink)
	}
	w.begin()
	data := p.Data[:min(len(p.Data), w.o.Snaplen)]
	orig := min(max(p.Orig, len(p.Data)), math.MaxInt32)
	if w.o.Format == Pcap {
		w.record(p, data, orig)
	} else {
		w.enhanced(p, data, orig)
	}
	return w.failure()
}

// Flush writes what is buffered; a file without packets gets its header.
func (w *Writer) Flush() error {
	w.begin()
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.failure()
}

// Close completes the file. It does not close the underlying writer.
func (w *Writer) Close() error { return w.Flush() }

func (w *Writer) failure() error {
	if w.err == nil {
		return nil
	}
	return fmt.Errorf("capture: writing: %w", w.err)
}

func (w *Writer) put(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

// begin writes the header of the file once.
func (w *Writer) begin() {
	if w.begun {
		return
	}
	w.begun = true
	b, o := w.scratch[:0], w.order
	if w.o.Format == Pcapng {
		b = o.AppendUint32(b, blockSection)
		b = o.AppendUint32(b, sectionMinimum)
		b = o.AppendUint32(b, byteOrderMagic)
		b = o.AppendUint16(b, 1) // version 1.0
		b = o.AppendUint16(b, 0)
		b = o.AppendUint64(b, math.MaxUint64) // the length of the section is not known
		b = o.AppendUint32(b, sectionMinimum)
	} else {
		magic := uint32(magicNano)
		if w.o.Micros {
			magic = magicMicro
		}
		b = o.AppendUint32(b, magic)
		b = o.AppendUint16(b, 2) // version 2.4
		b = o.AppendUint16(b, 4)
		b = o.AppendUint64(b, 0) // time zone and accuracy: unused
		b = o.AppendUint32(b, uint32(w.o.Snaplen))
		b = o.AppendUint32(b, uint32(w.o.Link))
	}
	w.put(b)
	w.scratch = b
}

// record writes a record of a classic file.
func (w *Writer) record(p *Packet, data []byte, orig int) {
	const lastSecond = math.MaxUint32
	nanos := min(max(p.Nanos, 0), lastSecond*1e9+999_999_999)
	fraction := nanos % 1e9
	if w.o.Micros {
		fraction /= 1000
	}
	b, o := w.scratch[:0], w.order
	b = o.AppendUint32(b, uint32(nanos/1e9))
	b = o.AppendUint32(b, uint32(fraction))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, uint32(orig))
	w.put(b)
	w.put(data)
	w.scratch = b
}

// enhanced writes an Enhanced Packet Block, and before it an Interface
// Description Block if the link type is new.
func (w *Writer) enhanced(p *Packet, data []byte, orig int) {
	id := w.face(p.Link, p.File)
	ticks := uint64(max(p.Nanos, 0))
	if w.o.Micros {
		ticks /= 1000
	}
	pad := -len(data) & 3
	total := uint32(enhancedData + len(data) + pad + 4)
	if w.w.Available() < int(total) && w.err == nil {
		w.err = w.w.Flush() // so that what was written ends with a whole block
	}
	b, o := w.scratch[:0], w.order
	b = o.AppendUint32(b, blockEnhanced)
	b = o.AppendUint32(b, total)
	b = o.AppendUint32(b, uint32(id))
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, uint32(orig))
	w.put(b)
	w.put(data)
	b = append(b[:0], 0, 0, 0)[:pad]
	b = o.AppendUint32(b, total)
	w.put(b)
	w.scratch = b
}

// face returns the number of an interface in the file, and describes it if
// it is new.
func (w *Writer) face(link LinkType, face int) int {
	if face < 0 || face >= len(w.o.Interfaces) {
		face = 0
	}
	is := described{link, face}
	id := slices.Index(w.faces, is)
	if id < 0 {
		id = len(w.faces)
		w.faces = append(w.faces, is)
		w.describe(is)
	}
	return id
}

// Dropped writes an Interface Statistics Block, which says how many packets
// the kernel has dropped since the file was begun. The last one counts. It is
// for pcapng; a classic file cannot tell.
func (w *Writer) Dropped(n uint64, nanos int64) error {
	return w.dropped(n, nanos, described{link: LinkEthernet})
}

// dropped is Dropped; of is the interface to be described if there is none yet.
func (w *Writer) dropped(n uint64, nanos int64, of described) error {
	if w.o.Format != Pcapng {
		return w.failure()
	}
	w.begin()
	if len(w.faces) == 0 {
		w.face(of.link, of.face)
	}
	const total = 20 + 12 + 4 + 4 // isb_osdrop, end of options, length
	ticks := uint64(max(nanos, 0))
	if w.o.Micros {
		ticks /= 1000
	}
	b, o := w.scratch[:0], w.order
	b = o.AppendUint32(b, blockStats)
	b = o.AppendUint32(b, total)
	b = o.AppendUint32(b, 0)
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint16(b, optionOsDrop)
	b = o.AppendUint16(b, 8)
	b = o.AppendUint64(b, n)
	b = o.AppendUint32(b, optionEnd)
	b = o.AppendUint32(b, total)
	w.put(b)
	w.scratch = b
	return w.failure()
}

// describe writes an Interface Description Block with if_name, if there is
// one, and if_tsresol.
func (w *Writer) describe(is described) {
	name := ""
	if is.face < len(w.o.Interfaces) {
		name = w.o.Interfaces[is.face]
	}
	named := 0
	if name != "" {
		named = 4 + len(name) + -len(name)&3
	}
	total := uint32(interfaceOptions + named + 8 + 4 + 4) // if_name, if_tsresol, end of options, length
	resolution := byte(9)
	if w.o.Micros {
		resolution = 6
	}
	b, o := w.scratch[:0], w.order
	b = o.AppendUint32(b, blockInterface)
	b = o.AppendUint32(b, total)
	b = o.AppendUint16(b, uint16(is.link))
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, uint32(w.o.Snaplen))
	if name != "" {
		b = o.AppendUint16(b, optionName)
		b = o.AppendUint16(b, uint16(len(name)))
		b = append(b, name...)
		b = append(b, 0, 0, 0)[:len(b)+-len(name)&3]
	}
	b = o.AppendUint16(b, optionResolve)
	b = o.AppendUint16(b, 1)
	b = append(b, resolution, 0, 0, 0)
	b = o.AppendUint32(b, optionEnd)
	b = o.AppendUint32(b, total)
	w.put(b)
	w.scratch = b
}
