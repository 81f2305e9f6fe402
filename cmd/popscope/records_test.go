package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordsWithoutMessages holds the other records to what they are when
// messages are looked into too.
func TestRecordsWithoutMessages(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcap/*.pcap*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	analyze := func(flags ...string) string {
		var out, complaint bytes.Buffer
		execute(context.Background(), append([]string{"analyze", "--json"}, flags...), nil, &out, &complaint)
		return out.String()
	}
	messages := 0
	for _, file := range files {
		var want strings.Builder
		for line := range strings.Lines(analyze(file)) {
			if strings.HasPrefix(line, `{"type":"message"`) {
				messages++
				continue
			}
			want.WriteString(line)
		}
		got := analyze("--records", "run,exchange,login,finding,session,summary", file)
		if got != want.String() {
			t.Errorf("%s:\n got %s\nwant %s", file, got, want.String())
		}
	}
	if messages == 0 {
		t.Error("no recording has a message")
	}
}
