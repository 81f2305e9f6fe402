package popscope

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"net/netip"
	"strings"

	"popscope/pop3parse/audit"
	"popscope/reassembly/stream"
)

// sessionID is a session's id as a number of 56 bits: among a million
// sessions the chance that any two are equal is below one in a hundred thousand.
type sessionID uint64

// newID makes the id of a session, from the connection and the time of its
// first packet. Which side is the client and what surrounds the connection
// do not matter, unless two connections that are there at once would get the
// same id.
func (s *shard) newID(c *stream.Conn) sessionID {
	a, b := c.Client, c.Server
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	for n := 0; ; n++ {
		id := idOf(a, b, c.First.Nanos, n)
		if _, used := s.ids[id]; !used {
			s.ids[id] = struct{}{}
			return id
		}
	}
}

// name returns a string that shares its memory with a few others.
func (s *shard) name(text []byte) string {
	if s.names.Cap()-s.names.Len() < len(text) {
		s.names = strings.Builder{}
		s.names.Grow(max(nameBlock, len(text)))
	}
	from := s.names.Len()
	s.names.Write(text)
	return s.names.String()[from:]
}

// nameBlock is the memory for some twenty ids. One of them that is kept for
// long keeps all of it.
const nameBlock = 256

// idOf makes the id of the n-th connection that is otherwise the same.
func idOf(a, b netip.AddrPort, nanos int64, n int) sessionID {
	buf := make([]byte, 0, 64)
	for _, e := range [...]netip.AddrPort{a, b} {
		ip := e.Addr().As16()
		buf = append(buf, ip[:]...)
		buf = binary.BigEndian.AppendUint16(buf, e.Port())
	}
	buf = binary.BigEndian.AppendUint64(buf, uint64(nanos))
	buf = binary.BigEndian.AppendUint32(buf, uint32(n))
	sum := sha256.Sum256(buf)
	return sessionID(binary.BigEndian.Uint64(sum[:]) >> 8)
}

// text returns the 12 letters and digits by which the session is known.
func (id sessionID) text() (out [12]byte) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id)<<8)
	idEncoding.Encode(out[:], b[:7])
	return out
}

var idEncoding = base32.NewEncoding(audit.IDAlphabet).WithPadding(base32.NoPadding)
