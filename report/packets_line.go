package report

import (
	"io"
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
	items itemWriter
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
	b := l.paint.begin(l.buf, dimText)
	at := len(b)
	b = padLeft(strconv.AppendInt(b, p.Num, 10), at, numberWidth)
	b = append(l.paint.end(b), ' ')
	if p.File < len(l.files) {
		place := "(" + l.files[p.File] + ":" + strconv.FormatInt(p.FileNum, 10) + ")"
		l.place = max(l.place, displayWidth(place))
		b = append(b, l.paint.dim(place)...)
		b = appendSpaces(b, l.place-displayWidth(place)+1)
	}
	b = append(l.appendTime(b, p), "  "...)
	at = len(b)
	b = p.Segment.Src.AddrPort().AppendTo(b) // IPv6 in brackets, as everywhere
	b = append(b, " > "...)
	b = p.Segment.Dst.AddrPort().AppendTo(b)
	l.ends = max(l.ends, len(b)-at)
	b = append(appendSpaces(b, at+l.ends-len(b)), "  "...)
	l.buf = append(l.appendWords(b, p), '\n')
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

// appendTime writes when a packet came.
func (l *packetLines) appendTime(dst []byte, p *popscope.Packet) []byte {
	since := p.Nanos - p.CaptureStart
	switch l.opt.Time {
	case DeltaTime:
		if since = 0; l.any {
			since = p.Nanos - l.last
		}
	case UTCTime:
		return utc(p.Nanos).AppendFormat(dst, "15:04:05.000000")
	case LocalTime:
		return utc(p.Nanos).In(l.opt.Zone).AppendFormat(dst, "15:04:05.000000")
	case DateTime:
		return utc(p.Nanos).AppendFormat(dst, clock+".000000")
	case EpochTime:
		return appendEpoch(dst, p.Nanos)
	}
	at := len(dst)
	return padLeft(appendElapsed(dst, since), at, elapsedWidth)
}

// elapsedWidth is the least width of times in seconds.
const elapsedWidth = 10

// appendEpoch writes seconds since 1970 with nine digits.
func appendEpoch(dst []byte, nanos int64) []byte {
	sec, frac := nanos/1e9, nanos%1e9
	if frac < 0 {
		sec, frac = sec-1, frac+1e9
	}
	return appendNine(append(strconv.AppendInt(dst, sec, 10), '.'), frac)
}

// padLeft moves what stands in b from at on to the right until it has a
// width.
func padLeft(b []byte, at, width int) []byte {
	n := width - (len(b) - at)
	if n <= 0 {
		return b
	}
	b = appendSpaces(b, n)
	copy(b[at+n:], b[at:])
	for i := range n {
		b[at+i] = ' '
	}
	return b
}

// appendWords says what a packet is.
func (l *packetLines) appendWords(dst []byte, p *popscope.Packet) []byte {
	if p.Fragment {
		dst = append(dst, "IP fragment of the datagram that packet "...)
		return append(strconv.AppendInt(dst, p.Whole, 10), " completes"...)
	}
	at := len(dst)
	dst = appendFlags(dst, p.Segment.Flags)
	dst = appendSpaces(dst, at+flagsWidth-len(dst))
	dst = l.paint.end(appendNumbers(l.paint.begin(dst, dimText), p))
	for _, n := range noteTexts(p) {
		dst = append(append(dst, "  "...), l.paint.yellow("["+n+"]")...)
	}
	items := l.items.of(p, l.opt.ShowSecrets)
	for i := range items {
		dst = append(dst, "  "...)
		if i == maxItems {
			return append(dst, l.paint.dim("and "+count(len(items)-i, "item")+" more")...)
		}
		dst = l.appendItem(dst, &items[i])
	}
	return dst
}

// appendItem writes one thing that a packet carries.
func (l *packetLines) appendItem(dst []byte, it *packetItem) []byte {
	dst = append(dst, it.who()...)
	c := cyanText
	switch {
	case len(it.text) == 0:
		return dst
	case it.err:
		c = redText
	case it.ok:
		c = greenText
	case it.facts:
		c = dimText
	case it.from != stream.Client:
		return append(dst, it.text...)
	}
	return l.paint.end(append(l.paint.begin(dst, c), it.text...))
}

// appendFlags writes TCP flags as Wireshark does.
func appendFlags(dst []byte, f packet.Flags) []byte {
	dst = append(dst, '[')
	sep := ""
	for i := range tcpFlags {
		if n := &tcpFlags[i]; f&n.flag != 0 {
			dst = append(append(dst, sep...), n.name...)
			sep = ", "
		}
	}
	return append(dst, ']')
}

var tcpFlags = []struct {
	flag packet.Flags
	name string
}{
	{packet.FIN, "FIN"}, {packet.SYN, "SYN"}, {packet.RST, "RST"}, {packet.PSH, "PSH"}, {packet.ACK, "ACK"}, {packet.URG, "URG"},
}

// appendNumbers writes sequence and acknowledgement number, relative where
// that is known, and the length of the data on the wire.
func appendNumbers(dst []byte, p *popscope.Packet) []byte {
	dst = appendRelative(append(dst, "seq="...), p.Seq, p.Segment.Seq)
	if p.Segment.Flags&packet.ACK != 0 {
		dst = appendRelative(append(dst, " ack="...), p.Ack, p.Segment.Ack)
	}
	return strconv.AppendInt(append(dst, " len="...), int64(p.Segment.Length), 10)
}

// appendRelative writes a sequence number; one that stands for itself has a
// #.
func appendRelative(dst []byte, r popscope.Relative, raw uint32) []byte {
	if r.Known {
		return strconv.AppendInt(dst, r.N, 10)
	}
	return strconv.AppendUint(append(dst, '#'), uint64(raw), 10)
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
