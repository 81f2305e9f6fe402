package popscope

import (
	"io"
	"math"
	"testing"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// TestSilences: what passes between two packets is told in as many steps as
// there are, however far apart their times are, and none of it when the time
// goes back.
func TestSilences(t *testing.T) {
	const second = int64(1e9)
	for _, tt := range []struct {
		from, to int64
		want     int // turns before the second packet
	}{
		{0, second - 1, 0},
		{0, second, 1},
		{0, 2 * second, 2},
		{0, 9 * second, 3},
		{0, 10 * second, 4},
		{-5 * second, 5 * second, 4},
		{math.MinInt64, math.MaxInt64, 4},
		{-5e18, 5e18, 4},
		{5 * second, -5 * second, 0},
		{math.MaxInt64, math.MinInt64, 0},
	} {
		s := &silenceSink{}
		o := Options{}.withDefaults()
		newIntake(&o).read(&timed{tt.from, tt.to}, s)
		// After the end a long silence is told, as far as there is room for one.
		if got := s.quiet - s.atEnd(tt.to); got != tt.want {
			t.Errorf("from %d to %d: %d silences, want %d", tt.from, tt.to, got, tt.want)
		}
	}
}

// timed is a source of packets that are nothing, at these times.
type timed []int64

func (s *timed) Next(p *capture.Packet) error {
	if len(*s) == 0 {
		return io.EOF
	}
	*p = capture.Packet{Nanos: (*s)[0], Link: capture.LinkEthernet}
	*s = (*s)[1:]
	return nil
}

// silenceSink counts silences.
type silenceSink struct{ quiet int }

// atEnd returns how many of them come after a last packet.
func (s *silenceSink) atEnd(last int64) int {
	if last == math.MaxInt64 {
		return 0
	}
	return len(silences)
}

func (s *silenceSink) segment(*packet.Segment, int, stream.Stamp, int64) {}
func (s *silenceSink) leftOut(int, stream.Stamp)                         {}
func (s *silenceSink) fail(error) bool                                   { return true }

func (s *silenceSink) turn(n news) bool {
	if n.quiet > 0 {
		s.quiet++
	}
	return true
}
