package popscope

import (
	"net/netip"
	"runtime"
	"time"

	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/reassembly"
	"popscope/reassembly/tlsdec"
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
	KeepBody int  // bytes kept of each multi-line reply, for transcripts
	NoMail   bool // do not hash and outline messages: sizes and verdicts only; Body is not asked
	Follow   bool // hand on exchanges as soon as they are finished, each time as a part of the session
	Workers  int  // 0 means all processors; results are the same for every number
	Ahead    int  // bytes of packets that may wait for the workers, about; 0 for a file: two rounds, see rounds.go
	Policy   audit.Policy

	// Hurry lets messages pass without hash and outline when an eighth of
	// Ahead waits for one of several workers, until nothing does, rather than
	// lose packets of a live source. They are counted in Summary.Ignored, and
	// their Message.SHA256 is zero. Messages with a Body are not hurried.
	Hurry bool

	Limits Limits
	Tap    Tap // is told what the bytes are; nil: nobody asks

	// NoFrames lets Analyzer.Packets hand on packets that carry bytes of one
	// message and nothing else without them, so that they wait in less memory:
	// Data is nil then, and Segment.Payload as long as it was, and zero.
	NoFrames bool

	NoSoftware bool // do not name the software of both sides

	// Body is asked when a message begins for what is to take its bytes;
	// of m the number, command, announced size and sender are known. It
	// is called by several goroutines at once, in no order. A nil Body is
	// one that is not wanted; nil asks nobody.
	Body func(m *pop3parse.Message) Body

	// Keys opens TLS; it may grow during the run. Secrets inside of the
	// capture are added to it. nil: there are those alone, and
	// Analyzer.Packets expects none as long as it has seen none.
	Keys *tlsdec.KeyLog

	// KeysComplete says that Keys does not grow during the run, so that
	// Analyzer.Packets waits for secrets that it lacks only where the source may
	// bring them: one that has a method MayHoldKeys() bool tells whether it may,
	// as capture.Timeline does, and of others it is assumed.
	KeysComplete bool

	awaitKeys  bool // Keys was given
	noMoreKeys bool // nothing will bring any

	// Only what matches all of these is reported; zero values match everything.
	From, To time.Time    // sessions with a packet in this time
	Hosts    []netip.Addr // client or server
	Users    []string     // sessions with a login of one of these
	Sessions []string     // sessions whose id is one of these, or begins as one of them
}

// The registered ports: of POP3, where TLS begins with STLS, and of POP3 in TLS
// (RFC 1939 section 3, RFC 8314 section 3.2).
const (
	portPOP3  = 110
	portPOP3S = 995
)

// DefaultPorts are the registered ports of POP3 and of POP3 in TLS.
var DefaultPorts = []uint16{portPOP3, portPOP3S}

// Limits bound the memory of an Analyzer, whatever the traffic. Zero means
// the default, and so does what is below it; only those of Reassembly and
// Session can be lifted.
type Limits struct {
	Reassembly reassembly.Limits // of all connections together
	Session    pop3parse.Limits  // of each session
	Audit      audit.Limits      // of what is remembered from session to session

	// PartExchanges is how many exchanges of one session are collected
	// before they are handed on as a part of it. Default 10,000.
	PartExchanges int

	// PartBytes bounds the same in bytes of memory. Default 4 MiB.
	PartBytes int

	// Sessions bounds what is kept of all sessions that are open at once,
	// in bytes of memory, a sixteenth of it for each sixteenth of the
	// connections, which are dealt by their addresses. Default 192 MiB. When
	// it is reached, the largest sessions are handed on in parts, lose what
	// they remember of the maildrop and of commands without replies, and at
	// last are closed like those over Limits.Reassembly.Connections.
	Sessions int

	// Window is how many packets wait in Analyzer.Packets for what stands
	// before them to be known. Default 65,536, as many as commands may wait
	// for their replies.
	Window int

	// Probe is how many bytes of a connection are held until it shows
	// whether it is POP3. Default 64 KiB.
	Probe int
}

func (o Options) withDefaults() Options {
	if o.Ports == nil {
		o.Ports = DefaultPorts
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = min(o.Workers, numShards)
	o.awaitKeys = o.Keys != nil
	if !o.awaitKeys {
		o.Keys = new(tlsdec.KeyLog)
	}
	if o.Follow {
		o.Limits.PartExchanges = 1
	}
	if o.Limits.PartExchanges <= 0 {
		o.Limits.PartExchanges = 10_000
	}
	if o.Limits.PartBytes <= 0 {
		o.Limits.PartBytes = 4 << 20
	}
	if o.Limits.Sessions <= 0 {
		o.Limits.Sessions = 192 << 20
	}
	if o.Limits.Window <= 0 {
		o.Limits.Window = 1 << 16
	}
	if o.Limits.Probe <= 0 {
		o.Limits.Probe = 64 << 10
	}
	return o
}
