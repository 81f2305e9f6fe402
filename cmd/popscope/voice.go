package main

import "sync"

// voice says on standard error what happens in a live run, and never makes
// the capture wait for it: a terminal may be stopped.
type voice struct {
	lines chan string
	over  chan struct{} // closed when nothing more is to be said
	said  chan struct{} // closed when all is
	once  sync.Once
}

// newVoice begins to listen to what is to be said. Call end.
func (p *program) newVoice() *voice {
	v := &voice{lines: make(chan string, 64), over: make(chan struct{}), said: make(chan struct{})}
	go func() {
		defer close(v.said)
		for {
			select {
			case text := <-v.lines:
				p.say(text)
				continue
			default:
			}
			select {
			case text := <-v.lines:
				p.say(text)
			case <-v.over:
				return
			}
		}
	}()
	return v
}

// say says a line, unless so many are waiting that nobody can be listening,
// or the end has come.
func (v *voice) say(text string) {
	select {
	case v.lines <- text:
	default:
	}
}

// end waits until everything is said, within reason.
func (v *voice) end() {
	v.once.Do(func() { close(v.over) })
	within(v.said, patience)
}
