package reassembly

import (
	"math"
	"time"
)

// Limits bound what an Assembler keeps. In every field 0 means the
// documented default and a negative number means no limit.
type Limits struct {
	// DirectionBytes bounds the bytes that wait behind a hole in one
	// direction of one connection; default 4 MiB. Each waiting segment
	// counts for 128 bytes more than it carries. When it is reached, the
	// first hole of that direction is given up as lost.
	DirectionBytes int

	// TotalBytes bounds the same over all connections; default 64 MiB.
	// When it is reached, the hole that has made no progress for longest
	// is given up.
	TotalBytes int

	// Connections bounds the connections open at once; default 131,072,
	// at about 600 bytes each. When it is reached, the one unused for
	// longest is closed (stream.Conn.Shed), those first that the consumer
	// ignores, then those that are closing anyway.
	Connections int

	// HalfOpen bounds the connections of which nothing but a SYN was seen,
	// at about 160 bytes each; default 65,536. The oldest is forgotten
	// first. A forgotten one that is answered after all is still followed.
	HalfOpen int

	// Tombstones bounds what is remembered of connections already
	// reported, so that their late packets do not open new ones; default
	// 16,384, at about 160 bytes each.
	Tombstones int

	// Idle is how long a connection may go without a packet, by capture
	// time, before it is closed (stream.ClosedTimeout); default 30
	// minutes, three times the shortest autologout timer that RFC 1939
	// section 3 allows. It is kept to within 1/32 of itself.
	Idle time.Duration

	// HalfOpenIdle is the same for half-open connections, for tombstones,
	// and for connections that seem to have ended, though the capture
	// lacks a FIN (these are closed as stream.ClosedFIN); default 2
	// minutes.
	HalfOpenIdle time.Duration

	// Linger is how long a closed connection still takes late packets, by
	// capture time, before it is reported; default 1 second. After 262,144
	// packets it is reported all the same.
	Linger time.Duration

	// LingerConnections bounds how many do so at once; default 1024.
	LingerConnections int

	// DirectionHistory bounds the delivered bytes that are kept of each
	// direction, for comparing retransmissions with; default 4 KiB,
	// rounded up to a power of two. They are those of the last 16 chunks
	// at most.
	DirectionHistory int

	// HistoryBytes bounds the history of all connections; default 8 MiB,
	// with 512 bytes counted for each direction. When it is reached, the
	// history that was begun first is dropped.
	HistoryBytes int

	// Ports are the servers' ports. Without a SYN, the side that uses one
	// of them is the server. Default 110 and 995.
	Ports []uint16
}

func (l Limits) withDefaults() Limits {
	limit(&l.DirectionBytes, 4<<20, noLimit)
	limit(&l.TotalBytes, 64<<20, noLimit)
	limit(&l.Connections, 1<<17, noLimit)
	limit(&l.HalfOpen, 1<<16, noLimit)
	limit(&l.Tombstones, 1<<14, noLimit)
	limit(&l.Idle, 30*time.Minute, noTimeLimit)
	limit(&l.HalfOpenIdle, 2*time.Minute, noTimeLimit)
	limit(&l.Linger, time.Second, noTimeLimit)
	limit(&l.LingerConnections, 1024, noLimit)
	limit(&l.DirectionHistory, 4<<10, noLimit)
	limit(&l.HistoryBytes, 8<<20, noLimit)
	if l.Ports == nil {
		l.Ports = []uint16{110, 995}
	}
	return l
}

// Half of the largest number each, so that sums with them are safe.
const (
	noLimit     = math.MaxInt / 2
	noTimeLimit = time.Duration(math.MaxInt64 / 2)
)

func limit[N int | time.Duration](n *N, def, none N) {
	switch {
	case *n == 0:
		*n = def
	case *n < 0 || *n > none:
		*n = none
	}
}

// Stats says what an Assembler holds now and what it did.
type Stats struct {
	Connections  int // followed now; those that have ended and linger are among them
	Lingering    int // ended, and not reported yet
	HalfOpen     int // known by a SYN only
	Tombstones   int // reported, and remembered for their late packets
	WaitingBytes int // waiting behind holes, as Limits.DirectionBytes counts them
	HistoryBytes int // kept of delivered bytes, as Limits.HistoryBytes counts them

	Segments    int64 // given to Segment
	Opened      int64 // connections reported with an Opened event
	Silent      int64 // connections and attempts that ended without a byte; they give no events
	Shed        int64 // connections closed at Limits.Connections, silent ones too
	ShedHalf    int64 // half-open connections forgotten at Limits.HalfOpen
	TimedOut    int64 // connections closed at Limits.Idle, silent ones too
	Stray       int64 // segments that belong to no connection: resets, late packets after the report
	BufferLimit int64 // holes given up at Limits.DirectionBytes or Limits.TotalBytes
}
