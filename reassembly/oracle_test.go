package reassembly

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/tcpassembly"

	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// oracle collects what another assembler makes of one direction.
type oracle struct{ data []byte }

func (o *oracle) Reassembled(rs []tcpassembly.Reassembly) {
	for _, r := range rs {
		o.data = append(o.data, r.Bytes...)
	}
}

func (o *oracle) ReassemblyComplete() {}

func (o *oracle) New(_, transport gopacket.Flow) tcpassembly.Stream {
	return o
}

// TestAgainstTCPAssembly gives the same streams without losses, in segments
// that are split, swapped and repeated, to this package and to gopacket's
// tcpassembly.
func TestAgainstTCPAssembly(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 6))
		want := make([]byte, 1+r.IntN(20000))
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		isn := r.Uint32()
		if seed%2 == 0 {
			isn = -r.Uint32N(20000) // wraps on the way
		}
		type seg struct {
			off, end int
		}
		var segs []seg
		for off := 0; off < len(want); {
			n := min(1+r.IntN(1500), len(want)-off)
			segs = append(segs, seg{off, off + n})
			if r.IntN(10) == 0 {
				from := r.IntN(off + n)
				segs = append(segs, seg{from, min(off+n, from+1+r.IntN(1500))})
			}
			off += n
		}
		for i := range segs {
			if j := i + r.IntN(6); j < len(segs) {
				segs[i], segs[j] = segs[j], segs[i]
			}
		}

		theirs := &oracle{}
		other := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(theirs))
		net := gopacket.NewFlow(layers.EndpointIPv4, []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2})
		a := New(Limits{})
		var ours []byte
		n := int64(0)
		send := func(off, end int, syn bool) {
			tcp := &layers.TCP{SrcPort: 50000, DstPort: 110, Seq: isn + 1 + uint32(off), ACK: !syn, SYN: syn}
			s := packet.Segment{
				Src: packet.Endpoint{Addr: testAddr(1), Port: 50000}, Dst: packet.Endpoint{Addr: testAddr(2), Port: 110},
				Seq: tcp.Seq, Flags: packet.PSH, Payload: want[off:end], Length: end - off,
			}
			if syn {
				tcp.Seq, s.Seq, s.Flags = isn, isn, packet.SYN
			}
			tcp.Payload = want[off:end]
			tcp.SetInternalPortsForTesting()
			other.AssembleWithTimestamp(net, tcp, time.Unix(n, 0))
			n++
			a.Segment(&s, stream.Stamp{Packet: n})
			for e := a.Next(); e != nil; e = a.Next() {
				ours = append(ours, e.Chunk.Data...)
			}
		}
		send(0, 0, true)
		for _, s := range segs {
			send(s.off, s.end, false)
		}
		a.Close()
		for e := a.Next(); e != nil; e = a.Next() {
			ours = append(ours, e.Chunk.Data...)
		}
		if !bytes.Equal(ours, want) {
			t.Fatalf("seed %d: %d bytes came out of ours, want %d", seed, len(ours), len(want))
		}
		if !bytes.Equal(ours, theirs.data) {
			t.Fatalf("seed %d: %d bytes came out of ours, %d out of tcpassembly", seed, len(ours), len(theirs.data))
		}
	}
}
