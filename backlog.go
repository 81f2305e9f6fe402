package popscope

import (
	"encoding/binary"

	"popscope/reassembly/stream"
)

// backlog holds chunks of one connection, packed closely: most sessions are
// short, and are read in one go when they are over. Until then they take a
// few hundred bytes, and what reads them stays in the processor's cache.
type backlog struct {
	packed []byte
	chunks int
	last   stream.Stamp // of the chunk added last
	flip   bool         // client and server were exchanged
	seen   backlogMark  // up to where next has read
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

// add keeps a chunk with a copy of its bytes.
func (b *backlog) add(ch *stream.Chunk) {
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
	p := append(b.packed, kind)
	p = binary.AppendUvarint(p, n)
	p = binary.AppendUvarint(p, uint64(ch.Off))
	p = binary.AppendUvarint(p, uint64(ch.PeerAcked+1))
	p = binary.AppendVarint(p, ch.At.Packet-b.last.Packet)
	p = binary.AppendVarint(p, ch.At.Nanos-b.last.Nanos)
	b.packed = append(p, ch.Data...)
	b.last = ch.At
	b.chunks++
}

// next returns the next chunk that it has not returned yet, which borrows
// its bytes.
func (b *backlog) next() (ch stream.Chunk, ok bool) {
	m := &b.seen
	if m.at == len(b.packed) {
		return ch, false
	}
	kind := b.packed[m.at]
	m.at++
	if (kind&packedServer != 0) != b.flip {
		ch.Dir = stream.Server
	}
	ch.Secure = kind&packedSecure != 0
	n := b.uvarint()
	ch.Off = int64(b.uvarint())
	ch.PeerAcked = int64(b.uvarint()) - 1
	m.last.Packet += b.varint()
	m.last.Nanos += b.varint()
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

func (b *backlog) uvarint() uint64 {
	if v := b.packed[b.seen.at]; v < 0x80 {
		b.seen.at++
		return uint64(v)
	}
	v, n := binary.Uvarint(b.packed[b.seen.at:])
	b.seen.at += n
	return v
}

func (b *backlog) varint() int64 {
	v := b.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// rewind makes next begin anew.
func (b *backlog) rewind() { b.seen = backlogMark{} }

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

// patience reports whether sessions may be read when they are over: nobody
// wants to know before, and none is so long that it is handed on in parts.
func (o *Options) patience() bool {
	const most = longBacklog / len("A\n") // exchanges
	return o.Tap == nil && o.Limits.Probe > longBacklog && o.Limits.PartExchanges > most && o.Limits.PartBytes > most<<10
}
