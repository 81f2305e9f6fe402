package audit_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/pop3parse/audit"
	"popscope/reassembly/tlsdec"
)

// options are those of rules whose dialogs need limits that a text file
// can reach.
var options = map[string]popscope.Options{
	"limit-reached": {Limits: popscope.Limits{Session: pop3parse.Limits{Turns: 4}}},
	"audit-limit":   {Limits: popscope.Limits{Audit: audit.Limits{Tried: 3}}},
}

// run returns all findings about a dialog.
func run(t *testing.T, path string, o popscope.Options) []audit.Finding {
	t.Helper()
	d := capturetest.Load(t, path)
	o.Workers = 1
	if d.KeyLog != "" {
		o.Keys = new(tlsdec.KeyLog)
		if _, err := o.Keys.Write([]byte(d.KeyLog)); err != nil {
			t.Fatal(err)
		}
	}
	a := popscope.New(o)
	var all []audit.Finding
	for r, err := range a.Results(d.Source()) {
		if err != nil {
			continue // a dialog may say that the capture is damaged
		}
		all = append(all, r.Findings...)
	}
	sum := a.Summary()
	if sum.Sessions == 0 {
		t.Fatalf("%s: no session", path)
	}
	return append(all, sum.Across...)
}

func slugs(fs []audit.Finding) []string {
	var out []string
	for i := range fs {
		out = append(out, fs[i].Rule)
	}
	return out
}

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestEveryRule holds each rule of the catalogue to its two dialogs: it
// finds what is in the one, and nothing in the other, which comes near.
func TestEveryRule(t *testing.T) {
	files := make(map[string]bool)
	seen := make(map[string]bool)
	for _, theme := range audit.Catalogue() {
		for _, r := range theme.Rules {
			t.Run(r.Slug, func(t *testing.T) {
				if !slug.MatchString(r.Slug) || seen[r.Slug] {
					t.Errorf("the name %q is not well shaped, or not new", r.Slug)
				}
				seen[r.Slug] = true
				for what, text := range map[string]string{"title": r.Title, "advice": r.Advice, "about": r.About} {
					if text == "" || what != "title" && !strings.HasSuffix(text, ".") {
						t.Errorf("%s: %q", what, text)
					}
				}
				if r.RFC == "" && theme.Name != audit.EvidenceTheme && theme.Name != "Attack" {
					t.Error("no standard")
				}
				hit, near := filepath.Join("testdata", r.Slug+".txt"), filepath.Join("testdata", r.Slug+".near.txt")
				files[hit], files[near] = true, true
				found := slices.DeleteFunc(run(t, hit, options[r.Slug]), func(f audit.Finding) bool { return f.Rule != r.Slug })
				if len(found) == 0 {
					t.Fatalf("not found in %s", hit)
				}
				for _, f := range found {
					if f.Severity != r.Severity || f.Title != r.Title || f.Advice != r.Advice || f.RFC != r.RFC || f.Detail == "" {
						t.Errorf("the finding is not the rule's: %+v", f)
					}
					if len(f.Packets) == 0 && r.Scope != audit.CaptureScope {
						t.Error("no evidence")
					}
					if !slices.IsSorted(f.Packets) || len(f.Packets) > audit.MaxEvidence || len(f.Sessions) > audit.MaxEvidence {
						t.Errorf("evidence: %v, %v", f.Packets, f.Sessions)
					}
				}
				if all := slugs(run(t, near, options[r.Slug])); slices.Contains(all, r.Slug) {
					t.Errorf("found in %s, among %v", near, all)
				}

				// Off is off.
				o := options[r.Slug]
				o.Policy.Rules = map[string]audit.Choice{r.Slug: {Off: true}}
				if slices.Contains(slugs(run(t, hit, o)), r.Slug) {
					t.Error("found although it is off")
				}
			})
		}
	}
	all, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if !files[f] {
			t.Errorf("%s: of no rule", f)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d rules", len(seen))
	}
}

// TestFaultsAreNoGuesses is the point of RFC 2449's and RFC 3206's codes: a
// maildrop in use and a server out of order say nothing about a password.
func TestFaultsAreNoGuesses(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "password-guessing.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		reply string
		guess bool
	}{
		{"-ERR [AUTH] wrong", true}, {"-ERR wrong password", true}, {"-ERR no such user", true}, {"-ERR so sorry", true},
		{"-ERR [IN-USE] wait", false}, {"-ERR maildrop is locked", false}, {"-ERR [SYS/TEMP] later", false}, {"-ERR [SYS/PERM] broken", false},
		{"-ERR [LOGIN-DELAY] too soon", false}, {"-ERR you must use TLS", false},
		{"-ERR Password incorrect, please try again", true}, {`-ERR Password supplied for "tls" is incorrect.`, true}, {"-ERR Logon failure: unknown user name or bad password.", true},
		{"-ERR This account is locked because of too many failed attempts", true}, {"-ERR login fail, please try again later", true},
		{"-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", false},
	} {
		path := filepath.Join(t.TempDir(), "dialog.txt")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "-ERR [AUTH] wrong password", tt.reply)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(slugs(run(t, path, popscope.Options{})), "password-guessing"); got != tt.guess {
			t.Errorf("%s: got %v, want %v", tt.reply, got, tt.guess)
		}
	}
}

