package reassembly

import (
	"fmt"
	"testing"

	"popscope/capture/capturetest"
	"popscope/capture/packet"
	"popscope/reassembly/stream"
)

// talk makes the segments of one conversation without losses.
type talk struct {
	ends [2]packet.Endpoint
	seq  [2]uint32
	seg  packet.Segment
}

func newTalk(n int) *talk {
	return &talk{
		ends: [2]packet.Endpoint{
			{Addr: packet.Addr{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}, Port: 40000},
			{Addr: packet.Addr{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 4: 1}, Port: 110},
		},
		seq: [2]uint32{uint32(n) * 7919, uint32(n) * 104729},
	}
}

func (k *talk) say(d stream.Dir, flags packet.Flags, data []byte) *packet.Segment {
	k.seg = packet.Segment{
		Src: k.ends[d], Dst: k.ends[d.Other()], Seq: k.seq[d], Ack: k.seq[d.Other()],
		Flags: flags, Window: 500, Payload: data, Length: len(data),
	}
	k.seq[d] += uint32(len(data))
	if flags&(packet.SYN|packet.FIN) != 0 {
		k.seq[d]++
	}
	return &k.seg
}

type player struct {
	a      *Assembler
	at     stream.Stamp
	bytes  int64
	events int
}

func (p *player) play(s *packet.Segment) {
	p.at.Packet++
	p.at.Nanos += 10_000
	p.a.Segment(s, p.at)
	for e := p.a.Next(); e != nil; e = p.a.Next() {
		p.events++
		p.bytes += int64(len(e.Chunk.Data))
	}
}

func (p *player) open(k *talk) {
	p.play(k.say(stream.Client, packet.SYN, nil))
	p.play(k.say(stream.Server, packet.SYN|packet.ACK, nil))
	p.play(k.say(stream.Client, packet.ACK, nil))
}

// BenchmarkBulk is one segment in order, with an acknowledgement for every
// second one, over a number of connections at once.
func BenchmarkBulk(b *testing.B) {
	for _, conns := range []int{1, 2000} {
		b.Run(fmt.Sprintf("connections=%d", conns), func(b *testing.B) {
			p := player{a: New(Limits{})}
			talks := make([]*talk, conns)
			for i := range talks {
				talks[i] = newTalk(i)
				p.open(talks[i])
			}
			data := make([]byte, 1448)
			b.SetBytes(1448)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := talks[i%conns]
				p.play(k.say(stream.Server, packet.ACK, data))
				if i/conns%2 == 1 {
					p.play(k.say(stream.Client, packet.ACK, nil))
				}
			}
		})
	}
}

// BenchmarkShort is a whole conversation of 13 packets, 100 of them
// always going on at once.
func BenchmarkShort(b *testing.B) {
	p := player{a: New(Limits{})}
	line := []byte("+OK POP3 server ready\r\n")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		k := newTalk(n)
		n++
		p.open(k)
		for range 4 {
			p.play(k.say(stream.Server, packet.ACK|packet.PSH, line))
			p.play(k.say(stream.Client, packet.ACK|packet.PSH, line[:10]))
		}
		p.play(k.say(stream.Server, packet.ACK|packet.FIN, nil))
		p.play(k.say(stream.Client, packet.ACK|packet.FIN, nil))
	}
}

// BenchmarkLossy is bulk with one segment in 50 missing.
func BenchmarkLossy(b *testing.B) {
	p := player{a: New(Limits{})}
	k := newTalk(1)
	p.open(k)
	data := make([]byte, 1448)
	b.SetBytes(1448)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := k.say(stream.Server, packet.ACK, data)
		if i%50 != 0 {
			p.play(s)
		}
		p.play(k.say(stream.Client, packet.ACK, nil))
	}
}

// BenchmarkConcurrent is one packet of 100,000 connections that take
// turns; bytes/conn is what the heap has grown by for each.
func BenchmarkConcurrent(b *testing.B) {
	const conns = 100_000
	p := player{a: New(Limits{})}
	talks := make([]*talk, conns)
	for i := range talks {
		talks[i] = newTalk(i)
	}
	before := capturetest.Heap()
	line := []byte("+OK POP3 server ready\r\n")
	for _, k := range talks {
		p.open(k)
		p.play(k.say(stream.Server, packet.ACK|packet.PSH, line))
	}
	grown := float64(capturetest.Heap()-before) / conns
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.play(talks[i%conns].say(stream.Server, packet.ACK|packet.PSH, line))
	}
	b.ReportMetric(grown, "bytes/conn")
}
