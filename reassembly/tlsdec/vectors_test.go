package tlsdec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// readTrace reads the trace of a section of RFC 8448.
func readTrace(t testing.TB, section string) ([]stream.Chunk, *KeyLog) {
	t.Helper()
	return readSection(t, "rfc8448.txt", "RFC 8448 section "+section+":")
}

// readSection reads a trace of a file in testdata under a heading.
func readSection(t testing.TB, file, heading string) ([]stream.Chunk, *KeyLog) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "# "+heading)
	if !found {
		t.Fatalf("%s: no heading %s", file, heading)
	}
	_, body, _ = strings.Cut(body, "\n")
	body, _, _ = strings.Cut(body, "#")
	keys := new(KeyLog)
	var chunks []stream.Chunk
	for l := range strings.Lines(body) {
		who, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		dir := stream.Client
		switch who {
		case "S":
			dir = stream.Server
			fallthrough
		case "C":
			b, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, stream.Chunk{Dir: dir, Data: b, PeerAcked: -1})
		default:
			keys.Write([]byte(l))
		}
	}
	return chunks, keys
}

// TestRFC8448 opens the traces of RFC 8448, which hold the data 00 to 31 in
// hex, and in section 4 the early data "ABCDEF". Section 5 has a
// HelloRetryRequest, section 6 a client with a certificate, section 7 what
// middleboxes want to see.
func TestRFC8448(t *testing.T) {
	data := make([]byte, 50)
	for i := range data {
		data[i] = byte(i)
	}
	for section, said := range map[string][2]string{
		"3": {string(data), string(data)},
		"4": {"ABCDEF" + string(data), string(data)},
		"5": {},
		"6": {},
		"7": {},
	} {
		t.Run(section, func(t *testing.T) {
			chunks, keys := readTrace(t, section)
			h := hear(t, keys, chunks)
			for d := range h.data {
				if string(h.data[d]) != said[d] {
					t.Errorf("%v: got %x, want %x", stream.Dir(d), h.data[d], said[d])
				}
			}
			early := section == "4"
			if !h.info.Decrypted || h.info.Obstacle != stream.NoObstacle || h.info.EarlyData != early || h.info.Resumed != early {
				t.Errorf("info %+v", h.info)
			}
			subject, key := "CN=rsa", "RSA 1024"
			if section == "6" {
				subject, key = "CN=ecdsa256", "ECDSA P-256"
			}
			if !early && (h.info.Certificate == nil || h.info.Certificate.Subject != subject || h.info.Certificate.Key != key) {
				t.Errorf("certificate %+v", h.info.Certificate)
			}
		})
	}
}

// TestKeyUpdateSecret: RFC 8448 has no KeyUpdate; the secret after the
// client's of section 3 by RFC 8446 section 7.2, as other implementations
// derive it, begins so.
func TestKeyUpdateSecret(t *testing.T) {
	secret := unhex(t, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
	next := nextSecret(sha256.New, secret)
	if got := hex.EncodeToString(next[:12]); got != "fcdfcc72725aaee48bf64e4f" {
		t.Errorf("got %s", got)
	}
}

// TestCCM is example 3 of NIST SP 800-38C, appendix C: the one with nonces
// of 12 bytes.
func TestCCM(t *testing.T) {
	c := ccm{newAES(unhex(t, "404142434445464748494a4b4c4d4e4f")), 8}
	nonce, plain := unhex(t, "101112131415161718191a1b"), unhex(t, "202122232425262728292a2b2c2d2e2f3031323334353637")
	data := unhex(t, "000102030405060708090a0b0c0d0e0f10111213")
	sealed := unhex(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	got, err := c.Open([]byte("before"), nonce, sealed, data)
	if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
		t.Errorf("got %x, %v", got, err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if got, err := c.Open(nil, nonce, bad, data); err == nil || got != nil {
			t.Errorf("byte %d changed: %x, %v", i, got, err)
		}
	}
	for n := range 8 {
		if _, err := c.Open(nil, nonce, sealed[:n], data); err == nil {
			t.Errorf("%d bytes opened", n)
		}
	}
}

// TestPRF12 has the test vector for P_SHA256 that went around the TLS working
// group. That of TLS 1.0 is held by the recordings.
func TestPRF12(t *testing.T) {
	got := prf12(sha256.New, unhex(t, "9bbe436ba940f017b17652849a71db35"), "test label", unhex(t, "a0ba9f936cda311827a6f796ffd5198c"), 100)
	if want := "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"; hex.EncodeToString(got) != want {
		t.Errorf("got  %x\nwant %s", got, want)
	}
}
