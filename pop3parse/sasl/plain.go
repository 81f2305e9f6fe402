package sasl

import (
	"bytes"

	"popscope/pop3parse/secret"
)

// readPlain reads PLAIN (RFC 4616 section 2): [authzid] NUL authcid NUL passwd.
func readPlain(a *Attempt, msgs []message) {
	msg, ok := firstClient(msgs)
	if !ok || len(msg) == 0 {
		a.Incomplete = true
		return
	}
	first, rest, one := bytes.Cut(msg, []byte{0})
	second, pass, two := bytes.Cut(rest, []byte{0})
	switch {
	case two:
		a.AuthzID, a.User = orNil(first), known(second)
		if n := bytes.IndexByte(pass, 0); n >= 0 {
			// The password cannot hold a NUL; one after it is C's end of string.
			a.Malformed = true
			if n == len(pass)-1 {
				pass = pass[:n]
			}
		}
		a.Secret, a.Exposure = secret.New(known(pass)), Cleartext
	case one && len(first) == 0: // NUL user, and there it ends
		a.User, a.Malformed, a.Incomplete = orNil(rest), true, true
	case one: // user NUL password, without the NUL before them
		a.User, a.Malformed = first, true
		a.Secret, a.Exposure = secret.New(known(rest)), Cleartext
	default:
		// One word: the start of a message that was cut, a user, or a
		// password. What it is cannot be said, so the worst is assumed.
		a.Malformed, a.Incomplete, a.Exposure = true, true, Cleartext
	}
}

// isPlain reports whether b plainly is a message of PLAIN.
func isPlain(b []byte) bool {
	return bytes.Count(b, []byte{0}) == 2 && isText(b) && bytes.IndexByte(b, 1) < 0
}

// readLogin reads LOGIN (draft-murchison-sasl-login): two prompts of any
// wording and the answers to them. Some servers ask for the password first,
// some clients send the user as initial response, and prompts may be lost:
// the words of a prompt decide, then the order.
func readLogin(a *Attempt, msgs []message) {
	var user, pass []byte
	asked := unclear
	for _, m := range msgs {
		if m.server {
			asked = promptFor(m.data)
			continue
		}
		if asked == unclear {
			switch {
			case user == nil:
				asked = forUser
			case pass == nil:
				asked = forPassword
			}
		}
		switch asked {
		case forUser:
			user = known(m.data)
		case forPassword:
			pass = known(m.data)
		default:
			a.Malformed = true // an answer too many
		}
		asked = unclear
	}
	a.User = user
	if pass != nil {
		a.Secret, a.Exposure = secret.New(pass), Cleartext
	}
	a.Incomplete = user == nil || pass == nil
}

// prompt says what LOGIN's server asks for.
type prompt uint8

const (
	unclear prompt = iota
	forUser
	forPassword
)

// promptFor reads a prompt: "Username:" and "Password:" mostly, but "User
// Name" or "Passwort" too. Of both words the first one counts.
func promptFor(text []byte) prompt {
	text = bytes.ToLower(text)
	pass := bytes.Index(text, []byte("pass"))
	user := bytes.Index(text, []byte("user"))
	if user < 0 {
		user = bytes.Index(text, []byte("name"))
	}
	switch {
	case pass >= 0 && (user < 0 || pass < user):
		return forPassword
	case user >= 0:
		return forUser
	}
	return unclear
}

// readExternal reads EXTERNAL (RFC 4422 appendix A): an authzid, or nothing
// where the server is to derive it from the credentials outside.
func readExternal(a *Attempt, msgs []message) {
	msg, ok := firstClient(msgs)
	a.AuthzID, a.Incomplete = orNil(msg), !ok
}

// readAnonymous reads ANONYMOUS (RFC 4505 section 2): a trace text, or nothing.
func readAnonymous(a *Attempt, msgs []message) {
	msg, ok := firstClient(msgs)
	if ok {
		a.User = known(msg)
	}
	a.Incomplete = !ok
}
