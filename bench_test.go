package popscope_test

import (
	"fmt"
	"io"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
)

// BenchmarkAnalyzer is the whole way from packets to results, without
// reading a file and without writing: for each of 500 sessions that try a
// password, one after the other, and for each packet of a message.
func BenchmarkAnalyzer(b *testing.B) {
	for _, bb := range []struct {
		name   string
		n      int
		mail   bool
		dialog func(int) string
	}{
		{"refused", 500, false, func(i int) string { return login(fmt.Sprint("user", i%50), fmt.Sprint("secret", i), "-ERR no") }},
		{"message", 20, false, func(int) string { return longMessage }},
		{"message-hashed", 20, true, func(int) string { return longMessage }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			packets, _ := sessions(b, bb.n, bb.dialog)
			size := 0
			for _, p := range packets {
				size += len(p.Data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for _, err := range popscope.New(popscope.Options{Workers: 1, NoMail: !bb.mail}).Results(capturetest.Source(packets)) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
				if found != bb.n {
					b.Fatalf("%d sessions of %d", found, bb.n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
		})
	}
}

// BenchmarkPackets is the way from packets to lines of packets, for sessions
// that try a password and for packets of a message.
func BenchmarkPackets(b *testing.B) {
	for _, bb := range []struct {
		name   string
		n      int
		dialog func(int) string
	}{
		{"refused", 500, func(i int) string { return login(fmt.Sprint("user", i%50), fmt.Sprint("secret", i), "-ERR no") }},
		{"message", 20, func(int) string { return longMessage }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			packets, _ := sessions(b, bb.n, bb.dialog)
			b.ReportAllocs()
			for b.Loop() {
				if found := listed(b, packets); found != len(packets) {
					b.Fatalf("%d packets of %d", found, len(packets))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
		})
	}
}

// listed writes the lines of packets to nowhere, and returns how many there
// are.
func listed(t testing.TB, packets []capture.Packet) int {
	w, err := report.NewPackets("table", io.Discard, report.PacketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for p, err := range popscope.New(popscope.Options{NoFrames: true}).Packets(capturetest.Source(packets)) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
