package pop3parse

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// shown returns all that a parser found as it is printed without leave to
// show secrets.
func shown(p *Parser) string {
	var b strings.Builder
	for _, x := range p.Exchanges() {
		fmt.Fprintf(&b, "%s %s %s %s %s", x.Verb, x.VerbSent, x.Args, x.Status, x.Text)
		for _, t := range x.SASL {
			fmt.Fprintf(&b, " %s", t.Data)
		}
		b.WriteString("\n")
	}
	for _, l := range p.Logins() {
		fmt.Fprintf(&b, "login %s %s %s %s %s %s\n", l.Mechanism, l.User, l.Secret, l.Challenge, l.Response, l.ReasonText)
	}
	return b.String()
}

func TestSecretsInOddPlacesAreMasked(t *testing.T) {
	const secret = "hunter2sekret"
	for name, lines := range map[string]string{
		"glued":                            "C: PASShunter2sekret\nS: -ERR",
		"glued with a sign":                "C: PASS:hunter2sekret\nS: -ERR",
		"mistyped":                         "C: PSAS hunter2sekret\nS: -ERR",
		"mistyped and echoed":              "C: PSAS hunter2sekret\nS: -ERR PSAS HUNTER2SEKRET is no command, hunter2sekret",
		"echoed after many":                "C: PASS one1 two2 three four five5 six6 seven eight nine9 ten10 eleven twelve 13th 14th 15th 16th\nS: -ERR\nC: PSAS hunter2sekret\nS: -ERR no PSAS hunter2sekret",
		"of another protocol":              "C: LOGIN alice hunter2sekret\nS: -ERR",
		"of IMAP":                          "C: A1 LOGIN alice hunter2sekret\nS: -ERR",
		"behind telnet's options":          "C| \xff\xfb\x01PASS hunter2sekret\\r\\n\nS: -ERR",
		"alone behind USER":                "C: USER alice\nS: +OK\nC: hunter2sekret\nS: -ERR",
		"echoed":                           "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR hunter2sekret (hunter2sekret) is wrong",
		"echoed in capitals":               "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR HUNTER2SEKRET is wrong",
		"echoed later":                     "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: NOOP\nS: -ERR not after hunter2sekret",
		"echoed decoded":                   "C: AUTH PLAIN AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR alice/hunter2sekret is wrong",
		"echoed after two steps":           "C: AUTH PLAIN\nS: +\nC: AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR hunter2sekret is wrong",
		"behind a tab":                     "C| AUTH PLAIN\\tAGFsaWNlAGh1bnRlcjJzZWtyZXQ=\\r\\n\nS: -ERR",
		"without a mechanism":              "C: AUTH AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR hunter2sekret",
		"both commands in one":             "C: USER alice PASS hunter2sekret\nS: -ERR no alice pass hunter2sekret\nC: PASS x\nS: -ERR",
		"in capitals and small letters":    "C: hunter2sekretX\nS: -ERR",
		"behind what is overwritten":       "C: ####hunter2sekret\nS: -ERR",
		"echoed in part":                   "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS| -ERR no, hunter2se\nxS| kret\\r\\n\nC: QUIT\nS: +OK",
		"echoed without quotes":            "C: USER alice\nS: +OK\nC: PASS \"hunter2sekret\"\nS: -ERR not hunter2sekret",
		"twice behind USER":                "C: USER alice\nS: +OK\nC: hunter2sekret\nS: -ERR\nC: hunter2sekret\nS: -ERR hunter2sekret",
		"behind a PASS without one":        "C: USER alice\nS: +OK\nC: PASS\nS: -ERR\nC: hunter2sekret\nS: -ERR",
		"behind an AUTH, in the clear":     "C: AUTH LOGIN\nS: -ERR\nC: hunter2sekret#\nS: -ERR",
		"in TRANSACTION once more":         "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: +OK\nC: XCHANGE hunter2sekret\nS: -ERR",
		"echoed of a glued one":            "C: PASS:hunter2sekret\nS: -ERR no 'hunter2sekret'",
		"echoed behind a NUL":              "C| PASS\\0hunter2sekret\\r\\n\nS: -ERR hunter2sekret",
		"echoed after many passwords":      "C: USER alice\nS: +OK\n" + guesses(20) + "C: PASS hunter2sekret\nS: -ERR hunter2sekret is wrong",
		"echoed by a challenge":            "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: AUTH LOGIN\nS: + not hunter2sekret\nC: *\nS: -ERR",
		"echoed by a challenge in base64":  "C: AUTH PLAIN\nS: +\nC: AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: + eyJub3QiOiJodW50ZXIyc2VrcmV0In0=\nC: *\nS: -ERR",
		"echoed by a challenge of CRAM":    "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: AUTH CRAM-MD5\nS: + PGh1bnRlcjJzZWtyZXRAeD4=\nC: YWxpY2UgeA==\nS: -ERR",
		"echoed of a mechanism of its own": "C: AUTH X-FOO\nS: +\nC: aHVudGVyMnNla3JldA==\nS: -ERR hunter2sekret",
		"behind two blanks":                "C: AUTH  PLAIN AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR",
		"too long for a mechanism":         "C: AUTH HUNTER2SEKRETHUNTER2SEKRET\nS: -ERR",
		"no name of a mechanism":           "C: AUTH HUNTER2SEKRET=\nS: -ERR",
		"both commands in one, taken":      "C: USER alice PASS hunter2sekret\nS: +OK\nC: PASS x\nS: -ERR",
		"echoed as sent":                   "C: AUTH PLAIN\nS: +\nC: AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR AGFsaWNlAGh1bnRlcjJzZWtyZXQ= is wrong",
		"both in one, echoed later":        "C: USER alice PASS hunter2sekret\nS: -ERR\nC: NOOP\nS: -ERR not after hunter2sekret",
		"a digest, echoed decoded":         "C: AUTH CRAM-MD5\nS: + PDFAeD4=\nC: YWxpY2UgYzRjOTMzNGJhYzU2MGVjYzk3OWU1ODAwMWIzZTIyZmI=\nS: -ERR not c4c9334bac560ecc979e58001b3e22fb",
		"echoed up to a NUL":               "C: USER alice\nS: +OK\nC| PASS hunter2sekret\\0x\\r\\n\nS: -ERR hunter2sekret",
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(fromStart, script("S: +OK ready\n"+lines), 0)
			for _, leak := range []string{secret, "HUNTER2SEKRET", "hunter2se", "AGFsaWNlAGh1bnRlcjJzZWtyZXQ=", "eyJub3QiOiJodW50ZXIyc2VrcmV0In0=", "PGh1bnRlcjJzZWtyZXRAeD4=", "c4c9334bac560ecc979e58001b3e22fb"} {
				if got := shown(p); strings.Contains(got, leak) {
					t.Errorf("%q is shown:\n%s", leak, got)
				}
			}
		})
	}
	t.Run("echoed later", func(t *testing.T) {
		p := parse(fromStart, script("S: +OK\nC: PASS hunter2sekret\nS: -ERR no\nC: NOOP\nS: -ERR not after hunter2sekret"), 0)
		if got := p.Logins()[0].ReasonText.String(); got != "no" {
			t.Errorf("the login failed for %q", got)
		}
	})
	t.Run("first line of a late capture", func(t *testing.T) {
		for _, lines := range []string{
			"C: hunter2sekret\nS: +OK", "C: ASS hunter2sekret\nS: +OK",
			"S: +OK\nC: hunter2sekret\nS: +OK", "S: +OK\nC: HUNTERSEKRET\nS: +OK", // behind the reply to a command that was not captured
		} {
			got := shown(parse(Options{}, script(lines), 0))
			if strings.Contains(got, secret) || strings.Contains(got, "HUNTERSEKRET") {
				t.Errorf("%q is shown:\n%s", lines, got)
			}
		}
	})
}

