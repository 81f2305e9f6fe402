package reassembly

import "popscope/reassembly/stream"

// Mark says something about one segment.
type Mark uint16

// What can be said of a segment when it comes.
const (
	Retransmitted Mark = 1 << iota // all its bytes, or its FIN, had been seen
	Overlapping                    // some of its bytes had been seen
	OutOfOrder                     // it fills a hole before bytes that came earlier
	Ahead                          // bytes before it had not come by then
	KeepAlive                      // it asks whether the peer is there
	Differs                        // its bytes differ from an earlier copy, which counts
	OutOfWindow                    // too far from the stream to belong to it, or refuted; dropped
	Late                           // data after the end of the connection
	HalfOpen                       // a SYN that begins a connection, perhaps
	Stray                          // it belongs to no connection, but perhaps to one that was reported as closed
)

// Fate is what became of a segment.
type Fate struct {
	Conn  *stream.Conn // the connection it was taken for; nil with HalfOpen and Stray
	Marks Mark
	First stream.Stamp // the packet that brought the copy that counts; valid iff Marks has Differs
}

// Has reports whether the segment has one of the marks.
func (f *Fate) Has(m Mark) bool { return f.Marks&m != 0 }

// Fate returns what became of the segment that Segment took last, if Trace
// was called. Some things show later only: whether a segment that is Ahead comes behind a
// loss, and whether a HalfOpen SYN is answered (stream.Conn.First is that
// packet then).
func (a *Assembler) Fate() Fate { return a.fate }

// Trace makes the Assembler note the Fate of each segment, and report
// connections that carry no byte too, with an Opened and a Closed event. Call
// it before the first Segment.
func (a *Assembler) Trace() { a.trace = true }

// takenFor notes which connection the segment at hand belongs to; nil: none,
// as far as is known.
func (a *Assembler) takenFor(c *conn) {
	if !a.trace {
		return
	}
	a.fate = Fate{}
	if c != nil {
		a.fate.Conn = c.pub
	}
}

func (a *Assembler) mark(m Mark) { a.fate.Marks |= m }
