package popscope_test

import (
	"bytes"
	"fmt"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
)

// TestPacketsWithoutFrames: what is left out of packets of a message is in no
// list, and packets that have to wait for a client's first command are not
// left out because of messages that pass meanwhile.
func TestPacketsWithoutFrames(t *testing.T) {
	slow := "! client 192.0.2.77:40000\nS: +OK ready\nC: USER alice\nS: +OK\nC: QUIT\nS: +OK bye\n"
	d, err := capturetest.Parse("slow", slow)
	if err != nil {
		t.Fatal(err)
	}
	late := d.Trace().Packets(capturetest.Plain())
	mail, _ := sessions(t, 230, func(int) string { return longMessage })
	at := 4 // SYN, SYN-ACK, ACK, greeting
	packets := append(append(append([]capture.Packet{}, late[:at]...), mail...), late[at:]...)
	size := 0
	for i := range packets {
		packets[i].Num, packets[i].Nanos = int64(i+1), int64(i)*1000
		size += len(packets[i].Data)
	}
	if size < 33<<20 {
		t.Fatalf("%d bytes fit into the window", size)
	}
	for _, noFrames := range []bool{false, true} {
		a := popscope.New(popscope.Options{NoFrames: noFrames})
		found, empty := 0, 0
		for p, err := range a.Packets(capturetest.Source(packets)) {
			if err != nil {
				t.Fatal(err)
			}
			found++
			if p.Data == nil {
				empty++
				if len(p.Segment.Payload) != p.Segment.Length {
					t.Fatalf("packet %d: %d bytes of %d", p.Num, len(p.Segment.Payload), p.Segment.Length)
				}
			}
		}
		left := a.Summary().PacketsLeftOut
		if (left > 0) == noFrames || found+int(left) != len(packets) || (empty > 0) != noFrames {
			t.Errorf("NoFrames %v: %d packets of %d, %d left out, %d without a frame", noFrames, found, len(packets), left, empty)
		}
	}
}

// TestNoFramesShowsTheSame: lines do not depend on NoFrames.
func TestNoFramesShowsTheSame(t *testing.T) {
	each := func(name string, tr capturetest.Trace) {
		var lines [2]bytes.Buffer
		for i := range lines {
			w, err := report.NewPackets("table", &lines[i], report.PacketOptions{})
			if err != nil {
				t.Fatal(err)
			}
			o := popscope.Options{NoFrames: i == 1}
			for p, err := range popscope.New(o).Packets(capturetest.Source(tr.Packets(capturetest.Plain()))) {
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
		}
		if lines[0].String() != lines[1].String() {
			t.Errorf("%s: with frames\n%s\nwithout\n%s", name, &lines[0], &lines[1])
		}
	}
	d, err := capturetest.Parse("mail", longMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 7, 100} {
		for seed := range uint64(5) {
			each(fmt.Sprint("split at ", n, ", seed ", seed), d.Trace().Split(n*20).Shuffle(seed, 6))
		}
	}
}
