package sanitize

import (
	"io"
	"sync"

	"popscope"
	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

// Others says what becomes of packets that belong to no POP3 session.
type Others uint8

// Leaving them out changes the numbers of the packets behind them; Blank
// keeps their headers and overwrites everything else.
const (
	Drop Others = iota
	Blank
)

// Options choose what is overwritten besides secrets and mail.
type Options struct {
	Addresses bool // replace IP and hardware addresses, in the order of appearance
	Users     bool // replace user names, in the order of appearance
	Hosts     bool // overwrite names of hosts: in greetings, timestamps of APOP and CRAM-MD5, and TLS handshakes
	Texts     bool // keep what servers say, but for secrets that they repeat
	Others    Others
	Ports     []uint16 // see popscope.Options
	Detect    popscope.Detect
	Dir       string // of the temporary file; "" means the system's
}

// Stats says what was done.
type Stats struct {
	Packets  int64 // read
	Kept     int64 // written
	Unread   int64 // packets overwritten whole, since a limit on memory was reached
	Sessions int64
}

// Sanitizer takes in a capture and writes it anew. Its methods are called
// in the order Read, Write, Close; Format and Stats after Read.
type Sanitizer struct {
	opt   Options
	spool *spool
	dec   *packet.Decoder
	frags *reassembly.Defragmenter
	addrs *addresses
	names *names
	stats Stats

	format func() (capture.Format, error) // fits, called once

	flows map[flowKey]*flow
	used  queue.Queue[flow] // by last use
	conns map[*stream.Conn]*conn
	last  *conn // that was asked for last; nil: look it up
	dirty []*flow

	queue   []queued // with payload, in the order of arrival; written ones are skipped
	waiting int      // bytes of those that are not written
	parts   map[fragKey]*datagram
	order   []*datagram // in the order of their first fragments

	fragments int // frames in parts

	history    int64 // settled bytes in all windows
	remembered queue.Queue[window]

	pool   pool
	free   []*frame // that were written
	serial uint64   // of the last frame
	unused struct { // what ended
		flows []*flow
		conns []*conn
	}

	seg  packet.Segment
	frag packet.Fragment
}

// New returns a Sanitizer with its temporary file.
func New(o Options) (*Sanitizer, error) {
	sp, err := newSpool(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Sanitizer{
		opt: o, spool: sp, dec: packet.NewDecoder(), frags: reassembly.NewDefragmenter(0, 0, 0),
		addrs: newAddresses(o.Addresses), names: newNames(o.Users),
		flows: map[flowKey]*flow{}, conns: map[*stream.Conn]*conn{},
		parts: map[fragKey]*datagram{},
	}
	s.dec.LeaveChecksums = true // frame.check looks at them
	s.format = sync.OnceValues(s.fits)
	return s, nil
}

// tap is the Sanitizer as the analysis sees it.
type tap struct{ s *Sanitizer }

// source is a capture.Source whose packets the Sanitizer sees first.
type source struct {
	s   *Sanitizer
	src capture.Source
}

// Next implements capture.Source.
func (x *source) Next(p *capture.Packet) error {
	x.s.settle()
	err := x.src.Next(p)
	if err == nil {
		x.s.packet(p)
	}
	return err
}

// Read takes in all of src. warn is told of damage in the capture, which
// does not end the reading of other files. The error is that of the
// temporary file, or says that a limit does not let addresses be replaced.
func (s *Sanitizer) Read(src capture.Source, warn func(error)) error {
	a := popscope.New(popscope.Options{
		Ports: s.opt.Ports, Detect: s.opt.Detect, Workers: 1, NoMail: true, Tap: tap{s},
	})
	for _, err := range a.Results(&source{s, src}) {
		if err != nil && warn != nil {
			warn(err)
		}
	}
	s.settle()
	for _, f := range s.flows {
		for _, fr := range f.frames {
			s.put(fr)
		}
		f.frames = nil
	}
	for _, d := range s.order {
		for _, fr := range d.frames {
			s.put(fr)
		}
		d.frames = nil
	}
	s.stats.Sessions = a.Summary().Sessions
	if s.addrs.err != nil {
		return s.addrs.err
	}
	return s.spool.flush()
}

// Format returns the format that holds the capture: Pcap, or Pcapng where there
// is more than one link type. Call it after Read.
func (s *Sanitizer) Format() (capture.Format, error) { return s.format() }

// fits is what Format returns. It reads all of a capture of several link
// types, since the packets of some may be left out.
func (s *Sanitizer) fits() (capture.Format, error) {
	if !s.spool.mixed {
		return capture.Pcap, s.spool.err
	}
	links := map[capture.LinkType]bool{}
	if _, err := s.spool.each(func(p *capture.Packet) error { links[p.Link] = true; return nil }); err != nil {
		return capture.Pcap, err
	}
	if len(links) > 1 {
		return capture.Pcapng, nil
	}
	return capture.Pcap, nil
}

// Write writes the capture, with times in nanoseconds. Of several link types a
// Pcap file has no room: then the error is capture.ErrLink, and nothing is
// written.
func (s *Sanitizer) Write(w io.Writer, f capture.Format) error {
	if f == capture.Pcap {
		switch holds, err := s.Format(); {
		case err != nil:
			return err
		case holds != capture.Pcap:
			return capture.ErrLink
		}
	}
	out, err := capture.NewWriter(w, capture.WriterOptions{Format: f, Snaplen: max(s.spool.longest, 256<<10)})
	if err != nil {
		return err
	}
	if s.stats.Kept, err = s.spool.each(out.Write); err != nil {
		return err
	}
	return out.Close()
}

// Stats returns the counts; those of Write after it.
func (s *Sanitizer) Stats() Stats { return s.stats }

// Close removes the temporary file.
func (s *Sanitizer) Close() error { return s.spool.close() }

// packet takes one packet before the analysis sees it.
func (s *Sanitizer) packet(p *capture.Packet) {
	s.stats.Packets++
	fr := s.newFrame()
	var v packet.Verdict
	v, fr.headers = s.dec.Headers(p, &s.seg, &s.frag, fr.headers)
	fr.begin(&s.pool, p.Data)
	fr.num, fr.nanos = p.Num, p.Nanos
	fr.record = s.spool.reserve(p, s.opt.Others == Blank)
	s.addrs.headers(fr)
	s.decoded(fr, v)
}

// decoded goes on with a frame, or with a datagram put together.
func (s *Sanitizer) decoded(fr *frame, v packet.Verdict) {
	switch v {
	case packet.IsSegment:
		h := &fr.headers[len(fr.headers)-1]
		fr.from = h.At + min(h.Size, h.Captured)
		fr.n = len(s.seg.Payload)
		s.take(fr, &s.seg)
	case packet.IsFragment:
		s.fragment(fr)
	default:
		s.put(fr)
	}
}

// put writes a frame.
func (s *Sanitizer) put(fr *frame) {
	if fr.written {
		return
	}
	fr.written = true
	if fr.flow != nil {
		s.waiting -= len(fr.orig)
	}
	fr.seal(s.addrs.addr)
	if len(fr.parts) == 0 {
		s.spool.frame(fr.record, fr.out)
	} else {
		fr.scatter()
		for _, p := range fr.parts {
			s.put(p.in)
		}
	}
	fr.reset(&s.pool)
	if len(s.free) < maxFree {
		s.free = append(s.free, fr)
	}
}

// maxFree bounds the frames that wait to be used again.
const maxFree = 1024

// newFrame returns a frame that is not begun.
func (s *Sanitizer) newFrame() *frame {
	var fr *frame
	if n := len(s.free); n > 0 {
		fr, s.free = s.free[n-1], s.free[:n-1]
	} else {
		fr = new(frame)
	}
	s.serial++
	fr.serial = s.serial
	return fr
}

// keep says that a packet is to be in the output.
func (s *Sanitizer) keep(h *held) {
	switch {
	case s.opt.Others == Blank: // it is already
	case h.records == nil:
		s.spool.keep(h.record)
	default:
		for _, r := range h.records {
			s.spool.keep(r)
		}
	}
}

// wait notes that a frame is in memory, and overwrites the oldest ones when
// there are too many.
func (s *Sanitizer) wait(fr *frame) {
	s.waiting += len(fr.orig)
	s.queue = append(s.queue, queued{fr, fr.serial})
	for s.waiting > maxWaiting/2 && len(s.queue) > 0 { // each is there twice
		old := s.queue[0]
		s.queue = s.queue[1:]
		if old.waits() {
			s.stats.Unread++
			f := old.flow
			s.put(old.frame)
			f.remove(old.frame)
		}
	}
	if len(s.queue) >= 4096 && len(s.queue) > 4*s.live() {
		rest := s.queue[:0]
		for _, w := range s.queue {
			if w.waits() {
				rest = append(rest, w)
			}
		}
		clear(s.queue[len(rest):])
		s.queue = rest
	}
}

// queued is a place in the queue.
type queued struct {
	*frame
	serial uint64
}

// waits reports whether the frame in this place was not written yet.
func (w *queued) waits() bool { return !w.written && w.frame.serial == w.serial }

// live estimates how many frames wait.
func (s *Sanitizer) live() int { return s.waiting / 54 }

// remove takes a written frame out of its flow.
func (f *flow) remove(old *frame) {
	for i, fr := range f.frames {
		if fr == old {
			f.frames = append(f.frames[:i], f.frames[i+1:]...)
			return
		}
	}
}
