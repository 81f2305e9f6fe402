package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// page is the outcome as Markdown.
type page struct{ b strings.Builder }

func (p *page) begin(s settings, loads map[string]*workload) {
	fmt.Fprintf(&p.b, "## %s\n\n%s/%s, %d processors, %s, %s; medians of %d rounds, page cache warm.\n\n",
		time.Now().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), runtime.Version(), s.rounds)
	p.b.WriteString("| capture | MB | packets | sessions | logins | messages |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, k := range sizes {
		w := loads[k.kind]
		fmt.Fprintf(&p.b, "| %s | %d | %d | %d | %d | %d |\n", w.name, w.bytes/1e6, w.truth.Packets, w.truth.Sessions, w.truth.Logins, w.truth.Messages)
	}
	p.b.WriteString("\n| ours / theirs | capture | ratio | target | seconds | CPU seconds | MB/s | peak MiB | result |\n" +
		"| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
}

func (p *page) add(r *result) {
	target := "-"
	if t := r.contest.target[r.load.name]; t > 0 {
		target = fmt.Sprintf("%.3g", t)
	}
	if r.skipped != "" {
		fmt.Fprintf(&p.b, "| %s | %s | - | %s | - | - | - | - | %s |\n", r.contest.name, r.load.name, target, strings.ReplaceAll(r.skipped, "|", "/"))
		return
	}
	ours, theirs := middle(r.ours), middle(r.theirs)
	fmt.Fprintf(&p.b, "| %s | %s | %.3g | %s | %.2f / %.2f | %.2f / %.2f | %.0f / %.0f | %.0f / %.0f | %s |\n",
		r.contest.name, r.load.name, r.ratio(), target,
		ours.wall.Seconds(), theirs.wall.Seconds(), ours.cpu.Seconds(), theirs.cpu.Seconds(),
		float64(r.load.bytes)/1e6/ours.wall.Seconds(), float64(r.load.bytes)/1e6/theirs.wall.Seconds(),
		float64(ours.peak)/(1<<20), float64(theirs.peak)/(1<<20), r.verdict)
}

// middle returns the median of each figure.
func middle(runs []run) run {
	var wall, cpu, peak []float64
	for _, r := range runs {
		wall, cpu, peak = append(wall, float64(r.wall)), append(cpu, float64(r.cpu)), append(peak, float64(r.peak))
	}
	return run{time.Duration(median(wall)), time.Duration(median(cpu)), int64(median(peak))}
}

func (p *page) text() string { return p.b.String() }