// guesses returns n refused PASS commands.
func guesses(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "C: PASS guess%d\nS: -ERR\n", i)
	}
	return b.String()
}

// TestUnknownVerbs: before the login, what is not written as a keyword is
// hidden as a whole.
func TestUnknownVerbs(t *testing.T) {
	for line, hidden := range map[string]bool{
		"XYZZY": false, "Xyzzy": false, "xyzzy": false, "Host: a": false, "X-CHECK2": false,
		"-x": true, "xYZZY": true, "x2y": true, "97531864": true, "ABCDEFGHIJKLMNOP": false, "ABCDEFGHIJKLMNOPQ": true,
		"hUnter": true,
	} {
		x := parse(fromStart, script("S: +OK\nC: "+line+"\nS: -ERR"), 0).Exchanges()[0]
		if got := x.Verb == ""; got != hidden || got && string(x.Args.Reveal()) != line {
			t.Errorf("%s: hidden %v, want %v (verb %q)", line, got, hidden, x.Verb)
		}
	}
}

// TestSecretsWrittenAsKeywords: some passwords look like a command. Where one
// is to be expected they are hidden as a whole, and elsewhere a verb is shown.
func TestSecretsWrittenAsKeywords(t *testing.T) {
	const login = "C: USER alice\nS: +OK\nC: PASS x\nS: +OK\n"
	for name, c := range map[string]struct {
		opt    Options
		lines  string
		hidden bool
	}{
		"behind USER":               {fromStart, "S: +OK ready\nC: USER alice\nS: +OK\nC: sesame\nS: -ERR no sesame", true},
		"behind PASS":               {fromStart, "S: +OK ready\nC: USER alice\nS: +OK\nC: PASS\nS: -ERR\nC: sesame\nS: -ERR", true},
		"behind APOP":               {fromStart, "S: +OK ready\nC: APOP alice\nS: -ERR\nC: sesame\nS: -ERR", true},
		"behind AUTH":               {fromStart, "S: +OK ready\nC: AUTH\nS: -ERR\nC: sesame\nS: -ERR", true},
		"two behind USER":           {fromStart, "S: +OK ready\nC: USER alice\nS: +OK\nC: XFOO\nS: -ERR\nC: sesame\nS: -ERR", true},
		"first of a late capture":   {Options{}, "C: sesame\nS: -ERR", true},
		"cut, behind the login":     {fromStart, "S: +OK ready\n" + login + "C| sesame\nxC| x\\r\\n\nS: -ERR\nC: QUIT\nS: +OK", true},
		"glued":                     {fromStart, "S: +OK ready\nC: PASSSESAME\nS: -ERR", true},
		"glued, behind the login":   {fromStart, "S: +OK ready\n" + login + "C: PASSSESAME\nS: -ERR", true},
		"LOGIN, behind the login":   {fromStart, "S: +OK ready\n" + login + "C: LOGIN alice sesame\nS: -ERR", true},
		"first of a whole capture":  {fromStart, "S: +OK ready\nC: sesame\nS: -ERR", false},
		"second of a late capture":  {Options{}, "C: NOOP\nS: -ERR\nC: sesame\nS: -ERR", false},
		"behind the login":          {fromStart, "S: +OK ready\n" + login + "S: +OK ready\nC: NOOP\nS: +OK\nC: sesame\nS: -ERR", false},
		"directly behind the login": {fromStart, "S: +OK ready\n" + login + "S: +OK ready\nC: sesame\nS: -ERR", false},
	} {
		p := parse(c.opt, script(c.lines), 0)
		if got := shown(p); strings.Contains(strings.ToLower(got), "sesame") == c.hidden {
			t.Errorf("%s: hidden %v, want %v:\n%s", name, !c.hidden, c.hidden, got)
		}
	}
}

