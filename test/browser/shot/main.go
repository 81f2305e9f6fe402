// Shot takes a picture of a report, or of what a command wrote.
//
//	go run ./shot -width 1280 -height 900 [-dark] [-do 'js'] report.html picture.png
//	go run ./shot report.html paper.pdf
//	popscope analyze --color always mail.pcap | go run ./shot -command 'popscope analyze mail.pcap' - picture.png
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"popscope/test/browser"
)

// settings are the flags.
type settings struct {
	browser.View
	do      string
	command string
}

func main() {
	var s settings
	flag.Int64Var(&s.Width, "width", 1280, "pixels")
	flag.Int64Var(&s.Height, "height", 900, "pixels")
	flag.Float64Var(&s.Scale, "scale", 1, "device pixels for a pixel")
	flag.BoolVar(&s.Dark, "dark", false, "dark colours")
	flag.BoolVar(&s.NoScripts, "noscript", false, "scripts turned off")
	flag.StringVar(&s.do, "do", "", "a `script` to run before the picture is taken")
	flag.StringVar(&s.command, "command", "", "show a terminal: the command `line` that wrote standard input")
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
	if s.command != "" {
		page, err := s.terminal()
		if err != nil {
			return err
		}
		defer os.Remove(page)
		file = page
	}
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
	data, err := s.take(p, picture)
	if err != nil {
		return err
	}
	for _, problem := range p.Problems() {
		fmt.Fprintln(os.Stderr, "shot:", problem)
	}
	return os.WriteFile(picture, data, 0o644)
}

// take makes the picture: of the window, of the terminal, or paper.
func (s *settings) take(p *browser.Page, picture string) (data []byte, err error) {
	switch {
	case strings.HasSuffix(picture, ".pdf"):
		return p.Paper()
	case s.command != "":
		err = p.Do(chromedp.Screenshot("body", &data, chromedp.ByQuery))
		return data, err
	}
	return p.Picture()
}

// terminal writes a page with what standard input holds.
func (s *settings) terminal() (string, error) {
	output, err := io.ReadAll(os.Stdin)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "terminal-*.html")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(browser.Terminal(s.command, string(output)))
	if e := f.Close(); err == nil {
		err = e
	}
	return f.Name(), err
}
