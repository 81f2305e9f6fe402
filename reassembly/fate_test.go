package reassembly

import (
	"strings"
	"testing"
)

// String names the marks, for tests.
func (m Mark) String() string {
	names := [...]string{"retransmitted", "overlapping", "out-of-order", "ahead", "keep-alive", "differs", "out-of-window", "late", "half-open", "stray"}
	var out []string
	for i, n := range names {
		if m&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, "+")
}

func TestFates(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"in order", "C syn; S syn; C ack; C 0:5; S 0:5; C fin; S fin; C ack", "half-open - - - - - - -"},
		{"sent again", "C syn; S syn; C 0:5; C 0:5; C 3:8; C fin; C fin at=8", "half-open - - retransmitted overlapping - retransmitted"},
		{"swapped", "C syn; S syn; C 5:9; C 0:5; C 9:12", "half-open - ahead out-of-order -"},
		{"a hole that stays", "C syn; S syn; C 0:5; C 7:9; C 9:12; C 7:9", "half-open - - ahead - retransmitted"},
		{"a copy that differs", "C syn; S syn; C 0:5; C 0:5 x", "half-open - - retransmitted+differs"},
		{"keep-alive", "C syn; S syn; C 0:5; C keep; C keep0", "half-open - - keep-alive keep-alive"},
		{"an RST out of the window", "C syn; S syn; C 0:5; C rst at=900000000", "half-open - - out-of-window"},
		{"data after an RST", "C syn; S syn; C 0:5; S rst; C 5:9", "half-open - - - late"},
		{"after the report", "C syn; S syn; C 0:5; C fin; S fin; C ack; wait 5s; C 0:5", "half-open - - - - - stray"},
		{"data behind a FIN", "C syn; S syn; C 0:5; C fin; C 5:9", "half-open - - - late"},
		{"a stray", "C rst", "stray"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newScript(t, Limits{})
			p.a.Trace()
			p.wrong = true
			p.run(c.script)
			if got := strings.Join(p.fates, " "); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTraceReportsSilentConnections: who follows packets has to learn of
// connections that end without a byte.
func TestTraceReportsSilentConnections(t *testing.T) {
	for _, trace := range []bool{false, true} {
		p := newScript(t, Limits{})
		if trace {
			p.a.Trace()
		}
		p.run("C syn; S syn; C ack; C fin; S fin; C ack")
		p.close()
		if got, want := strings.Join(p.log, " "), map[bool]string{false: "", true: "open fin"}[trace]; got != want {
			t.Errorf("trace %v: got %q, want %q", trace, got, want)
		}
	}
}

// TestStartIsTold: relative numbers need to know where a stream starts.
func TestStartIsTold(t *testing.T) {
	p := newScript(t, Limits{})
	p.run("C syn; S syn; C 0:5")
	c := p.conns[0]
	if c.Started != [2]bool{true, true} || c.Start != [2]uint32{uint32(p.isn[0].Add(1)), uint32(p.isn[1].Add(1))} {
		t.Errorf("start %d %v, sequence numbers %d", c.Start, c.Started, p.isn)
	}
}
