package main

import (
	"fmt"
	"testing"
)

func TestWantColor(t *testing.T) {
	for _, c := range []struct {
		flag, noColor, term string
		terminal, stdout    bool
		want                bool
	}{
		{"auto", "", "xterm", true, true, true},
		{"auto", "", "xterm", false, true, false},
		{"auto", "", "xterm", true, false, false},
		{"auto", "1", "xterm", true, true, false},
		{"auto", "", "dumb", true, true, false},
		{"always", "1", "dumb", false, false, true},
		{"never", "", "xterm", true, true, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Setenv("NO_COLOR", c.noColor)
			t.Setenv("TERM", c.term)
			if got, err := wantColor(c.flag, terminal{is: c.terminal}, c.stdout); got != c.want || err != nil {
				t.Errorf("got %v (%v), want %v", got, err, c.want)
			}
		})
	}
}
