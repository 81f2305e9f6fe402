package sasl

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
)

// dialogues is one whole dialogue of each mechanism.
func dialogues() map[string][]Turn {
	return map[string][]Turn{
		"PLAIN":         {s(""), ce("\x00tim\x00tanstaaf")},
		"LOGIN":         {se("Username:"), ce("alice"), se("Password:"), ce("wonder land")},
		"CRAM-MD5":      {se("<1.2@example.org>"), ce("tim b913a602c7eda7a495b4e6e7334d3890")},
		"DIGEST-MD5":    {se(digestChallenge), ce(digestResponse), se(digestProof), c("")},
		"SCRAM-SHA-256": {ce(scramFirst), se(scramServer), ce(scramFinal), se(scramProof), c("")},
		"NTLM": {cb(ntlmNegotiate()), sb(ntlmChallenge(1)),
			cb(ntlmAuthenticate(64, 1, unhex(nlmpLMv1), unhex(nlmpNTv1), utf16le("Domain"), utf16le("User"), utf16le("COMPUTER")))},
		"XOAUTH2":     {ce("user=alice\x01auth=Bearer t0ken\x01\x01"), se(`{"status":"400"}`), c("")},
		"OAUTHBEARER": {ce("n,a=alice,\x01host=h\x01port=1\x01auth=Bearer t0ken\x01\x01"), se(`{"status":"x"}`), c("AQ==")},
		"EXTERNAL":    {ce("alice")},
		"ANONYMOUS":   {ce("trace")},
		"GSSAPI":      {cb(apReq(18)), sb(wrapToken(1, 0, "\x07\x00\xff\xff")), cb(wrapToken(0, 28, "\x02\x00\xff\xffalice"))},
		"GSS-SPNEGO":  {cb(frame(oidSPNEGO, ctx(0, seq(ctx(0, seq(tlv(6, []byte(oidNTLM)))), ctx(2, tlv(4, ntlmNegotiate()))))))},
		"KERBEROS_V4": {s("ABCDEA=="), ce("\x04\x06\x01EXAMPLE.ORG\x00\x02\x02tttt")},
		"X-UNKNOWN":   {ce("\x00alice\x00pw"), se("more")},
	}
}

// TestCutAnywhere cuts each dialogue after every byte and takes each of its
// turns away: no secret may come out that the whole one does not begin with,
// and what the server said is never a secret.
func TestCutAnywhere(t *testing.T) {
	for name, turns := range dialogues() {
		t.Run(name, func(t *testing.T) {
			whole := Decode(name, turns)
			if whole.Incomplete || whole.BadBase64 || whole.Malformed {
				if name != "GSS-SPNEGO" {
					t.Fatalf("the dialogue is not good:\n%s", show(whole))
				}
			}
			for i := range turns {
				for n := range turns[i].Data {
					part := append([]Turn{}, turns[:i]...)
					part = append(part, Turn{turns[i].Server, turns[i].Data[:n]})
					a := Decode(name, part)
					if !bytes.HasPrefix(whole.Secret.Reveal(), a.Secret.Reveal()) {
						t.Errorf("turn %d cut at %d: secret %q", i, n, a.Secret.Reveal())
					}
				}
				a := Decode(name, append(append([]Turn{}, turns[:i]...), turns[i+1:]...))
				if a.Secret.Known() && !bytes.Equal(a.Secret.Reveal(), whole.Secret.Reveal()) && name != "LOGIN" {
					t.Errorf("without turn %d: secret %q", i, a.Secret.Reveal())
				}
			}
			var server []Turn
			for _, turn := range turns {
				if turn.Server {
					server = append(server, turn)
				}
			}
			if a := Decode(name, server); a.Secret.Known() || a.Response.Known() || a.User != nil {
				t.Errorf("the server's turns alone give\n%s", show(a))
			}
		})
	}
}

// TestLongTurns is slow beyond patience if anything is quadratic.
func TestLongTurns(t *testing.T) {
	size := 1 << 20
	if testing.Short() {
		size >>= 4
	}
	for _, unit := range []string{"\x00", "a,", "=2C", `"\"`, "\x01auth=", "\x60\x02", "{", "<@", " ", "\x30\x80", "n=,"} {
		long := ce("n,," + strings.Repeat(unit, size/len(unit)))
		for name := range dialogues() {
			Decode(name, []Turn{{Server: true, Data: long.Data}, long})
		}
		Challenge([]byte(strings.Repeat(unit, size/len(unit))))
	}
}