func TestDigestsInOddPlacesAreMasked(t *testing.T) {
	const digest = "c4c9334bac560ecc979e58001b3e22fb"
	for args, user := range map[string]string{
		digest:                       "",
		digest + " ":                 "",
		"alice " + digest:            "alice",
		" alice  " + digest + "  ":   "alice",
		"alice smith " + digest:      "alice smith",
		"alice " + digest + " ":      "alice",
		"alice " + digest + " twice": "alice",
		`alice\t` + digest:           "alice",
		"mary:" + digest:             "mary:",
		"mary" + digest:              "mary",

		"MARY" + strings.ToUpper(digest) + " twice": "MARY",
		digest + " " + digest:                       digest,
		"alice nodigest":                            "alice",
		"alice":                                     "alice",
	} {
		p := parse(fromStart, script("S: +OK <1@x>\nC| APOP "+args+"\\r\\n\nS: -ERR"), 0)
		want := strings.Contains(args, " ") || strings.Contains(args, digest)
		if x := p.Exchanges()[0]; x.Args.HasSecret() != want || user != digest && strings.Contains(shown(p), digest) {
			t.Errorf("APOP %s: its digest is shown:\n%s", args, shown(p))
		}
		if got := string(p.Logins()[0].User); got != user {
			t.Errorf("APOP %s: user %q, want %q", args, got, user)
		}
	}
	const proof = "cnNwYXV0aD1lYTQwZjYwMzM1YzQyN2I1NTI3Yjg0ZGJhYmNkZmZmZA==" // RFC 2831 section 4
	p := parse(fromStart, script("S: +OK\nC: AUTH DIGEST-MD5\nS: + bm9uY2U9Im4i\nC: dXNlcm5hbWU9ImFsaWNlIg==\nS: + "+proof+"\nC: \nS: +OK"), 0)
	if got := shown(p); strings.Contains(got, proof) {
		t.Errorf("the server's proof is shown:\n%s", got)
	}
	p = parse(fromStart, script("S: +OK\nC: AUTH AGFsaWNlAGh1bnRlcjJzZWtyZXQ=\nS: -ERR"), 0)
	if l := p.Logins()[0]; l.Mechanism != NoMechanism || string(l.User) != "alice" || l.Exposure != Cleartext {
		t.Errorf("AUTH without a mechanism: %+v", l)
	}
	for args, want := range map[string]string{"Plain AGFsaWNlAGh1bnRlcjJzZWtyZXQ=": "PLAIN", "ABCDEFGHIJKLMNOPQRST": "ABCDEFGHIJKLMNOPQRST", "ABCDEFGHIJKLMNOPQRSTU": NoMechanism} {
		p := parse(fromStart, script("S: +OK\nC: AUTH "+args+"\nS: -ERR"), 0)
		if got := p.Logins()[0].Mechanism; got != want {
			t.Errorf("AUTH %s: mechanism %s, want %s", args, got, want)
		}
	}
	for _, args := range []string{"LOGIN YWxpY2U= aHVudGVyMnNla3JldA==", "PLAIN\tAGFsaWNlAGh1bnRlcjJzZWtyZXQ=", "AGFsaWNlAGh1bnRlcjJzZWtyZXQ="} {
		p := parse(fromStart, script("S: +OK\nC: AUTH "+args+"\nS: +OK"), 0)
		l := p.Logins()[0]
		if string(l.User) != "alice" || string(l.Secret.Reveal()) != "hunter2sekret" || l.Exposure != Cleartext {
			t.Errorf("AUTH %s: user %q, secret %q, %s", args, l.User, l.Secret.Reveal(), l.Exposure)
		}
		if got := shown(p); strings.Contains(got, "nNla3JldA") || strings.Contains(got, "zZWtyZXQ") {
			t.Errorf("AUTH %s is shown:\n%s", args, got)
		}
	}
}

