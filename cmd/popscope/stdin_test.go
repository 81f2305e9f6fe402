package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestUntilDonePassesEverythingOn(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct {
		name string
		r    io.Reader
	}{
		{"in blocks", strings.NewReader(text)},
		{"byte by byte", iotest.OneByteReader(strings.NewReader(text))},
		{"the end together with data", iotest.DataErrReader(strings.NewReader(text))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := iotest.TestReader(untilDone(context.Background(), c.r), []byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUntilDoneKeepsErrors(t *testing.T) {
	broken := errors.New("broken")
	r := untilDone(context.Background(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)))
	got, err := io.ReadAll(r)
	if string(got) != "abc" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("the next read: %v", err)
	}
}

func TestUntilDoneEndsWhileAReadWaits(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	u := untilDone(ctx, r)
	cancel()
	for range 3 {
		if n, err := u.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("got %d, %v", n, err)
		}
	}
}
