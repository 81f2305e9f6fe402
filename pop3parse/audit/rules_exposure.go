package audit

import (
	"bytes"
	"strings"

	"popscope/pop3parse"
)

// exposureRules are about what somebody who reads the traffic gains.
var exposureRules = []Rule{
	{
		Slug: "cleartext-login", Severity: High, Scope: AccountScope, session: cleartextLogin, needs: passwordTaken,
		Title:  "Password in clear",
		Advice: "Have the client use TLS on port 995 or STLS, turn off logins in clear on the server, and change the password: it has been on the wire.",
		RFC:    "RFC 8314 section 4.1",
		About: "A password went over the wire without TLS, and the server accepted it or its answer is not known. USER and PASS, AUTH PLAIN and AUTH LOGIN " +
			"show the password to everybody on the path. A password that was refused because the maildrop was in use counts as accepted: the server looks for that " +
			"when the password was right (RFC 1939 section 4, RFC 2449 section 8.1.2). It says so by the response code IN-USE, or in words that leave no doubt, such as " +
			"\"maildrop already locked\"; that a mailbox is locked, and no more, may mean that the account is. Other passwords that the server refused are the rule cleartext-attempt.",
	},
	{
		Slug: "cleartext-attempt", Severity: Low, Scope: AccountScope, session: cleartextAttempt, needs: passwordRefused,
		Title:  "Refused password in clear",
		Advice: "Have the client use TLS. If a person mistyped, what was sent is often close to the real password, or that of another account.",
		RFC:    "RFC 8314 section 4.1",
		About:  "A password went over the wire without TLS, and the server did not accept it, for another reason than a maildrop in use. An attempt that the server did not let finish counts too when the password was sent.",
	},
	{
		Slug: "stls-not-used", Severity: High, Scope: AccountScope, session: stlsNotUsed, needs: clearLogin,
		Title:  "Password in clear although the server offered STLS",
		Advice: "Set the client to require STLS or to use port 995. The server is ready for it.",
		RFC:    "RFC 2595 section 4",
		About: "The server listed STLS in its answer to CAPA, and the client logged in without TLS in the same session, showing a password or a token. " +
			"Logins that the server refused count too; one after the server had refused STLS does not, see the rule stls-refused. Whether a server offers STLS to other clients is said in the list of accounts.",
	},
	{
		Slug: "token-in-clear", Severity: High, Scope: AccountScope, session: tokenInClear, needs: clearLogin,
		Title:  "Bearer token in clear",
		Advice: "Revoke the token, and have the client use TLS. Whoever has a bearer token is let in until it expires.",
		RFC:    "RFC 7628 section 3; RFC 6750 section 5.3",
		About:  "AUTH XOAUTH2 or OAUTHBEARER sent a token without TLS. Tokens that the server refused count too: they may hold elsewhere.",
	},
	{
		Slug: "crackable-login", Severity: Medium, Scope: AccountScope, session: crackableLogin, needs: clearLogin,
		Title:  "Login from which the password can be guessed offline",
		Advice: "Use TLS. Without it, passwords must withstand billions of guesses a second: long and random ones only.",
		RFC:    "RFC 1939 section 13; RFC 2195 section 4; RFC 6331",
		About: "APOP, CRAM-MD5, DIGEST-MD5 or NTLM without TLS: challenge and response are in the capture, and each guess of the password can be tested with a single fast hash. " +
			"SCRAM is the rule scram-in-clear.",
	},
	{
		Slug: "scram-in-clear", Severity: Low, Scope: AccountScope, session: scramInClear, needs: clearLogin,
		Title:  "SCRAM login outside of TLS",
		Advice: "Use TLS, where SCRAM can also be bound to the channel.",
		RFC:    "RFC 5802 section 9; RFC 7677 section 4",
		About:  "A SCRAM exchange without TLS lets guesses of the password be tested offline, each at the cost of the iteration count. That is slow, so the finding is low.",
	},
	{
		Slug: "scram-few-iterations", Severity: Medium, Scope: AccountScope, session: scramFewIterations, needs: scramLogin,
		Title:  "SCRAM with a low iteration count",
		Advice: "Raise the iteration count on the server and have passwords stored anew.",
		RFC:    "RFC 5802 section 5.1; RFC 7677 section 4",
		About:  "The server announced fewer iterations than the standards ask for, so that guesses are cheap for whoever has seen a login or the server's stored keys.",
		Settings: []Setting{
			{Name: "iterations", Default: 4096, About: "fewer than this are too few"},
		},
	},
	{
		Slug: "password-is-user-name", Severity: High, Scope: AccountScope, session: passwordIsUser, needs: secretTaken,
		Title:  "Password equal to the user name",
		Advice: "Change the password. It is the first that is guessed.",
		RFC:    "RFC 4949, password",
		About:  "A password that the server accepted, or that was right although the maildrop was in use, or whose answer is not known, is the user name, with or without the domain and in any case of letters. It can be known only where the password is shown.",
	},
	{
		Slug: "anonymous-login", Severity: Low, Scope: PairScope, session: anonymousLogin, needs: loggedIn,
		Title:  "Anonymous login accepted",
		Advice: "Turn ANONYMOUS off unless the maildrop is meant for everybody.",
		RFC:    "RFC 4505 section 5",
		About:  "AUTH ANONYMOUS was accepted: whoever can reach the server can read the maildrop.",
	},
	{
		Slug: "secret-echoed", Severity: Medium, Scope: ServerScope, session: secretEchoed, needs: secretShown,
		Title:  "Server repeats a secret in its reply",
		Advice: "Change the server's reply: it ends in logs and on screens of clients.",
		RFC:    "RFC 1939 section 13",
		About:  "The text of a reply holds the password, or other SASL data, that the client had sent before. Inside TLS it counts too: the reply is logged by clients.",
	},
	{
		Slug: "mail-in-clear", Severity: Medium, Scope: AccountScope, session: mailInClear, needs: mailSent,
		Title:  "Mail in clear",
		Advice: "Use TLS. The content of the messages has been on the wire.",
		RFC:    "RFC 8314 section 3",
		About:  "RETR, TOP or XTND XMIT carried content of messages without TLS.",
	},
	{
		Slug: "password-reused", Severity: High, Scope: AccountScope,
		Title:  "One password for several accounts",
		Advice: "Give each account a password of its own: whoever learns one has them all.",
		RFC:    "RFC 4949, password",
		About: "The same password was accepted for accounts with different user names. A user name with and without domain, or in another case of letters, counts as one. " +
			"Only passwords that are shown can be compared.",
		Settings: []Setting{
			{Name: "accounts", Default: 2, About: "so many accounts with one password are a finding"},
		},
	},
}

