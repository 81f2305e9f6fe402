package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"popscope/capture"
)

// afPacket is the Source of Linux.
type afPacket struct {
	o      Options
	filter filter
	faces  []*face
	rings  []*ring // of the faces
	wake   int     // an eventfd: readable when ctx is done
	stop   func() bool
	ended  <-chan struct{} // ctx.Done

	num      int64
	current  *face  // whose frame was handed out
	scratch  []byte // for packets that are not handed out as they lie
	fresh    bool   // packets were handed out since the last ErrIdle
	until    int64  // when ctx is done: deliver what is older than this; 0 before
	nextLook time.Time

	mu     sync.Mutex // guards wake against its end
	closed bool
}

// face is one interface.
type face struct {
	*ring
	info  capture.FileInfo
	name  string // the latest one
	index int    // 0 for all interfaces, and while it is gone
	state faceState
	head  frame // valid iff ready
	ready bool
}

// faceState is what was last told of an interface.
type faceState uint8

const (
	faceUp faceState = iota
	faceDown
	faceGone
)

const (
	// lookEvery is how often interfaces are looked at, and the counts of
	// the kernel taken.
	lookEvery = time.Second

	// waitAtMost is how long Next waits before it says that nothing came.
	waitAtMost = 100 * time.Millisecond

	// settled is how long ago something must be, so that a packet of that
	// time would have been seen: several times what a block may be held.
	settled = 4 * retireAfter
)

func open(ctx context.Context, o Options) (Source, error) {
	s := &afPacket{o: o, filter: filter{ports: o.Ports, tunnels: o.Tunnels, snaplen: uint32(o.Snaplen)}, wake: -1, ended: ctx.Done()}
	for _, name := range o.Interfaces {
		f, err := s.face(name)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.faces = append(s.faces, f)
		s.rings = append(s.rings, f.ring)
	}
	var err error
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		s.Close()
		return nil, fmt.Errorf("live: %w", err)
	}
	s.stop = context.AfterFunc(ctx, s.wakeUp)
	s.nextLook = time.Now().Add(lookEvery)
	return s, nil
}

// face opens one interface.
func (s *afPacket) face(name string) (*face, error) {
	f := &face{info: capture.FileInfo{Name: name}, name: name}
	var i *net.Interface
	if name != Any {
		var err error
		if i, err = net.InterfaceByName(name); err != nil {
			return nil, fmt.Errorf("live: %s: %w", name, ErrNoInterface)
		}
	}
	r, err := openRing(s.o.Buffer)
	if err != nil {
		return nil, err
	}
	f.ring = r
	if err := s.attach(f, i); err != nil {
		r.close()
		return nil, fmt.Errorf("live: %s: %w", name, err)
	}
	if i != nil && i.Flags&net.FlagUp == 0 {
		if s.o.EndOnDown {
			r.close()
			return nil, fmt.Errorf("live: %s: %w", name, unix.ENETDOWN)
		}
		f.state = faceDown
		s.o.Event(Event{Interface: name, Kind: Down})
	}
	return f, nil
}

// attach makes the socket of f receive from i, or from all interfaces if i
// is nil. It can be repeated, and the right to open sockets is not needed for
// it.
func (s *afPacket) attach(f *face, i *net.Interface) error {
	b, index := base{any: true}, 0
	switch {
	case i != nil:
		hatype, err := hatypeOf(f.fd, i.Name)
		if err != nil {
			return err
		}
		b, index = baseOf(hatype), i.Index
	default:
		if lo := loopback(); lo != nil {
			b.lo = uint32(lo.Index)
		}
	}
	program, err := s.filter.program(b)
	if err != nil {
		return err
	}
	if err := f.ring.filter(program); err != nil {
		return err
	}
	if s.o.Promiscuous && i != nil {
		if err := f.promiscuous(index); err != nil {
			return err
		}
	}
	f.index = index
	if err := f.bind(index); err != nil && !errors.Is(err, unix.ENETDOWN) { // it is bound all the same
		return err
	}
	return nil
}

// loopback returns the loopback interface, or nil.
func loopback() *net.Interface {
	faces, _ := net.Interfaces()
	for i := range faces {
		if faces[i].Flags&net.FlagLoopback != 0 {
			return &faces[i]
		}
	}
	return nil
}

// Next implements capture.Source.
func (s *afPacket) Next(p *capture.Packet) error {
	s.current = nil
	for {
		if now := time.Now(); now.After(s.nextLook) {
			s.nextLook = now.Add(lookEvery)
			if err := s.look(); err != nil {
				return err
			}
		}
		// Read before the rings: what is older has been put into them.
		clock := time.Now().UnixNano() - int64(settled)
		if s.until == 0 && done(s.ended) {
			s.until = clock + int64(settled)
		}
		if f := s.earliest(clock); f != nil {
			if s.until != 0 && f.head.nanos > s.until {
				return s.end()
			}
			s.deliver(f, p)
			return nil
		}
		if s.until != 0 && clock > s.until {
			return s.end()
		}
		if s.fresh {
			s.fresh = false
			*p = capture.Packet{Nanos: clock}
			return capture.ErrIdle
		}
		if err := s.wait(); err != nil {
			return err
		}
		if !s.any() {
			*p = capture.Packet{Nanos: clock}
			return capture.ErrIdle
		}
	}
}

