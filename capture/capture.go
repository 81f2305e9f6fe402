package capture

import (
	"errors"
	"fmt"
	"time"
)

// Packet is one captured frame.
type Packet struct {
	Num     int64    // position on the timeline of all files, from 1; of a single file it is FileNum
	File    int      // index of its file in Timeline.Files
	FileNum int64    // number in its file, from 1: the number that Wireshark shows
	Nanos   int64    // capture time in nanoseconds since 1970-01-01 UTC; times that int64 cannot hold are moved to its ends
	Link    LinkType // what Data begins with
	Data    []byte   // the captured bytes; valid until the next call to Next
	Orig    int      // length on the wire in bytes; more than len(Data) when the snapshot length cut the frame
}

// Time returns the capture time in UTC.
func (p *Packet) Time() time.Time { return time.Unix(0, p.Nanos).UTC() }

// Source delivers packets in the order of its timeline. Whoever writes one
// has to give Num, Nanos, Link, Data and Orig of each packet: sessions are
// named and ordered by them.
type Source interface {
	// Next fills in the next packet, whose Num counts from 1 and never
	// decreases. At the end it returns io.EOF.
	// A *FormatError tells of damage in one file: all packets before it
	// have been delivered, and the next call goes on with what the other
	// files hold.
	//
	// A live source returns ErrIdle while no packets come.
	Next(p *Packet) error
}

// ErrIdle is what Next of a live source returns when no packet came for a
// while, or when all that came until now were delivered. Packet.Nanos is
// then the time up to which there are none that were not delivered; the
// rest of the Packet has no meaning. The next call waits again.
var ErrIdle = errors.New("capture: no packet at the moment")

// LinkType says which header a frame begins with; the numbers are those
// of the LINKTYPE_ registry that pcap and pcapng files use.
type LinkType uint16

// The link types that package packet decodes.
const (
	LinkNull      LinkType = 0
	LinkEthernet  LinkType = 1
	LinkPPP       LinkType = 9
	LinkRawOld    LinkType = 12 // DLT_RAW of most systems
	LinkRawBSD    LinkType = 14 // DLT_RAW of OpenBSD
	LinkPPPHDLC   LinkType = 50
	LinkPPPoE     LinkType = 51
	LinkRaw       LinkType = 101
	LinkCiscoHDLC LinkType = 104
	LinkIEEE80211 LinkType = 105
	LinkLoop      LinkType = 108
	LinkLinuxSLL  LinkType = 113
	LinkPFLOG     LinkType = 117
	LinkRadiotap  LinkType = 127
	LinkIPv4      LinkType = 228
	LinkIPv6      LinkType = 229
	LinkNFLOG     LinkType = 239
	LinkPKTAP     LinkType = 258
	LinkLinuxSLL2 LinkType = 276
)

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "ETHERNET", LinkPPP: "PPP", LinkRawOld: "RAW", LinkRawBSD: "RAW",
	LinkPPPHDLC: "PPP_HDLC", LinkPPPoE: "PPP_ETHER", LinkRaw: "RAW", LinkCiscoHDLC: "C_HDLC", LinkIEEE80211: "IEEE802_11",
	LinkLoop: "LOOP", LinkLinuxSLL: "LINUX_SLL", LinkRadiotap: "IEEE802_11_RADIOTAP",
	LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkLinuxSLL2: "LINUX_SLL2",
	LinkPFLOG: "PFLOG", LinkNFLOG: "NFLOG", LinkPKTAP: "PKTAP",
}

// String returns the registry's name without LINKTYPE_, or the number.
func (t LinkType) String() string {
	if n, ok := linkNames[t]; ok {
		return n
	}
	return fmt.Sprintf("LINKTYPE_%d", uint16(t))
}

// FormatError reports damage in a capture file. Packets delivered before
// it are good.
type FormatError struct {
	File   string // as it was given to Open
	Packet int64  // number in the file of the packet that could not be read
	Offset int64  // where its record begins, in bytes of the file, decompressed
	Err    error  // what was wrong
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("capture: %s: packet %d, offset %d: %v", e.File, e.Packet, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// FileInfo says what was read from one input file.
type FileInfo struct {
	Name    string // as it was given to Open
	Packets int64
	Bytes   int64 // the packets' lengths on the wire, added up
	Err     error // nil, or why reading stopped early
}
