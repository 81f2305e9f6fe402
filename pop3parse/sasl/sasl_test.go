package sasl

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"popscope/pop3parse/secret"
)

// s and c are a server's and a client's turn as on the wire.
func s(line string) Turn { return Turn{Server: true, Data: []byte(line)} }
func c(line string) Turn { return Turn{Data: []byte(line)} }

// se and ce encode their text.
func se(text string) Turn { return s(base64.StdEncoding.EncodeToString([]byte(text))) }
func ce(text string) Turn { return c(base64.StdEncoding.EncodeToString([]byte(text))) }

func bytesOf(text string) []byte        { return []byte(text) }
func secretOf(text string) secret.Bytes { return secret.New([]byte(text)) }

// show writes an Attempt with its secrets, for comparison and for failures.
func show(a Attempt) string {
	var b strings.Builder
	v := reflect.ValueOf(a)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() && v.Type().Field(i).Name != "Exposure" {
			continue
		}
		fmt.Fprintf(&b, "  %s: ", v.Type().Field(i).Name)
		switch x := f.Interface().(type) {
		case secret.Bytes:
			fmt.Fprintf(&b, "%q\n", x.Reveal())
		case []byte:
			fmt.Fprintf(&b, "%q\n", x)
		default:
			fmt.Fprintf(&b, "%v\n", x)
		}
	}
	return b.String()
}

type decodeCase struct {
	name      string
	mechanism string
	turns     []Turn
	want      Attempt
}

func checkDecode(t *testing.T, cases []decodeCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if got := Decode(tt.mechanism, tt.turns); show(got) != show(tt.want) {
				t.Errorf("got\n%swant\n%s", show(got), show(tt.want))
			}
		})
	}
}

func TestRFC4616Section4(t *testing.T) {
	tim := Attempt{User: bytesOf("tim"), Secret: secretOf("tanstaaftanstaaf")}
	checkDecode(t, []decodeCase{
		{"without authzid", "PLAIN", []Turn{s(""), ce("\x00tim\x00tanstaaftanstaaf")}, tim},
		{"with authzid", "PLAIN", []Turn{s(""), ce("Ursel\x00Kurt\x00xipj3plmq")},
			Attempt{AuthzID: bytesOf("Ursel"), User: bytesOf("Kurt"), Secret: secretOf("xipj3plmq")}},
		{"initial response", "plain", []Turn{ce("\x00tim\x00tanstaaftanstaaf")}, tim},
		{"without the server", "PLAIN", []Turn{ce("\x00tim\x00tanstaaftanstaaf")}, tim},
	})
}

func TestRFC5034Section6(t *testing.T) {
	test := Attempt{User: bytesOf("test"), AuthzID: bytesOf("test"), Secret: secretOf("test")}
	checkDecode(t, []decodeCase{
		{"initial response", "PLAIN", []Turn{c("dGVzdAB0ZXN0AHRlc3Q=")}, test},
		{"two steps", "PLAIN", []Turn{s(""), c("dGVzdAB0ZXN0AHRlc3Q=")}, test},
	})
}

