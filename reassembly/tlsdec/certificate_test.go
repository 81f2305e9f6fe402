package tlsdec

import (
	"bytes"
	"crypto/ed25519"
	"encoding/asn1"
	"encoding/binary"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"popscope/reassembly/stream"
)

var (
	oidRSA       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256RSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidMD2RSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 2}
	oidMD5RSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 4}
	oidRSAPSS    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidGOST      = asn1.ObjectIdentifier{1, 2, 643, 2, 2, 19}
	oidNobody    = asn1.ObjectIdentifier{1, 2, 3, 4}
)

// element builds an element around parts.
func element(tag der.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	return b.BytesOrPanic()
}

func seq(parts ...[]byte) []byte { return element(der.SEQUENCE, parts...) }

func oid(id asn1.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(id)
	return b.BytesOrPanic()
}

// commonName builds a Name of one CN.
func commonName(tag der.Tag, text string) []byte {
	return seq(element(der.SET, seq(oid(asn1.ObjectIdentifier{2, 5, 4, 3}), element(tag, []byte(text)))))
}

// rsaKey builds the bits of an RSA key whose modulus has that many bytes.
func rsaKey(size int) []byte {
	modulus := append([]byte{0, 0x80}, bytes.Repeat([]byte{1}, size-1)...)
	return seq(element(der.INTEGER, modulus), element(der.INTEGER, []byte{1, 0, 1}))
}

type algorithmPair struct{ signature, key asn1.ObjectIdentifier }

// handmake builds a certificate of odd parts; its signature is nonsense.
func handmake(serial, issuer, subject []byte, alg algorithmPair, key []byte) []byte {
	bitString := func(b []byte) []byte { return element(der.BIT_STRING, []byte{0}, b) }
	when := func(text string) []byte { return element(der.UTCTime, []byte(text)) }
	null := []byte{5, 0}
	tbs := seq(
		element(der.Tag(0).Constructed().ContextSpecific(), element(der.INTEGER, []byte{2})),
		element(der.INTEGER, serial),
		seq(oid(alg.signature), null),
		issuer,
		seq(when("200102030405Z"), when("400102030405Z")),
		subject,
		seq(seq(oid(alg.key), null), bitString(key)),
	)
	return seq(tbs, seq(oid(alg.signature), null), bitString(bytes.Repeat([]byte{1}, 256)))
}

