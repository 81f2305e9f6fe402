package sasl

import (
	"bytes"
	"encoding/base64"
	"fmt"
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