// maxUsers is up to how many users of one session have a finding of their
// own for one rule. The rest of a session that tries thousands of names
// shares one.
const maxUsers = 16

// byUser adds a finding of a rule for each user with logins that match.
func (v *view) byUser(r *active, match func(*pop3parse.Login) bool, detail func(n int, l *pop3parse.Login) string) {
	if len(v.Logins) > 1 {
		v.byUsers(r, match, detail)
		return
	}
	// Nearly all sessions have one login at most. Room for many users need
	// not be cleared for it.
	for i := range v.Logins {
		if l := &v.Logins[i]; match(l) {
			var e evidence
			e.add(l.At)
			v.findUser(r, l.User, detail(1, l), &e)
		}
	}
}

// byUsers is byUser for a session with any number of logins.
func (v *view) byUsers(r *active, match func(*pop3parse.Login) bool, detail func(n int, l *pop3parse.Login) string) {
	var users [maxUsers]struct {
		told *pop3parse.Login
		e    evidence
	}
	n := 0
	var rest evidence
	var toldOfRest *pop3parse.Login
logins:
	for i := range v.Logins {
		l := &v.Logins[i]
		if !match(l) || v.ignore.account(l.User) {
			continue
		}
		for k := range n {
			if u := &users[k]; bytes.Equal(u.told.User, l.User) {
				u.told = weightier(u.told, l)
				u.e.add(l.At)
				continue logins
			}
		}
		if n < maxUsers {
			users[n].told = l
			users[n].e.add(l.At)
			n++
			continue
		}
		toldOfRest = weightier(toldOfRest, l)
		rest.add(l.At)
	}
	for k := range n {
		u := &users[k]
		v.findUser(r, u.told.User, detail(u.e.total, u.told), &u.e)
	}
	if rest.total > 0 {
		v.find(r, detail(rest.total, toldOfRest)+", of further users", &rest)
	}
}

// weightier returns the one of two logins that matters more, or else the
// first; nil is none.
func weightier(a, b *pop3parse.Login) *pop3parse.Login {
	if a == nil || weight(b) > weight(a) {
		return b
	}
	return a
}

// weight is the more the further the client got, as far as is known.
func weight(l *pop3parse.Login) int {
	switch {
	case l.Outcome == pop3parse.Success:
		return 3
	case l.Held:
		return 2
	case l.Outcome == pop3parse.OutcomeUnknown:
		return 1
	}
	return 0
}

// rejected reports whether the server refused what the client knew. What was
// refused since the maildrop was in use was right.
func rejected(l *pop3parse.Login) bool { return l.Outcome == pop3parse.Failure && !l.Held }

// how writes by which mechanism, how often, and what came of it.
func how(n int, l *pop3parse.Login) string {
	if n == 1 && l.Mechanism == "USER/PASS" && !l.Held { // by far the most frequent
		return [...]string{"USER/PASS, outcome not known", "USER/PASS, accepted", "USER/PASS, refused"}[l.Outcome]
	}
	b := make([]byte, 0, 64)
	b = append(b, l.Mechanism...)
	switch {
	case l.Held:
		b = append(b, ", right, but the maildrop was in use"...)
	case l.Outcome == pop3parse.Success:
		b = append(b, ", accepted"...)
	case l.Outcome == pop3parse.Failure:
		b = append(b, ", refused"...)
	default:
		b = append(b, ", outcome not known"...)
	}
	if n > 1 {
		b = append(append(b, "; "...), itoa(int64(n))...)
		b = append(b, " times in this session"...)
	}
	return string(b)
}

