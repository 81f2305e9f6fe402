package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"popscope/reassembly/tlsdec"
)

// keyLogVariable names the key log where --keylog does not, as it does for
// browsers, curl and others who write it.
const keyLogVariable = "SSLKEYLOGFILE"

// loadKeyLog reads the TLS secrets that the user has. A log that the
// environment names may be missing: it is said, and no more.
func (p *program) loadKeyLog(t *traffic) error {
	f, err := p.openKeyLog(p.ctx, t)
	if f == nil {
		return err
	}
	defer f.Close()
	name := f.file.Name()
	keys := new(tlsdec.KeyLog)
	_, err = keys.ReadFrom(f)
	switch {
	case p.ctx.Err() != nil:
		return p.interrupted()
	case err != nil:
		return p.noKeyLog(t, name, err)
	}
	t.analysis.Keys = keys
	if !t.quiet {
		p.sayKeyLog(t, name, keys.Counts())
	}
	return nil
}

// openKeyLog opens the key log of the flag or of the environment; nil when
// there is none, or none that has to be there.
func (p *program) openKeyLog(ctx context.Context, t *traffic) (*input, error) {
	name := cmp.Or(t.keylog, os.Getenv(keyLogVariable))
	if name == "" {
		return nil, nil
	}
	f, err := openInput(ctx, name)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, p.interrupted()
	case err != nil:
		return nil, p.noKeyLog(t, name, err)
	}
	return f, nil
}

// noKeyLog tells of a key log that cannot be read.
func (p *program) noKeyLog(t *traffic, name string, err error) error {
	err = reason(err)
	if t.keylog != "" {
		return &failure{status: statusIncomplete, err: fmt.Errorf("%s: %w", name, err), hint: "--keylog takes a file of TLS secrets such as " + keyLogVariable + " has clients write"}
	}
	if !t.quiet {
		p.say(fmt.Sprintf("warning: %s, which %s names: %v", name, keyLogVariable, err))
	}
	return nil
}

// sayKeyLog tells what a key log held.
func (p *program) sayKeyLog(t *traffic, name string, n tlsdec.KeyLogCounts) {
	if n.Secrets == 0 {
		p.say(fmt.Sprintf("warning: %s holds no TLS secrets", name))
	}
	if n.Forgotten > 0 {
		p.say(fmt.Sprintf("warning: %s is too large: the secrets of its first %d connections are not used", name, n.Forgotten))
	}
	if t.verbose {
		p.say(fmt.Sprintf("%s: secrets: %d, other lines: %d, not understood: %d", name, n.Secrets, n.Spare, n.Ignored))
	}
}

// followEvery is how often a key log that grows is read further while there
// are packets. When there are none it is read at once, see catchUp.
const followEvery = 200 * time.Millisecond

// growingLog is a key log that is read while others write it.
type growingLog struct {
	in   *input
	keys *tlsdec.KeyLog

	mu  sync.Mutex
	buf []byte
	at  int64 // bytes read of a regular file
}

func newGrowingLog(in *input, keys *tlsdec.KeyLog) *growingLog {
	return &growingLog{in: in, keys: keys, buf: make([]byte, 64<<10)}
}

// follow reads the log to its end, and what is added to it until ctx is
// done.
func (g *growingLog) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		g.read()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.in.again()
		}
	}
}

// catchUp reads what others have written by now: sessions are about to be
// decided, maybe for want of a secret that is there. Of a named pipe it reads
// nothing, for that may wait.
func (g *growingLog) catchUp() {
	if !g.in.waits() {
		g.read()
	}
}

// read reads to the end. A file that was cut short is read again from its
// start.
func (g *growingLog) read() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if info, err := g.in.Stat(); err == nil && !g.in.waits() && info.Size() < g.at {
		g.keys.Write([]byte("\n"))
		g.at, _ = g.in.file.Seek(0, io.SeekStart)
	}
	for {
		n, err := g.in.Read(g.buf)
		g.keys.Write(g.buf[:n])
		g.at += int64(n)
		if n == 0 || err != nil {
			return
		}
	}
}