// TestMaildropInUse: where the maildrop is in use the password was right, but
// not everything that is locked is that.
func TestMaildropInUse(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "success-after-failures.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		reply string
		in    bool
	}{
		{"+OK", true}, {"-ERR [IN-USE] wait", true}, {"-ERR maildrop already locked", true}, {"-ERR Your mailbox is already locked", true},
		{"-ERR This account is locked because of too many failed attempts", false}, {"-ERR Account is locked", false}, {"-ERR Mailbox is locked", false},
		{"-ERR [IN-USE] Temporary authentication failure.", false}, {"-ERR Unable to log in user alice", false}, {"-ERR error in user name", false},
	} {
		path := filepath.Join(t.TempDir(), "dialog.txt")
		dialog := strings.Replace(string(text), "C: PASS wonderland-7\nS: +OK", "C: PASS wonderland-7\nS: "+tt.reply, 1)
		if err := os.WriteFile(path, []byte(dialog), 0o600); err != nil {
			t.Fatal(err)
		}
		found := slugs(run(t, path, popscope.Options{}))
		for _, rule := range []string{"success-after-failures", "cleartext-login"} {
			if got := slices.Contains(found, rule); got != tt.in {
				t.Errorf("%s: %s: got %v, want %v", tt.reply, rule, got, tt.in)
			}
		}
	}
}

// TestRepeatedChallengesOfEachServer: whether clients use them or not.
func TestRepeatedChallengesOfEachServer(t *testing.T) {
	all := slugs(run(t, filepath.Join("testdata", "apop-challenge-repeats.txt"), popscope.Options{}))
	all = slices.DeleteFunc(all, func(rule string) bool { return rule != "apop-challenge-repeats" })
	if len(all) != 3 {
		t.Errorf("challenges repeat at %d servers, want 3", len(all))
	}
}

// TestMailInClearOfASessionInParts: each part is about the same user, or a
// baseline would take them for different findings.
func TestMailInClearOfASessionInParts(t *testing.T) {
	text := "S: +OK\nC: AUTH PLAIN Ym9iAGFsaWNlAHdvbmRlcmxhbmQtNw==\nS: +OK\n" + strings.Repeat("C: TOP 1 0\nS: +OK\nS: A: b\nS:\nS: .\n", 8) + "C: QUIT\nS: +OK\n"
	path := filepath.Join(t.TempDir(), "dialog.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found := run(t, path, popscope.Options{Limits: popscope.Limits{PartExchanges: 3}})
	found = slices.DeleteFunc(found, func(f audit.Finding) bool { return f.Rule != "mail-in-clear" })
	if len(found) < 3 {
		t.Fatalf("%d findings, want one of each part", len(found))
	}
	for _, f := range found {
		if string(f.User) != "bob" || f.ID() != found[0].ID() {
			t.Errorf("user %q, id %s; want bob, %s", f.User, f.ID(), found[0].ID())
		}
	}
}

// TestRulesFindNothingWithoutWhatTheyNeed: a rule that is not called, since
// a session has nothing of what the rule needs, would have found nothing.
func TestRulesFindNothingWithoutWhatTheyNeed(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	more, err2 := filepath.Glob("../../testdata/dialog/*.txt")
	if err != nil || err2 != nil || len(files) == 0 || len(more) == 0 {
		t.Fatal(len(files), len(more), err, err2)
	}
	j := audit.NewJudge(&audit.Policy{})
	all := j.Thorough()
	var short, long audit.Buffer
	found := 0
	for _, path := range append(files, more...) {
		d := capturetest.Load(t, path)
		keys := new(tlsdec.KeyLog)
		keys.Write([]byte(d.KeyLog))
		for r, err := range popscope.New(popscope.Options{Workers: 1, Keys: keys, Limits: popscope.Limits{PartExchanges: 3}}).Results(d.Source()) {
			if err != nil {
				continue
			}
			f := factsOf(r)
			got, want := j.Session(&f, &short), all.Session(&f, &long)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v\nwith all rules: %v", path, slugs(got), slugs(want))
			}
			found += len(want)
		}
	}
	if found == 0 {
		t.Error("no rule has found anything")
	}
}

// factsOf returns the facts of a result.
func factsOf(r *popscope.Result) audit.Facts {
	f := audit.Facts{
		ID: r.ID, Last: r.Last, Conn: r.Conn, Session: r.Session, Exchanges: r.Exchanges, Logins: r.Logins,
		TLS: r.TLSInfo, OneSided: r.OneSided, Side: r.Side,
	}
	for i := range r.Messages {
		f.Messages = append(f.Messages, r.Messages[i].Message)
	}
	if r.TLSInfo != nil {
		f.Cipher = tlsdec.CipherName(r.TLSInfo.Cipher)
	}
	return f
}

// TestStrippedServerIsSaidTwice: sessions are judged by themselves, so that
// one without STLS has its finding also where the server lists it to others;
// the catalogue says so.
func TestStrippedServerIsSaidTwice(t *testing.T) {
	all := slugs(run(t, filepath.Join("testdata", "stls-stripped.txt"), popscope.Options{}))
	for _, rule := range []string{"stls-not-offered", "stls-stripped"} {
		if !slices.Contains(all, rule) {
			t.Errorf("no %s among %v", rule, all)
		}
	}
	for _, theme := range audit.Catalogue() {
		for _, r := range theme.Rules {
			if r.Slug == "stls-not-offered" && !strings.Contains(r.About, "stls-stripped beside this one") {
				t.Errorf("%s: %s", r.Slug, r.About)
			}
		}
	}
}
