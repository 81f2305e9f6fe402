//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"popscope/capture/capturetest"
)

var signals = flag.Int("signals", 0, "how many runs of the program `N` to send a signal; 0: a few")

// TestSignalsAtAnyTime: whenever a signal comes, no output is left that is
// not whole, no temporary file stays, and the exit status tells what
// happened. The times are random, as they are in life.
func TestSignalsAtAnyTime(t *testing.T) {
	runs := *signals
	if runs == 0 {
		if runs = 60; testing.Short() {
			runs = 12
		}
	}
	input := manyMails(t)
	rows := []struct {
		name string
		args func(dir string) []string
		out  string // the file that is to be whole or absent
	}{
		{"jsonl", func(dir string) []string { return []string{"analyze", "--json", "-o", dir + "/out", "-"} }, "out"},
		{"html", func(dir string) []string { return []string{"analyze", "-f", "html", "-o", dir + "/out", "-"} }, "out"},
		{"audit", func(dir string) []string { return []string{"audit", "--json", "-o", dir + "/out", "-"} }, "out"},
		{"packets", func(dir string) []string { return []string{"packets", "-f", "jsonl", "-o", dir + "/out", "-"} }, "out"},
		{"sanitize", func(dir string) []string { return []string{"sanitize", "-o", dir + "/out", "-"} }, "out"},
		{"extract", func(dir string) []string { return []string{"extract", "-o", dir + "/mail", "-"} }, "mail"},
	}
	how := map[int]int{}
	for i := range runs {
		row := rows[i%len(rows)]
		sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[i/len(rows)%3]
		dir := t.TempDir()
		status := interrupt(t, row.args(dir), dir, input, sig, time.Duration(rand.Int64N(int64(250*time.Millisecond))))
		how[status]++
		if status != statusDone && status != statusInterrupted && status != -1 {
			t.Fatalf("%s, %v: exit status %d", row.name, sig, status)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != row.out {
				t.Errorf("%s, %v: %s is left", row.name, sig, e.Name())
			}
		}
		path := filepath.Join(dir, row.out)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if row.out == "mail" {
			wholeFolder(t, path)
		} else {
			wholeFile(t, row.name, path)
		}
	}
	t.Logf("exit statuses: %v (-1: the signal came before the program had begun)", how)
}

// interrupt runs the program on an input that comes in small pieces, sends
// it a signal, and returns its exit status; -1 when the signal killed it.
func interrupt(t *testing.T, args []string, dir string, input []byte, sig syscall.Signal, after time.Duration) int {
	t.Helper()
	cmd := exec.Command("popscope", args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer in.Close()
		for piece := range bytesInPieces(input, 16<<10) {
			if _, err := in.Write(piece); err != nil {
				return
			}
		}
	}()
	timer := time.AfterFunc(after, func() { cmd.Process.Signal(sig) })
	defer timer.Stop()
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() != sig {
		t.Fatalf("%v: ended by %v", args, s.Signal())
	}
	if bytes.Contains(stderr.Bytes(), []byte("panic")) {
		t.Fatalf("%v: %s", args, stderr.Bytes())
	}
	return cmd.ProcessState.ExitCode()
}

