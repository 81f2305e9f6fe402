package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"popscope"
	"popscope/report"
)

const (
	progressAfter = 700 * time.Millisecond // short work shows no progress
	progressEvery = 200 * time.Millisecond
	rateMemory    = 3 * time.Second // over which the rate is averaged
	assumedWidth  = 80              // of a terminal that does not tell
)

// progress shows on the terminal how far the reading of captures has come.
// It looks at counters by itself; reading costs nothing more.
type progress struct {
	screen             *screen
	total              int64 // bytes of the inputs, as they are stored; 0: not known
	read               func() int64
	width              func() int
	sessions, messages atomic.Int64
	stop, stopped      chan struct{}
}

// startProgress shows the progress of reading files until end is called,
// if anybody is there to see it. It returns nil otherwise, which is a
// progress too.
func (p *program) startProgress(t *traffic, read func() int64) *progress {
	if p.screen.err == nil || t.quiet {
		return nil
	}
	pr := &progress{
		screen: p.screen, total: totalSize(t.files, p.stdin), read: read,
		width: func() int { return terminalOf(p.screen.err).columns },
		stop:  make(chan struct{}), stopped: make(chan struct{}),
	}
	go pr.run()
	return pr
}

// found counts a result.
func (pr *progress) found(r *popscope.Result) {
	if pr == nil {
		return
	}
	if r.Last {
		pr.sessions.Add(1)
	}
	pr.messages.Add(int64(len(r.Messages)))
}

// end removes the progress from the terminal.
func (pr *progress) end() {
	if pr == nil {
		return
	}
	close(pr.stop)
	<-pr.stopped
}

// run draws until end is called.
func (pr *progress) run() {
	defer close(pr.stopped)
	select {
	case <-pr.stop:
		return
	case <-time.After(progressAfter):
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	s := state{total: pr.total, read: pr.read()}
	s.rate = float64(s.read) / progressAfter.Seconds()
	last := time.Now()
	for {
		s.sessions, s.messages = pr.sessions.Load(), pr.messages.Load()
		width := pr.width()
		if width <= 0 {
			width = assumedWidth
		}
		pr.screen.set(s.line(width - 1)) // a full line would wrap on some terminals
		select {
		case <-pr.stop:
			pr.screen.set("")
			return
		case now := <-tick.C:
			s.advance(pr.read(), now.Sub(last))
			last = now
		}
	}
}

// state is what progress shows at one moment.
type state struct {
	read, total        int64   // bytes; total 0: not known
	rate               float64 // bytes per second
	sessions, messages int64
}

// advance takes note of what was read by now, some time after the last
// call.
func (s *state) advance(read int64, after time.Duration) {
	if after <= 0 {
		return
	}
	now := float64(read-s.read) / after.Seconds()
	weight := min(after.Seconds()/rateMemory.Seconds(), 1)
	s.rate += (max(now, 0) - s.rate) * weight
	s.read = read
}

// line writes the state in at most width columns. What matters least is
// left out first.
func (s *state) line(width int) string {
	known := s.total > 0 && s.read <= s.total
	parts := []string{"reading " + bytesText(s.read)}
	if known {
		parts = []string{
			fmt.Sprintf("reading %d%%", int(100*float64(s.read)/float64(s.total))),
			bytesText(s.read) + " of " + bytesText(s.total),
		}
	}
	parts = append(parts, report.Count(s.sessions, "session"))
	if known && s.rate >= 1 {
		parts = append(parts, leftText(float64(s.total-s.read)/s.rate))
	}
	parts = append(parts, bytesText(int64(s.rate))+"/s", report.Count(s.messages, "message"))
	line := ""
	for i, part := range parts {
		if i > 0 {
			part = ", " + part
		}
		if len(line)+len(part) > width {
			break
		}
		line += part
	}
	return line
}

// bytesText writes a number of bytes with three digits and a decimal unit.
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 5 {
		v /= 1000
		unit++
	}
	digits := 0
	switch {
	case v < 9.995:
		digits = 2
	case v < 99.95:
		digits = 1
	}
	return fmt.Sprintf("%.*f %cB", digits, v, " kMGTP"[unit])
}

// leftText writes how many seconds something will still take.
func leftText(seconds float64) string {
	const day = 24 * 60 * 60
	if seconds > 4*day {
		return "days left"
	}
	switch s := int(seconds + 0.5); {
	case s < 60:
		return fmt.Sprintf("%d s left", s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d min left", s/60, s%60)
	default:
		return fmt.Sprintf("%d:%02d h left", s/3600, s/60%60)
	}
}

// totalSize returns how many bytes the inputs hold, as they are stored; 0
// if one of them is no regular file.
func totalSize(files []string, stdin any) int64 {
	sum := int64(0)
	for _, name := range files {
		var info fs.FileInfo
		var err error
		done := int64(0)
		if name == "-" {
			f, ok := stdin.(*os.File)
			if !ok {
				return 0
			}
			if info, err = f.Stat(); err == nil && info.Mode().IsRegular() {
				done, _ = f.Seek(0, 1) // a shell may have read a part
			}
		} else {
			info, err = os.Stat(name)
		}
		switch {
		case err != nil: // is said by whoever reads it
		case !info.Mode().IsRegular():
			return 0
		default:
			sum += info.Size() - done
		}
	}
	return sum
}

// canShowProgress reports whether a terminal can take a line back.
func canShowProgress(t terminal) bool {
	return t.is && !strings.EqualFold(os.Getenv("TERM"), "dumb")
}
