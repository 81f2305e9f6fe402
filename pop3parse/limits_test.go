package pop3parse

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// TestHoldLimit lets one side say much that only the other could explain: as
// much as may wait, and more.
func TestHoldLimit(t *testing.T) {
	line := strings.Repeat("x", 1000) + "\r\n"
	for name, tt := range map[string]struct {
		limit, pieces int
		want          bool
	}{
		"little":                {0, 10, false},
		"what may wait":         {0, 150, false}, // what it takes to keep it counts too
		"more":                  {0, 260, true},
		"more than was allowed": {4096, 5, true},
		"without a limit":       {-1, 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParser(Options{FromStart: true, Limits: Limits{Hold: tt.limit}})
			off := int64(0)
			for range tt.pieces {
				b := []byte("AUTH PLAIN\r\n" + line) // is the second line a command?
				p.Feed(stream.Chunk{Dir: stream.Client, Off: off, Data: b})
				off += int64(len(b))
			}
			if got := p.Session().Notes.Has(HoldLimit); got != tt.want {
				t.Errorf("noted: %v, want %v", got, tt.want)
			}
			if limit := p.opt.Limits.Hold; p.Held() > limit {
				t.Errorf("%d bytes are held, more than %d", p.Held(), limit)
			}
			p.End(stream.ClosedFIN)
			if got := p.Session().Notes.Has(HoldLimit); got != tt.want {
				t.Errorf("noted at the end: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSecurityPageTellsTheLimits holds the limits of sessions that SECURITY.md
// names to those that there are.
func TestSecurityPageTellsTheLimits(t *testing.T) {
	page, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{}.withDefaults()
	for _, want := range []string{
		fmt.Sprintf("| %d KiB | one side that says nothing |", l.Hold>>10),
		fmt.Sprintf("| %d,%03d; %d kept; %d kept | pipelining, endless dialogues |", l.Pending/1000, l.Pending%1000, l.Turns, maxCapa),
		fmt.Sprintf("| %d MiB | the same with long commands |", l.PendingBytes>>20),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("SECURITY.md lacks: %s", want)
		}
	}
}
