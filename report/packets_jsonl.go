package report

import (
	"io"
	"strconv"
	"strings"

	"popscope"
	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/pop3parse/secret"
)

// packetRecords writes a `packet` record for each packet, between the run
// record and the summary.
type packetRecords struct {
	jsonl
	opt  PacketOptions
	tree *packet.Decoder
}

func newPacketRecords(w io.Writer, o PacketOptions) *packetRecords {
	r := &packetRecords{opt: o, tree: packet.NewDecoder()}
	r.jsonl = jsonl{w: w, opt: Options{Files: o.Files, Version: o.Version}, want: map[string]bool{"run": true, "summary": true}}
	r.run()
	return r
}

// Close writes the summary.
func (j *packetRecords) Close(s popscope.Summary) error { return j.jsonl.Close(s) }

// Write writes the record of a packet.
func (j *packetRecords) Write(p *popscope.Packet) error {
	j.of("packet", p.Session)
	j.int("number", p.Num)
	j.int("file", int64(p.File))
	j.int("number_in_file", p.FileNum)
	j.nanos("time", p.Nanos)
	j.word("from", p.From.String())
	j.endpoint("src", p.Segment.Src)
	j.endpoint("dst", p.Segment.Dst)
	j.int("frame_bytes", int64(max(p.Orig, len(p.Data))))
	j.int("captured_bytes", int64(len(p.Data)))
	if p.Fragment {
		j.int("fragment_of", p.Whole)
	} else {
		j.segment(p)
	}
	if len(p.Fragments) > 0 {
		j.key("fragments")
		j.buf = append(j.buf, '[')
		for _, n := range p.Fragments {
			j.element(n)
		}
		j.buf = append(j.buf, ']')
	}
	if p.Notes != 0 {
		j.packetNotes(p)
	}
	if len(p.Parts) > 0 {
		j.parts(p)
	}
	if len(p.TLS) > 0 {
		j.records(p)
	}
	if len(p.Inside) > 0 {
		j.decrypted(p)
	}
	if j.opt.Verbose {
		j.layers(p)
	}
	if j.opt.Hex {
		j.hexBytes(p.Data, hidden(p, j.opt.ShowSecrets))
	}
	j.end()
	return j.flush()
}

// endpoint writes one end of a segment.
func (j *packetRecords) endpoint(k string, e packet.Endpoint) {
	j.key(k)
	j.open()
	j.word("ip", e.Addr.Netip().String())
	j.int("port", int64(e.Port))
	j.close()
}

// segment writes the TCP header.
func (j *packetRecords) segment(p *popscope.Packet) {
	s := &p.Segment
	j.key("flags")
	j.buf = append(j.buf, '[')
	for _, f := range tcpFlags {
		if s.Flags&f.flag != 0 {
			j.comma()
			j.buf = append(j.buf, '"')
			j.buf = append(j.buf, strings.ToLower(f.name)...)
			j.buf = append(j.buf, '"')
		}
	}
	j.buf = append(j.buf, ']')
	hasAck := s.Flags&packet.ACK != 0
	if p.Seq.Known {
		j.int("seq", p.Seq.N)
	}
	if hasAck && p.Ack.Known {
		j.int("ack", p.Ack.N)
	}
	j.int("seq_raw", int64(s.Seq))
	if hasAck {
		j.int("ack_raw", int64(s.Ack))
	}
	j.int("window", int64(s.Window))
	j.int("length", int64(s.Length))
}

func (j *packetRecords) element(n int64) {
	j.comma()
	j.buf = strconv.AppendInt(j.buf, n, 10)
}

// packetNotes writes what TCP and the capture did to a packet.
func (j *packetRecords) packetNotes(p *popscope.Packet) {
	j.key("notes")
	j.buf = append(j.buf, '[')
	p.Notes.Each(func(n popscope.PacketNote) {
		j.comma()
		j.buf = append(j.buf, '"')
		j.buf = append(j.buf, n.String()...)
		j.buf = append(j.buf, '"')
	})
	j.buf = append(j.buf, ']')
	if p.Notes.Has(popscope.GapBefore) {
		j.int("lost_before", p.Gap)
	}
	if p.Notes.Has(popscope.Conflicting) {
		j.packet("first_copy", p.First)
	}
}