// TestPasswordBehindTheUserIsMasked: some send both in one line, and some
// names have blanks.
func TestPasswordBehindTheUserIsMasked(t *testing.T) {
	const secret = "hunter2sekret"
	for name, lines := range map[string]string{
		"refused":                   "C: USER alice hunter2sekret\nS: -ERR too many arguments: alice hunter2sekret",
		"accepted, and no PASS":     "C: USER alice hunter2sekret\nS: +OK a password for alice hunter2sekret\nC: STAT\nS: -ERR",
		"refused, and PASS":         "C: USER alice hunter2sekret\nS: -ERR\nC: PASS hunter2sekret\nS: -ERR",
		"accepted, and PASS too":    "C: USER alice hunter2sekret\nS: +OK\nC: PASS hunter2sekret\nS: -ERR",
		"with a tab, no reply":      "C: USER  alice\thunter2sekret",
		"refused, PASS in one go":   "C: USER alice hunter2sekret\nC: PASS hunter2sekret\nS: -ERR\nS: -ERR",
		"accepted, and other words": "C: USER alice hunter2sekret\nS: +OK\nC: CAPA\nS: -ERR\nC: QUIT\nS: +OK",
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(fromStart, script("S: +OK ready\n"+lines), 0)
			if got := shown(p); strings.Contains(got, secret) || !strings.Contains(got, "alice") {
				t.Errorf("the password is shown, or the name is not:\n%s", got)
			}
		})
	}
	p := parse(fromStart, script("S: +OK\nC: USER alice liddell\nS: +OK alice liddell is welcome\nC: PASS hunter2sekret\nS: +OK"), 0)
	want := "USER  alice liddell +OK alice liddell is welcome\nPASS  ******** +OK \nlogin USER/PASS alice liddell ********   \n"
	if got := shown(p); got != want {
		t.Errorf("a name with a blank:\n got %q\nwant %q", got, want)
	}
}

// TestArgumentsThatAreNone: what a command does not take is hidden before the
// login, and what was sent as a secret before everywhere.
func TestArgumentsThatAreNone(t *testing.T) {
	const login = "C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: +OK\n"
	for _, row := range []struct {
		lines, args string
	}{
		{"C: NOOP hunter2sekret\nS: -ERR", secret.Mask},
		{"C: RETR hunter2sekret\nS: -ERR", secret.Mask},
		{"C: TOP 1 x\nS: -ERR", secret.Mask},
		{"C: TOP 1  20\nS: -ERR", "1  20"},
		{"C: UTF8 hunter2sekret\nS: -ERR", secret.Mask},
		{"C: LANG hunter2sekret\nS: -ERR", "hunter2sekret"}, // nobody has proved anything with it yet
		{"C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: LANG hunter2sekret\nS: -ERR", secret.Mask},
		{"C: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: USER hunter2sekret\nS: -ERR", secret.Mask},
		{"C: ali.ce\nS: -ERR\nC: USER ali.ce\nS: +OK", "ali.ce"}, // a name that was typed as a command
		{login + "C: NOOP hunter2\nS: -ERR", "hunter2"},
		{login + "C: NOOP hunter2sekret\nS: -ERR", secret.Mask},
		{login + "C: RETR a hunter2sekret b\nS: -ERR", "a " + secret.Mask + " b"},
		{login + "C: LIST 1\nS: +OK 1 120", "1"},
		{"C: USER alice red queen\nS: +OK\nC: PASS hunter2sekret\nS: -ERR", "alice red queen"},
		{"C: USER alice red hunter2sekret\nS: +OK\nC: PASS hunter2sekret\nS: -ERR", "alice " + secret.Mask},
	} {
		p := parse(fromStart, script("S: +OK ready\n"+row.lines), 0)
		all := p.Exchanges()
		x := all[len(all)-1]
		if x.Verb == PASS {
			x = all[len(all)-2]
		}
		if got := x.Args.String(); got != row.args {
			t.Errorf("%s:\n got %s\nwant %s", row.lines, got, row.args)
		}
	}
	p := parse(fromStart, script("S: +OK\nC: USER alice\nS: +OK\nC: PASS hunter2sekret\nS: -ERR\nC: USER hunter2sekret\nS: +OK\nC: PASS x\nS: -ERR"), 0)
	if got := p.Logins()[1].User; got != nil {
		t.Errorf("a password typed for a name is the name %q", got)
	}
}

