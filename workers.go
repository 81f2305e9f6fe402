package popscope

import (
	"slices"
	"sync"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly"
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
	pipe := pipeline{
		hurry: a.opt.Hurry, bypass: a.in.bypass, stop: stop,
		free: make(chan *batch, (ahead+2)*n), turns: make(chan turns, ahead),
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer close(stop)

	for range n {
		w := newWorker(ahead)
		pipe.workers, pipe.late = append(pipe.workers, w), append(pipe.late, &w.late)
	}
	for i, s := range a.shards {
		w := pipe.workers[i%n]
		w.shards = append(w.shards, s)
	}
	for _, w := range pipe.workers {
		running.Go(func() { pipe.work(w) })
	}
	running.Go(func() { pipe.read(a.in, src) })

	for t := range pipe.turns {
		for i := range t.n {
			if !a.merged(&pipe, &t.list[i], yield) {
				return
			}
		}
	}
}

// merged puts in order what the workers hand on in a turn. It reports whether
// anybody wants more.
func (a *Analyzer) merged(p *pipeline, t *turn, yield func(*Result, error) bool) bool {
	for _, err := range t.errs {
		if !yield(nil, err) {
			return false
		}
	}
	mark := t.at.Packet
	for _, w := range p.workers {
		f := <-w.done
		a.merge.add(f.results)
		mark = min(mark, f.mark)
		w.late.due = f.due
	}
	up := t.upTo(mark)
	p.late.ask(up)
	return a.release(t.at.Packet, up, p.late, yield)
}

// pipeline is what reader, workers and merger share.
type pipeline struct {
	hurry   bool          // Options.Hurry
	bypass  *bypass       // of the reader; may be nil
	stop    chan struct{} // closed when the caller wants no more
	turns   chan turns    // one for each set of batches
	workers []*worker
	late    lates // what was put off, by worker
	free    chan *batch
}

// worker is one of several goroutines that do the work of the shards.
type worker struct {
	shards  crew
	todo    chan *batch
	done    chan finished             // one for each round
	ignored chan []reassembly.Ignored // one for each turn, if there is a bypass
	late    late
}

func newWorker(ahead int) *worker {
	return &worker{
		todo: make(chan *batch, ahead), done: make(chan finished, ahead), ignored: make(chan []reassembly.Ignored, bypassLag+1),
		late: late{up: make(chan rank, 1), more: make(chan finished, 1)},
	}
}

// turn tells the merger of a round.
type turn struct {
	news
	errs []error // of the source, met during the round
}

// turns are those of a set of batches, in a value that needs no memory of its
// own.
type turns struct {
	list [heldRounds]turn
	n    int
}

// batch is what one worker gets of a round, or of several that hold little.
type batch struct {
	items  [numShards][]item
	out    [numShards][]stream.Stamp // of segments that the bypass left out
	bytes  []byte                    // payloads, one after the other
	rounds []roundEnd
}

// roundEnd is where a round ends in a batch: at which of the items and of what
// was left out, by shard.
type roundEnd struct {
	news
	items, out [numShards]int
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
	d := &dealer{pipeline: p, set: make([]*batch, len(p.workers))}
	d.begin()
	in.read(src, d)
}

// dealer is the sink of parallel.
type dealer struct {
	*pipeline
	set    []*batch // one for each worker
	turns  turns    // of the rounds in them
	items  int      // in them
	any    bool     // something came since the last turn
	errs   []error  // since then
	rounds int      // that were turns
}

// heldRounds is how many rounds that hold little are dealt at once, so that
// not each of them has to wake the workers.
const heldRounds = bypassLag / 4

func (d *dealer) segment(seg *packet.Segment, shard int, at stream.Stamp, keys int64) {
	d.set[shard%len(d.set)].add(shard, seg, at, keys)
	d.items++
	d.any = true
}

func (d *dealer) leftOut(shard int, at stream.Stamp) {
	d.set[shard%len(d.set)].leave(shard, at)
	d.any = true
}

func (d *dealer) fail(err error) bool {
	d.errs = append(d.errs, err)
	return true
}

// turn ends a round and deals what there is, unless it is little, and more
// follows soon.
func (d *dealer) turn(n news) bool {
	if n.part && !d.any && len(d.errs) == 0 {
		return true
	}
	for _, b := range d.set {
		b.end(n)
	}
	d.turns.list[d.turns.n] = turn{n, d.errs}
	d.turns.n++
	d.any, d.errs = false, nil
	if !d.holds(&n) {
		if !d.deal() || n.last {
			return false
		}
		d.begin()
	}
	return d.bypass == nil || n.part || d.learn(&n)
}

// holds reports whether the batches can take another round.
func (d *dealer) holds(n *news) bool {
	if d.bypass == nil || !n.full || d.turns.n == heldRounds || d.items > batchPackets/2 {
		return false
	}
	bytes := 0
	for _, b := range d.set {
		bytes += len(b.bytes)
	}
	return bytes < batchBytes/2
}

// learn tells the bypass what the workers ignore since bypassLag rounds ago,
// and reports whether anybody wants more.
func (d *dealer) learn(n *news) bool {
	if d.rounds++; d.rounds <= bypassLag {
		return true
	}
	var all []reassembly.Ignored
	for _, w := range d.workers {
		select {
		case some := <-w.ignored:
			all = append(all, some...)
		case <-d.stop:
			return false
		}
	}
	d.bypass.turn(all, n.at)
	return true
}

// begin begins a set of batches.
func (d *dealer) begin() {
	d.turns, d.items = turns{}, 0
	for i := range d.set {
		select {
		case d.set[i] = <-d.free:
		default:
			d.set[i] = newBatch(len(d.set))
		}
	}
}

// deal hands the batches to the workers, and reports whether anybody wants
// them.
func (d *dealer) deal() bool {
	for i, b := range d.set {
		select {
		case d.workers[i].todo <- b:
		case <-d.stop:
			return false
		}
	}
	select {
	case d.pipeline.turns <- d.turns:
		return true
	case <-d.stop:
		return false
	}
}

func (b *batch) add(shard int, seg *packet.Segment, at stream.Stamp, keys int64) {
	from := len(b.bytes)
	b.bytes = append(b.bytes, seg.Payload...)
	items := b.items[shard]
	if len(items) == cap(items) {
		items = slices.Grow(items, 1)
	}
	items = items[:len(items)+1]
	mine := &items[len(items)-1] // filled in place: a composite would be copied twice
	mine.seg, mine.at, mine.keys = *seg, at, keys
	mine.seg.Payload = b.bytes[from:len(b.bytes):len(b.bytes)]
	b.items[shard] = items
}

// leave takes the time of a segment that was left out.
func (b *batch) leave(shard int, at stream.Stamp) { b.out[shard] = append(b.out[shard], at) }

// end ends a round.
func (b *batch) end(n news) {
	e := roundEnd{news: n}
	for i := range b.items {
		e.items[i], e.out[i] = len(b.items[i]), len(b.out[i])
	}
	b.rounds = append(b.rounds, e)
}

// part returns what a shard gets of a round.
func (b *batch) part(round, shard int) ([]item, []stream.Stamp) {
	item, out := 0, 0
	if round > 0 {
		item, out = b.rounds[round-1].items[shard], b.rounds[round-1].out[shard]
	}
	to := &b.rounds[round]
	return b.items[shard][item:to.items[shard]], b.out[shard][out:to.out[shard]]
}

// clear makes the batch empty, to be used again.
func (b *batch) clear() {
	for i := range b.items {
		b.items[i], b.out[i] = b.items[i][:0], b.out[i][:0]
	}
	b.bytes, b.rounds = b.bytes[:0], b.rounds[:0]
}

// work does the batches of one worker.
func (p *pipeline) work(w *worker) {
	behind := false // until there is nothing to do
	for {
		var b *batch
		select {
		case b = <-w.todo:
		case <-p.stop:
			return
		}
		if waits := len(w.todo); p.hurry && (waits > cap(w.todo)/8 || waits == 0) {
			behind = waits > 0
		}
		for i := range b.rounds {
			if !p.round(w, b, i, behind) {
				return
			}
		}
		b.clear()
		select {
		case p.free <- b:
		default:
		}
	}
}

// round does one round of a batch. It reports whether anybody wants another
// one.
func (p *pipeline) round(w *worker, b *batch, number int, behind bool) bool {
	for _, s := range w.shards {
		s.behind = behind
		s.assemble(b.part(number, s.number))
	}
	n := &b.rounds[number].news
	f := w.shards.learn(n, nil)
	select {
	case w.done <- f:
	case <-p.stop:
		return false
	}
	if p.bypass != nil && !n.part {
		select {
		case w.ignored <- w.shards.ignored():
		case <-p.stop:
			return false
		}
	}
	return w.late.answer(w.shards, p.stop) && !n.last
}