func TestPlainForms(t *testing.T) {
	checkDecode(t, []decodeCase{
		{"empty password", "PLAIN", []Turn{ce("\x00tim\x00")}, Attempt{User: bytesOf("tim"), Secret: secretOf("")}},
		{"empty user", "PLAIN", []Turn{ce("\x00\x00pw")}, Attempt{User: bytesOf(""), Secret: secretOf("pw")}},
		{"NUL after the password", "PLAIN", []Turn{ce("\x00tim\x00pw\x00")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw"), Malformed: true}},
		{"NUL inside the password", "PLAIN", []Turn{ce("\x00tim\x00p\x00w")}, Attempt{User: bytesOf("tim"), Secret: secretOf("p\x00w"), Malformed: true}},
		{"first NUL forgotten", "PLAIN", []Turn{ce("tim\x00pw")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw"), Malformed: true}},
		{"cut after the user, which cannot be told from that", "PLAIN", []Turn{ce("boss\x00tim")}, Attempt{User: bytesOf("boss"), Secret: secretOf("tim"), Malformed: true}},
		{"no password", "PLAIN", []Turn{ce("\x00tim")}, Attempt{User: bytesOf("tim"), Exposure: Protected, Malformed: true, Incomplete: true}},
		{"no NUL", "PLAIN", []Turn{ce("tim")}, Attempt{Exposure: Cleartext, Malformed: true, Incomplete: true}},
		{"nothing", "PLAIN", nil, Attempt{Exposure: Protected, Incomplete: true}},
		{"server alone", "PLAIN", []Turn{se("\x00tim\x00pw")}, Attempt{Exposure: Protected, Incomplete: true}},
		{"empty initial response", "PLAIN", []Turn{c("="), s(""), ce("\x00tim\x00pw")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw")}},
		{"equals sign as a later response", "PLAIN", []Turn{s(""), c("=")}, Attempt{Exposure: Protected, Incomplete: true, BadBase64: true}},
		{"cancelled", "PLAIN", []Turn{s(""), c("*")}, Attempt{Exposure: Protected, Cancelled: true}},
		{"cancelled with blanks", "PLAIN", []Turn{s(""), c(" *\r\n")}, Attempt{Exposure: Protected, Cancelled: true}},
		{"after the cancellation", "PLAIN", []Turn{c("*"), ce("\x00tim\x00pw")}, Attempt{Exposure: Protected, Cancelled: true}},
		{"no base64", "PLAIN", []Turn{s(""), c("\x00tim\x00pw")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw"), BadBase64: true}},
		{"no padding", "PLAIN", []Turn{c("AHRpbQBw")}, Attempt{User: bytesOf("tim"), Secret: secretOf("p")}},
		{"no padding where it is due", "PLAIN", []Turn{c("AHRpbQBwdw")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw")}},
		{"too little padding", "PLAIN", []Turn{c("AHRpbQBwdw=")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw"), BadBase64: true}},
		{"too much padding", "PLAIN", []Turn{c("AHRpbQBwdw===")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw"), BadBase64: true}},
		{"blanks and line ends", "PLAIN", []Turn{c(" AHRp bQBw\r\ndw== \t")}, Attempt{User: bytesOf("tim"), Secret: secretOf("pw")}},
		{"padding in the middle", "PLAIN", []Turn{c("AHRp=QBwdw==")}, Attempt{Exposure: Cleartext, BadBase64: true, Malformed: true, Incomplete: true}},
		{"UTF-8", "PLAIN", []Turn{ce("\x00jürgen\x00pässword")}, Attempt{User: bytesOf("jürgen"), Secret: secretOf("pässword")}},
		{"ISO 8859-1", "PLAIN", []Turn{ce("\x00j\xfcrgen\x00p\xe4ss")}, Attempt{User: bytesOf("j\xfcrgen"), Secret: secretOf("p\xe4ss")}},
	})
}

func TestLogin(t *testing.T) {
	const user, pass = "VXNlcm5hbWU6", "UGFzc3dvcmQ6"
	both := Attempt{User: bytesOf("alice"), Secret: secretOf("wonder land")}
	half := func(a Attempt) Attempt { a.Incomplete = true; return a }
	checkDecode(t, []decodeCase{
		{"usual", "LOGIN", []Turn{s(user), ce("alice"), s(pass), ce("wonder land")}, both},
		{"initial response", "LOGIN", []Turn{ce("alice"), s(pass), ce("wonder land")}, both},
		{"initial response asked for again", "LOGIN", []Turn{ce("alic"), s(user), ce("alice"), s(pass), ce("wonder land")}, both},
		{"password asked for first", "LOGIN", []Turn{s(pass), ce("wonder land"), s(user), ce("alice")}, both},
		{"draft's own prompts", "LOGIN", []Turn{se("User Name\x00"), ce("alice"), se("Password\x00"), ce("wonder land")}, both},
		{"other words", "LOGIN", []Turn{se("Login?"), ce("alice"), se("Secret?"), ce("wonder land")}, both},
		{"both words in one prompt", "LOGIN", []Turn{se("Username:"), ce("alice"), se("Password for user alice:"), ce("wonder land")}, both},
		{"empty prompts", "LOGIN", []Turn{s(""), ce("alice"), s(""), ce("wonder land")}, both},
		{"prompts without base64", "LOGIN", []Turn{s("Username:"), ce("alice"), s("Password:"), ce("wonder land")},
			Attempt{User: both.User, Secret: both.Secret, BadBase64: true}},
		{"client alone", "LOGIN", []Turn{ce("alice"), ce("wonder land")}, both},
		{"second prompt lost", "LOGIN", []Turn{s(user), ce("alice"), ce("wonder land")}, both},
		{"user lost", "LOGIN", []Turn{s(user), s(pass), ce("wonder land")}, half(Attempt{Secret: both.Secret})},
		{"password lost", "LOGIN", []Turn{s(user), ce("alice"), s(pass)}, half(Attempt{User: both.User, Exposure: Protected})},
		{"server alone", "LOGIN", []Turn{s(user), s(pass)}, half(Attempt{Exposure: Protected})},
		{"cancelled at the password", "LOGIN", []Turn{s(user), ce("alice"), s(pass), c("*")},
			Attempt{User: both.User, Exposure: Protected, Cancelled: true}},
		{"empty password", "LOGIN", []Turn{s(user), ce("alice"), s(pass), c("")}, Attempt{User: both.User, Secret: secretOf("")}},
		{"no base64", "LOGIN", []Turn{s(user), c("alice@example.org"), s(pass), c("pa$$")},
			Attempt{User: bytesOf("alice@example.org"), Secret: secretOf("pa$$"), BadBase64: true}},
		{"no base64 that could be", "LOGIN", []Turn{s(user), c("alice"), s(pass), c("wonder land")},
			Attempt{User: both.User, Secret: both.Secret, BadBase64: true}},
		{"one answer too many", "LOGIN", []Turn{s(user), ce("alice"), s(pass), ce("wonder land"), s(""), ce("more")},
			Attempt{User: both.User, Secret: both.Secret, Malformed: true}},
	})
}

func TestRFC2195Section2(t *testing.T) {
	const challenge, response = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"
	whole := Attempt{User: bytesOf("tim"), Challenge: bytesOf("<1896.697170952@postoffice.reston.mci.net>"),
		Response: secretOf("b913a602c7eda7a495b4e6e7334d3890"), Exposure: Crackable}
	checkDecode(t, []decodeCase{
		{"as printed", "CRAM-MD5", []Turn{s(challenge), c(response)}, whole},
		{"challenge lost", "CRAM-MD5", []Turn{c(response)},
			Attempt{User: whole.User, Response: whole.Response, Exposure: Crackable, Incomplete: true}},
		{"response lost", "CRAM-MD5", []Turn{s(challenge)}, Attempt{Challenge: whole.Challenge, Exposure: Protected, Incomplete: true}},
		{"cancelled", "CRAM-MD5", []Turn{s(challenge), c("*")}, Attempt{Challenge: whole.Challenge, Exposure: Protected, Cancelled: true}},
		{"no base64", "CRAM-MD5", []Turn{s(challenge), c("tim b913a602c7eda7a495b4e6e7334d3890")},
			Attempt{User: whole.User, Challenge: whole.Challenge, Response: whole.Response, Exposure: Crackable, BadBase64: true}},
		{"user with spaces", "CRAM-MD5", []Turn{s(challenge), ce("tim the  king b913a602c7eda7a495b4e6e7334d3890")},
			Attempt{User: bytesOf("tim the  king"), Challenge: whole.Challenge, Response: whole.Response, Exposure: Crackable}},
		{"no digest", "CRAM-MD5", []Turn{s(challenge), ce("tim ")},
			Attempt{User: whole.User, Challenge: whole.Challenge, Exposure: Protected, Malformed: true, Incomplete: true}},
		{"one word", "CRAM-MD5", []Turn{s(challenge), ce("tim")},
			Attempt{Challenge: whole.Challenge, Exposure: Protected, Malformed: true, Incomplete: true}},
		{"short digest", "CRAM-MD5", []Turn{s(challenge), ce("tim b913")},
			Attempt{User: whole.User, Challenge: whole.Challenge, Response: secretOf("b913"), Exposure: Crackable, Malformed: true}},
		{"kin", "CRAM-SHA256", []Turn{s(challenge), ce("tim " + strings.Repeat("0f", 32))},
			Attempt{User: whole.User, Challenge: whole.Challenge, Response: secretOf(strings.Repeat("0f", 32)), Exposure: Crackable}},
	})
}

func TestRFC4422AppendixA(t *testing.T) {
	checkDecode(t, []decodeCase{
		{"authzid derived", "EXTERNAL", []Turn{s(""), c("")}, Attempt{Exposure: Protected}},
		{"authzid given", "EXTERNAL", []Turn{s(""), ce("fred@example.com")}, Attempt{AuthzID: bytesOf("fred@example.com"), Exposure: Protected}},
		{"empty initial response", "EXTERNAL", []Turn{c("=")}, Attempt{Exposure: Protected}},
		{"client lost", "EXTERNAL", []Turn{s("")}, Attempt{Exposure: Protected, Incomplete: true}},
	})
}

func TestRFC4505Section3(t *testing.T) {
	checkDecode(t, []decodeCase{
		{"as printed", "ANONYMOUS", []Turn{s(""), c("c2lyaGM=")}, Attempt{User: bytesOf("sirhc"), Exposure: Protected}},
		{"no trace", "ANONYMOUS", []Turn{c("=")}, Attempt{User: bytesOf(""), Exposure: Protected}},
		{"client lost", "ANONYMOUS", []Turn{s("")}, Attempt{Exposure: Protected, Incomplete: true}},
	})
}

func TestUnknownMechanism(t *testing.T) {
	checkDecode(t, []decodeCase{
		{"nothing sent", "X-SECRET", []Turn{s("")}, Attempt{Exposure: Protected}},
		{"something sent", "X-SECRET", []Turn{s(""), ce("some words")}, Attempt{Exposure: Crackable}},
		{"plainly PLAIN", "X-PLAIN", []Turn{ce("\x00alice\x00pw")}, Attempt{User: bytesOf("alice"), Secret: secretOf("pw")}},
		{"three NULs in binary", "X-BIN", []Turn{ce("\x00a\x00\x02\xff\x00")}, Attempt{Exposure: Crackable}},
		{"plainly a token", "X-OAUTH", []Turn{ce("user=alice\x01auth=Bearer t0ken\x01\x01")},
			Attempt{User: bytesOf("alice"), Secret: secretOf("t0ken"), Exposure: Token}},
		{"plainly NTLM", "SPA", []Turn{c(base64.StdEncoding.EncodeToString(ntlmNegotiate()))}, Attempt{Peer: "COMPUTER", Exposure: Protected, Incomplete: true}},
	})
}

func TestKnownAndExposes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		known   bool
		exposes Exposure
	}{
		{"PLAIN", true, Cleartext},
		{"login", true, Cleartext},
		{"CRAM-MD5", true, Crackable},
		{"CRAM-SHA1", true, Crackable},
		{"digest-md5", true, Crackable},
		{"SCRAM-SHA-1", true, Crackable},
		{"SCRAM-SHA-256-PLUS", true, Crackable},
		{"SCRAM-SHA-512", true, Crackable},
		{"NTLM", true, Crackable},
		{"XOAUTH2", true, Token},
		{"OAUTHBEARER", true, Token},
		{"EXTERNAL", true, Protected},
		{"ANONYMOUS", true, Protected},
		{"GSSAPI", true, Protected},
		{"GSS-SPNEGO", true, Crackable},
		{"KERBEROS_V4", true, Crackable},
		{"PLAINER", false, Crackable},
		{"X-TOKEN", false, Crackable},
		{"", false, Crackable},
	} {
		if got := Known(tt.name); got != tt.known {
			t.Errorf("Known(%q) = %v", tt.name, got)
		}
		if got := Exposes(tt.name); got != tt.exposes {
			t.Errorf("Exposes(%q) = %v, want %v", tt.name, got, tt.exposes)
		}
	}
}

func TestNothingIsShared(t *testing.T) {
	for _, raw := range []string{"\x00tim\x00pw", "AHRpbQBwdw=="} {
		line := []byte(raw)
		a := Decode("PLAIN", []Turn{{Data: line}})
		for i := range line {
			line[i] = '!'
		}
		if string(a.User) != "tim" || string(a.Secret.Reveal()) != "pw" {
			t.Errorf("%q: the attempt changed with the turn: %s", raw, show(a))
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	a := Decode("PLAIN", []Turn{ce("\x00tim\x00tanstaaf")})
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a)} {
		if strings.Contains(text, "tanstaaf") {
			t.Errorf("the password can be read in %s", text)
		}
	}
}
