package mailfile

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// A spool fills buffers of these sizes, each twice as large as the one
// before: little is held for a short message, and nothing is copied into a
// larger buffer. When the last one is full, all go to a temporary file.
const (
	minBuffer  = 4 << 10
	numBuffers = 6                                 // the largest one is of 128 KiB: writes of this size cost little
	maxHeld    = minBuffer<<numBuffers - minBuffer // in all of them

	// When buffers are over the limit, a message that is on its way keeps
	// the first few all the same: small writes would take most of the time.
	leastBuffers = 2
	leastSpilled = minBuffer<<leastBuffers - minBuffer
)

// Limits on all spools together.
const (
	maxBuffers = 24 << 20 // octets; of a busy mail server's traffic, what is on its way at once
	maxOpen    = 64       // temporary files open at once; processes are allowed 256 and more
)

// pool is what all spools share. It is safe for use by many goroutines.
type pool struct {
	folder *folder
	limit  int64
	held   atomic.Int64          // octets of buffers
	free   [numBuffers]sync.Pool // buffers by size: minBuffer << i

	mu   sync.Mutex
	open map[*spool]*os.File // files that stay open between writes
}

// buffer is a piece of memory that goes back to the pool.
type buffer struct {
	b     []byte
	class int // of its capacity, minBuffer << class
}

func newPool(f *folder) *pool {
	return &pool{folder: f, limit: maxBuffers, open: make(map[*spool]*os.File)}
}

func (p *pool) get(class int) *buffer {
	p.held.Add(minBuffer << class)
	if b, ok := p.free[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, minBuffer<<class), class: class}
}

func (p *pool) put(b *buffer) {
	p.held.Add(-(minBuffer << b.class))
	b.b = b.b[:0]
	p.free[b.class].Put(b)
}

func (p *pool) full() bool { return p.held.Load() > p.limit }

// crowded reports whether buffers get scarce. What is finished goes to its
// file then: it needs one anyway and comes only once, while a message on its
// way would have to open its file again and again.
func (p *pool) crowded() bool { return p.held.Load() > p.limit/2 }

// keepOpen reports whether s may keep its file open.
func (p *pool) keepOpen(s *spool, f *os.File) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) >= maxOpen {
		return false
	}
	p.open[s] = f
	return true
}

func (p *pool) forget(s *spool) {
	p.mu.Lock()
	delete(p.open, s)
	p.mu.Unlock()
}

// close closes what was left open by spools that nobody finished.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, f := range p.open {
		f.Close()
		delete(p.open, s)
	}
}

// spool holds the bytes of a message or an attachment until it has a name:
// in buffers while they are few, then in a temporary file.
type spool struct {
	pool *pool
	bufs [numBuffers]*buffer // the first n hold the last bytes, in order; of class 0, 1, ...
	n    int
	temp string   // the temporary file; "" while all is in the buffers
	file *os.File // valid iff it is kept open
	size int64
	err  error // the first error; nothing is kept after it
}

// Write implements io.Writer. It fails with the first error of the spool.
func (s *spool) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && s.err == nil {
		if s.n == 0 || len(s.bufs[s.n-1].b) == cap(s.bufs[s.n-1].b) {
			s.next()
			continue
		}
		to := s.bufs[s.n-1]
		k := min(cap(to.b)-len(to.b), len(b))
		to.b = append(to.b, b[:k]...)
		b = b[k:]
	}
	s.size += int64(n)
	return n, s.err
}

// next begins another buffer. Before that the full ones are spilled, when
// there may not be more of them.
func (s *spool) next() {
	if s.n == numBuffers || s.n >= leastBuffers && s.pool.full() {
		if s.spill(); s.err != nil {
			return
		}
	}
	s.bufs[s.n] = s.pool.get(s.n)
	s.n++
}

// spill moves the buffers' bytes to the temporary file.
func (s *spool) spill() {
	f, err := s.file, error(nil)
	switch {
	case f != nil:
	case s.temp == "":
		f, s.temp, err = s.pool.folder.createTemp()
	default:
		f, err = s.pool.folder.temp.OpenFile(s.temp, os.O_WRONLY|os.O_APPEND, filePerm)
	}
	if err == nil {
		err = s.writeTo(f)
		if s.file == nil {
			if s.pool.keepOpen(s, f) {
				s.file = f
			} else if e := f.Close(); err == nil {
				err = e
			}
		}
	}
	s.empty()
	if err != nil {
		s.fail(err)
	}
}

// writeTo writes what is in the buffers.
func (s *spool) writeTo(w io.Writer) error {
	for _, b := range s.bufs[:s.n] {
		if _, err := w.Write(b.b); err != nil {
			return err
		}
	}
	return nil
}

// empty gives back the buffers.
func (s *spool) empty() {
	for i := range s.bufs[:s.n] {
		s.pool.put(s.bufs[i])
		s.bufs[i] = nil
	}
	s.n = 0
}

// fail gives the spool up: its place on the disk may be what others need.
func (s *spool) fail(err error) {
	s.discard()
	s.err = err
}

// finish says that all bytes are there. What the spool still holds in
// memory is little, or there is room for it.
func (s *spool) finish() {
	if s.err == nil && s.n > 0 && (s.temp != "" || s.pool.crowded()) {
		s.spill()
	}
	if s.temp != "" {
		s.release()
	}
}

// release gives back the buffers and closes the file.
func (s *spool) release() {
	s.empty()
	if s.file == nil {
		return
	}
	s.pool.forget(s)
	err := s.file.Close()
	s.file = nil
	if err != nil && s.err == nil {
		s.fail(err)
	}
}

// discard drops the bytes.
func (s *spool) discard() {
	s.release()
	if s.temp != "" {
		s.pool.folder.temp.Remove(s.temp)
		s.temp = ""
	}
	if s.err == nil {
		s.err = errDiscarded
	}
}

var errDiscarded = errors.New("mailfile: internal error: the spool was discarded")

// place makes a file of the spool, which is finished, and empties it.
func (s *spool) place(name string) error {
	if s.err != nil {
		return s.err
	}
	var err error
	if s.temp != "" {
		err = s.pool.folder.place(s.temp, name)
		s.temp = ""
	} else {
		err = s.pool.folder.create(name, s.writeTo)
	}
	s.discard()
	return err
}

// copyTo writes the bytes of the spool, which is finished, to w.
func (s *spool) copyTo(w io.Writer) error {
	if s.err != nil {
		return s.err
	}
	if s.temp == "" {
		return s.writeTo(w)
	}
	f, err := s.pool.folder.temp.Open(s.temp)
	if err != nil {
		return err
	}
	defer f.Close()
	b := s.pool.get(numBuffers - 1)
	defer s.pool.put(b)
	_, err = io.CopyBuffer(w, struct{ io.Reader }{f}, b.b[:cap(b.b)])
	return err
}
