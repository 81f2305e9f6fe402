package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// column returns what stands in a column of the table of sessions.
const column = `(n) => Array.from(document.querySelectorAll('#t-sessions tbody tr'), (r) => r.cells[n].dataset.v || r.cells[n].textContent.trim())`

func TestPageRenders(t *testing.T) {
	p := open(t, recordings(t, "dovecot-*.pcap"), View{})
	if got := ask[[]string](t, p, `Array.from(document.querySelectorAll('main > section'), (s) => s.id)`); len(got) != 11 {
		t.Errorf("sections: %q", got)
	}
	for name, expression := range map[string]string{
		"the title names the files":        `document.title.startsWith('POP3 in ') && document.title.includes('2026-11-23')`,
		"sessions are listed":              `document.querySelectorAll('#t-sessions tbody tr').length > 20`,
		"pictures have a size":             `Array.from(document.querySelectorAll('svg.chart')).every((s) => s.getBoundingClientRect().width > 300)`,
		"the style sheet holds":            `getComputedStyle(document.body).display === 'grid'`,
		"nothing is wider than the window": `document.documentElement.scrollWidth <= innerWidth`,
	} {
		if !ask[bool](t, p, expression) {
			t.Errorf("not so: %s", name)
		}
	}
	p.quiet(t)
}

func TestSorting(t *testing.T) {
	p := open(t, recordings(t, "dovecot-*.pcap"), View{})
	octets := ask[int](t, p, `Array.from(document.querySelectorAll('#t-sessions thead th')).findIndex((th) => th.textContent === 'Octets')`)
	head := `document.querySelectorAll('#t-sessions thead th')[` + string(rune('0'+octets)) + `]`
	for _, want := range []string{"descending", "ascending"} {
		ask[any](t, p, head+`.querySelector('button').click()`)
		if got := ask[string](t, p, head+`.getAttribute('aria-sort')`); got != want {
			t.Errorf("aria-sort: got %s, want %s", got, want)
		}
		values := ask[[]float64](t, p, `(`+column+`)(`+string(rune('0'+octets))+`).map(Number)`)
		if want == "descending" {
			if values[0] == 0 {
				t.Errorf("the largest session has no octets: %v", values)
			}
			slices.Reverse(values)
		}
		if !slices.IsSorted(values) {
			t.Errorf("%s: %v", want, values)
		}
	}
	p.quiet(t)
}

