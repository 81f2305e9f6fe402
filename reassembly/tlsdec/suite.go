package tlsdec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // old captures hold it
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is how records of a cipher suite are protected.
type suite struct {
	key   int                        // bytes
	iv    int                        // bytes of the key block that are the fixed part of a nonce; AEAD only
	tag   int                        // bytes; AEAD only
	prf   func() hash.Hash           // of the key schedule of TLS 1.2 and 1.3
	mac   func() hash.Hash           // nil for AEAD
	block func([]byte) cipher.Block  // of CBC; nil for AEAD
	aead  func([]byte, int) aeadOpen // nil for CBC
	xor   bool                       // in TLS 1.2 too, the nonce is the IV with the sequence number, and stands in no record
}

// aeadOpen is the half of cipher.AEAD that reading needs.
type aeadOpen interface {
	Open(dst, nonce, sealed, additional []byte) ([]byte, error)
}

// fixedIV is the part of a nonce that comes from the key block (RFC 5288
// section 3, RFC 6655 section 3).
const fixedIV = 4

// suitesByCipher are the suites that can be opened, by what IANA's name says
// of the cipher. The key exchange does not matter to one who has the secret.
var suitesByCipher = map[string]*suite{
	"AES_128_GCM_SHA256":       {key: 16, iv: fixedIV, tag: 16, prf: sha256.New, aead: newGCM},
	"AES_256_GCM_SHA384":       {key: 32, iv: fixedIV, tag: 16, prf: sha512.New384, aead: newGCM},
	"CHACHA20_POLY1305_SHA256": {key: 32, iv: 12, tag: 16, prf: sha256.New, aead: newChaCha, xor: true},
	"AES_128_CCM":              {key: 16, iv: fixedIV, tag: 16, prf: sha256.New, aead: newCCM},
	"AES_256_CCM":              {key: 32, iv: fixedIV, tag: 16, prf: sha256.New, aead: newCCM},
	"AES_128_CCM_8":            {key: 16, iv: fixedIV, tag: 8, prf: sha256.New, aead: newCCM},
	"AES_256_CCM_8":            {key: 32, iv: fixedIV, tag: 8, prf: sha256.New, aead: newCCM},
	"AES_128_CCM_SHA256":       {key: 16, iv: fixedIV, tag: 16, prf: sha256.New, aead: newCCM},
	"AES_256_CCM_SHA384":       {key: 32, iv: fixedIV, tag: 16, prf: sha512.New384, aead: newCCM},
	"AES_128_CCM_8_SHA256":     {key: 16, iv: fixedIV, tag: 8, prf: sha256.New, aead: newCCM},

	"AES_128_CBC_SHA":    {key: 16, prf: sha256.New, mac: sha1.New, block: newAES},
	"AES_256_CBC_SHA":    {key: 32, prf: sha256.New, mac: sha1.New, block: newAES},
	"AES_128_CBC_SHA256": {key: 16, prf: sha256.New, mac: sha256.New, block: newAES},
	"AES_256_CBC_SHA256": {key: 32, prf: sha256.New, mac: sha256.New, block: newAES},
	"AES_256_CBC_SHA384": {key: 32, prf: sha512.New384, mac: sha512.New384, block: newAES},
	"3DES_EDE_CBC_SHA":   {key: 24, prf: sha256.New, mac: sha1.New, block: new3DES},
}

// suiteOf returns how a suite protects records, or nil when that is not
// known here.
func suiteOf(id uint16) *suite {
	if id>>8 == 0xcc && id < 0xcca8 {
		return nil // drafts of ChaCha20, with another nonce
	}
	name := strings.TrimPrefix(CipherName(id), "TLS_")
	if _, after, ok := strings.Cut(name, "_WITH_"); ok {
		name = after
	} else if id>>8 != 0x13 {
		return nil
	}
	return suitesByCipher[name]
}

// must is for ciphers whose key has the right length by the table above.
func must[T any](v T, err error) T {
	if err != nil {
		panic("tlsdec: internal error: " + err.Error())
	}
	return v
}

func newAES(key []byte) cipher.Block       { return must(aes.NewCipher(key)) }
func new3DES(key []byte) cipher.Block      { return must(des.NewTripleDESCipher(key)) }
func newGCM(key []byte, _ int) aeadOpen    { return must(cipher.NewGCM(newAES(key))) }
func newChaCha(key []byte, _ int) aeadOpen { return must(chacha20poly1305.New(key)) }
func newCCM(key []byte, tag int) aeadOpen  { return ccm{newAES(key), tag} }
