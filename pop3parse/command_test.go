package pop3parse

import "testing"

func TestKnownVerbsAreTheKeysOfVerbs(t *testing.T) {
	for _, v := range knownVerbs {
		if _, ok := verbs[v]; !ok {
			t.Errorf("%s is not in verbs", v)
		}
	}
	if len(knownVerbs) != len(verbs) {
		t.Errorf("%d known verbs, %d rows in verbs", len(knownVerbs), len(verbs))
	}
}
