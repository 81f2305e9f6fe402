package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runner runs the program on hostile captures.
type runner struct {
	program string
	limit   int64         // bytes of memory that it may take
	patient time.Duration // and how long
}

// mode is one way to run it.
type mode struct {
	name string
	args []string
	json bool
}

// modes are what each capture is put through.
func modes(dir string) []mode {
	return []mode{
		{"analyze jsonl", []string{"analyze", "--json", "-"}, true},
		{"analyze table", []string{"analyze", "--color", "never", "-"}, false},
		{"audit", []string{"audit", "--color", "never", "-"}, false},
		{"extract", []string{"extract", "-o", filepath.Join(dir, "mail"), "--json", "--attachments", "-"}, true},
	}
}

// result is what one run took and told.
type result struct {
	n    int
	peak int64 // bytes of resident memory
	wall time.Duration
	told string
}

// run runs the program in one mode on a kind of capture. The error says
// which promise was broken.
func (r *runner) run(k *kind, m mode, n int) (result, error) {
	out := result{n: n}
	cmd := exec.Command(r.program, m.args...)
	limited(cmd, r.limit)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return out, err
	}
	in, feed := io.Pipe()
	cmd.Stdin = in
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return out, err
	}
	made := make(chan error, 1)
	go func() {
		err := k.write(feed, n)
		made <- err
		feed.Close()
	}()
	late := time.AfterFunc(r.patient, func() { cmd.Process.Kill() })
	defer late.Stop()

	var o outcome
	read := inert
	if m.json {
		read = o.read
	}
	wrong := read(stdout)
	io.Copy(io.Discard, stdout)
	in.CloseWithError(io.ErrClosedPipe) // the program may have seen enough
	werr := <-made
	err = cmd.Wait()
	out.wall = time.Since(begin)
	out.peak = peak(cmd.ProcessState)
	var exit *exec.ExitError
	switch {
	case wrong != nil:
		return out, wrong
	case werr != nil && !errors.Is(werr, io.ErrClosedPipe):
		return out, werr
	case err != nil && !errors.As(err, &exit):
		return out, err
	case cmd.ProcessState.ExitCode() != k.exit:
		return out, fmt.Errorf("%v, want status %d: %.300s", cmd.ProcessState, k.exit, stderr.String())
	case out.peak > r.limit:
		return out, fmt.Errorf("%d MB of memory", out.peak/mb)
	case strings.Count(stderr.String(), "\n") > 3:
		return out, fmt.Errorf("talks too much: %.300s", stderr.String())
	}
	return out, out.tell(k, m, &o)
}

// tell checks what the records of a run tell.
func (r *result) tell(k *kind, m mode, o *outcome) error {
	switch {
	case !m.json:
		return nil
	case o.whole() != nil:
		return o.whole()
	case m.name == "extract":
		r.told = fmt.Sprintf("records %d", o.records)
		return nil
	}
	told, ok := k.told(r.n, o)
	r.told = told
	if !ok {
		return errors.New("that is not what there was: " + told)
	}
	return nil
}

// matrix runs all kinds in all modes, prints a row for each run, and
// returns how many broke a promise.
func (r *runner) matrix(w io.Writer, ks []kind, size func(*kind) int) (int, error) {
	fmt.Fprintln(w, "| capture | mode | peak memory | time | told | promise |\n| --- | --- | ---: | ---: | --- | --- |")
	broken := 0
	for i := range ks {
		k := &ks[i]
		dir, err := os.MkdirTemp("", "hostile-")
		if err != nil {
			return broken, err
		}
		for _, m := range modes(dir) {
			res, err := r.run(k, m, size(k))
			kept := "kept"
			if err != nil {
				broken++
				kept = "BROKEN: " + err.Error()
			}
			fmt.Fprintf(w, "| %s: %d %s | %s | %d MB | %.1f s | %s | %s |\n",
				k.name, res.n, k.unit, m.name, res.peak/mb, res.wall.Seconds(), res.told, kept)
		}
		if err := os.RemoveAll(dir); err != nil {
			return broken, err
		}
	}
	return broken, nil
}
