package mailfile

import (
	"bufio"
	"bytes"

	"popscope"
	"popscope/reassembly/stream"
)

// addToMbox appends a message to the mbox, and says where it stands there.
// After an error the mbox is as it was before.
func (o *Folder) addToMbox(m *popscope.Message, s *spool) (offset, octets int64, err error) {
	start := o.mbox.size
	w := o.mboxOut
	w.Reset(o.mbox)
	// RFC 4155 appendix A: the time is that of reception, in UTC. Who sent
	// the message is not known here; what its header says is no proof.
	n, _ := w.WriteString("From MAILER-DAEMON " + (stream.Stamp{Nanos: m.Last.Nanos}).Time().Format("Mon Jan _2 15:04:05 2006") + "\n")
	q := &quoter{w: w}
	if err = s.copyTo(q); err == nil {
		q.close()
		err = w.Flush()
	}
	if err != nil {
		o.mbox.err = nil // the next one may be shorter
		o.mbox.back(start)
		return 0, 0, err
	}
	offset = start + int64(n)
	return offset, o.mbox.size - 1 - offset, nil
}

// quoter writes the lines of a message as mboxrd has them: CRLF becomes LF,
// and a line of any number of ">" and then "From " gets one ">" more.
type quoter struct {
	w     *bufio.Writer
	state quoterState
	held  int  // octets of "From " at the beginning of a line that were not written yet
	cr    bool // neither was a CR: the next octet says whether it belongs to a line's end
}

// quoterState is where in a line the next octet stands.
type quoterState uint8

const (
	atStart   quoterState = iota // of a line, or of the message
	behindGTs                    // behind nothing but ">" and what is held
	inLine
)

const from = "From "

// Write implements io.Writer.
func (q *quoter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if q.state == inLine {
			p = q.line(p)
			continue
		}
		p = q.start(p)
	}
	return n, nil // bufio remembers errors
}

// start takes an octet of the beginning of a line.
func (q *quoter) start(p []byte) []byte {
	switch c := p[0]; {
	case c == '>' && q.held == 0:
		q.state = behindGTs
		q.w.WriteByte('>')
	case c == from[q.held]:
		q.state = behindGTs
		if q.held++; q.held == len(from) {
			q.w.WriteByte('>')
			q.release()
		}
	default:
		q.release()
		return p
	}
	return p[1:]
}

// release writes what is held.
func (q *quoter) release() {
	q.w.WriteString(from[:q.held])
	q.held, q.state = 0, inLine
}

// line takes octets inside of a line, up to its end.
func (q *quoter) line(p []byte) []byte {
	if q.cr {
		q.cr = false
		if p[0] != '\n' {
			q.w.WriteByte('\r')
		}
	}
	i := bytes.IndexByte(p, '\n')
	line, rest := p, []byte(nil)
	if i >= 0 {
		line, rest = p[:i], p[i+1:]
		q.state = atStart
	}
	line, cr := bytes.CutSuffix(line, []byte("\r"))
	q.w.Write(line)
	if i >= 0 {
		q.w.WriteByte('\n')
	} else {
		q.cr = cr
	}
	return rest
}

// close ends the message: with a line's end, if it lacks one, and the empty
// line that follows every message.
func (q *quoter) close() {
	unfinished := q.state != atStart
	q.release()
	if q.cr {
		q.w.WriteByte('\r')
		q.cr = false
	}
	if unfinished {
		q.w.WriteByte('\n')
	}
	q.w.WriteByte('\n')
	q.state = atStart
}
