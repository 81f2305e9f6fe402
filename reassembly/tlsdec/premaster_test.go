package tlsdec

import (
	"crypto/rsa"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"testing"

	"popscope/reassembly/stream"
)

// encryptedPremaster returns the premaster secret that a client encrypted to
// the server's RSA key (RFC 5246 section 7.4.7.1).
func encryptedPremaster(t *testing.T, s spoken) []byte {
	t.Helper()
	var out []byte
	var c collector
	for _, chunk := range s.chunks {
		for b := chunk.Data; chunk.Dir == stream.Client && len(b) > recordHeader && out == nil; {
			n := recordHeader + bodyLength(b)
			if b[0] != recordHandshake {
				break
			}
			c.read(b[recordHeader:n], func(kind byte, body []byte) {
				if kind == typeClientKeyExchange {
					out = append([]byte(nil), body[2:2+int(binary.BigEndian.Uint16(body))]...)
				}
			})
			b = b[n:]
		}
	}
	if out == nil {
		t.Fatalf("%s: no ClientKeyExchange", s.name)
	}
	return out
}

// TestPremasterSecrets opens connections by what clients logged long ago: the
// premaster secret, named by the client's random or by the start of its
// ciphertext. All of them have the extended master secret; a recording of
// TestPremasterWithoutExtension has not.
func TestPremasterSecrets(t *testing.T) {
	id := makeIdentity(t, "rsa")
	key := id.PrivateKey.(*rsa.PrivateKey)
	for _, v := range []struct{ version, suite uint16 }{
		{tls.VersionTLS10, tls.TLS_RSA_WITH_AES_128_CBC_SHA}, {tls.VersionTLS11, tls.TLS_RSA_WITH_AES_256_CBC_SHA},
		{tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, {tls.VersionTLS12, tls.TLS_RSA_WITH_AES_256_GCM_SHA384},
	} {
		client, server := configs(id, v.version)
		client.CipherSuites, server.CipherSuites = []uint16{v.suite}, []uint16{v.suite}
		s := talk(t, VersionName(v.version)+" "+CipherName(v.suite), client, server, dialogue())
		sealed := encryptedPremaster(t, s)
		secret, err := key.Decrypt(nil, sealed, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{fmt.Sprintf("%s %x", labelPremaster, s.keys.order[0]), fmt.Sprintf("%s %x", labelRSA, sealed[:rsaName])} {
			keys := new(KeyLog)
			fmt.Fprintf(keys, "%s %x\n", name, secret)
			for seed := range uint64(4) {
				chunks := s.chunks
				if seed > 0 {
					chunks = cut(s, seed)
				}
				h := hear(t, keys, chunks)
				for d := range h.data {
					if string(h.data[d]) != string(s.said[d]) {
						t.Errorf("%s by %.12s, seed %d: %v said %.60q; %+v", s.name, name, seed, stream.Dir(d), h.data[d], h.info)
					}
				}
			}
			// A message of the handshake is missing, which the hash needs.
			if h := hear(t, keys, lose(s.chunks, 2)); h.info.Obstacle == stream.NoObstacle || h.info.Obstacle == stream.WrongKeys {
				t.Errorf("%s by %.12s without a part of the handshake: %+v", s.name, name, h.info)
			}
		}
		wrong := new(KeyLog)
		fmt.Fprintf(wrong, "%s %x %096x\n", labelRSA, sealed[:rsaName], 1)
		if h := hear(t, wrong, s.chunks); h.info.Obstacle != stream.WrongKeys || len(h.chunks) > 0 {
			t.Errorf("%s with a wrong secret: %+v", s.name, h.info)
		}
	}
}

// TestPremasterWithoutExtension opens a connection without the extended
// master secret, of which the randoms are enough.
func TestPremasterWithoutExtension(t *testing.T) {
	chunks, keys := readSection(t, "premaster.txt", "Premaster:")
	h := hear(t, keys, chunks)
	for d, want := range [2]string{"USER alice\r\nQUIT\r\n", "+OK ready\r\n+OK\r\n+OK bye\r\n"} {
		if got := string(h.data[d]); got != want {
			t.Errorf("%v\ngot  %q\nwant %q\n%+v", stream.Dir(d), got, want, h.info)
		}
	}
}
