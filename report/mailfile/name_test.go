package mailfile

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"popscope/report/invisible"
)

func TestName(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"plain", "report.pdf", "report.pdf"},
		{"spaces", "blue  square.png", "blue_square.png"},
		{"letters of all scripts", "議事録 Städte Отчёт.txt", "議事録_Städte_Отчёт.txt"},
		{"marks", "नमस्ते.txt", "नमस्ते.txt"},
		{"decomposed letters", "Sta\u0308dte", "Städte"},
		{"nothing", "", ""},
		{"nothing of use", "/..//", ""},
		{"parent folders", "../../etc/passwd", "etc_passwd"},
		{"absolute", "/etc/passwd", "etc_passwd"},
		{"Windows path", `C:\Windows\system.ini`, "C_Windows_system.ini"},
		{"UNC path", `\\host\share\x`, "host_share_x"},
		{"stream", "a.txt:evil.exe", "a.txt_evil.exe"},
		{"hidden", ".bashrc", "bashrc"},
		{"option", "-rf", "rf"},
		{"option behind dots", "..-rf", "rf"},
		{"home", "~root", "root"},
		{"ends in dots and spaces", "a.exe. . ", "a.exe"},
		{"control characters", "a\x00b\x1b[31mc\nd\te\x7f", "a_b_31mc_d_e"},
		{"bytes that are no UTF-8", "a\xffb", "a_b"},
		{"right-to-left override", "annexe\u202egpj.exe", "annexegpj.exe"},
		{"zero width", "p\u200bay\u200dload\ufeff.exe", "payload.exe"},
		{"soft hyphen", "pay\u00adload", "payload"},
		{"many spaces before the extension", "invoice.pdf" + strings.Repeat(" ", 200) + ".exe", "invoice.pdf_.exe"},
		{"look-alikes of the slash", "a\u2215b\u2044c\uff0fd\u29f8e", "a_b_c_d_e"},
		{"look-alikes of the backslash", "a\uff3cb\ufe68c", "a_b_c"},
		{"look-alikes of the dot", "a\u2024exe \uff0e\uff0e\uff0fb", "a.exe_._b"},
		{"look-alikes of the colon", "a\uff1ab\ua789c\u2236d", "a_b_c_d"},
		{"a sign that is a path", "\u2100", "a_c"},
		{"slash over a letter", "a\u0338b", "ab"},
		{"full width", "\uff23\uff2f\uff2e.txt", "_CON.txt"},
		{"mathematical", "\U0001d402\U0001d40e\U0001d40d", "_CON"},
		{"device", "CON", "_CON"},
		{"device with extension", "nul.tar.gz", "_nul.tar.gz"},
		{"port", "COM1.txt", "_COM1.txt"},
		{"port with a superscript", "LPT\u00b2", "_LPT2"},
		{"almost a device", "CONSOLE", "CONSOLE"},
		{"almost a port", "COM10", "COM10"},
		{"device behind what is removed", "..CON ", "_CON"},
		{"console", "CONIN$", "_CONIN"},
		{"what a desktop obeys", "desktop.ini", "_desktop.ini"},
		{"shell", "$(reboot)`id`;x|y&z>q", "(reboot)_id_x_y_z_q"},
		{"wild cards", "a*b?c", "a_b_c"},
		{"marks without end", "a" + strings.Repeat("\u0301", 500), "á\u0301\u0301\u0301"},
		{"fillers", "\u3164\u115f", ""},
		{"fillers that are marks", "a\ufe0f\u034fb\U000e0101\u180c.\ufe00pdf", "ab.pdf"},
		{"fillers between a letter and its mark", "e\ufe0f\u0301", "é"},
		{"marks on no letter", "\u0301a_\u0301b(\u0301", "a_b("},
		{"not a port", "comx", "comx"},
		{"the first port", "com0", "_com0"},
		{"long", strings.Repeat("x", 300) + ".tar.gz", strings.Repeat("x", 117) + ".gz"},
		{"long, of wide characters", strings.Repeat("録", 100), strings.Repeat("録", 40)},
		{"long extension", "a." + strings.Repeat("x", 300), "a." + strings.Repeat("x", 118)},
	} {
		if got := Name(c.text, MaxName); got != c.want {
			t.Errorf("%s: %q\n got %q\nwant %q", c.what, c.text, got, c.want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"report.pdf", "../x", "CON", "a\u202eb", "\xff", strings.Repeat("é", 100), "a\u0300\u0301\u0302\u0303", "_con"} {
		f.Add(s, uint8(40))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		limit := 8 + int(n)%MaxName
		s := Name(text, limit)
		checkName(t, s, limit)
		if again := Name(s, limit); again != s {
			t.Errorf("%q becomes %q, and that becomes %q", text, s, again)
		}
	})
}

// checkName states what every file name has to be.
func checkName(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit {
		t.Errorf("%q has %d octets", s, len(s))
	}
	if !utf8.ValidString(s) {
		t.Errorf("%q is no UTF-8", s)
	}
	for _, r := range s {
		if invisible.Is(r) || !unicode.In(r, unicode.L, unicode.Nd, unicode.Mn, unicode.Mc) && !strings.ContainsRune("._-+@=,()", r) {
			t.Errorf("%q holds %q", s, r)
		}
	}
	if strings.Contains(s, "..") || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "-") || strings.HasSuffix(s, ".") {
		t.Errorf("%q", s)
	}
	if isReserved(s) {
		t.Errorf("%q is reserved", s)
	}
}

func TestNamesInOneFolderDiffer(t *testing.T) {
	given := make(names)
	for _, c := range []struct{ name, want string }{
		{"a.txt", "a.txt"}, {"A.TXT", "A-2.TXT"}, {"a.txt", "a-3.txt"}, {"a-2.txt", "a-2-2.txt"}, {"ﬀ", "ﬀ"},
		{"ΣΑΣ", "ΣΑΣ"}, {"σας", "σας-2"}, {"K", "K"}, {"k", "k-2"},
		{"straße.pdf", "straße.pdf"}, {"STRASSE.pdf", "STRASSE-2.pdf"}, {"İ", "İ"}, {"i\u0307", "i\u0307-2"}, {"ǰ", "ǰ"}, {"J\u030c", "J\u030c-2"},
		{strings.Repeat("x", MaxName), strings.Repeat("x", MaxName)}, {strings.Repeat("X", MaxName), strings.Repeat("X", MaxName-2) + "-2"},
	} {
		if got := given.unique(c.name); got != c.want {
			t.Errorf("%q: got %q, want %q", c.name, got, c.want)
		}
	}
}
