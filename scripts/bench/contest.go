package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// contest pits a command of ours against a peer.
type contest struct {
	name   string
	loads  []string // names of workloads
	ours   func(*workload, string) []string
	theirs func(*workload, string) []string
	target map[string]float64 // by workload: ours / theirs at most
	slow   bool               // the peer takes minutes: one round, and only if asked for
	right  func(*workload, string) (string, error)
}

// contests is the list of what is measured. A command gets the workload and
// a folder in memory, which is empty before each run.
func contests(popscope string) []contest {
	all := []string{"mail", "needle", "flood"}
	audit := func(w *workload, _ string) []string {
		return []string{popscope, "audit", "-q", "-o", os.DevNull, w.file}
	}
	analyze := func(w *workload, _ string) []string {
		return []string{popscope, "analyze", "-q", "--format", "jsonl", "-o", os.DevNull, w.file}
	}
	extract := func(w *workload, dir string) []string {
		return []string{popscope, "extract", "-q", "-o", filepath.Join(dir, "out"), w.file}
	}
	packets := func(w *workload, _ string) []string { return []string{popscope, "packets", "-q", w.file} }
	sanitize := func(w *workload, dir string) []string {
		return []string{popscope, "sanitize", "-q", "-o", filepath.Join(dir, "shared.pcap"), w.file}
	}
	list := func(w *workload, _ string) []string { return []string{"tcpdump", "-nn", "-r", w.file} }
	copied := func(w *workload, dir string) []string {
		return []string{"tcpdump", "-r", w.file, "-w", filepath.Join(dir, "copy.pcap")}
	}
	tcpdump := func(w *workload, _ string) []string { return []string{"tcpdump", "-r", w.file, "-w", os.DevNull} }
	cat := func(w *workload, _ string) []string { return []string{"cat", w.file} }
	tcpflow := func(w *workload, dir string) []string { return []string{"tcpflow", "-r", w.file, "-o", dir} }
	tshark := func(w *workload, _ string) []string {
		return []string{"tshark", "-q", "-z", "credentials", "-r", w.file}
	}
	dsniff := func(w *workload, _ string) []string { return []string{"dsniff", "-n", "-p", w.file} }
	return []contest{
		{"audit / tcpdump -w /dev/null", all, audit, tcpdump, map[string]float64{"mail": 0.85, "needle": 0.6, "flood": 0.75}, false, auditRight(popscope)},
		{"audit / cat", all, audit, cat, map[string]float64{"mail": 3, "needle": 2.5, "flood": 7}, false, nil},
		{"analyze --format jsonl / tcpdump -w /dev/null", all, analyze, tcpdump, map[string]float64{"mail": 2.5, "needle": 0.7, "flood": 3}, false, analyzeRight(popscope)},
		{"extract / tcpflow", []string{"mail"}, extract, tcpflow, map[string]float64{"mail": 0.25}, false, extractRight},
		{"packets / tcpdump -nn", []string{"mail", "flood"}, packets, list, nil, false, packetsRight(popscope)},
		{"sanitize / tcpdump -w FILE", []string{"mail", "flood"}, sanitize, copied, nil, false, sanitizeRight(popscope)},
		{"audit / dsniff -n", all, audit, dsniff, nil, false, nil},
		{"audit / tshark -q -z credentials", all, audit, tshark, map[string]float64{"mail": 1.0 / 50, "needle": 1.0 / 130, "flood": 1.0 / 60}, true, nil},
	}
}

func (c *contest) wanted(only string) bool { return strings.Contains(c.name, only) }

// result is the outcome of a contest on one workload.
type result struct {
	contest      *contest
	load         *workload
	ours, theirs []run
	verdict      string // "right", or what was wrong
	skipped      string // why it was not held; "" if it was
}

// hold runs the rounds of a contest.
func (c contest) hold(w *workload, s settings) *result {
	r := &result{contest: &c, load: w}
	rounds := s.rounds
	if c.slow {
		if !s.slow {
			r.skipped = "only with -slow"
			return r
		}
		rounds = 1
	}
	if name := c.theirs(w, "")[0]; !installed(name) {
		r.skipped = name + " is not installed"
		return r
	}
	if err := warm(w.file); err != nil {
		r.skipped = err.Error()
		return r
	}
	for range rounds {
		for _, side := range []struct {
			command func(*workload, string) []string
			runs    *[]run
		}{{c.ours, &r.ours}, {c.theirs, &r.theirs}} {
			one, err := inMemory(func(dir string) (run, error) { return execute(side.command(w, dir), nil) })
			if err != nil {
				r.skipped = err.Error()
				return r
			}
			*side.runs = append(*side.runs, one)
		}
	}
	if c.right != nil {
		r.verdict, _ = inMemory(func(dir string) (string, error) {
			v, err := c.right(w, dir)
			if err != nil {
				v = err.Error()
			}
			return v, nil
		})
	}
	return r
}

// inMemory calls f with an empty folder in a memory file system, if there is
// one, and removes it afterwards.
func inMemory[T any](f func(dir string) (T, error)) (T, error) {
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "popscope-bench-")
	if err != nil {
		var none T
		return none, err
	}
	defer os.RemoveAll(dir)
	return f(dir)
}

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// ratio returns the median of the ratios of neighbouring runs.
func (r *result) ratio() float64 {
	ratios := make([]float64, len(r.ours))
	for i := range r.ours {
		ratios[i] = r.ours[i].wall.Seconds() / r.theirs[i].wall.Seconds()
	}
	return median(ratios)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// line is the outcome in one line, for the terminal.
func (r *result) line() string {
	if r.skipped != "" {
		return fmt.Sprintf("%s, %s: skipped: %s", r.contest.name, r.load.name, r.skipped)
	}
	return fmt.Sprintf("%s, %s: %.3f %s", r.contest.name, r.load.name, r.ratio(), r.verdict)
}
