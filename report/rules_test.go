package report

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"popscope/pop3parse/audit"
)

// TestRulesDocumentIsTheCatalogue compares docs/rules.md with what audit
// --rules prints; run it with -update after a change of a rule.
func TestRulesDocumentIsTheCatalogue(t *testing.T) {
	var out bytes.Buffer
	if err := WriteRules(&out, "markdown", audit.Policy{}, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("..", "docs", "rules.md"), out.Bytes())

	// The policy that it shows is one.
	_, rest, _ := strings.Cut(out.String(), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	p, err := audit.ParsePolicy([]byte(text))
	if err != nil || len(p.Rules) == 0 || len(p.Ignore.Accounts) == 0 {
		t.Errorf("the policy in the document: %+v, %v", p, err)
	}
}

// TestRulesInEveryFormat: each names every rule, and shows what a policy
// changes.
func TestRulesInEveryFormat(t *testing.T) {
	p, err := audit.ParsePolicy([]byte("rules:\n  bare-lf: off\n  password-spray: {severity: critical, users: 77}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range rulesFormats {
		var out bytes.Buffer
		if err := WriteRules(&out, format, p, Options{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for _, theme := range audit.Catalogue() {
			for _, r := range theme.Rules {
				if !strings.Contains(out.String(), r.Slug) {
					t.Errorf("%s: %s is missing", format, r.Slug)
				}
			}
		}
		if !strings.Contains(out.String(), "77") {
			t.Errorf("%s: the policy's threshold is not shown", format)
		}
		if format != "jsonl" {
			continue
		}
		for line := range bytes.Lines(out.Bytes()) {
			var r struct{ Type, Rule, Severity, Title, About, Advice, Scope string }
			if err := json.Unmarshal(line, &r); err != nil || r.Type != "rule" || r.Title == "" || r.About == "" || r.Advice == "" || r.Scope == "" {
				t.Errorf("%s: %v", line, err)
			}
			if r.Rule == "bare-lf" && r.Severity != "off" || r.Rule == "password-spray" && r.Severity != "critical" {
				t.Errorf("the policy is not shown: %s", line)
			}
		}
	}
	if err := WriteRules(&bytes.Buffer{}, "html", p, Options{}); err == nil {
		t.Error("html is no format of rules")
	}
}
