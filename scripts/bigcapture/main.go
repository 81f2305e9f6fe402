// Bigcapture writes a large capture of made-up traffic, and beside it the
// truth about what is in there: to measure speed and memory, and to see that
// results stay right when there is a lot of everything.
//
//	go run ./scripts/bigcapture -size 1000 -seed 1 -o FILE
//
// FILE is a classic pcap file of about that many MB (1,000,000 bytes), and
// FILE.truth.json says what it holds. The same flags write the same bytes.
//
// The work is shared out like this:
//
//	kind      what connections say: dialogue after dialogue (kind.go, mail.go)
//	conn      a dialogue as TCP segments, some repeated or swapped (conn.go)
//	network   many connections at once, packets in the order of time (network.go)
//	flow      segments in frames, with checksums (frame.go)
//
// A new kind of traffic is a row in kinds. What is being sent is never held
// as a whole: memory does not grow with -size.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"popscope/capture"
)

// settings are the flags.
type settings struct {
	kind        string
	size        int64 // bytes
	seed        uint64
	connections int
	output      string
}

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigcapture:", err)
		os.Exit(2)
	}
	t, err := s.write()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigcapture:", err)
		os.Exit(1)
	}
	fmt.Print(t.json())
}

// parse reads the flags.
func parse(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("bigcapture", flag.ContinueOnError)
	size := f.Float64("size", 1000, "about how many `MB` to write")
	f.Uint64Var(&s.seed, "seed", 1, "`number` that all chance comes from")
	f.StringVar(&s.kind, "kind", "mail", "`name` of the kind of traffic: "+strings.Join(kindNames(), ", "))
	f.IntVar(&s.connections, "connections", 300, "`number` of connections at once")
	f.StringVar(&s.output, "o", "", "`FILE` to write; the truth goes to FILE.truth.json")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.size = int64(*size * 1e6)
	switch {
	case s.output == "" || f.NArg() > 0:
		return s, errors.New("usage: bigcapture [-size MB] [-seed N] -o FILE")
	case s.size <= 0:
		return s, errors.New("-size must be above 0")
	case s.connections <= 0:
		return s, errors.New("-connections must be above 0")
	case !slices.Contains(kindNames(), s.kind):
		return s, fmt.Errorf("no kind of traffic is called %q", s.kind)
	}
	return s, nil
}

// write writes the capture and its truth.
func (s settings) write() (*truth, error) {
	file, err := os.Create(s.output)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	buf := bufio.NewWriterSize(file, 1<<20)
	w, err := capture.NewWriter(buf, capture.WriterOptions{Micros: true})
	if err != nil {
		return nil, err
	}
	t := &truth{Kind: s.kind, Seed: s.seed}
	if err := newNetwork(s, w, t).run(); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), buf.Flush(), file.Close()); err != nil {
		return nil, err
	}
	return t, os.WriteFile(s.output+".truth.json", []byte(t.json()), 0o644)
}
