package popscope

import (
	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

// intake turns frames into TCP segments, puts IP fragments together, and
// counts what is neither.
type intake struct {
	dec      *packet.Decoder
	frags    *reassembly.Defragmenter
	ports    *portSet
	portOnly bool
	oneByOne bool // somebody sees what comes of a packet before the next one is read

	seg   packet.Segment
	frag  packet.Fragment
	at    stream.Stamp // of the last packet
	waits bool         // which is a fragment that waits for others
	keys  secrets
	mark  int64 // of the key log, when the source was asked last

	bypass   *bypass                                   // nil if every segment is wanted
	fragment func(f *packet.Fragment, datagram []byte) // told of each fragment, and of the datagram that it completes; may be nil

	count, bytes int64
	round        round
	recent       [clockPackets]int64 // times of the last packets
	quiet        int                 // how many of silences were told since the last packet
	idle         int64               // how long a connection may be idle, in nanoseconds
	told         int64               // see waited
	first, last  int64               // earliest and latest packet time
	start        int64               // time of the first packet
	verdicts     [packet.Encrypted + 1]int64
	unread       Unread
	otherPorts   int64
}

func newIntake(o *Options) *intake {
	dec := packet.NewDecoder()
	dec.LeaveChecksums = true
	return &intake{
		dec: dec, frags: reassembly.NewDefragmenter(0, 0, 0),
		ports: newPortSet(o.Ports), portOnly: o.Detect == DetectPorts, oneByOne: o.Tap != nil,
		keys: secrets{log: o.Keys},
		idle: int64(o.Limits.Reassembly.Share(1).Idle),
	}
}

// packet reads one frame. The segment is valid until the next call; its
// checksum is left to whoever needs it.
func (in *intake) packet(p *capture.Packet) (*packet.Segment, bool) {
	in.at = stream.Stamp{Packet: p.Num, Nanos: p.Nanos}
	in.waits = false
	if in.count == 0 {
		in.first, in.last, in.start = p.Nanos, p.Nanos, p.Nanos
	}
	in.first, in.last = min(in.first, p.Nanos), max(in.last, p.Nanos)
	in.recent[in.count%clockPackets] = p.Nanos
	in.count++
	in.quiet = 0
	in.round.add(p)
	in.bytes += int64(p.Orig)

	v := in.dec.Decode(p, &in.seg, &in.frag)
	// A datagram put together may hold a tunnel whose inner packet is a
	// fragment again, and so on; packet.Decoder bounds the depth.
	for v == packet.IsFragment {
		f := in.frag
		payload, length, done := in.frags.Add(&f, in.at)
		if in.fragment != nil {
			in.fragment(&f, payload)
		}
		if !done {
			in.waits = true
			return nil, false
		}
		v = in.dec.Datagram(&f, payload, length, &in.seg, &in.frag)
	}
	if v != packet.IsSegment {
		in.verdicts[v]++
		in.unread.add(v, p)
		return nil, false
	}
	if in.portOnly && !in.ports.has(in.seg.Src.Port) && !in.ports.has(in.seg.Dst.Port) {
		in.otherPorts++
		return nil, false
	}
	return &in.seg, true
}

// ignored returns what was no TCP segment to look at, in packets by reason.
func (in *intake) ignored() map[string]int64 {
	out := make(map[string]int64)
	for v, n := range in.verdicts {
		if n > 0 {
			out[packet.Verdict(v).String()] = n
		}
	}
	if in.otherPorts > 0 {
		out["other_port"] = in.otherPorts
	}
	st := in.frags.Stats()
	for reason, n := range map[string]int64{
		"fragments_incomplete": st.TimedOut + st.Shed + st.Waiting, "fragments_overlapping": st.Conflicts, "fragments_malformed": st.Malformed,
	} {
		if n > 0 {
			out[reason] = n
		}
	}
	return out
}

// portSet is a set of port numbers.
type portSet [1 << 16 / 64]uint64

func newPortSet(ports []uint16) *portSet {
	s := new(portSet)
	for _, p := range ports {
		s[p/64] |= 1 << (p % 64)
	}
	return s
}

func (s *portSet) has(p uint16) bool { return s[p/64]&(1<<(p%64)) != 0 }