func TestDescribe(t *testing.T) {
	alice, bob := commonName(der.UTF8String, "alice"), commonName(der.UTF8String, "bob")
	usual := algorithmPair{oidSHA256RSA, oidRSA}
	from, to := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name string
		der  []byte
		want stream.Certificate
	}{
		{"signature that is none", handmake([]byte{1}, alice, alice, usual, rsaKey(256)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 2048", Signature: "SHA256-RSA"}},
		{"other issuer", handmake([]byte{1}, bob, alice, usual, rsaKey(256)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=bob", CommonName: "alice", Key: "RSA 2048", Signature: "SHA256-RSA"}},
		{"signature that is not checked: MD5", handmake([]byte{1}, alice, alice, algorithmPair{oidMD5RSA, oidRSA}, rsaKey(256)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 2048", Signature: "MD5-RSA", SelfSigned: true}},
		{"signature that is not checked: MD2", handmake([]byte{1}, alice, alice, algorithmPair{oidMD2RSA, oidRSA}, rsaKey(256)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 2048", Signature: "MD2-RSA", SelfSigned: true}},
		{"short key", handmake([]byte{1}, alice, alice, usual, rsaKey(64)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 512", Signature: "SHA256-RSA", SelfSigned: true}},
		{"absurd key", handmake([]byte{1}, alice, alice, usual, rsaKey(40000)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 320000", Signature: "SHA256-RSA", SelfSigned: true}},
		{"key of another kind", handmake([]byte{1}, bob, alice, algorithmPair{oidSHA256RSA, oidGOST}, []byte{1, 2, 3}),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=bob", CommonName: "alice", Key: "GOST R 34.10-2001", Signature: "SHA256-RSA"}},
		{"algorithms of nobody", handmake([]byte{1}, bob, alice, algorithmPair{oidNobody, oidNobody}, []byte{1}),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=bob", CommonName: "alice", Key: "1.2.3.4", Signature: "1.2.3.4"}},
		{"RSA-PSS", handmake([]byte{1}, bob, alice, algorithmPair{oidRSAPSS, oidRSAPSS}, rsaKey(128)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=bob", CommonName: "alice", Key: "RSA-PSS 1024", Signature: "RSA-PSS"}},
		{"refused: negative serial", handmake([]byte{0xff, 1}, alice, alice, usual, rsaKey(256)),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=alice", CommonName: "alice", Key: "RSA 2048", Signature: "SHA256-RSA", SelfSigned: true}},
		{"refused: name in bad UTF-8", handmake([]byte{1}, bob, commonName(der.UTF8String, "al\xff"), usual, rsaKey(256)),
			stream.Certificate{Subject: "CN=al\uFFFD", Issuer: "CN=bob", CommonName: "al\xff", Key: "RSA 2048", Signature: "SHA256-RSA"}},
		{"refused, name in UCS-2", handmake([]byte{0xff, 1}, bob, commonName(tagBMPString, "\x00a\x00l\x01\x0d"), usual, rsaKey(256)),
			stream.Certificate{Subject: "CN=al\u010d", Issuer: "CN=bob", CommonName: "al\u010d", Key: "RSA 2048", Signature: "SHA256-RSA"}},
		{"refused: no key", handmake([]byte{1}, bob, alice, usual, nil),
			stream.Certificate{Subject: "CN=alice", Issuer: "CN=bob", CommonName: "alice", Key: "RSA", Signature: "SHA256-RSA"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Partly = strings.HasPrefix(tt.name, "refused")
			tt.want.NotBefore, tt.want.NotAfter = from, to
			if got := describe(tt.der); !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

// TestHashOfPSS: crypto/x509 knows three ways to write the parameters of
// RSA-PSS; there are more.
func TestHashOfPSS(t *testing.T) {
	field := func(n der.Tag, parts ...[]byte) []byte { return element(n.Constructed().ContextSpecific(), parts...) }
	salt := field(2, element(der.INTEGER, []byte{20}))
	for name, tt := range map[string]struct {
		parameters []byte
		want       string
	}{
		"defaults":        {seq(), "SHA1"},
		"default hash":    {seq(salt), "SHA1"},
		"SHA-1":           {seq(field(0, seq(oid(asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}))), salt), "SHA1"},
		"SHA-256":         {seq(field(0, seq(oid(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}))), salt), "SHA256"},
		"hash of nobody":  {seq(field(0, seq(oid(oidNobody)))), ""},
		"no parameters":   {nil, ""},
		"another element": {[]byte{5, 0}, ""},
	} {
		if got := hashOfPSS(tt.parameters); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestSelfSigned(t *testing.T) {
	key := func(n byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	}
	if id := sign(t, template(), template(), key(1), key(1)); !describe(id.leaf.Raw).SelfSigned {
		t.Error("own key: not self-signed")
	}
	// The name of the authority is taken, but not its key.
	if id := sign(t, template(), template(), key(1), key(2)); describe(id.leaf.Raw).SelfSigned {
		t.Error("another key: self-signed")
	}
	parent := template()
	parent.Subject.CommonName = "authority"
	if id := sign(t, template(), parent, key(1), key(1)); describe(id.leaf.Raw).SelfSigned {
		t.Error("another name: self-signed")
	}
	// Where the signature is broken on the way.
	id := sign(t, template(), template(), key(1), key(1))
	broken := bytes.Clone(id.leaf.Raw)
	broken[len(broken)-1] ^= 1
	if describe(broken).SelfSigned {
		t.Error("broken signature: self-signed")
	}
}

func TestManyNames(t *testing.T) {
	cert := template()
	cert.DNSNames = []string{"mail.example.org"}
	for n := range maxNames + 10 {
		cert.IPAddresses = append(cert.IPAddresses, net.IP(binary.BigEndian.AppendUint32(nil, 0xc0000200+uint32(n))))
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	id := sign(t, cert, cert, key, key)
	if got := describe(id.leaf.Raw).Names; len(got) != maxNames || got[0] != "mail.example.org" {
		t.Errorf("%d names, the first one %s", len(got), got[0])
	}
}

func TestCertificateMessage(t *testing.T) {
	leaf := handmake([]byte{1}, commonName(der.UTF8String, "bob"), commonName(der.UTF8String, "alice"), algorithmPair{oidSHA256RSA, oidRSA}, rsaKey(256))
	entry := func(b []byte) []byte { return append([]byte{0, byte(len(b) >> 8), byte(len(b))}, b...) }
	message := func(entries ...[]byte) []byte { return entry(bytes.Join(entries, nil)) }
	for _, tt := range []struct {
		name  string
		in    []byte
		chain int // 0: no certificate
		cn    string
	}{
		{"one", message(entry(leaf)), 1, "alice"},
		{"three", message(entry(leaf), entry(leaf), entry([]byte("x"))), 3, "alice"},
		{"second one cut", message(entry(leaf), entry(leaf)[:10]), 1, "alice"},
		{"no certificate but bytes", message(entry([]byte("hello"))), 1, ""},
		{"empty certificate", message(entry(nil)), 1, ""},
		{"empty list", message(), 0, ""},
		{"list cut", message(entry(leaf))[:20], 0, ""},
		{"nothing", nil, 0, ""},
	} {
		got := certificate(tt.in)
		if (got == nil) != (tt.chain == 0) || got != nil && (got.Chain != tt.chain || got.CommonName != tt.cn) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// TestCutCertificates reads every start of a certificate.
func TestCutCertificates(t *testing.T) {
	whole := makeIdentity(t, "p256").leaf.Raw
	want := describe(whole)
	for n := range whole {
		if got := describe(whole[:n]); got.CommonName != "" {
			t.Fatalf("cut at %d: %+v", n, got)
		}
	}
	if want.CommonName != "mail.example.org" || want.Key != "ECDSA P-256" || want.Signature != "ECDSA-SHA256" {
		t.Errorf("got %+v", want)
	}
}

func FuzzDescribe(f *testing.F) {
	alice := commonName(der.UTF8String, "alice")
	f.Add(handmake([]byte{1}, alice, alice, algorithmPair{oidSHA256RSA, oidRSA}, rsaKey(256)))
	f.Add(handmake([]byte{0xff, 1}, alice, commonName(tagBMPString, "\x00a\xd8\x00"), algorithmPair{oidMD2RSA, oidGOST}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := describe(b)
		if again := describe(bytes.Clone(b)); !reflect.DeepEqual(got, again) {
			t.Fatalf("not the same twice:\n%+v\n%+v", got, again)
		}
		if got.SelfSigned && got.Subject != got.Issuer {
			t.Fatalf("self-signed by another: %+v", got)
		}
		if len(got.Names) > maxNames {
			t.Fatalf("%d names", len(got.Names))
		}
	})
}