func TestSearchAndPages(t *testing.T) {
	p := open(t, many(t, 230), View{})
	count := `document.querySelectorAll('#t-sessions tbody tr').length`
	status := `document.querySelector('#sessions .status').textContent`
	if n, s := ask[int](t, p, count), ask[string](t, p, status); n != 50 || s != "1–50 of 230 sessions" {
		t.Errorf("first page: %d rows, %q", n, s)
	}
	ask[any](t, p, `document.querySelector('[aria-label="Next page of sessions"]').click()`)
	if s := ask[string](t, p, status); s != "51–100 of 230 sessions" {
		t.Errorf("second page: %q", s)
	}
	if err := p.Do(chromedp.SendKeys(`input[aria-label="Search sessions"]`, "USER77", chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	p.wait(t, status+` === '1 of 230 sessions'`)
	if got := ask[[]string](t, p, `(`+column+`)(4)`); !slices.Equal(got, []string{"user77"}) {
		t.Errorf("found %q", got)
	}
	p.quiet(t)
}

func TestLadderOpens(t *testing.T) {
	p := open(t, recordings(t, "dovecot-*.pcap"), View{})
	id := ask[string](t, p, `(() => { const a = document.querySelectorAll('#t-sessions tbody a')[20]; a.click(); return a.hash.slice(1); })()`)
	p.wait(t, `document.getElementById('`+id+`') && document.getElementById('`+id+`').closest('details').open`)
	p.wait(t, `document.activeElement.tagName === 'SUMMARY'`)
	text := ask[string](t, p, `document.getElementById('`+id+`').querySelector('.ladder').innerText`)
	for _, want := range []string{"connection opened", "client", "server", "+OK"} {
		if !strings.Contains(text, want) {
			t.Errorf("the ladder does not show %q:\n%s", want, text)
		}
	}
	if n := ask[int](t, p, `Array.from(document.getElementById('`+id+`').querySelectorAll('svg.arrow')).filter((s) => s.getBoundingClientRect().width > 200).length`); n < 4 {
		t.Errorf("%d arrows", n)
	}
	// Its address opens it at once, wherever it is in the list.
	file := strings.SplitN(p.Requests()[0], "#", 2)[0]
	if err := p.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(file+"#"+id)); err != nil {
		t.Fatal(err)
	}
	p.wait(t, `document.getElementById('`+id+`').closest('details').open`)
}

func TestKeyboard(t *testing.T) {
	p := open(t, recordings(t, "dovecot-auth-failed.pcap"), View{})
	press := func(keys ...string) {
		t.Helper()
		for _, k := range keys {
			if err := p.Do(chromedp.KeyEvent(k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	press(kb.Tab)
	if got := ask[string](t, p, `document.activeElement.className`); got != "skip" {
		t.Errorf("the first stop is %q", got)
	}
	if !ask[bool](t, p, `document.activeElement.getBoundingClientRect().top >= 0`) {
		t.Error("the skip link is not to be seen while it has the focus")
	}
	press(kb.Enter)
	if got := ask[string](t, p, `document.activeElement.id`); got != "main" {
		t.Errorf("the skip link leads to %q", got)
	}
	ask[any](t, p, `document.querySelector('#t-sessions thead button').focus()`)
	if !ask[bool](t, p, `document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'`) {
		t.Error("the focus is not to be seen")
	}
	press(kb.Enter)
	if got := ask[string](t, p, `document.querySelector('#t-sessions thead th').getAttribute('aria-sort')`); got != "ascending" {
		t.Errorf("Enter on a heading: aria-sort is %q", got)
	}
	ask[any](t, p, `document.querySelector('.dialogue summary').focus()`)
	press(" ")
	if !ask[bool](t, p, `document.querySelector('.dialogue').open`) {
		t.Error("the space bar does not open a dialogue")
	}
	ask[any](t, p, `document.getElementById('theme').focus()`)
	press(kb.Enter)
	if got := ask[string](t, p, `document.documentElement.dataset.theme`); got != "light" {
		t.Errorf("Enter on the theme: %q", got)
	}
	p.quiet(t)
}

func TestHostileTextDoesNotRun(t *testing.T) {
	p := open(t, dialog(t, `
S: +OK <script>window.pwned=1</script> ready <1.2@example.org>
C: USER "><img src=x onerror=window.pwned=2>
S: +OK </title></style></script><script>window.pwned=3</script>
C: PASS {{.Secret}}'"--><svg onload=window.pwned=4>
S: -ERR [AUTH] <a href="javascript:window.pwned=5">no</a>
C: USER javascript:window.pwned=6
S: +OK
C: PASS x
S: +OK
C: RETR 1
S: +OK
S: Subject: <iframe src="https://example.org/"></iframe>=?utf-8?q?=E2=80=AE=3Cscript=3E?=
S: From: "</td><script>window.pwned=7</script>" <eve@example.org>
S: Message-ID: <'onmouseover='window.pwned=8'@example.org>
S: Content-Type: text/html; name="<base href=https://example.org/>"
S: Content-Disposition: attachment; filename="<link rel=stylesheet href=//example.org/>.html"
S:
S: <script>window.pwned=9</script>
S: .
C: QUIT
S: +OK
`), View{})
	ask[any](t, p, `document.querySelectorAll('details').forEach((d) => { d.open = true; })`)
	if err := p.Do(chromedp.Sleep(200_000_000)); err != nil {
		t.Fatal(err)
	}
	if ask[bool](t, p, `'pwned' in window`) {
		t.Errorf("text from the wire ran: %v", ask[any](t, p, `window.pwned`))
	}
	if n := ask[int](t, p, `document.querySelectorAll('iframe, img, base, link:not([rel=icon]), a[href^="javascript"], script').length`); n != 2 {
		t.Errorf("%d elements that came from the wire", n-2)
	}
	text := ask[string](t, p, `document.body.innerText`)
	for _, want := range []string{`<script>window.pwned=1</script>`, `"><img src=x onerror=window.pwned=2>`, `<iframe src="https://example.org/"></iframe>`, `\u202e<script>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	p.quiet(t)
}

func TestDark(t *testing.T) {
	file := recordings(t, "dovecot-userpass.pcap")
	background := `getComputedStyle(document.body).backgroundColor`
	light := ask[string](t, open(t, file, View{}), background)
	p := open(t, file, View{Dark: true})
	dark := ask[string](t, p, background)
	if light == dark {
		t.Errorf("light and dark are both %s", light)
	}
	for _, want := range []struct{ theme, background string }{{"light", light}, {"dark", dark}, {"auto", dark}} {
		ask[any](t, p, `document.getElementById('theme').click()`)
		if got := ask[string](t, p, background); got != want.background || !ask[bool](t, p, `document.getElementById('theme').textContent === 'Theme: `+want.theme+`'`) {
			t.Errorf("theme %s: got %s, want %s", want.theme, got, want.background)
		}
	}
	p.quiet(t)
}

func TestWithoutScripts(t *testing.T) {
	p := open(t, many(t, 230), View{NoScripts: true})
	text := ask[string](t, p, `document.querySelector('#t-sessions').innerText`)
	for _, want := range []string{"user0", "user77", "user229"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s cannot be read", want)
		}
	}
	if ask[bool](t, p, `document.documentElement.classList.contains('js')`) {
		t.Error("a script ran")
	}
	if !ask[bool](t, p, `document.getElementById('theme').hidden`) {
		t.Error("there is a button that cannot work")
	}
	if got := ask[string](t, p, `document.querySelector('.ladder').textContent`); !strings.Contains(got, "USER user0") {
		t.Errorf("the ladder holds %q", got)
	}
	p.quiet(t)
}

func TestTenThousandSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes some seconds")
	}
	p := open(t, many(t, 10_000), View{})
	t.Logf("ready after %d ms", ask[int](t, p, `Math.round(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)`))
	if n := ask[int](t, p, `document.querySelectorAll('tr').length`); n > 700 {
		t.Errorf("%d rows are in the document", n)
	}
	if got := ask[string](t, p, `document.querySelector('#dialogues .lead').textContent`); !strings.HasPrefix(got, "Ladders of 500 of 10,000 sessions") {
		t.Errorf("the page does not say what it leaves out: %q", got)
	}
	millis := ask[float64](t, p, `(() => { const b = document.querySelectorAll('#t-sessions thead button')[1], t = performance.now(); b.click(); return performance.now() - t; })()`)
	t.Logf("sorted in %.0f ms", millis)
	if err := p.Do(chromedp.SendKeys(`input[aria-label="Search sessions"]`, "user7777", chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	p.wait(t, `document.querySelector('#sessions .status').textContent === '1 of 10,000 sessions'`)
	p.quiet(t)
}

func TestNarrow(t *testing.T) {
	p := open(t, recordings(t, "dovecot-*.pcap"), View{Width: 400, Height: 800})
	if over := ask[int](t, p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %d pixels wider than the window", over)
	}
	p.quiet(t)
}

// TestLongNameLeavesRoom: a name without a blank does not push the columns
// beside it out of sight.
func TestLongNameLeavesRoom(t *testing.T) {
	name := strings.Repeat("w", 120)
	p := open(t, dialog(t, "S: +OK\nC: USER "+name+"\nS: +OK\nC: PASS wonderland-7\nS: +OK\nC: QUIT\nS: +OK\n"), View{})
	const wide = `Array.from(document.querySelectorAll('#findings .scroll, #logins .scroll'))
		.filter((d) => d.scrollWidth > d.clientWidth + 1).map((d) => d.getAttribute('aria-label'))`
	if got := ask[[]string](t, p, wide); len(got) > 0 {
		t.Errorf("wider than the page: %q", got)
	}
}

func TestPaper(t *testing.T) {
	p := open(t, recordings(t, "dovecot-attachments.pcap"), View{Dark: true})
	pdf, err := p.Paper()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(pdf), "%PDF-") || len(pdf) < 20_000 {
		t.Errorf("%d bytes of paper", len(pdf))
	}
}
