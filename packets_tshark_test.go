package popscope_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
)

// TestPacketsAsTshark compares the packets of every recording with what
// tshark says: numbers, flags, relative sequence and acknowledgement
// numbers, lengths, and which packets are pure repetitions.
func TestPacketsAsTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	for i, file := range recordings(t) {
		if strings.Contains(file, "big-mail") || testing.Short() || i%5 != 0 {
			continue // tshark takes its time, and the others are much the same
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			out, err := exec.Command(tshark, "-n", "-r", file, "-o", "tcp.relative_sequence_numbers:TRUE",
				"-T", "fields", "-E", "separator=,", "-e", "frame.number", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tcp.flags",
				"-e", "tcp.seq", "-e", "tcp.ack", "-e", "tcp.len").Output()
			if err != nil {
				t.Skipf("tshark cannot read it: %v", err)
			}
			want := map[string]string{}
			for line := range strings.Lines(string(out)) {
				number, rest, _ := strings.Cut(strings.TrimSpace(line), ",")
				want[number] = rest
			}
			src, err := capture.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			n := 0
			for p, err := range popscope.New(one).Packets(src) {
				if err != nil {
					t.Fatal(err)
				}
				s := &p.Segment
				got := fmt.Sprintf("%d,%d,0x%04x,%d,%d,%d", s.Src.Port, s.Dst.Port, uint8(s.Flags), p.Seq.N, p.Ack.N, s.Length)
				if w := want[fmt.Sprint(p.FileNum)]; got != w {
					t.Errorf("packet %d:\n got %s\nwant %s", p.Num, got, w)
				}
				n++
			}
			if n == 0 && !strings.Contains(file, "not-") {
				t.Error("no packets")
			}
		})
	}
}
