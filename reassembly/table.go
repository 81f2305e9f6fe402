package reassembly

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"

	"popscope/capture/packet"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// tuple names a connection: its two ends in a fixed order, and what is
// wrapped around them. It is made of words without padding, so that it is
// compared and hashed in one go.
type tuple struct {
	addr  [2][2]uint64 // by side, the bytes in the order of the wire
	ports [2]uint32
	path  uint64
}

// set makes t the tuple of a segment and returns which of its ends sent it. It
// works in place, by words: a copy of what was just written is waited for.
func (t *tuple) set(s *packet.Segment) (side uint8) {
	src, dst := words(&s.Src.Addr), words(&s.Dst.Addr)
	sp, dp := uint32(s.Src.Port), uint32(s.Dst.Port)
	t.path = s.Path
	if above(src, dst) || src == dst && sp > dp {
		t.addr[0][0], t.addr[0][1], t.addr[1][0], t.addr[1][1] = dst[0], dst[1], src[0], src[1]
		t.ports[0], t.ports[1] = dp, sp
		return 1
	}
	t.addr[0][0], t.addr[0][1], t.addr[1][0], t.addr[1][1] = src[0], src[1], dst[0], dst[1]
	t.ports[0], t.ports[1] = sp, dp
	return 0
}

func above(a, b [2]uint64) bool { return a[0] > b[0] || a[0] == b[0] && a[1] > b[1] }

func words(a *packet.Addr) [2]uint64 {
	return [2]uint64{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

// endpoint returns one end of the connection.
func (t *tuple) endpoint(side uint8) packet.Endpoint {
	e := packet.Endpoint{Port: uint16(t.ports[side])}
	binary.BigEndian.PutUint64(e.Addr[:8], t.addr[side][0])
	binary.BigEndian.PutUint64(e.Addr[8:], t.addr[side][1])
	return e
}

// end returns the same in the form of the standard library.
func (t *tuple) end(side uint8) netip.AddrPort { return t.endpoint(side).AddrPort() }

// entryKind says what the table knows under a tuple.
type entryKind uint8

const (
	kindOpen      entryKind = iota // a connection, in entry.conn
	kindIgnored                    // one that the consumer ignores, in entry.conn
	kindFinishing                  // one that seems to have ended, though not every FIN was captured, in entry.conn
	kindHalfOpen                   // nothing but a SYN so far
	kindTombstone                  // a connection reported as closed: late packets end here
	kinds
)

// entry is what the table holds for a tuple. It is all there is of a
// half-open connection and of a tombstone.
type entry struct {
	// What each segment needs comes first, in one line of the processor's cache.
	tuple tuple
	conn  *conn // valid iff kind is kindOpen, kindIgnored or kindFinishing
	since int64 // clock when it was put in used

	hash uint32
	kind entryKind
	used queue.Node[entry] // its place among those of its kind, by last use

	// Valid iff kind is kindHalfOpen or kindTombstone; by side.
	handshake
	end [2]Seq // of a tombstone: the number after the last one used
}

// handshake is what the SYNs of a connection told, by side.
type handshake struct {
	isn   [2]Seq
	syns  uint32  // SYNs seen of the side that opens
	known [2]bool // isn is valid
	from  uint8   // the side that opens
	first stream.Stamp
}

// table finds entries by tuple: open addressing with linear probing. The
// hash is seeded against traffic made to collide; nothing that comes out
// of the package depends on the seed or on the order of the slots.
type table struct {
	slots []slot // a power of two
	len   int
}

type slot struct {
	hash  uint32
	entry *entry // nil: free
}

const tableMin = 64

func newTable() table {
	return table{slots: make([]slot, tableMin)}
}

// seed is random, and odd, so that nothing is lost by multiplying with it.
var seed = func() (s [4]uint64) {
	m := maphash.MakeSeed()
	for i := range s {
		s[i] = maphash.Comparable(m, i) | 1
	}
	return s
}()

// hash mixes the words of a tuple by multiplication to 128 bits, two at a
// time: without the seed nobody can tell which tuples collide.
func (k *tuple) hash() uint32 {
	h := fold(k.addr[0][0]^seed[0], k.addr[0][1]^seed[1])
	h = fold(h^k.addr[1][0]^seed[2], k.addr[1][1]^seed[3])
	h = fold(h^uint64(k.ports[0])<<32^uint64(k.ports[1])^seed[1], k.path^seed[0]^h>>32)
	return uint32(h)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// is compares without the call that comparing structures costs.
func (k *tuple) is(o *tuple) bool {
	return (k.addr[0][0]^o.addr[0][0]|k.addr[0][1]^o.addr[0][1]|
		k.addr[1][0]^o.addr[1][0]|k.addr[1][1]^o.addr[1][1]|
		k.path^o.path)|uint64(k.ports[0]^o.ports[0]|k.ports[1]^o.ports[1]) == 0
}

func (t *table) find(hash uint32, k *tuple) *entry {
	mask := len(t.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.entry == nil {
			return nil
		}
		if s.hash == hash && s.entry.tuple.is(k) {
			return s.entry
		}
	}
}

func (t *table) insert(e *entry) {
	if (t.len+1)*4 > len(t.slots)*3 {
		t.resize(len(t.slots) * 2)
	}
	t.place(e)
	t.len++
}

func (t *table) place(e *entry) {
	mask := len(t.slots) - 1
	i := int(e.hash) & mask
	for t.slots[i].entry != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = slot{e.hash, e}
}

// remove takes out an entry and moves up those that had to step aside
// for it.
func (t *table) remove(e *entry) {
	mask := len(t.slots) - 1
	i := int(e.hash) & mask
	for t.slots[i].entry != e {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		s := t.slots[j]
		if s.entry == nil {
			break
		}
		if home := int(s.hash) & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = slot{}
	t.len--
	if len(t.slots) > tableMin && t.len*8 < len(t.slots) {
		t.resize(len(t.slots) / 2)
	}
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]slot, n)
	for _, s := range old {
		if s.entry != nil {
			t.place(s.entry)
		}
	}
}
