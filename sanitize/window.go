package sanitize

import (
	"bytes"

	"popscope/reassembly/queue"
	"popscope/reassembly/stream"
)

const (
	// history is how many settled bytes of a direction are kept for copies
	// that come again. The analysis compares 4 KiB (reassembly.Limits).
	history = 8 << 10
	// maxHistory bounds the history of all directions; the oldest is
	// dropped beyond it, as the analysis does.
	maxHistory = 32 << 20
	// maxUnsettled bounds what waits in one direction for the analysis to
	// say what it is; beyond it bytes are overwritten unseen. The analysis
	// holds 256 KiB itself, but the data of a command that nobody knows is
	// told about only at its end.
	maxUnsettled = 4 << 20
)

// window is one direction of a connection: its bytes as they were, and as
// they will be.
//
//	0        trimmed      lo          settled           hi
//	|.....................[hhhhhhhhhhh|uuuuuuuuuuuuuuuuu|
type window struct {
	begun   bool
	start   uint32          // TCP sequence number of offset 0
	settled int64           // what is before it does not change any more
	told    int64           // the analysis has told about everything before it
	holds   [numHolds]int64 // settled stays before these offsets until they are released; -1: no hold
	runs    []run           // without the bytes that were lost
	size    int64           // of all of them
	pool    *pool           // that their buffers come from

	// Of Sanitizer.remember.
	counted int64              // how many bytes are counted in Sanitizer.history
	place   queue.Node[window] // in Sanitizer.remembered
}

// A hold is why bytes of which the analysis has told wait all the same.
const (
	forLine     = iota // the line is not whole
	forDialogue        // the SASL dialogue is not over
	numHolds
)

// run is a stretch without a gap.
//
//	buf   cut | orig | room          cut | out | room
type run struct {
	off       int64
	orig, out []byte
	buf       []byte
}

// grow makes room for n bytes more. Bytes move when at least half as many were
// cut off before them, or into a larger buffer.
func (r *run) grow(p *pool, n int) {
	if cap(r.orig)-len(r.orig) >= n {
		return
	}
	orig, out, old := r.orig, r.out, r.buf
	half := len(old) / 2
	if cut := half - cap(orig); len(orig)+n > half || cut < len(orig)/2 {
		r.buf = p.take(2 * (len(orig) + n + len(orig)/2))
		r.buf = r.buf[:cap(r.buf)&^1]
		half = len(r.buf) / 2
	}
	r.orig, r.out = r.buf[:len(orig):half], r.buf[half:half+len(out)]
	copy(r.orig, orig)
	copy(r.out, out)
	if half != len(old)/2 {
		p.give(old)
	}
}

func (r *run) end() int64 { return r.off + int64(len(r.orig)) }

// add takes the next chunk.
func (w *window) add(ch stream.Chunk, start uint32) {
	if !w.begun {
		w.begun, w.holds = true, [numHolds]int64{-1, -1}
		w.settled, w.told = ch.Off, ch.Off
	}
	w.start = start
	if len(ch.Data) == 0 {
		return
	}
	if n := len(w.runs); n == 0 || w.runs[n-1].end() != ch.Off {
		w.runs = append(w.runs, run{off: ch.Off})
	}
	r := &w.runs[len(w.runs)-1]
	r.grow(w.pool, len(ch.Data))
	r.orig = append(r.orig, ch.Data...)
	r.out = append(r.out, ch.Data...)
	w.size += int64(len(ch.Data))
	blank(ch.Data, r.out[len(r.out)-len(ch.Data):], '\n')
	if over := w.size - maxUnsettled - history; over > 0 {
		w.holds = [numHolds]int64{-1, -1}
		w.tell(w.runs[len(w.runs)-1].end())
	}
}

// tell says that the analysis has told about everything before off.
func (w *window) tell(off int64) {
	w.told = max(w.told, off)
	w.settled = w.told
	for _, h := range w.holds {
		if h >= 0 {
			w.settled = min(w.settled, h)
		}
	}
}

