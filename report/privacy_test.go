package report

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"testing"

	"popscope/pop3parse/secret"
)

// disguises are the forms in which a secret could get out.
func disguises(s string) map[string]string {
	quoted, _ := appendQuoted(nil, s)
	return map[string]string{
		"clear":        s,
		"inert":        Inert(s),
		"HTML":         template.HTMLEscapeString(Inert(s)),
		"quoted":       fmt.Sprintf("%q", s),
		"JSON":         string(quoted),
		"base64":       base64.StdEncoding.EncodeToString([]byte(s)),
		"raw base64":   base64.RawStdEncoding.EncodeToString([]byte(s)),
		"URL base64":   base64.URLEncoding.EncodeToString([]byte(s)),
		"hex":          hex.EncodeToString([]byte(s)),
		"upper hex":    fmt.Sprintf("%X", s),
		"URL":          url.QueryEscape(s),
		"first letter": s[:min(len(s), 7)],
	}
}

func TestSecretsAreShownOnRequestOnly(t *testing.T) {
	secrets := map[string]string{
		"the password of alice": passwordAlice, "the password of bob": passwordBob, "a token": tokenCarol,
		"a response": digestDave, "SASL data": initialBob,
	}
	for _, format := range Formats() {
		for _, c := range cases[:2] {
			for _, verbose := range []bool{false, true} {
				o := Options{Verbose: verbose, Bodies: AllBodies, Records: RecordTypes()}
				got := render(t, format, o, c.results(), c.summary())
				for name, s := range secrets {
					for how, form := range disguises(s) {
						if bytes.Contains(bytes.ToLower(got), bytes.ToLower([]byte(form))) {
							t.Errorf("%s of %s shows %s (%s)", format, c.name, name, how)
						}
					}
				}
				if format != "table" && format != "markdown" && !bytes.Contains(got, []byte(secret.Mask)) {
					t.Errorf("%s of %s shows no mask", format, c.name)
				}
			}
		}
		if format == "table" || format == "markdown" {
			continue // shows no secrets at all
		}
		got := render(t, format, Options{ShowSecrets: true, Records: RecordTypes()}, cases[1].results(), cases[1].summary())
		for name, s := range secrets {
			if bytes.Contains(got, []byte(s)) || bytes.Contains(got, []byte(Inert(s))) || bytes.Contains(got, []byte(disguises(s)["base64"])) ||
				bytes.Contains(got, []byte(disguises(s)["HTML"])) {
				continue
			}
			t.Errorf("%s does not show %s when asked to", format, name)
		}
	}
}

func TestMasksHaveOneLength(t *testing.T) {
	for _, s := range []string{"", "a", "a very long password indeed, longer than the mask"} {
		b, exact := shownBytes(secret.New([]byte(s)), false)
		if string(b) != secret.Mask || exact {
			t.Errorf("secret %q: got %q, exact %v", s, b, exact)
		}
		b, exact = shownWhole(secret.NewText([]byte(s)), false)
		if string(b) != secret.Mask || exact {
			t.Errorf("text %q: got %q, exact %v", s, b, exact)
		}
	}
}

func TestTagsFollowFirstAppearance(t *testing.T) {
	tags := newTagger(2)
	for i, c := range []struct {
		secret string
		want   int
	}{{"b", 1}, {"a", 2}, {"b", 1}, {"c", 0}, {"a", 2}, {"c", 0}} {
		if got := tags.tag(secret.New([]byte(c.secret))); got != c.want {
			t.Errorf("secret %d: got tag %d, want %d", i, got, c.want)
		}
	}
	if tags.known != 2 {
		t.Errorf("the tagger keeps %d secrets, the limit is 2", tags.known)
	}
	if a, b := newTagger(2).tag(secret.New(nil)), newTagger(2).tag(secret.New([]byte{})); a != 1 || b != 1 {
		t.Errorf("an empty password gets the tags %d and %d", a, b)
	}
}

// TestTagsOfManySecrets holds the tagger to a map, through its growth.
func TestTagsOfManySecrets(t *testing.T) {
	const limit = 5000
	tags, want := newTagger(limit), make(map[int]int)
	for i := range 4 * limit {
		n := i * 7919 % (3 * limit) / 2 // some again soon, all again later
		if _, ok := want[n]; !ok && len(want) < limit {
			want[n] = len(want) + 1
		}
		if got := tags.tag(secret.New([]byte(strconv.Itoa(n)))); got != want[n] {
			t.Fatalf("secret %d: got tag %d, want %d", n, got, want[n])
		}
	}
	if len(want) != limit {
		t.Fatalf("%d secrets, too few to reach the limit", len(want))
	}
}
