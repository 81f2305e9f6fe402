package report

import (
	"net/netip"
	"slices"
	"testing"
)

// TestDigestsTellApart: what findings are about has one digest, and what
// reads like it has another.
func TestDigestsTellApart(t *testing.T) {
	m := newAuditModel(Options{})
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1")
	at := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 110) }
	v4bytes, _ := at(v4).MarshalBinary()
	seen := make(map[uint64]int)
	for i, c := range []struct {
		user   string
		server netip.AddrPort
		client netip.Addr
	}{
		{"alice", at(v4), netip.Addr{}},
		{"alice", at(v6), netip.Addr{}},
		{"alice", at(v4), v4},
		{"alice", at(v4), v6},
		{"alice", netip.AddrPort{}, v4},
		{"alice", netip.AddrPort{}, v6},
		{"", at(v4), v4},
		{string(v4bytes), netip.AddrPort{}, v4},
		{"alice" + string(v4bytes), netip.AddrPort{}, netip.Addr{}},
		{"Alice", at(v4), netip.Addr{}},
		{"", netip.AddrPort{}, netip.Addr{}},
	} {
		d := m.digest([]byte(c.user), c.server, c.client)
		if k, ok := seen[d]; ok {
			t.Errorf("%d and %d have one digest", k, i)
		}
		seen[d] = i
		if again := m.digest([]byte(c.user), c.server, c.client); again != d {
			t.Errorf("%d has two digests", i)
		}
	}
}

// TestTagsOfAccounts: an account has its first tags in their order, and one
// more than is shown; of accounts there are as many as the limit says.
func TestTagsOfAccounts(t *testing.T) {
	const limit = 100
	tagged := taggedAccounts{register: newRegister(limit), further: make(map[int][]int)}
	want := make(map[uint64][]int)
	for i := range 3000 {
		account, tag := uint64(i*31%(2*limit)), i*7919%13+1
		tagged.add(account, tag)
		tags, known := want[account]
		if (known || len(want) < limit) && len(tags) <= tagsShown && !slices.Contains(tags, tag) {
			want[account] = append(tags, tag)
		}
	}
	for account := range uint64(2 * limit) {
		if got := tagged.tags(account); !slices.Equal(got, want[account]) {
			t.Errorf("account %d has the tags %v\nwant %v", account, got, want[account])
		}
	}
}
