package popscope

import (
	"net/netip"
	"time"
)

// Detect says where POP3 is looked for.
type Detect uint8

// By content on any port, or on Options.Ports only.
const (
	DetectContent Detect = iota
	DetectPorts
)

// Options choose what an Analyzer looks for and keeps. The zero value is
// what `popscope analyze` does.
type Options struct {
	Ports    []uint16 // taken as POP3; nil means DefaultPorts
	Detect   Detect
	KeepBody int  // bytes kept of each multi-line reply, for transcripts; 0 keeps what typed values need only
	NoMail   bool // do not hash and outline messages: sizes and verdicts only
	Workers  int  // 0 means all processors; results are the same for every number

	// Only what matches all of these is reported; zero values match everything.
	From, To time.Time    // sessions with a packet in this time
	Hosts    []netip.Addr // client or server
	User     string       // sessions with a login of this user
}

// DefaultPorts are the registered ports of POP3 and of POP3 in TLS.
var DefaultPorts = []uint16{110, 995}
