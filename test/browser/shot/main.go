// Shot takes a picture of a report.
//
//	go run ./shot -width 1280 -height 900 [-dark] [-at '#sessions'] [-do 'js'] report.html picture.png
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

func main() {
	var v browser.View
	flag.Int64Var(&v.Width, "width", 1280, "pixels")
	flag.Int64Var(&v.Height, "height", 900, "pixels")
	flag.Float64Var(&v.Scale, "scale", 1, "device pixels for a pixel")
	flag.BoolVar(&v.Dark, "dark", false, "dark colours")
	flag.BoolVar(&v.NoScripts, "noscript", false, "scripts turned off")
	do := flag.String("do", "", "a script to run before the picture is taken")
	flag.Parse()
	if err := shoot(flag.Arg(0), flag.Arg(1), v, *do); err != nil {
		fmt.Fprintln(os.Stderr, "shot:", err)
		os.Exit(1)
	}
}

// shoot takes one picture. A name that ends in .pdf gets paper.
func shoot(file, picture string, v browser.View, do string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	p, err := b.Open(file, v)
	if err != nil {
		return err
	}
	if do != "" {
		var ignored any
		if err := p.Eval(do+";0", &ignored); err != nil {
			return err
		}
	}
	if err := p.Do(chromedp.Sleep(200 * time.Millisecond)); err != nil {
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
