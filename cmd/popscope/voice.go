package main

import (
	"sync"
	"time"
)

// voice says on standard error what happens in a live run, and never makes
// the capture wait for it: a terminal may be stopped.
type voice struct {
	lines chan string
	said  chan struct{} // closed when all is
	once  sync.Once
}

// newVoice begins to listen to what is to be said. Call end.
func (p *program) newVoice() *voice {
	v := &voice{lines: make(chan string, 64), said: make(chan struct{})}
	go func() {
		defer close(v.said)
		for text := range v.lines {
			p.say(text)
		}
	}()
	return v
}

// say says a line, unless so many are waiting that nobody can be listening.
// It is not to be called after end.
func (v *voice) say(text string) {
	select {
	case v.lines <- text:
	default:
	}
}

// end waits until everything is said, within reason.
func (v *voice) end() {
	v.once.Do(func() { close(v.lines) })
	select {
	case <-v.said:
	case <-time.After(patience):
	}
}
