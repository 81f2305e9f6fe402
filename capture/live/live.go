package live

import (
	"context"
	"errors"
	"fmt"
	"math"

	"popscope/capture"
)

// Any is the name that stands for all interfaces.
const Any = "any"

// Options say what to capture. The zero value of each field but Interfaces
// is a sensible choice.
type Options struct {
	Interfaces []string // by name; Any stands for all there are
	Ports      []uint16 // TCP ports to pass; nil: all TCP
	Tunnels    bool     // pass everything in tunnels too
	Filter     string   // a tcpdump expression instead of Ports and Tunnels; needs libpcap

	Snaplen     int // bytes captured of each packet; 0 means 262,144
	Buffer      int // bytes that the kernel may hold for each interface; 0 means DefaultBuffer
	Fanout      int // sockets for each interface, among which the kernel deals connections and Buffer; 0 and 1 mean one. Linux only
	Promiscuous bool
	Libpcap     bool // use libpcap even where it is not needed

	EndOnDown bool        // end when an interface goes down or away, instead of waiting for it
	Event     func(Event) // told of interfaces that go and come, by the goroutine that calls Next; may be nil
}

// DefaultBuffer holds a tenth of a second at 5 Gbit/s, or several seconds of
// what a busy mail server sends.
const DefaultBuffer = 64 << 20

const (
	// defaultSnaplen is that of tcpdump: more than any packet has.
	defaultSnaplen = 256 << 10
	minBuffer      = 2 << 20
	maxBuffer      = min(2<<30, math.MaxInt)
	maxFanout      = 64 // more than there are queues in a network card that one reader can follow
)

// Source delivers the packets of interfaces. Next is for one goroutine;
// Drops may be called by any. Packet.File is the interface's index in Files.
type Source interface {
	capture.Source
	Drops() uint64             // packets that the kernel had no room for, so far
	Files() []capture.FileInfo // the interfaces, with what came from each
	Close() error
}

// Event tells that an interface changed.
type Event struct {
	Interface string // as in Options.Interfaces, or its latest name
	Kind      EventKind
	Name      string // valid iff Kind == Renamed: what it is called now
}

// EventKind says what happened to an interface.
type EventKind uint8

// After Down comes Up or Removed; after Removed comes Returned.
const (
	Down EventKind = iota
	Up
	Renamed
	Removed
	Returned // an interface of that name is there again and is captured
)

// String writes the event for people.
func (e Event) String() string {
	switch e.Kind {
	case Down:
		return e.Interface + " went down"
	case Up:
		return e.Interface + " is up again"
	case Renamed:
		return e.Interface + " is now called " + e.Name
	case Removed:
		return e.Interface + " was removed"
	}
	return e.Interface + " is there again"
}

// Errors of Open beside those of the system.
var (
	ErrNoInterface = errors.New("no such interface")
	ErrNoLibpcap   = errors.New("live: built without libpcap")
	ErrUnsupported = errors.New("live: capturing on this system needs libpcap, and this program is built without it")
)

// Open begins to capture on the interfaces. It ends, with io.EOF from Next,
// when ctx is done and what came until then is delivered.
//
// Missing rights are an error that errors.Is calls fs.ErrPermission.
func Open(ctx context.Context, o Options) (Source, error) {
	if len(o.Interfaces) == 0 {
		return nil, errors.New("live: no interface named")
	}
	if o.Snaplen == 0 {
		o.Snaplen = defaultSnaplen
	}
	if o.Buffer == 0 {
		o.Buffer = DefaultBuffer
	}
	if o.Snaplen < 64 || o.Snaplen > defaultSnaplen {
		return nil, fmt.Errorf("live: snapshot length %d: not in 64 to %d", o.Snaplen, defaultSnaplen)
	}
	if o.Buffer < minBuffer || o.Buffer > maxBuffer {
		return nil, fmt.Errorf("live: buffer of %d bytes: not in %d to %d", o.Buffer, minBuffer, maxBuffer)
	}
	if o.Fanout < 0 || o.Fanout > maxFanout {
		return nil, fmt.Errorf("live: fanout to %d sockets: not in 1 to %d", o.Fanout, maxFanout)
	}
	if o.Event == nil {
		o.Event = func(Event) {}
	}
	if o.Filter != "" || o.Libpcap {
		return openLibpcap(ctx, o)
	}
	return open(ctx, o)
}
