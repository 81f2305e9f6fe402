package audit

import (
	"testing"
	"time"
)

func TestIsTimestamp(t *testing.T) {
	for challenge, want := range map[string]bool{
		"<1896.697170952@dbc.mtview.ca.us>": true,
		"<1.2@pop.example.org>":             true,
		"<5a3.1.4d5c0e1b@pop.example.org>":  true,
		"<postmaster@example.org>":          false,
		"<alice.b@example.org>":             false,
		"<ada.ebb3@example.org>":            false,
		"<12345@example.org>":               false,
		"<1..2@example.org>":                false,
		"<1.2 3@example.org>":               false,
		"<1.2>":                             false,
	} {
		if got := isTimestamp([]byte(challenge)); got != want {
			t.Errorf("%s: got %v, want %v", challenge, got, want)
		}
	}
}

// TestLoginDelays: what is no time, and what no server means, is none.
func TestLoginDelays(t *testing.T) {
	for row, want := range map[string]time.Duration{
		"LOGIN-DELAY 900": 15 * time.Minute, "login-delay 10 USER": 10 * time.Second, "LOGIN-DELAY 31536000": 365 * 24 * time.Hour,
		"LOGIN-DELAY 31536001": 0, "LOGIN-DELAY 99999999999999999999": 0, "LOGIN-DELAY": 0, "LOGIN-DELAY soon": 0, "LOGIN-DELAYED 9": 0, "USER": 0,
	} {
		if got := loginDelay([][]byte{[]byte("TOP"), []byte(row)}); time.Duration(got) != want {
			t.Errorf("%s: got %v, want %v", row, time.Duration(got), want)
		}
	}
}
