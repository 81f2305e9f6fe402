package capture

import (
	"cmp"
	"container/heap"
	"io"
	"io/fs"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Timeline reads one or several capture files in the order of their
// packets. It implements Source. It must be used from one goroutine, but
// for Read and Size.
type Timeline struct {
	tracks  []*track // in the order of the arguments
	waiting line     // files that still have packets, but for cur
	cur     *track   // the file that delivers now
	errs    []error  // to be returned by Next
	num     int64
	closed  bool

	openFile func(name string) (fs.File, error)
	done     <-chan struct{} // Options.Done

	merging    bool  // there are several files
	active     int   // files begun and not at their end
	overlapped bool  // two files were under way at once
	start      int64 // when the first file was due
	started    bool
	back       int64 // how far times were seen to run backwards inside a file

	read  atomic.Int64
	size  int64
	keys  keyLog
	spare [][]byte // blocks to be used again
	small []byte   // the same, for a file that is only looked at
	ahead *ahead   // nil until the first file is read ahead
}

const (
	crowd     = 16 // files open at once that get a large block each
	maxSpare  = 4
	maxBack   = int64(time.Minute) // a larger step back is a clock that was set, not packets out of order
	handOver  = int64(100 * time.Millisecond)
	handOvers = int64(time.Second) // at most, however far times ran backwards
	maxAhead  = 4096               // packets that are read ahead to find the end of a file
	maxAheadB = 4 << 20            // and their bytes
)

// Next fills in the next packet. Data is valid until the next call.
//
// An error other than io.EOF is about one file, and Next can be called
// again: the packets of the other files follow. It is a *FormatError for
// what is damaged or no capture file, with all packets before the damage
// delivered already, or a *fs.PathError for a file that cannot be opened.
func (t *Timeline) Next(p *Packet) error {
	if t.stopped() {
		return io.EOF
	}
	err := t.next(p)
	if err != nil && t.stopped() {
		return io.EOF
	}
	return err
}

// stopped reports whether no more packets are wanted.
func (t *Timeline) stopped() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// next is Next as long as packets are wanted.
func (t *Timeline) next(p *Packet) error {
	if f := t.cur; f != nil && !t.merging { // the short way: it waits for nothing
		if f.read(p) {
			t.count(f, p)
			return nil
		}
		t.finish(f)
	}
	for {
		if len(t.errs) > 0 {
			err := t.errs[0]
			t.errs = t.errs[1:]
			return err
		}
		f := t.cur
		if f == nil {
			if t.closed {
				return fs.ErrClosed
			}
			if len(t.waiting) == 0 {
				return io.EOF
			}
			t.choose()
			continue
		}
		if f.queue.n == 0 {
			if !f.read(p) {
				t.finish(f)
				continue
			}
			if t.mayGo(f, p.Nanos) {
				t.emit(f, p)
				return nil
			}
			f.queue.push(p)
		}
		if t.mayGo(f, f.queue.at(0).Nanos) || t.mayGo(f, f.next()) || t.endsSoon(f) {
			f.queue.pop(p)
			t.emit(f, p)
			return nil
		}
		f.key = f.next()
		heap.Push(&t.waiting, f)
		t.cur = nil
	}
}

// NextBatch fills in as many packets as can be had at once, at least one and
// at most len(ps), and returns how many. They are those that so many calls of
// Next would give, in less time; the Data of all is valid until the next call.
// An error comes without a packet, and is one of Next.
//
// What KeyLog returns then was read before the first of them.
func (t *Timeline) NextBatch(ps []Packet) (n int, err error) {
	if len(ps) == 0 {
		return 0, nil
	}
	if err := t.Next(&ps[0]); err != nil {
		return 0, err
	}
	f := t.cur
	if f == nil || t.merging || f.end != nil {
		return 1, nil
	}
	n, f.end = f.dec.more(ps[1:])
	for i := range n {
		t.count(f, &ps[1+i])
	}
	return 1 + n, nil
}

// mayGo reports whether a packet of f that is due at the time given comes
// before all that wait.
func (t *Timeline) mayGo(f *track, due int64) bool {
	if len(t.waiting) == 0 || f.drain {
		return true
	}
	w := t.waiting[0]
	return due < w.key || due == w.key && f.rank < w.rank
}

// choose makes the file that is due first the current one.
func (t *Timeline) choose() {
	f := heap.Pop(&t.waiting).(*track)
	t.cur = f
	if f.begun {
		return
	}
	if !t.started && f.key != math.MinInt64 {
		t.start, t.started = f.key, true
	}
	t.active++
	if t.active > 1 {
		t.overlapped = true
	}
	if err := f.begin(); err != nil {
		f.queue, f.end = queue{}, err
	}
}

// endsSoon finds out whether f only seems to overlap the file that waits
// behind it: a capture that was cut into files, with packets around the cut
// that are slightly out of order. Then f goes on to its end first.
//
//	f    ... 9.98  10.01  10.03 |
//	next                        | 10.02  10.04 ...
//
// It is taken for one if no two files have overlapped before, and f ends
// within a moment after the beginning of the next one. A moment is short
// against the time since the start, so that two short captures of one
// moment, as from the two directions of a tap, do not count.
func (t *Timeline) endsSoon(f *track) bool {
	next := t.waiting[0]
	if t.overlapped || next.begun || t.active > 1 {
		return false
	}
	moment := min(max(handOver, 2*t.back), handOvers)
	if d := distance(next.key, t.start) / 2; d < uint64(moment) {
		moment = int64(d)
	}
	bytes := 0
	for i := 0; ; i++ {
		f.fill(i + 3)
		if i >= f.queue.n {
			f.drain = true
			return true
		}
		bytes += len(f.queue.at(i).Data)
		due := f.effective(i)
		if i == maxAhead || bytes > maxAheadB || due > next.key && distance(due, next.key) > uint64(moment) {
			return false
		}
	}
}

// count counts a packet that is delivered, and the records before it that
// have a number but no packet in them.
func (t *Timeline) count(f *track, p *Packet) {
	t.num += p.FileNum - f.passed
	f.passed = p.FileNum
	p.Num = t.num
	p.File = f.index
	f.info.Packets++
	f.info.Bytes += int64(p.Orig)
}

// emit counts a packet that is delivered, and notes its time for the merge.
func (t *Timeline) emit(f *track, p *Packet) {
	t.count(f, p)
	if !t.merging {
		return
	}
	if f.emitted > 0 && p.Nanos < f.past[0] {
		if d := distance(f.past[0], p.Nanos); d <= uint64(maxBack) {
			t.back = max(t.back, int64(d))
		}
	}
	f.past[1], f.past[0] = f.past[0], p.Nanos
	f.emitted++
}

// finish closes a file that has come to its end, or to its damage.
func (t *Timeline) finish(f *track) {
	t.active--
	t.cur = nil
	if f.end == io.EOF {
		t.num += f.dec.records() - f.passed // the next file is numbered as if it were a part of this one
	}
	f.release()
	f.queue = queue{}
	if f.end != io.EOF && !t.stopped() {
		f.info.Err = f.end
		t.errs = append(t.errs, f.end)
	}
}

// Files returns what has been read of each file so far, in the order of the
// arguments of Open.
func (t *Timeline) Files() []FileInfo {
	infos := make([]FileInfo, len(t.tracks))
	for i, f := range t.tracks {
		infos[i] = f.info
	}
	return infos
}

// Drops returns how many packets were lost while capturing, as far as the
// interface statistics of pcapng files tell, in what has been read so far.
// Each statistics block holds totals: the last one of an interface counts.
func (t *Timeline) Drops() uint64 {
	var sum uint64
	for _, f := range t.tracks {
		sum = saturate(sum, f.lost)
		if f.dec != nil {
			sum = saturate(sum, f.dec.drops())
		}
	}
	return sum
}

// KeyLog returns the TLS secrets of the pcapng decryption-secrets blocks
// read so far, in the NSS key log format: whole lines, at most 16 MiB of
// them. The bytes stay valid and do not change; later calls return them and
// what has come since.
func (t *Timeline) KeyLog() []byte { return t.keys.b[:len(t.keys.b):len(t.keys.b)] }

// MayHoldKeys reports whether KeyLog may return anything, now or later: only
// pcapng files hold TLS secrets.
func (t *Timeline) MayHoldKeys() bool {
	return slices.ContainsFunc(t.tracks, func(f *track) bool { return f.secrets })
}

// KeysLeftOut returns how many blocks of TLS secrets read so far are not in
// KeyLog: those for which there was no room, and damaged ones.
func (t *Timeline) KeysLeftOut() int64 { return t.keys.left }

// Read returns how many bytes of the inputs have been read, as they are
// stored. With Size it shows the progress. It may be called from any
// goroutine.
func (t *Timeline) Read() int64 { return t.read.Load() }

// Size returns the length of the regular files among the inputs. It may be
// called from any goroutine.
func (t *Timeline) Size() int64 { return t.size }

// Close closes the files. Next returns fs.ErrClosed afterwards; Files,
// Drops, KeyLog and KeysLeftOut keep what they told. Packets delivered are no
// longer valid.
func (t *Timeline) Close() error {
	t.closed = true
	t.cur, t.waiting, t.errs = nil, nil, nil
	for _, f := range t.tracks {
		f.release()
		f.queue = queue{}
	}
	return nil
}

// block returns memory for one more file.
func (t *Timeline) block(small bool) []byte {
	if small {
		b := t.small
		t.small = nil
		if b == nil {
			b = make([]byte, smallBlock)
		}
		return b
	}
	if n := len(t.spare); n > 0 {
		b := t.spare[n-1]
		t.spare = t.spare[:n-1]
		return b
	}
	if t.active > crowd {
		return make([]byte, smallBlock)
	}
	return make([]byte, blockSize)
}

// reuse takes the memory back. Blocks that grew are not kept.
func (t *Timeline) reuse(b []byte) {
	switch {
	case len(b) == blockSize && len(t.spare) < maxSpare:
		t.spare = append(t.spare, b)
	case len(b) == smallBlock:
		t.small = b
	}
}

// readAhead begins to read a file ahead, or returns nil. One file at a time
// is: with one it is worth most, with many open at once memory would have no
// bound.
func (t *Timeline) readAhead(src io.Reader) *ahead {
	if t.ahead == nil {
		t.ahead = newAhead(aheadBlocks, headroom, blockSize)
	}
	if t.ahead.busy {
		return nil
	}
	t.ahead.start(src)
	return t.ahead
}

// line is the heap of files that wait, the one due first in front.
type line []*track

func (l line) Len() int           { return len(l) }
func (l line) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *line) Push(f any)        { *l = append(*l, f.(*track)) }
func (l line) Less(i, j int) bool { return cmpDue(l[i], l[j]) < 0 }

func (l *line) Pop() any {
	last := len(*l) - 1
	f := (*l)[last]
	*l = (*l)[:last]
	return f
}

func cmpDue(a, b *track) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.rank, b.rank))
}
