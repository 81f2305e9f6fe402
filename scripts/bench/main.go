// Bench times popscope against the tools that do less, on the same large
// captures, and says whether each result was right.
//
//	go run ./scripts/bench [-dir DIR] [-rounds N] [-scale X] [-slow] [-o FILE]
//
// The captures are made by scripts/bigcapture in DIR, once: they take about
// 2.3 GB there. Every pair of commands runs in alternation, first one then
// the other, so that what else the machine does meets both alike. The ratio
// of a pair is the median over the rounds of the ratios of neighbours.
//
// With -scaling it shows instead how the time depends on the number of
// workers, the size of the capture and the connections open at once.
//
// The work is shared out like this:
//
//	workload   the captures and the truth about them (workload.go)
//	contest    a command of ours, a peer, and the target (contest.go)
//	process    one run: seconds, CPU seconds, peak memory (process.go)
//	check      was the result the truth? (check.go)
//	scaling    one command of ours on many captures (scaling.go)
//	page       the outcome as Markdown (page.go)
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// settings are the flags.
type settings struct {
	dir     string
	rounds  int
	scale   float64
	slow    bool
	scaling bool
	output  string
	only    string
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", filepath.Join(os.TempDir(), "popscope-bench"), "`DIR` for the captures, which are kept")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each pair of commands runs")
	flag.Float64Var(&s.scale, "scale", 1, "size of the captures, as a share of the full one")
	flag.BoolVar(&s.slow, "slow", false, "also run the peers that take minutes, once")
	flag.BoolVar(&s.scaling, "scaling", false, "show how time depends on workers, size and connections; with -slow up to 4 GB")
	flag.StringVar(&s.output, "o", "", "also write the outcome to `FILE`")
	flag.StringVar(&s.only, "only", "", "only contests whose name contains `TEXT`")
	flag.Parse()
	if err := s.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s settings) run() error {
	if s.rounds < 1 || s.scale <= 0 || flag.NArg() > 0 {
		return fmt.Errorf("usage: bench [-dir DIR] [-rounds N] [-scale X] [-slow] [-o FILE]")
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	popscope, err := build(s.dir, "./cmd/popscope")
	if err != nil {
		return err
	}
	generator, err := build(s.dir, "./scripts/bigcapture")
	if err != nil {
		return err
	}
	if s.scaling {
		text, err := s.scalingTables(popscope, generator)
		if err != nil {
			return err
		}
		return s.write(text)
	}
	loads, err := workloads(generator, s.dir, s.scale)
	if err != nil {
		return err
	}
	var p page
	p.begin(s, loads)
	for _, c := range contests(popscope) {
		for _, name := range c.loads {
			if !c.wanted(s.only) {
				continue
			}
			r := c.hold(loads[name], s)
			p.add(r)
			fmt.Fprintln(os.Stderr, r.line())
		}
	}
	return s.write(p.text())
}

// write prints the outcome, and puts it into the file that was asked for.
func (s settings) write(text string) error {
	fmt.Print(text)
	if s.output == "" {
		return nil
	}
	return os.WriteFile(s.output, []byte(text), 0o644)
}
