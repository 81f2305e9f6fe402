package tlsdec

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/bits"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"popscope/reassembly/stream"
)

// raw is the frame of a certificate (RFC 5280 section 4.1), for those that
// crypto/x509 refuses and for algorithms that it does not know. Fields are
// empty from the first one on that is broken.
type raw struct {
	issuer, subject     []byte // the elements, with tag and length
	notBefore, notAfter time.Time
	signature, key      asn1.ObjectIdentifier // algorithms
	hash                string                // of a signature with RSA-PSS; "" unknown
	keyBits             int                   // of an RSA modulus; 0 unknown
}

// outline walks through a certificate once.
func outline(b []byte) (r raw) {
	in := cryptobyte.String(b)
	var cert, tbs, algorithm, validity, spki, keyAlgorithm cryptobyte.String
	var issuer, subject cryptobyte.String
	if !in.ReadASN1(&cert, der.SEQUENCE) || !cert.ReadASN1(&tbs, der.SEQUENCE) ||
		!tbs.SkipOptionalASN1(der.Tag(0).Constructed().ContextSpecific()) ||
		!tbs.SkipASN1(der.INTEGER) || !tbs.ReadASN1(&algorithm, der.SEQUENCE) {
		return r
	}
	algorithm.ReadASN1ObjectIdentifier(&r.signature)
	if algorithmName(r.signature) == rsaPSS {
		r.hash = hashOfPSS(algorithm)
	}
	if !tbs.ReadASN1Element(&issuer, der.SEQUENCE) {
		return r
	}
	r.issuer = issuer
	if !tbs.ReadASN1(&validity, der.SEQUENCE) {
		return r
	}
	r.notBefore = readTime(&validity)
	r.notAfter = readTime(&validity)
	if !tbs.ReadASN1Element(&subject, der.SEQUENCE) {
		return r
	}
	r.subject = subject
	if !tbs.ReadASN1(&spki, der.SEQUENCE) || !spki.ReadASN1(&keyAlgorithm, der.SEQUENCE) {
		return r
	}
	keyAlgorithm.ReadASN1ObjectIdentifier(&r.key)
	r.keyBits = modulusBits(spki)
	return r
}

// hashOfPSS returns the hash that the parameters of RSA-PSS name, SHA-1 by
// default (RFC 4055 section 3.1), or "".
func hashOfPSS(parameters cryptobyte.String) string {
	var list, hash, algorithm cryptobyte.String
	var explicit bool
	if !parameters.ReadASN1(&list, der.SEQUENCE) || !list.ReadOptionalASN1(&hash, &explicit, der.Tag(0).Constructed().ContextSpecific()) {
		return ""
	}
	if !explicit {
		return "SHA1"
	}
	var id asn1.ObjectIdentifier
	if !hash.ReadASN1(&algorithm, der.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) {
		return ""
	}
	return hashes[id.String()]
}

// readTime takes a UTCTime or GeneralizedTime; the zero time for others.
func readTime(s *cryptobyte.String) (t time.Time) {
	if s.PeekASN1Tag(der.UTCTime) {
		s.ReadASN1UTCTime(&t)
	} else {
		s.ReadASN1GeneralizedTime(&t)
	}
	return t.UTC()
}

// modulusBits returns the length of the first integer in a key, which of RSA
// is the modulus.
func modulusBits(spki cryptobyte.String) int {
	var key []byte
	if !spki.ReadASN1BitStringAsBytes(&key) {
		return 0
	}
	var pair, modulus cryptobyte.String
	s := cryptobyte.String(key)
	if !s.ReadASN1(&pair, der.SEQUENCE) || !pair.ReadASN1(&modulus, der.INTEGER) {
		return 0
	}
	n := bytes.TrimLeft(modulus, "\x00")
	if len(n) == 0 {
		return 0
	}
	return 8*(len(n)-1) + bits.Len8(n[0])
}