// fuzzDecode states what holds for any turns of a mechanism. The input is
// lines, client's unless they begin with "+"; raw ones are encoded first.
func fuzzDecode(f *testing.F, mechanism string) {
	for _, turns := range dialogues() {
		var lines [][]byte
		for _, turn := range turns {
			prefix := ""
			if turn.Server {
				prefix = "+"
			}
			lines = append(lines, append([]byte(prefix), turn.Data...))
		}
		f.Add(bytes.Join(lines, []byte("\n")), false)
	}
	f.Add([]byte("\x00tim\x00pw"), true)
	f.Add([]byte("=\n*"), false)
	f.Fuzz(func(t *testing.T, input []byte, encode bool) {
		var turns []Turn
		total := 0
		for line := range bytes.SplitSeq(input, []byte("\n")) {
			data, server := bytes.CutPrefix(line, []byte("+"))
			if encode {
				data = base64.StdEncoding.AppendEncode(nil, data)
			}
			total += len(data)
			turns = append(turns, Turn{server, data})
		}
		checkAttempt(t, mechanism, turns, total)
	})
}

func checkAttempt(t *testing.T, mechanism string, turns []Turn, total int) {
	before := make([]Turn, len(turns))
	for i, turn := range turns {
		before[i] = Turn{turn.Server, bytes.Clone(turn.Data)}
	}
	a := Decode(mechanism, turns)
	if again := Decode(mechanism, before); !reflect.DeepEqual(a, again) {
		t.Fatalf("not the same twice:\n%s\n%s", show(a), show(again))
	}
	for i := range turns {
		if !bytes.Equal(turns[i].Data, before[i].Data) {
			t.Fatalf("turn %d was changed", i)
		}
	}
	// Nothing is made up: hex doubles, UTF-16 may grow by half, names get a
	// few words around them.
	for _, field := range [][]byte{a.User, a.AuthzID, a.Secret.Reveal(), a.Challenge, a.Response.Reveal(), a.ServerProof.Reveal(),
		a.Realm, a.Service, []byte(a.Peer), []byte(a.ServerError), []byte(a.ChannelBinding)} {
		if len(field) > 4*total+64 {
			t.Fatalf("%d bytes out of %d", len(field), total)
		}
	}
	switch {
	case a.Exposure == Token && !a.Secret.Known():
		t.Fatalf("a token is exposed but not known:\n%s", show(a))
	case a.Exposure == Protected && (a.Secret.Known() || a.Response.Known()):
		t.Fatalf("protected, but a secret is shown:\n%s", show(a))
	case a.Exposure == Cleartext && !a.Secret.Known() && !a.Malformed:
		t.Fatalf("cleartext without a password:\n%s", show(a))
	case a.Cancelled && a.Incomplete:
		t.Fatalf("cancelled and incomplete:\n%s", show(a))
	}
	// What the server says is no secret and no user.
	var server []Turn
	for _, turn := range turns {
		if turn.Server {
			server = append(server, turn)
		}
	}
	if b := Decode(mechanism, server); b.User != nil || b.AuthzID != nil || b.Secret.Known() || b.Response.Known() {
		t.Fatalf("out of the server's mouth:\n%s", show(b))
	}
}

func FuzzPlain(f *testing.F)     { fuzzDecode(f, "PLAIN") }
func FuzzLogin(f *testing.F)     { fuzzDecode(f, "LOGIN") }
func FuzzCRAM(f *testing.F)      { fuzzDecode(f, "CRAM-MD5") }
func FuzzDigest(f *testing.F)    { fuzzDecode(f, "DIGEST-MD5") }
func FuzzSCRAM(f *testing.F)     { fuzzDecode(f, "SCRAM-SHA-256") }
func FuzzNTLM(f *testing.F)      { fuzzDecode(f, "NTLM") }
func FuzzOAuth(f *testing.F)     { fuzzDecode(f, "OAUTHBEARER") }
func FuzzXOAuth2(f *testing.F)   { fuzzDecode(f, "XOAUTH2") }
func FuzzSPNEGO(f *testing.F)    { fuzzDecode(f, "GSS-SPNEGO") }
func FuzzExternal(f *testing.F)  { fuzzDecode(f, "EXTERNAL") }
func FuzzAnonymous(f *testing.F) { fuzzDecode(f, "ANONYMOUS") }
func FuzzGSSAPI(f *testing.F)    { fuzzDecode(f, "GSSAPI") }
func FuzzKerberos4(f *testing.F) { fuzzDecode(f, "KERBEROS_V4") }
func FuzzUnknown(f *testing.F)   { fuzzDecode(f, "X-UNKNOWN") }