// each calls f for the bytes from off to end that are not settled, run by
// run.
func (w *window) each(off, end int64, f func(off int64, orig, out []byte)) {
	off = max(off, w.settled)
	for i := range w.runs {
		r := &w.runs[i]
		lo, hi := max(off, r.off), min(end, r.end())
		if lo < hi {
			f(lo, r.orig[lo-r.off:hi-r.off], r.out[lo-r.off:hi-r.off])
		}
	}
}

// bytes returns the bytes from off to end; nil unless all of them are there.
func (w *window) bytes(off, end int64) (orig, out []byte) {
	for i := range w.runs {
		if r := &w.runs[i]; r.off <= off && end <= r.end() {
			return r.orig[off-r.off : end-r.off], r.out[off-r.off : end-r.off]
		}
	}
	return nil, nil
}

// trim forgets what is further than n bytes before the settled end.
func (w *window) trim(n int64) {
	lo, gone := w.settled-n, 0
	for i := range w.runs {
		r := &w.runs[i]
		if r.off >= lo {
			break
		}
		cut := min(lo, r.end()) - r.off
		w.size -= cut
		if cut == int64(len(r.orig)) {
			w.pool.give(r.buf)
			gone++
			continue
		}
		r.orig, r.out, r.off = r.orig[cut:], r.out[cut:], lo
	}
	if gone > 0 {
		rest := w.runs[:copy(w.runs, w.runs[gone:])]
		clear(w.runs[len(rest):])
		w.runs = rest
	}
}

// reset forgets everything.
func (w *window) reset() {
	for i := range w.runs {
		w.pool.give(w.runs[i].buf)
	}
	clear(w.runs)
	*w = window{runs: kept(w.runs), pool: w.pool}
}

// offset returns the stream offset of a sequence number.
func (w *window) offset(seq uint32) int64 {
	return w.settled + int64(int32(seq-(w.start+uint32(w.settled))))
}

// fill writes what the window knows of a segment into out. A byte that
// differs from the copy that counts stays different.
func (w *window) fill(off int64, orig, out []byte) {
	for i := range w.runs {
		r := &w.runs[i]
		lo, hi := max(off, r.off), min(off+int64(len(orig)), r.end(), w.settled)
		if lo < hi && bytes.Equal(orig[lo-off:hi-off], r.orig[lo-r.off:hi-r.off]) {
			copy(out[lo-off:], r.out[lo-r.off:hi-r.off])
			continue
		}
		for o := lo; o < hi; o++ {
			old, now := r.orig[o-r.off], r.out[o-r.off]
			switch {
			case orig[o-off] == old:
				out[o-off] = now
			case now == filler:
				out[o-off] = otherFiller
			default:
				out[o-off] = filler
			}
		}
	}
}

// What bytes are overwritten with.
const (
	filler      = 'x'
	otherFiller = 'y' // where x would hide that two copies differ, or repeat what a secret was overwritten with
)

// blank writes into out what becomes of orig, of which nothing is known but
// that it is of a POP3 connection. Line ends stay, so that lines are lines,
// and so do zero bytes and the dot that may end data. prev is the byte before.
func blank(orig, out []byte, prev byte) {
	if len(orig) == 0 {
		return
	}
	overwrite(out[:len(orig)])
	if prev == '\n' && orig[0] == '.' {
		out[0] = '.'
	}
	ends := 0 // lines that end in CRLF
	for i := 0; i < len(orig); {
		n := bytes.IndexByte(orig[i:], '\n')
		if n < 0 {
			break
		}
		i += n
		out[i] = '\n'
		if i > 0 && orig[i-1] == '\r' {
			out[i-1] = '\r'
			ends++
		}
		if i++; i < len(orig) && orig[i] == '.' {
			out[i] = '.'
		}
	}
	if bytes.Count(orig, cr) > ends {
		keepByte('\r', orig, out)
	}
	keepByte(0, orig, out)
}

var cr = []byte{'\r'}

// keepByte keeps one kind of bytes.
func keepByte(c byte, orig, out []byte) {
	for i := 0; ; i++ {
		n := bytes.IndexByte(orig[i:], c)
		if n < 0 {
			return
		}
		i += n
		out[i] = c
	}
}
