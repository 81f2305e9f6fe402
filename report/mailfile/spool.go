package mailfile

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Buffers grow by doubling between these sizes.
const (
	minBuffer = 4 << 10
	maxBuffer = 256 << 10 // then a temporary file: writes of this size cost little

	// When buffers are over the limit, a message that is on its way keeps
	// this much all the same: small writes would take most of the time.
	leastSpilled = 16 << 10
)

// Limits on all spools together.
const (
	maxBuffers = 64 << 20 // octets; a second of busy mail traffic
	maxOpen    = 64       // temporary files open at once; processes are allowed 256 and more
)

// pool is what all spools share. It is safe for use by many goroutines.
type pool struct {
	folder *folder
	limit  int64
	held   atomic.Int64 // octets of buffers
	free   [7]sync.Pool // buffers by size: minBuffer << i

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
	if b == nil {
		return
	}
	p.held.Add(-(minBuffer << b.class))
	b.b = b.b[:0]
	p.free[b.class].Put(b)
}

func (p *pool) full() bool { return p.held.Load() > p.limit }

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
// in a buffer while they are few, then in a temporary file.
type spool struct {
	pool *pool
	buf  *buffer
	temp string   // the temporary file; "" while all is in the buffer
	file *os.File // valid iff it is kept open
	size int64
	err  error // the first error; nothing is kept after it
}

// Write implements io.Writer. It fails with the first error of the spool.
func (s *spool) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && s.err == nil {
		if s.buf == nil {
			s.buf = s.pool.get(0)
		}
		room := cap(s.buf.b) - len(s.buf.b)
		if room == 0 {
			s.grow(len(s.buf.b) + len(b))
			continue
		}
		k := min(room, len(b))
		s.buf.b = append(s.buf.b, b[:k]...)
		b = b[k:]
	}
	s.size += int64(n)
	return n, s.err
}

// grow makes room in a buffer that is full, for a whole of want octets if
// that can be.
func (s *spool) grow(want int) {
	size := cap(s.buf.b)
	if size >= maxBuffer || s.pool.full() && (s.temp == "" || size >= leastSpilled) {
		s.spill()
		return
	}
	class := s.buf.class + 1
	for minBuffer<<class < min(want, maxBuffer) {
		class++
	}
	old := s.buf
	s.buf = s.pool.get(class)
	s.buf.b = append(s.buf.b, old.b...)
	s.pool.put(old)
}

// spill moves the buffer's bytes to the temporary file.
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
		_, err = f.Write(s.buf.b)
		if s.file == nil {
			if s.pool.keepOpen(s, f) {
				s.file = f
			} else if e := f.Close(); err == nil {
				err = e
			}
		}
	}
	s.buf.b = s.buf.b[:0]
	if err != nil {
		s.fail(err)
	}
}

// fail gives the spool up: its place on the disk may be what others need.
func (s *spool) fail(err error) {
	s.discard()
	s.err = err
}

// finish says that all bytes are there. What the spool still holds in
// memory is little, or there is room for it.
func (s *spool) finish() {
	if s.err == nil && s.buf != nil && len(s.buf.b) > 0 && (s.temp != "" || s.pool.full()) {
		s.spill()
	}
	if s.temp != "" {
		s.release()
	}
}

// release gives back the buffer and closes the file.
func (s *spool) release() {
	s.pool.put(s.buf)
	s.buf = nil
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
		err = s.pool.folder.create(name, s.bytes())
	}
	s.discard()
	return err
}

// bytes returns what is in memory.
func (s *spool) bytes() []byte {
	if s.buf == nil {
		return nil
	}
	return s.buf.b
}

// copyTo writes the bytes of the spool, which is finished, to w.
func (s *spool) copyTo(w io.Writer) error {
	if s.err != nil {
		return s.err
	}
	if s.temp == "" {
		_, err := w.Write(s.bytes())
		return err
	}
	f, err := s.pool.folder.temp.Open(s.temp)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(w, struct{ io.Reader }{f}, make([]byte, maxBuffer))
	return err
}
