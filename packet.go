package popscope

import (
	"popscope/capture"
	"popscope/capture/packet"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
	"popscope/reassembly/tlsdec"
)

// Packet is one packet of a POP3 connection with what it carries: see
// Analyzer.Packets. It and all that it refers to are valid until the next
// one is asked for.
type Packet struct {
	capture.Packet
	Session      string
	CaptureStart int64        // time of the first packet of the capture, in nanoseconds since 1970-01-01 UTC
	Conn         *stream.Conn // as it was known when the packet was handed on
	From         stream.Dir

	// The TCP segment. Of a datagram in fragments it is that of the whole
	// datagram, and goes with the fragment that completed it.
	Segment  packet.Segment
	Notes    PacketNotes
	Seq, Ack Relative
	Off      int64 // stream offset of Segment.Payload[0]; valid iff Seq.Known
	Gap      int64 // stream bytes directly before it that the capture does not hold
	First    int64 // the packet that brought the copy that counts; valid iff Notes has Conflicting

	// Parts says what the bytes of Segment.Payload are: clipped to it, in
	// order, without overlap. What no part covers nobody could make sense
	// of, and it may hold a secret. Stretches of pop3parse.TLS are taken
	// apart in TLS. From and to say whether the first part began in an
	// earlier packet, and whether the last one goes on in a later one.
	Parts    []pop3parse.Stretch
	TLS      []tlsdec.Record
	from, to bool

	// Inside is what the TLS records hold that end in the packet, as far as
	// they were opened; in order.
	Inside []Plaintext

	// Secret lists what of Data must not be shown, in order.
	Secret []Span

	Fragment  bool    // it holds a fragment of the datagram that packet Whole completed
	Whole     int64   // valid iff Fragment
	Fragments []int64 // the packets that hold the other fragments of a datagram that is completed here
}

// Continued reports whether the packet's first part began in an earlier
// packet.
func (p *Packet) Continued() bool { return p.from }

// GoesOn reports whether the packet's last part goes on in a later packet.
func (p *Packet) GoesOn() bool { return p.to }

// Relative is a sequence number counted from the SYN's, which is 0; or from
// one before the first byte that was captured, if the SYN was not: so the
// first byte of a stream is 1, as in Wireshark.
type Relative struct {
	N     int64
	Known bool
}

// Span is a range of bytes of Packet.Data: those from From up to, not
// including, To.
type Span struct{ From, To int }

// PacketNote is a fact about one packet.
type PacketNote uint8

// What TCP and the capture did to a packet. Names are part of the records.
const (
	Retransmission PacketNote = iota // all that it brings had been seen
	PartlySeen                       // some of its bytes had been seen
	OutOfOrder                       // it fills a hole before bytes that came earlier
	GapBefore                        // bytes before it are not in the capture; see Packet.Gap
	KeepAlive
	ZeroWindow     // its sender can take no more
	WindowUpdate   // an acknowledgement that tells a new window only
	DuplicateAck   // the same acknowledgement again
	Conflicting    // its bytes differ from the copy that counts
	OutOfWindow    // not part of the stream: too far from it, or refuted
	AfterEnd       // it came when the connection had ended
	BadChecksum    // of TCP; that of Unfilled is another thing
	Unfilled       // its TCP checksum was left to the network card
	CutBySnaplen   // not all of it was captured
	numPacketNotes = iota
)

var packetNoteNames = [numPacketNotes]string{
	"retransmission", "partly_seen", "out_of_order", "gap_before", "keep_alive", "zero_window", "window_update",
	"duplicate_ack", "conflicting", "out_of_window", "after_end", "bad_checksum", "unfilled_checksum", "cut_by_snaplen",
}

// String returns the name used in records.
func (n PacketNote) String() string { return packetNoteNames[n] }

// PacketNotes is a set of PacketNote.
type PacketNotes uint32

// Add puts n into the set.
func (s *PacketNotes) Add(n PacketNote) { *s |= 1 << n }

// Has reports whether n is in the set.
func (s PacketNotes) Has(n PacketNote) bool { return s&(1<<n) != 0 }

// Each calls f for every note of the set, in order.
func (s PacketNotes) Each(f func(PacketNote)) {
	for n := range PacketNote(numPacketNotes) {
		if s.Has(n) {
			f(n)
		}
	}
}