// TestResponseCodesThatRepeat: a response code is a part of the text, and is
// hidden with it unless it says nothing of the command.
func TestResponseCodesThatRepeat(t *testing.T) {
	for lines, code := range map[string]string{
		"C: PASS hunter2sekret\nS: -ERR [hunter2sekret] no":      "",
		"C: PASS hunter2sekret\nS: -ERR [X] no hunter2sekret":    "X",
		"C: PASS in-use\nS: -ERR [in-use] no":                    "in-use",
		"C: PSAS hunter2sekret\nS: -ERR [HUNTER2SEKRET]":         "",
		"C: USER alice sekret\nS: -ERR [NO/sekret] no":           "",
		"C: PASS hunter2sekret\nS: +OK [AUTH] not hunter2sekret": "AUTH",
	} {
		x := parse(fromStart, script("S: +OK ready\n"+lines), 0).Exchanges()[0]
		if got := string(x.Code); got != code {
			t.Errorf("%s: code %q, want %q", lines, got, code)
		}
	}
}

// TestRestsOfSecrets: what follows a loss and is no command, or one with
// arguments that it does not take, may be the rest of a secret, and a refusal
// may repeat all of it.
func TestRestsOfSecrets(t *testing.T) {
	for name, lines := range map[string]string{
		"of a password":               "C: USER alice\nS: +OK\nxC| PASS hun\nC: ter2sekret\nS: -ERR not hunter2sekret",
		"of one like a command":       "C: USER alice\nS: +OK\nxC| PASS hun \nC: top ter2sekret\nS: -ERR not hun top ter2sekret",
		"behind the login":            "C: USER alice\nS: +OK\nC: PASS x\nS: +OK\nxC| XPASSWD hun \nC: top ter2sekret\nS: -ERR",
		"of which the middle is lost": "C: USER alice\nS: +OK\nC| PASS hun\nxC| ter\nC: 2sekret\nS: -ERR not hunter2sekret",
		"of which the end is lost":    "C: USER alice\nS: +OK\nC| PASS hunter2\nxC| sekret\\r\\n\nS: -ERR not hunter2sekret",
		"for an AUTH that was lost":   "xC| AUTH LOGIN\\r\\n\nS: + VXNlcm5hbWU6\nC: YWxpY2U=\nS: + UGFzc3dvcmQ6\nC: aHVudGVyMnNla3JldA==\nS: -ERR not hunter2sekret",
		"of a name that was lost":     "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nxC| YWxpY2U=\\r\\n\nC: aHVudGVyMnNla3JldA==\nS: -ERR not hunter2sekret",
	} {
		p := parse(fromStart, script("S: +OK ready\n"+lines+"\nC: NOOP\nS: +OK"), 0)
		for _, leak := range []string{"hunter", "sekret", "aHVudGVyMnNla3JldA"} {
			if got := shown(p); strings.Contains(got, leak) {
				t.Errorf("%s: %q is shown:\n%s", name, leak, got)
			}
		}
	}
}

