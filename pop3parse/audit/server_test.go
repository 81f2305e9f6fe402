package audit

import "testing"

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
