package popscope

import (
	"testing"

	"popscope/capture/capturetest"
)

// TestHurryLetsMessagesPass: while the workers are behind, messages are
// counted and measured, and neither hashed nor outlined; what comes later is.
func TestHurryLetsMessagesPass(t *testing.T) {
	d, err := capturetest.Parse("hurry", "S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\n"+
		"C: RETR 1\nS: +OK\nS: Subject: one\nS:\nS: body\nS: .\nC: QUIT\nS: +OK\n")
	if err != nil {
		t.Fatal(err)
	}
	packets := d.Trace().Packets(capturetest.Plain())
	for _, behind := range []bool{true, false} {
		a := New(Options{Workers: 1})
		for _, s := range a.shards {
			s.behind = behind
		}
		for r, err := range a.Results(capturetest.Source(packets)) {
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Messages) != 1 || r.Messages[0].Octets != 22 {
				t.Fatalf("behind %v: messages %+v", behind, r.Messages)
			}
			m := &r.Messages[0]
			if hashed := m.SHA256 != [32]byte{}; hashed == behind || (m.Mail != nil) == behind {
				t.Errorf("behind %v: hashed %v, outline %v", behind, hashed, m.Mail)
			}
		}
		want := int64(0)
		if behind {
			want = 1
		}
		if got := a.Summary().Ignored[NotHashed]; got != want {
			t.Errorf("behind %v: %d counted as not hashed", behind, got)
		}
	}
}
