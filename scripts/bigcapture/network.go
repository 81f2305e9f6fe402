package main

import (
	"container/heap"
	"math"
	"math/rand/v2"

	"popscope/capture"
)

// network holds many connections at once, and writes their packets in the
// order of time.
type network struct {
	w     *capture.Writer
	r     *rand.Rand
	kind  kind
	truth *truth

	budget int64 // bytes that new connections may take up in all
	opened int
	open   connHeap
}

// begin is when captures begin: 2024-01-15 09:00:00 UTC, in nanoseconds
// since 1970-01-01 UTC.
const begin = 1_705_309_200 * 1_000_000_000

const millisecond = 1_000_000 // nanoseconds

func newNetwork(s settings, w *capture.Writer, t *truth) *network {
	r := rand.New(rand.NewPCG(s.seed, 0))
	n := &network{w: w, r: r, truth: t, kind: kinds[s.kind](r, t), budget: s.size}
	for range s.connections {
		n.connect(begin + r.Int64N(2000*millisecond))
	}
	return n
}

// connect opens a connection at about that time, unless the capture is
// going to be large enough without.
func (n *network) connect(at int64) {
	if n.budget <= 0 {
		return
	}
	d := n.kind.next(n.budget)
	n.budget -= d.cost()
	c := &conn{flow: n.flow(d.port), r: n.r, truth: n.truth, turns: d.turns}
	if d.udp {
		c.stage, c.flow.udp = datagrams, true
	} else if c.flow.v6() && d.port == 110 {
		n.truth.SessionsIPv6++
	}
	c.wait = (2 + n.r.Int64N(30)) * millisecond
	for end := range c.next {
		c.next[end] = n.r.Uint32()
		if n.opened%100 == 0 {
			c.next[end] = math.MaxUint32 - n.r.Uint32N(1000) // soon begins at 0 again
		}
	}
	n.opened++
	c.fill()
	heap.Push(&n.open, &pending{conn: c, at: at, number: n.opened})
}

// flow returns addresses and ports that no other connection of the capture
// has had.
func (n *network) flow(port uint16) flow {
	const clients, firstPort, ports = 250, 32768, 28000
	var f flow
	host := byte(1 + n.opened%clients)
	machine := byte(1 + n.r.IntN(4))
	f.ends[client] = endpoint{
		mac: [6]byte{2, 0, 0, 0, 2, host}, addr: []byte{192, 0, 2, host},
		port: uint16(firstPort + n.opened/clients%ports),
	}
	f.ends[server] = endpoint{mac: [6]byte{2, 0, 0, 0, 1, machine}, addr: []byte{198, 51, 100, machine}, port: port}
	if n.r.IntN(20) == 0 {
		for i := range f.ends {
			e := &f.ends[i]
			e.addr = []byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(i), 0, 0, 0, 0, 0, 0, 0, 0, 0, e.addr[3]}
		}
	}
	for i := range f.id {
		f.id[i] = uint16(n.r.Uint32())
	}
	return f
}

// run writes packets until all connections are over.
func (n *network) run() error {
	for len(n.open) > 0 {
		p := n.open[0]
		if err := n.write(p.at, p.conn.out[p.sent].frame); err != nil {
			return err
		}
		p.sent++
		if p.sent == len(p.conn.out) {
			p.sent = 0
			if !p.conn.fill() {
				heap.Pop(&n.open)
				n.connect(p.at + n.r.Int64N(100*millisecond))
				continue
			}
		}
		p.at += p.conn.out[p.sent].after
		heap.Fix(&n.open, 0)
	}
	return nil
}

func (n *network) write(at int64, frame []byte) error {
	n.truth.Packets++
	n.truth.Bytes += int64(len(frame))
	return n.w.Write(&capture.Packet{Nanos: at, Link: capture.LinkEthernet, Data: frame, Orig: len(frame)})
}

// pending is a connection that waits for the time of its next packet.
type pending struct {
	conn   *conn
	sent   int   // of conn.out
	at     int64 // when the next one is sent
	number int   // which of two comes first at the same time
}

type connHeap []*pending

func (h connHeap) Len() int { return len(h) }
func (h connHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].number < h[j].number
}
func (h connHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *connHeap) Push(x any)   { *h = append(*h, x.(*pending)) }
func (h *connHeap) Pop() any {
	old := *h
	last := len(old) - 1
	p := old[last]
	old[last] = nil
	*h = old[:last]
	return p
}
