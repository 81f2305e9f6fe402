// Package pop3layer makes POP3 a layer type of gopacket, for programs that
// are built on github.com/google/gopacket.
//
//	pop3layer.UsePort(110) // from here on gopacket decodes it
//	options := gopacket.DecodeOptions{DecodeStreamsAsDatagrams: true} // or it stops at TCP
//	packet := gopacket.NewPacket(frame, layers.LayerTypeEthernet, options)
//	if l, ok := packet.Layer(pop3layer.LayerType).(*pop3layer.POP3); ok {
//		for _, line := range l.Lines {
//			fmt.Println(line) // PASS ********
//		}
//	}
//
// It looks at one packet at a time and remembers nothing: there is no
// reassembly. A line that is cut by the end of a packet is shown as far as it
// goes, and whether a line is a command, a status line, or part of a message
// is told by its looks. So a mail that holds the line "+OK" is misread, and
// what a SASL client answers is Data. For what really was said, packet by
// packet too, use package popscope (Analyzer.Packets), which this is no part
// of.
//
// Importing the package registers the layer type's number and nothing else;
// which ports are decoded as POP3 is for the caller to say.
//
// Printing a line shows masks for passwords, digests and initial responses,
// as everywhere in popscope. The bytes of the layer itself (LayerContents,
// and Data) are as sent; gopacket.LayerDump and Packet.Dump print them.
package pop3layer
