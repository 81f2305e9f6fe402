package popscope_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
)

// longSession has 30 exchanges and a login in the middle, and comes in
// parts of 4 exchanges.
func longSession(t *testing.T) capturetest.Trace {
	t.Helper()
	var b strings.Builder
	b.WriteString("! step 1s\nS: +OK POP3 ready\n")
	for i := range 28 {
		switch i {
		case 14:
			b.WriteString("C: USER alice\nS: +OK\n")
		case 15:
			b.WriteString("C: PASS wonderland-7\nS: +OK\n")
		default:
			fmt.Fprintf(&b, "C: NOOP\nS: +OK %d\n", i)
		}
	}
	d, err := capturetest.Parse("long", b.String())
	if err != nil {
		t.Fatal(err)
	}
	return d.Trace()
}

// TestFiltersTakeWholeSessions: that a session is handed on in parts does
// not matter to a filter.
func TestFiltersTakeWholeSessions(t *testing.T) {
	tr := longSession(t)
	begin, end := time.Unix(0, tr[0].Nanos), time.Unix(0, tr[len(tr)-1].Nanos)
	hosts := func(a ...string) (out []netip.Addr) {
		for _, s := range a {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	for _, tt := range []struct {
		name string
		o    popscope.Options
		want int
	}{
		{"no filter", popscope.Options{}, 28},
		{"user who logs in late", popscope.Options{Users: []string{"bob", "alice"}}, 28},
		{"nobody", popscope.Options{Users: []string{"bob"}}, 0},
		{"to the first packet", popscope.Options{To: begin}, 28},
		{"the client", popscope.Options{Hosts: hosts("203.0.113.1", "198.51.100.7")}, 28},
		{"the server", popscope.Options{Hosts: hosts("192.0.2.10")}, 28},
		{"other hosts", popscope.Options{Hosts: hosts("203.0.113.1", "192.0.2.11")}, 0},
		{"the host, but another user", popscope.Options{Hosts: hosts("192.0.2.10"), Users: []string{"bob"}}, 0},
		{"another session", popscope.Options{Sessions: []string{"0"}}, 0},
		{"from the end on", popscope.Options{From: end.Add(-time.Second)}, 28},
		{"from after the end", popscope.Options{From: end.Add(time.Hour)}, 0},
		{"to before the beginning", popscope.Options{To: time.Unix(0, tr[0].Nanos).Add(-time.Second)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Workers = 1
			tt.o.Limits.PartExchanges = 4
			out, _ := analyze(t, capturetest.Source(tr.Packets(capturetest.Plain())), tt.o)
			if got := strings.Count(out, `"type":"exchange"`); got != tt.want {
				t.Errorf("%d exchanges, want %d", got, tt.want)
			}
			if n := 1; tt.want > 0 && strings.Count(out, `"type":"session"`) != n {
				t.Errorf("not one session in:\n%s", out)
			}
		})
	}
}

// TestFiltersForgetTheFirstParts: of a session that matches late the parts
// before the latest 16 are gone, and the rest is whole.
func TestFiltersForgetTheFirstParts(t *testing.T) {
	tr := longSession(t)
	o := popscope.Options{Workers: 1, From: time.Unix(0, tr[len(tr)-1].Nanos).Add(-time.Second), Limits: popscope.Limits{PartExchanges: 1}}
	var parts []int
	for r, err := range popscope.New(o).Results(capturetest.Source(tr.Packets(capturetest.Plain()))) {
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, r.Part)
	}
	if n := len(parts); n != 17 || parts[0] < 2 || parts[16] != parts[0]+16 {
		t.Errorf("got parts %d", parts)
	}
}

// TestPartsMakeAWhole: a session handed on in parts has the records that it
// has in one piece, but for findings: each part has its own.
func TestPartsMakeAWhole(t *testing.T) {
	packets := longSession(t).Packets(capturetest.Plain())
	want, _ := analyze(t, capturetest.Source(packets), one)
	for _, workers := range []int{1, 4} {
		o := popscope.Options{Workers: workers, Limits: popscope.Limits{PartExchanges: 4}}
		got, _ := analyze(t, capturetest.Source(packets), o)
		if sortedLines(got) != sortedLines(want) {
			t.Errorf("%d workers:\n%s", workers, diff(sortedLines(got), sortedLines(want)))
		}
	}
}

// TestEachPartTellsWhatIsUnsureSoFar: the last part of a session is what tables
// and pages sum it up by.
func TestEachPartTellsWhatIsUnsureSoFar(t *testing.T) {
	o := popscope.Options{Workers: 1, Limits: popscope.Limits{PartExchanges: 2}}
	parts, want := 0, 0
	for r, err := range popscope.New(o).Results(capturetest.Load(t, "tcp-lost-reply").Source()) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Exchanges {
			if r.Exchanges[i].Pairing != pop3parse.Sure {
				want++
			}
		}
		if parts++; r.Unsure != want {
			t.Errorf("part %d: %d unsure, want %d", r.Part, r.Unsure, want)
		}
	}
	if parts < 2 || want == 0 {
		t.Errorf("%d parts with %d unsure exchanges", parts, want)
	}
}

var findingsCount = regexp.MustCompile(`"findings":[0-9]+,`)

func sortedLines(s string) string {
	lines := strings.Split(findingsCount.ReplaceAllString(s, ""), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, `"type":"finding"`) })
	sortStrings(lines)
	return strings.Join(lines, "\n")
}
