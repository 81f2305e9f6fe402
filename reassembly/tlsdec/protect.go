package tlsdec

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"popscope/reassembly/stream"
)

// sealed is a record as it travels.
type sealed struct {
	head []byte // type, version and length
	body []byte
	prev []byte // the stream's bytes before head, at most as many as a block has
	seq  uint64
}

// opener opens the records of one direction under one set of keys. It keeps
// nothing between records, so that it may be asked in any order.
type opener interface {
	// open appends the content of a record to dst. ok is false when it is not
	// authentic under these keys and this number: then nothing is told of it.
	// dst must not overlap the record; with a nil dst the content may take
	// the record's place, whose bytes are lost then in any case.
	open(dst []byte, r sealed) (content []byte, kind byte, ok bool)
	// overhead returns how many bytes a record has besides its content, at
	// least.
	overhead() int
}

// aead13 opens records of TLS 1.3 (RFC 8446 section 5.2).
type aead13 struct {
	aead  aeadOpen
	iv    [12]byte
	nonce [12]byte
	tag   int
}

// newAEAD13 derives the keys of a traffic secret (RFC 8446 section 7.3).
func newAEAD13(s *suite, secret []byte) *aead13 {
	o := &aead13{aead: s.aead(expandLabel(s.prf, secret, "key", s.key), s.tag), tag: s.tag}
	copy(o.iv[:], expandLabel(s.prf, secret, "iv", len(o.iv)))
	return o
}

func (o *aead13) overhead() int { return recordHeader + 1 + o.tag }

func (o *aead13) open(dst []byte, r sealed) ([]byte, byte, bool) {
	if r.head[0] != recordData {
		return nil, 0, false
	}
	xorNonce(&o.nonce, &o.iv, r.seq)
	if dst == nil {
		dst = r.body[:0]
	}
	out, err := o.aead.Open(dst, o.nonce[:], r.body, r.head)
	if err != nil {
		return nil, 0, false
	}
	// The content type is the last byte that is not zero (section 5.4).
	content := out[len(dst):]
	i := len(content) - 1
	for i >= 0 && content[i] == 0 {
		i--
	}
	if i < 0 {
		return nil, 0, false
	}
	return content[:i], content[i], true
}

// xorNonce makes a nonce of an IV and a sequence number (RFC 8446 section
// 5.3, RFC 7905 section 2).
func xorNonce(nonce, iv *[12]byte, seq uint64) {
	*nonce = *iv
	tail := nonce[4:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^seq)
}

// aead12 opens AEAD records of TLS 1.2 (RFC 5246 section 6.2.3.3).
type aead12 struct {
	aead     aeadOpen
	iv       [12]byte
	nonce    [12]byte
	data     [8 + recordHeader]byte
	tag      int
	explicit int    // bytes of nonce at the beginning of each record
	last     uint64 // the explicit nonce of the record opened last
}

func (o *aead12) overhead() int { return recordHeader + o.explicit + o.tag }

func (o *aead12) open(dst []byte, r sealed) ([]byte, byte, bool) {
	n := len(r.body) - o.explicit - o.tag
	if n < 0 {
		return nil, 0, false
	}
	if o.explicit > 0 {
		copy(o.nonce[:], o.iv[:fixedIV])
		copy(o.nonce[fixedIV:], r.body[:o.explicit])
	} else {
		xorNonce(&o.nonce, &o.iv, r.seq)
	}
	pseudoHeader(o.data[:], r, n)
	if dst == nil {
		dst = r.body[o.explicit:o.explicit]
	}
	out, err := o.aead.Open(dst, o.nonce[:], r.body[o.explicit:], o.data[:])
	if err != nil {
		return nil, 0, false
	}
	if o.explicit > 0 {
		o.last = binary.BigEndian.Uint64(o.nonce[fixedIV:])
	}
	return out[len(dst):], r.head[0], true
}

// ahead guesses how many records lie between the last one opened and r: all
// known implementations count in the explicit nonce. -1 is no guess.
func (o *aead12) ahead(r sealed) int64 {
	if o.explicit == 0 || len(r.body) < o.explicit {
		return -1
	}
	return int64(binary.BigEndian.Uint64(r.body) - o.last - 1)
}

// pseudoHeader fills in what is authenticated besides the content: number,
// type, version, length of the content.
func pseudoHeader(b []byte, r sealed, n int) {
	binary.BigEndian.PutUint64(b, r.seq)
	copy(b[8:], r.head[:3])
	binary.BigEndian.PutUint16(b[11:], uint16(n))
}

