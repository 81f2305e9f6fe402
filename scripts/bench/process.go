package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// run is what one run of a command took.
type run struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory
}

// execute runs a command to its end. What it writes to standard output goes
// to stdout, which may be nil.
func execute(args []string, stdout io.Writer) (run, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	r := run{wall: time.Since(begin)}
	if cmd.ProcessState == nil {
		return r, err
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.peak = peak(cmd.ProcessState)
	if err != nil {
		return r, fmt.Errorf("%s: %w: %s", args[0], err, bytes.Join(bytes.Fields(stderr.Bytes()), []byte(" ")))
	}
	return r, nil
}

// warm reads a file, so that it is in the page cache.
func warm(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}
