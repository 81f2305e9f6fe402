package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"popscope"
	"popscope/report"
)

// queueBytes is how much of the report may wait for an output that blocks.
// What comes when it is full is dropped, session by session, and counted: the
// capture goes on.
const queueBytes = 32 << 20

// liveOutput is the report of a live run. The analysis formats; a goroutine
// writes, so that an output which blocks holds up nothing else.
type liveOutput struct {
	format  report.Writer
	scratch bytes.Buffer // the format's output of one result
	waiting atomic.Int64 // bytes in the queue
	queue   chan []byte
	writer  sync.WaitGroup
	count   *tally
	full    bool // the last result was dropped

	mu     sync.Mutex // of what follows
	to     io.Writer
	file   *os.File // to, if it is a file that can be opened again
	name   string
	whole  *outFile // to, if the file is to appear when it is complete
	err    error    // the output is broken
	broken func(error)
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

// newLiveOutput opens the output. broken is called once when it cannot be
// written any more.
func (p *program) newLiveOutput(o *output, count *tally, broken func(error)) (*liveOutput, error) {
	out := &liveOutput{queue: make(chan []byte, 1<<16), count: count, name: "standard output", to: p.stdout, broken: broken}
	var err error
	options := o.report
	options.Live = o.file == "" // somebody watches
	if out.format, err = report.New(o.format, &out.scratch, options); err != nil {
		return nil, err
	}
	switch {
	case o.file != "" && appends(o.format):
		out.name = o.file
		err = out.open()
	case o.file != "":
		out.name = o.file
		if out.whole, err = createFile(o.file); err == nil {
			out.to = out.whole
		}
	}
	if err != nil {
		return nil, outputFailure(o.file, err)
	}
	out.writer.Go(out.run)
	return out, nil
}

// open opens the file to write on at its end.
func (o *liveOutput) open() error {
	f, err := os.OpenFile(o.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if o.file != nil {
		o.file.Close()
	}
	o.file, o.to = f, f
	return nil
}

// reopen opens the file of that name in place of the one at hand, which
// somebody has moved away.
func (o *liveOutput) reopen() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	if err := o.open(); err != nil {
		return err
	}
	o.err = nil
	return nil
}

// write adds a result, or drops it if too much is waiting.
func (o *liveOutput) write(r *popscope.Result) error {
	err := o.format.Write(r)
	if o.waiting.Load()+int64(o.scratch.Len()) > queueBytes {
		o.full = true
		o.count.unreported.Add(1)
		o.scratch.Reset()
		return err
	}
	o.full = false
	o.put()
	return err
}

// put queues what the format has written.
func (o *liveOutput) put() {
	if o.scratch.Len() == 0 {
		return
	}
	b := bytes.Clone(o.scratch.Bytes())
	o.scratch.Reset()
	if o.scratch.Cap() > 1<<20 {
		o.scratch = bytes.Buffer{}
	}
	o.waiting.Add(int64(len(b)))
	o.queue <- b
}

// run writes what is queued.
func (o *liveOutput) run() {
	for b := range o.queue {
		o.emit(b)
		if o.waiting.Add(-int64(len(b))) == 0 {
			o.emit(nil)
		}
	}
}

// emit writes bytes, or flushes if there are none.
func (o *liveOutput) emit(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		if len(b) > 0 {
			o.count.unreported.Add(1)
		}
		return
	}
	var err error
	if b == nil {
		if f, ok := o.to.(interface{ Flush() error }); ok {
			err = f.Flush()
		}
	} else {
		_, err = o.to.Write(b)
	}
	if err != nil {
		o.err = err
		o.broken(err)
	}
}

// close writes what only the end can tell, and waits until everything is
// written. It returns what became of the output.
func (o *liveOutput) close(sum popscope.Summary) error {
	err := o.format.Close(sum)
	o.put()
	o.finish()
	o.mu.Lock()
	defer o.mu.Unlock()
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

// finish ends the writing goroutine when all is written.
func (o *liveOutput) finish() {
	close(o.queue)
	o.writer.Wait()
}

// abandon gives the output up before anything was written.
func (o *liveOutput) abandon() {
	o.finish()
	if o.whole != nil {
		o.whole.Discard()
	}
}
