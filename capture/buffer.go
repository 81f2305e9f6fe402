package capture

import "io"

const (
	blockSize  = 256 << 10 // bytes asked of a file at a time; larger reads gain nothing measurable
	smallBlock = 32 << 10  // the same for files that are only looked at, or when many are open
	maxEmpty   = 100       // reads in a row without a byte and without an error
)

// buffer is a window on an input: records are walked where they lie, and
// only one that crosses the end of the window is moved.
//
//	data [ done | r  unread  w | room ]
//
// When the input is read ahead, the window goes from block to block:
//
//	block [ ... unread ]  -->  next [ room unread | data ]
//
// Invariant: 0 <= r <= w <= len(data), and data[r:w] are the bytes of the
// input from offset() on.
type buffer struct {
	src  io.Reader
	data []byte // own, or a block of ahead
	own  []byte // where records are put together that fit in no block
	r, w int
	base int64 // input offset of data[0], which lies before the input when a block has room in front
	err  error // why src gives no more; kept until the unread bytes are used up

	swept int64 // input offset up to which sweep went
	dust  byte  // of what sweep read; it means nothing, but what nobody keeps is not read

	ahead *ahead                 // reads src from now on; nil: fill does
	after int64                  // input offset from which begin is asked
	begin func(io.Reader) *ahead // begins to read the input ahead, unless it returns nil; nil: it must not be
}

// newBuffer returns a window on src in this memory, which grows if need be.
func newBuffer(src io.Reader, own []byte) *buffer { return &buffer{src: src, data: own, own: own} }

// offset returns how many bytes of the input lie before the unread ones.
func (b *buffer) offset() int64 { return b.base + int64(b.r) }

// unread returns what can be had at once; it is valid until the next want or
// skip.
func (b *buffer) unread() []byte { return b.data[b.r:b.w] }

// want returns the next n bytes without passing over them; they are valid
// until the next want or skip. When the input ends before, it returns what
// there is with io.EOF for nothing at all, io.ErrUnexpectedEOF for a part,
// or the error of the input.
func (b *buffer) want(n int) ([]byte, error) {
	if b.w-b.r >= n {
		return b.data[b.r : b.r+n], nil
	}
	return b.fill(n)
}

// How far ahead sweep goes, and how many bytes it does not set out for.
const (
	sweepAhead = 16 << 10 // 8 to 32 KB make no difference that can be told
	sweepLeast = 4 << 10
	cacheLine  = 64 // bytes
)

// sweep brings the next records into the processor's cache. Another
// processor has written them, and each tells only where the next one begins:
// walked one by one, memory is waited for at each; read through in order, it
// is not.
func (b *buffer) sweep() {
	from := b.r + int(max(0, b.swept-b.offset()))
	to := min(b.w, b.r+sweepAhead)
	if to-from < sweepLeast {
		return
	}
	for i := from; i < to; i += cacheLine {
		b.dust ^= b.data[i]
	}
	b.swept = b.base + int64(to)
}

// pass moves over n bytes that are unread.
func (b *buffer) pass(n int) { b.r += n }

// skip moves over n bytes, however many, without keeping them.
func (b *buffer) skip(n int64) error {
	for n > int64(b.w-b.r) {
		n -= int64(b.w - b.r)
		b.r = b.w
		if got, err := b.fill(1); len(got) == 0 {
			return midway(err)
		}
	}
	b.r += int(n)
	return nil
}

// fill reads until n bytes are unread.
func (b *buffer) fill(n int) ([]byte, error) {
	if b.begin != nil && b.ahead == nil && b.err == nil && b.offset() >= b.after {
		b.ahead = b.begin(b.src)
	}
	if b.ahead != nil {
		b.take(n)
	} else {
		b.read(n)
	}
	if b.w-b.r >= n {
		return b.data[b.r : b.r+n], nil
	}
	if b.err == io.EOF && b.w > b.r {
		return b.unread(), io.ErrUnexpectedEOF
	}
	return b.unread(), b.err
}

// read asks the input until n bytes are unread, and no more often than
// that needs, so that a slow pipe delivers each record as it arrives.
func (b *buffer) read(n int) {
	b.gather(n)
	for b.w < n && b.err == nil {
		var got int
		got, b.err = readSome(b.src, b.data[b.w:])
		b.w += got
	}
}

// take goes on to the blocks that were read ahead until n bytes are unread.
func (b *buffer) take(n int) {
	for b.w-b.r < n && b.err == nil {
		next := <-b.ahead.full
		b.err = next.err
		rest := b.unread()
		if start := b.ahead.room - len(rest); start >= 0 {
			copy(next.block[start:], rest)
			b.free()
			b.base += int64(b.r - start)
			b.data, b.r, b.w = next.block, start, next.end
			b.own = nil // not needed until a long record comes
			continue
		}
		// A long record: it is put together in memory that is large enough
		// for the block in which it ends.
		size := len(next.block) - b.ahead.room
		b.gather(n + size)
		b.w += copy(b.data[b.w:], next.block[b.ahead.room:next.end])
		b.ahead.free <- next.block
	}
}

// gather moves the unread bytes to the beginning of the buffer's own memory,
// which has room for n then.
func (b *buffer) gather(n int) {
	to := b.own
	if n > len(to) {
		to = make([]byte, max(n, 2*len(to)))
	}
	kept := copy(to, b.unread())
	b.free()
	b.base += int64(b.r)
	b.own, b.data, b.r, b.w = to, to, 0, kept
}

// free gives the block that is walked back, if it is one of ahead.
func (b *buffer) free() {
	if b.ahead != nil && (len(b.own) == 0 || &b.data[0] != &b.own[0]) {
		b.ahead.free <- b.data
	}
}

// close ends the reading ahead. The buffer must not be used any more.
func (b *buffer) close() {
	if b.ahead != nil {
		b.ahead.end()
	}
}
