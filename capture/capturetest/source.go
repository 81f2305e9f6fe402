package capturetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"popscope/capture"
)

// Source returns the packets as a capture.Source. Each packet's Data lies
// in one buffer that the next call overwrites, as the rules of Source
// allow: who keeps borrowed bytes is found out. The packets themselves are
// not changed.
func Source(packets []capture.Packet) capture.Source { return &source{packets: packets} }

type source struct {
	packets []capture.Packet
	buf     []byte
}

// Next fills in the next packet, or returns io.EOF.
func (s *source) Next(p *capture.Packet) error {
	for i := range s.buf {
		s.buf[i] = 0xdb
	}
	if len(s.packets) == 0 {
		return io.EOF
	}
	*p = s.packets[0]
	s.packets = s.packets[1:]
	s.buf = append(s.buf[:0], p.Data...)
	p.Data = s.buf[:len(s.buf):len(s.buf)]
	return nil
}

// Source returns the dialog as a capture in Ethernet frames, with the drops,
// the fragments and the damage that it says the capture has.
func (d *Dialog) Source() capture.Source {
	s := &dialogSource{source: source{packets: append(d.fragments(), d.trace.Packets(Plain())...)}, drops: uint64(d.Drops)}
	for i := range s.packets {
		s.packets[i].Num, s.packets[i].FileNum = int64(i+1), int64(i+1)
	}
	if d.Damaged {
		s.err = &capture.FormatError{File: d.Name, Packet: int64(len(s.packets) + 1), Err: errors.New("cut short")}
	}
	return s
}

type dialogSource struct {
	source
	drops uint64
	err   error // at the end
}

// Next fills in the next packet, or returns the damage and then io.EOF.
func (s *dialogSource) Next(p *capture.Packet) error {
	err := s.source.Next(p)
	if err == io.EOF && s.err != nil {
		err, s.err = s.err, nil
	}
	return err
}

// Drops returns how many packets were dropped.
func (s *dialogSource) Drops() uint64 { return s.drops }

// What Dialog.Fragments may say of the copy of a fragment.
const (
	FragmentsSame   = "same"
	FragmentsDiffer = "differ"
)

// fragments returns an IP datagram of no connection in two fragments, of
// which the first one comes twice.
func (d *Dialog) fragments() []capture.Packet {
	if d.Fragments == "" || len(d.trace) == 0 {
		return nil
	}
	s := &d.trace[0]
	f := Frame{Data: make([]byte, 64), Next: nextUDP, Src: s.src().Addr(), Dst: s.dst().Addr(), FromClient: s.FromClient, ID: 1}
	frames := Stack(Ethernet(), IP(IPOptions{MTU: 80}))(f)
	twice := Frame{Data: bytes.Clone(frames[0].Data)}
	if d.Fragments == FragmentsDiffer {
		twice.Data[len(twice.Data)-1] ^= 1
	}
	var out []capture.Packet
	for _, f := range append([]Frame{frames[0], twice}, frames[1:]...) {
		out = append(out, capture.Packet{Nanos: s.Nanos, Link: capture.LinkEthernet, Data: f.Data, Orig: len(f.Data)})
	}
	return out
}

// WritePcap writes the packets as a classic capture file with times in
// nanoseconds. All must have the link type of the first one.
func WritePcap(w io.Writer, packets []capture.Packet) error {
	const (
		magic   = 0xa1b23c4d // nanoseconds
		snaplen = 262144
	)
	link := capture.LinkEthernet
	if len(packets) > 0 {
		link = packets[0].Link
	}
	le := binary.LittleEndian
	b := le.AppendUint32(nil, magic)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, snaplen)
	b = le.AppendUint32(b, uint32(link))
	for _, p := range packets {
		if p.Link != link {
			return fmt.Errorf("capturetest: packet %d: link type %v in a file of %v", p.Num, p.Link, link)
		}
		t := p.Time()
		b = le.AppendUint32(b, uint32(t.Unix()))
		b = le.AppendUint32(b, uint32(t.Nanosecond()))
		b = le.AppendUint32(b, uint32(len(p.Data)))
		b = le.AppendUint32(b, uint32(p.Orig))
		b = append(b, p.Data...)
	}
	_, err := w.Write(b)
	return err
}
