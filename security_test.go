package popscope_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"popscope"
	"popscope/reassembly"
	"popscope/report"
)

// TestSecurityPageTellsTheLimits holds the limits that SECURITY.md names to
// those that connections have.
func TestSecurityPageTellsTheLimits(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	number := func(n int) string {
		text, _, _ := strings.Cut(report.Count(int64(n), "thing"), " ")
		return text
	}
	l := reassembly.Limits{}.Share(1)
	s := popscope.DefaultLimits()
	for _, want := range []string{
		fmt.Sprintf("| %d MiB, %d MiB | connections full of holes |", l.DirectionBytes>>20, l.TotalBytes>>20),
		fmt.Sprintf("| %s; %s | scans and floods of SYN |", number(l.Connections), number(l.HalfOpen)),
		fmt.Sprintf("| %.0f min; %.0f min | connections that never end |", l.Idle.Minutes(), l.HalfOpenIdle.Minutes()),
		fmt.Sprintf("| %d KiB, %d MiB | overlaps with other content |", l.DirectionHistory>>10, l.HistoryBytes>>20),
		fmt.Sprintf("| %d KiB | streams that never decide |", s.Probe>>10),
		fmt.Sprintf("| %s, or %d MiB of them | sessions that never end |", number(s.PartExchanges), s.PartBytes>>20),
		fmt.Sprintf("| %d MiB | many large sessions at once |", s.Sessions>>20),
		fmt.Sprintf("| %d MiB, %d KiB; %s | scans, and connections that say nothing |", popscope.SieveBytes>>20, popscope.SieveFlow>>10, number(popscope.SieveFlows)),
		fmt.Sprintf("| %d MiB, %s, %.0f s | datagrams that never complete |",
			reassembly.DefaultFragmentBytes>>20, number(reassembly.DefaultFragmentDatagrams), reassembly.DefaultFragmentTimeout.Seconds()),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("SECURITY.md lacks: %s", want)
		}
	}
}

// TestREADMETellsTheLimits does the same for those of README.md.
func TestREADMETellsTheLimits(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	connections, _, _ := strings.Cut(report.Count(int64(reassembly.Limits{}.Share(1).Connections), "thing"), " ")
	want := fmt.Sprintf("At most %s connections are followed at once, and of POP3 sessions as many as fit into %d MiB",
		connections, popscope.DefaultLimits().Sessions>>20)
	if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), want) {
		t.Errorf("README.md lacks: %s", want)
	}
}
