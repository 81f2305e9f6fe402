package pop3layer_test

import (
	"fmt"
	"net"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"popscope/capture/pop3layer"
)

func Example() {
	pop3layer.UsePort(110)
	packet := gopacket.NewPacket(frame("USER alice\r\nPASS sesame\r\nRETR 1\r\n"), layers.LayerTypeEthernet, gopacket.DecodeOptions{DecodeStreamsAsDatagrams: true})
	pop3, ok := packet.Layer(pop3layer.LayerType).(*pop3layer.POP3)
	if !ok {
		fmt.Println("no POP3")
		return
	}
	for _, line := range pop3.Lines {
		fmt.Printf("%s: %s\n", line.Kind, line)
	}
	// Output:
	// command: USER alice
	// command: PASS ********
	// command: RETR 1
}

// frame makes a frame that goes to port 110.
func frame(payload string) []byte {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
	tcp := &layers.TCP{SrcPort: 50000, DstPort: 110, Seq: 1, ACK: true, PSH: true}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		panic(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4},
		ip, tcp, gopacket.Payload(payload))
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}
