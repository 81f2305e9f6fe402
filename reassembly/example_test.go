package reassembly_test

import (
	"fmt"

	"popscope/capture/packet"
	"popscope/reassembly"
	"popscope/reassembly/stream"
)

func Example() {
	client := packet.Endpoint{Addr: packet.Addr{10: 0xff, 11: 0xff, 12: 192, 13: 0, 14: 2, 15: 1}, Port: 50000}
	server := packet.Endpoint{Addr: packet.Addr{10: 0xff, 11: 0xff, 12: 192, 13: 0, 14: 2, 15: 2}, Port: 110}

	a := reassembly.New(reassembly.Limits{})
	for i, s := range []packet.Segment{
		{Src: client, Dst: server, Seq: 99, Flags: packet.SYN},
		{Src: server, Dst: client, Seq: 499, Ack: 100, Flags: packet.SYN | packet.ACK},
		{Src: server, Dst: client, Seq: 504, Ack: 100, Flags: packet.ACK, Payload: []byte("ready\r\n")}, // too early
		{Src: server, Dst: client, Seq: 500, Ack: 100, Flags: packet.ACK, Payload: []byte("+OK ")},
		{Src: client, Dst: server, Seq: 100, Ack: 511, Flags: packet.ACK, Payload: []byte("USER alice\r\n")},
	} {
		a.Segment(&s, stream.Stamp{Packet: int64(i + 1)})
		for e := a.Next(); e != nil; e = a.Next() {
			fmt.Println(describe(e))
		}
	}
	a.Close()
	for e := a.Next(); e != nil; e = a.Next() {
		fmt.Println(describe(e))
	}
	// Output:
	// opened 192.0.2.1:50000
	// server 0 "+OK " from packet 4
	// server 4 "ready\r\n" from packet 3
	// client 0 "USER alice\r\n" from packet 5
	// closed open
}

func describe(e *stream.Event) string {
	switch c := e.Chunk; e.Kind {
	case stream.Opened:
		return fmt.Sprint("opened ", e.Conn.Client)
	case stream.Data:
		return fmt.Sprintf("%v %d %q from packet %d", c.Dir, c.Off, c.Data, c.At.Packet)
	}
	return fmt.Sprint("closed ", e.Conn.Close)
}
