package sasl

import (
	"bytes"
	"strconv"

	"popscope/pop3parse/secret"
)

// maxIterations bounds i=, as the number of RFC 5802 has no bound of its own.
const maxIterations = 1<<31 - 1

// readSCRAM reads SCRAM (RFC 5802 section 7). Which of the four messages one
// is can be told from its first letters, so that lost turns do not matter.
func readSCRAM(a *Attempt, msgs []message) {
	first, final := false, false
	for _, m := range msgs {
		switch {
		case len(m.data) == 0:
		case !m.server && bytes.HasPrefix(m.data, []byte("c=")):
			final = true
			a.scramClientFinal(m.data)
		case !m.server:
			first = true
			a.scramClientFirst(m.data)
		case bytes.HasPrefix(m.data, []byte("v=")), bytes.HasPrefix(m.data, []byte("e=")):
			a.scramServerFinal(m.data)
		default:
			a.scramServerFirst(m.data)
		}
	}
	a.Incomplete = !first || !final || a.Challenge == nil || !a.Response.Known()
}

// scramClientFirst reads gs2-header and client-first-message-bare:
//
//	n,a=authzid,n=user,r=nonce
func (a *Attempt) scramClientFirst(b []byte) {
	bare := b
	if !bytes.HasPrefix(b, []byte("n=")) {
		bare = a.gs2Header(b)
	} else {
		a.Malformed = true // without the header
	}
	user, ok := attribute(bare, 'n')
	if ok {
		a.User = a.saslName(user)
	}
	_, nonce := attribute(bare, 'r')
	a.Malformed = a.Malformed || !ok || !nonce
}

// gs2Header reads the gs2-header (RFC 5801 section 4) at the start of b and
// returns what follows it.
func (a *Attempt) gs2Header(b []byte) []byte {
	flag, rest, one := bytes.Cut(b, []byte(","))
	authz, rest, two := bytes.Cut(rest, []byte(","))
	known := string(flag) == "n" || string(flag) == "y" || bytes.HasPrefix(flag, []byte("p="))
	if known {
		a.ChannelBinding = string(flag)
	}
	if name, ok := bytes.CutPrefix(authz, []byte("a=")); ok {
		a.AuthzID = orNil(a.saslName(name))
	} else if len(authz) > 0 {
		known = false
	}
	a.Malformed = a.Malformed || !known || !one || !two
	return rest
}

// scramServerFirst reads r=nonce,s=salt,i=iterations.
func (a *Attempt) scramServerFirst(b []byte) {
	_, nonce := attribute(b, 'r')
	_, salt := attribute(b, 's')
	count, _ := attribute(b, 'i')
	if n, err := strconv.ParseUint(string(count), 10, 64); err == nil && n <= maxIterations {
		a.Iterations = int(n)
	}
	a.Malformed = a.Malformed || !nonce || !salt || a.Iterations == 0
	if nonce {
		a.Challenge = b
	}
}

// scramClientFinal reads c=binding,r=nonce,p=proof.
func (a *Attempt) scramClientFinal(b []byte) {
	_, nonce := attribute(b, 'r')
	proof, ok := attribute(b, 'p')
	if ok && len(proof) > 0 {
		a.Response, a.Exposure = secret.New(bytes.Clone(proof)), Crackable
	}
	a.Malformed = a.Malformed || !nonce || !ok
}

// scramServerFinal reads v=signature or e=error.
func (a *Attempt) scramServerFinal(b []byte) {
	if v, ok := attribute(b, 'v'); ok {
		a.ServerProof = secret.New(bytes.Clone(v))
	}
	if e, ok := attribute(b, 'e'); ok {
		a.ServerError = string(e)
	}
}

// attribute returns the value of the first attribute of that letter in a
// list with commas.
func attribute(b []byte, letter byte) (value []byte, ok bool) {
	for more := true; more; {
		var part []byte
		part, b, more = bytes.Cut(b, []byte(","))
		if len(part) >= 2 && part[0] == letter && part[1] == '=' {
			return part[2:], true
		}
	}
	return nil, false
}

// saslName undoes =2C and =3D (RFC 5802 section 5.1). Any other "=" is
// malformed and stays.
func (a *Attempt) saslName(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			out = append(out, b[i])
			continue
		}
		switch {
		case bytes.HasPrefix(b[i:], []byte("=2C")):
			out = append(out, ',')
			i += 2
		case bytes.HasPrefix(b[i:], []byte("=3D")):
			out = append(out, '=')
			i += 2
		default:
			out = append(out, '=')
			a.Malformed = true
		}
	}
	return out
}
