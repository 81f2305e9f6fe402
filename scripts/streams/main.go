// Streams prints what the TCP connections of a capture carried, as package
// reassembly puts them together: a second opinion on it is easy to get then.
//
//	go run ./scripts/streams FILE
//
// It prints one line for each connection that carried at least a byte, in
// the order of their first packets:
//
//	client server bytes sha256 lost bytes sha256 lost
//
// The bytes, their hash and the number of lost bytes are given for the
// client's direction, then for the server's. Lost bytes are neither counted
// nor hashed. Without a SYN, who is the client is a guess from the ports.
//
// The exit status is 1 if the capture could not be read to its end.
package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"popscope/capture"
	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: streams FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(1)
	}
}

// run prints the connections of the capture called name to w. After damage
// it prints what there is, and returns the damage too.
func run(name string, w io.Writer) error {
	src, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	l := newList()
	damage := l.read(src)
	out := bufio.NewWriter(w)
	l.print(out)
	return errors.Join(damage, out.Flush())
}

// list collects the connections of a capture.
type list struct {
	dec   *packet.Decoder
	frags *reassembly.Defragmenter
	asm   *reassembly.Assembler
	conns []*connection
}

// connection is what is kept of a connection.
type connection struct {
	*stream.Conn
	hash [2]hash.Hash
}

func newList() *list {
	return &list{
		dec:   packet.NewDecoder(),
		frags: reassembly.NewDefragmenter(0, 0, 0),
		asm:   reassembly.New(reassembly.Limits{}),
	}
}

// read takes all packets of src.
func (l *list) read(src capture.Source) error {
	var damage error
	var p capture.Packet
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			damage = errors.Join(damage, err)
			var format *capture.FormatError
			if !errors.As(err, &format) {
				break
			}
			continue
		}
		l.packet(&p)
	}
	l.asm.Close()
	l.drain()
	slices.SortFunc(l.conns, func(a, b *connection) int { return cmp.Compare(a.First.Packet, b.First.Packet) })
	return damage
}

// packet takes one frame.
func (l *list) packet(p *capture.Packet) {
	var seg packet.Segment
	var frag packet.Fragment
	at := stream.Stamp{Packet: p.Num, Nanos: p.Nanos}
	is := l.dec.Decode(p, &seg, &frag)
	for is == packet.IsFragment {
		f := frag
		payload, length, done := l.frags.Add(&f, at)
		if !done {
			break
		}
		is = l.dec.Datagram(&f, payload, length, &seg, &frag)
	}
	if is == packet.IsSegment {
		l.asm.Segment(&seg, at)
	} else {
		l.asm.Tick(at)
	}
	l.drain()
}

// drain takes the events that there are.
func (l *list) drain() {
	for ev := l.asm.Next(); ev != nil; ev = l.asm.Next() {
		switch ev.Kind {
		case stream.Opened:
			c := &connection{Conn: ev.Conn, hash: [2]hash.Hash{sha256.New(), sha256.New()}}
			ev.Conn.Owner = c
			l.conns = append(l.conns, c)
		case stream.Data:
			ev.Conn.Owner.(*connection).hash[ev.Chunk.Dir].Write(ev.Chunk.Data)
		}
	}
}

// print prints one line for each connection. Errors are kept by w.
func (l *list) print(w *bufio.Writer) {
	for _, c := range l.conns {
		fmt.Fprintf(w, "%v %v", c.Client, c.Server)
		for dir := range c.hash {
			fmt.Fprintf(w, " %d %x %d", c.Bytes[dir], c.hash[dir].Sum(nil), c.Lost[dir])
		}
		fmt.Fprintln(w)
	}
}
