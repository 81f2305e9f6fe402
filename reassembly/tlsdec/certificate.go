package tlsdec

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 old servers still show such certificates
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"popscope/reassembly/stream"
)

const (
	// maxIssuers bounds Certificate.Issuers: real chains have one to three.
	maxIssuers = 8

	// maxNames bounds Certificate.Names; public authorities sign at most 250.
	maxNames = 1000

	// maxVerifyBits bounds the RSA keys that a signature is checked with: the
	// work grows with the square of the length, and nobody uses longer ones.
	maxVerifyBits = 8192
)

// certificate reads a Certificate message of TLS 1.2 and older (RFC 5246
// section 7.4.2): the leaf comes first. It returns nil when there is none.
func certificate(b []byte) *stream.Certificate {
	s := cryptobyte.String(b)
	var list, entry cryptobyte.String
	if !s.ReadUint24LengthPrefixed(&list) {
		return nil
	}
	var ders [][]byte
	for list.ReadUint24LengthPrefixed(&entry) {
		ders = append(ders, entry)
	}
	return chain(ders)
}

// chain reads certificates in the order in which they were sent.
func chain(ders [][]byte) *stream.Certificate {
	if len(ders) == 0 {
		return nil
	}
	c := describe(ders[0])
	c.Chain = len(ders)
	for _, der := range ders[1:min(len(ders), maxIssuers+1)] {
		c.Issuers = append(c.Issuers, *describe(der))
	}
	return c
}

// describe reads one certificate in DER. Of one that crypto/x509 refuses it
// gives what can be read.
func describe(der []byte) *stream.Certificate {
	raw := outline(der)
	c := raw.describe()
	x, err := x509.ParseCertificate(der)
	if err != nil {
		c.Partly = true
		return c
	}
	c.Subject, c.Issuer = x.Subject.String(), x.Issuer.String()
	c.CommonName = x.Subject.CommonName
	c.NotBefore, c.NotAfter = x.NotBefore, x.NotAfter
	c.Names = nil
	c.Names = append(c.Names, x.DNSNames[:min(len(x.DNSNames), maxNames)]...)
	for _, ip := range x.IPAddresses[:min(len(x.IPAddresses), maxNames-len(c.Names))] {
		c.Names = append(c.Names, ip.String())
	}
	if x.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		c.Signature = x.SignatureAlgorithm.String()
	}
	if name := keyName(x.PublicKey); name != "" {
		c.Key = name
	}
	c.SelfSigned = selfSigned(x)
	return c
}

// keyName returns kind and size of a public key, or "" for kinds that
// crypto/x509 does not know.
func keyName(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *dsa.PublicKey:
		return fmt.Sprintf("DSA %d", k.P.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}

// selfSigned reports whether a certificate names itself as issuer and its
// own key made the signature. Where the signature cannot be checked, because
// of its algorithm or its size, the names decide.
func selfSigned(x *x509.Certificate) bool {
	if !bytes.Equal(x.RawIssuer, x.RawSubject) {
		return false
	}
	key, isRSA := x.PublicKey.(*rsa.PublicKey)
	if isRSA && key.N.BitLen() > maxVerifyBits {
		return true
	}
	err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature)
	var insecure x509.InsecureAlgorithmError
	switch {
	case err == nil, errors.As(err, &insecure), errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return true
	case isRSA && !errors.Is(err, rsa.ErrVerification):
		return true // the key is too short or too odd for crypto/rsa
	}
	return false
}
