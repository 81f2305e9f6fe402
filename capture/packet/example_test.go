package packet_test

import (
	"encoding/hex"
	"fmt"

	"popscope/capture"
	"popscope/capture/packet"
)

func ExampleDecoder() {
	frame, _ := hex.DecodeString("02005e10000202005e10000108004500002e00000000400600" +
		"00c0000201c6336402" + "9c40006e00000001000000025018ffff00000000" + "51554954" + "0d0a")
	p := capture.Packet{Link: capture.LinkEthernet, Data: frame, Orig: len(frame)}

	d := packet.NewDecoder()
	var s packet.Segment
	var f packet.Fragment
	if v := d.Decode(&p, &s, &f); v != packet.IsSegment {
		fmt.Println("ignored:", v)
		return
	}
	fmt.Printf("%v > %v, %d bytes: %q\n", s.Src.AddrPort(), s.Dst.AddrPort(), s.Length, s.Payload)
	// Output: 192.0.2.1:40000 > 198.51.100.2:110, 6 bytes: "QUIT\r\n"
}

func ExampleVerdict() {
	arp := capture.Packet{Link: capture.LinkEthernet, Data: append(make([]byte, 12), 0x08, 0x06), Orig: 60}
	fmt.Println(packet.NewDecoder().Decode(&arp, new(packet.Segment), new(packet.Fragment)))
	// Output: not_ip
}
