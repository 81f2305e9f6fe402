package main

import (
	"context"
	"io"
)

// untilDone returns a Reader that reads r until ctx is done, and then
// ends, even if a read of r still waits for bytes: a live pipe may be
// silent for hours.
func untilDone(ctx context.Context, r io.Reader) *waiting {
	return &waiting{ctx: ctx, r: r, done: make(chan chunk, 1)}
}

// waiting reads ahead in a goroutine, one block at a time, started by the
// first Read.
type waiting struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte // filled by the goroutine while busy
	busy bool
	left []byte // read but not yet handed on; a part of buf
	err  error  // after left
	done chan chunk
}

// chunk is the outcome of one read or write.
type chunk struct {
	n   int
	err error
}

// Read implements io.Reader.
func (w *waiting) Read(p []byte) (int, error) {
	for len(w.left) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		if !w.busy {
			w.busy = true
			if w.buf == nil {
				w.buf = make([]byte, 64<<10)
			}
			go func() {
				n, err := w.r.Read(w.buf)
				w.done <- chunk{n, err}
			}()
		}
		select {
		case c := <-w.done:
			w.busy = false
			w.left, w.err = w.buf[:c.n], c.err
		case <-w.ctx.Done():
			return 0, io.EOF
		}
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

// again has the next Read ask the Reader below even if that was at its end or
// has failed: a file may have grown.
func (w *waiting) again() { w.err = nil }
