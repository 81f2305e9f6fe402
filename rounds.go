package popscope

import (
	"io"
	"math"
	"slices"
	"time"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// batchPackets is how many packets of the timeline pass between two turns,
// at which all shards learn the time and hand on what is finished. Like
// numShards it must not depend on the number of workers, and like all that
// decides about turns on the packets alone: then a live run and the file of
// its packets give the same.
const batchPackets = 2048

// batchBytes ends a round early when its packets are large: what is
// finished in one round has to be held. Above it the same is true.
const batchBytes = 192 << 10

// batchTime ends a round when its packets come slowly.
const batchTime = int64(time.Second)

// silences are the times without a packet after which the shards are told
// so, each counted from the one before: connections that have ended are
// reported after one second, and holes are given up after one second or
// eight; what that ends is reported a second later.
//
// They end there, because a single packet with a wrong time in the far
// future is preceded by a silence too, and must not end connections that
// are merely idle.
var silences = [...]time.Duration{time.Second, time.Second, 7 * time.Second, time.Second}

// shortSilence is the first of them in nanoseconds.
const shortSilence = int64(time.Second)

// clockPackets is how many packets in a row must have a time before it is
// told to all shards, as in package reassembly.
const clockPackets = 16

// round is what has passed since the last turn.
type round struct {
	packets int
	bytes   int   // captured
	start   int64 // time of the first packet
	now     int64 // and of the last one
}

func (r *round) add(p *capture.Packet) {
	if r.packets == 0 {
		r.start = p.Nanos
	}
	r.packets++
	r.bytes += len(p.Data)
	r.now = p.Nanos
}

// after returns how long one time is after another, whatever they are; 0 if it
// is not.
func after(later, earlier int64) uint64 {
	if later <= earlier {
		return 0
	}
	return uint64(later) - uint64(earlier)
}

// news is what all shards learn at a turn.
type news struct {
	at    stream.Stamp  // the last packet of the round
	keys  int64         // mark of the key log
	until int64         // the time that all of the last packets have reached; 0 not known
	quiet time.Duration // no packet came for so long; 0 if one did
	full  bool          // of packets or bytes: more will follow soon
	last  bool          // the capture is over
	part  bool          // no turn: only hand on what there is
}

// upTo returns the place up to which all results are known when a turn is
// done, if no session can end any more up to packet mark.
func (n *news) upTo(mark int64) rank {
	if n.last {
		mark = never
	}
	return behind(mark)
}

// over reports whether a turn is due.
func (r *round) over() bool {
	return r.full() || after(r.now, r.start) >= uint64(batchTime)
}

func (r *round) full() bool { return r.packets >= batchPackets || r.bytes >= batchBytes }

// turn returns the news of a turn that is due, and begins the next round.
func (in *intake) turn() news {
	n := news{at: in.at, keys: in.mark, full: in.round.full()}
	in.round = round{}
	if in.count >= clockPackets {
		n.until = slices.Min(in.recent[:])
	}
	return n
}

// silence reports whether a turn is due because no packet came until
// nanos, and begins the next round if so. Ask until there is none: before
// each packet with its time, and at the end of the capture, as if a long
// silence followed.
func (in *intake) silence(nanos int64) (news, bool) {
	if in.count == 0 || in.quiet == len(silences) {
		return news{}, false
	}
	var since time.Duration
	for _, d := range silences[:in.quiet+1] {
		since += d
	}
	if after(nanos, in.at.Nanos) < uint64(since) {
		return news{}, false
	}
	in.quiet++
	in.round = round{}
	return news{at: in.at, keys: in.mark, quiet: silences[in.quiet-1]}, true
}

// waited returns the news of a source that has nothing at a time that it
// knows from a clock: what is finished is to be handed on, and when that has
// been so for as long as a connection may be idle, those that are are
// closed. A file of the same packets does not tell that the time went on, so
// there a connection that goes on after all is one, and here two.
func (in *intake) waited(nanos int64) news {
	n := news{at: in.at, keys: in.mark, part: true}
	if in.count > 0 && nanos-max(in.at.Nanos, in.told) >= in.idle {
		in.told = nanos - in.idle + int64(time.Minute) // and again in a minute
		n.part, n.until = false, nanos
	}
	return n
}

// sink is where intake.read puts what it reads.
type sink interface {
	segment(seg *packet.Segment, shard int, at stream.Stamp, keys int64) // borrowed; keys is the mark of the key log
	leftOut(shard int, at stream.Stamp)                                  // that there was a segment
	fail(error) bool                                                     // of the source
	turn(news) bool
}

// read reads src to its end, or until the sink wants no more.
func (in *intake) read(src capture.Source, to sink) {
	next := in.batches(src)
	some := make([]capture.Packet, readAtOnce)
	for {
		n, err := next(some)
		in.mark = in.keys.mark()
		for i := range n {
			if !in.take(&some[i], to) {
				return
			}
		}
		switch {
		case err == nil:
		case err == capture.ErrIdle:
			if now := some[0].Nanos; !in.tellSilence(now, to) || !to.turn(in.waited(now)) {
				return
			}
		case err != io.EOF && !to.fail(err):
			return
		case err == io.EOF || !goesOn(err):
			if in.tellSilence(math.MaxInt64, to) {
				to.turn(news{at: in.at, keys: in.mark, last: true})
			}
			return
		}
	}
}

// readAtOnce is how many packets are asked of a Timeline at once.
const readAtOnce = 32

// batches returns what reads src as capture.Timeline.NextBatch does; all but
// a Timeline is read packet by packet.
func (in *intake) batches(src capture.Source) func([]capture.Packet) (int, error) {
	if t, ok := src.(*capture.Timeline); ok && !in.oneByOne {
		return t.NextBatch
	}
	return func(some []capture.Packet) (int, error) {
		if err := src.Next(&some[0]); err != nil {
			return 0, err
		}
		return 1, nil
	}
}

// take takes a packet, and reports whether the sink wants more.
func (in *intake) take(p *capture.Packet, to sink) bool {
	if after(p.Nanos, in.at.Nanos) >= uint64(shortSilence) && !in.tellSilence(p.Nanos, to) {
		return false
	}
	if seg, ok := in.packet(p); ok {
		in.deal(seg, to)
	}
	return !in.round.over() || to.turn(in.turn())
}

// deal gives a segment to the sink, unless nobody needs it.
func (in *intake) deal(seg *packet.Segment, to sink) {
	hash := hashOf(seg)
	if b := in.bypass; b != nil {
		out, behind := b.leavesOut(seg, hash, in.at)
		if out {
			to.leftOut(shardOf(hash), in.at)
			return
		}
		for i := range behind {
			to.segment(&b.catchUp[i], shardOf(hash), in.at, in.mark)
		}
	}
	in.dec.Checksum(seg)
	to.segment(seg, shardOf(hash), in.at, in.mark)
}

// tellSilence makes the turns that are due because no packet came until
// nanos.
func (in *intake) tellSilence(nanos int64, to sink) bool {
	for n, due := in.silence(nanos); due; n, due = in.silence(nanos) {
		if !to.turn(n) {
			return false
		}
	}
	return true
}