// cbc opens records of block ciphers up to TLS 1.2.
type cbc struct {
	block    cipher.Block
	mac      hash.Hash
	data     [8 + recordHeader]byte
	iv       []byte // of the first record; nil where each record brings its own (RFC 4346 section 6.2.3.2)
	etm      bool   // the MAC is over the ciphertext (RFC 7366)
	plain    []byte
	sum, ivs []byte
}

func (o *cbc) overhead() int {
	n := recordHeader + o.mac.Size() + 1
	if o.iv == nil {
		n += o.block.BlockSize()
	}
	return n
}

func (o *cbc) open(dst []byte, r sealed) ([]byte, byte, bool) {
	size, body := o.block.BlockSize(), r.body
	if o.etm {
		n := len(body) - o.mac.Size()
		if n < 0 || !o.authentic(r, body[:n], body[n:]) {
			return nil, 0, false
		}
		body = body[:n]
	}
	switch {
	case o.iv == nil:
		if len(body) < size {
			return nil, 0, false
		}
		o.ivs, body = append(o.ivs[:0], body[:size]...), body[size:]
	case r.seq == 0:
		o.ivs = append(o.ivs[:0], o.iv...)
	case len(r.prev) < size:
		return nil, 0, false // the end of the record before was not seen
	default: // TLS 1.0: the last block of the record before (RFC 2246 section 6.2.3.2)
		// With the MAC behind the ciphertext that is before the MAC.
		o.ivs = append(o.ivs[:0], r.prev[len(r.prev)-size:]...)
		if o.etm {
			mac := o.mac.Size()
			if len(r.prev) < size+mac {
				return nil, 0, false
			}
			o.ivs = append(o.ivs[:0], r.prev[len(r.prev)-mac-size:len(r.prev)-mac]...)
		}
	}
	if len(body) == 0 || len(body)%size != 0 {
		return nil, 0, false
	}
	o.plain = append(o.plain[:0], body...)
	cipher.NewCBCDecrypter(o.block, o.ivs).CryptBlocks(o.plain, o.plain)
	n := len(o.plain) - 1 - int(o.plain[len(o.plain)-1])
	if n < 0 {
		return nil, 0, false
	}
	for _, b := range o.plain[n:] {
		if b != o.plain[len(o.plain)-1] {
			return nil, 0, false
		}
	}
	content := o.plain[:n]
	if !o.etm {
		n -= o.mac.Size()
		if n < 0 || !o.authentic(r, content[:n], content[n:]) {
			return nil, 0, false
		}
		content = content[:n]
	}
	return append(dst, content...)[len(dst):], r.head[0], true
}

// authentic checks the MAC of the record over b.
func (o *cbc) authentic(r sealed, b, mac []byte) bool {
	pseudoHeader(o.data[:], r, len(b))
	o.mac.Reset()
	o.mac.Write(o.data[:])
	o.mac.Write(b)
	o.sum = o.mac.Sum(o.sum[:0])
	return subtle.ConstantTimeCompare(o.sum, mac) == 1
}

// maxPrev is how many bytes before a record sealed.prev may have to hold: a
// block, and a MAC of SHA-384.
const maxPrev = 16 + 48

// newOpener12 derives the keys of one direction of TLS 1.0 to 1.2 from the
// master secret (RFC 5246 section 6.3). It returns nil for what the version
// does not have.
func newOpener12(p *params, master []byte, dir stream.Dir) opener {
	s := p.suite
	var macLen, ivLen int
	if s.mac != nil {
		macLen, ivLen = s.mac().Size(), 0
		if p.version == tls10 {
			ivLen = s.block(make([]byte, s.key)).BlockSize()
		}
	} else {
		if p.version != tls12 {
			return nil
		}
		ivLen = s.iv
	}
	seed := append(append([]byte(nil), p.server[:]...), p.client[:]...)
	n := 2 * (macLen + s.key + ivLen)
	var keys []byte
	if p.version == tls12 {
		keys = prf12(s.prf, master, "key expansion", seed, n)
	} else {
		keys = prf10(master, "key expansion", seed, n)
	}
	part := func(n int) []byte {
		pair := keys[:2*n]
		keys = keys[2*n:]
		return pair[int(dir)*n:][:n:n]
	}
	mac, key, iv := part(macLen), part(s.key), part(ivLen)
	if s.mac != nil {
		o := &cbc{block: s.block(key), mac: hmac.New(s.mac, mac), etm: p.etm}
		if ivLen > 0 {
			o.iv = iv
		}
		return o
	}
	o := &aead12{aead: s.aead(key, s.tag), tag: s.tag}
	copy(o.iv[:], iv)
	if !s.xor {
		o.explicit = len(o.iv) - fixedIV
	}
	return o
}

// Versions that can be opened.
const (
	tls10 = 0x0301
	tls12 = 0x0303
	tls13 = 0x0304
)
