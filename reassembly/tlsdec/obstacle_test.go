package tlsdec

import (
	"bytes"
	"crypto/tls"
	"testing"

	"popscope/reassembly/stream"
)

// TestWordForEachObstacle: what stands in the way is said, whatever it is.
// TestObstacles has those that keys are to blame for.
func TestWordForEachObstacle(t *testing.T) {
	id := makeIdentity(t, "rsa")
	speak := func(version, suite uint16) spoken {
		client, server := configs(id, version)
		if suite != 0 {
			client.CipherSuites, server.CipherSuites = []uint16{suite}, []uint16{suite}
		}
		return talk(t, VersionName(version), client, server, dialogue())
	}
	// inServerHello changes a byte of the ServerHello, counted from its body.
	inServerHello := func(s spoken, at int, to byte) []stream.Chunk {
		out := append([]stream.Chunk(nil), s.chunks...)
		for i := range out {
			if out[i].Dir == stream.Server {
				out[i].Data = bytes.Clone(out[i].Data)
				out[i].Data[recordHeader+messageHeader+at] = to
				return out
			}
		}
		return out
	}
	tls12 := speak(tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
	tls13 := speak(tls.VersionTLS13, 0)
	rc4 := speak(tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA)
	tls10 := speak(tls.VersionTLS10, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
	session := int(tls12.chunks[1].Data[recordHeader+messageHeader+2+randomSize])
	for _, tt := range []struct {
		name   string
		keys   *KeyLog
		chunks []stream.Chunk
		want   stream.Obstacle
	}{
		{"RC4", rc4.keys, rc4.chunks, stream.CipherUnsupported},
		{"SSL 3.0", tls10.keys, inServerHello(tls10, 1, 0), stream.VersionUnsupported},
		{"compression", tls12.keys, inServerHello(tls12, 2+randomSize+1+session+2, 1), stream.CompressionUnsupported},
		{"the hellos alone", tls12.keys, tls12.chunks[:2], stream.NothingEncrypted},
		{"ClientHello alone", tls12.keys, tls12.chunks[:1], stream.HandshakeNotSeen},
		{"TLS 1.3 from its middle on", tls13.keys, tls13.chunks[4:], stream.HandshakeNotSeen},
		{"TLS 1.2 from its middle on", tls12.keys, tls12.chunks[6:], stream.HandshakeNotSeen},
		{"all lost behind the hellos", tls12.keys, loseFrom(tls12, 2), stream.TooManyLost},
	} {
		h := hear(t, tt.keys, tt.chunks)
		if h.info == nil || h.info.Obstacle != tt.want || len(h.chunks) > 0 || h.info.Decrypted {
			t.Errorf("%s: %d chunks, want %v and none\n%+v", tt.name, len(h.chunks), tt.want, h.info)
		}
	}
}

// loseFrom loses all chunks from one on.
func loseFrom(s spoken, from int) []stream.Chunk {
	out := append([]stream.Chunk(nil), s.chunks...)
	for i := from; i < len(out); i++ {
		out[i].Lost, out[i].Data = int64(len(out[i].Data)), nil
	}
	return out
}
