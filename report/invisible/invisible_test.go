package invisible

import (
	"testing"
	"unicode"
)

// TestIs: whatever is invisible and neither letter nor mark, such as a
// direction mark, others tell by its category.
func TestIs(t *testing.T) {
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !Is(r) {
			continue
		}
		if n++; !unicode.In(r, unicode.L, unicode.M) {
			t.Errorf("%U is neither letter nor mark", r)
		}
		if !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.Is(unicode.Variation_Selector, r) {
			t.Errorf("%U is not one that Unicode says to show nothing for", r)
		}
	}
	if n == 0 || Is('a') || Is('\u0301') {
		t.Error("nothing is invisible, or what is seen")
	}
}
