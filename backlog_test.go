package popscope

import (
	"math"
	"reflect"
	"testing"

	"popscope/reassembly/stream"
)

// TestBacklogGivesBackWhatItTook: every field of a chunk comes back, also
// where times and packets go backwards, and next can be asked in between.
func TestBacklogGivesBackWhatItTook(t *testing.T) {
	in := []stream.Chunk{
		{Dir: stream.Server, Data: []byte("+OK ready\r\n"), At: stream.Stamp{Packet: 4, Nanos: 1_700_000_000_000_000_000}},
		{Dir: stream.Client, Data: []byte("USER alice\r\n"), At: stream.Stamp{Packet: 9, Nanos: 1_700_000_000_100_000_000}, PeerAcked: 11},
		{Dir: stream.Server, Off: 11, Lost: 1 << 40, At: stream.Stamp{Packet: 8, Nanos: 1_699_999_999_000_000_000}, PeerAcked: -1},
		{Dir: stream.Server, Secure: true, Off: 11 + 1<<40, Data: make([]byte, 300), At: stream.Stamp{Packet: math.MaxInt64, Nanos: math.MinInt64}, PeerAcked: 1 << 50},
		{Dir: stream.Client, Off: 12, Data: []byte{0}, At: stream.Stamp{Packet: 1, Nanos: math.MaxInt64}},
	}
	for _, flip := range []bool{false, true} {
		var b backlog
		var spare buffers
		var from backlogMark
		var out []stream.Chunk
		take := func() {
			for ch, ok := b.next(&from); ok; ch, ok = b.next(&from) {
				out = append(out, ch)
			}
		}
		for i, ch := range in {
			b.add(&ch, &spare)
			if i%2 == 0 {
				take()
			}
		}
		take()
		if !reflect.DeepEqual(out, in) {
			t.Errorf("%+v came back as %+v", in, out)
		}
		from, b.flip = backlogMark{}, flip
		out = nil
		take()
		for i := range in {
			want := in[i]
			if flip {
				want.Dir = want.Dir.Other()
			}
			if !reflect.DeepEqual(out[i], want) {
				t.Errorf("anew, flip %v: %+v came back as %+v", flip, want, out[i])
			}
		}
	}
}
