// Shot takes a picture of a report.
//
//	go run ./shot -width 1280 -height 900 [-dark] [-do 'js'] report.html picture.png
//	go run ./shot report.html paper.pdf
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"popscope/test/browser"
)

// settings are the flags.
type settings struct {
	browser.View
	do string
}

func main() {
	var s settings
	flag.Int64Var(&s.Width, "width", 1280, "pixels")
	flag.Int64Var(&s.Height, "height", 900, "pixels")
	flag.Float64Var(&s.Scale, "scale", 1, "device pixels for a pixel")
	flag.BoolVar(&s.Dark, "dark", false, "dark colours")
	flag.BoolVar(&s.NoScripts, "noscript", false, "scripts turned off")
	flag.StringVar(&s.do, "do", "", "a `script` to run before the picture is taken")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := s.shoot(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "shot:", err)
		os.Exit(1)
	}
}

// shoot takes one picture. A name that ends in .pdf gets paper.
func (s *settings) shoot(file, picture string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	p, err := b.Open(file, s.View)
	if err != nil {
		return err
	}
	defer p.Close()
	if s.do != "" {
		var ignored any
		if err := p.Eval(s.do+";0", &ignored); err != nil {
			return err
		}
	}
	if err := p.Do(chromedp.Sleep(200 * time.Millisecond)); err != nil { // what a script set off
		return err
	}
	take := p.Picture
	if strings.HasSuffix(picture, ".pdf") {
		take = p.Paper
	}
	data, err := take()
	if err != nil {
		return err
	}
	for _, problem := range p.Problems() {
		fmt.Fprintln(os.Stderr, "shot:", problem)
	}
	return os.WriteFile(picture, data, 0o644)
}
