package popscope_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"popscope"
	"popscope/capture/capturetest"
)

// crowd returns sessions that stay open while they keep much, all together:
// commands without replies, or a long listing of the maildrop.
func crowd(t *testing.T, sessions int, ask string) capturetest.Trace {
	t.Helper()
	d, err := capturetest.Parse("crowd", "! noclose\nS: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\n"+ask)
	if err != nil {
		t.Fatal(err)
	}
	var all []capturetest.Trace
	server := netip.MustParseAddrPort("192.0.2.10:110")
	for i := range sessions {
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), uint16(40_000+i))
		all = append(all, d.Trace().Readdress(0, client, server))
	}
	return capturetest.Merge(all...)
}

// TestSessionsStayInTheirBudget: sessions that together keep more than they
// may are handed on in parts, forget, and are closed; none is missing, what
// was given up is said, and nothing depends on the number of workers.
func TestSessionsStayInTheirBudget(t *testing.T) {
	const sessions = 48
	var listing bytes.Buffer
	listing.WriteString("C: UIDL\nS: +OK\n")
	for i := range 1000 {
		fmt.Fprintf(&listing, "S: %d unique-id-of-message-%d\n", i+1, i+1)
	}
	listing.WriteString("S: .\nC: STAT\n")
	for _, row := range []struct {
		name, ask string
		exchanges int // of each session
		bytes     int // of the budget
		reached   int // sessions that have to tell of a limit, at least; 0: none may
		shed      bool
	}{
		{"commands without replies", "C* 500 NOOP\\r\\n\n", 502, 2 << 20, sessions / 2, false},
		{"maildrops", listing.String(), 4, 3 << 20, sessions / 2, false},
		{"too many", "C* 500 NOOP\\r\\n\n", 502, 256 << 10, sessions / 2, true},
		{"enough for all", "C* 500 NOOP\\r\\n\n", 502, 64 << 20, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			tr := crowd(t, sessions, row.ask)
			o := popscope.Options{Workers: 1, Limits: popscope.Limits{Sessions: row.bytes}}
			got, errs := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), o)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			o.Workers = 4
			if other, _ := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), o); other != got {
				t.Errorf("with 4 workers:\n%s", diff(other, got))
			}
			ended, all, reached, shed := map[any]float64{}, 0.0, 0, false
			for _, r := range parseRecords(t, got) {
				switch {
				case r["type"] == "session":
					ended[r["session"]] += r["exchanges"].(float64)
					all += r["exchanges"].(float64)
					shed = shed || r["closed"] == "timeout"
				case r["type"] == "finding" && r["rule"] == "limit-reached":
					reached++
				}
			}
			// What comes after a session was closed to make room is another one.
			if len(ended) != sessions && !(row.shed && len(ended) > sessions) {
				t.Errorf("%d sessions, want %d", len(ended), sessions)
			}
			// A session that was cut can show the reply without its command.
			if want := float64(row.exchanges * sessions); all < want || all > want+float64(len(ended)-sessions) {
				t.Errorf("%v exchanges, want %v", all, want)
			}
			if reached < row.reached || row.reached == 0 && reached > 0 || shed != row.shed {
				t.Errorf("%d sessions tell of a limit, given up %v; want %d or more, %v", reached, shed, row.reached, row.shed)
			}
		})
	}
}

// TestLongTextsMakeParts: what a part holds is bounded in bytes, not only in
// exchanges.
func TestLongTextsMakeParts(t *testing.T) {
	tr := crowd(t, 1, "C* 10 NOOP\\r\\n\nS* 10 +OK "+string(bytes.Repeat([]byte("x"), 500))+"\\r\\n\n")
	parts, exchanges := 0, 0
	a := popscope.New(popscope.Options{Workers: 1, Limits: popscope.Limits{PartBytes: 4 << 10}})
	for r, err := range a.Results(capturetest.Source(tr.Packets(capturetest.Plain()))) {
		if err != nil {
			t.Fatal(err)
		}
		parts++
		exchanges += len(r.Exchanges)
	}
	if parts < 2 || exchanges != 12 {
		t.Errorf("%d exchanges in %d parts, want 12 in 2 or more", exchanges, parts)
	}
}

// TestBudgetWhileSessionsEnd: sessions that end while others keep much leave
// the budget, wherever among them they began.
func TestBudgetWhileSessionsEnd(t *testing.T) {
	const large, small = 24, 100
	d, err := capturetest.Parse("short", "S: +OK ready\n! pause 3s\nC: QUIT\nS: +OK bye\n")
	if err != nil {
		t.Fatal(err)
	}
	all := []capturetest.Trace{crowd(t, large, "! pause 5s\nC* 500 NOOP\\r\\n\n").Delay(time.Second)}
	for i := range small {
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), uint16(50_000+i))
		all = append(all, d.Trace().Readdress(0, client, netip.MustParseAddrPort("192.0.2.10:110")))
	}
	o := popscope.Options{Workers: 1, Limits: popscope.Limits{Sessions: 1 << 20}}
	got, errs := analyze(t, capturetest.Source(capturetest.Merge(all...).Packets(capturetest.Plain())), o)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	sessions, reached := map[any]bool{}, map[any]bool{}
	for _, r := range parseRecords(t, got) {
		switch {
		case r["type"] == "session":
			sessions[r["session"]] = true
		case r["type"] == "finding" && r["rule"] == "limit-reached":
			reached[r["session"]] = true
		}
	}
	if len(sessions) != large+small || len(reached) < large/2 {
		t.Errorf("%d sessions, %d tell of a limit; want %d and at least %d", len(sessions), len(reached), large+small, large/2)
	}
}
