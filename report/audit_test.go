package report

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse/audit"
)

// audited returns the audit of a dialog under a policy, in one line.
func audited(t *testing.T, d *capturetest.Dialog, format string, p audit.Policy) string {
	t.Helper()
	var out bytes.Buffer
	w, err := New(format, &out, Options{View: AuditView})
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Workers: 1, Policy: p})
	for r, err := range a.Results(d.Source()) {
		if err != nil {
			continue // a dialog may say that the capture is damaged
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(a.Summary()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// TestAuditOfWhatIsNotWhole: that findings are left out does not make a
// capture whole.
func TestAuditOfWhatIsNotWhole(t *testing.T) {
	silent := audit.Policy{Rules: make(map[string]audit.Choice)}
	for _, theme := range audit.Catalogue() {
		for _, r := range theme.Rules {
			silent.Rules[r.Slug] = audit.Choice{Off: true}
		}
	}
	const but = "No findings about it are reported, but something is missing: "
	for _, c := range []struct{ name, want string }{
		{"bytes-lost", but + "parts of 1 session."},
		{"bytes-lost.near", nothingMissing},
		{"one-sided", but + "parts of 1 session."},
		{"beginning-missing", but + "parts of 1 session."},
		{"end-missing", but + "parts of 1 session."},
		{"packets-cut", but + "parts of 1 session."},
		{"kernel-drops", but + "5 packets dropped by the kernel."},
		{"capture-damaged", but + "what was not read of the captures."},
		{"bad-checksums", nothingMissing},
	} {
		d := capturetest.Load(t, filepath.Join("..", "pop3parse", "audit", "testdata", c.name+".txt"))
		if got := audited(t, d, "table", silent); !strings.Contains(got, "What was not seen "+c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// TestAuditTellsWhatIsMissing: where no rule is off, there is a finding
// about all that is missing.
func TestAuditTellsWhatIsMissing(t *testing.T) {
	for _, d := range append(capturetest.LoadAll(t, ""), capturetest.LoadAll(t, filepath.Join("..", "pop3parse", "audit", "testdata"))...) {
		if got := audited(t, d, "table", audit.Policy{}); strings.Contains(got, "something is missing") {
			t.Errorf("%s: %s", d.Name, got)
		}
	}
}

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

// TestAuditMarkdownQuotesTheWire: what the traffic says stands in code only,
// where forges look for no names, issues and addresses.
func TestAuditMarkdownQuotesTheWire(t *testing.T) {
	d, err := capturetest.Parse("hostile", `
! server [2001:db8:100::1]:110
! client [2001:db8:100::2]:40001
! conn 2 client=[2001:db8:100::2]:40002
S: +OK ready
C: USER @octocat #1 GH-5 :tada: http://octocat.example |x| `+"`octocat`"+`
S: +OK
C: PASS sesame
S: +OK
C: QUIT
S: +OK
@ 2
S: +OK ready
C: USER octocat <b>
S: +OK
C: PASS sesame
S: +OK
C: QUIT
S: +OK
`)
	if err != nil {
		t.Fatal(err)
	}
	got := audited(t, d, "markdown", audit.Policy{})
	for _, want := range []string{"| `` @octocat #1 GH-5 :tada: http://octocat.example \\|x\\| `octocat` `` |", "user `octocat <b>`, server `[2001:db8:100::1]:110`", "also the password of octocat <b>"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	rest := regexp.MustCompile("``.*?[^`]``[^`]|`[^`]*`").ReplaceAllString(got, "")
	for _, bare := range []string{"octocat", "GH-5", "tada", "db8", "<b>"} {
		if strings.Contains(rest, bare) {
			t.Errorf("%q stands outside of code in %s", bare, rest)
		}
	}
	sum := popscope.Summary{Errors: []string{"@octocat.pcap: packet 1, offset 0: cut short"}}
	if page := string(render(t, "markdown", Options{View: AuditView}, nil, sum)); !strings.Contains(page, "\n- Warning: `@octocat.pcap: packet 1, offset 0: cut short`\n") {
		t.Error(page)
	}
}