// parts writes what the payload is made of.
func (j *packetRecords) parts(p *popscope.Packet) {
	j.partList(p.Parts, p.Off, p.Segment.Payload, p.Hides)
	if p.Continued() {
		j.bool("continued", true)
	}
	if p.GoesOn() {
		j.bool("goes_on", true)
	}
}

// partList writes what data is made of, which begins at an offset. The text
// of lines stands there; data is told by its length.
func (j *packetRecords) partList(parts []pop3parse.Stretch, off int64, data []byte, hides func(*pop3parse.Stretch) bool) {
	j.key("parts")
	j.buf = append(j.buf, '[')
	for i := range parts {
		s := &parts[i]
		j.comma()
		j.open()
		j.word("part", s.Part.String())
		j.int("offset", s.Off)
		j.int("length", s.Len)
		if s.Greeting {
			j.bool("greeting", true)
		}
		if s.Exchange > 0 {
			j.int("exchange", int64(s.Exchange))
		}
		if s.Verb != "" {
			j.str("verb", string(s.Verb))
		}
		hide := hides(s) && !j.opt.ShowSecrets
		switch s.Part {
		case pop3parse.Keyword, pop3parse.Args, pop3parse.Indicator, pop3parse.Words, pop3parse.SASLData, pop3parse.Rows:
			text := []byte(secret.Mask)
			if !hide {
				from := s.Off - off
				text = data[from : from+s.Len]
			}
			j.maskable("text", text, !hide)
		case pop3parse.Mail:
			j.int("message", int64(s.Number))
			j.int("message_offset", s.At)
			if s.Announced >= 0 {
				j.int("announced_octets", s.Announced)
			}
		}
		if hides(s) {
			j.bool("secret", true)
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// decrypted writes what the TLS records hold that end in the packet.
func (j *packetRecords) decrypted(p *popscope.Packet) {
	j.key("decrypted")
	j.buf = append(j.buf, '[')
	for i := range p.Inside {
		in := &p.Inside[i]
		j.comma()
		j.open()
		j.int("offset", in.Off)
		if in.Lost > 0 {
			j.int("lost", in.Lost)
			j.close()
			continue
		}
		j.int("length", int64(len(in.Data)))
		if len(in.Parts) > 0 {
			j.partList(in.Parts, in.Off, in.Data, in.Hides)
		}
		if in.Continued() {
			j.bool("continued", true)
		}
		if in.GoesOn() {
			j.bool("goes_on", true)
		}
		if j.opt.Hex {
			j.hexBytes(in.Data, insideHidden(in, j.opt.ShowSecrets))
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// records writes the TLS records that the packet holds bytes of.
func (j *packetRecords) records(p *popscope.Packet) {
	j.key("tls")
	j.buf = append(j.buf, '[')
	for i := range p.TLS {
		r := &p.TLS[i]
		j.comma()
		j.open()
		j.int("offset", r.Off)
		j.int("length", r.Len)
		j.word("type", r.TypeName())
		j.word("name", r.String())
		if r.Off < p.Off {
			j.bool("continued", true)
		}
		if r.Opened {
			j.bool("decrypted", true)
			j.word("content", r.ContentName())
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// layers writes the headers with their fields.
func (j *packetRecords) layers(p *popscope.Packet) {
	j.key("layers")
	j.buf = append(j.buf, '[')
	for _, l := range layersOf(j.tree, p, nil, j.opt.ShowSecrets) {
		j.comma()
		j.open()
		j.str("name", l.Name)
		if l.Offset >= 0 && l.Length > 0 {
			j.int("offset", int64(l.Offset))
			j.int("length", int64(l.Length))
		}
		j.key("fields")
		j.buf = append(j.buf, '[')
		for _, f := range l.Fields {
			j.comma()
			j.open()
			j.str("name", f.Name)
			j.str("value", f.Value)
			j.close()
		}
		j.buf = append(j.buf, ']')
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// hexBytes writes bytes, two characters each; ** is one that is masked.
func (j *packetRecords) hexBytes(data []byte, spans []popscope.Span) {
	j.key("hex")
	j.buf = append(j.buf, '"')
	for i, b := range data {
		if hides(spans, i) {
			j.buf = append(j.buf, '*', '*')
		} else {
			j.buf = appendHex(j.buf, uint32(b), 2)
		}
	}
	j.buf = append(j.buf, '"')
}
