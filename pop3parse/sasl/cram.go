package sasl

import (
	"bytes"

	"popscope/pop3parse/secret"
)

// cramDigest is the length of CRAM-MD5's digest in hex, the shortest that
// any CRAM mechanism has.
const cramDigest = 32

// readCRAM reads CRAM-MD5 (RFC 2195 section 2) and its kin with other
// hashes: a timestamp, answered by "user SP digest". The user may hold
// spaces, the digest may not.
func readCRAM(a *Attempt, msgs []message) {
	a.Challenge = firstServer(msgs)
	msg, _ := firstClient(msgs)
	n := bytes.LastIndexByte(msg, ' ')
	if n < 0 {
		a.Malformed, a.Incomplete = len(msg) > 0, true
		return
	}
	user, digest := msg[:n], msg[n+1:]
	a.User = known(user)
	if len(digest) > 0 {
		a.Response, a.Exposure = secret.New(digest), Crackable
	}
	a.Malformed = len(digest) < cramDigest || !isHex(digest)
	a.Incomplete = a.Challenge == nil || len(digest) == 0
}

// isHex reports whether b is nothing but hex digits.
func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
