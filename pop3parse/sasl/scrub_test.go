package sasl

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scrub writes a dialogue anew.
func scrub(mech string, turns []Turn) []Turn {
	s := NewScrubber(mech, nil, func(b []byte) []byte { return b })
	var out []Turn
	for _, t := range turns {
		out = append(out, Turn{t.Server, s.Line(t.Server, t.Data)})
	}
	return out
}

// b64 encodes what stands behind "S " or "C " on each line.
func b64(lines ...string) []Turn {
	var out []Turn
	for _, l := range lines {
		data := []byte(base64.StdEncoding.EncodeToString([]byte(l[2:])))
		if l[2:] == "*" || strings.HasPrefix(l[2:], "raw:") {
			data = []byte(strings.TrimPrefix(l[2:], "raw:"))
		}
		out = append(out, Turn{l[0] == 'S', data})
	}
	return out
}

// TestScrubber holds dialogues of all mechanisms to the promise that all
// but the secret is read from them as before.
func TestScrubber(t *testing.T) {
	for _, tt := range []struct {
		mech, secret string
		turns        []Turn
	}{
		{"PLAIN", "sesame-7", b64("S ", "C \x00alice\x00sesame-7")},
		{"PLAIN", "sesame-7", b64("C bob\x00alice\x00sesame-7")},
		{"PLAIN", "sesame-7", b64("C alice\x00sesame-7")},
		{"PLAIN", "sesame-7", b64("C sesame-7")},
		{"PLAIN", "", b64("S ", "C *")},
		{"PLAIN", "sesame-7", b64("C raw:sesame-7!")},
		{"LOGIN", "sesame-7", b64("S Username:", "C alice", "S Password:", "C sesame-7")},
		{"LOGIN", "sesame-7", b64("S Passwort:", "C sesame-7", "S User Name", "C alice")},
		{"LOGIN", "sesame-7", b64("C alice", "S Password:", "C sesame-7")},
		{"LOGIN", "sesame-7", b64("S ?", "C alice", "S ?", "C sesame-7")},
		{"CRAM-MD5", "b913a602c7eda7a495b4e6e7334d3890", b64("S <1896.697170952@mail.example.org>", "C alice b913a602c7eda7a495b4e6e7334d3890")},
		{"DIGEST-MD5", "d388dad90d4bbd760a152321f2143af7", b64(`S realm="example.org",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`,
			`C charset=utf-8,username="alice",realm="example.org",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="pop/example.org",response=d388dad90d4bbd760a152321f2143af7,qop=auth`,
			"S rspauth=ea40f60335c427b5527b84dbabcdfffd", "C ")},
		{"SCRAM-SHA-256", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", b64("C n,,n=alice,r=rOprNGfwEbeRWgbNEkqO",
			"S r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"C c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"S v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "C ")},
		{"XOAUTH2", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", b64("C user=alice@example.org\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01")},
		{"OAUTHBEARER", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", b64("C n,a=alice@example.org,\x01host=mail.example.org\x01port=110\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
			`S {"status":"invalid_token"}`, "C \x01")},
		{"NTLM", string(unhex(nlmpNTv1)), []Turn{cb(ntlmNegotiate()), sb(ntlmChallenge(1)), cb(ntlmAuthenticate(64, 1, unhex(nlmpLMv1), unhex(nlmpNTv1), utf16le("Domain"), utf16le("User"), utf16le("COMPUTER")))}},
		{"NTLM", string(unhex(nlmpESSNT)), []Turn{cb(ntlmNegotiate()), sb(ntlmChallenge(1)), cb(ntlmAuthenticate(64, 1, unhex(nlmpESSLM), unhex(nlmpESSNT), utf16le("Domain"), utf16le("User"), utf16le("COMPUTER")))}},
		{"NTLM", "", []Turn{cb(ntlmAuthenticate(52, 0, []byte{0}, nil, nil, nil, utf16le("COMPUTER")))}},
		{"EXTERNAL", "", b64("C alice")},
		{"ANONYMOUS", "", b64("C sirhc")},
		{"CHAOS", "sesame-7", b64("C sesame-7")},
		{"CHAOS", "sesame-7", b64("C \x00alice\x00sesame-7")},
	} {
		t.Run(tt.mech, func(t *testing.T) {
			turns := scrub(tt.mech, tt.turns)
			for i := range turns {
				if len(turns[i].Data) != len(tt.turns[i].Data) {
					t.Errorf("turn %d: %q is not as long as %q", i+1, turns[i].Data, tt.turns[i].Data)
				}
				plain, _ := decode64(turns[i].Data)
				if tt.secret != "" && (bytes.Contains(plain, []byte(tt.secret)) || bytes.Contains(turns[i].Data, []byte(tt.secret))) {
					t.Errorf("turn %d: still there: %q", i+1, plain)
				}
			}
			got, want := facts(Decode(tt.mech, turns)), facts(Decode(tt.mech, tt.turns))
			if tt.mech == "PLAIN" && Decode(tt.mech, tt.turns).User == nil {
				return
			}
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

// facts is what is to be read as before.
func facts(a Attempt) string {
	return fmt.Sprintf("user %q authzid %q exposure %v cancelled %v bad %v malformed %v incomplete %v iterations %d variant %q layer %v service %q error %q, secret of %d, response of %d",
		a.User, a.AuthzID, a.Exposure, a.Cancelled, a.BadBase64, a.Malformed, a.Incomplete, a.Iterations, a.Variant, a.SecurityLayer, a.Service, a.ServerError,
		len(a.Secret.Reveal()), len(a.Response.Reveal()))
}

// TestScrubberWritesNamesAnew: wherever a mechanism has a name, it is written
// anew, in the same way each time.
func TestScrubberWritesNamesAnew(t *testing.T) {
	other := func(b []byte) []byte { return bytes.Map(func(r rune) rune { return r - 'a' + 'A' }, b) }
	for _, tt := range []struct {
		mech  string
		turns []Turn
	}{
		{"PLAIN", b64("C bob\x00alice\x00sesame-7")},
		{"PLAIN", b64("C alice\x00sesame-7")},
		{"LOGIN", b64("S Username:", "C alice", "S Password:", "C sesame-7")},
		{"CRAM-MD5", b64("S <1@x>", "C alice b913a602c7eda7a495b4e6e7334d3890")},
		{"DIGEST-MD5", b64(`S nonce="n"`, `C username="alice",nonce="n",authzid="bob",response=d388dad90d4bbd760a152321f2143af7`)},
		{"SCRAM-SHA-1", b64("C n,a=bob,n=alice,r=1", "S r=12,s=QUJD,i=4096", "C c=bixhPWJvYiw=,r=12,p=QUJD", "S v=QUJD")},                           // n,a=bob,
		{"SCRAM-SHA-1-PLUS", b64("C p=tls-exporter,a=bob,n=alice,r=1", "S r=12,s=QUJD,i=4096", "C c=cD10bHMtZXhwb3J0ZXIsYT1ib2IsAQIs,r=12,p=QUJD")}, // p=tls-exporter,a=bob,\x01\x02,
		{"XOAUTH2", b64("C user=alice\x01auth=Bearer ya29\x01\x01")},
		{"OAUTHBEARER", b64("C n,a=alice,\x01auth=Bearer ya29\x01\x01")},
		{"EXTERNAL", b64("C alice")},
	} {
		s := NewScrubber(tt.mech, other, func(b []byte) []byte { return b })
		var turns []Turn
		for _, turn := range tt.turns {
			turns = append(turns, Turn{turn.Server, s.Line(turn.Server, turn.Data)})
			plain, _ := decode64(turns[len(turns)-1].Data)
			for _, part := range bytes.Split(plain, []byte(",")) {
				inner, _ := decode64(bytes.TrimPrefix(part, []byte("c=")))
				for _, name := range []string{"alice", "bob"} {
					if bytes.Contains(part, []byte(name)) || bytes.Contains(inner, []byte(name)) {
						t.Errorf("%s: %q is still there: %q", tt.mech, name, plain)
					}
				}
			}
		}
		was, is := Decode(tt.mech, tt.turns), Decode(tt.mech, turns)
		if !bytes.Equal(is.User, other(was.User)) || !bytes.Equal(is.AuthzID, other(was.AuthzID)) || is.Malformed != was.Malformed {
			t.Errorf("%s: user %q for %q, authzid %q for %q", tt.mech, is.User, was.User, is.AuthzID, was.AuthzID)
		}
	}
}

// TestScrubberOverwritesTheRest shows message by message what stays.
func TestScrubberOverwritesTheRest(t *testing.T) {
	for _, tt := range []struct{ mech, message, want string }{
		{"PLAIN", "C bob\x00alice\x00sesame", "BOB\x00ALICE\x00xxxxxx"},
		{"PLAIN", "C bob\x00alice\x00sesame\x00too", "BOB\x00ALICE\x00xxxxxx\x00xxx"},
		{"PLAIN", "C sesame", "xxxxxx"},
		{"PLAIN", "S sesame", "sesame"},
		{"CRAM-MD5", "C alice liddell b913a602c7eda7a495b4e6e7334d3890", "ALICE LIDDELL 00000000000000000000000000000000"},
		{"CRAM-MD5", "C alice ses\x00me", "ALICE xxx\x00xx"},
		{"CRAM-MD5", "C sesame", "xxxxxx"},
		{"CRAM-MD5", "S <1@x> 2", "<1@x> 2"},
		{"DIGEST-MD5", `C username="al\",ice",response=abcd1234,x="se,same",realm="r",sesame`, `username="AL\",ICE",response=00000000,x="xxxxxxx",realm="r"xxxxxxx`},
		{"SCRAM-SHA-1", "C n,a=bob,n=alice,r=1,m=abc=", "n,a=BOB,n=ALICE,r=1,m=AAA="},
		{"SCRAM-SHA-1", "C p=tls-unique,,n=alice,r=1", "p=tls-unique,,n=ALICE,r=1"},
		{"SCRAM-SHA-1", "C n,,x=1,sesame,z", "n,,x=A,xxxxxx,x"},
		{"SCRAM-SHA-1", "C c=biws,r=1,p=QUJD", "c=biws,r=1,p=AAAA"},
		{"SCRAM-SHA-1", "C c=?ses,r=1,p=QUI=", "c=----,r=1,p=AAA="},
		{"SCRAM-SHA-1", "C c=sesam,r=1", "c=eHh4e,r=1"},
		{"SCRAM-SHA-1", "C c=sesame,r=1", "c=eHh4eH,r=1"},
		{"SCRAM-SHA-1", "C x=sesame,r=1", "x=AAAAAA,r=1"},
		{"SCRAM-SHA-1", "S e=other-error", "e=other-error"},
		{"XOAUTH2", "C user=alice\x01auth=bearer sesame\x01\x01", "user=ALICE\x01auth=bearer xxxxxx\x01\x01"},
		{"XOAUTH2", "C user=alice\x01auth=Basic sesame\x01host=h\x01x=sesame\x01port\x01", "user=ALICE\x01auth=xxxxxxxxxxxx\x01host=h\x01xxxxxxxx\x01xxxx\x01"},
		{"XOAUTH2", "C auth=sesame\x01port=1\x01user\x01host\x01auth", "auth=xxxxxx\x01port=1\x01xxxx\x01xxxx\x01xxxx"},
		{"OAUTHBEARER", "C y,,\x01auth=Bearer sesame\x01\x01", "y,,\x01auth=Bearer xxxxxx\x01\x01"},
		{"OAUTHBEARER", "C p=x,a=alice,\x01", "p=x,a=ALICE,\x01"},
		{"OAUTHBEARER", "C z,a=alice,\x01", "xxxxxxxxxx\x01"},
		{"OAUTHBEARER", "C n,a=alice,x\x01", "xxxxxxxxxxx\x01"},
		{"OAUTHBEARER", "C n,b,\x01", "xxxx\x01"},
		{"OAUTHBEARER", "C user=alice\x01n,,\x01", "user=ALICE\x01xxx\x01"},
		{"OAUTHBEARER", "S sesame", "sesame"},
		{"EXTERNAL", "S sesame", "sesame"},
		{"EXTERNAL", "C alice", "ALICE"},
		{"CHAOS", "C \x00alice\x00sesame", "\x00ALICE\x00xxxxxx"},
		{"CHAOS", "C user=alice\x01auth=Bearer sesame\x01\x01", "user=ALICE\x01auth=Bearer xxxxxx\x01\x01"},
		{"CHAOS", "S sesame", "xxxxxx"},
		{"NTLM", "C sesame", "xxxxxx"},
		{"GSSAPI", "C sesame", "xxxxxx"},
	} {
		turn := b64(tt.message)[0]
		out := NewScrubber(tt.mech, bytes.ToUpper, func(b []byte) []byte { return b }).Line(turn.Server, turn.Data)
		if got, _ := decode64(out); string(got) != tt.want {
			t.Errorf("%s %q:\n got %q\nwant %q", tt.mech, tt.message, got, tt.want)
		}
	}
	for name, want := range map[string]string{string(utf16le("alice")): string(utf16le("ALICE")), "alice": "ALICE"} {
		s := NewScrubber("NTLM", bytes.ToUpper, nil)
		got, _ := decode64(s.Line(false, cb(ntlmAuthenticate(64, 1, unhex(nlmpLMv1), unhex(nlmpNTv1), utf16le("Domain"), []byte(name), nil)).Data))
		if bytes.Contains(got, []byte(name)) || !bytes.Contains(got, []byte(want)) || !bytes.Contains(got, utf16le("Domain")) {
			t.Errorf("NTLM %q: got %q", name, got)
		}
	}
	for _, last := range [][]byte{wrapToken(0, 0, "\x02\x00\xff\xffalice"), wrapToken(4, 28, "\x04\x00\xff\xffalice"), wrapTokenOld("\x02\x00\xff\xffalice")} {
		turns := scrub("GSSAPI", []Turn{cb(apReq(18)), sb(wrapToken(1, 0, "\x07\x00\xff\xff")), cb(last)})
		if a := Decode("GSSAPI", turns); !a.SecurityLayer || len(a.AuthzID) == 0 || string(a.AuthzID) == "alice" {
			t.Errorf("GSSAPI %x: layer %v, authzid %q", last, a.SecurityLayer, a.AuthzID)
		}
	}
	for line, want := range map[string]string{
		"": "", "*": "*", "=": "=", "c2VzYW1l": "eHh4eHh4", " c2VzYW1l ": " eHh4eHh4 ", "c2VzYQ": "eHh4eA", "c2VzYQ==": "eHh4eA==",
		"c2Vz YW1l": "eHh4 Hh4e", "c2VzYQ=": "eHh4eH=", "c2?zYQ==": "------==", "c2VzY": "eHh4e",
	} {
		if got := string(NewScrubber("CHAOS", nil, nil).Line(false, []byte(line))); got != want {
			t.Errorf("%q:\n got %q\nwant %q", line, got, want)
		}
	}
}

// TestScrubberDistrusts overwrites all answers of LOGIN where one may be
// missing.
func TestScrubberDistrusts(t *testing.T) {
	s := NewScrubber("LOGIN", nil, nil)
	s.Distrust()
	for _, turn := range b64("S Username:", "C sesame-7") {
		if out := s.Line(turn.Server, turn.Data); !turn.Server && bytes.Equal(out, turn.Data) {
			t.Errorf("kept %q", out)
		}
	}
}

// TestScrubberOfLOGIN keeps one answer, the user name, and no prompt whose
// words are overwritten.
func TestScrubberOfLOGIN(t *testing.T) {
	for _, row := range []struct {
		turns []Turn
		want  string
	}{
		{b64("S Username:", "C alice", "S Password:", "C sesame"), "alice xxxxxx"},
		{b64("S Username:", "C alice", "C sesame", "C again"), "alice xxxxxx xxxxx"},
		{b64("S ?", "C alice", "S ?", "C sesame", "S ?", "C again"), "x alice x xxxxxx x xxxxx"},
		{b64("S Password:", "C sesame", "S ?", "C alice"), "xxxxxx x alice"},
		{b64("C raw:=", "S ?", "C sesame"), "x xxxxxx"},
		{b64("C raw:alice!", "S ?", "C sesame"), "x xxxxxx"},
	} {
		s := NewScrubber("LOGIN", nil, nil)
		var got []string
		for _, turn := range row.turns {
			plain, _ := decode64(s.Line(turn.Server, turn.Data))
			got = append(got, string(plain))
		}
		if got, want := strings.Fields(strings.Join(got, " ")), strings.Fields(row.want); !slices.Equal(got, want) {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
	}
}

// FuzzScrubber holds any dialogue to its lengths, and looks for what
// Decode calls a secret.
func FuzzScrubber(f *testing.F) {
	for _, r := range mechanisms {
		f.Add(strings.TrimSuffix(r.name, "*"), []byte("AGFsaWNlAHNlc2FtZS03\n+VXNlcm5hbWU6\nYWxpY2U=\n*"))
	}
	f.Fuzz(func(t *testing.T, mech string, text []byte) {
		var turns []Turn
		for _, line := range bytes.Split(text, []byte("\n")) {
			server := bytes.HasPrefix(line, []byte("+"))
			turns = append(turns, Turn{server, bytes.TrimPrefix(line, []byte("+"))})
		}
		out := scrub(mech, turns)
		a := Decode(mech, turns)
		for i := range out {
			if len(out[i].Data) != len(turns[i].Data) {
				t.Fatalf("%q became %q", turns[i].Data, out[i].Data)
			}
			plain, _ := decode64(out[i].Data)
			secret := a.Secret.Reveal()
			if len(secret) < 6 || bytes.Contains(a.User, secret) || bytes.Contains(a.AuthzID, secret) || len(bytes.Trim(secret, "x-0\x00")) == 0 || turns[i].Server {
				continue
			}
			if bytes.Contains(plain, secret) {
				t.Fatalf("%s: %q is still in %q", mech, secret, plain)
			}
		}
	})
}
