package browser

import (
	"fmt"
	"html"
	"strings"
)

// Terminal returns a page that shows a command and what it wrote, as a
// terminal does: with the colours that popscope uses.
func Terminal(command, output string) string {
	var b strings.Builder
	b.WriteString(`<!doctype html><meta charset="utf-8"><title>` + html.EscapeString(command) + `</title><style>
body { margin: 0; padding: 24px; background: #fff; width: max-content; }
.window { background: #11161f; color: #d5dbe6; border-radius: 12px; padding: 44px 24px 22px; position: relative; font: 14px/1.5 "DejaVu Sans Mono", Menlo, Consolas, monospace; box-shadow: 0 8px 28px rgb(10 20 40 / .25); }
.window::before { content: ""; position: absolute; left: 18px; top: 16px; width: 12px; height: 12px; border-radius: 50%; background: #f06a5f; box-shadow: 20px 0 #f0bd4e, 40px 0 #5ec454; }
i { display: inline-block; width: 2ch; font-style: normal; }
pre { margin: 0; font: inherit; } .p { color: #7fd1a8; } .c { color: #fff; }
.s1 { font-weight: 700; color: #fff; } .s2 { color: #7d889b; } .s31 { color: #ff8078; } .s32 { color: #6fd398; } .s33 { color: #efc063; } .s35 { color: #d79bf0; } .s36 { color: #6cc5e8; } .s31.s1, .s1.s31 { color: #ff8078; }
</style><div class="window"><pre><span class="p">$</span> <span class="c">` + html.EscapeString(command) + "</span>\n")
	b.WriteString(colours(output))
	b.WriteString("</pre></div>")
	return b.String()
}

// colours turns the escapes of SGR (ECMA-48 section 8.3.117) into markup.
// Others are none of popscope's; they stay to be seen.
func colours(s string) string {
	var b strings.Builder
	open := 0
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		cells(&b, before)
		if !found {
			break
		}
		codes, rest, ends := strings.Cut(after, "m")
		if !ends || strings.Trim(codes, "0123456789;") != "" {
			b.WriteString(html.EscapeString("\\x1b["))
			s = after
			continue
		}
		s = rest
		if codes == "" || codes == "0" {
			b.WriteString(strings.Repeat("</span>", open))
			open = 0
			continue
		}
		fmt.Fprintf(&b, `<span class="s%s">`, strings.ReplaceAll(codes, ";", " s"))
		open++
	}
	b.WriteString(strings.Repeat("</span>", open))
	return b.String()
}

// cells writes text so that wide characters take two columns whatever the
// font does.
func cells(b *strings.Builder, s string) {
	for _, r := range s {
		if isWide(r) {
			b.WriteString(`<i>` + html.EscapeString(string(r)) + `</i>`)
		} else {
			b.WriteString(html.EscapeString(string(r)))
		}
	}
}

// isWide reports whether a character takes two columns (Unicode Standard
// Annex 11), as far as our pictures need it.
func isWide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xff01 && r <= 0xff60 || r >= 0x20000 && r <= 0x3fffd
}
