package pop3parse

import (
	"cmp"
	"slices"

	"popscope/reassembly/stream"
)

// standing is where an exchange stands in the two streams, and among the
// others.
type standing struct {
	command, answer extent
	clear           bool // the client had waited for everything before: see isClear
	shifted         bool // another copy of it has another number of lines
	echo            bool // see Exchange.Echoes
}

// extent is a stretch of a stream; empty where nothing was captured.
type extent struct{ from, to int64 }

// doubt says where pairing is in doubt because of what another copy of the
// bytes has.
type doubt struct {
	before bool // the first of Exchanges
	behind bool // the last of Exchanges
}

// Disputed reports whether Dispute would take so many stretches out that it is
// worth while: it looks at all exchanges there are.
func (p *Parser) Disputed(all *[2][]stream.Dispute) bool {
	const many = stream.MaxDisputes / 4
	for d := range all {
		if len(all[d]) >= many && all[d][many-1].To <= p.scan[d].Offset() {
			return true
		}
	}
	return false
}

// Dispute takes note of the stretches of both streams of which there are
// different copies, and takes those out of all that it has read. It is to be
// called before Exchanges are looked at for the last time.
//
// Exchanges that hold such bytes are noted (DifferingCopies). Where another
// copy has another number of lines, what follows may answer other commands:
// it is guessed up to a command before which the client waited for all
// replies. Nothing is said of what was decrypted: it is what the other side
// has encrypted.
func (p *Parser) Dispute(all *[2][]stream.Dispute) {
	for i := range p.done {
		p.done[i].dispute(all)
	}
	for i := range p.waiting() {
		x := p.at(i)
		x.command, x.answer = p.extents(x, p.lastReplyEnd)
		x.dispute(all)
	}
	if _, lines := p.greeted.among(all[stream.Server]); lines {
		p.doubt.before = true
	}
	for d := range all {
		read := p.scan[d].Offset()
		all[d] = slices.DeleteFunc(all[d], func(x stream.Dispute) bool { return x.To <= read })
	}
	p.spread()
	if p.ended {
		p.settle() // deletions may be in doubt by now
	}
}

// spread says how sure pairing is behind what shifts it.
func (p *Parser) spread() {
	doubt := p.doubt.before
	for i := range p.done {
		x := &p.done[i]
		switch {
		case doubt && x.clear && !x.shifted:
			x.Pairing, doubt = max(x.Pairing, Resynced), false
		case doubt:
			x.Pairing = Guessed
			if x.Verb == DELE && x.Status != Err {
				p.drop.question(x.Number())
			}
		}
		doubt = doubt || x.shifted
	}
	p.doubt.behind = doubt
}

// extents returns where the head, or a command behind it, and its reply stand
// that ended at server stream offset end, or as much of them as was read.
func (p *Parser) extents(x *asked, end int64) (command, answer extent) {
	command = extent{x.start, x.end}
	if p.heldBy(x) {
		command.to = max(x.end, p.scan[stream.Client].Offset()) // with the turns of SASL, or a mail
	}
	if x == p.head() && p.reply.begun {
		answer = extent{p.reply.off, max(end, p.scan[stream.Server].Offset())}
	}
	return command, answer
}

// dispute notes what of the exchange there are different copies of.
func (x *Exchange) dispute(all *[2][]stream.Dispute) {
	if x.Encrypted {
		return
	}
	for d, e := range [2]extent{stream.Client: x.command, stream.Server: x.answer} {
		any, lines := e.among(all[d])
		if any {
			x.Notes.Add(DifferingCopies)
		}
		x.shifted = x.shifted || lines
	}
}

// among reports whether any of the stretches of a direction has bytes of
// e, and whether lines are in dispute there.
func (e extent) among(all []stream.Dispute) (any, lines bool) {
	i, _ := slices.BinarySearchFunc(all, e.from+1, func(x stream.Dispute, to int64) int { return cmp.Compare(x.To, to) })
	for ; i < len(all) && all[i].From < e.to; i++ {
		any, lines = true, lines || all[i].Lines
	}
	return any, lines
}
