package main

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"popscope/capture"
)

// An interruption ends a source before its next packet, and does not wait for
// one: on a slow pipe that might be long.
func TestInterruptionEndsASource(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Write(&capture.Packet{Data: []byte("frame"), Orig: 5}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := newProgram(ctx, nil, io.Discard, io.Discard)
	open := func() *untilDoneSource {
		pipe, feed := io.Pipe()
		go feed.Write(file.Bytes()) // and then nothing
		t.Cleanup(func() { feed.Close() })
		src, err := capture.NewReader("pipe", pipe)
		if err != nil {
			t.Fatal(err)
		}
		return p.untilDoneSource(src)
	}
	src, late := open(), open()
	var got capture.Packet
	for range 2 {
		if err := src.Next(&got); err != nil {
			t.Fatal(err)
		}
	}
	if err := late.Next(&got); err != nil {
		t.Fatal(err)
	}
	cancel()
	ended := make(chan error, 3)
	go func() {
		for !src.done.Load() || !late.done.Load() {
			time.Sleep(time.Millisecond)
		}
		ended <- src.Next(&got)
		ended <- late.Next(&got)
		ended <- open().Next(&got)
	}()
	for _, name := range []string{"with nothing left", "with a packet left", "opened afterwards"} {
		select {
		case err := <-ended:
			if err != io.EOF {
				t.Errorf("%s: %v, want %v", name, err, io.EOF)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it waits", name)
		}
	}
}