// end takes the last counts.
func (s *afPacket) end() error {
	for _, r := range s.rings {
		r.count()
	}
	return io.EOF
}

// done reports whether a channel is closed.
func done(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// earliest returns the interface whose next packet is the earliest, or nil
// if there is none. With several interfaces a packet waits until each of the
// others has shown one, or must have shown those that are older.
func (s *afPacket) earliest(clock int64) *face {
	var first *face
	missing := false
	for _, f := range s.faces {
		if !f.ready {
			f.ready = f.advance(&f.head)
		}
		switch {
		case !f.ready:
			missing = true
		case first == nil || f.head.nanos < first.head.nanos:
			first = f
		}
	}
	if first != nil && missing && first.head.nanos > clock {
		return nil
	}
	return first
}

// any reports whether a packet is there, to be delivered now or soon.
func (s *afPacket) any() bool {
	for _, f := range s.faces {
		if f.ready = f.ready || f.advance(&f.head); f.ready {
			return true
		}
	}
	return false
}

// deliver makes the packet.
func (s *afPacket) deliver(f *face, p *capture.Packet) {
	f.ready, s.fresh = false, true
	s.num++
	f.info.Packets++
	*p = capture.Packet{Num: s.num, FileNum: f.info.Packets}
	s.scratch = f.head.finish(p, s.scratch)
	for i, g := range s.faces {
		if g == f {
			p.File = i
		}
	}
	f.info.Bytes += int64(p.Orig)
}

// wait waits for packets, for a while.
func (s *afPacket) wait() error {
	d := waitAtMost
	for _, f := range s.faces {
		if f.ready { // only for the others
			d = retireAfter / 2
		}
	}
	wake := s.wake
	if s.until != 0 {
		wake, d = -1, retireAfter/2
	}
	if len(s.faces) > 1 && d < waitAtMost {
		time.Sleep(d) // a poll would return at once for the packets that are there
		return nil
	}
	failed, err := wait(s.rings, wake, d)
	if failed {
		for _, r := range s.rings {
			r.takeError()
		}
		return s.look()
	}
	return err
}

// look takes the counts of the kernel and looks at the interfaces.
func (s *afPacket) look() error {
	there, err := net.Interfaces()
	alive := false
	for _, f := range s.faces {
		f.count()
		if f.info.Name != Any && err == nil {
			s.lookAt(f, there)
		}
		alive = alive || f.state == faceUp
	}
	if !alive && s.o.EndOnDown && s.until == 0 {
		s.until = time.Now().UnixNano() // and what has come until now
	}
	return nil
}

// lookAt compares an interface with what was last known of it.
func (s *afPacket) lookAt(f *face, there []net.Interface) {
	told := func(state faceState, e Event) {
		f.state = state
		e.Interface = f.name
		s.o.Event(e)
	}
	is := slices.IndexFunc(there, func(i net.Interface) bool {
		return f.state == faceGone && i.Name == f.name || f.state != faceGone && i.Index == f.index
	})
	switch {
	case is < 0 && f.state != faceGone:
		told(faceGone, Event{Kind: Removed})
		return
	case is < 0:
		return
	case f.state == faceGone:
		if s.attach(f, &there[is]) != nil {
			return // it may be gone again
		}
		told(faceUp, Event{Kind: Returned})
	}
	i := &there[is]
	if i.Name != f.name {
		told(f.state, Event{Kind: Renamed, Name: i.Name})
		f.name = i.Name
	}
	switch up := i.Flags&net.FlagUp != 0; {
	case up && f.state == faceDown:
		told(faceUp, Event{Kind: Up})
	case !up && f.state == faceUp:
		told(faceDown, Event{Kind: Down})
	}
}

// Drops implements Source.
func (s *afPacket) Drops() uint64 {
	var n uint64
	for _, r := range s.rings {
		n += r.dropped.Load()
	}
	return n
}

// Files implements Source.
func (s *afPacket) Files() []capture.FileInfo {
	out := make([]capture.FileInfo, len(s.faces))
	for i, f := range s.faces {
		out[i] = f.info
	}
	return out
}

// wakeUp ends a wait for packets.
func (s *afPacket) wakeUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Close implements Source.
func (s *afPacket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	for _, r := range s.rings {
		r.close()
	}
	if s.wake >= 0 {
		unix.Close(s.wake)
	}
	return nil
}
