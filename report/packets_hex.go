package report

import (
	"fmt"

	"popscope"
)

const hexRow = 16 // bytes in a line

// hexDump appends the bytes of a frame as tcpdump and tshark show them, with
// offsets that begin at the frame. Bytes that must not be shown are stars in
// both columns; their number shows.
//
//	0030  01 f6 3c 0b 00 00 50 41  53 53 20 ** ** ** ** 0d   ..<...PASS ****.
func hexDump(dst, data []byte, hidden []popscope.Span) []byte {
	for row := 0; row < len(data); row += hexRow {
		dst = fmt.Appendf(dst, "    %04x ", row)
		n := min(hexRow, len(data)-row)
		for i := range hexRow {
			if i == hexRow/2 {
				dst = append(dst, ' ')
			}
			switch {
			case i >= n:
				dst = append(dst, "   "...)
			case hides(hidden, row+i):
				dst = append(dst, " **"...)
			default:
				dst = append(dst, ' ')
				dst = appendHex(dst, uint32(data[row+i]), 2)
			}
		}
		dst = append(dst, "   "...)
		for i := range n {
			switch c := data[row+i]; {
			case hides(hidden, row+i):
				dst = append(dst, '*')
			case c >= ' ' && c < 0x7f:
				dst = append(dst, c)
			default:
				dst = append(dst, '.')
			}
		}
		dst = append(dst, '\n')
	}
	return dst
}

// hides reports whether a byte lies in one of the spans.
func hides(spans []popscope.Span, i int) bool {
	for _, s := range spans {
		if s.From <= i && i < s.To {
			return true
		}
	}
	return false
}

// hidden returns what of the frame must not be shown.
func hidden(p *popscope.Packet, show bool) []popscope.Span {
	if show {
		return nil
	}
	return p.Secret
}

// insideHidden returns what of decrypted bytes must not be shown.
func insideHidden(in *popscope.Plaintext, show bool) []popscope.Span {
	if show {
		return nil
	}
	return in.Secret()
}

// hex writes the bytes of a frame, and those that came decrypted out of it.
func (l *packetLines) hex(p *popscope.Packet) {
	l.buf = hexDump(l.buf, p.Data, hidden(p, l.opt.ShowSecrets))
	for i := range p.Inside {
		if in := &p.Inside[i]; in.Lost == 0 {
			l.buf = append(l.buf, "    "...)
			l.buf = append(l.buf, l.paint.dim("decrypted: "+count(len(in.Data), "byte"))...)
			l.buf = append(l.buf, '\n')
			l.buf = hexDump(l.buf, in.Data, insideHidden(in, l.opt.ShowSecrets))
		}
	}
}

// fields writes the headers of a frame and the facts about it as a tree.
func (l *packetLines) fields(p *popscope.Packet) {
	for _, layer := range layersOf(l.tree, p, l.opt.Files, l.opt.ShowSecrets) {
		l.buf = append(l.buf, "    "...)
		l.buf = append(l.buf, l.paint.bold(layer.Name)...)
		l.buf = append(l.buf, '\n')
		for _, f := range layer.Fields {
			l.buf = append(l.buf, "        "...)
			l.buf = append(l.buf, l.paint.dim(f.Name+": ")...)
			l.buf = append(l.buf, f.Value...)
			l.buf = append(l.buf, '\n')
		}
	}
	items := l.items.of(p, l.opt.ShowSecrets)
	notes := noteTexts(p)
	if len(items)+len(notes) > 0 || p.Fragment {
		l.buf = append(l.buf, "    "...)
		l.buf = append(l.buf, l.paint.bold("Post Office Protocol")...)
		l.buf = append(l.buf, '\n')
	}
	for _, n := range notes {
		l.buf = append(append(l.buf, "        ["...), l.paint.yellow(n)...)
		l.buf = append(l.buf, "]\n"...)
	}
	for i := range items {
		if i == maxVerboseItems {
			l.buf = fmt.Appendf(l.buf, "        and %s more\n", count(len(items)-i, "item"))
			break
		}
		l.buf = append(l.buf, "        "...)
		l.buf = l.appendItem(l.buf, &items[i])
		l.buf = append(l.buf, '\n')
	}
}

// maxVerboseItems bounds what is told of one packet: a line of NOOPs in a
// packet of 64 KiB has 10,000.
const maxVerboseItems = 1000
