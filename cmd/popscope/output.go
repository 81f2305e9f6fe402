package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/term"
)

// buffered is a bufio.Writer with room for many records.
type buffered struct{ *bufio.Writer }

func newBuffered(w io.Writer) *buffered { return &buffered{bufio.NewWriterSize(w, 64<<10)} }

// untilStuck returns a Writer that writes to w. Once ctx is done it waits no
// longer for what takes nothing, as a pipe that nobody reads; after errBlocked
// it must not be used any more.
func untilStuck(ctx context.Context, w io.Writer) io.Writer { return &unstuck{ctx, w} }

// unstuck writes in a goroutine, which it may leave behind.
type unstuck struct {
	ctx context.Context
	w   io.Writer
}

// Write implements io.Writer.
func (o *unstuck) Write(p []byte) (int, error) {
	done := make(chan chunk, 1)
	go func() {
		n, err := o.w.Write(p)
		done <- chunk{n, err}
	}()
	select {
	case c := <-done:
		return c.n, c.err
	case <-o.ctx.Done():
	}
	if c, ok := within(done, patience); ok {
		return c.n, c.err
	}
	return 0, errBlocked
}

// terminal says what an output is connected to.
type terminal struct {
	is      bool
	columns int // 0: not known
}

// terminalOf looks at an output. The environment's COLUMNS comes before
// what the terminal itself says.
func terminalOf(w io.Writer) terminal {
	var t terminal
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.is = true
		t.columns, _, _ = term.GetSize(int(f.Fd())) // 0 on error: no limit
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		t.columns = n
	}
	return t
}

// outFile is a file that appears when it is complete, or not at all.
type outFile struct {
	*buffered
	file   *os.File
	target string // where it goes; "" when it is written in place
}

// createFile opens the output that --output names, or returns the failure to
// end with.
func (p *program) createFile(name string) (*outFile, error) {
	out, err := createFile(p.ctx, name)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, &failure{status: statusInterrupted, err: fmt.Errorf("%s: not written: interrupted", name)}
	case err != nil:
		return nil, outputFailure(name, err)
	case out.target == "":
		out.buffered = newBuffered(untilStuck(p.ctx, out.file))
	}
	return out, nil
}

// writeTo has write write to the file that --output names, or to standard
// output without one and with "-"; messages call it name. The file appears
// when all is written.
func (p *program) writeTo(file string, write func(w io.Writer, name string) error) error {
	if file == "" || file == "-" {
		return write(p.stdout, "standard output")
	}
	out, err := p.createFile(file)
	if err != nil {
		return err
	}
	result := write(out, file)
	if notWritten(result) {
		out.Discard()
		return result
	}
	if err := out.Commit(); err != nil {
		return outputFailure(file, err)
	}
	return result
}

// createFile opens an output. A regular file is written under another name in
// the same folder until Commit; what is there already and is no regular file,
// such as /dev/null or a named pipe, is written directly. Until somebody reads
// from a named pipe, or ctx is done, it waits.
func createFile(ctx context.Context, name string) (*outFile, error) {
	target := destination(name) // a link stays
	info, err := os.Stat(target)
	switch {
	case err == nil && !info.Mode().IsRegular():
		f, err := opening(ctx, func() (*os.File, error) { return os.OpenFile(target, os.O_WRONLY, 0) })
		if err != nil {
			return nil, err
		}
		return &outFile{buffered: newBuffered(f), file: f}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp") // mode 0600
	if err != nil {
		return nil, err
	}
	return &outFile{buffered: newBuffered(f), file: f, target: target}, nil
}

// maxLinks is how many links are followed, one behind the other: as many as
// Linux does.
const maxLinks = 40

// destination returns the file that a name stands for, also when it is a link
// to a file that is not there yet.
func destination(name string) string {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		return target
	}
	if _, err := os.Stat(name); err == nil {
		return name // as /dev/stdout, a link to what has no name
	}
	target := name
	for range maxLinks {
		dir, base := filepath.Split(target)
		dir, err := filepath.EvalSymlinks(dir) // before anything takes ".." back by its letters
		if err != nil {
			return target
		}
		target = filepath.Join(dir, base)
		to, err := os.Readlink(target)
		switch {
		case err != nil:
			return target
		case filepath.IsAbs(to):
			target = to
		default:
			target = dir + string(filepath.Separator) + to
		}
	}
	return name // a circle
}

// Commit completes the file and puts it in its place. After an error
// nothing is left behind.
func (o *outFile) Commit() error {
	err := o.Flush()
	if e := o.file.Close(); err == nil {
		err = e
	}
	if o.target == "" {
		return err
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.target)
	}
	if err != nil {
		os.Remove(o.file.Name())
	}
	return err
}

// Discard gives the output up.
func (o *outFile) Discard() {
	o.file.Close()
	if o.target != "" {
		os.Remove(o.file.Name())
	}
}

// sameFile reports whether two names stand for one existing file.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
