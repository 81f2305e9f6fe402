package browser

import (
	"strings"
	"testing"
)

func TestTerminalShowsColours(t *testing.T) {
	got := colours("a <b> \x1b[1;31mred\x1b[0m \x1b[2mdim\x1b[m \x1b]0;title\x07 \x1b[2J end \x1b[32mopen")
	want := `a &lt;b&gt; <span class="s1 s31">red</span> <span class="s2">dim</span> ` + "\x1b]0;title\x07" + ` \x1b[2J end <span class="s32">open</span>`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if page := Terminal("popscope <x>", "y"); !strings.Contains(page, "popscope &lt;x&gt;</span>\ny</pre>") {
		t.Errorf("got %s", page)
	}
}
