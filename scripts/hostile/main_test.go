package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"popscope/capture/capturetest"
)

// TestPromisesAreKept puts a small capture of each kind through the real
// program. What a test of a second can show of memory is little: run the
// full sizes with make hostile.
func TestPromisesAreKept(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is missing")
	}
	program, err := build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := runner{program: program, limit: 384 << 20, patient: time.Minute}
	for _, k := range capturetest.Some(kinds) {
		t.Run(k.name, func(t *testing.T) {
			all := modes(t.TempDir())
			if testing.Short() {
				all = all[:1]
			}
			for _, m := range all {
				if res, err := r.run(&k, m, k.short); err != nil {
					t.Errorf("%s: %v (%d MB, %v)", m.name, err, res.peak/mb, res.wall)
				}
			}
		})
	}
}

// TestBrokenPromisesAreTold: a program that does something else is found
// out, whichever promise it breaks.
func TestBrokenPromisesAreTold(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("sh is missing")
	}
	k := &kinds[len(kinds)-1]
	for _, row := range []struct{ name, script, want string }{
		{"status", `cat >/dev/null; echo '{"type":"run"}'; echo '{"type":"summary","packets":1}'; exit 4`, "exit status 4"},
		{"partial record", `cat >/dev/null; printf '{"type":"run"}\n{"type":"summ'`, "a partial line"},
		{"no JSON", `cat >/dev/null; echo hello`, "invalid character"},
		{"no summary", `cat >/dev/null; echo '{"type":"run"}'`, `end with "run"`},
		{"another truth", `cat >/dev/null; echo '{"type":"run"}'; echo '{"type":"summary","packets":1}'`, "sessions 0"},
		{"too much talk", `cat >/dev/null; echo '{"type":"run"}'; echo '{"type":"summary","packets":1}'; printf 'a\nb\nc\nd\n' >&2`, "talks too much"},
		{"no end", `cat >/dev/null; exec sleep 600`, "signal: killed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := runner{program: "sh", limit: 512 << 20, patient: time.Minute}
			if row.name == "no end" {
				r.patient = 2 * time.Second
			}
			_, err := r.run(k, mode{name: "analyze jsonl", args: []string{"-c", row.script}, json: true}, 6)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("\n got %v\nwant %s", err, row.want)
			}
		})
	}
	if err := inert(strings.NewReader("a\x1b[2J\n")); err == nil {
		t.Error("an escape sequence is no control character")
	}
	if err := inert(bytes.NewReader([]byte("a\xff\n"))); err == nil {
		t.Error("a bad byte is UTF-8")
	}
}

// TestWriteOneWritesTheSameTwice: a kind is a capture, not chance.
func TestWriteOneWritesTheSameTwice(t *testing.T) {
	for i := range kinds {
		k := &kinds[i]
		var a, b bytes.Buffer
		if err := k.write(&a, 3); err != nil {
			t.Fatal(err)
		}
		if err := k.write(&b, 3); err != nil {
			t.Fatal(err)
		}
		if a.Len() == 0 || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: %d and %d bytes, not the same", k.name, a.Len(), b.Len())
		}
	}
}
