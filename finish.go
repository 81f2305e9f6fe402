package popscope

// ending is a connection that has ended.
type ending struct {
	*track
	result *Result // nil until it is made, and if there is none
}

// maxEnding is how many of them wait for finish; the rest is put off.
const maxEnding = 64

// finish does what is left to do for the connections that have ended: one
// thing for all of them, then the next, for the same reason as in assemble.
func (s *shard) finish() {
	for _, e := range s.ended {
		e.readToEnd(e.charge.conn)
	}
	for i, e := range s.ended {
		if e.is != isOther {
			s.ended[i].result = e.newResult(e.charge.conn, true)
		}
	}
	for _, e := range s.ended {
		if e.result != nil {
			e.fingerprints(e.result)
		}
	}
	for _, e := range s.ended {
		if e.result != nil {
			e.judge(e.result)
		}
	}
	for _, e := range s.ended {
		if e.result != nil {
			e.handOut(e.result)
		}
		s.release(e.track)
	}
	clear(s.ended)
	s.ended = s.ended[:0]
}
