package popscope_test

import (
	"strings"
	"testing"

	"popscope/capture"
	"popscope/capture/capturetest"
)

// TestSameAddressesInDifferentNetworks interleaves two dialogs on the same
// addresses, ports and times, each in a network of its own: they are two
// sessions, with ids of their own, and neither has bytes of the other.
func TestSameAddressesInDifferentNetworks(t *testing.T) {
	ip := capturetest.IP(capturetest.IPOptions{})
	in := func(layers ...capturetest.Layer) capturetest.Encap {
		e := capturetest.Plain()
		e.Layer = capturetest.Stack(layers...)
		return e
	}
	eth := capturetest.Ethernet()
	outer := capturetest.Tunnel(false, capturetest.IPOptions{})
	vxlan := func(vni uint32) capturetest.Encap {
		return in(eth, outer, capturetest.UDP(4789), capturetest.VXLAN(vni), eth, ip)
	}
	for _, tt := range []struct {
		name string
		a, b capturetest.Encap
	}{
		{"VLAN and none", capturetest.Plain(), in(eth, capturetest.VLAN(0x8100, 7), ip)},
		{"two VLANs", in(eth, capturetest.VLAN(0x8100, 7), ip), in(eth, capturetest.VLAN(0x8100, 8), ip)},
		{"two VXLANs", vxlan(7), vxlan(8)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := capturetest.Load(t, "rfc1939-user-pass").Trace()
			b := capturetest.Load(t, "auth-fail-then-success").Trace()
			pa, pb := a.Packets(tt.a), b.Packets(tt.b)
			var all []capture.Packet
			for i := range max(len(pa), len(pb)) {
				for _, side := range [][]capture.Packet{pa, pb} {
					if i < len(side) {
						p := side[i]
						p.Num = int64(len(all) + 1)
						all = append(all, p)
					}
				}
			}
			got, errs := analyze(t, capturetest.Source(all), one)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			want := essence(t, analyzeTrace(t, a)+analyzeTrace(t, b))
			if g := essence(t, got); g != want {
				t.Error(diff(g, want))
			}
			ids := map[any]bool{}
			for _, r := range parseRecords(t, got) {
				if r["type"] == "session" {
					ids[r["session"]] = true
				}
			}
			if len(ids) != 2 {
				t.Errorf("session ids: %v", ids)
			}
			if !strings.Contains(got, `"sessions":2`) {
				t.Error("the summary does not count two sessions")
			}
		})
	}
}

// TestChangedRetransmission sends a segment again with other bytes: the
// first copy counts, and the exchange says that there was another.
func TestChangedRetransmission(t *testing.T) {
	tr := capturetest.Load(t, "rfc1939-user-pass").Trace()
	for i, s := range tr {
		if !strings.HasPrefix(string(s.Payload), "PASS ") {
			continue
		}
		forged := tr.RetransmitChanged(i, func(b []byte) { copy(b[5:], "xxxx") })
		got := analyzeTrace(t, forged)
		if !strings.Contains(got, "differing_copies") {
			t.Errorf("the second copy is not told of:\n%s", got)
		}
		want := essence(t, analyzeTrace(t, tr), "notes")
		if g := essence(t, got, "notes"); g != want {
			t.Error(diff(g, want))
		}
		return
	}
	t.Fatal("the dialog has no PASS")
}
