package popscope

import (
	"sync"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// parallel is sequential with the work of the shards done by several
// workers. A reader decodes packets and deals copies of their segments to
// the workers in batches; the caller's goroutine puts the results of each
// batch in order. Turns come after the same packets as in sequential, so
// that the results are the same.
func (a *Analyzer) parallel(src capture.Source, yield func(*Result, error) bool) {
	n, ahead := a.opt.Workers, max(a.opt.Ahead/batchBytes, 2)
	stop := make(chan struct{})
	pipe := pipeline{hurry: a.opt.Hurry, stop: stop, free: make(chan *batch, (ahead+2)*n), turns: make(chan turn, ahead)}
	var running sync.WaitGroup
	defer running.Wait()
	defer close(stop)

	for range n {
		pipe.todo = append(pipe.todo, make(chan *batch, ahead))
		pipe.done = append(pipe.done, make(chan finished, ahead))
		pipe.late = append(pipe.late, &late{up: make(chan rank, 1), more: make(chan finished, 1)})
	}
	for w := range n {
		var mine crew
		for i := w; i < len(a.shards); i += n {
			mine = append(mine, a.shards[i])
		}
		running.Go(func() { pipe.work(mine, w, pipe.todo[w], pipe.done[w], pipe.late[w]) })
	}
	running.Go(func() { pipe.read(a.in, src) })

	for t := range pipe.turns {
		for _, err := range t.errs {
			if !yield(nil, err) {
				return
			}
		}
		mark := t.at.Packet
		for w, done := range pipe.done {
			f := <-done
			a.merge.add(f.results)
			mark = min(mark, f.mark)
			pipe.late[w].due = f.due
		}
		up := t.upTo(mark)
		pipe.late.ask(up)
		if !a.release(t.at.Packet, up, pipe.late, yield) {
			return
		}
	}
}

// pipeline is what reader, workers and merger share.
type pipeline struct {
	hurry bool          // Options.Hurry
	stop  chan struct{} // closed when the caller wants no more
	turns chan turn     // one for each round of batches
	todo  []chan *batch
	done  []chan finished
	late  lates // what was put off, by worker
	free  chan *batch
}

// turn tells the merger of a round of batches, one for each worker.
type turn struct {
	news
	errs []error // of the source, met during the round
}

// batch is what one worker gets of a round.
type batch struct {
	items [numShards][]item
	bytes []byte // payloads, one after the other
	news  news
}

// newBatch returns an empty batch for one of several workers, with room for
// its share of a round of full packets, so that it need not grow.
func newBatch(workers int) *batch {
	return &batch{bytes: make([]byte, 0, (batchBytes+64<<10)/workers)}
}

// item is a segment, whose payload lies in batch.bytes, or in what was that
// before it grew.
type item struct {
	seg  packet.Segment
	at   stream.Stamp
	keys int64 // mark of the key log
}

// read deals the packets of src.
func (p *pipeline) read(in *intake, src capture.Source) {
	defer close(p.turns)
	in.read(src, &dealer{pipeline: p, round: p.round()})
}

// dealer is the sink of parallel.
type dealer struct {
	*pipeline
	round []*batch
	any   bool // the round has a segment
	errs  []error
}

func (d *dealer) segment(seg *packet.Segment, at stream.Stamp, keys int64) {
	s := shardOf(seg)
	d.round[s%len(d.round)].add(s, seg, at, keys)
	d.any = true
}

func (d *dealer) fail(err error) bool {
	d.errs = append(d.errs, err)
	return true
}

// turn deals the round.
func (d *dealer) turn(n news) bool {
	if n.part && !d.any && len(d.errs) == 0 {
		return true
	}
	ok := d.deal(d.round, turn{n, d.errs})
	if ok && !n.last {
		d.round, d.any, d.errs = d.pipeline.round(), false, nil
	}
	return ok
}

// round returns an empty batch for each worker.
func (p *pipeline) round() []*batch {
	out := make([]*batch, len(p.todo))
	for i := range out {
		select {
		case out[i] = <-p.free:
		default:
			out[i] = newBatch(len(out))
		}
	}
	return out
}

// deal hands a round to the workers, and reports whether anybody wants it.
func (p *pipeline) deal(round []*batch, t turn) bool {
	for i, b := range round {
		b.news = t.news
		select {
		case p.todo[i] <- b:
		case <-p.stop:
			return false
		}
	}
	select {
	case p.turns <- t:
		return true
	case <-p.stop:
		return false
	}
}

func (b *batch) add(shard int, seg *packet.Segment, at stream.Stamp, keys int64) {
	from := len(b.bytes)
	b.bytes = append(b.bytes, seg.Payload...)
	b.items[shard] = append(b.items[shard], item{*seg, at, keys})
	mine := &b.items[shard][len(b.items[shard])-1]
	mine.seg.Payload = b.bytes[from:len(b.bytes):len(b.bytes)]
}

// clear makes the batch empty, to be used again.
func (b *batch) clear() {
	for i := range b.items {
		b.items[i] = b.items[i][:0]
	}
	b.bytes = b.bytes[:0]
}

// work does the batches of one worker: its shards are every len(p.todo)th one,
// from the first on.
func (p *pipeline) work(shards crew, first int, todo chan *batch, done chan finished, late *late) {
	behind := false // until there is nothing to do
	for {
		var b *batch
		select {
		case b = <-todo:
		case <-p.stop:
			return
		}
		if waits := len(todo); p.hurry && (waits > cap(todo)/8 || waits == 0) {
			behind = waits > 0
		}
		for i, s := range shards {
			s.behind = behind
			s.assemble(b.items[first+i*len(p.todo)])
		}
		f := shards.learn(&b.news, nil)
		last := b.news.last
		b.clear()
		select {
		case p.free <- b:
		default:
		}
		select {
		case done <- f:
		case <-p.stop:
			return
		}
		if !late.answer(shards, p.stop) || last {
			return
		}
	}
}
