package report

import (
	"fmt"

	"popscope"
	"popscope/capture/packet"
)

// layersOf returns the headers of a frame, with what the capture and the
// connection add: the file and the number in it, and relative numbers.
func layersOf(d *packet.Decoder, p *popscope.Packet, files []string, show bool) []packet.Layer {
	layers := d.Tree(&p.Packet)
	if len(hidden(p, show)) > 0 {
		hideChecksums(layers)
	}
	frame := &layers[0]
	if p.File < len(files) && len(files) > 0 {
		frame.Fields = append(frame.Fields, packet.Field{Name: "File", Value: fmt.Sprintf("%s, number %d in it", Inert(files[p.File]), p.FileNum)})
	}
	frame.Fields = append(frame.Fields, packet.Field{Name: "Session", Value: p.Session}, packet.Field{Name: "Sent by", Value: "the " + p.From.String()})
	if n := len(layers); layers[n-1].Name == "Transmission Control Protocol" && !p.Fragment {
		tcp := &layers[n-1]
		var relative []packet.Field
		if p.Seq.Known {
			relative = append(relative, packet.Field{Name: "Sequence number", Value: fmt.Sprintf("%d (relative)", p.Seq.N)})
		}
		if p.Ack.Known {
			relative = append(relative, packet.Field{Name: "Acknowledgment number", Value: fmt.Sprintf("%d (relative)", p.Ack.N)})
		}
		tcp.Fields = append(tcp.Fields, relative...)
	}
	return layers
}

// hideChecksums takes out the checksums that cover what is masked: guesses
// could be tested with them.
func hideChecksums(layers []packet.Layer) {
	for _, l := range layers {
		for i := range l.Fields {
			if f := &l.Fields[i]; f.Name == "Checksum" {
				f.Value = "not shown, since it covers what is masked"
			}
		}
	}
}
