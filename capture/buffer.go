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
// Invariant: 0 <= r <= w <= len(data), and data[r:w] are the bytes of the
// input from offset() on.
type buffer struct {
	src  io.Reader
	data []byte
	r, w int
	base int64 // input offset of data[0]
	err  error // why src gives no more; kept until the unread bytes are used up
}

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

// pass moves over n bytes that are unread.
func (b *buffer) pass(n int) { b.r += n }

// skip moves over n bytes, however many, without keeping them.
func (b *buffer) skip(n int64) error {
	for n > int64(b.w-b.r) {
		n -= int64(b.w - b.r)
		b.r = b.w
		if got, err := b.fill(1); len(got) == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	b.r += int(n)
	return nil
}

// fill reads until n bytes are unread. It asks the input no more often than
// that needs, so that a slow pipe delivers each record as it arrives.
func (b *buffer) fill(n int) ([]byte, error) {
	b.base += int64(b.r)
	if n > len(b.data) {
		grown := make([]byte, max(n, 2*len(b.data)))
		b.w = copy(grown, b.data[b.r:b.w])
		b.data = grown
	} else {
		b.w = copy(b.data, b.data[b.r:b.w])
	}
	b.r = 0
	for empty := 0; b.w < n && b.err == nil; {
		got, err := b.src.Read(b.data[b.w:])
		b.w += got
		b.err = err
		if got > 0 {
			empty = 0
		} else if empty++; empty == maxEmpty && err == nil {
			b.err = io.ErrNoProgress
		}
	}
	if b.w >= n {
		return b.data[:n], nil
	}
	if b.err == io.EOF && b.w > 0 {
		return b.data[:b.w], io.ErrUnexpectedEOF
	}
	return b.data[:b.w], b.err
}
