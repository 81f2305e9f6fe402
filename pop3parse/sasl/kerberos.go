package sasl

import (
	"bytes"
	"strconv"
)

// Tokens of Kerberos 5 (RFC 4121 section 4.1) that hold something in clear,
// and the application tags of what is in them (RFC 4120 section 5.10).
const (
	tokenAPReq    = "\x01\x00"
	tokenKRBError = "\x03\x00"

	krbTicket = derApplication + 1
	krbAPReq  = derApplication + 14
	krbError  = derApplication + 30
)

// kerberos reads a token of Kerberos 5. Of an AP-REQ the ticket's realm,
// service and encryption type are in clear (RFC 4120 section 5.3); the
// client's name is inside the ticket and the authenticator, encrypted.
func (g *gss) kerberos(b []byte) {
	switch {
	case bytes.HasPrefix(b, []byte(tokenAPReq)):
		ticket, ok := derPath(b[2:], krbAPReq, derSequence, derContext+3, krbTicket, derSequence)
		if !ok {
			g.Malformed = true
			return
		}
		if realm, ok := derPath(ticket, derContext+1); ok {
			_, text, _, _ := der(realm)
			g.Realm = orNil(bytes.Clone(text))
		}
		if name, ok := derPath(ticket, derContext+2); ok {
			g.Service = orNil(principal(name))
		}
		if etype, ok := derPath(ticket, derContext+3, derSequence, derContext+0, derInteger); ok {
			if n, ok := derInt(etype); ok {
				g.Variant = etypeName(n)
			}
		}
	case bytes.HasPrefix(b, []byte(tokenKRBError)):
		code, ok := derPath(b[2:], krbError, derSequence, derContext+6, derInteger)
		n, isInt := derInt(code)
		if !ok || !isInt {
			g.Malformed = true
			return
		}
		g.ServerError = krbErrorName(n)
	}
}

// principal joins the parts of a PrincipalName (RFC 4120 section 5.2.2) by "/".
func principal(b []byte) []byte {
	parts, _ := derPath(b, derSequence, derContext+1, derSequence)
	var name []byte
	for {
		_, part, rest, ok := der(parts)
		if !ok {
			return name
		}
		if name != nil {
			name = append(name, '/')
		}
		name = append(known(name), part...)
		parts = rest
	}
}

// etypeName names an encryption type (IANA, Kerberos Encryption Type Numbers).
func etypeName(n int) string {
	switch n {
	case 1:
		return "des-cbc-crc"
	case 2:
		return "des-cbc-md4"
	case 3:
		return "des-cbc-md5"
	case 16:
		return "des3-cbc-sha1-kd"
	case 17:
		return "aes128-cts-hmac-sha1-96"
	case 18:
		return "aes256-cts-hmac-sha1-96"
	case 19:
		return "aes128-cts-hmac-sha256-128"
	case 20:
		return "aes256-cts-hmac-sha384-192"
	case 23:
		return "rc4-hmac"
	case 24:
		return "rc4-hmac-exp"
	case 25:
		return "camellia128-cts-cmac"
	case 26:
		return "camellia256-cts-cmac"
	}
	return "etype " + strconv.Itoa(n)
}

// krbErrorName names the errors that an AP-REQ can meet (RFC 4120 section 7.5.9).
func krbErrorName(n int) string {
	switch n {
	case 31:
		return "KRB_AP_ERR_BAD_INTEGRITY"
	case 32:
		return "KRB_AP_ERR_TKT_EXPIRED"
	case 33:
		return "KRB_AP_ERR_TKT_NYV"
	case 34:
		return "KRB_AP_ERR_REPEAT"
	case 35:
		return "KRB_AP_ERR_NOT_US"
	case 36:
		return "KRB_AP_ERR_BADMATCH"
	case 37:
		return "KRB_AP_ERR_SKEW"
	case 38:
		return "KRB_AP_ERR_BADADDR"
	case 39:
		return "KRB_AP_ERR_BADVERSION"
	case 40:
		return "KRB_AP_ERR_MSG_TYPE"
	case 41:
		return "KRB_AP_ERR_MODIFIED"
	case 44:
		return "KRB_AP_ERR_BADKEYVER"
	case 45:
		return "KRB_AP_ERR_NOKEY"
	case 60:
		return "KRB_ERR_GENERIC"
	}
	return "Kerberos error " + strconv.Itoa(n)
}

// readKerberos4 reads KERBEROS_V4 (RFC 2222 section 7.1): the server's four
// bytes, then ticket and authenticator. The ticket's realm is in clear, and
// DES is no obstacle to guesses any more. The last message of the client
// would show a security layer, but it is encrypted.
func readKerberos4(a *Attempt, msgs []message) {
	const (
		version, kind, realm = 0, 1, 3
		krb4, request        = 4, 3 << 1 // the lowest bit of kind is the byte order
	)
	a.Peer = "Kerberos 4"
	a.Incomplete = true
	for _, m := range msgs {
		if m.server || len(m.data) == 0 {
			continue
		}
		a.Incomplete, a.Exposure = false, Crackable
		name, _, ended := bytes.Cut(m.data[min(realm, len(m.data)):], []byte{0})
		if len(m.data) < realm || m.data[version] != krb4 || m.data[kind]&^1 != request || !ended {
			a.Malformed = true
			return
		}
		if a.Realm = orNil(name); a.Realm != nil {
			a.Peer += " @" + string(name)
		}
		return
	}
}