// describe puts the outline in words.
func (r raw) describe() *stream.Certificate {
	subject, issuer := readName(r.subject), readName(r.issuer)
	c := &stream.Certificate{
		Subject: subject.String(), Issuer: issuer.String(), CommonName: subject.CommonName,
		NotBefore: r.notBefore, NotAfter: r.notAfter,
		SelfSigned: len(r.subject) > 0 && bytes.Equal(r.subject, r.issuer),
	}
	if r.signature != nil {
		c.Signature = algorithmName(r.signature)
	}
	if r.hash != "" {
		c.Signature = r.hash + "-RSAPSS" // as crypto/x509 has it
	}
	if r.key != nil {
		c.Key = algorithmName(r.key)
		if (c.Key == "RSA" || c.Key == rsaPSS) && r.keyBits > 0 {
			c.Key = fmt.Sprintf("%s %d", c.Key, r.keyBits)
		}
	}
	return c
}

// readName reads a Name (RFC 5280 section 4.1.2.4) up to its first broken part.
func readName(b []byte) (n pkix.Name) {
	s := cryptobyte.String(b)
	var list, set, pair cryptobyte.String
	if !s.ReadASN1(&list, der.SEQUENCE) {
		return n
	}
	var names pkix.RDNSequence
	for list.ReadASN1(&set, der.SET) {
		var rdn pkix.RelativeDistinguishedNameSET
		for set.ReadASN1(&pair, der.SEQUENCE) {
			var kind asn1.ObjectIdentifier
			var value cryptobyte.String
			var tag der.Tag
			if !pair.ReadASN1ObjectIdentifier(&kind) || !pair.ReadAnyASN1(&value, &tag) {
				break
			}
			rdn = append(rdn, pkix.AttributeTypeAndValue{Type: kind, Value: text(tag, value)})
		}
		if len(rdn) > 0 {
			names = append(names, rdn)
		}
	}
	n.FillFromRDNSequence(&names)
	return n
}

// tagBMPString is the tag of text in UCS-2.
const tagBMPString = der.Tag(30)

// text returns the text of an ASN.1 string; all but BMPString as it is.
func text(tag der.Tag, b []byte) string {
	if tag != tagBMPString {
		return string(b)
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}

// algorithmName names the algorithms that crypto/x509 leaves out or that
// stand in certificates which it refuses; others by their numbers.
func algorithmName(oid asn1.ObjectIdentifier) string {
	text := oid.String()
	if name, ok := algorithms[text]; ok {
		return name
	}
	return text
}

const rsaPSS = "RSA-PSS"

// hashes are those that a signature with RSA-PSS can be made over.
var hashes = map[string]string{
	"1.3.14.3.2.26":          "SHA1",
	"2.16.840.1.101.3.4.2.1": "SHA256",
	"2.16.840.1.101.3.4.2.2": "SHA384",
	"2.16.840.1.101.3.4.2.3": "SHA512",
	"2.16.840.1.101.3.4.2.4": "SHA224",
}

var algorithms = map[string]string{
	"1.2.840.113549.1.1.1":    "RSA",
	"1.2.840.113549.1.1.2":    "MD2-RSA",
	"1.2.840.113549.1.1.3":    "MD4-RSA",
	"1.2.840.113549.1.1.4":    "MD5-RSA",
	"1.2.840.113549.1.1.5":    "SHA1-RSA",
	"1.2.840.113549.1.1.10":   rsaPSS,
	"1.2.840.113549.1.1.11":   "SHA256-RSA",
	"1.2.840.113549.1.1.12":   "SHA384-RSA",
	"1.2.840.113549.1.1.13":   "SHA512-RSA",
	"1.2.840.113549.1.1.14":   "SHA224-RSA",
	"1.2.840.10040.4.1":       "DSA",
	"1.2.840.10040.4.3":       "DSA-SHA1",
	"1.2.840.10045.2.1":       "ECDSA",
	"1.2.840.10045.4.1":       "ECDSA-SHA1",
	"1.2.840.10045.4.3.1":     "ECDSA-SHA224",
	"1.2.840.10045.4.3.2":     "ECDSA-SHA256",
	"1.2.840.10045.4.3.3":     "ECDSA-SHA384",
	"1.2.840.10045.4.3.4":     "ECDSA-SHA512",
	"1.3.14.3.2.29":           "SHA1-RSA",
	"1.3.101.112":             "Ed25519",
	"1.3.101.113":             "Ed448",
	"1.2.643.2.2.19":          "GOST R 34.10-2001",
	"1.2.643.7.1.1.1.1":       "GOST R 34.10-2012",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
