package report

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPagesTellTheLimits holds what README.md and SECURITY.md say of the
// limits of the html report to those that there are.
func TestPagesTellTheLimits(t *testing.T) {
	sessions, messages := commas(int64(maxPageSessions)), commas(int64(maxPageMessages))
	for file, want := range map[string]string{
		"README.md":   fmt.Sprintf("An HTML report lists at most %s sessions and %s messages and draws the ladders of %d sessions", sessions, messages, maxPageDialogues),
		"SECURITY.md": fmt.Sprintf("| html: sessions, messages, dialogues | %s, %s, %d |", sessions, messages, maxPageDialogues),
	} {
		page, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(string(page)), " "); !strings.Contains(text, want) {
			t.Errorf("%s lacks: %s", file, want)
		}
	}
}