// TestRepliesThatRepeat: a reply is hidden from the first to the last of what
// it repeats. Of a secret that is all of it, of a command that nobody knows any
// part.
func TestRepliesThatRepeat(t *testing.T) {
	long := strings.Repeat("a", 1100)
	for _, row := range []struct{ lines, text string }{
		{"C: PSAS Hunter2SEKRET\nS: -ERR what is unter2se here", "what is ******** here"},
		{"C: PSAS hunter2sekret\nS: -ERR HUNTER2 or kret here", "******** here"},
		{"C: PSAS hunter2sekret\nS: -ERR no kret", "no ********"},
		{"C: PSAS hunter2sekret\nS: -ERR no ret", "no ret"},
		{"C: PSAS abcd\nS: -ERR no abcd", "no ********"},
		{"C: PSAS abc\nS: -ERR no abc", "no ********"},
		{"C: PSAS mypassword\nS: -ERR a password, please", "a password, please"},
		{"C: PSAS password\nS: -ERR no password", "no ********"},
		{"C: PSAS password hunter2sekret\nS: -ERR a password or kret here", "a ******** here"},
		{"C: PSAS password hunter2sekret\nS: -ERR a kret or password is", "a ******** is"},
		{"C: PSAS hunter2sekret\nS: -ERR İ kret", "********"},
		{"C: PSAS hunter2sekret\nS: -ERR İ no", "İ no"},
		{"C: PSAS " + long + "\nS: -ERR " + strings.Repeat("b", 1100), "********"},
		{"C: PASS hunter2sekret\nS: -ERR\nC: PSAS wonderland\nS: -ERR a hunter2sekret or derl here", "a ******** here"},
		{"C: PASS hunter2sekret\nS: -ERR\nC: PSAS wonderland\nS: -ERR a derl or hunter2sekret here", "a ******** here"},
		{"C: PASS hunter2sekret\nS: -ERR\nC: PSAS wonderland\nS: -ERR a hunter2sekret here", "a ******** here"},
		{"C: USER alice wonderland\nS: -ERR no derland here", "no ******** here"},
		{"C: PSAS wonderland\nS: -ERR\nC: NOOP\nS: -ERR no wonderland", "no wonderland"},
		{"C: wonderLand\nS: -ERR\nC: NOOP\nS: -ERR no wonderland", "no ********"},

		{"C: PASS hunter2sekret\nS: -ERR HUNTER2SEKRET or hunter2sekret IS", "******** IS"},
		{"C: PASS hunter2sekret\nS: -ERR no hunter2", "no hunter2"},
		{"C: PASS hunter2sekret\nS| -ERR no hunt\nxS| er\\r\\n", "no ********"},
		{"C: PASS hunter2sekret\nS| -ERR no hun\nxS| ter\\r\\n", "no hun"},
		{"C: PASS hunter2sekret\nS| -ERR hunt is no\nxS| ter\\r\\n", "hunt is no"},
		{"C: PASS hunter2sekret\nS: -ERR İ hunter2sekret", "********"},
		{"C: PASS hunter2sekret\nS: -ERR É hunter2sekret", "********"},
		{"C: PASS hunter2sekret\nS: -ERR é hunter2sekret", "é ********"},
		{"C: PASS a b c d\nS: -ERR no a b c d, a", "no ********, a"},
		{"C: PASS hunter2sekret x\nS: -ERR no hunter2sekret", "no ********"},
		{"C: PASS abc\nS: -ERR no abc", "no ********"},
		{"C: PASS abcd\nS: -ERR no abcd", "no ********"},
		{"C: PASS abc\nS: -ERR no \"ABC\", abcd is", "no \"********\", abcd is"},
		{"C: PASS abc\nS: -ERR\nC: NOOP\nS: -ERR no abc", "no abc"}, // elsewhere it stands by chance
		{"C: USER bob\nS: +OK\nC: PASS bob\nS: +OK bob is welcome", "bob is welcome"},
		{"C: USER alice abc\nS: -ERR no alice abc", "no alice ********"},
		{"C: AUTH PLAIN AGFsaWNlAGFiYw==\nS: -ERR no abc", "no ********"},
		{"C: PASS ABCXYZ\nS: -ERR no abcxyz", "no ********"},
		{"C: AUTH PLAIN AGFsaWNlAGFsaWNl\nS: +OK alice has 2 messages", "alice has 2 messages"},
		{guesses(maxSecrets) + "C: NOOP\nS: -ERR no guess0", "no ********"},
		{guesses(maxSecrets+1) + "C: NOOP\nS: -ERR no guess0, guess1", "no guess0, ********"},
		{"C: PASS plain\nS: -ERR no plain words", "no plain words"},
		{"C: PASS hunter2sekret\nS: -ERR\n" + strings.Repeat("C: PASS wonderland\nS: -ERR\n", 20) + "C: NOOP\nS: -ERR no hunter2sekret", "no ********"},
	} {
		p := parse(fromStart, script("S: +OK ready\n"+row.lines), 0)
		x := p.Exchanges()[len(p.Exchanges())-1]
		if got := x.Text.String(); got != row.text {
			t.Errorf("%.90s:\n got %.90s\nwant %s", row.lines, got, row.text)
		}
	}
}

