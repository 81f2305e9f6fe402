package tlsdec

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ccm is AES-CCM (RFC 3610) as TLS uses it: nonces of 12 bytes, so that
// lengths have 3, and tags of 16 or 8 (RFC 6655, RFC 8446 appendix B.4). It
// opens only; the standard library has no CCM.
type ccm struct {
	block cipher.Block
	tag   int
}

const (
	ccmNonce  = 12
	ccmLength = 15 - ccmNonce // bytes of a length; L in RFC 3610
	blockSize = 16

	// ccmMaxData bounds the additional data: from 0xff00 bytes on their length
	// is written in another form, which no record needs.
	ccmMaxData = 0xff00
)

var errOpen = errors.New("tlsdec: message authentication failed")

// Open appends the plaintext to dst. dst must not overlap sealed.
func (c ccm) Open(dst, nonce, sealed, additional []byte) ([]byte, error) {
	if len(sealed) < c.tag || len(additional) >= ccmMaxData || len(sealed)-c.tag >= 1<<(8*ccmLength) {
		return nil, errOpen
	}
	body, tag := sealed[:len(sealed)-c.tag], sealed[len(sealed)-c.tag:]

	// RFC 3610 section 2.3: counter 0 masks the tag, the others the message.
	var counter, mask [blockSize]byte
	counter[0] = ccmLength - 1
	copy(counter[1:], nonce[:ccmNonce])
	c.block.Encrypt(mask[:], counter[:])
	counter[blockSize-1] = 1
	n := len(dst)
	dst = append(dst, body...)
	plain := dst[n:]
	cipher.NewCTR(c.block, counter[:]).XORKeyStream(plain, body)

	want := c.mac(nonce, plain, additional)
	subtle.XORBytes(want[:], want[:], mask[:])
	if subtle.ConstantTimeCompare(want[:c.tag], tag) != 1 {
		clear(plain)
		return nil, errOpen
	}
	return dst, nil
}

// mac is the CBC-MAC of RFC 3610 section 2.2.
func (c ccm) mac(nonce, plain, additional []byte) (x [blockSize]byte) {
	x[0] = byte((c.tag-2)/2<<3 | ccmLength - 1)
	if len(additional) > 0 {
		x[0] |= 0x40
	}
	copy(x[1:], nonce[:ccmNonce])
	x[13], x[14], x[15] = byte(len(plain)>>16), byte(len(plain)>>8), byte(len(plain))
	c.block.Encrypt(x[:], x[:])
	if len(additional) > 0 {
		c.absorb(&x, append(binary.BigEndian.AppendUint16(nil, uint16(len(additional))), additional...))
	}
	c.absorb(&x, plain)
	return x
}

// absorb goes on with a CBC-MAC over b, filled up with zeros.
func (c ccm) absorb(x *[blockSize]byte, b []byte) {
	for len(b) > 0 {
		n := subtle.XORBytes(x[:], x[:min(len(b), blockSize)], b)
		b = b[n:]
		c.block.Encrypt(x[:], x[:])
	}
}
