package popscope_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
)

// TestCutPackets cuts the packets of every trace as a snapshot length does. What
// is left of the sessions on POP3's ports is theirs, however little it is, and
// nothing that is left says that they were something else.
func TestCutPackets(t *testing.T) {
	for _, n := range traces(t) {
		packets := n.trace.Packets(capturetest.Plain())
		headers, ok := headersOf(packets)
		sessions, other, _ := verdictsOf(t, packets)
		if !ok || sessions < 0 {
			continue
		}
		for _, more := range []int{-1, 0, 1, 2, 3, 4, 10, 14, 42, 74} {
			s, o, lost := verdictsOf(t, cutTo(packets, headers+more))
			switch {
			case more < 0 && s+o+lost != 0, more == 0 && s+o != 0, o > other, more >= 0 && s+lost+o < sessions:
				t.Errorf("%s cut to %d bytes of each segment: %d sessions, %d not POP3, %d lost; whole: %d sessions, %d not POP3", n.name, more, s, o, lost, sessions, other)
			}
		}
	}
}

// headersOf returns how long the headers of Ethernet, IP and TCP are together
// in packets without options; not ok if that is not the same in all of them.
func headersOf(packets []capture.Packet) (n int, ok bool) {
	for _, p := range packets {
		length := 54
		if binary.BigEndian.Uint16(p.Data[12:]) == 0x86dd {
			length = 74
		}
		if n > 0 && n != length {
			return 0, false
		}
		n = length
	}
	return n, n > 0
}

// cutTo returns packets as a snapshot length leaves them.
func cutTo(packets []capture.Packet, snaplen int) []capture.Packet {
	var cut []capture.Packet
	for _, p := range packets {
		p.Data = p.Data[:min(len(p.Data), snaplen)]
		cut = append(cut, p)
	}
	return cut
}

// verdictsOf returns how many connections of packets are sessions, how many are
// no POP3, and of how many all data were lost; less than 0 sessions if some
// were found on other ports than POP3's.
func verdictsOf(t *testing.T, packets []capture.Packet) (sessions, other, lost int) {
	t.Helper()
	out, errs := analyze(t, capturetest.Source(packets), one)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	sessions = strings.Count(out, `"detected":"port"`)
	if strings.Contains(out, `"detected":"content"`) {
		sessions = -1
	}
	for _, r := range parseRecords(t, out) {
		if counts, ok := r["ignored"].(map[string]any); ok {
			fmt.Sscan(fmt.Sprint(counts["not_pop3_connections"]), &other)
			fmt.Sscan(fmt.Sprint(counts["lost_connections"]), &lost)
		}
	}
	return sessions, other, lost
}
