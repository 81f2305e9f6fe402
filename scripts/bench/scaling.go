package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
)

// What is varied, one at a time.
var (
	scalingWorkers     = []int{1, 2, 3, 8}
	scalingMB          = []float64{100, 300, 1000, 4000} // the last one with -slow only
	scalingConnections = []int{10, 300, 2000, 20_000, 100_000}
)

// scalingTables returns three tables as Markdown.
func (s settings) scalingTables(popscope, generator string) (string, error) {
	var b strings.Builder
	for _, table := range []func(*strings.Builder, string, string) error{s.byWorkers, s.bySize, s.byConnections} {
		if err := table(&b, popscope, generator); err != nil {
			return b.String(), err
		}
	}
	return b.String(), nil
}

// byWorkers shows what more workers bring where bodies are hashed and
// decoded, and that they change no byte of what comes out.
func (s settings) byWorkers(b *strings.Builder, popscope, generator string) error {
	w, err := load(generator, s.dir, "mail", 300*s.scale, connections)
	if err != nil {
		return err
	}
	b.WriteString("| workers | seconds | share of one worker's | CPU seconds | output |\n| ---: | ---: | ---: | ---: | --- |\n")
	var alone float64
	var first string
	for _, n := range scalingWorkers {
		command := []string{popscope, "analyze", "-q", "--workers", fmt.Sprint(n), "--format", "jsonl", w.file}
		m, err := s.rounded(command)
		if err != nil {
			return err
		}
		sum := sha256.New()
		if _, err := execute(command, sum); err != nil {
			return err
		}
		digest := fmt.Sprintf("%x", sum.Sum(nil))
		if first == "" {
			first, alone = digest, m.wall.Seconds()
		}
		same := "the same bytes"
		if digest != first {
			same = "DIFFERS"
		}
		fmt.Fprintf(b, "| %d | %.2f | %.2f | %.2f | %s |\n", n, m.wall.Seconds(), m.wall.Seconds()/alone, m.cpu.Seconds(), same)
	}
	b.WriteString("\n")
	return nil
}

// bySize shows what a packet costs in captures of different sizes.
func (s settings) bySize(b *strings.Builder, popscope, generator string) error {
	b.WriteString("| MB | packets | CPU ns for each packet | peak MiB |\n| ---: | ---: | ---: | ---: |\n")
	for _, mb := range scalingMB {
		if mb > 1000 && !s.slow {
			continue
		}
		if err := s.costOf(b, popscope, generator, "mail", mb*s.scale, 300, fmt.Sprint(mb*s.scale)); err != nil {
			return err
		}
	}
	b.WriteString("\n")
	return nil
}

// byConnections shows what a packet costs with different numbers of
// connections at once.
func (s settings) byConnections(b *strings.Builder, popscope, generator string) error {
	b.WriteString("| connections at once | packets | CPU ns for each packet | peak MiB |\n| ---: | ---: | ---: | ---: |\n")
	for _, n := range scalingConnections {
		if err := s.costOf(b, popscope, generator, "flood", 150*s.scale, n, fmt.Sprint(n)); err != nil {
			return err
		}
	}
	return nil
}

// costOf writes the row of one capture, which it makes and deletes.
func (s settings) costOf(b *strings.Builder, popscope, generator, kind string, mb float64, connections int, name string) error {
	w, err := load(generator, s.dir, kind, mb, connections)
	if err != nil {
		return err
	}
	defer w.remove()
	m, err := s.rounded([]string{popscope, "audit", "-q", "-o", os.DevNull, w.file})
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "| %s | %d | %.0f | %.0f |\n", name, w.truth.Packets, float64(m.cpu.Nanoseconds())/float64(w.truth.Packets), float64(m.peak)/(1<<20))
	return nil
}

// rounded returns the medians of the rounds of one command.
func (s settings) rounded(command []string) (run, error) {
	var runs []run
	for range s.rounds {
		r, err := execute(command, nil)
		if err != nil {
			return r, err
		}
		runs = append(runs, r)
	}
	return middle(runs), nil
}
