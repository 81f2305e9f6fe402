package report

import (
	"testing"

	"popscope"
	"popscope/capture/packet"
)

// What was passed over is explained by the name under which it is counted.
func TestIgnoredMeans(t *testing.T) {
	reasons := []string{
		"not_pop3_connections", "not_pop3_in_tls", "tls_held_no_longer", "no_data_connections", "stray_segments", "shed_connections",
		"shed_half_open", "other_port", "fragments_incomplete", "fragments_overlapping", "fragments_malformed",
		popscope.SecretBlocks, popscope.NotHashed, popscope.ShedUndecided,
	}
	for v := packet.IsFragment + 1; v <= packet.Encrypted; v++ {
		reasons = append(reasons, v.String())
	}
	for _, reason := range reasons {
		if ignoredReasons[reason].means == "" {
			t.Errorf("nothing is said of %s", reason)
		}
	}
}
