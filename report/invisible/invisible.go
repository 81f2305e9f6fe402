package invisible

// Is reports whether a letter or mark shows nothing: the Hangul fillers, the
// Khmer vowels that are not shown, the grapheme joiner, and the variation
// selectors, Mongolian ones too.
func Is(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u180b', '\u180c', '\u180d', '\u180f', '\u3164', '\uffa0':
		return true
	}
	return r >= '\ufe00' && r <= '\ufe0f' || r >= 0xe0100 && r <= 0xe01ef
}
