package tlsdec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"testing"
	"time"

	"popscope/reassembly/stream"
)

// bulk is a connection in which the server sends much, in segments of a
// usual size.
func bulk(b *testing.B) (s spoken, segments []stream.Chunk) {
	b.Helper()
	client, server := configs(makeIdentity(b, "p256"), tls.VersionTLS13)
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 32<<20/16))
	s = talk(b, "bulk", client, server, []line{{stream.Client, "RETR 1\r\n"}, {stream.Server, big}})
	const segment = 1448
	var off [2]int64
	for _, c := range s.chunks {
		for p := c.Data; len(p) > 0; {
			n := min(segment, len(p))
			segments = append(segments, stream.Chunk{Dir: c.Dir, Data: p[:n], Off: off[c.Dir], PeerAcked: -1})
			off[c.Dir] += int64(n)
			p = p[n:]
		}
	}
	return s, segments
}

// BenchmarkDecryptor opens 32 MB of TLS 1.3 in segments of 1448 bytes, and
// says how that compares with AES-GCM alone over the same records.
func BenchmarkDecryptor(b *testing.B) {
	s, segments := bulk(b)
	mark := s.keys.Mark()
	plain := int64(len(s.said[0]) + len(s.said[1]))
	b.SetBytes(plain)
	b.ReportAllocs()
	decrypt := func() (sum int64) {
		d := NewDecryptor(s.keys)
		d.Keys(mark)
		for _, c := range segments {
			d.Feed(c)
			for c, ok := d.Next(); ok; c, ok = d.Next() {
				sum += int64(len(c.Data))
			}
		}
		return sum
	}
	bare := gcmAlone(b, plain)
	var ours, theirs time.Duration
	for b.Loop() {
		// Turn by turn, so that a busy machine slows both down.
		start := time.Now()
		if got := decrypt(); got != plain {
			b.Fatalf("%d bytes, want %d", got, plain)
		}
		ours += time.Since(start)
		start = time.Now()
		bare()
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "times-AES-GCM")
}

// gcmAlone returns a function that opens as many bytes in records of the
// largest size with AES-GCM, and does nothing else.
func gcmAlone(b *testing.B, plain int64) func() {
	b.Helper()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	const most = 1 << 14
	nonce, head, out := make([]byte, 12), make([]byte, recordHeader), make([]byte, 0, most)
	var records [][]byte
	for left := plain; left > 0; left -= most {
		records = append(records, gcm.Seal(nil, nonce, make([]byte, min(left, most)), head))
	}
	return func() {
		for _, r := range records {
			if _, err := gcm.Open(out, nonce, r, head); err != nil {
				b.Fatal(err)
			}
		}
	}
}
