package capturetest

import "fmt"

// unsound says what in a trace cannot be, on a network that keeps the
// order and loses nothing; "" if it can be. With holes, segments may be
// missing.
func unsound(t Trace, holes bool) string {
	type half struct {
		begun, closed bool
		next          uint32 // sequence number that must come
		acked         uint32
		hasAcked      bool
	}
	halves := map[way]*half{}
	last := int64(0)
	for i := range t {
		s := &t[i]
		say := func(format string, a ...any) string {
			return fmt.Sprintf("packet %d (%v): ", i+1, s) + fmt.Sprintf(format, a...)
		}
		if s.Nanos < last {
			return say("time goes back")
		}
		last = s.Nanos
		own, peer := halves[s.way()], halves[way{s.Conn, !s.FromClient}]
		if own == nil {
			own = &half{}
			halves[s.way()] = own
		}
		probe := own.begun && len(s.Payload) == 0 && s.Flags == ack && s.Seq+1 == own.next
		switch {
		case !own.begun || s.Flags == rst|ack && s.Seq == 0 || probe:
		case own.closed && (len(s.Payload) > 0 || s.Flags&(fin|syn) != 0):
			return say("sends after its FIN")
		case s.Seq != own.next && !(holes && int32(s.Seq-own.next) > 0):
			return say("sequence number should be %d", own.next)
		}
		own.begun, own.closed = true, own.closed || s.Flags&fin != 0
		if !probe {
			own.next = s.end()
		}
		if s.Flags&ack == 0 {
			continue
		}
		switch {
		case own.hasAcked && int32(s.Ack-own.acked) < 0:
			return say("acknowledgement goes back from %d", own.acked)
		case peer != nil && peer.begun && int32(s.Ack-peer.next) > 0 && !holes:
			return say("acknowledges what was not sent; %d would be all", peer.next)
		}
		own.acked, own.hasAcked = s.Ack, true
	}
	return ""
}
