package report

import (
	"net/netip"
	"testing"
)

// The vectors are those that the Community ID specification publishes.
func TestCommunityID(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"IPv4", "128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"IPv4 in IPv6", "[::ffff:128.232.110.120]:34855", "[::ffff:66.35.250.204]:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := netip.MustParseAddrPort(c.a), netip.MustParseAddrPort(c.b)
			if got := communityID(a, b); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := communityID(b, a); got != c.want {
				t.Errorf("the other way round: got %s, want %s", got, c.want)
			}
		})
	}
}

func TestCommunityIDOfOneHost(t *testing.T) {
	a, b := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.1:110")
	if communityID(a, b) != communityID(b, a) {
		t.Error("the ports do not decide when the addresses are equal")
	}
	if communityID(a, b) == communityID(a, a) {
		t.Error("different connections have the same ID")
	}
}
