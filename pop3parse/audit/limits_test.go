package audit

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPagesTellTheLimits holds what README.md and SECURITY.md say of how much
// is remembered to the defaults.
func TestPagesTellTheLimits(t *testing.T) {
	n := func(v int) string { return fmt.Sprintf("%d,%03d", v/1000, v%1000) }
	l := Limits{}.withDefaults()
	for file, want := range map[string]string{
		"README.md": fmt.Sprintf("Audit remembers %s accounts that have logged in, %s names that were only tried, %s clients, %s servers, %s secrets and %s challenges ",
			n(l.Accounts), n(l.Tried), n(l.Clients), n(l.Servers), n(l.Secrets), n(l.Challenges)),
		"SECURITY.md": fmt.Sprintf("| audit: accounts, clients, secrets, challenges; names that were only tried; servers | %s, %s, %s, %s; %s; %s |",
			n(l.Accounts), n(l.Clients), n(l.Secrets), n(l.Challenges), n(l.Tried), n(l.Servers)),
	} {
		page, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(string(page)), " "); !strings.Contains(text, want) {
			t.Errorf("%s lacks: %s", file, want)
		}
	}
}
