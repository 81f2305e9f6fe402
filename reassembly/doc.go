// Package reassembly puts TCP segments back into the streams they carry:
// segments go in, and chunks, losses and the ends of connections come out.
//
//	a := reassembly.New(reassembly.Limits{})
//	for ... {
//		a.Segment(&seg, stream.Stamp{Packet: p.Num, Nanos: p.Nanos}) // or a.Tick, if the packet is no segment
//		for e := a.Next(); e != nil; e = a.Next() {
//			switch e.Kind {
//			case stream.Data:   // e.Chunk: bytes, or how many are lost
//			case stream.Closed: // e.Conn: everything that is known of the connection
//			}
//		}
//	}
//	a.Close() // and once more: for e := a.Next(); ...
//
// It is passive: it sees what a capture saw, which may have begun too late,
// lack packets, swap or repeat them, and hold forged ones. It runs without
// goroutines and without a clock; the same input gives the same output.
// IP fragments are put together by a Defragmenter before.
//
// # One direction
//
//	0       history      next         hole       waiting      hole
//	|.......[kkkkkkkkkkkk|                       [wwwwww]             [ww]
//	|<---- delivered --->|
//
// Data in order is delivered at once, borrowed from the segment. Data behind
// a hole waits. What becomes of the hole:
//
//	its bytes come                   they are delivered, and what waited behind them
//	the peer acknowledged them       lost after 32 more packets of the connection, or 1 s of capture time
//	the peer is not captured         lost after 256 more packets from the sender, or 8 s
//	a limit is reached               lost at once, and counted: Transport.BufferLimit
//	the connection ends              lost
//
// A hole costs no memory, however long it is. While the peer is seen and
// does not acknowledge the hole, its bytes may still be sent again, and it
// stays open. One direction alone is enough: of the other one, what was
// acknowledged is reported as lost. A SYN and a FIN take sequence numbers,
// but they are no bytes; if the last number acknowledged may be that of a
// FIN which was not captured, it is not called a loss.
//
// # Copies
//
//	bytes that were delivered or wait already   the first copy counts: Transport.Retransmitted
//	a copy that differs                         the first copy counts; Conn.Conflicts has both packets, Trouble.Disputes the bytes
//	a copy older than the history               cannot be compared: Transport.Unverified
//	0 or 1 byte just below the next one         a keep-alive, whatever the byte is
//	bytes where the snapshot length cut         they take the place of the loss while that still waits
//
// # Where a stream begins
//
// With a SYN, behind its number. Of a connection caught in the middle, with
// the first byte there is, or where an acknowledgement or an empty segment
// says that the stream stands. So that swapped first packets are put in
// order, nothing of such a connection is delivered until 8 packets, or 1 s
// of capture time, have followed the first data of each direction; then all
// of it comes in the order of the packets. What was sent before the capture
// began is not lost.
//
// Without a SYN, the server is the side that uses one of Limits.Ports, or
// else the lower port; the consumer may correct that with stream.Conn.Flip.
//
// # Where a connection ends
//
//	FIN        both sides have sent one, and all before it is delivered or lost
//	RST        one came that lies in the window, from a sender without better checksums
//	timeout    no packet for Limits.Idle, or shed at Limits.Connections, or the
//	           four-tuple was used again without an end
//
// An ended connection lingers for its late packets, and its Closed event
// comes when its turn is, in the order of the ends. Until then the end can
// prove to be wrong: if bytes behind a FIN are acknowledged, or if data and
// acknowledgements go on after an RST, the connection goes on, and the
// forged segment is counted as Transport.OutOfWindow. Data behind a FIN that
// stands is dropped and counted as Transport.Late; data after an RST is
// delivered and counted there. After the report, late packets end at a
// tombstone and open nothing.
//
// If one direction is not in the capture, the FIN of the other is the end. If
// a single FIN is missing, but was acknowledged, the end is reported when the
// connection has been quiet for Limits.HalfOpenIdle.
//
// A SYN on a connection that is open may be forged or a stray, so it replaces
// that connection only when a second segment has confirmed it. Without any
// SYN, a connection on a used four-tuple is recognised when both directions
// are out of the window and one acknowledges the other; its first segment is
// not delivered then.
//
// # What is not done
//
// Timestamps, SACK blocks and the window scale are not looked at; a segment
// belongs to the stream if it lies within 2^30 bytes of it. Urgent data is
// data. A segment with a wrong checksum is counted and taken, since captures
// on the sending host hold them before the network card has filled them in.
// A byte sent before the first byte of a stream caught in the middle, and
// arriving later than that start was fixed, is not delivered.
package reassembly
