package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"
)

// openGrace is how long after an interruption an open may still take: a file,
// or a pipe whose other end is there, takes no time.
const openGrace = 100 * time.Millisecond

// opening returns what open does, which for a named pipe waits for the other
// end, or the error of ctx if that is done before.
func opening[T io.Closer](ctx context.Context, open func() (T, error)) (T, error) {
	type outcome struct {
		file T
		err  error
	}
	opened, nobody := make(chan outcome), make(chan struct{})
	go func() {
		file, err := open()
		select {
		case opened <- outcome{file, err}:
		case <-nobody:
			if err == nil {
				file.Close()
			}
		}
	}()
	select {
	case o := <-opened:
		return o.file, o.err
	case <-ctx.Done():
	}
	if o, ok := within(opened, openGrace); ok {
		return o.file, o.err
	}
	close(nobody)
	var none T
	return none, ctx.Err()
}

// input is a file that is read until there is an interruption. It is no
// *os.File with another Read: some of the other methods read too.
type input struct {
	file *os.File
	r    io.Reader
}

// openInput opens a file to be read until ctx is done. Regular files let
// nobody wait; with named pipes and the like, opening and reading may.
func openInput(ctx context.Context, name string) (*input, error) {
	f, err := opening(ctx, func() (*os.File, error) { return os.Open(name) })
	if err != nil {
		return nil, err
	}
	in := &input{f, f}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		in.r = untilDone(ctx, f)
	}
	return in, nil
}

// Read implements fs.File.
func (in *input) Read(p []byte) (int, error) { return in.r.Read(p) }

// Stat implements fs.File.
func (in *input) Stat() (fs.FileInfo, error) { return in.file.Stat() }

// Close implements fs.File. A read that waits ends.
func (in *input) Close() error { return in.file.Close() }

// waits reports whether a read may wait for others to write.
func (in *input) waits() bool {
	_, ok := in.r.(*waiting)
	return ok
}

// again has the next Read ask for more even if there was an end or an error:
// a file may have grown, and a pipe may have found another writer.
func (in *input) again() {
	if w, ok := in.r.(*waiting); ok {
		w.again()
	}
}

// readFile returns what is in a file, or what has come of it when ctx is done.
func readFile(ctx context.Context, name string) ([]byte, error) {
	in, err := openInput(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}
