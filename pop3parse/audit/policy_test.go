package audit

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPolicySaysWhatHolds(t *testing.T) {
	p, err := ParsePolicy([]byte(`# of the example network
rules:
  unknown-command: off
  stls-not-offered: HIGH
  bare-lf: {enabled: no}
  password-guessing:
    severity: critical
    failures: 20
    window: 5m
ignore:
  accounts: [monitor, 4711]
  clients: [192.0.2.250, 2001:db8:1::/48]
`))
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[string]*active)
	for _, r := range allRules() {
		by[r.Slug] = p.apply(r)
	}
	if by["unknown-command"] != nil || by["bare-lf"] != nil {
		t.Error("rules that are off hold")
	}
	if got := by["stls-not-offered"].severity; got != High {
		t.Errorf("stls-not-offered: got %v, want high", got)
	}
	g := by["password-guessing"]
	if g.severity != Critical || g.count("failures") != 20 || g.span("window") != 5*time.Minute {
		t.Errorf("password-guessing: got %v, %v", g.severity, g.values)
	}
	if by["cleartext-login"].severity != High {
		t.Error("a rule that the policy does not name has changed")
	}
	ready := p.Ignore.ready()
	if !ready.account([]byte("4711")) || ready.account([]byte("alice")) || len(p.Ignore.Clients) != 2 {
		t.Errorf("ignored: %+v", p.Ignore)
	}
}

func TestPolicyErrorsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ name, text, want, hint string }{
		{"unknown part", "rulez:\n", `line 1: "rulez" is no part of a policy`, "did you mean rules?"},
		{"unknown rule", "rules:\n  bare-lf: off\n  cleartxt-login: off\n", `line 3: "cleartxt-login" is no rule`, "did you mean cleartext-login?"},
		{"nothing alike", "rules:\n  xyz: off\n", `line 2: "xyz" is no rule`, "popscope audit --rules lists them"},
		{"unknown word", "rules:\n  bare-lf: loud\n", `line 2: "loud" is no severity, nor on or off`, "did you mean low?"},
		{"unknown severity", "rules:\n  bare-lf:\n    severity: hihg\n", `line 3: "hihg" is no severity`, "did you mean high?"},
		{"unknown setting", "rules:\n  password-spray:\n    user: 3\n", `line 3: "user" is no setting of password-spray`, "did you mean users?"},
		{"not a number", "rules:\n  password-spray:\n    users: many\n", `line 3: users: "many" is not a number above zero`, "a whole number"},
		{"not a time", "rules:\n  password-guessing:\n    window: 5\n", `line 3: window: "5" is not a time above zero`, "a time as 90s, 10m or 24h"},
		{"not a network", "ignore:\n  clients: [mail.example.org]\n", `line 2: "mail.example.org" is neither an address nor a network`, "as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"},
		{"not a list", "ignore:\n  accounts: alice\n", `line 2: not a list`, "write [one, two]"},
		{"twice", "rules:\n  bare-lf: off\n  bare-lf: on\n", `line 3: "bare-lf" a second time`, ""},
		{"not YAML", "rules:\n\t- x\n", "line 2: found character that cannot start any token", ""},
		{"no mapping", "- rules\n", "line 1: not a list of names with values", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(tt.text))
			var p *PolicyError
			if !errors.As(err, &p) {
				t.Fatalf("got %v, want a PolicyError", err)
			}
			if p.Error() != tt.want || p.Hint != tt.hint {
				t.Errorf("\n got %q, hint %q\nwant %q, hint %q", p.Error(), p.Hint, tt.want, tt.hint)
			}
		})
	}
	for _, text := range []string{"", "# nothing\n", "rules:\n", "ignore:\n"} {
		if _, err := ParsePolicy([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParsePolicy([]byte(strings.Repeat("#", maxPolicy+1))); err == nil {
		t.Error("a text without end is read")
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("rules:\n  bare-lf: off\n")
	f.Add("a: &a [*a]\nrules: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy([]byte(text))
		var e *PolicyError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil {
			NewJudge(&p)
			NewAuditor(&p)
		}
	})
}
