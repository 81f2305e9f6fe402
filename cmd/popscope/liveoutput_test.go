package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popscope"
	"popscope/capture/capturetest"
)

// blockedOutput returns an output to a pipe, and its other end.
func blockedOutput(t *testing.T) (*liveOutput, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p := newProgram(context.Background(), nil, w, &bytes.Buffer{})
	out, err := p.newLiveOutput(context.Background(), &output{format: "jsonl"}, &tally{}, func(err error) { t.Errorf("told of %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return out, r
}

// putKilobyte queues a result of a kilobyte and reports whether there was room.
func putKilobyte(out *liveOutput) bool {
	out.scratch.WriteString(strings.Repeat("x", 1023) + "\n")
	return out.put(queueBytes)
}

// TestBlockedOutput fills the queue of an output that nobody reads, then
// reads: all that found room is there, and the rest was counted.
func TestBlockedOutput(t *testing.T) {
	capturetest.NoLeaks(t)
	out, r := blockedOutput(t)
	const results = queueBytes>>10 + 5000
	dropped := 0
	begin := time.Now()
	for range results {
		if !putKilobyte(out) {
			dropped++
		}
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("queueing took %v", took)
	}
	if dropped == 0 || int64(dropped) != out.count.unreported.Load() {
		t.Errorf("%d results had no room, %d were counted", dropped, out.count.unreported.Load())
	}
	lines := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(r); s.Scan(); {
			if len(s.Bytes()) == 1023 {
				n++
			}
			if strings.HasPrefix(s.Text(), `{"type":"summary"`) {
				break
			}
		}
		lines <- n
	}()
	if err := out.close(popscope.Summary{}); err != nil {
		t.Fatal(err)
	}
	if got, want := <-lines, results-dropped; got != want {
		t.Errorf("%d results were written, want %d", got, want)
	}
}

// TestBlockedAtTheEnd ends while nobody reads.
func TestBlockedAtTheEnd(t *testing.T) {
	capturetest.NoLeaks(t)
	out, r := blockedOutput(t)
	for range 200 {
		putKilobyte(out)
	}
	begin := time.Now()
	err := out.close(popscope.Summary{})
	if !errors.Is(err, errBlocked) {
		t.Errorf("close: %v, want %v", err, errBlocked)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("the end took %v", took)
	}
	if n := out.count.unreported.Load(); n < 1 || n > 201 {
		t.Errorf("%d of 200 results and the last words are counted as not written", n)
	}
	go io.Copy(io.Discard, r)
	<-out.done
}

// TestHeadOfEachFile: what the lines of a format need above them stands once
// at the beginning of each file, however that came about.
func TestHeadOfEachFile(t *testing.T) {
	const csv, other, run = "session,closed\n", "session,start\n", `{"type":"run"}` + "\n"
	type act func(t *testing.T, out *liveOutput)
	row := func(t *testing.T, out *liveOutput) {
		out.scratch.WriteString("row\n")
		out.put(queueBytes)
		for out.written.Load() < out.queued.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	hangup := func(t *testing.T, out *liveOutput) {
		if err := out.reopen(context.Background()); err != nil {
			t.Error(err)
		}
	}
	move := func(t *testing.T, out *liveOutput) { os.Rename(out.name, out.name+".1") }
	empty := func(t *testing.T, out *liveOutput) { os.Truncate(out.name, 0) }
	rows := []struct {
		name, format string
		head, before string // what the file holds when the run begins
		acts         []act
		want, moved  string
	}{
		{"nothing to tell", "csv", csv, "", nil, csv, ""},
		{"lines", "csv", csv, "", []act{row, row}, csv + "row\nrow\n", ""},
		{"restart", "csv", csv, csv + "old\n", []act{row}, csv + "old\nrow\n", ""},
		{"restart with nothing to tell", "csv", csv, csv + "old\n", nil, csv + "old\n", ""},
		{"restart with other columns", "csv", csv, other + "old\n", []act{row}, other + "old\n" + csv + "row\n", ""},
		{"moved", "csv", csv, "", []act{row, move, hangup, row, row}, csv + "row\nrow\n", csv + "row\n"},
		{"moved before the first line", "csv", csv, "", []act{move, hangup, row}, csv + "row\n", ""},
		{"moved, and nothing more", "csv", csv, "", []act{row, move, hangup}, csv, csv + "row\n"},
		{"not moved", "csv", csv, "", []act{row, hangup, row}, csv + "row\nrow\n", ""},
		{"copied and emptied", "csv", csv, "", []act{row, empty, hangup, row}, csv + "row\n", ""},
		{"a run", "jsonl", run, "", []act{row}, run + "row\n", ""},
		{"another run", "jsonl", run, run + "old\n", []act{row, hangup, row}, run + "old\n" + run + "row\nrow\n", ""},
		{"a run whose file is moved", "jsonl", run, "", []act{row, move, hangup, row}, run + "row\n", run + "row\n"},
		{"no records of runs", "jsonl", "", "", []act{row, move, hangup, row}, "row\n", "row\n"},
	}
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			capturetest.NoLeaks(t)
			name := filepath.Join(t.TempDir(), "out")
			if c.before != "" {
				if err := os.WriteFile(name, []byte(c.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out := &liveOutput{name: name, format: &headOnly{c.head}, count: &tally{}, tell: func(err error) { t.Error(err) }, done: make(chan struct{})}
			out.changed.L = &out.mu
			if err := out.begin(context.Background(), c.format); err != nil {
				t.Fatal(err)
			}
			go out.run()
			for _, do := range c.acts {
				do(t, out)
			}
			if err := out.close(popscope.Summary{}); err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(name)
			moved, _ := os.ReadFile(name + ".1")
			if string(got) != c.want || string(moved) != c.moved {
				t.Errorf("the file and the one moved away:\n got %q, %q\nwant %q, %q", got, moved, c.want, c.moved)
			}
		})
	}
}

// headOnly is a format of which nothing but the header is used.
type headOnly struct{ head string }

func (h *headOnly) TakeHeader() []byte           { return []byte(h.head) }
func (h *headOnly) Write(*popscope.Result) error { return nil }
func (h *headOnly) Close(popscope.Summary) error { return nil }
