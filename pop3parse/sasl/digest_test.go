package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"testing"
)

const (
	digestChallenge = `realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`
	digestResponse  = `charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,` +
		`cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth`
	digestProof = "rspauth=ea40f60335c427b5527b84dbabcdfffd"
)

// rfc2831 is what the example of RFC 2831 section 4 tells.
func rfc2831() Attempt {
	return Attempt{User: bytesOf("chris"), Challenge: bytesOf(digestChallenge), Response: secretOf("d388dad90d4bbd760a152321f2143af7"),
		ServerProof: secretOf("ea40f60335c427b5527b84dbabcdfffd"), Exposure: Crackable,
		Realm: bytesOf("elwood.innosoft.com"), Service: bytesOf("imap/elwood.innosoft.com")}
}

func TestRFC2831Section4(t *testing.T) {
	with := func(change func(*Attempt)) Attempt { a := rfc2831(); change(&a); return a }
	edit := func(more string) Turn { return ce(digestResponse + more) }
	checkDecode(t, []decodeCase{
		{"as printed", "DIGEST-MD5", []Turn{s(""), se(digestChallenge), ce(digestResponse), se(digestProof), c("")}, rfc2831()},
		{"challenge lost", "DIGEST-MD5", []Turn{ce(digestResponse), se(digestProof)},
			with(func(a *Attempt) { a.Challenge, a.Incomplete = nil, true })},
		{"subsequent authentication", "DIGEST-MD5", []Turn{edit(",nc=00000002"), se(digestProof)},
			with(func(a *Attempt) { a.Challenge = nil })},
		{"authzid", "DIGEST-MD5", []Turn{se(digestChallenge), edit(`,authzid="the \"boss\""`), se(digestProof)},
			with(func(a *Attempt) { a.AuthzID = bytesOf(`the "boss"`) })},
		{"integrity", "DIGEST-MD5", []Turn{se(digestChallenge), edit(",qop=auth-int"), se(digestProof)},
			with(func(a *Attempt) { a.SecurityLayer = true })},
		{"privacy, quoted", "DIGEST-MD5", []Turn{se(digestChallenge), edit(` , QOP = "auth-conf" ,,`), se(digestProof)},
			with(func(a *Attempt) { a.SecurityLayer = true })},
		{"quote left open", "DIGEST-MD5", []Turn{se(digestChallenge), edit(`,authzid="x`), se(digestProof)},
			with(func(a *Attempt) { a.AuthzID, a.Malformed = bytesOf("x"), true })},
		{"words after a quote", "DIGEST-MD5", []Turn{se(digestChallenge), edit(`,authzid="x"y`), se(digestProof)},
			with(func(a *Attempt) { a.AuthzID, a.Malformed = bytesOf("x"), true })},
		{"a key alone", "DIGEST-MD5", []Turn{se(digestChallenge), edit(",stale,"), se(digestProof)},
			with(func(a *Attempt) { a.Malformed = true })},
		{"the server names a user", "DIGEST-MD5", []Turn{se(digestChallenge + `,username="bob",response=1`)},
			Attempt{Challenge: bytesOf(digestChallenge + `,username="bob",response=1`), Exposure: Protected, Incomplete: true}},
	})
}

// TestDigestsCanBeTested computes the digests of two RFCs from their
// published passwords and from what Decode read, as someone who guesses would.
func TestDigestsCanBeTested(t *testing.T) {
	a := Decode("CRAM-MD5", []Turn{s("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"), c("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")})
	mac := hmac.New(md5.New, []byte("tanstaaftanstaaf"))
	mac.Write(a.Challenge)
	if got := hex.EncodeToString(mac.Sum(nil)); got != string(a.Response.Reveal()) {
		t.Errorf("CRAM-MD5: computed %s, decoded %q", got, a.Response.Reveal())
	}

	a = Decode("DIGEST-MD5", []Turn{se(digestChallenge), ce(digestResponse), se(digestProof)})
	sum := func(format string, args ...any) string {
		return fmt.Sprintf("%x", md5.Sum(fmt.Appendf(nil, format, args...)))
	}
	inner := md5.Sum(fmt.Appendf(nil, "%s:%s:secret", a.User, a.Realm))
	a1 := sum("%s:OA6MG9tEQGm2hh:OA6MHXh6VqTrRk", inner[:])
	for _, tt := range []struct {
		verb string
		want []byte
	}{{"AUTHENTICATE", a.Response.Reveal()}, {"", a.ServerProof.Reveal()}} {
		a2 := sum("%s:%s", tt.verb, a.Service)
		if got := sum("%s:OA6MG9tEQGm2hh:00000001:OA6MHXh6VqTrRk:auth:%s", a1, a2); got != string(tt.want) {
			t.Errorf("DIGEST-MD5 %q: computed %s, decoded %q", tt.verb, got, tt.want)
		}
	}
}
