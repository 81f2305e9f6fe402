package popscope_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
)

// recordsOfPackets returns what is written of each packet, by its number.
func recordsOfPackets(t *testing.T, packets []capture.Packet, format string, opt popscope.Options, o report.PacketOptions) map[int64]string {
	t.Helper()
	out := map[int64]string{}
	for p, err := range popscope.New(opt).Packets(capturetest.Source(packets)) {
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		w, err := report.NewPackets(format, &b, o)
		if err != nil {
			t.Fatal(err)
		}
		p.CaptureStart = packets[0].Nanos
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(popscope.Summary{}); err != nil {
			t.Fatal(err)
		}
		out[p.Num] = b.String()
		for i := range p.Data { // what is handed on belongs to nobody else
			p.Data[i] = 'Z'
		}
		for i := range p.Parts {
			p.Parts[i].Exchange, p.Parts[i].Off, p.Parts[i].Secret = 99, 99, true
		}
	}
	return out
}

// TestPacketsOfOthers: what is said of a packet does not depend on the other
// connections of the capture, whose memory is used again. The connections are
// damaged in the ways that have packets wait.
func TestPacketsOfOthers(t *testing.T) {
	encaps := capturetest.Encaps()
	dialogs := capturetest.Some(capturetest.LoadAll(t, ""))
	const together = 25
	for round := 0; len(dialogs) > 0; round++ {
		r := rand.New(rand.NewPCG(uint64(round), 7))
		some := dialogs[:min(together, len(dialogs))]
		dialogs = dialogs[len(some):]
		left := make([][]capture.Packet, len(some))
		for i, d := range some {
			tr := d.Trace()
			seed := r.Uint64()
			switch r.IntN(6) {
			case 0:
				tr = tr.Split(1+r.IntN(9)).Shuffle(seed, 6)
			case 1:
				tr = tr.Split(20).RetransmitLater(seed, 40, 5)
			case 2:
				tr = tr.Overlap(seed)
			case 3:
				tr = tr.DropSome(seed, 10)
			case 4:
				for k, s := range tr {
					if len(s.Payload) > 3 {
						tr = tr.RetransmitChanged(k, func(b []byte) { b[1] ^= 1 })
						break
					}
				}
				tr = tr.Duplicate(seed, 30)
			}
			for k := range tr { // each dialog has a client of its own
				c := &tr[k].Client
				b := c.Addr().AsSlice()
				b[len(b)-2], b[len(b)-1] = 0x77, byte(i+1)
				addr, _ := netip.AddrFromSlice(b)
				*c = netip.AddrPortFrom(addr, c.Port())
			}
			e := encaps[r.IntN(len(encaps))]
			if r.IntN(2) == 0 {
				e = capturetest.Plain()
			}
			left[i] = tr.For(e).Packets(e)
		}
		var all []capture.Packet
		of := map[int64]int{}
		alone := make([][]capture.Packet, len(some))
		for begun := 0; ; {
			if begun < len(left) && r.IntN(20) == 0 {
				begun++
			}
			any := begun < len(left)
			for i := range left[:begun] {
				any = any || len(left[i]) > 0
			}
			if !any {
				break
			}
			if begun == 0 {
				continue
			}
			i := r.IntN(begun)
			n := min(len(left[i]), 1+r.IntN(3))
			for _, p := range left[i][:n] {
				p.Num = int64(len(all) + 1)
				p.Nanos = 1e18 + p.Num*1e5
				of[p.Num] = i
				all = append(all, p)
				alone[i] = append(alone[i], p)
			}
			left[i] = left[i][n:]
		}
		for _, format := range []string{"jsonl", "table"} {
			o := report.PacketOptions{Hex: true, Verbose: true, Version: "test"}
			opt := popscope.Options{Workers: 1}
			if round%2 == 1 && format == "table" {
				o.Hex, o.Verbose, opt.NoFrames = false, false, true
			}
			o.Time = report.EpochTime
			got := recordsOfPackets(t, all, format, opt, o)
			for i, d := range some {
				if len(alone[i]) == 0 {
					continue
				}
				want := recordsOfPackets(t, alone[i], format, opt, o)
				for _, p := range alone[i] {
					if got[p.Num] != want[p.Num] {
						t.Errorf("%s: %s, packet %d:\namong others %s\nalone        %s", d.Name, format, p.Num, got[p.Num], want[p.Num])
						break
					}
				}
			}
		}
	}
}
