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

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"popscope/capture"
)

// afPacket is the Source of Linux.
type afPacket struct {
	o      Options
	filter filter
	faces  []*face
	lanes  []*lane // of all faces
	rings  []*ring // of the lanes
	wake   int     // an eventfd: readable when ctx is done
	stop   func() bool
	ended  <-chan struct{} // ctx.Done

	num      int64
	scratch  []byte // for packets that are not handed out as they lie
	fresh    bool   // packets were handed out since the last ErrIdle
	told     int64  // see nothingUntil
	until    int64  // when ctx is done: deliver what is older than this; 0 before
	overdue  int    // how often the kernel was waited for since, beyond settled
	nextLook time.Time

	mu     sync.Mutex // guards wake against its end
	closed bool
}

// face is one interface.
type face struct {
	number int     // in Files
	lanes  []*lane // one, or Options.Fanout among which the kernel deals connections
	info   capture.FileInfo
	name   string // the latest one
	index  int    // 0 for all interfaces, and while it is gone
	state  faceState
}

// lane is a ring with the first packet in it that was not delivered.
type lane struct {
	*ring
	face  *face
	head  frame // valid iff ready
	ready bool
	due   uint64 // what the kernel had put into the ring at the end
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

	// overdueAtMost is how often, at the end, the kernel is waited for that
	// has put packets into a block and does not hand it over: some seconds.
	overdueAtMost = 200

	// lateAtMost is how late the kernel's timers may be. Beyond it the counts
	// are not believed any more, or no silence would ever be told.
	lateAtMost = 10 * time.Second
)

