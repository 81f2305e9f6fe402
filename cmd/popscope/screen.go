package main

import (
	"io"
	"strings"
	"sync"
)

// screen lets a line that comes and goes share a terminal with what stays:
// results, when standard output is the same terminal, and messages.
//
//	sessions ...           stays: written through writer
//	popscope: warning ...  stays
//	reading 45% ...        comes and goes: set
//
// Whatever stays first removes the line, and the next set brings it back.
type screen struct {
	mu    sync.Mutex
	err   io.Writer // the terminal; nil if there is none
	shown int       // columns that the line takes now
	open  bool      // what stays does not end in a line feed
}

// writer returns w with the line removed before anything is written to it.
func (s *screen) writer(w io.Writer) io.Writer { return &screenWriter{s, w} }

type screenWriter struct {
	s *screen
	w io.Writer
}

// Write implements io.Writer.
func (w *screenWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.erase()
	if len(p) > 0 {
		w.s.open = p[len(p)-1] != '\n'
	}
	return w.w.Write(p)
}

// set shows a line, of ASCII, in place of the one before. "" removes it.
func (s *screen) set(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || s.open { // half a line of results: wait until it is whole
		return
	}
	fill := strings.Repeat(" ", max(s.shown-len(line), 0))
	if line == "" {
		s.erase()
		return
	}
	io.WriteString(s.err, "\r"+line+fill)
	s.shown = len(line) + len(fill) // the cursor stands there
}

// erase removes the line with nothing but blanks, which every terminal
// knows.
func (s *screen) erase() {
	if s.shown == 0 {
		return
	}
	io.WriteString(s.err, "\r"+strings.Repeat(" ", s.shown)+"\r")
	s.shown = 0
}
