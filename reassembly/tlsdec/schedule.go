package tlsdec

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"hash"
)

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446 section
// 7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, n int) []byte {
	const prefix = "tls13 "
	info := make([]byte, 0, 4+len(prefix)+len(label))
	info = append(info, byte(n>>8), byte(n), byte(len(prefix)+len(label)))
	info = append(info, prefix...)
	info = append(info, label...)
	info = append(info, 0)
	out, err := hkdf.Expand(h, secret, string(info), n)
	if err != nil {
		panic("tlsdec: internal error: " + err.Error()) // n is far below 255 hashes
	}
	return out
}

// nextSecret returns the traffic secret after a KeyUpdate (RFC 8446 section
// 7.2).
func nextSecret(h func() hash.Hash, secret []byte) []byte {
	return expandLabel(h, secret, "traffic upd", h().Size())
}

// pHash is P_hash (RFC 5246 section 5): it fills out.
func pHash(h func() hash.Hash, secret, seed, out []byte) {
	mac := hmac.New(h, secret)
	mac.Write(seed)
	a := mac.Sum(nil)
	for len(out) > 0 {
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		out = out[copy(out, mac.Sum(nil)):]
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(nil)
	}
}

// prf12 is the PRF of TLS 1.2 with the suite's hash.
func prf12(h func() hash.Hash, secret []byte, label string, seed []byte, n int) []byte {
	out := make([]byte, n)
	pHash(h, secret, append([]byte(label), seed...), out)
	return out
}

// prf10 is the PRF of TLS 1.0 and 1.1 (RFC 2246 section 5): MD5 with one
// half of the secret, SHA-1 with the other.
func prf10(secret []byte, label string, seed []byte, n int) []byte {
	half := (len(secret) + 1) / 2
	all := append([]byte(label), seed...)
	out, other := make([]byte, n), make([]byte, n)
	pHash(md5.New, secret[:half], all, out)
	pHash(sha1.New, secret[len(secret)-half:], all, other)
	for i := range out {
		out[i] ^= other[i]
	}
	return out
}
