package sasl

import (
	"bytes"

	"popscope/pop3parse/secret"
)

// readDigest reads DIGEST-MD5 (RFC 2831 section 2.1): lists of directives.
// Without charset=utf-8 names are ISO 8859-1 and stay so.
func readDigest(a *Attempt, msgs []message) {
	again := false // subsequent authentication (section 2.2): no challenge is needed
	for _, m := range msgs {
		if len(m.data) == 0 {
			continue
		}
		var response []byte
		whole := directives(m.data, func(key string, value []byte) {
			switch {
			case m.server && key == "rspauth":
				a.ServerProof = secret.New(value)
			case m.server && key == "nonce" && a.Challenge == nil:
				a.Challenge = m.data
			case m.server:
			case key == "username":
				a.User = value
			case key == "authzid":
				a.AuthzID = orNil(value)
			case key == "realm":
				a.Realm = orNil(value)
			case key == "digest-uri":
				a.Service = orNil(value)
			case key == "response":
				response = value
			case key == "nc":
				again = !bytes.Equal(value, []byte("00000001"))
			case key == "qop":
				a.SecurityLayer = string(value) == "auth-int" || string(value) == "auth-conf"
			}
		})
		a.Malformed = a.Malformed || !whole
		if len(response) > 0 {
			a.Response, a.Exposure = secret.New(response), Crackable
			a.Malformed = a.Malformed || len(response) != 32 || !isHex(response)
		}
	}
	a.Incomplete = !a.Response.Known() || a.Challenge == nil && !again
}

// directives calls f for each key=value or key="value" of a list with commas
// (RFC 2831 section 7.1), keys in lower case. It reports whether the list is
// well formed.
func directives(b []byte, f func(key string, value []byte)) bool {
	const blanks = " \t\r\n"
	for {
		b = bytes.TrimLeft(b, blanks+",") // "null" elements are allowed
		if len(b) == 0 {
			return true
		}
		n := bytes.IndexAny(b, "=,")
		if n < 0 || b[n] != '=' {
			return false
		}
		key := string(bytes.ToLower(bytes.TrimRight(b[:n], blanks)))
		b = bytes.TrimLeft(b[n+1:], blanks)
		if len(b) > 0 && b[0] == '"' {
			value, rest, closed := unquote(b[1:])
			f(key, value)
			if !closed {
				return false
			}
			b = bytes.TrimLeft(rest, blanks)
			if len(b) > 0 && b[0] != ',' {
				return false
			}
			continue
		}
		n = bytes.IndexByte(b, ',')
		if n < 0 {
			n = len(b)
		}
		f(key, bytes.Clone(bytes.TrimRight(b[:n], blanks)))
		b = b[n:]
	}
}

// unquote reads a quoted-string after its opening quote, and returns what
// follows the closing one.
func unquote(b []byte) (value, rest []byte, closed bool) {
	value = []byte{}
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			return value, b[i+1:], true
		case b[i] == '\\' && i+1 < len(b):
			i++
		}
		value = append(value, b[i])
	}
	return value, nil, false
}
