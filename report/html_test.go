package report

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/reassembly/stream"
)

// withFindings is a page with everything that can stand in it: the full
// fixture, findings about one session and about several, and accounts.
func withFindings() ([]*popscope.Result, popscope.Summary) {
	const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e\xff"
	results := append([]*popscope.Result{silent(), full(), ordinary()}, parts()...)
	results[1].Findings = []audit.Finding{
		{Rule: "cleartext-login", Severity: audit.High, Title: "Password in clear", Detail: "PLAIN, refused " + hostile, Advice: "Use TLS.", RFC: "RFC 8314 section 4.1",
			Packets: []int64{104}, User: []byte("bob" + hostile), Server: netip.MustParseAddrPort("[2001:db8::5]:1110")},
		{Rule: "bare-lf", Severity: audit.Info, Title: "Lines end in LF alone", Packets: []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
	}
	results[2].Findings = []audit.Finding{{Rule: "cleartext-login", Severity: audit.High, Title: "Password in clear", Detail: "USER/PASS, accepted", Advice: "Use TLS.", Packets: []int64{9}, User: []byte("alice")}}
	sum := summary()
	sum.Findings = 4
	sum.Across = []audit.Finding{{Rule: "guessing", Severity: audit.Critical, Title: "Passwords are guessed", Detail: "12 failures", Packets: []int64{104, 9}, Sessions: []string{results[1].ID, results[2].ID, "not-listed"}}}
	sum.Accounts = []audit.Account{
		{User: []byte("alice"), Server: netip.MustParseAddrPort("198.51.100.5:110"), Clients: []netip.Addr{netip.MustParseAddr("192.0.2.10")},
			Tally: audit.Tally{Accepted: 2, First: epoch.UnixNano(), Last: epoch.UnixNano(), Mechanisms: []string{"USER/PASS"}, Exposure: pop3parse.Cleartext, Clear: 2}},
		{User: []byte("bob" + hostile), Server: netip.MustParseAddrPort("[2001:db8::5]:1110"), Tally: audit.Tally{Refused: 1, Accepted: 1, Mechanisms: []string{"PLAIN"}, Exposure: pop3parse.Protected}},
	}
	return results, sum
}

var (
	inlined = regexp.MustCompile(`(?s)(<style>|<script>).*?(</style>|</script>)`)
	hashes  = regexp.MustCompile(`sha256-[A-Za-z0-9+/=&#;]*`)
)

// withoutAssets leaves out style sheet, scripts and their hashes: they are
// files of the package, and would be in every golden file.
func withoutAssets(page []byte) []byte {
	page = inlined.ReplaceAll(page, []byte("$1$2"))
	return hashes.ReplaceAll(page, []byte("sha256-"))
}

// TestPageGolden compares pages with golden files: the fixtures, and two
// recordings.
func TestPageGolden(t *testing.T) {
	same := func(t *testing.T, name string, render func() []byte) {
		got := render()
		if !bytes.Equal(got, render()) {
			t.Errorf("two runs differ")
		}
		golden(t, filepath.Join("testdata", "golden", name+".html"), withoutAssets(got))
	}
	t.Run("nothing", func(t *testing.T) {
		same(t, "nothing", func() []byte { return render(t, "html", Options{Version: "1.2.3"}, nil, popscope.Summary{}) })
	})
	t.Run("findings", func(t *testing.T) {
		same(t, "findings.secrets", func() []byte {
			results, sum := withFindings()
			return render(t, "html", Options{ShowSecrets: true}, results, sum)
		})
	})
	for _, name := range []string{"dovecot-attachments", "dovecot-auth-failed"} {
		t.Run(name, func(t *testing.T) { same(t, name, func() []byte { return pageOf(t, name+".pcap") }) })
	}
}

// pageOf returns the page of a recording.
func pageOf(t *testing.T, name string) []byte {
	t.Helper()
	return analyzed(t, "html", Options{}, []string{name})
}

func TestPageNeedsNothingButItself(t *testing.T) {
	results, sum := withFindings()
	page := string(render(t, "html", Options{}, results, sum))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil || !strings.HasPrefix(policy[1], "default-src &#39;none&#39;;") || strings.Contains(policy[1], "unsafe") {
		t.Fatalf("the policy is %q", policy)
	}
	allowed := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1])
	for _, tag := range []string{"style", "script"} {
		for _, m := range regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(page, -1) {
			if h := hashOf(m[1]); !strings.Contains(allowed, h) {
				t.Errorf("the policy does not let a %s of %d octets in: %s is not in %s", tag, len(m[1]), h, allowed)
			}
		}
	}
	markup := string(withoutAssets([]byte(page)))
	for _, bad := range []string{`<[a-z]+[^<>]*\s(src|style|on[a-z]+)=`, `href="[^#d]`, `<(iframe|object|embed|form|base|img)\b`, `url\(`, `@import`} {
		if m := regexp.MustCompile(bad).FindString(markup); m != "" {
			t.Errorf("the page holds %q", m)
		}
	}
	for _, name := range []string{"page.css", "page.js", "early.js"} {
		if m := regexp.MustCompile(`https?:|url\(|@import|\beval\b|innerHTML|document\.write`).FindString(asset(name)); m != "" {
			t.Errorf("%s holds %q", name, m)
		}
	}
}

