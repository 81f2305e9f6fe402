package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
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

// put queues a result of a kilobyte and reports whether there was room.
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
	if took := time.Since(begin); took > 30*time.Second {
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
	if took := time.Since(begin); took > 4*patience {
		t.Errorf("the end took %v", took)
	}
	if n := out.count.unreported.Load(); n < 1 || n > 201 {
		t.Errorf("%d of 200 results and the last words are counted as not written", n)
	}
	go io.Copy(io.Discard, r)
	<-out.done
}
