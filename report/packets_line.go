package report

import (
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"popscope"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// packetLines writes a line for each packet, and below it what else was
// asked for.
//
//	5   0.000310  192.0.2.10:50000 > 192.0.2.1:110  [PSH, ACK]  seq=1 ack=25 len=12  C: USER alice
//
// With several files it says where in them the packet is: 5 (b.pcap:2).
type packetLines struct {
	w     io.Writer
	opt   PacketOptions
	paint paint
	buf   []byte
	last  int64 // time of the packet shown before
	any   bool
	files []string // what lines call the inputs; nil when there is one
	place int      // width of the places in them so far
	ends  int      // width of the ends so far
	tree  *packet.Decoder
}

func newPacketLines(w io.Writer, o PacketOptions) *packetLines {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	l := &packetLines{w: w, opt: o, paint: paint(o.Color), files: shortNames(o.Files), tree: packet.NewDecoder()}
	for _, name := range l.files {
		l.place = max(l.place, displayWidth(name)+len("(:)")+numberWidth)
	}
	return l
}

// shortNames returns what lines call several inputs: the names of the files
// without their folders, unless two have the same.
func shortNames(files []string) []string {
	if len(files) < 2 {
		return nil
	}
	var names []string
	for _, f := range files {
		name := Inert(filepath.Base(f))
		if slices.Contains(names, name) {
			return inertAll(files)
		}
		names = append(names, name)
	}
	return names
}

func inertAll(texts []string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, Inert(t))
	}
	return out
}

const (
	numberWidth = 5
	flagsWidth  = 11 // "[RST, ACK] "
	maxItems    = 8  // told of one packet
)

// Write writes the line of a packet.
func (l *packetLines) Write(p *popscope.Packet) error {
	l.buf = append(l.buf, l.paint.dim(fmt.Sprintf("%*d", numberWidth, p.Num))...)
	l.buf = append(l.buf, ' ')
	if p.File < len(l.files) {
		place := "(" + l.files[p.File] + ":" + strconv.FormatInt(p.FileNum, 10) + ")"
		l.place = max(l.place, displayWidth(place))
		l.buf = append(l.buf, l.paint.dim(place)...)
		l.buf = appendSpaces(l.buf, l.place-displayWidth(place)+1)
	}
	l.buf = append(l.buf, l.time(p)...)
	ends := endText(p.Segment.Src.AddrPort()) + " > " + endText(p.Segment.Dst.AddrPort())
	l.ends = max(l.ends, len(ends))
	l.buf = append(l.buf, "  "...)
	l.buf = append(l.buf, pad(ends, l.ends)...)
	l.buf = append(l.buf, "  "...)
	l.buf = append(l.buf, strings.Join(l.words(p), "  ")...)
	l.buf = append(l.buf, '\n')
	if l.opt.Verbose {
		l.fields(p)
	}
	if l.opt.Hex {
		l.hex(p)
	}
	if l.opt.Hex || l.opt.Verbose {
		l.buf = append(l.buf, '\n')
	}
	l.last, l.any = p.Nanos, true
	return l.flush()
}

func (l *packetLines) flush() error {
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}

// Close writes nothing: the lines are all there is.
func (l *packetLines) Close(popscope.Summary) error { return nil }

// endText writes one end of a connection; IPv6 in brackets, as everywhere.
func endText(e netip.AddrPort) string { return e.String() }

// time writes when a packet came.
func (l *packetLines) time(p *popscope.Packet) string {
	t := utc(p.Nanos)
	switch l.opt.Time {
	case DeltaTime:
		if !l.any {
			return pad10(elapsed(0))
		}
		return pad10(elapsed(p.Nanos - l.last))
	case UTCTime:
		return t.Format("15:04:05.000000")
	case LocalTime:
		return t.In(l.opt.Zone).Format("15:04:05.000000")
	case DateTime:
		return t.Format(clock + ".000000")
	case EpochTime:
		return appendEpoch(p.Nanos)
	}
	return pad10(elapsed(p.Nanos - p.CaptureStart))
}

