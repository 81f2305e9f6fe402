package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
)

const (
	maxPacket   = 262144   // libpcap's largest snapshot length: longer records are damage
	maxSnapshot = 16 << 20 // unless the file's own snapshot length allows more, up to here
)

// decoder reads the packets of one file.
type decoder interface {
	// next fills in Nanos, Link, Data, Orig and FileNum; Data is valid
	// until the next call. It returns io.EOF at a clean end, and a
	// *FormatError at damage; neither is followed by another call.
	next(p *Packet) error
	// more fills in packets as next would, as many as lie whole in what has
	// been read of the file; those before stay valid. It may return fewer.
	more(ps []Packet) (n int, err error)
	// records returns how many records were passed that have a number.
	records() int64
	// drops returns the packets that the kernel lost, as the file tells.
	drops() uint64
}

// order is the byte order of a file.
type order struct{ big bool }

func (o order) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if o.big {
		return bits.ReverseBytes16(v)
	}
	return v
}

func (o order) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if o.big {
		return bits.ReverseBytes32(v)
	}
	return v
}

func (o order) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if o.big {
		return bits.ReverseBytes64(v)
	}
	return v
}

// packetLimit returns the longest packet that a file or an interface with
// this snapshot length may hold.
func packetLimit(snapshot uint32) uint32 {
	return max(maxPacket, min(snapshot, maxSnapshot))
}

// wireLength returns the length on the wire. Some writers leave out what
// they captured beyond it, so that it is never less than the captured one.
func wireLength(orig, captured uint32) int {
	return int(min(max(orig, captured), math.MaxInt32))
}

// midway is for ends of the input where there must be none.
func midway(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutShort names what could not be read whole, in the words of the cause.
func cutShort(what string, err error) error {
	return fmt.Errorf("%s cut short: %w", what, midway(err))
}

// impossible is the cause for a length that no packet of the file can have.
func impossible(n uint32) error {
	return fmt.Errorf("impossible packet length %d", n)
}
