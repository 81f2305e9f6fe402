// Package secret holds bytes from the wire that must not leak: passwords,
// tokens and texts that contain them. Printing them in any way shows a
// mask; Reveal is the only way to the bytes, so that `grep Reveal` finds
// every place where a secret can get out.
package secret

import "fmt"

// Mask is what every output shows in place of a secret. It has the same
// length for all of them.
const Mask = "********"

// Bytes is a password, a token or a digest. Printing it in any way shows
// Mask; only Reveal gives the bytes.
type Bytes struct{ b []byte }

// New returns a Bytes that holds b itself, not a copy.
func New(b []byte) Bytes { return Bytes{b} }

// Reveal returns the secret's bytes, which the caller must not change.
// Every use of it is a place where a secret can get out.
func (s Bytes) Reveal() []byte { return s.b }

// Known reports whether the secret was captured; an empty password is known.
func (s Bytes) Known() bool { return s.b != nil }

// String returns Mask, or nothing when no secret is known.
func (s Bytes) String() string {
	if s.b == nil {
		return ""
	}
	return Mask
}

// GoString returns Mask too, for %#v.
func (s Bytes) GoString() string { return s.String() }

// Format writes Mask whatever the verb.
func (s Bytes) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText returns Mask, for encoding/json and its like.
func (s Bytes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Text is bytes from the wire of which some may be secret, such as the
// arguments of PASS, APOP and AUTH, or a reply that repeats a password. Its
// plain forms show Mask in place of the secret part.
type Text struct {
	b        []byte
	from, to uint32 // the secret part; none when from == to
}

// NewText returns a Text without any secret part. It holds b itself.
func NewText(b []byte) Text { return Text{b: b} }

// NewMaskedText returns a Text of which b[from:to] is secret. An empty
// secret part (a PASS without password) is no secret.
func NewMaskedText(b []byte, from, to int) Text { return Text{b, uint32(from), uint32(to)} }

// NewHiddenText returns a Text that is secret as a whole. It holds b itself.
func NewHiddenText(b []byte) Text { return NewMaskedText(b, 0, len(b)) }

// Reveal returns all bytes as sent, which the caller must not change.
func (t Text) Reveal() []byte { return t.b }

// HasSecret reports whether Masked differs from Reveal.
func (t Text) HasSecret() bool { return t.from < t.to }

// SecretSpan returns which of the bytes are secret: those from from up to,
// not including, to; none when they are equal.
func (t Text) SecretSpan() (from, to int) { return int(t.from), int(max(t.from, t.to)) }

// Masked returns the bytes with Mask in place of the secret part.
func (t Text) Masked() []byte {
	if !t.HasSecret() {
		return t.b
	}
	out := make([]byte, 0, len(t.b)+len(Mask))
	out = append(out, t.b[:t.from]...)
	out = append(out, Mask...)
	return append(out, t.b[t.to:]...)
}

// Empty reports whether there is no text.
func (t Text) Empty() bool { return len(t.b) == 0 }

// String returns the masked text.
func (t Text) String() string { return string(t.Masked()) }

// GoString returns the masked text too, for %#v.
func (t Text) GoString() string { return fmt.Sprintf("%q", t.Masked()) }

// Format writes the masked text whatever the verb.
func (t Text) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", t.Masked())
		return
	}
	fmt.Fprint(f, t.String())
}

// MarshalText returns the masked text, for encoding/json and its like.
func (t Text) MarshalText() ([]byte, error) { return t.Masked(), nil }