// TestRowsThatRepeat checks which data of several lines is taken for a secret:
// that of a reply which is no message and no listing of messages.
func TestRowsThatRepeat(t *testing.T) {
	login := "C: PASS hunter2sekret\nS: +OK\n"
	for _, row := range []struct {
		lines string
		hides bool
		capa  string
	}{
		{login + "C: XWHO\nS: +OK\nS: alice\nS: HUNTER2SEKRET\nS: .", true, ""},
		{login + "C: XWHO\nS: +OK\nS: alice\nS: hunter2\nS: .", false, ""},
		{login + "C: XWHO\nS| +OK\\r\\nhunter2\nS| sekret\\r\\n.\\r\\n", true, ""},
		{login + "C: XWHO\nS: +OK\nS| is hunter2\nxS| sekret\\r\\n\nS: no\nS: .", true, ""},
		{login + "C: XWHO\nS: +OK\nS| is hunter2\n", true, ""},
		{login + "C: XWHO\nS: +OK\nS| " + strings.Repeat("a", maxRow) + "\nS| hunter2sekret\\r\\n.\\r\\n", true, ""},
		{login + "C: AUTH\nS: +OK\nS: PLAIN\nS: hunter2sekret\nS: .", true, ""},
		{login + "C: CAPA\nS: +OK\nS: UIDL\nS: X-hunter2sekret\nS: .", true, "UIDL," + secret.Mask},
		{login + "C: CAPA\nS: +OK\nS: UIDL\nS: IMPLEMENTATION Hunter2Sekret\nS: .", true, "UIDL,IMPLEMENTATION " + secret.Mask},
		{"C: PASS uidl\nS: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: X-\nS: .", false, "UIDL,X-"},
		{login + "C: UIDL\nS: +OK\nS: 1 hunter2sekret\nS: .", true, ""},
		{login + "C: UIDL\nS: +OK\nS| 1 hunter2\nS| sekret\\r\\n.\\r\\n", true, ""},
		{login + "C: UIDL\nS: +OK\nS| 1 hunter2\nxS| sekret\\r\\n\nS: 2 a\nS: .", true, ""},
		{login + "C: UIDL\nS: +OK\nS: 1 a\nxS| 2 hun\nS: ter2sekret\nS: .", true, ""},
		{login + "C: UIDL\nS: +OK\nS: 1 xhunter2sekretx\nS: .", true, ""},
		{"C: PASS 1234\nS: +OK\nC: UIDL\nS: +OK\nS: 1 a1234b\nS: .", false, ""}, // by chance
		{"C: PASS 1234\nS: +OK\nC: UIDL\nS: +OK\nS: 1 a-1234\nS: .", true, ""},
		{"C: PASS 1234\nS: +OK\nC: LIST\nS: +OK\nS: 1 1234\nS: .", false, ""},    // octets
		{"C: PASS 1234\nS: +OK\nC: UIDL\nS: +OK\nS: 1234 aaaa\nS: .", false, ""}, // the number of a message
		{login + "C: UIDL\nS: +OK\nS| 1 " + strings.Repeat("a", maxRow) + "\nS| hunter2sekret\\r\\n.\\r\\n", true, ""},
		{login + "C: LIST\nS: +OK\nS: 1 120 hunter2sekret\nS: .", true, ""},
		{login + "C: XTND XLST Subject\nS: +OK\nS: 1 Subject: hunter2sekret\nS: .", true, ""},
		{login + "C: RETR 1\nS: +OK\nS: hunter2sekret\nS: .", false, ""},
		{"C: XTELL hunter2sekret\nS: +OK\nS: you said unter2se\nS: .", true, ""},
		{"C: XTELL hunter2sekret\nS: +OK\nS: you said nothing\nS: .", false, ""},
		{"C: XTELL hunter2sekret\nS: +OK\nS| " + strings.Repeat("a", maxRow) + "\nS| hunter2sekret\\r\\n.\\r\\n", true, ""},
		{"C: XTELL hunter2sekret\nS: +OK\n" + strings.Repeat("S: you said nothing\n", maxSearch/300) + "S: .", true, ""}, // not searched any more
		{login + "C: XTELL wonderland\nS: +OK\nS: you said wonderland\nS: .", false, ""},                                 // after the login it is no secret
	} {
		p := parse(fromStart, script("S: +OK ready\n"+row.lines), 0)
		x := p.Exchanges()[len(p.Exchanges())-1]
		if !x.Multiline || x.SecretBody != row.hides {
			t.Errorf("%.90s:\n got %v, multi-line %v", row.lines, x.SecretBody, x.Multiline)
		}
		if got := string(bytes.Join(p.Session().Capabilities, []byte(","))); got != row.capa {
			t.Errorf("%.90s:\n capabilities %q, want %q", row.lines, got, row.capa)
		}
	}
}

// TestHiddenRowsAreCounted: a message of which the unique id is not shown is
// one of the maildrop all the same.
func TestHiddenRowsAreCounted(t *testing.T) {
	p := parse(fromStart, script("S: +OK\nC: USER mail@example.com\nS: +OK\nC: PASS mail\nS: +OK\n"+
		"C: UIDL\nS: +OK\nS: 1 mail.1000\nS: 2 mail.1000\nS: 3 1234\nS: .\nC: XAUTHLIST\nS: +OK\nS: 1 bob@mail.example.com\nS: 4 x\nS: ."), 0)
	got := ""
	for _, e := range p.Maildrop().Entries() {
		got += fmt.Sprintf("%d %s,", e.Number, e.UID)
	}
	if want := "1 ,2 ,3 1234,"; got != want || p.Exchanges()[2].Notes.Has(DuplicateUID) {
		t.Errorf("got %q, want %q; notes %v", got, want, p.Exchanges()[2].Notes)
	}
}

// TestNumbersAreNoSecrets: a password of digits is the number of a message by
// chance.
func TestNumbersAreNoSecrets(t *testing.T) {
	p := parse(fromStart, script("S: +OK\nC: USER alice\nS: +OK\nC: PASS 1234\nS: +OK\nC: RETR 1234\nS: -ERR\nC: TOP 12345 0\nS: -ERR\nC: NOOP 1234\nS: +OK"), 0)
	for _, want := range []string{"RETR  1234 -ERR", "TOP  12345 0 -ERR", "NOOP  " + secret.Mask} {
		if got := shown(p); !strings.Contains(got, want) {
			t.Errorf("%q is not shown:\n%s", want, got)
		}
	}
}

// TestEchoes: what is hidden because something was lost was not seen to repeat
// a secret.
func TestEchoes(t *testing.T) {
	for _, row := range []struct {
		lines string
		want  bool
	}{
		{"C: PASS hunter2sekret\nS: -ERR hunter2sekret", true},
		{"C: PASS cat\nS: -ERR cat", true},
		{"C: PASS hunter2sekret\nS: -ERR no", false},
		{"C: PASS hunter2sekret\nS: +OK\nC: NOOP\nS: +OK hunter2sekret", true},
		{"C| PASS hunter2\nxC| sekret\\r\\n\nS: -ERR no", false},
		{"C| PASS hunter2\nxC| sekret\\r\\n\nS: -ERR hunter2sekret", true},
		{"xC| USER al\nC| ice mail\\r\\n\nS: -ERR no mail for alice", false},
	} {
		p := parse(fromStart, script("S: +OK\n"+row.lines), 0)
		x := &p.Exchanges()[len(p.Exchanges())-1]
		if x.Echoes() != row.want || row.want && !x.Text.HasSecret() {
			t.Errorf("%s: echoes %v, shown as %q", row.lines, x.Echoes(), x.Text)
		}
	}
}