// appendEpoch writes seconds since 1970 with nine digits.
func appendEpoch(nanos int64) string {
	sec, frac := nanos/1e9, nanos%1e9
	if frac < 0 {
		sec, frac = sec-1, frac+1e9
	}
	return strconv.FormatInt(sec, 10) + "." + string(appendNine(nil, frac))
}

func pad10(s string) string { return fmt.Sprintf("%10s", s) }

// words says what a packet is.
func (l *packetLines) words(p *popscope.Packet) []string {
	if p.Fragment {
		return []string{"IP fragment of the datagram that packet " + strconv.FormatInt(p.Whole, 10) + " completes"}
	}
	out := []string{pad(flagText(p.Segment.Flags), flagsWidth) + l.paint.dim(numbers(p))}
	for _, n := range noteTexts(p) {
		out = append(out, l.paint.yellow("["+n+"]"))
	}
	items := itemsOf(p, l.opt.ShowSecrets)
	for i, it := range items {
		if i == maxItems {
			out = append(out, l.paint.dim("and "+count(len(items)-i, "item")+" more"))
			break
		}
		out = append(out, l.item(&it))
	}
	return out
}

// item writes one thing that a packet carries.
func (l *packetLines) item(it *packetItem) string {
	text := it.text
	switch {
	case it.err:
		text = l.paint.red(text)
	case it.ok:
		text = l.paint.green(text)
	case it.facts:
		text = l.paint.dim(text)
	case it.from == stream.Client:
		text = l.paint.cyan(text)
	}
	return it.who() + text
}

// flagText writes TCP flags as Wireshark does.
func flagText(f packet.Flags) string {
	var names []string
	for _, n := range tcpFlags {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

var tcpFlags = []struct {
	flag packet.Flags
	name string
}{
	{packet.FIN, "FIN"}, {packet.SYN, "SYN"}, {packet.RST, "RST"}, {packet.PSH, "PSH"}, {packet.ACK, "ACK"}, {packet.URG, "URG"},
}

// numbers writes sequence and acknowledgement number, relative where that
// is known, and the length of the data on the wire.
func numbers(p *popscope.Packet) string {
	s := "seq=" + relative(p.Seq, p.Segment.Seq)
	if p.Segment.Flags&packet.ACK != 0 {
		s += " ack=" + relative(p.Ack, p.Segment.Ack)
	}
	return s + " len=" + strconv.Itoa(p.Segment.Length)
}

// relative writes a sequence number; one that stands for itself has a #.
func relative(r popscope.Relative, raw uint32) string {
	if r.Known {
		return strconv.FormatInt(r.N, 10)
	}
	return "#" + strconv.FormatUint(uint64(raw), 10)
}

// noteTexts says what TCP and the capture did to a packet.
func noteTexts(p *popscope.Packet) []string {
	var out []string
	if n := len(p.Fragments); n > 0 {
		out = append(out, "IP fragments: packets "+packetList(append(p.Fragments[:n:n], p.Num)))
	}
	p.Notes.Each(func(n popscope.PacketNote) {
		text := words(n.String())
		switch n {
		case popscope.GapBefore:
			text = count(p.Gap, "byte") + " lost before"
		case popscope.PartlySeen:
			text = "partly sent before"
		case popscope.DuplicateAck:
			text = "duplicate ACK"
		case popscope.KeepAlive:
			text = "keep-alive"
		case popscope.Conflicting:
			text = "differs from packet " + strconv.FormatInt(p.First, 10) + ", which counts"
		case popscope.OutOfWindow:
			text = "not of this stream"
		case popscope.AfterEnd:
			text = "after the end"
		case popscope.BadChecksum:
			text = "bad TCP checksum"
		case popscope.Unfilled:
			text = "TCP checksum left to the network card"
		case popscope.CutBySnaplen:
			text = count(p.Segment.Length-len(p.Segment.Payload), "byte") + " cut off by the capture"
		}
		out = append(out, text)
	})
	return out
}

func packetList(ns []int64) string {
	words := make([]string, len(ns))
	for i, n := range ns {
		words[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(words, " ")
}

// isStatus reports whether an indicator of a status line is the one given.
func isStatus(b []byte, ind string) bool {
	return len(b) >= len(ind) && strings.EqualFold(string(b[:len(ind)]), ind)
}
