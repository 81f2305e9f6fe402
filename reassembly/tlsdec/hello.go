package tlsdec

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
)

// Extensions (IANA, TLS ExtensionType Values).
const (
	extServerName   = 0
	extGroups       = 10
	extPointFormats = 11
	extSignatures   = 13
	extALPN         = 16
	extPreSharedKey = 41
	extEarlyData    = 42
	extVersions     = 43
)

// maxProtocols bounds TLSInfo.ALPN.
const maxProtocols = 32

const randomSize = 32

// helloRetry is the Random of a ServerHello that is a HelloRetryRequest (RFC
// 8446 section 4.1.3): the SHA-256 of that word.
var helloRetry = [randomSize]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// clientHello reads a ClientHello (RFC 8446 section 4.1.2). What is cut or
// broken ends the reading; what came before it counts. It returns false when
// not even version and random are there.
func (w *Watcher) clientHello(b []byte) bool {
	s := cryptobyte.String(b)
	var version uint16
	if !s.ReadUint16(&version) || !s.Skip(randomSize) {
		return false
	}
	w.info.Offered = version
	w.info.JA3, w.info.JA4 = fingerprints(b)
	var session, ciphers, compression cryptobyte.String
	if s.ReadUint8LengthPrefixed(&session) && s.ReadUint16LengthPrefixed(&ciphers) && s.ReadUint8LengthPrefixed(&compression) {
		extensions(s, w.clientExtension)
	}
	return true
}

func (w *Watcher) clientExtension(kind uint16, s cryptobyte.String) {
	var list cryptobyte.String
	switch kind {
	case extServerName: // RFC 6066 section 3
		var entry uint8
		var name cryptobyte.String
		if s.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&entry) && entry == 0 && list.ReadUint16LengthPrefixed(&name) {
			w.info.SNI = string(name)
		}
	case extALPN: // RFC 7301 section 3.1
		var name cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&list) {
			return
		}
		for len(w.info.ALPN) < maxProtocols && list.ReadUint8LengthPrefixed(&name) {
			w.info.ALPN = append(w.info.ALPN, string(name))
		}
	case extVersions: // RFC 8446 section 4.2.1
		if s.ReadUint8LengthPrefixed(&list) {
			w.info.Offered = highest(list, w.info.Offered)
		}
	case extEarlyData:
		w.early, w.info.EarlyData = true, true
	}
}

// highest returns the highest version of a list, or legacy when it holds
// none that is known.
func highest(list cryptobyte.String, legacy uint16) uint16 {
	best := uint16(0)
	var v uint16
	for list.ReadUint16(&v) {
		if versionRank(v) > versionRank(best) {
			best = v
		}
	}
	if best == 0 {
		return legacy
	}
	return best
}

// serverHello reads a ServerHello (RFC 8446 section 4.1.3). It returns false
// when it is cut, or a HelloRetryRequest.
func (w *Watcher) serverHello(b []byte) bool {
	s := cryptobyte.String(b)
	var version, cipher uint16
	var random []byte
	if !s.ReadUint16(&version) || !s.ReadBytes(&random, randomSize) || bytes.Equal(random, helloRetry[:]) {
		return false
	}
	// Drafts of TLS 1.3 before the 22nd have neither session nor compression.
	if short := version>>8 == draft13; !short {
		var session cryptobyte.String
		if !s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16(&cipher) || !s.Skip(1) {
			return false
		}
	} else if !s.ReadUint16(&cipher) {
		return false
	}
	w.info.Version, w.info.Cipher = version, cipher
	extensions(s, w.serverExtension)
	return true
}

func (w *Watcher) serverExtension(kind uint16, s cryptobyte.String) {
	var list, name cryptobyte.String
	var version uint16
	switch kind {
	case extVersions:
		if s.ReadUint16(&version) {
			w.info.Version = version
		}
	case extALPN:
		if s.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name) {
			w.info.ALPNChosen = string(name)
		}
	case extPreSharedKey:
		w.info.Resumed = true
	}
}

// extensions calls f for each extension of a list up to the first broken one.
func extensions(s cryptobyte.String, f func(kind uint16, body cryptobyte.String)) {
	var list, body cryptobyte.String
	var kind uint16
	if !s.ReadUint16LengthPrefixed(&list) {
		return
	}
	for list.ReadUint16(&kind) && list.ReadUint16LengthPrefixed(&body) {
		f(kind, body)
	}
}
