package stream

import (
	"net/netip"
	"time"
)

// Dir says who spoke.
type Dir uint8

// The two directions of a connection; also the index of every [2] array
// that holds something for each of them.
const (
	Client Dir = iota
	Server
)

// String returns "client" or "server".
func (d Dir) String() string { return [...]string{"client", "server"}[d] }

// Other returns the opposite direction.
func (d Dir) Other() Dir { return 1 - d }

// Stamp names a packet of the capture.
type Stamp struct {
	Packet int64 // number on the timeline, from 1; 0 means unknown
	Nanos  int64 // its time in nanoseconds since 1970-01-01 UTC
}

// Time returns the capture time in UTC.
func (s Stamp) Time() time.Time { return time.Unix(0, s.Nanos).UTC() }

// Chunk is a piece of one direction of a stream: bytes, or a loss of
// known length. Data and Lost are never both set.
type Chunk struct {
	Dir       Dir
	Secure    bool   // decrypted from TLS
	Off       int64  // stream offset of the first byte; 0 is the first byte after the SYN, or the first one seen
	Data      []byte // borrowed: valid until the assembler's next call
	Lost      int64  // bytes that the capture does not hold; Data is nil
	At        Stamp  // the packet that brought Data first, or that proved the loss
	PeerAcked int64  // how many bytes of the other direction the sender had received, as a stream offset there; -1 when unknown
}

// Len returns how many bytes of the stream the chunk stands for.
func (c Chunk) Len() int64 { return int64(len(c.Data)) + c.Lost }

// EventKind says what an Event tells.
type EventKind uint8

// Each connection gives one Opened, then its Data, then one Closed.
const (
	Opened EventKind = iota
	Data
	Closed
)

// Event is one step in the life of a connection.
type Event struct {
	Kind   EventKind
	Conn   *Conn // the same pointer in every event of a connection
	Packet int64 // the packet at hand when it came about; Chunk.At may be an earlier one
	Chunk  Chunk // valid iff Kind == Data
}

// CloseReason says how a connection ended.
type CloseReason uint8

// The reasons; NotClosed until the connection is closed, and for those
// open when the capture ended.
const (
	NotClosed CloseReason = iota
	ClosedFIN
	ClosedRST
	ClosedTimeout // idle for too long, or shed at a limit (see Conn.Shed)
)

// String returns the contract's word.
func (r CloseReason) String() string { return [...]string{"open", "fin", "rst", "timeout"}[r] }

// Conflict is a stretch of the stream that was sent twice with different
// bytes. The first copy was delivered.
type Conflict struct {
	Dir           Dir
	Off           int64 // of the first byte that differs
	Length        int64 // of the stretch from the first to the last byte that differs
	First, Second Stamp // the packets that brought the two copies
}

// Dispute is a stretch of one direction of which the capture holds copies
// that differ. Nobody knows which one the receiver took.
type Dispute struct {
	From, To int64 // stream offsets: from the first to behind the last byte that differs
	Lines    bool  // the copies have different numbers of line ends
}

// Conn is one TCP connection. The assembler writes it; the consumer may
// read it at any event and set the fields said to be its own.
type Conn struct {
	Client, Server netip.AddrPort

	// What changes with each packet stands together, in one line of the
	// processor's cache.
	Last    Stamp    // its last packet
	Packets [2]int64 // by sender
	Bytes   [2]int64 // stream bytes delivered, by sender
	Owner   any      // the consumer's own; the assembler does not touch it

	// The consumer's own, too.
	Ignore bool // set: deliver no more data of this connection and buffer nothing for it
	Done   bool // set at the Closed event: nobody will look at the Conn any more, and the assembler may use it for another connection
	Flip   bool // set (when ClientKnown is false, and before any data is used): Client and Server are the wrong way round; the assembler swaps them before it next returns

	Handshake   bool // SYN and SYN-ACK were seen
	Answered    bool // the SYN-ACK was seen: offset 0 is where either direction began
	ClientKnown bool // a SYN told who is the client; otherwise the port numbers did
	Close       CloseReason
	Shed        bool     // closed because a limit on connections was reached
	Lost        [2]int64 // stream bytes lost, by sender
	Path        uint64   // 0 for plain IP; tells apart equal addresses in different VLANs and tunnels
	First       Stamp    // its first packet
	Ended       Stamp    // the packet that ended it; zero while open

	Start   [2]uint32 // TCP sequence numbers of stream offset 0, by sender; valid iff Started, which it is once data was delivered
	Started [2]bool

	Trouble *Trouble // nil as long as there was none; see Transport and Conflicts
}

// Trouble is what only some connections have: it would be almost half of a
// Conn.
type Trouble struct {
	Transport
	Copies []Conflict // the first MaxConflicts of Transport.Conflicts

	// Disputes are all stretches that Transport.Conflicts counts, by sender
	// and in the order of the stream: those that touch are one, and beyond
	// MaxDisputes those that lie closest are. The consumer may take out at
	// any event what it has no more use for.
	Disputes [2][]Dispute
}

// Whole reports whether the connection was seen from its handshake to a FIN
// or RST, with all bytes of both sides.
func (c *Conn) Whole() bool {
	return c.Handshake && (c.Close == ClosedFIN || c.Close == ClosedRST) && c.Lost == [2]int64{} && c.Packets[Client] > 0 && c.Packets[Server] > 0
}

// Transport returns what TCP went through.
func (c *Conn) Transport() Transport {
	if c.Trouble == nil {
		return Transport{}
	}
	return c.Trouble.Transport
}

// Conflicts returns the first MaxConflicts of the overlapping copies that
// differ. Transport.Conflicts counts all.
func (c *Conn) Conflicts() []Conflict {
	if c.Trouble == nil {
		return nil
	}
	return c.Trouble.Copies
}

// Transport counts what TCP went through, by sender where there are two.
type Transport struct {
	Retransmitted [2]int64 // segments whose bytes had all been seen
	OutOfOrder    [2]int64 // segments that arrived before an earlier one
	KeepAlives    [2]int64
	ZeroWindows   [2]int64
	ZeroTime      [2]int64 // nanoseconds during which the sender said that it takes no more bytes
	ResendTime    [2]int64 // nanoseconds of the sender's silence before the segments that Retransmitted counts
	BadChecksums  [2]int64
	Unfilled      [2]int64 // segments with a checksum that the sending machine left to its network card: the capture was made there
	OutOfWindow   [2]int64 // segments too far from the stream to belong to it; dropped
	Late          [2]int64 // data segments that came after the end
	Cut           [2]int64 // segments cut by the snapshot length
	Conflicts     int64    // overlapping copies that differ
	Unverified    int64    // repeated bytes too old to be compared
	BufferLimit   int64    // times a limit on waiting bytes turned a hole into a loss early
}

const (
	// MaxConflicts bounds what Conn.Conflicts returns.
	MaxConflicts = 16
	// MaxDisputes bounds Trouble.Disputes of each direction.
	MaxDisputes = 1024
)
