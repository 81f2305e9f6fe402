package report

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
)

// communityID returns the Community ID, version 1 with seed 0, of a TCP
// connection: the flow hash that Zeek, Suricata and others write too. It
// is the same whichever end comes first.
func communityID(a, b netip.AddrPort) string {
	const protoTCP = 6
	if a.Addr().Unmap().Compare(b.Addr().Unmap()) > 0 || a.Addr().Unmap() == b.Addr().Unmap() && a.Port() > b.Port() {
		a, b = b, a
	}
	buf := make([]byte, 2, 40) // begins with the seed
	buf = append(buf, a.Addr().Unmap().AsSlice()...)
	buf = append(buf, b.Addr().Unmap().AsSlice()...)
	buf = append(buf, protoTCP, 0)
	buf = binary.BigEndian.AppendUint16(buf, a.Port())
	buf = binary.BigEndian.AppendUint16(buf, b.Port())
	sum := sha1.Sum(buf)
	return "1:" + base64.StdEncoding.EncodeToString(sum[:])
}
