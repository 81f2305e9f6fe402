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
func communityID(a, b netip.AddrPort) string { return string(appendCommunityID(nil, a, b)) }

// appendCommunityID appends it to dst.
func appendCommunityID(dst []byte, a, b netip.AddrPort) []byte {
	const protoTCP = 6
	if a.Addr().Unmap().Compare(b.Addr().Unmap()) > 0 || a.Addr().Unmap() == b.Addr().Unmap() && a.Port() > b.Port() {
		a, b = b, a
	}
	buf := make([]byte, 2, 40) // begins with the seed
	for _, end := range [...]netip.AddrPort{a, b} {
		if ip := end.Addr().Unmap(); ip.Is4() {
			four := ip.As4()
			buf = append(buf, four[:]...)
		} else {
			sixteen := ip.As16()
			buf = append(buf, sixteen[:]...)
		}
	}
	buf = append(buf, protoTCP, 0)
	buf = binary.BigEndian.AppendUint16(buf, a.Port())
	buf = binary.BigEndian.AppendUint16(buf, b.Port())
	sum := sha1.Sum(buf)
	return base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])
}