// TestOverlap compares it with the definition.
func TestOverlap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		word := func() []byte {
			b := make([]byte, r.IntN(3*shortWord))
			for i := range b {
				b[i] = "aaaaaaaaaaaaab"[r.IntN(14)]
			}
			return b
		}
		a, b := word(), word()
		if r.IntN(2) == 0 {
			b = append(bytes.Clone(a[r.IntN(len(a)+1):]), b...)
		}
		want := min(len(a), len(b))
		for !bytes.HasSuffix(a, b[:want]) {
			want--
		}
		if got := overlap(a, b); got != want {
			t.Errorf("%q, %q: got %d, want %d", a, b, got, want)
		}
	}
}

// TestLongWordsAreSearchedInTime: what a client sends and what a server repeats
// in part may both be as long as a line.
func TestLongWordsAreSearchedInTime(t *testing.T) {
	long := strings.Repeat("a", 60000)
	lines := "S: +OK\n"
	for range 20 {
		lines += "C: USER u " + long + "\nS: +OK\nC: PASS " + long[:30000] + "b\nS: -ERR no\n"
	}
	for i := range maxSecrets {
		lines += "C: PASS " + long[i:] + "b\nS: -ERR no\n"
	}
	for range 5 {
		lines += "C: NOOP\nS| +OK b" + long + "\nxS| x\\r\\n\n"
	}
	chunks := script(lines + "C: QUIT\nS: +OK\n")
	begin := time.Now()
	parse(fromStart, chunks, 0)
	if d := time.Since(begin); d > 5*time.Second { // without products of lengths a tenth of one
		t.Errorf("it took %v", d)
	}
}

func TestOrdinaryTextIsNotMasked(t *testing.T) {
	p := parse(fromStart, script("S: +OK\nC: USER alice\nS: +OK alice is welcome\nC: PASS alice\nS: +OK alice has 2 messages\nC: XFOO bar\nS: +OK bar"), 0)
	for _, want := range []string{"USER  alice +OK alice is welcome", "alice has 2 messages", "XFOO  bar +OK bar"} {
		if got := shown(p); !strings.Contains(got, want) {
			t.Errorf("%q is not shown:\n%s", want, got)
		}
	}
	p = parse(fromStart, script("S: +OK\nC: AUTH EXTERNAL =\nS: +OK"), 0)
	if got := shown(p); !strings.Contains(got, "AUTH  EXTERNAL = ") {
		t.Errorf("the empty response is hidden:\n%s", got)
	}
	p = parse(fromStart, script("S: +OK\nC: PASSsesame\nS: -ERR invalid password"), 0)
	if got := shown(p); !strings.Contains(got, "-ERR invalid password") {
		t.Errorf("a word of the reply is hidden:\n%s", got)
	}
	p = parse(fromStart, script("S: +OK\nC: PASSsesame\nS: -ERR Ошибка"), 0)
	if got := shown(p); !strings.Contains(got, "-ERR Ошибка") {
		t.Errorf("a reply that repeats nothing is hidden:\n%s", got)
	}
}

func TestCutCommandIsMaskedAndNotGuessed(t *testing.T) {
	p := parse(fromStart, script("S: +OK\nC| hunter2se\nxC| kret\\r\\n\nS: +OK 1 120\nC: QUIT\nS: +OK"), 0)
	if got := shown(p); strings.Contains(got, "hunter2") {
		t.Errorf("the part before the gap is shown:\n%s", got)
	}
	if x := p.Exchanges()[0]; x.Verb == STAT {
		t.Errorf("a command that was seen in part is guessed from its reply:\n%s", show(p))
	}
	p = parse(fromStart, script("S: +OK\nC: \nS: +OK 1 120"), 0)
	if x := p.Exchanges()[0]; x.Verb != "" {
		t.Errorf("an empty command became %s", x.Verb)
	}
}

// TestServerProofOfSCRAM: what the server says behind its first message is
// secret also where it cannot be decoded.
func TestServerProofOfSCRAM(t *testing.T) {
	p := parse(fromStart, script(`
		S: +OK
		C: AUTH SCRAM-SHA-1
		S: +
		C: biwsbj11c2VyLHI9YWJj
		S: + cj1hYmNkZWYscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==
		C: Yz1iaXdzLHI9YWJjZGVmLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==
		S: + dj1ybUY5cHFWOFM3c3Vy!2FaOE9qQTdKRGM=
		C:
		S: +OK
	`), stream.ClosedFIN)
	var got []bool
	for _, turn := range p.Exchanges()[0].SASL {
		got = append(got, turn.Data.HasSecret())
	}
	if want := []bool{false, true, false, true, true, false}; !slices.Equal(got, want) {
		t.Errorf("secret turns: %v, want %v", got, want)
	}
}
