// Endless writes the packets of captures to standard output again and
// again, as one capture whose time goes on: for endurance.sh.
//
//	endless [-rate MB] FILE...
//
// It ends when nobody reads it any more.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"popscope/capture"
)

func main() {
	rate := flag.Float64("rate", 5, "at most so many `MB` a second")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: endless [-rate MB] FILE...")
		os.Exit(2)
	}
	if err := repeat(os.Stdout, *rate*1e6, flag.Args()); !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintln(os.Stderr, "endless:", err)
		os.Exit(1)
	}
}

// repeat writes the packets of all files, round after round, at no more
// than so many bytes a second, until it fails.
func repeat(to io.Writer, rate float64, files []string) error {
	w, err := capture.NewWriter(to, capture.WriterOptions{})
	if err != nil {
		return err
	}
	begin, written := time.Now(), 0.0
	next := begin.UnixNano() // time of the next round's first packet
	for {
		for _, file := range files {
			src, err := capture.Open(file)
			if err != nil {
				return err
			}
			var shift, last int64
			for p := (capture.Packet{}); ; {
				err := src.Next(&p)
				if err == io.EOF {
					break
				}
				if err != nil {
					return err
				}
				if p.FileNum == 1 {
					shift = next - p.Nanos
				}
				p.Nanos += shift
				last = max(last, p.Nanos)
				if err := w.Write(&p); err != nil {
					return err
				}
				written += float64(len(p.Data))
				time.Sleep(time.Duration(written/rate*1e9) - time.Since(begin))
			}
			src.Close()
			next = last + int64(time.Second)
		}
	}
}
