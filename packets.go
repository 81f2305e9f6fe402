package popscope

import (
	"io"
	"iter"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// Packets reads src to its end and yields each packet of a POP3 connection,
// in the order of the capture. It works like Results, with one worker, and
// can be called once, instead of it.
//
// What a packet carries is often known later only: that a connection is
// POP3, whether a line is a command, what fills a hole. So packets wait in a
// window until all that stands before them is known, within limits;
// then the one that came first is handed on with what is known of it.
//
// Options.From and To choose packets, not sessions; Hosts and Sessions are
// heeded; Users are not, since the packets before a login would have to wait for
// it. The Summary counts the sessions that Results would yield, Users apart.
func (a *Analyzer) Packets(src capture.Source) iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {
		a.opt.NoMail, a.opt.KeepBody, a.opt.Users = true, 0, nil
		a.in.dec.LeaveChecksums = false // they are told with each packet
		a.in.keys.from(src)
		if s, ok := src.(interface{ MayHoldKeys() bool }); ok && !s.MayHoldKeys() {
			a.opt.noMoreKeys = a.opt.KeysComplete || !a.opt.awaitKeys
		}
		l := &packetList{Analyzer: a, src: src, w: newWindow(a), yield: yield}
		a.in.read(l, l)
		a.sum.PacketsLeftOut = l.w.leftOut
		a.finish(src)
	}
}

// packetList stands on both sides of intake.read: it sees each frame before
// that does, and takes what is made of it.
type packetList struct {
	*Analyzer
	src     capture.Source
	w       *window
	yield   func(*Packet, error) bool
	stopped bool // nobody wants more
}

// Next hands on the packets that are known by now, and gets the next one.
func (l *packetList) Next(p *capture.Packet) error {
	if !l.release(false) {
		return io.EOF
	}
	err := l.src.Next(p)
	if err == nil {
		l.w.begin(p)
	}
	return err
}

func (l *packetList) release(all bool) bool {
	l.stopped = l.stopped || !l.w.yield(all, l.yield)
	return !l.stopped
}

func (l *packetList) segment(seg *packet.Segment, shard int, at stream.Stamp, keys int64) {
	s := l.shards[shard]
	s.keys(keys)
	s.now = at
	s.asm.Segment(seg, at)
	l.w.segment(seg, s.asm.Fate())
	s.drain()
	l.w.settle()
}

func (l *packetList) leftOut(int, stream.Stamp) {}

func (l *packetList) fail(err error) bool {
	l.sum.Errors = append(l.sum.Errors, capture.ErrorText(err))
	return l.yield(nil, err)
}

func (l *packetList) turn(n news) bool {
	for _, s := range l.shards {
		s.learn(&n)
		for _, r := range s.out {
			for _, r := range l.filter.pass(r) {
				l.count(r)
				r.done()
			}
		}
		clear(s.out)
		s.out = s.out[:0]
	}
	if n.last || n.part {
		return l.release(n.last)
	}
	return !l.stopped
}
