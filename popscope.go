package popscope

import (
	"errors"
	"io/fs"
	"iter"
	"sync/atomic"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/pop3parse/audit"
	"popscope/reassembly/stream"
)

// Analyzer turns packets into finished POP3 sessions. It is the joint
// between the stages and holds nothing else:
//
//	capture.Source -> intake (frames to TCP segments)
//	               -> shards (segments to streams, streams to sessions)
//	               -> merge  (sessions in the order in which they ended)
type Analyzer struct {
	opt    Options
	in     *intake
	shards []*shard
	merge  merge
	filter filter
	learnt []*Result // scratch
	audit  *audit.Auditor
	near   [audit.Reach]*Result // see group
	sum    Summary
	open   atomic.Int64
}

// Open returns how many sessions are under way. Any goroutine may ask.
func (a *Analyzer) Open() int64 { return a.open.Load() }

// New returns an Analyzer.
func New(o Options) *Analyzer {
	o = o.withDefaults()
	a := &Analyzer{opt: o, in: newIntake(&o), audit: audit.NewAuditor(&o.Policy, o.Limits.Audit)}
	a.merge.follow = o.Follow
	a.shards = newShards(&a.opt)
	for _, s := range a.shards {
		s.open = &a.open
	}
	a.filter = filter{opt: &a.opt, parts: make(map[string][]*Result)}
	return a
}

// Results reads src to its end and yields each finished session, in the
// order of the packets that ended them, then those still open in the order
// of their first packets. A Result is valid until the next one is asked
// for. An error tells of damage in the capture, and comes without a Result;
// what follows it is still good. Results can be called, and ranged over,
// once.
func (a *Analyzer) Results(src capture.Source) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		a.in.keys.from(src)
		if a.opt.Tap == nil && a.opt.Ahead == 0 {
			a.in.bypass = newBypass(a.in.idle)
			for _, s := range a.shards {
				s.asm.ListIgnored()
			}
		}
		run := a.sequential
		if a.opt.Workers > 1 {
			run = a.parallel
		}
		run(src, func(r *Result, err error) bool {
			if err != nil {
				a.sum.Errors = append(a.sum.Errors, capture.ErrorText(err))
				return yield(nil, err)
			}
			for _, r := range a.filter.pass(r) {
				a.count(r)
				if !yield(r, nil) {
					return false
				}
				r.done()
			}
			return true
		})
		a.finish(src)
	}
}

// sequential does everything in the caller's goroutine.
func (a *Analyzer) sequential(src capture.Source, yield func(*Result, error) bool) {
	if a.opt.Tap != nil {
		a.in.read(src, inline{a, yield})
		return
	}
	a.in.read(src, &rounds{inline{a, yield}, newBatch(1)})
}

// inline is the sink of sequential where a Tap has to see what comes of a
// packet before the next one is read.
type inline struct {
	*Analyzer
	yield func(*Result, error) bool
}

func (a inline) segment(seg *packet.Segment, shard int, at stream.Stamp, keys int64) {
	a.shards[shard].segment(seg, at, keys)
}

func (a inline) leftOut(int, stream.Stamp) {}

func (a inline) fail(err error) bool { return a.yield(nil, err) }

// turn lets all shards learn the news, and hands on what is finished.
func (a inline) turn(n news) bool {
	all := crew(a.shards)
	f := all.learn(&n, a.learnt[:0])
	a.merge.add(f.results)
	clear(f.results)
	a.learnt = f.results
	return a.release(n.at.Packet, n.upTo(f.mark), all, a.yield)
}

// rounds is the sink of sequential otherwise.
type rounds struct {
	inline
	batch *batch
}

func (r *rounds) segment(seg *packet.Segment, shard int, at stream.Stamp, keys int64) {
	r.batch.add(shard, seg, at, keys)
}

func (r *rounds) leftOut(shard int, at stream.Stamp) {
	r.batch.leave(shard, at)
}

