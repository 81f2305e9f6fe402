package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"popscope"
	"popscope/report"
)

// queueBytes is how much of the report may wait for an output that blocks.
// What comes when it is full is dropped, session by session, and counted: the
// capture goes on.
const queueBytes = 32 << 20

const (
	// retryAfter is how long after an error a file is tried again: the disk
	// may have room by then.
	retryAfter = time.Second

	// patience is how long the end waits for an output that takes nothing.
	patience = 3 * time.Second
)

// errBlocked says that the end did not wait for an output any longer.
var errBlocked = errors.New("it takes nothing more")

// liveOutput is the report of a live run. The analysis formats; a goroutine
// writes, so that an output which blocks holds up nothing else.
type liveOutput struct {
	format  report.Writer
	scratch bytes.Buffer // the format's output of one result
	head    []byte       // what each file begins with
	count   *tally
	full    bool // the last result was dropped
	name    string
	whole   *outFile    // the file that is to appear when it is complete, or nil
	tell    func(error) // of an output that cannot be written, and with nil of one that can again

	mu      sync.Mutex // of what follows; never held while writing
	changed sync.Cond  // there is something to write, or the end has come
	queue   [][]byte   // one result each
	waiting int        // bytes in the queue, and in the hands of the writer
	ended   bool       // nothing more will be queued
	to      io.Writer
	file    *os.File   // to, if it is a file that can be opened again
	headed  bool       // it has its head, or needs none
	stale   []*os.File // files before it, for the writer to close
	err     error      // of the last write
	failed  time.Time  // when it was

	late    atomic.Bool   // some had no room, or were waiting at the end
	queued  atomic.Int64  // results, ever
	written atomic.Int64  // of them, or given up
	done    chan struct{} // closed when the writer has ended
}

// appends reports whether a format is written line by line, so that a file
// can be watched, moved away and gone on with. The others are documents.
func appends(format string) bool {
	switch format {
	case "jsonl", "csv", "transcript":
		return true
	}
	return false
}

// newLiveOutput opens the output. tell is called when it cannot be written,
// once, and with nil when it can be written again.
func (p *program) newLiveOutput(ctx context.Context, o *output, count *tally, tell func(error)) (*liveOutput, error) {
	out := &liveOutput{count: count, name: "standard output", to: newBuffered(p.direct), tell: tell, headed: true, done: make(chan struct{})}
	out.changed.L = &out.mu
	var err error
	options := o.report
	options.Live = o.file == "" // somebody watches
	if out.format, err = report.New(o.format, &out.scratch, options); err != nil {
		return nil, err
	}
	switch {
	case o.file != "" && appends(o.format):
		out.name = o.file
		err = out.begin(ctx, o.format)
	case o.file != "":
		out.name = o.file
		if out.whole, err = createFile(ctx, o.file); err == nil {
			out.to = out.whole
		}
	}
	if err != nil {
		return nil, outputFailure(o.file, err)
	}
	go out.run()
	return out, nil
}

// begin opens a file for a format that is written line by line.
func (o *liveOutput) begin(ctx context.Context, format string) error {
	if f, ok := o.format.(report.Headed); ok {
		o.head = f.TakeHeader()
	}
	f, err := o.open(ctx)
	if err != nil {
		return err
	}
	o.file, o.to = f, f
	o.headed = len(o.head) == 0 || format == "csv" && o.begins(f) // the record of another run says nothing of this one
	return nil
}

