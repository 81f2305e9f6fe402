// Package browser opens reports in a real Chromium, to test them and to
// take pictures of them. It is a module of its own, so that nothing of the
// browser comes into the program's dependencies.
//
//	b, err := browser.Start(ctx)        // ErrNone without a Chromium
//	page, err := b.Open("report.html")
//	err = page.Eval(`document.title`, &title)
//
// A page notes everything that it must not do: requests, errors and
// messages on its console.
package browser
