package browser

import (
	"strings"
	"testing"
)

// rules is what has to hold for those who see little or nothing, or have
// no mouse. Each is an expression that lists what breaks the rule.
var rules = map[string]string{
	"one main, one navigation with a name, one h1": `['main', 'nav[aria-label]', 'h1', 'header', 'footer'].filter((q) => document.querySelectorAll(q).length !== 1)`,
	"no id twice":                       `Array.from(document.querySelectorAll('[id]'), (e) => e.id).filter((id, i, all) => all.indexOf(id) !== i)`,
	"sections have a name":              `Array.from(document.querySelectorAll('section')).filter((s) => !document.getElementById(s.getAttribute('aria-labelledby'))).map((s) => s.id)`,
	"tables have a caption":             `Array.from(document.querySelectorAll('table')).filter((t) => !t.caption || !t.caption.textContent).map((t) => t.outerHTML.slice(0, 80))`,
	"heads have a scope":                `Array.from(document.querySelectorAll('th')).filter((th) => !th.scope).map((th) => th.outerHTML.slice(0, 80))`,
	"pictures have words or are hidden": `Array.from(document.querySelectorAll('svg')).filter((s) => !s.closest('[aria-hidden=true]') && !s.parentElement.closest('svg') && !(s.getAttribute('role') === 'img' && (s.getAttribute('aria-label') || s.querySelector('title')))).map((s) => s.outerHTML.slice(0, 80))`,
	"inputs have a name":                `Array.from(document.querySelectorAll('input')).filter((i) => !i.getAttribute('aria-label')).map((i) => i.outerHTML)`,
	"buttons have words":                `Array.from(document.querySelectorAll('button')).filter((b) => !(b.getAttribute('aria-label') || b.textContent.trim())).map((b) => b.outerHTML)`,
	"links lead somewhere":              `Array.from(document.querySelectorAll('a[href^="#"]')).filter((a) => !a.hash.startsWith('#s-') && !document.getElementById(a.hash.slice(1))).map((a) => a.href)`,
	"what scrolls can have the focus":   `Array.from(document.querySelectorAll('.scroll')).filter((d) => d.scrollWidth > d.clientWidth + 1 && d.tabIndex < 0).map((d) => d.outerHTML.slice(0, 80))`,
	"headings go down by one":           `Array.from(document.querySelectorAll('h1, h2, h3, h4')).filter((h, i, all) => i > 0 && h.tagName[1] - all[i - 1].tagName[1] > 1).map((h) => h.textContent)`,
	"text has contrast": `(() => {
		const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1 }; };
		const lum = (c) => { const f = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126 * f(c.r) + .7152 * f(c.g) + .0722 * f(c.b); };
		const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a > .99) return c; } return { r: 255, g: 255, b: 255, a: 1 }; };
		const bad = new Set();
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n = walk.nextNode(); n; n = walk.nextNode()) {
			const e = n.parentElement;
			if (!n.data.trim() || e.closest('svg, script, style, .vh') || !e.getClientRects().length || e.disabled) continue;
			const a = lum(parse(getComputedStyle(e).color)), b = lum(behind(e));
			const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
			if (ratio < 4.5) bad.add(e.className + ' ' + e.tagName + ': ' + ratio.toFixed(2) + ' "' + n.data.trim().slice(0, 20) + '"');
		}
		return Array.from(bad).slice(0, 10);
	})()`,
}

func TestAccess(t *testing.T) {
	file := recordings(t, "*.pcap")
	for _, v := range []View{{}, {Dark: true}, {Width: 400, Height: 800}} {
		p := open(t, file, v)
		ask[any](t, p, `document.querySelectorAll('details').forEach((d) => { d.open = true; })`)
		for rule, expression := range rules {
			if broken := ask[[]string](t, p, expression); len(broken) > 0 {
				t.Errorf("%+v: not so: %s:\n  %s", v, rule, strings.Join(broken, "\n  "))
			}
		}
		p.quiet(t)
	}
}
