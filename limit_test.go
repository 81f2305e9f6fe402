package popscope_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestEarlyPairingIsAFinding has a client that says more than may wait for a
// server which says nothing: the commands are told apart too early, and that
// is told.
func TestEarlyPairingIsAFinding(t *testing.T) {
	for pieces, want := range map[int]bool{10: false, 300: true} {
		var f feed
		k := newTalk(40001, 110, 100)
		f.then(append(k.open(), k.say("+OK ready")...)...)
		for i := range pieces {
			f.then(k.say("AUTH PLAIN", fmt.Sprint(i, strings.Repeat("x", 1000)))...)
		}
		f.now = 1_700_000_000e9
		f.step = 100_000
		out, _ := analyze(t, &f, one)
		if got := strings.Contains(out, `"rule":"limit-reached"`); got != want {
			t.Errorf("%d commands: found %v, want %v", pieces, got, want)
		}
	}
}
