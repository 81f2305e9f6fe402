package tlsdec

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// offer is what a ClientHello offers, as far as fingerprints need it, in its
// order.
type offer struct {
	legacy     uint16 // version in the old place
	highest    uint16 // in supported_versions; 0 without that
	ciphers    []uint16
	extensions []uint16
	groups     []uint16
	points     []uint16 // bytes, each
	signatures []uint16
	alpn       []byte // the first protocol
	sni        bool
}

// fingerprints returns JA3 and JA4 of the body of a ClientHello; they are
// empty when it is cut or broken.
func fingerprints(b []byte) (ja3, ja4 string) {
	o, ok := readOffer(b)
	if !ok {
		return "", ""
	}
	return o.ja3(), o.ja4()
}

func readOffer(b []byte) (o offer, ok bool) {
	s := cryptobyte.String(b)
	var session, ciphers, compression, list, body cryptobyte.String
	if !s.ReadUint16(&o.legacy) || !s.Skip(randomSize) || !s.ReadUint8LengthPrefixed(&session) ||
		!s.ReadUint16LengthPrefixed(&ciphers) || !s.ReadUint8LengthPrefixed(&compression) {
		return o, false
	}
	o.ciphers = numbers16(ciphers)
	if s.Empty() {
		return o, true // RFC 5246 section 7.4.1.2: there need not be any
	}
	if !s.ReadUint16LengthPrefixed(&list) {
		return o, false
	}
	var kind uint16
	for !list.Empty() {
		if !list.ReadUint16(&kind) || !list.ReadUint16LengthPrefixed(&body) {
			return o, false
		}
		if isGREASE(kind) {
			continue
		}
		o.extensions = append(o.extensions, kind)
		o.extension(kind, body)
	}
	return o, true
}

func (o *offer) extension(kind uint16, s cryptobyte.String) {
	var list, name cryptobyte.String
	switch kind {
	case extServerName:
		o.sni = true
	case extGroups:
		if s.ReadUint16LengthPrefixed(&list) {
			o.groups = numbers16(list)
		}
	case extPointFormats:
		if s.ReadUint8LengthPrefixed(&list) {
			for _, b := range list {
				o.points = append(o.points, uint16(b))
			}
		}
	case extSignatures:
		if s.ReadUint16LengthPrefixed(&list) {
			o.signatures = numbers16(list)
		}
	case extALPN:
		if s.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name) {
			o.alpn = name
		}
	case extVersions:
		if s.ReadUint8LengthPrefixed(&list) {
			for _, v := range numbers16(list) {
				o.highest = max(o.highest, v)
			}
		}
	}
}

// numbers16 reads a list of numbers of two bytes, without GREASE.
func numbers16(s cryptobyte.String) (out []uint16) {
	var v uint16
	for s.ReadUint16(&v) {
		if !isGREASE(v) {
			out = append(out, v)
		}
	}
	return out
}

// ja3 is the MD5 of version, ciphers, extensions, groups and point formats
// as decimal numbers.
func (o *offer) ja3() string {
	parts := []string{strconv.Itoa(int(o.legacy))}
	for _, list := range [][]uint16{o.ciphers, o.extensions, o.groups, o.points} {
		parts = append(parts, join(list, "-", "%d"))
	}
	sum := md5.Sum([]byte(strings.Join(parts, ",")))
	return hex.EncodeToString(sum[:])
}

// ja4 is the fingerprint JA4 of FoxIO: a readable part, then hashes of the
// sorted ciphers, and of the sorted extensions with the signature
// algorithms.
func (o *offer) ja4() string {
	version := o.legacy
	if o.highest > 0 {
		version = o.highest
	}
	name, known := ja4Versions[version]
	if !known {
		name = "00"
	}
	destination := 'i'
	if o.sni {
		destination = 'd'
	}
	extensions := slices.DeleteFunc(slices.Clone(o.extensions), func(e uint16) bool { return e == extServerName || e == extALPN })
	slices.Sort(extensions)
	ciphers := slices.Sorted(slices.Values(o.ciphers))
	what := join(extensions, ",", "%04x")
	if len(o.signatures) > 0 {
		what += "_" + join(o.signatures, ",", "%04x")
	}
	return fmt.Sprintf("t%s%c%02d%02d%s_%s_%s", name, destination, min(len(o.ciphers), 99), min(len(o.extensions), 99), ja4ALPN(o.alpn),
		ja4Hash(join(ciphers, ",", "%04x"), len(ciphers)), ja4Hash(what, len(extensions)))
}

var ja4Versions = map[uint16]string{0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", ssl2Version: "s2"}

// ja4ALPN returns the first and the last character of a protocol's name, or
// of its hexadecimal form where one of them is no letter or digit.
func ja4ALPN(name []byte) string {
	if len(name) == 0 {
		return "00"
	}
	first, last := name[0], name[len(name)-1]
	if isAlphanumeric(first) && isAlphanumeric(last) {
		return string([]byte{first, last})
	}
	text := hex.EncodeToString(name)
	return text[:1] + text[len(text)-1:]
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

func ja4Hash(text string, items int) string {
	const digits = 12
	if items == 0 {
		return strings.Repeat("0", digits)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

func join(list []uint16, between, format string) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprintf(format, v)
	}
	return strings.Join(words, between)
}