func bytesInPieces(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// manyMails returns a capture of some megabytes with many messages.
func manyMails(t *testing.T) []byte {
	t.Helper()
	var text strings.Builder
	text.WriteString("S: +OK ready\nC: USER alice\nS: +OK\nC: PASS wonderland-7\nS: +OK\n")
	for range 200 {
		text.WriteString("C: RETR 1\nS: +OK\nS: Subject: one of many\nS:\nS* 300 A line of it, and another one follows.\\r\\n\nS: .\n")
	}
	text.WriteString("C: QUIT\nS: +OK\n")
	d, err := capturetest.Parse("many", text.String())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := capturetest.WritePcap(&b, d.Trace().Packets(capturetest.Plain())); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wholeFile fails unless an output is complete.
func wholeFile(t *testing.T, name, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch name {
	case "html":
		if !bytes.HasSuffix(bytes.TrimSpace(b), []byte("</html>")) {
			t.Errorf("%s ends with %q", name, b[max(0, len(b)-80):])
		}
	case "jsonl", "audit", "packets":
		if len(b) > 0 && b[len(b)-1] != '\n' {
			t.Errorf("%s has a partial record at its end", name)
		}
		for line := range bytes.Lines(b) {
			if !json.Valid(line) {
				t.Fatalf("%s: %q", name, line)
			}
		}
		if name == "jsonl" && !bytes.Contains(b, []byte("\n{\"type\":\"summary\"")) {
			t.Errorf("%s has no summary", name)
		}
	}
}

// wholeFolder fails unless the manifest tells the truth of every file.
func wholeFolder(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{"manifest.jsonl": true}
	for line := range bytes.Lines(b) {
		var r struct {
			File   string
			Octets int64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if r.File == "" {
			continue
		}
		told[r.File] = true
		if info, err := os.Stat(filepath.Join(dir, r.File)); err != nil || info.Size() != r.Octets {
			t.Errorf("%s: %v, want %d octets", r.File, err, r.Octets)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !told[e.Name()] {
			t.Errorf("%s is in no manifest", e.Name())
		}
	}
}

// TestInterruptedAtNamedPipes: wherever a named pipe is waited for, to open
// it or for bytes, an interruption ends the program at once, with what there
// is.
func TestInterruptedAtNamedPipes(t *testing.T) {
	dir := t.TempDir()
	pipe, out := filepath.Join(dir, "pipe"), filepath.Join(dir, "out")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	whole := writeDialog(t, "rfc1939-section10")
	session, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	line := "CLIENT_RANDOM " + strings.Repeat("ab", 32) + " " + strings.Repeat("cd", 48) + "\n"
	rows := []struct {
		name string
		feed string // what the pipe gives before it is silent; "" means that it has no other end
		args []string
		want string // in the report; "" means that there is none
	}{
		{"capture", string(session), []string{"analyze", "--json", pipe}, `"type":"session"`},
		{"capture among files", string(session), []string{"analyze", "--json", whole, pipe}, `"type":"summary"`},
		{"capture in the middle of a packet", string(session[:len(session)-3]), []string{"analyze", "--json", pipe}, `"type":"session"`},
		{"capture with --output", string(session), []string{"analyze", "--json", "--output", out, pipe}, `"type":"session"`},
		{"capture for packets", string(session), []string{"packets", pipe}, "RETR"},
		{"capture for sanitize", string(session), []string{"sanitize", "-o", out, pipe}, "RETR"},
		{"key log", line, []string{"analyze", "--keylog", pipe, whole}, ""},
		{"policy", "disable: [", []string{"audit", "--policy", pipe, whole}, ""},
		{"baseline", `{"type":"run"}`, []string{"audit", "--baseline", pipe, whole}, ""},
		{"no capture", "", []string{"analyze", pipe}, ""},
		{"no capture among files", "", []string{"analyze", "--json", whole, pipe}, `"type":"summary"`},
		{"no key log", "", []string{"analyze", "--keylog", pipe, whole}, ""},
		{"no policy", "", []string{"audit", "--policy", pipe, whole}, ""},
		{"no baseline", "", []string{"audit", "--baseline", pipe, whole}, ""},
		{"nobody reads --output", "", []string{"analyze", "--output", pipe, whole}, ""},
		{"nobody reads --output of packets", "", []string{"packets", "--output", pipe, whole}, ""},
		{"nobody reads --output of rules", "", []string{"audit", "--rules", "--output", pipe}, ""},
		{"nobody reads --output of sanitize", "", []string{"sanitize", "--output", pipe, whole}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			capturetest.NoLeaks(t)
			os.Remove(out)
			if row.feed != "" {
				w, err := os.OpenFile(pipe, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				if _, err := w.WriteString(row.feed); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			var stdout, stderr strings.Builder
			ended := make(chan int, 1)
			go func() { ended <- execute(ctx, row.args, strings.NewReader(""), &stdout, &stderr) }()
			untilAtPipe(t)
			cancel()
			select {
			case status := <-ended:
				if status != statusInterrupted || strings.Count(stderr.String(), "interrupted") != 1 || strings.Count(stderr.String(), "\n") != 1 {
					t.Errorf("exit status %d, want %d: %s", status, statusInterrupted, stderr.String())
				}
			case <-time.After(time.Minute):
				t.Error("the program does not end")
			}
			if row.feed == "" {
				free(t, pipe)
			}
			report := stdout.String()
			if b, err := os.ReadFile(out); err == nil {
				report = string(b)
			}
			if got := strings.Contains(report, row.want); !got || row.want == "" && report != "" {
				t.Errorf("the report is %.500q, want %q in it", report, row.want)
			}
			if _, after, any := strings.Cut(report, `"errors":`); any && !strings.HasPrefix(after, `["interrupted: only what was read until then is reported"]`) {
				t.Errorf("an interruption is told as damage: %s", report)
			}
		})
	}
}

// TestInterruptedAtABlockedOutput: an interruption ends the program also while
// nobody reads what it writes.
func TestInterruptedAtABlockedOutput(t *testing.T) {
	dir := t.TempDir()
	input, pipe := filepath.Join(dir, "mail.pcap"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(input, manyMails(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, args := range map[string][]string{"standard output": nil, pipe: {"-o", pipe}} {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var stderr strings.Builder
		ended := make(chan int, 1)
		go func() {
			ended <- execute(ctx, append([]string{"packets", "--hex", input}, args...), strings.NewReader(""), w, &stderr)
		}()
		untilAtPipe(t)
		cancel()
		select {
		case status := <-ended:
			if want := "popscope: " + name + ": not written: it takes nothing more\n"; status != statusIncomplete || stderr.String() != want {
				t.Errorf("exit status %d, want %d: got %q, want %q", status, statusIncomplete, stderr.String(), want)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: the program does not end", name)
		}
		w.Close() // nothing is left behind
	}
}

// untilAtPipe waits until the program waits in an open, in a read of what
// openInput has opened, or in a write. It has read all there is then: it was
// seen there several times.
func untilAtPipe(t *testing.T) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for seen := 0; seen < 3; time.Sleep(10 * time.Millisecond) {
		stacks := capturetest.Stacks()
		if slices.ContainsFunc(strings.Split(stacks, "\n\n"), waitsForOthers) {
			seen++
			continue
		}
		seen = 0
		if time.Now().After(limit) {
			t.Errorf("the program does not come to the pipe:\n%s", stacks)
			return
		}
	}
}

// waitsForOthers reports whether the stack is that of a goroutine in which
// the program opens, reads or writes what may have to wait.
func waitsForOthers(stack string) bool {
	state, calls, _ := strings.Cut(stack, "\n")
	return (strings.Contains(state, "[IO wait") || strings.Contains(state, "[syscall")) &&
		(strings.Contains(calls, "created by popscope/cmd/popscope.opening[") || strings.Contains(calls, "created by popscope/cmd/popscope.(*waiting).Read") ||
			strings.Contains(calls, "created by popscope/cmd/popscope.(*unstuck).Write"))
}

// TestSignalThatComesTwice: timeout(1) sends its signal to the program and to
// the group that it is in. That is no second one, which ends it at once.
func TestSignalThatComesTwice(t *testing.T) {
	cmd := exec.Command("popscope", "analyze", "--json", "-")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
	input := manyMails(t)
	if _, err := in.Write(input[:len(input)/2]); err != nil { // it is at work when the pipe has taken all that
		t.Fatal(err)
	}
	for range 20 {
		cmd.Process.Signal(syscall.SIGTERM) // until it has ended
		time.Sleep(time.Millisecond)
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != statusInterrupted || !strings.Contains(stdout.String(), `{"type":"summary"`) {
		t.Errorf("%v, want exit status %d and a summary: %.500q", cmd.ProcessState, statusInterrupted, stdout.String())
	}
}

// TestNohup: a SIGHUP that the program was started to ignore does not end it.
func TestNohup(t *testing.T) {
	input, dir := manyMails(t), t.TempDir()
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec popscope analyze --json -o out -`)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
	if _, err := in.Write(input[:len(input)/2]); err != nil { // it is at work when the pipe has taken all that
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	time.Sleep(200 * time.Millisecond)
	in.Write(input[len(input)/2:]) // an error shows below
	in.Close()
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v, %s", err, stderr.String())
	}
	wholeFile(t, "jsonl", filepath.Join(dir, "out"))
	if b, err := os.ReadFile(filepath.Join(dir, "out")); err != nil || !bytes.Contains(b, []byte(`"messages":200,`)) {
		t.Errorf("%v: not all messages are in %.500q", err, b)
	}
}

// free lets whoever still waits for the other end of a named pipe go on.
func free(t *testing.T, pipe string) {
	f, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	f.Close()
}
