//go:build libpcap

package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/gopacket/pcap"
	"golang.org/x/net/bpf"

	"popscope/capture"
)

// HasLibpcap reports whether this program can use libpcap.
const HasLibpcap = true

// library is the Source of libpcap. A goroutine reads each interface and
// hands one packet at a time to Next.
type library struct {
	o       Options
	faces   []*pcapFace
	packets chan pcapPacket
	quit    chan struct{} // closed by Close: nobody reads any more
	ended   <-chan struct{}
	readers sync.WaitGroup
	num     int64
	held    *pcapFace // whose packet was handed out: its reader waits until it is done with
	alive   int
	until   int64
	once    sync.Once
}

type pcapFace struct {
	index  int
	info   capture.FileInfo
	handle *pcap.Handle
	link   capture.LinkType
	drops  atomic.Uint64
	taken  chan struct{} // the packet that was handed on is done with
	head   pcapPacket    // the next one, valid iff ready
	ready  bool
	gone   bool // there will be no more
}

// pcapPacket is what a reader hands on: a packet, or why there are no more.
type pcapPacket struct {
	face *pcapFace
	data []byte
	at   time.Time
	orig int
	err  error
}

// pcapWait is how long libpcap may hold packets back.
const pcapWait = retireAfterPcap

const retireAfterPcap = 40 * time.Millisecond

func openLibpcap(ctx context.Context, o Options) (Source, error) {
	s := &library{o: o, packets: make(chan pcapPacket), quit: make(chan struct{}), ended: ctx.Done()}
	for i, name := range o.Interfaces {
		f, err := pcapOpen(name, &o)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("live: %s: %w", name, err)
		}
		f.index = i
		s.faces = append(s.faces, f)
	}
	s.alive = len(s.faces)
	for _, f := range s.faces {
		s.readers.Go(func() { s.read(f) })
	}
	return s, nil
}

// pcapOpen opens one interface.
func pcapOpen(name string, o *Options) (*pcapFace, error) {
	h, err := pcap.NewInactiveHandle(name)
	if err != nil {
		return nil, err
	}
	defer h.CleanUp()
	for _, set := range []error{h.SetSnapLen(o.Snaplen), h.SetBufferSize(o.Buffer), h.SetPromisc(o.Promiscuous), h.SetTimeout(pcapWait)} {
		if set != nil {
			return nil, set
		}
	}
	handle, err := h.Activate()
	if err != nil {
		return nil, permission(err)
	}
	f := &pcapFace{info: capture.FileInfo{Name: name}, handle: handle, link: capture.LinkType(handle.LinkType()), taken: make(chan struct{})}
	if err := f.filter(o); err != nil {
		handle.Close()
		return nil, err
	}
	return f, nil
}

// permission lets missing rights be recognised.
func permission(err error) error {
	if t := err.Error(); strings.Contains(t, "ermission") || strings.Contains(t, "not permitted") {
		return fmt.Errorf("%w: %v", syscall.EPERM, err)
	}
	return err
}

// filter attaches what Options ask for. For link types of which the
// generator knows nothing, everything passes.
func (f *pcapFace) filter(o *Options) error {
	if o.Filter != "" {
		if err := f.handle.SetBPFFilter(o.Filter); err != nil {
			return fmt.Errorf("filter %q: %w", o.Filter, err)
		}
		return nil
	}
	program, err := filter{ports: o.Ports, tunnels: o.Tunnels, snaplen: uint32(o.Snaplen)}.program(base{link: f.link})
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	code := make([]pcap.BPFInstruction, len(raw))
	for i, in := range raw {
		code[i] = pcap.BPFInstruction{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return f.handle.SetBPFInstructionFilter(code)
}

// read hands on the packets of one interface.
func (s *library) read(f *pcapFace) {
	defer f.handle.Close()
	for count := time.Now(); ; {
		if done(s.quit) {
			return
		}
		if now := time.Now(); now.Sub(count) > time.Second/2 {
			count = now
			if st, err := f.handle.Stats(); err == nil {
				f.drops.Store(uint64(max(st.PacketsDropped, 0) + max(st.PacketsIfDropped, 0)))
			}
		}
		data, ci, err := f.handle.ZeroCopyReadPacketData()
		if errors.Is(err, pcap.NextErrorTimeoutExpired) {
			continue
		}
		select {
		case s.packets <- pcapPacket{f, data, ci.Timestamp, ci.Length, err}:
		case <-s.quit:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-f.taken:
		case <-s.quit:
			return
		}
	}
}

// Next implements capture.Source.
func (s *library) Next(p *capture.Packet) error {
	if s.held != nil {
		s.held.taken <- struct{}{}
		s.held = nil
	}
	for begin := time.Now(); ; {
		clock := time.Now().Add(-4 * pcapWait).UnixNano() // what is older has been handed on
		if s.until == 0 && done(s.ended) {
			s.until = time.Now().UnixNano()
		}
		f, any := s.earliest(clock)
		switch {
		case f != nil && s.until != 0 && f.head.at.UnixNano() > s.until:
			return io.EOF
		case f != nil:
			s.deliver(f, p)
			return nil
		case s.until != 0 && clock > s.until, s.alive == 0 && !any:
			return io.EOF
		}
		if s.wait() || any || time.Since(begin) < 2*pcapWait {
			continue
		}
		*p = capture.Packet{Nanos: clock}
		return capture.ErrIdle
	}
}

// earliest returns the interface whose next packet is the earliest, or nil
// if a packet of another may still be older; any tells whether one waits.
func (s *library) earliest(clock int64) (first *pcapFace, any bool) {
	missing := false
	for _, f := range s.faces {
		switch {
		case f.ready && (first == nil || f.head.at.Before(first.head.at)):
			first = f
		case !f.ready && !f.gone:
			missing = true
		}
	}
	if first != nil && missing && len(s.faces) > 1 && first.head.at.UnixNano() > clock {
		return nil, true
	}
	return first, first != nil
}

// wait waits a little for what a reader hands on, and reports whether one
// did.
func (s *library) wait() bool {
	var in pcapPacket
	select {
	case in = <-s.packets:
	default:
		select {
		case in = <-s.packets:
		case <-time.After(pcapWait / 2):
			return false
		}
	}
	f := in.face
	if in.err == nil {
		f.head, f.ready = in, true
		return true
	}
	f.gone = true
	s.alive--
	s.o.Event(Event{Interface: f.info.Name, Kind: Removed})
	return true
}

// deliver makes the packet.
func (s *library) deliver(f *pcapFace, p *capture.Packet) {
	s.held, f.ready = f, false
	s.num++
	f.info.Packets++
	f.info.Bytes += int64(f.head.orig)
	*p = capture.Packet{Num: s.num, File: f.index, FileNum: f.info.Packets, Nanos: f.head.at.UnixNano(), Link: f.link, Data: f.head.data, Orig: f.head.orig}
}

// Drops implements Source.
func (s *library) Drops() uint64 {
	var n uint64
	for _, f := range s.faces {
		n += f.drops.Load()
	}
	return n
}

// Files implements Source.
func (s *library) Files() []capture.FileInfo {
	out := make([]capture.FileInfo, len(s.faces))
	for i, f := range s.faces {
		out[i] = f.info
	}
	return out
}

// Close implements Source.
func (s *library) Close() error {
	s.once.Do(func() {
		close(s.quit)
		s.readers.Wait()
	})
	return nil
}