// open opens the file to write on at its end.
func (o *liveOutput) open(ctx context.Context) (*os.File, error) {
	return opening(ctx, func() (*os.File, error) {
		f, err := os.OpenFile(o.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err == nil {
			shutOut(f)
		}
		return f, err
	})
}

// shutOut takes from all users but the owner and the group what they may do
// with a regular file that was there: "create 0640" of logrotate is meant as it
// says, but a file that anybody may read is no place for logins. That of
// another user stays as it is.
func shutOut(f *os.File) {
	const others = 0o007
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&others != 0 {
		f.Chmod(info.Mode() &^ others)
	}
}

// reopen opens the file of that name in place of the one at hand, which
// somebody has moved away. Only one goroutine may call it.
func (o *liveOutput) reopen(ctx context.Context) error {
	if o.file == nil {
		return nil
	}
	f, err := o.open(ctx) // not under the lock: a named pipe may wait
	if err != nil {
		return err
	}
	goesOn := sameOpen(o.file, f) && !isEmpty(f)
	begins := o.begins(f)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !goesOn {
		o.headed = begins
	}
	o.stale = append(o.stale, o.file)
	o.file, o.to = f, f
	o.failed = time.Time{} // try at once
	return nil
}

// begins reports whether a file begins with what is above its lines. One that
// was written with other columns does not.
func (o *liveOutput) begins(f *os.File) bool {
	if len(o.head) == 0 {
		return true
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	r, err := os.Open(o.name)
	if err != nil {
		return false
	}
	defer r.Close()
	line := make([]byte, len(o.head))
	_, err = io.ReadFull(r, line)
	return err == nil && bytes.Equal(line, o.head)
}

// sameOpen reports whether two names that were opened are one file.
func sameOpen(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// isEmpty reports whether an open file is regular and holds nothing.
func isEmpty(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// write adds a result, or drops it if too much is waiting.
func (o *liveOutput) write(r *popscope.Result) error {
	err := o.format.Write(r)
	o.full = !o.put(queueBytes)
	return err
}

// put queues what the format has written, and reports whether there was
// room for it.
func (o *liveOutput) put(room int) bool {
	if o.scratch.Len() == 0 {
		return true
	}
	b := bytes.Clone(o.scratch.Bytes())
	o.scratch.Reset()
	if o.scratch.Cap() > 1<<20 {
		o.scratch = bytes.Buffer{}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting+cost(b) > room {
		o.late.Store(true)
		o.count.unreported.Add(1)
		return false
	}
	o.waiting += cost(b)
	o.queued.Add(1)
	o.queue = append(o.queue, b)
	o.changed.Signal()
	return true
}

// cost is what a result in the queue counts for.
func cost(b []byte) int { return len(b) + 64 }

// run writes what is queued, until the end.
func (o *liveOutput) run() {
	defer close(o.done)
	for {
		o.mu.Lock()
		for len(o.queue) == 0 && !o.ended {
			o.changed.Wait()
		}
		results, headed := o.queue, o.headed
		o.queue = nil
		o.mu.Unlock()
		if len(results) == 0 {
			if !headed {
				o.emit(nil)
			}
			return
		}
		for _, b := range results {
			o.emit(b)
			o.mu.Lock()
			o.waiting -= cost(b)
			o.mu.Unlock()
		}
		o.flush()
	}
}

// emit writes one result, or counts it as not written. A file has all of it
// or nothing.
func (o *liveOutput) emit(b []byte) {
	defer o.written.Add(1)
	o.mu.Lock()
	for _, f := range o.stale {
		f.Close()
	}
	o.stale = nil
	to, file, headed, broken := o.to, o.file, o.headed, o.err != nil
	retry := file != nil && time.Since(o.failed) >= retryAfter
	o.mu.Unlock()
	if broken && !retry {
		o.count.unreported.Add(1)
		return
	}
	if !headed {
		b = slices.Concat(o.head, b)
	}
	n, err := to.Write(b)
	if err == nil && !headed {
		o.mu.Lock()
		o.headed = o.headed || o.file == file // and not another one by now
		o.mu.Unlock()
	}
	if err != nil {
		o.count.unreported.Add(1)
		if file != nil && n > 0 {
			takeBack(file, n)
		}
	}
	o.became(err)
}

// takeBack removes the last n bytes of a file. What is no file keeps them.
func takeBack(file *os.File, n int) {
	if end, err := file.Seek(0, io.SeekEnd); err == nil {
		file.Truncate(end - int64(n))
	}
}

// flush hands on what an output without a file has buffered.
func (o *liveOutput) flush() {
	o.mu.Lock()
	to, broken := o.to, o.err != nil
	o.mu.Unlock()
	if f, ok := to.(interface{ Flush() error }); ok && !broken {
		if err := f.Flush(); err != nil {
			o.became(err)
		}
	}
}

// became remembers how a write ended, and tells of a change.
func (o *liveOutput) became(err error) {
	o.mu.Lock()
	before := o.err
	o.err = err
	if err != nil {
		o.failed = time.Now()
	}
	o.mu.Unlock()
	if (before == nil) != (err == nil) {
		o.tell(err)
	}
}

// close writes what only the end can tell, and waits until everything is
// written, but not for an output that takes nothing. It returns what became
// of the output.
func (o *liveOutput) close(sum popscope.Summary) error {
	err := o.format.Close(sum)
	o.put(2 * queueBytes) // the last words have room kept for them
	if !o.finish() {
		return outputFailure(o.name, errBlocked)
	}
	if err == nil {
		err = o.err
	}
	switch {
	case o.whole != nil && err != nil:
		o.whole.Discard()
	case o.whole != nil:
		err = o.whole.Commit()
	case o.file != nil:
		if e := o.file.Close(); err == nil {
			err = e
		}
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case err != nil:
		return outputFailure(o.name, err)
	}
	return nil
}

// closed reports whether somebody has closed the pipe that is written to, and
// so has seen enough. A named pipe may be read by the next one, so that what
// is lost meanwhile matters.
func (o *liveOutput) closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file == nil && errors.Is(o.err, syscall.EPIPE)
}

// finish waits until all is written, or until nothing was for a while, and
// reports which.
func (o *liveOutput) finish() bool {
	o.mu.Lock()
	o.ended = true
	o.changed.Signal()
	o.mu.Unlock()
	for before := int64(-1); ; {
		if _, ok := within(o.done, patience); ok {
			return true
		}
		now := o.written.Load()
		if now == before {
			o.late.Store(true)
			o.count.unreported.Add(o.queued.Load() - now)
			return false
		}
		before = now
	}
}

// abandon gives the output up before anything was written.
func (o *liveOutput) abandon() {
	o.mu.Lock()
	o.headed = true
	o.mu.Unlock()
	o.finish()
	if o.whole != nil {
		o.whole.Discard()
	}
}