func open(ctx context.Context, o Options) (Source, error) {
	s := &afPacket{o: o, filter: filter{ports: o.Ports, tunnels: o.Tunnels, snaplen: uint32(o.Snaplen)}, wake: -1, ended: ctx.Done(), told: time.Now().UnixNano()}
	for _, name := range o.Interfaces {
		f, err := s.face(name)
		if err != nil {
			s.Close()
			return nil, err
		}
		f.number = len(s.faces)
		s.faces = append(s.faces, f)
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

// face opens one interface. Its rings are closed with the source, also after
// an error.
func (s *afPacket) face(name string) (*face, error) {
	f := &face{info: capture.FileInfo{Name: name}, name: name}
	var i *net.Interface
	if name != Any {
		var err error
		if i, err = net.InterfaceByName(name); err != nil {
			return nil, fmt.Errorf("live: %s: %w", name, ErrNoInterface)
		}
	}
	for range max(s.o.Fanout, 1) {
		r, err := openRing(max(s.o.Buffer/max(s.o.Fanout, 1), minBuffer))
		if err != nil {
			return nil, err
		}
		l := &lane{ring: r, face: f}
		f.lanes, s.lanes, s.rings = append(f.lanes, l), append(s.lanes, l), append(s.rings, r)
	}
	if err := s.attach(f, i); err != nil {
		return nil, fmt.Errorf("live: %s: %w", name, err)
	}
	if i != nil && i.Flags&net.FlagUp == 0 {
		if s.o.EndOnDown || s.o.Fanout > 1 {
			return nil, fmt.Errorf("live: %s: %w", name, unix.ENETDOWN)
		}
		f.state = faceDown
		s.o.Event(Event{Interface: name, Kind: Down})
	}
	return f, nil
}

// attach makes the sockets of f receive from i, or from all interfaces if i
// is nil. It can be repeated, unless they are several, and the right to open
// sockets is not needed for it.
func (s *afPacket) attach(f *face, i *net.Interface) error {
	b, index := base{any: true}, 0
	switch {
	case i != nil:
		hatype, err := hatypeOf(f.lanes[0].fd, i.Name)
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
	f.index = index
	group := newFanout
	for _, l := range f.lanes {
		if err := s.join(l.ring, program, index, &group); err != nil {
			return err
		}
	}
	return nil
}

// join makes one socket receive from an interface, as one of the group if
// there are several.
func (s *afPacket) join(r *ring, program []bpf.Instruction, index int, group *int) error {
	several := s.o.Fanout > 1
	first := program
	if several { // until it is in the group it would see what the others see
		first = []bpf.Instruction{bpf.RetConstant{Val: 0}}
	}
	if err := r.filter(first); err != nil {
		return err
	}
	if s.o.Promiscuous && index != 0 {
		if err := r.promiscuous(index); err != nil {
			return err
		}
	}
	if err := r.bind(index); err != nil && !errors.Is(err, unix.ENETDOWN) { // it is bound all the same
		return err
	}
	if !several {
		return nil
	}
	if err := r.fanout(group); err != nil {
		return err
	}
	return r.filter(program)
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
			s.endAt(clock + int64(settled))
		}
		l := s.earliest(clock)
		switch {
		case l != nil && (s.until == 0 || l.head.nanos <= s.until):
			s.deliver(l, p)
			return nil
		case s.until != 0 && (l != nil || clock > s.until) && !s.owed():
			return s.end()
		}
		if s.fresh {
			s.fresh = false
			*p = capture.Packet{Nanos: s.nothingUntil(clock)}
			return capture.ErrIdle
		}
		if err := s.wait(); err != nil {
			return err
		}
		if !s.any() {
			*p = capture.Packet{Nanos: s.nothingUntil(clock)}
			return capture.ErrIdle
		}
	}
}

// nothingUntil returns the time to tell when there is no packet: clock, unless
// the kernel has put some into a ring and not handed them over, which may be
// older when its timers are late; then the time that was told last.
func (s *afPacket) nothingUntil(clock int64) int64 {
	for _, l := range s.lanes {
		if l.count(); l.taken < l.put && clock-s.told < int64(lateAtMost) {
			return s.told
		}
	}
	s.told = max(s.told, clock)
	return s.told
}

// endAt has the capture end behind the packets that came until a time, which
// is now.
func (s *afPacket) endAt(now int64) {
	s.until = now
	for _, l := range s.lanes {
		l.count()
		l.due = l.put
	}
}

// owed reports whether packets are still to be handed over by the kernel. Its
// timer does that, which is late on a machine that is stalled.
func (s *afPacket) owed() bool {
	for _, l := range s.lanes {
		if l.taken < l.due && s.overdue < overdueAtMost {
			s.overdue++
			return true
		}
	}
	return false
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

// earliest returns the lane whose next packet is the earliest, or nil if
// there is none. With several lanes a packet waits until each of the others
// has shown one, or must have shown those that are older, unless the packets
// behind it need the room: order is worth less than what would be lost.
func (s *afPacket) earliest(clock int64) *lane {
	var first *lane
	missing := false
	for _, l := range s.lanes {
		if !l.ready {
			l.ready = l.advance(&l.head)
		}
		switch {
		case !l.ready:
			missing = true
		case first == nil || l.head.nanos < first.head.nanos:
			first = l
		}
	}
	if first != nil && missing && first.head.nanos > clock && !first.halfFull() {
		return nil
	}
	return first
}

// any reports whether a packet is there, to be delivered now or soon.
func (s *afPacket) any() bool {
	for _, l := range s.lanes {
		if l.ready = l.ready || l.advance(&l.head); l.ready {
			return true
		}
	}
	return false
}

// deliver makes the packet.
func (s *afPacket) deliver(l *lane, p *capture.Packet) {
	l.ready, s.fresh = false, true
	f := l.face
	s.num++
	f.info.Packets++
	*p = capture.Packet{Num: s.num, File: f.number, FileNum: f.info.Packets}
	s.scratch = l.head.finish(p, s.scratch)
	f.info.Bytes += int64(p.Orig)
	s.told = max(s.told, p.Nanos) // a packet tells the time, too
}

// wait waits for packets, for a while.
func (s *afPacket) wait() error {
	d := waitAtMost
	for _, l := range s.lanes {
		if l.ready { // only for the others
			d = retireAfter / 2
		}
	}
	wake := s.wake
	if s.until != 0 {
		wake, d = -1, retireAfter/2
	}
	if len(s.lanes) > 1 && d < waitAtMost {
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
	alive, left := false, false
	for _, f := range s.faces {
		for _, l := range f.lanes {
			l.count()
		}
		if f.info.Name != Any && err == nil {
			s.lookAt(f, there)
		}
		alive = alive || f.state == faceUp
		left = left || f.state != faceGone
	}
	over := !alive && s.o.EndOnDown || !left && s.o.Fanout > 1
	if over && s.until == 0 {
		s.endAt(time.Now().UnixNano()) // and what has come until now
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
	case f.state == faceGone && len(f.lanes) > 1:
		return // sockets of a group cannot be bound again
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
