package sanitize_test

import (
	"bytes"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/sanitize"
)

// FuzzSanitize takes any capture: all of its packets come out again, as
// long and at the same times, and the result can be analysed.
func FuzzSanitize(f *testing.F) {
	for _, name := range []string{"auth-login", "secret-echo", "list-variants", "stls-tls12", "unknown-commands"} {
		for _, e := range []string{"ethernet", "ipv4-fragments", "vxlan", "sll2"} {
			for _, enc := range capturetest.Encaps() {
				if enc.Name != e {
					continue
				}
				var b bytes.Buffer
				if err := capturetest.WritePcap(&b, capturetest.Load(f, name).Trace().For(enc).Packets(enc)); err != nil {
					f.Fatal(err)
				}
				f.Add(b.Bytes())
			}
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		read := func(b []byte) (out []capture.Packet) {
			src, err := capture.NewReader("x", bytes.NewReader(b))
			if err != nil {
				return nil
			}
			var p capture.Packet
			for src.Next(&p) == nil {
				q := p
				q.Data = bytes.Clone(p.Data)
				out = append(out, q)
			}
			return out
		}
		packets := read(file)
		if len(packets) == 0 {
			return
		}
		out, stats := run(t, capturetest.Source(packets), sanitize.Options{Others: sanitize.Blank, Addresses: true, Users: true, Hosts: true})
		again := read(out)
		if len(again) != len(packets) || stats.Packets != int64(len(packets)) {
			t.Fatalf("%d packets became %d", len(packets), len(again))
		}
		for i := range packets {
			if p, q := &packets[i], &again[i]; len(p.Data) != len(q.Data) || p.Link != q.Link || p.Nanos != q.Nanos && p.Nanos > 0 && p.Nanos < 1<<61 {
				t.Fatalf("packet %d: %d bytes of %v at %d became %d of %v at %d", i+1, len(p.Data), p.Link, p.Nanos, len(q.Data), q.Link, q.Nanos)
			}
		}
		for _, err := range popscope.New(popscope.Options{Workers: 1}).Results(open(t, out)) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
