// Package live reads packets from network interfaces.
//
//	src, err := live.Open(ctx, live.Options{Interfaces: []string{"eth0"}, Ports: []uint16{110, 995}})
//	if err != nil {
//		return err // errors.Is(err, fs.ErrPermission): it takes CAP_NET_RAW
//	}
//	defer src.Close()
//	var p capture.Packet
//	for {
//		switch err := src.Next(&p); {
//		case err == io.EOF:          // ctx is done; with Options.EndOnDown or Fanout, also: the interface is gone
//			return nil
//		case err == capture.ErrIdle: // nothing at the moment; p.Nanos is the time up to which that is certain
//		case err != nil:
//			return err
//		default:
//			use(&p) // p.Data is valid until the next call to Next
//		}
//	}
//
// # How it works
//
// On Linux packets come through AF_PACKET and a ring that the kernel fills
// and that is mapped into this process (TPACKET_V3), without C. The filter is
// attached before the socket is bound, so that not one packet comes that was
// not asked for; once Open has returned, no privilege is needed any more, not
// even when an interface is removed and comes back.
//
//	lo         each packet comes once, though the kernel shows it twice
//	any        all interfaces; each packet has the link type of its own
//	VLAN       the tag that the network card or the kernel took off is put back
//	others     what has no link type of its own in capture files (PPP, tunnels,
//	           mobile networks) gets a Linux cooked header, SLL2
//	several    packets of several interfaces come in the order of their times
//
// Elsewhere, and for filters written as tcpdump expressions, libpcap is
// used, if the program was built with -tags libpcap; see HasLibpcap.
//
// # What the kernel passes
//
// With Options.Ports: TCP segments from or to one of the ports, over IPv4 and
// IPv6, behind any IPv6 extension headers, in up to three VLAN tags and in
// PPPoE; and the fragments of TCP segments whose ports only the first one
// tells. Without Ports: every TCP segment. With Options.Tunnels also
// everything in IP in IP, GRE, VXLAN, GENEVE, GTP, L2TP, TZSP, EtherIP and MPLS,
// in which only the program itself can look for ports.
package live
