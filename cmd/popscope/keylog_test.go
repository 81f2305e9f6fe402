package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"popscope/reassembly/tlsdec"
)

// TestFollowKeyLog: a log that grows by parts of lines, and is cut and
// written anew.
func TestFollowKeyLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	write := func(flag int, text string) {
		t.Helper()
		f, err := os.OpenFile(name, flag|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	line := func(n int) string {
		return fmt.Sprintf("CLIENT_RANDOM %064x %s\n", n, strings.Repeat("ab", 48))
	}
	write(os.O_CREATE, line(1))
	ctx, cancel := context.WithCancel(context.Background())
	in, err := openInput(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	keys := new(tlsdec.KeyLog)
	growing := newGrowingLog(in, keys)
	var follower sync.WaitGroup
	follower.Go(func() { growing.follow(ctx) })
	defer follower.Wait()
	defer cancel()
	until := func(secrets int64) {
		t.Helper()
		for range 1200 {
			if keys.Counts().Secrets == secrets {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("got %+v, want %d secrets", keys.Counts(), secrets)
	}
	until(1)
	write(os.O_APPEND, line(2)+line(3)[:50])
	until(2)
	write(os.O_APPEND, line(3)[50:])
	until(3)
	write(os.O_TRUNC, line(4))
	until(4)
	write(os.O_APPEND, line(5))
	if growing.catchUp(); keys.Counts().Secrets != 5 {
		t.Errorf("got %+v, want 5 secrets at once", keys.Counts())
	}
}
