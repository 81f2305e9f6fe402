package secret

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// every way in which a value gets printed.
func printed(v any) []string {
	b, _ := json.Marshal(v)
	out := []string{fmt.Sprint(v), string(b)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	return out
}

func TestSecretsDoNotGetPrinted(t *testing.T) {
	const password = "wonderland-7"
	inside := struct {
		B Bytes
		T Text
	}{New([]byte(password)), NewMaskedText([]byte("x "+password), 2, 2+len(password))}
	for _, v := range []any{New([]byte(password)), inside.T, inside, &inside, NewHiddenText([]byte(password)), []Bytes{inside.B}, map[string]Text{"k": inside.T}} {
		for i, out := range printed(v) {
			for _, leak := range []string{password, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password), fmt.Sprint([]byte(password))} {
				if strings.Contains(out, strings.Trim(leak, "[]")) {
					t.Errorf("%T, way %d, shows the secret: %s", v, i, out)
				}
			}
		}
	}
}

func TestMaskHasOneLength(t *testing.T) {
	for _, s := range []string{"", "a", "a longer one than the mask"} {
		if got := New([]byte(s)).String(); got != Mask {
			t.Errorf("String of %q is %q", s, got)
		}
	}
	if got := (Bytes{}).String(); got != "" {
		t.Errorf("an unknown secret prints %q", got)
	}
}

func TestTextShowsWhatIsNotSecret(t *testing.T) {
	for _, tt := range []struct {
		text     string
		from, to int
		want     string
	}{
		{"alice c4c9", 6, 10, "alice " + Mask},
		{"PLAIN AGE= more", 6, 10, "PLAIN " + Mask + " more"},
		{"nothing", 0, 0, "nothing"},
		{"", 0, 0, ""},
	} {
		x := NewMaskedText([]byte(tt.text), tt.from, tt.to)
		if got := string(x.Masked()); got != tt.want {
			t.Errorf("Masked of %q is %q, want %q", tt.text, got, tt.want)
		}
		if got := string(x.Reveal()); got != tt.text {
			t.Errorf("Reveal of %q is %q", tt.text, got)
		}
		if x.HasSecret() != (tt.from < tt.to) {
			t.Errorf("HasSecret of %q is %v", tt.text, x.HasSecret())
		}
	}
	if !NewText(nil).Empty() || NewText([]byte("x")).Empty() {
		t.Error("Empty is wrong")
	}
}
