package popscope

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"popscope/reassembly/stream"
)

// backlog holds chunks of one connection, packed closely: most sessions are
// short, and are read in one go when they are over. Until then they take a
// few hundred bytes, and what reads them stays in the processor's cache.
type backlog struct {
	packed []byte
	last   stream.Stamp // of the chunk added last
	chunks int32
	flip   bool // client and server were exchanged
}

// backlogMark is a place between two chunks.
type backlogMark struct {
	at     int // in backlog.packed
	chunks int
	bytes  int // of the stream
	last   stream.Stamp
}

// How a chunk begins.
const (
	packedServer = 1 << iota
	packedSecure
	packedLoss
)

// add keeps a chunk with a copy of its bytes. What it has no room for gets
// a larger buffer, and the old one is for others.
func (b *backlog) add(ch *stream.Chunk, spare *buffers) {
	kind, n := byte(0), uint64(len(ch.Data))
	if (ch.Dir == stream.Server) != b.flip {
		kind |= packedServer
	}
	if ch.Secure {
		kind |= packedSecure
	}
	if ch.Lost > 0 {
		kind, n = kind|packedLoss, uint64(ch.Lost)
	}
	off, acked := uint64(ch.Off), uint64(ch.PeerAcked+1)
	packets, nanos := zigzag(ch.At.Packet-b.last.Packet), zigzag(ch.At.Nanos-b.last.Nanos)
	p := b.packed
	if size := len(p) + 1 + varintLen(n) + varintLen(off) + varintLen(acked) + varintLen(packets) + varintLen(nanos) + len(ch.Data); size > cap(p) {
		p = append(spare.take(size), p...)
		spare.put(b.packed)
	}
	p = binary.AppendUvarint(append(p, kind), n)
	p = binary.AppendUvarint(p, off)
	p = binary.AppendUvarint(p, acked)
	p = binary.AppendUvarint(p, packets)
	p = binary.AppendUvarint(p, nanos)
	b.packed = append(p, ch.Data...)
	b.last = ch.At
	b.chunks++
}

// zigzag makes small numbers of small ones, as a varint has them.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// varintLen returns how many bytes a number takes.
func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// next returns the chunk behind a mark, which it moves on. The chunk borrows
// its bytes.
func (b *backlog) next(m *backlogMark) (ch stream.Chunk, ok bool) {
	if m.at == len(b.packed) {
		return ch, false
	}
	kind := b.packed[m.at]
	m.at++
	if (kind&packedServer != 0) != b.flip {
		ch.Dir = stream.Server
	}
	ch.Secure = kind&packedSecure != 0
	n := m.uvarint(b.packed)
	ch.Off = int64(m.uvarint(b.packed))
	ch.PeerAcked = int64(m.uvarint(b.packed)) - 1
	m.last.Packet += m.varint(b.packed)
	m.last.Nanos += m.varint(b.packed)
	ch.At = m.last
	if kind&packedLoss != 0 {
		ch.Lost = int64(n)
	} else {
		to := m.at + int(n)
		ch.Data = b.packed[m.at:to:to]
		m.at = to
	}
	m.chunks++
	m.bytes += len(ch.Data)
	return ch, true
}

func (m *backlogMark) uvarint(packed []byte) uint64 {
	if v := packed[m.at]; v < 0x80 {
		m.at++
		return uint64(v)
	}
	v, n := binary.Uvarint(packed[m.at:])
	m.at += n
	return v
}

func (m *backlogMark) varint(packed []byte) int64 {
	v := m.uvarint(packed)
	return int64(v>>1) ^ -int64(v&1)
}

// How much waits to be read in one go: all of a session that looks for mail,
// and no message.
const (
	longBacklog       = 2 << 10 // bytes, as they are packed
	longBacklogChunks = 128
)

// isLong reports whether it is time to begin to read.
func (b *backlog) isLong() bool {
	return len(b.packed) >= longBacklog || b.chunks >= longBacklogChunks
}

// buffers is memory for backlogs that is to be used again, by size.
type buffers [len(bufferSizes)][][]byte

// bufferSizes are the sizes of backlogs, each what the allocator hands out
// without a rest. With append, which doubles, a third of the memory of
// those that wait would be empty.
var bufferSizes = [...]int{128, 176, 240, 320, 416, 576, 768, 1024, 1408, 1792, 2304, 3072, 4096}

// spareBytes bounds what is kept of each size.
const spareBytes = 8 << 10

// take returns an empty buffer that has room for size bytes.
func (u *buffers) take(size int) []byte {
	for i, s := range bufferSizes {
		if size > s {
			continue
		}
		n := len(u[i])
		if n == 0 {
			return make([]byte, 0, s)
		}
		b := u[i][n-1]
		u[i] = u[i][:n-1]
		return b
	}
	return make([]byte, 0, 1<<bits.Len(uint(size-1)))
}

// put takes a buffer that take has returned.
func (u *buffers) put(b []byte) {
	if i := slices.Index(bufferSizes[:], cap(b)); i >= 0 && len(u[i])*cap(b) < spareBytes {
		u[i] = append(u[i], b[:0])
	}
}

// patience reports whether sessions may be read when they are over: nobody
// wants to know before, and none is so long that it is handed on in parts.
func (o *Options) patience() bool {
	const most = longBacklog / len("A\n") // exchanges
	return o.Tap == nil && o.Limits.Probe > longBacklog && o.Limits.PartExchanges > most && o.Limits.PartBytes > most<<10
}
