package main

import (
	"errors"
	"sync/atomic"
	"time"

	"popscope"
	"popscope/capture"
	"popscope/capture/live"
)

// recorder is the interface on its way to the analysis: packets are counted
// and kept in files here. Whatever the analysis tells of a packet, the packet
// was handed to the system before.
type recorder struct {
	live.Source
	files   *capture.Rotator // nil: packets are not kept
	keylog  *growingLog      // nil: there is none
	count   *tally
	say     func(string) // of files that cannot be written, or can again
	reopen  atomic.Bool  // asked for by a signal
	ending  func()       // called before the end is handed on; nil: nobody waits for it
	broken  bool         // the files cannot be written; said
	tried   time.Time    // when it was last tried, iff broken
	failed  bool         // some packets are in no file
	unsaved int          // bytes since the last flush
	flushed time.Time
}

const (
	// flushBytes and flushAfter bound what a crash can lose of a busy
	// capture; a quiet one is flushed whenever there are no packets.
	flushBytes = 32 << 10
	flushAfter = 50 * time.Millisecond
)

// Next implements capture.Source.
func (r *recorder) Next(p *capture.Packet) error {
	if r.files != nil && r.unsaved > 0 && (r.unsaved >= flushBytes || time.Since(r.flushed) >= flushAfter) {
		r.flush()
	}
	err := r.Source.Next(p)
	if err != nil && r.ending != nil {
		r.ending() // the last results go to the files that a signal asked for
	}
	r.count.beats.Add(1)
	if r.files != nil {
		r.mend()
	}
	switch {
	case err != nil:
		r.flush()
		if r.keylog != nil {
			r.keylog.catchUp()
		}
		return err
	default:
		r.count.packets.Add(1)
		r.count.bytes.Add(int64(p.Orig))
		r.write(p)
	}
	return nil
}

// Ignored returns what the source passed over, by reason.
func (r *recorder) Ignored() map[string]int64 {
	if s, ok := r.Source.(interface{ Ignored() map[string]int64 }); ok {
		return s.Ignored()
	}
	return nil
}

// mend opens new files when a signal asked for them, and tries again after
// an error: the disk may have room by now.
func (r *recorder) mend() {
	var err error
	switch {
	case r.reopen.CompareAndSwap(true, false):
		if err = r.files.Reopen(); errors.Is(err, capture.ErrGoesOn) {
			r.say(err.Error())
			return
		}
	case r.broken && time.Since(r.tried) >= retryAfter:
		err = r.files.Resume()
	default:
		return
	}
	if r.broken && err == nil {
		r.broken = false
		r.say("packets are kept again")
	}
	r.check(err)
}

func (r *recorder) write(p *capture.Packet) {
	switch {
	case r.files == nil:
		return
	case r.broken:
		r.count.unwritten.Add(1)
		return
	}
	r.check(r.files.Write(p))
	if r.broken {
		r.count.unwritten.Add(1)
		return
	}
	r.unsaved += len(p.Data)
	r.count.written.Add(1)
}

func (r *recorder) flush() {
	if r.files == nil || r.broken {
		return
	}
	r.files.Dropped(r.Drops())
	r.check(r.files.Flush())
	r.unsaved, r.flushed = 0, time.Now()
}

// check gives the files up after an error, for a while.
func (r *recorder) check(err error) {
	if err == nil {
		return
	}
	if !r.broken {
		r.say("packets are not kept any more: " + err.Error())
	}
	r.broken, r.failed, r.tried = true, true, time.Now()
}

// close completes the files.
func (r *recorder) close() {
	if r.files == nil {
		return
	}
	r.files.Dropped(r.Drops())
	if err := r.files.Close(); !r.broken {
		r.check(err)
	}
}

// sieved is an interface of which only the packets of POP3 connections
// come: those that are to be kept when POP3 is looked for on any port. What
// is analysed is what is kept, so that the numbers of packets agree.
type sieved struct {
	live.Source
	sieve *popscope.Sieve
	files []capture.FileInfo
	count *tally
	say   func(string)
}

func newSieved(src live.Source, o popscope.Options, count *tally, say func(string)) *sieved {
	s := &sieved{Source: src, sieve: popscope.NewSieve(src, o), files: src.Files(), count: count, say: say}
	for i := range s.files {
		s.files[i].Packets, s.files[i].Bytes = 0, 0
	}
	return s
}

// Next implements capture.Source.
func (s *sieved) Next(p *capture.Packet) error {
	err := s.sieve.Next(p)
	if n := s.sieve.Missed(); n > 0 && s.count.undecided.Swap(n) == 0 {
		s.say("warning: too many connections have not shown yet whether they are POP3; packets of some are not kept")
	}
	if err == nil {
		f := &s.files[p.File]
		f.Packets++
		f.Bytes += int64(p.Orig)
		p.FileNum = f.Packets
	}
	return err
}

// Ignored returns what the sieve had no room for.
func (s *sieved) Ignored() map[string]int64 { return s.sieve.Ignored() }

// Files returns the interfaces with the packets that were let through.
func (s *sieved) Files() []capture.FileInfo { return s.files }
