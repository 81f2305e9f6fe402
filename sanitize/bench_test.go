package sanitize_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/sanitize"
)

// sessions returns the packets of n sessions, each of another client and 50 ms
// after the one before.
func sessions(t testing.TB, n int, dialog func(int) string) (all []capture.Packet) {
	t.Helper()
	for i := range n {
		client := fmt.Sprintf("! client 198.51.%d.%d:%d\n", 100+i>>16, i>>8&255, 40000+i&255)
		d, err := capturetest.Parse(fmt.Sprint(i), client+dialog(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Trace().Packets(capturetest.Plain()) {
			p.Num = int64(len(all) + 1)
			p.Nanos += int64(i) * 50e6
			all = append(all, p)
		}
	}
	return all
}

// refused is a session that tries a password.
func refused(i int) string {
	return fmt.Sprintf("S: +OK ready\nC: USER user%d\nS: +OK\nC: PASS secret%d\nS: -ERR no\nC: QUIT\nS: +OK bye\n", i%50, i)
}

// fetched is a session that fetches a message of some 150 KB.
func fetched(int) string {
	return "S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\nC: RETR 1\nS: +OK\nS: Subject: x\nS:\n" +
		strings.Repeat("S* 20 "+strings.Repeat("QUJD", 19)+"\\r\\n\n", 100) + "S: .\nC: QUIT\nS: +OK bye\n"
}

// write sanitizes packets and throws the result away.
func write(t testing.TB, packets []capture.Packet) {
	s, err := sanitize.New(sanitize.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Read(capturetest.Source(packets), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(io.Discard, capture.Pcap); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats(); got.Kept != int64(len(packets)) || got.Unread != 0 {
		t.Fatalf("%d of %d packets kept, %d unread", got.Kept, len(packets), got.Unread)
	}
}

// BenchmarkSanitize is the whole way from packets to the new capture: of 500
// sessions that try a password, one after the other, and for each packet of a
// message.
func BenchmarkSanitize(b *testing.B) {
	for _, bb := range []struct {
		name   string
		n      int
		dialog func(int) string
	}{
		{"refused", 500, refused},
		{"message", 20, fetched},
	} {
		b.Run(bb.name, func(b *testing.B) {
			packets := sessions(b, bb.n, bb.dialog)
			size := 0
			for _, p := range packets {
				size += len(p.Data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				write(b, packets)
			}
			runtime.ReadMemStats(&after)
			all := float64(b.N * len(packets))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/all, "ns/packet")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/packet")
		})
	}
}
