package pop3layer

import (
	"bytes"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
)

// number is ours among the layer types of applications, which gopacket
// leaves from 1000 to 1999.
const number = 1939 // as the RFC

// LayerType is the layer type of POP3 in gopacket's registry.
var LayerType = gopacket.RegisterLayerType(number, gopacket.LayerTypeMetadata{Name: "POP3", Decoder: gopacket.DecodeFunc(decode)})

// UsePort makes gopacket decode what follows a TCP header with this port as
// POP3. It changes a table of gopacket's that is global; call it before
// anything is decoded. Of a segment with two ports gopacket asks for the
// destination's decoder first.
func UsePort(port uint16) { layers.RegisterTCPPortLayerType(layers.TCPPort(port), LayerType) }

// Kind says what a line looks like.
type Kind uint8

// What a line can look like.
const (
	Data      Kind = iota // none of the others: a row, a line of a message, a SASL response
	Command               // it begins with a verb that a standard or dialect has
	Reply                 // +OK or -ERR
	Challenge             // + of a SASL dialogue
)

// String returns the kind as a word.
func (k Kind) String() string { return [...]string{"data", "command", "reply", "challenge"}[k] }

// Line is one line of a packet. Its bytes are those of the packet.
type Line struct {
	Kind   Kind
	Verb   pop3parse.Verb   // valid iff Kind == Command: in upper case
	Status pop3parse.Status // valid iff Kind == Reply
	Text   secret.Text      // what follows verb or status; of Data the whole line
	Cut    bool             // the packet ends before the line does
}

// String returns the line with masks in place of secrets.
func (l Line) String() string {
	head := ""
	switch l.Kind {
	case Command:
		head = string(l.Verb)
	case Reply:
		head = l.Status.String()
	case Challenge:
		head = "+"
	default:
		return l.Text.String()
	}
	if l.Text.Empty() {
		return head
	}
	return head + " " + l.Text.String()
}

// POP3 is the POP3 in one packet. It implements gopacket.ApplicationLayer
// and gopacket.DecodingLayer.
type POP3 struct {
	layers.BaseLayer
	Lines []Line
	TLS   bool // the packet holds TLS records, or their middle; there are no lines
}

// LayerType returns LayerType.
func (*POP3) LayerType() gopacket.LayerType { return LayerType }

// CanDecode returns LayerType.
func (*POP3) CanDecode() gopacket.LayerClass { return LayerType }

// NextLayerType says that nothing follows.
func (*POP3) NextLayerType() gopacket.LayerType { return gopacket.LayerTypeZero }

// Payload returns the packet's bytes, for gopacket.ApplicationLayer.
func (p *POP3) Payload() []byte { return p.Contents }

// DecodeFromBytes reads the payload of a TCP segment. It never fails, keeps
// data, and uses the memory of Lines again.
func (p *POP3) DecodeFromBytes(data []byte, _ gopacket.DecodeFeedback) error {
	p.BaseLayer = layers.BaseLayer{Contents: data}
	p.Lines = p.Lines[:0]
	p.TLS = isTLS(data)
	for rest := data; len(rest) > 0 && !p.TLS; {
		line, next, whole := bytes.Cut(rest, []byte("\n"))
		p.Lines = append(p.Lines, read(bytes.TrimSuffix(line, []byte("\r")), !whole))
		rest = next
	}
	return nil
}

// isTLS reports whether data begins like a TLS record of any type (RFC 8446
// section 5.1). No line of text does.
func isTLS(data []byte) bool {
	return len(data) > 2 && 0x14 <= data[0] && data[0] <= 0x17 && data[1] == 3 && data[2] <= 4
}

// read tells what a line looks like.
func read(line []byte, cut bool) Line {
	if status, text, ok := pop3parse.ReadStatus(line); ok {
		l := Line{Kind: Reply, Status: status, Text: secret.NewText(text), Cut: cut}
		if status == pop3parse.NoReply {
			l.Kind = Challenge
		}
		return l
	}
	if verb, args, ok := pop3parse.ReadCommand(line); ok {
		return Line{Kind: Command, Verb: verb, Text: args, Cut: cut}
	}
	return Line{Text: secret.NewText(line), Cut: cut}
}

func decode(data []byte, b gopacket.PacketBuilder) error {
	p := &POP3{}
	if err := p.DecodeFromBytes(data, b); err != nil {
		return err
	}
	b.AddLayer(p)
	b.SetApplicationLayer(p)
	return nil
}
