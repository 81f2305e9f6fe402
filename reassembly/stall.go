package reassembly

import (
	"popscope/capture/packet"
)

// noteWindow counts closed windows and how long they stay so. A window is
// closed from the segment that says so to the next one of its sender that
// offers room; the time counts while packets of either side go by.
func (a *Assembler) noteWindow(c *conn, side int, s *packet.Segment) {
	if c.windowClosed() {
		for i := range c.half {
			if at := &c.rare.closedAt[i]; *at != 0 && a.at.Nanos > *at {
				c.trouble().ZeroTime[c.dir(i)] += a.at.Nanos - *at
				*at = a.at.Nanos
			}
		}
	}
	switch {
	case s.Flags&(packet.SYN|packet.RST|packet.ACK) != packet.ACK:
	case s.Window != 0:
		if c.rare != nil {
			c.rare.closedAt[side] = 0
		}
	default:
		c.trouble().ZeroWindows[c.dir(side)]++
		at := &c.needs().closedAt[side]
		*at = max(*at, a.at.Nanos)
	}
}

// sentData takes note of a segment with data. What went by since the one
// before it is a stall if nothing but a repetition came of it: the sender
// had waited for an acknowledgement.
func (c *conn) sentData(side int, nanos int64, repeated bool) {
	h := &c.half[side]
	if repeated && h.dataAt != 0 {
		c.trouble().ResendTime[c.dir(side)] += max(0, nanos-h.dataAt)
	}
	h.dataAt = nanos
}
