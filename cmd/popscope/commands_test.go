package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// needed are the arguments that commands cannot do without, besides files.
var needed = map[string]func(dir string) []string{
	"extract":  func(dir string) []string { return []string{"-o", filepath.Join(dir, "out")} },
	"maildrop": func(string) []string { return nil },
	"sanitize": func(dir string) []string { return []string{"-o", filepath.Join(dir, "out.pcap")} },
}

// outcome is how a run of the program went.
type outcome struct {
	status         int
	stdout, stderr string
}

func runWith(stdin io.Reader, args ...string) outcome {
	var stdout, stderr strings.Builder
	status := execute(context.Background(), args, stdin, &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

// everyReader calls f for each command that reads captures. args makes its
// arguments, with what it needs and what is given.
func everyReader(t *testing.T, f func(t *testing.T, args func(more ...string) []string)) {
	t.Helper()
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		if !strings.HasSuffix(cmd.Use, "FILE...") {
			t.Skip("reads no captures")
		}
		f(t, func(more ...string) []string {
			args := strings.Fields(cmd.CommandPath())[1:]
			if need := needed[cmd.Name()]; need != nil {
				args = append(args, need(t.TempDir())...)
			}
			return append(args, more...)
		})
	})
}

// wantFailure checks that a run failed as it should: a line that begins
// with the name of the program, and advice.
func wantFailure(t *testing.T, got outcome, status int, text string) {
	t.Helper()
	if got.status != status {
		t.Errorf("status %d, want %d", got.status, status)
	}
	first, rest, _ := strings.Cut(got.stderr, "\n")
	if !strings.HasPrefix(first, "popscope: ") || !strings.Contains(first, text) {
		t.Errorf("standard error begins with %q, want %q", first, text)
	}
	if !strings.HasPrefix(rest, "hint: ") || strings.Count(rest, "\n") != 1 {
		t.Errorf("no hint, or more: %q", rest)
	}
	if status == statusUsage && got.stdout != "" {
		t.Errorf("standard output: %q", got.stdout)
	}
}

func TestEveryCommandRefusesWrongUsage(t *testing.T) {
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		wantFailure(t, runWith(strings.NewReader(""), args()...), statusUsage, "no capture file")
		wantFailure(t, runWith(strings.NewReader(""), args("--no-such-flag", "a.pcap")...), statusUsage, "unknown flag: --no-such-flag")
		wantFailure(t, runWith(strings.NewReader(""), args("--format", "xyz", "a.pcap")...), statusUsage, `"xyz"`)
		wantFailure(t, runWith(strings.NewReader(""), args("-", "-")...), statusUsage, "once only")
	})
	everyCommand(t, func(t *testing.T, cmd *cobra.Command) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--no-such-flag")
		wantFailure(t, runWith(strings.NewReader(""), args...), statusUsage, "unknown flag: --no-such-flag")
	})
}

func TestEveryCommandTellsOfInputsItCannotRead(t *testing.T) {
	dir := t.TempDir()
	empty, junk := filepath.Join(dir, "empty"), filepath.Join(dir, "junk.pcap")
	os.WriteFile(empty, nil, 0o600)
	os.WriteFile(junk, []byte("this is no capture, but long enough to be one\n"), 0o600)
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		wantFailure(t, runWith(strings.NewReader(""), args(filepath.Join(dir, "none"))...), statusIncomplete, "no such file or directory")
		wantFailure(t, runWith(strings.NewReader(""), args(dir)...), statusIncomplete, "is a directory")
		wantFailure(t, runWith(strings.NewReader(""), args(empty)...), statusIncomplete, "empty")
		wantFailure(t, runWith(strings.NewReader(""), args(junk)...), statusIncomplete, "not a capture")
		wantFailure(t, runWith(strings.NewReader(""), args("-")...), statusIncomplete, "standard input")
	})
}

func TestEveryCommandReadsFilesAndStandardInput(t *testing.T) {
	path := writeDialog(t, "rfc1939-section10")
	capture, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		for name, got := range map[string]outcome{
			"a file":         runWith(strings.NewReader(""), args(path)...),
			"-r":             runWith(strings.NewReader(""), args("-r", path)...),
			"standard input": runWith(bytes.NewReader(capture), args("-")...),
		} {
			if got.status != statusDone || got.stderr != "" {
				t.Errorf("%s: status %d, %s", name, got.status, got.stderr)
			}
			if strings.Contains(got.stdout, "\x1b") {
				t.Errorf("%s: colours, and there is no terminal: %q", name, got.stdout)
			}
		}
	})
}

// closedPipeWriter is a pipe that nobody reads any more.
type closedPipeWriter struct{}

func (closedPipeWriter) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestEveryCommandEndsQuietlyWhenNobodyReads(t *testing.T) {
	path := writeDialog(t, "rfc1939-section10")
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		var stderr strings.Builder
		if status := execute(context.Background(), args(path), strings.NewReader(""), closedPipeWriter{}, &stderr); status != statusDone || stderr.Len() > 0 {
			t.Errorf("status %d, %s", status, stderr.String())
		}
	})
}

func TestEveryCommandTellsOfAFullDisk(t *testing.T) {
	path := writeDialog(t, "rfc1939-section10")
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		if runWith(strings.NewReader(""), args(path)...).stdout == "" {
			t.Skip("writes nothing to standard output")
		}
		var stderr strings.Builder
		status := execute(context.Background(), args(path), strings.NewReader(""), full{}, &stderr)
		if status != statusIncomplete || !strings.Contains(stderr.String(), "standard output: not written") {
			t.Errorf("status %d, %s", status, stderr.String())
		}
	})
}

// TestEveryTableFitsNarrowTerminals: 40 columns, and no word of ours is
// wider than that.
func TestEveryTableFitsNarrowTerminals(t *testing.T) {
	path := writeDialog(t, "rfc1939-section10")
	t.Setenv("COLUMNS", "40")
	t.Setenv("NO_COLOR", "1")
	everyReader(t, func(t *testing.T, args func(...string) []string) {
		got := runWith(strings.NewReader(""), args("--verbose", path)...)
		if got.status != statusDone {
			t.Fatalf("status %d, %s", got.status, got.stderr)
		}
		if t.Name() == "TestEveryTableFitsNarrowTerminals/popscope_packets" {
			return // lines as long as they are: see tcpdump
		}
		for line := range strings.Lines(got.stdout) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 40 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	})
}