// shows reports whether a login outside of TLS showed something of a kind.
func shows(l *pop3parse.Login, what pop3parse.Exposure) bool {
	return !l.Encrypted && l.Exposure == what
}

func cleartextLogin(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool { return shows(l, pop3parse.Cleartext) && !rejected(l) }, how)
}

func cleartextAttempt(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool {
		return shows(l, pop3parse.Cleartext) && rejected(l) && l.Secret.Known()
	}, how)
}

func stlsNotUsed(v *view, r *active) {
	if c := v.Session.ClearCapa; v.Session.STLS || c == nil || !Offers(c.Rows, "STLS") {
		return
	}
	without := v.firstSTLSRefusal()
	v.byUser(r, func(l *pop3parse.Login) bool {
		return (shows(l, pop3parse.Cleartext) || shows(l, pop3parse.Token)) && (without == 0 || l.Exchange < without)
	}, how)
}

// firstSTLSRefusal returns the number of the exchange in which the server first
// refused STLS; 0 where it did not.
func (v *view) firstSTLSRefusal() int {
	if v.traits&stls == 0 {
		return 0
	}
	for i := range v.Exchanges {
		if x := &v.Exchanges[i]; x.Verb == pop3parse.STLS && x.Status == pop3parse.Err {
			return x.N
		}
	}
	return 0
}

func tokenInClear(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool { return shows(l, pop3parse.Token) }, how)
}

func isSCRAM(l *pop3parse.Login) bool { return strings.HasPrefix(l.Mechanism, "SCRAM-") }

func crackableLogin(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool { return shows(l, pop3parse.Crackable) && !isSCRAM(l) }, how)
}

func scramInClear(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool { return shows(l, pop3parse.Crackable) && isSCRAM(l) }, how)
}

func scramFewIterations(v *view, r *active) {
	least := r.count("iterations")
	v.byUser(r, func(l *pop3parse.Login) bool {
		return l.Iterations > 0 && int64(l.Iterations) < least
	}, func(_ int, l *pop3parse.Login) string {
		return l.Mechanism + " with " + itoa(int64(l.Iterations)) + " iterations, fewer than " + itoa(least)
	})
}

func passwordIsUser(v *view, r *active) {
	v.byUser(r, func(l *pop3parse.Login) bool {
		if rejected(l) || len(l.User) == 0 || !l.Secret.Known() || l.Exposure == pop3parse.Token {
			return false
		}
		local, _, _ := bytes.Cut(l.User, []byte("@"))
		s := l.Secret.Reveal()
		return bytes.EqualFold(s, l.User) || len(local) > 0 && bytes.EqualFold(s, local)
	}, how)
}

func anonymousLogin(v *view, r *active) {
	var e evidence
	for i := range v.Logins {
		if l := &v.Logins[i]; l.Mechanism == "ANONYMOUS" && l.Outcome == pop3parse.Success {
			e.add(l.At)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 login", "logins"), &e)
	}
}

func secretEchoed(v *view, r *active) {
	var e evidence
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		// A command that nobody knows is hidden to be safe, in part or as a
		// whole, and so is what stands behind a blank in USER; it proves nothing.
		unsure := x.Notes.Has(pop3parse.UnknownCommand) || x.Verb == pop3parse.USER && x.Args.HasSecret()
		if x.Echoes() && !unsure {
			e.add(x.ReplyFirst)
		}
	}
	if e.total > 0 {
		v.find(r, plural(e.total, "1 reply", "replies"), &e)
	}
}

func mailInClear(v *view, r *active) {
	var e evidence
	for i := range v.Exchanges {
		x := &v.Exchanges[i]
		sent := x.Verb == pop3parse.XTND && x.Status == pop3parse.OK && bytes.HasPrefix(bytes.ToUpper(x.Args.Reveal()), []byte("XMIT"))
		if !x.Encrypted && (sent || (x.Verb == pop3parse.RETR || x.Verb == pop3parse.TOP) && x.Octets > 0) {
			e.exchange(x)
		}
	}
	if e.total > 0 {
		v.findUser(r, v.Session.User, plural(e.total, "1 message", "messages"), &e)
	}
}

// Offers reports whether a list of capabilities has one: its row begins
// with the word (RFC 2449 section 5).
func Offers(capabilities [][]byte, name string) bool {
	_, ok := Parameters(capabilities, name)
	return ok
}

// Parameters returns what follows the word in the row of a capability, and
// whether there is such a row.
func Parameters(capabilities [][]byte, name string) ([]byte, bool) {
	for _, row := range capabilities {
		if len(row) < len(name) || !strings.EqualFold(string(row[:len(name)]), name) {
			continue
		}
		if rest := row[len(name):]; len(rest) == 0 || rest[0] == ' ' {
			return bytes.TrimSpace(rest), true
		}
	}
	return nil, false
}
