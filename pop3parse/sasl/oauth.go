package sasl

import (
	"bytes"
	"encoding/json"
	"strings"

	"popscope/pop3parse/secret"
)

// oauthSep separates the parts of a message: RFC 7628 section 3.1, kvsep.
var oauthSep = []byte{1}

// bearer is the scheme of RFC 6750.
const bearer = "Bearer"

// readOAuth reads OAUTHBEARER (RFC 7628 section 3) and XOAUTH2, which begins
// with user= in place of the gs2-header:
//
//	n,a=user,^Ahost=server^Aport=110^Aauth=Bearer token^A^A
//	user=user^Aauth=Bearer token^A^A
func readOAuth(a *Attempt, msgs []message) {
	read := false
	for _, m := range msgs {
		switch {
		case len(m.data) == 0:
		case m.server:
			a.oauthStatus(m.data)
		case !read && !bytes.Equal(m.data, oauthSep): // a lone ^A answers the server's error
			read = true
			a.oauthClient(m.data)
		}
	}
	a.Incomplete = !read
}

// oauthClient reads the client's message.
func (a *Attempt) oauthClient(b []byte) {
	head, rest, _ := bytes.Cut(b, oauthSep)
	if user, ok := bytes.CutPrefix(head, []byte("user=")); ok {
		a.User = known(bytes.Clone(user))
	} else {
		a.gs2Header(head)
		// The authzid is the only name that there is (RFC 7628 section 3.1).
		a.User = a.AuthzID
	}
	var host, port []byte
	for more := true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, oauthSep)
		key, value, _ := bytes.Cut(part, []byte("="))
		switch string(key) {
		case "auth":
			a.bearer(value)
		case "host":
			host = value
		case "port":
			port = value
		}
	}
	if host != nil {
		a.Service = bytes.Clone(host)
		if port != nil {
			a.Service = append(append(a.Service, ':'), port...)
		}
	}
	a.Malformed = a.Malformed || !bytes.HasSuffix(b, []byte{1, 1})
}

// bearer reads the value of auth= (RFC 6750 section 2.1). Of another scheme
// than Bearer all of it is the secret.
func (a *Attempt) bearer(value []byte) {
	scheme, token, ok := bytes.Cut(value, []byte(" "))
	if !ok && len(scheme) <= len(bearer) && strings.EqualFold(string(scheme), bearer[:len(scheme)]) {
		a.Malformed = a.Malformed || len(scheme) > 0
		return // cut before the token
	}
	if !strings.EqualFold(string(scheme), bearer) {
		a.Malformed, token = true, value
	}
	if token = bytes.TrimLeft(token, " "); len(token) > 0 {
		a.Secret, a.Exposure = secret.New(bytes.Clone(token)), Token
	}
}

// isBearer reports whether b plainly is a message that carries a token.
func isBearer(b []byte) bool { return bytes.Contains(b, []byte("\x01auth=")) }

// oauthStatus reads the error that a server sends as JSON (RFC 7628 section
// 3.2.2); XOAUTH2 servers write the status as text or as a number.
func (a *Attempt) oauthStatus(b []byte) {
	var reply struct {
		Status json.RawMessage `json:"status"`
	}
	if json.Unmarshal(b, &reply) != nil {
		a.Malformed = a.Malformed || bytes.IndexByte(b, '{') >= 0
		return
	}
	var text string
	if json.Unmarshal(reply.Status, &text) != nil {
		text = string(reply.Status)
	}
	a.ServerError = text
}
