package mailfile

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"popscope/report/invisible"
)

// MaxName bounds a file name in octets. File systems allow 255, encrypting
// ones 143, and Windows 260 characters for the whole path.
const MaxName = 120

const (
	maxRaw   = 4 << 10 // octets of a name that are looked at
	maxExt   = 16      // octets of an extension that is kept when a name is cut
	maxMarks = 3       // marks on one letter; more of them paint over other lines
)

// Name makes a safe file name of text from a mail: see the package comment.
// It is at most limit octets long, and "" when nothing of the text is of use.
func Name(text string, limit int) string {
	s := strip(norm.NFKC.String(strings.ToValidUTF8(text[:min(len(text), maxRaw)], "_")))
	s = trim(shorten(trim(norm.NFC.String(s)), limit))
	if isReserved(s) {
		s = trim(shorten(s, limit-1))
		s = "_" + s
	}
	return s
}

// strip replaces what is no plain part of a name. Compatibility forms, such
// as full-width letters and dot leaders, have become plain ones before.
func strip(s string) string {
	var b strings.Builder
	marks, last := 0, rune(0)
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Cf, r) || invisible.Is(r):
			continue // invisible: direction marks, joiners, soft hyphens
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r):
			if marks++; marks > maxMarks || !isPlain(last) || isOverlay(r) {
				continue
			}
			b.WriteRune(r)
			continue
		case r == '.' && last == '.': // never two dots
			continue
		case isPlain(r) || strings.ContainsRune(".-+@=,()", r):
		default:
			r = '_'
		}
		marks = 0
		if r == '_' && last == '_' {
			continue
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func isPlain(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.Nd, r) }

// isOverlay reports whether a mark strikes through its letter, as a slash.
func isOverlay(r rune) bool { return r >= '\u0334' && r <= '\u0338' || r == '\u20d2' || r == '\u20d3' }

// trim removes what must not begin or end a name: dots hide files and are
// lost on Windows, a dash makes an option of a name.
func trim(s string) string { return strings.Trim(s, "._-+=,@") }

// shorten cuts s to limit octets, between two characters, and keeps a
// short extension.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	stem, ext := splitExt(s)
	if len(ext)+1 > limit {
		stem, ext = s, ""
	}
	n := limit - len(ext)
	for n > 0 && !startsName(stem, n) {
		n--
	}
	return trim(stem[:n]) + ext
}

// startsName reports whether s may be cut before octet n: not inside a
// character, and not between a letter and its marks.
func startsName(s string, n int) bool {
	if !utf8.RuneStart(s[n]) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[n:])
	return !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Mc, r)
}

// splitExt cuts a name before the dot of its extension, if it has a short one.
func splitExt(s string) (stem, ext string) {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || len(s)-i > maxExt {
		return s, ""
	}
	return s[:i], s[i:]
}

// isReserved reports whether a name means a device on Windows, whatever its
// extension, or a file that a desktop obeys.
func isReserved(s string) bool {
	low := strings.ToLower(s)
	switch low {
	case "desktop.ini", "autorun.inf", "thumbs.db", "folder.htt":
		return true
	}
	low, _, _ = strings.Cut(low, ".")
	switch low {
	case "con", "prn", "aux", "nul", "clock", "conin", "conout": // "CLOCK$" has lost its "$"
		return true
	}
	if len(low) == 4 && (low[:3] == "com" || low[:3] == "lpt") {
		return '0' <= low[3] && low[3] <= '9'
	}
	return false
}

// names are those given in one folder.
type names map[string]bool

// unique returns name, or name with a number before its extension if the
// folder has one that is equal but for case.
func (n names) unique(name string) string {
	stem, ext := splitExt(name)
	for i := 2; n[fold(name)]; i++ {
		number := "-" + strconv.Itoa(i)
		name = shorten(stem, MaxName-len(ext)-len(number)) + number + ext
	}
	n[fold(name)] = true
	return name
}

// fold makes names equal that a file system may take for the same: ext4 and
// APFS fold one letter into several, so that "STRASSE" is "straße" to them.
func fold(s string) string {
	return norm.NFD.String(cases.Fold().String(norm.NFD.String(s)))
}
