package sasl

import "testing"

const (
	scramFirst  = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
	scramServer = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
	scramFinal  = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
	scramProof  = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
)

// rfc5802 is what the example of RFC 5802 section 5 tells.
func rfc5802() Attempt {
	return Attempt{User: bytesOf("user"), Challenge: bytesOf(scramServer), Response: secretOf("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
		ServerProof: secretOf("rmF9pqV8S7suAoZWja4dJRkFsKQ="), Exposure: Crackable, Iterations: 4096, ChannelBinding: "n"}
}

func TestRFC5802Section5(t *testing.T) {
	with := func(change func(*Attempt)) Attempt { a := rfc5802(); change(&a); return a }
	checkDecode(t, []decodeCase{
		{"as printed", "SCRAM-SHA-1", []Turn{s(""), ce(scramFirst), se(scramServer), ce(scramFinal), se(scramProof), c("")}, rfc5802()},
		{"initial response", "SCRAM-SHA-1", []Turn{ce(scramFirst), se(scramServer), ce(scramFinal), se(scramProof)}, rfc5802()},
		{"refused", "SCRAM-SHA-1", []Turn{ce(scramFirst), se(scramServer), ce(scramFinal), se("e=invalid-proof")},
			with(func(a *Attempt) { a.ServerProof, a.ServerError = Attempt{}.ServerProof, "invalid-proof" })},
		{"client alone", "SCRAM-SHA-1", []Turn{ce(scramFirst), ce(scramFinal), c("")},
			Attempt{User: bytesOf("user"), Response: rfc5802().Response, Exposure: Crackable, ChannelBinding: "n", Incomplete: true}},
		{"server alone", "SCRAM-SHA-1", []Turn{s(""), se(scramServer), se(scramProof)},
			Attempt{Challenge: bytesOf(scramServer), ServerProof: rfc5802().ServerProof, Exposure: Protected, Iterations: 4096, Incomplete: true}},
		{"first message lost", "SCRAM-SHA-1", []Turn{se(scramServer), ce(scramFinal), se(scramProof)},
			with(func(a *Attempt) { a.User, a.ChannelBinding, a.Incomplete = nil, "", true })},
		{"cancelled after the challenge", "SCRAM-SHA-1", []Turn{ce(scramFirst), se(scramServer), c("*")},
			Attempt{User: bytesOf("user"), Challenge: bytesOf(scramServer), Exposure: Protected, Iterations: 4096, ChannelBinding: "n", Cancelled: true}},
	})
}

func TestRFC7677Section3(t *testing.T) {
	const (
		server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
		final  = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	)
	checkDecode(t, []decodeCase{
		{"as printed", "SCRAM-SHA-256", []Turn{ce("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), se(server), ce(final), se("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")},
			Attempt{User: bytesOf("user"), Challenge: bytesOf(server), Response: secretOf("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
				ServerProof: secretOf("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Exposure: Crackable, Iterations: 4096, ChannelBinding: "n"}},
	})
}

func TestSCRAMClientFirst(t *testing.T) {
	first := func(user, authz, binding string, malformed bool) Attempt {
		a := Attempt{Exposure: Protected, Malformed: malformed, Incomplete: true, ChannelBinding: binding}
		if user != "" {
			a.User = bytesOf(user)
		}
		if authz != "" {
			a.AuthzID = bytesOf(authz)
		}
		return a
	}
	checkDecode(t, []decodeCase{
		{"escapes", "SCRAM-SHA-1", []Turn{ce("n,a=the=2Cboss,n=a=3Db=2Cc,r=x")}, first("a=b,c", "the,boss", "n", false)},
		{"wrong escapes", "SCRAM-SHA-1", []Turn{ce("n,,n=a=2cb=,r=x")}, first("a=2cb=", "", "n", true)},
		{"could bind", "SCRAM-SHA-1", []Turn{ce("y,,n=alice,r=x")}, first("alice", "", "y", false)},
		{"binds", "SCRAM-SHA-256-PLUS", []Turn{ce("p=tls-server-end-point,,n=alice,r=x")}, first("alice", "", "p=tls-server-end-point", false)},
		{"extension before the name", "SCRAM-SHA-1", []Turn{ce("n,,m=ext,n=alice,r=x")}, first("alice", "", "n", false)},
		{"no header", "SCRAM-SHA-1", []Turn{ce("n=alice,r=x")}, first("alice", "", "", true)},
		{"wrong flag", "SCRAM-SHA-1", []Turn{ce("q,,n=alice,r=x")}, first("alice", "", "", true)},
		{"wrong authzid", "SCRAM-SHA-1", []Turn{ce("n,boss,n=alice,r=x")}, first("alice", "", "n", true)},
		{"no nonce", "SCRAM-SHA-1", []Turn{ce("n,,n=alice")}, first("alice", "", "n", true)},
		{"no name", "SCRAM-SHA-1", []Turn{ce("n,,r=x")}, first("", "", "n", true)},
	})
}

func TestSCRAMIterations(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
	}{
		{"i=1", 1}, {"i=4096", 4096}, {"i=2147483647", 2147483647},
		{"i=2147483648", 0}, {"i=-1", 0}, {"i=0", 0}, {"i=", 0}, {"i=99999999999999999999999", 0}, {"x=1", 0},
	} {
		a := Decode("SCRAM-SHA-1", []Turn{se("r=abc,s=QSXCR+Q6sek8bf92," + tt.text)})
		if a.Iterations != tt.want || a.Malformed != (tt.want == 0) {
			t.Errorf("%s: got %d, malformed %v, want %d", tt.text, a.Iterations, a.Malformed, tt.want)
		}
	}
}