func (r *rounds) turn(n news) bool {
	for _, s := range r.shards {
		s.assemble(r.batch.items[s.number], r.batch.out[s.number])
	}
	ok := r.inline.turn(n)
	r.batch.clear()
	if b := r.in.bypass; b != nil && !n.part {
		b.later(crew(r.shards).ignored(), n.at)
	}
	return ok
}

// putOff are sessions that have ended, and are read when it is their turn.
type putOff interface {
	due() rank      // the place of the first of them; behind(never) if there are none
	read() finished // some of them, the first one among them
}

// release hands on the results whose turn has come: those whose place is
// before up, and before them what is to be followed at once, as far as packet
// at.
func (a *Analyzer) release(at int64, up rank, rest putOff, yield func(*Result, error) bool) bool {
	for r := a.merge.nextPart(behind(at)); r != nil; r = a.merge.nextPart(behind(at)) {
		if !yield(r, nil) {
			return false
		}
	}
	for {
		due := rest.due()
		wanted := due.before(up)
		if !wanted {
			due = up
		}
		for group := a.group(due); len(group) > 0; group = a.group(due) {
			for _, r := range group {
				if !yield(r, nil) {
					return false
				}
			}
			clear(group)
		}
		if !wanted {
			return true
		}
		a.merge.add(rest.read().results)
	}
}

// group returns the next few results whose place is before a rank. The
// Auditor has begun to read what they need.
func (a *Analyzer) group(up rank) []*Result {
	group := a.near[:0]
	for len(group) < audit.Reach {
		r := a.merge.next(up)
		if r == nil {
			break
		}
		a.audit.Expect(&r.judge)
		group = append(group, r)
	}
	a.audit.Fetch()
	return group
}

// goesOn reports whether a source can be read further after err: damage
// and files that cannot be opened do not hide the other files.
func goesOn(err error) bool {
	var damage *capture.FormatError
	var path *fs.PathError
	return errors.As(err, &damage) || errors.As(err, &path)
}

// count adds a result to the summary.
func (a *Analyzer) count(r *Result) {
	a.audit.Session(&r.judge)
	a.sum.Logins += int64(len(r.Logins))
	a.sum.Messages += int64(len(r.Messages))
	a.sum.Findings += int64(len(r.Findings))
	if r.Last {
		a.sum.Sessions++
	}
}

// finish completes the summary.
func (a *Analyzer) finish(src capture.Source) {
	a.sum.Packets, a.sum.Bytes = a.in.count, a.in.bytes
	if a.in.count > 0 {
		a.sum.Start = stream.Stamp{Nanos: a.in.first}.Time()
		a.sum.End = stream.Stamp{Nanos: a.in.last}.Time()
	}
	a.sum.Ignored, a.sum.Unread = a.in.ignored(), a.in.unread
	for _, s := range a.shards {
		a.sum.ignore(s.ignored())
	}
	if k, ok := src.(interface{ KeysLeftOut() int64 }); ok && k.KeysLeftOut() > 0 {
		a.sum.Ignored[SecretBlocks] = k.KeysLeftOut()
	}
	if s, ok := src.(interface{ Ignored() map[string]int64 }); ok {
		a.sum.ignore(s.Ignored())
	}
	if f, ok := src.(interface{ Files() []capture.FileInfo }); ok {
		a.sum.Files = f.Files()
	}
	if d, ok := src.(interface{ Drops() uint64 }); ok {
		a.sum.KernelDrops = int64(d.Drops())
	}
	a.sum.Across = a.audit.Finish(audit.Capture{KernelDrops: a.sum.KernelDrops, Fragments: a.in.frags.Stats().Conflicts, Errors: a.sum.Errors})
	a.sum.Findings += int64(len(a.sum.Across))
	a.sum.Accounts, a.sum.AccountsForgotten = a.audit.Accounts()
}

// Summary returns the counts; call it after Results has ended.
func (a *Analyzer) Summary() Summary { return a.sum }