// TestHostileTextStaysText looks for markup that came from the wire.
func TestHostileTextStaysText(t *testing.T) {
	results, sum := withFindings()
	sum.Files[0].Name = `"><script>alert(3)</script>.pcap`
	page := render(t, "html", Options{}, results, sum)
	if n := bytes.Count(page, []byte("<script")); n != 2 {
		t.Errorf("the page has %d scripts, not its own two", n)
	}
	for _, bad := range []string{"<img", "<b>&", "onerror=alert(2)>", "\x1b", "\u202e", "\u2066", "\u009b"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !bytes.Contains(page, []byte("&lt;script&gt;alert(1)&lt;/script&gt;")) {
		t.Error("the hostile text is not shown")
	}
}

func TestSectionsAreThoseAskedFor(t *testing.T) {
	page := string(render(t, "html", Options{Sections: []string{"unseen", "findings", "unseen"}}, []*popscope.Result{ordinary()}, popscope.Summary{Sessions: 1}))
	var got []string
	for _, m := range regexp.MustCompile(`<section id="(\w+)"`).FindAllStringSubmatch(page, -1) {
		got = append(got, m[1])
	}
	if fmt.Sprint(got) != "[unseen findings]" {
		t.Errorf("sections: %v", got)
	}
	if strings.Contains(page, `href="#s-`) {
		t.Error("a link leads to a dialogue, but the page has none")
	}
}

func TestAuditsHaveJudgementFirst(t *testing.T) {
	results, sum := withFindings()
	page := render(t, "html", Options{View: AuditView}, results, sum)
	var got []string
	for _, m := range regexp.MustCompile(`<section id="(\w+)"`).FindAllSubmatch(page, -1) {
		got = append(got, string(m[1]))
	}
	if !slices.Equal(got, auditSections) {
		t.Errorf("sections: %v", got)
	}
}

// TestPageIsBounded writes more sessions than a page has room for.
func TestPageIsBounded(t *testing.T) {
	var out bytes.Buffer
	h := newPage(&out, Options{}, pageLimits{sessions: 5, messages: 4, logins: 3, dialogues: 2, steps: 100, servers: 2, evidence: 1, remarks: 1})
	for i := range 20 {
		r := ordinary()
		r.ID = fmt.Sprintf("id%02d", i)
		r.Conn.Server = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.5"), uint16(1000+i))
		r.Conn.First.Nanos += int64(i) * 1e9
		r.Logins[0].User = fmt.Appendf(nil, "user%02d", i)
		r.Conn.Lost = [2]int64{0, 0}
		if i == 17 { // the interesting ones stay, however late they come
			r.Logins[0].Outcome = pop3parse.Failure
		}
		if i >= 18 {
			r.Findings = []audit.Finding{{Rule: "r", Severity: audit.High, Title: "t"}}
			r.Conn.Lost[0] = 5
		}
		if err := h.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(popscope.Summary{Sessions: 20, Messages: 20, Logins: 20, Findings: 2, Start: epoch, End: epoch}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{
		"5 of 20 sessions are listed", "Ladders of 2 of 20 sessions", "The first 4 of 20 messages are listed", "17 more logins of other kinds not listed",
		"1 more of this rule not listed", "1 more session with remarks not listed", "(all others)", `id="s-id18"`, `id="s-id19"`, "user17",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if h.dialogues.dropped() != 18 {
		t.Errorf("%d dialogues dropped, want 18", h.dialogues.dropped())
	}
	if n := strings.Count(page, `<details class="dialogue`); n != 2 {
		t.Errorf("%d dialogues, the limit is 2", n)
	}
}

// TestAccountWithoutNameHasADash, as in the other tables: a row has to begin with
// something.
func TestAccountWithoutNameHasADash(t *testing.T) {
	h := newPage(io.Discard, Options{}, pageLimits{logins: 1})
	lines := newPageView(h, &popscope.Summary{Accounts: make([]audit.Account, 1)}).AccountLines()
	if len(lines) != 1 || lines[0].User != "-" {
		t.Errorf("got %+v, want one with the user -", lines)
	}
}

// TestPageListsByNumber: sessions come in the order in which they end, and what
// the page lists of them stands in that of their numbers.
func TestPageListsByNumber(t *testing.T) {
	h := newPage(io.Discard, Options{}, pageLimits{sessions: 5, messages: 5, dialogues: 5, remarks: 5})
	for i := range 3 {
		r := ordinary()
		r.ID = fmt.Sprintf("id%d", i)
		r.Conn.First.Nanos -= int64(i)
		r.Conn.Lost[0] = 5
		if err := h.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	v := newPageView(h, &popscope.Summary{})
	for i, want := range []int{1, 2, 3} {
		got := [...]int{v.Rows[i].num, v.Ladders[i].num, v.MessageRows()[i].SessionNum(), v.RemarkLines()[i].num}
		if got != [...]int{want, want, want, want} {
			t.Errorf("row %d of sessions, ladders, messages and remarks:\n got %v\nwant %d", i+1, got, want)
		}
	}
}

// TestLadderOrderIsThatOfPackets: pipelined commands stand before the
// replies to the ones before them.
func TestLadderOrderIsThatOfPackets(t *testing.T) {
	r := ordinary()
	x := r.Exchanges
	x[1].ReplyFirst, x[1].ReplyLast = at(21, 5000), at(21, 5000)
	x[2].RequestFirst, x[2].RequestLast, x[2].Pipelined = at(8, 3000), at(8, 3000), true
	x[2].ReplyFirst, x[2].ReplyLast = at(22, 6000), at(22, 6000)
	x[3].ReplyFirst, x[3].Status = stream.Stamp{}, pop3parse.NoReply
	d := newDialogue(r, &pageSession{})
	d.add(r, false)
	d.complete(r)
	last := int64(0)
	var texts []string
	for _, s := range d.steps {
		if s.Packet != 0 && s.Packet < last {
			t.Errorf("packet %d comes after packet %d", s.Packet, last)
		}
		last = max(last, s.Packet)
		texts = append(texts, s.Text)
	}
	got := strings.Join(texts, "|")
	if !strings.Contains(got, "USER alice|PASS ********") {
		t.Errorf("the pipelined command is not where its packet was: %s", got)
	}
	if strings.Contains(got, passwordAlice) {
		t.Errorf("the ladder shows a password: %s", got)
	}
}

func TestLongDialoguesAreCut(t *testing.T) {
	first, last := ordinary(), ordinary()
	noop := first.Exchanges[4]
	for range 1000 {
		first.Exchanges = append(first.Exchanges, noop)
	}
	first.Last, last.Part = false, 2
	page := string(render(t, "html", Options{}, []*popscope.Result{first, last}, popscope.Summary{Sessions: 1}))
	if n := strings.Count(page, `class="client"`); n > maxDialogueSteps {
		t.Errorf("%d steps are drawn", n)
	}
	if !regexp.MustCompile(`[0-9]+ more exchanges not drawn`).MatchString(page) {
		t.Error("the page does not say what it leaves out")
	}
}
