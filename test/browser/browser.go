package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// ErrNone says that there is no Chromium to be found.
var ErrNone = errors.New("no chromium: install the package chromium, or name the program in CHROMIUM")

// Find returns the path of a Chromium: the one that the environment names
// in CHROMIUM, or one in PATH.
func Find() (string, error) {
	if name := os.Getenv("CHROMIUM"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// Browser is a running Chromium without a window.
type Browser struct {
	ctx   context.Context
	close func()
}

// Start starts a Chromium. It ends with ctx or with Close.
func Start(ctx context.Context) (*Browser, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // containers and root have no namespaces for it; it reads our own file only
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("font-render-hinting", "none"),
	)
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	ctx, cancel := chromedp.NewContext(ctx)
	if err := chromedp.Run(ctx); err != nil {
		cancel()
		stop()
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return &Browser{ctx, func() { cancel(); stop() }}, nil
}

// Close ends the Chromium.
func (b *Browser) Close() { b.close() }

// View says how a page is looked at.
type View struct {
	Width, Height int64   // in CSS pixels; 0 means 1280 by 800
	Scale         float64 // device pixels for a CSS pixel; 0 means 1
	Dark          bool    // the system prefers dark colours
	NoScripts     bool    // scripts are turned off
}

// Page is a page that is open.
type Page struct {
	ctx   context.Context
	close func()

	mu       sync.Mutex
	requests []string
	problems []string
}

// Open opens a file in a tab of its own. What pages before it stored is
// forgotten.
func (b *Browser) Open(file string, v View) (*Page, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	ctx, cancel := chromedp.NewContext(b.ctx)
	p := &Page{ctx: ctx, close: cancel}
	chromedp.ListenTarget(ctx, p.note)
	if v.Width == 0 {
		v.Width, v.Height = 1280, 800
	}
	if v.Scale == 0 {
		v.Scale = 1
	}
	theme := "light"
	if v.Dark {
		theme = "dark"
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
	err = chromedp.Run(ctx,
		network.Enable(), log.Enable(), runtime.Enable(), page.Enable(),
		emulation.SetDeviceMetricsOverride(v.Width, v.Height, v.Scale, false),
		emulation.SetScriptExecutionDisabled(v.NoScripts),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
		storage.ClearDataForOrigin("file://", "local_storage"),
		chromedp.Navigate(address),
	)
	if err != nil {
		cancel()
		return nil, err
	}
	return p, nil
}

// note takes down what a page should not do.
func (p *Page) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "data:") {
			p.requests = append(p.requests, u)
		}
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, "exception: "+e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			p.problems = append(p.problems, fmt.Sprintf("console.%s: %s%s", e.Type, arg.Value, arg.Description))
		}
	case *log.EventEntryAdded:
		p.problems = append(p.problems, fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text))
	case *page.EventJavascriptDialogOpening:
		p.problems = append(p.problems, "dialog: "+e.Message)
	}
}

// Requests returns the addresses that the page asked for, its own first.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Problems returns errors, console messages and dialogs so far.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

// Close closes the tab.
func (p *Page) Close() { p.close() }

// Do runs actions on the page.
func (p *Page) Do(actions ...chromedp.Action) error { return chromedp.Run(p.ctx, actions...) }

// Eval computes an expression in the page, also where the page's own
// scripts are turned off, and where its policy forbids eval.
func (p *Page) Eval(expression string, result any) error {
	return p.Do(chromedp.Evaluate(expression, result, func(e *runtime.EvaluateParams) *runtime.EvaluateParams {
		return e.WithReturnByValue(true).WithAwaitPromise(true)
	}))
}

// Picture returns the page as PNG: what is in the window.
func (p *Page) Picture() ([]byte, error) {
	var png []byte
	err := p.Do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatPng).Do(ctx)
		return err
	}))
	return png, err
}

// Paper returns the page as PDF, as it would be printed.
func (p *Page) Paper() ([]byte, error) {
	var pdf []byte
	err := p.Do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPrintBackground(true).WithPaperWidth(8.27).WithPaperHeight(11.69).WithMarginTop(.5).WithMarginBottom(.5).WithMarginLeft(.5).WithMarginRight(.5).Do(ctx)
		return err
	}))
	return pdf, err
}
