// Package packet finds the TCP segment in a captured frame, whatever link
// type and tunnels surround it.
//
//	d := packet.NewDecoder()
//	var s packet.Segment
//	var f packet.Fragment
//	for src.Next(&p) == nil {
//		switch v := d.Decode(&p, &s, &f); v {
//		case packet.IsSegment:  // s.Payload borrows from p.Data
//		case packet.IsFragment: // hand f to the defragmenter; what it puts together goes to d.Datagram
//		default:                // v says why the frame is of no use
//		}
//	}
//
// # What is read
//
//	link types   Ethernet, NULL and LOOP, raw IP, Linux cooked (SLL, SLL2),
//	             PPP and Cisco HDLC, PPPoE, 802.11 with and without radiotap,
//	             PFLOG, NFLOG, PKTAP
//	inside them  802.1Q and QinQ (0x8100, 0x88a8, 0x9100), LLC and SNAP, MPLS
//	             (IP and Ethernet pseudo-wires), PPPoE sessions
//	IP           IPv4 with options; IPv6 with hop-by-hop, destination, routing,
//	             fragment, authentication, mobility, HIP and shim6 headers;
//	             jumbograms; lengths left 0 by segmentation offload
//	tunnels      IP in IP (all four), GRE (IP, Ethernet, PPP, MPLS), PPTP, ERSPAN
//	             types I to III, EtherIP, MPLS in IP, VXLAN (UDP 4789 and 8472),
//	             VXLAN-GPE (4790), GENEVE (6081), GTP-U (2152), L2TPv2 (1701),
//	             TZSP (37008)
//
// Not read: anything encrypted (ESP, also in UDP, MACsec, protected 802.11 frames: the
// verdict is Encrypted, also where they only authenticate), Teredo,
// L2TPv3, NSH, TRILL, 802.1BR tags, PPP multilink and compression;
// of an 802.11 A-MSDU the first subframe only, and of a fragmented MSDU the
// first fragment only.
//
// # Lengths
//
// What belongs to a datagram is what its IP header says. Ethernet padding,
// trailers and check sequences are never data, and a datagram that claims
// more than was captured is one that the snapshot length cut: Length then is
// more than len(Payload). A length of 0, which segmentation offload leaves in
// frames captured on their sender, means the rest of the frame (up to 1 MiB;
// beyond that the frame is malformed).
//
// # Two ways
//
// Nearly every frame is Ethernet, a loopback or a cooked header around plain
// IP and TCP; those are read by hand in fast.go. All others take the long way
// through gopacket's DecodingLayerParser over a fixed list of layers, and
// wherever the short way answers the long one gives the same answer, which
// FuzzTwoWays holds them to. Each layer of the long way is a step of ours:
// it checks the lengths, lets gopacket's layer type read the header, and then
// says what comes next, what of the frame belongs to it, and what it adds to
// Path. These are gopacket's: Ethernet, 802.1Q, LLC, SNAP, BSD loopback, IPv4,
// the generic IPv6 extension header, UDP, TCP, GRE, ERSPAN II, EtherIP, VXLAN.
// These are ours, because v1.1.19
//
//   - does not have them, or only in part: SLL2, Cisco HDLC, PFLOG, NFLOG, PKTAP, ERSPAN I and III, L2TP, pseudo-wire
//     control words, raw IP by version;
//   - has no decoding layer for them, only decoders for NewPacket, which must
//     not meet hostile frames (CVE-2026-54332): PPP, PPPoE, MPLS, the IPv6
//     fragment and routing headers, AH;
//   - gets them wrong. SLL panics on a long hardware address. IPv6 refuses
//     length 0, does not take the hop-by-hop header off the payload length and
//     allocates for each of its options. Geneve and GTP-U keep the options of
//     every packet ever seen, and GTP-U panics. Radiotap panics, writes into
//     the frame and copies it when it has no check sequence; 802.11 always
//     cuts one off.
//
// gopacket's layers fail on IP or TCP options that are malformed; such options
// are ignored here, since the segment can be read without them.
//
// # Path
//
// Path tells apart connections with equal addresses in different VLANs and
// tunnels. It is 0 for plain IP over any link type. What goes into it is the
// same in both directions of a connection: VLAN ids (0 is a priority tag and
// does not count), PPPoE session ids, the two outer addresses of each tunnel
// in sorted order, and the tunnel's kind with its GRE key, VNI or ERSPAN
// session. What may differ by direction does not go in: MPLS labels, PPTP call
// ids, GTP and L2TP tunnel ids, sequence numbers. A GRE key counts whole, thus
// also the flow id that NVGRE keeps in its low 8 bits.
package packet
