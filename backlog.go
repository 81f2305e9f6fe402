package popscope

import (
	"encoding/binary"
	"math"
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

// How a chunk begins: with a byte that says what it is, and five numbers. Its
// bytes, unless it is a loss, come behind that.
const (
	packedServer = 1 << iota
	packedSecure
	packedLoss
	packedWide // some of the numbers need eight bytes: all have them
)

const (
	narrowHead = 1 + 2 + 4*4
	wideHead   = 1 + 5*8
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
	head := narrowHead
	if n > math.MaxUint16 || off|acked|packets|nanos > math.MaxUint32 {
		kind, head = kind|packedWide, wideHead
	}
	p := b.packed
	end := len(p) + head
	if size := end + len(ch.Data); size > cap(p) {
		p = append(spare.take(size), p...)
		spare.put(b.packed)
	}
	if to := p[len(p):end]; len(to) == narrowHead {
		to[0] = kind
		binary.LittleEndian.PutUint16(to[1:], uint16(n))
		binary.LittleEndian.PutUint32(to[3:], uint32(off))
		binary.LittleEndian.PutUint32(to[7:], uint32(acked))
		binary.LittleEndian.PutUint32(to[11:], uint32(packets))
		binary.LittleEndian.PutUint32(to[15:], uint32(nanos))
	} else {
		to[0] = kind
		for i, v := range [...]uint64{n, off, acked, packets, nanos} {
			binary.LittleEndian.PutUint64(to[1+8*i:], v)
		}
	}
	b.packed = append(p[:end], ch.Data...)
	b.last = ch.At
	b.chunks++
}

// zigzag makes small numbers of small ones, whatever their sign.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// zagzig is the opposite of zigzag.
func zagzig(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// next returns the chunk behind a mark, which it moves on. The chunk borrows
// its bytes.
func (b *backlog) next(m *backlogMark) (ch stream.Chunk, ok bool) {
	if m.at == len(b.packed) {
		return ch, false
	}
	var n, off, acked, packets, nanos uint64
	head := b.packed[m.at:]
	kind := head[0]
	if kind&packedWide == 0 {
		head = head[:narrowHead]
		n, off = uint64(binary.LittleEndian.Uint16(head[1:])), uint64(binary.LittleEndian.Uint32(head[3:]))
		acked, packets = uint64(binary.LittleEndian.Uint32(head[7:])), uint64(binary.LittleEndian.Uint32(head[11:]))
		nanos = uint64(binary.LittleEndian.Uint32(head[15:]))
	} else {
		head = head[:wideHead]
		n, off = binary.LittleEndian.Uint64(head[1:]), binary.LittleEndian.Uint64(head[9:])
		acked, packets = binary.LittleEndian.Uint64(head[17:]), binary.LittleEndian.Uint64(head[25:])
		nanos = binary.LittleEndian.Uint64(head[33:])
	}
	m.at += len(head)
	m.chunks++
	m.last.Packet += zagzig(packets)
	m.last.Nanos += zagzig(nanos)
	if (kind&packedServer != 0) != b.flip {
		ch.Dir = stream.Server
	}
	ch.Secure = kind&packedSecure != 0
	ch.Off, ch.PeerAcked, ch.At = int64(off), int64(acked)-1, m.last
	if kind&packedLoss != 0 {
		ch.Lost = int64(n)
		return ch, true
	}
	to := m.at + int(n)
	ch.Data = b.packed[m.at:to:to]
	m.at = to
	m.bytes += int(n)
	return ch, true
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
