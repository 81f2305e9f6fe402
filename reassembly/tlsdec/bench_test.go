package tlsdec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"math"
	"testing"
	"time"

	"popscope/reassembly/stream"
)

const (
	bulkBytes   = 8 << 20  // how much the server of bulk sends
	readBlock   = 64 << 10 // how much of a capture is in memory at once
	bulkSegment = 1448     // of a TCP connection over Ethernet
)

// bulk is a connection in which the server sends much, in one piece.
func bulk(b *testing.B) spoken {
	b.Helper()
	client, server := configs(makeIdentity(b, "p256"), tls.VersionTLS13)
	big := string(bytes.Repeat([]byte("0123456789abcdef"), bulkBytes/16))
	s := talk(b, "bulk", client, server, []line{{stream.Client, "RETR 1\r\n"}, {stream.Server, big}})
	joined := s.chunks[:0]
	for _, c := range s.chunks {
		if n := len(joined); n > 0 && joined[n-1].Dir == c.Dir {
			joined[n-1].Data = append(joined[n-1].Data, c.Data...)
		} else {
			joined = append(joined, c)
		}
	}
	s.chunks = joined
	return s
}

// stopwatch adds up how long parts of a job take that is done again and
// again. Of each part the fastest time counts, which other programs did not
// disturb.
type stopwatch struct {
	parts []time.Duration
	n     int
	start time.Time
}

func (w *stopwatch) begin() { w.start = time.Now() }

func (w *stopwatch) end() {
	took := time.Since(w.start)
	if w.n == len(w.parts) {
		w.parts = append(w.parts, math.MaxInt64)
	}
	w.parts[w.n] = min(w.parts[w.n], took)
	w.n++
}

// again says that the job begins anew.
func (w *stopwatch) again() { w.n = 0 }

func (w *stopwatch) total() (sum time.Duration) {
	for _, d := range w.parts {
		sum += d
	}
	return sum
}

// BenchmarkDecryptor opens 8 MB of TLS 1.3 in segments, from the handshake to
// the last byte of plaintext, and says how that compares with AES-GCM alone
// over as many bytes in records: times-AES-GCM is to be at most 1.5. The two
// take turns, and both find their bytes as they come from a file: copied to a
// block of memory just before, which is not counted.
func BenchmarkDecryptor(b *testing.B) {
	s := bulk(b)
	plain := int64(len(s.said[0]) + len(s.said[1]))
	b.SetBytes(plain)
	b.ReportAllocs()
	bare := gcmAlone(b, plain)
	var ours, theirs stopwatch
	for b.Loop() {
		if got := s.decrypt(&ours); got != plain {
			b.Fatalf("%d bytes, want %d", got, plain)
		}
		bare(&theirs)
	}
	b.ReportMetric(float64(ours.total())/float64(theirs.total()), "times-AES-GCM")
}

// decrypt opens the connection, and returns how much plaintext it has.
func (s spoken) decrypt(w *stopwatch) (plain int64) {
	w.again()
	block := make([]byte, readBlock)
	d := NewDecryptor(s.keys)
	d.Keys(s.keys.Mark())
	var off [2]int64
	for _, c := range s.chunks {
		for p := c.Data; len(p) > 0; {
			n := copy(block, p)
			p = p[n:]
			w.begin()
			for rest := block[:n]; len(rest) > 0; {
				n := min(bulkSegment, len(rest))
				d.Feed(stream.Chunk{Dir: c.Dir, Data: rest[:n], Off: off[c.Dir], PeerAcked: -1})
				off[c.Dir] += int64(n)
				rest = rest[n:]
				for c, ok := d.Next(); ok; c, ok = d.Next() {
					plain += int64(len(c.Data))
				}
			}
			w.end()
		}
	}
	return plain
}

// gcmAlone returns a function that opens as many bytes in records of the
// largest size with AES-GCM, and does nothing else.
func gcmAlone(b *testing.B, plain int64) func(*stopwatch) {
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
	nonce, head := make([]byte, 12), make([]byte, recordHeader)
	in, out := make([]byte, 0, most+gcm.Overhead()), make([]byte, 0, most)
	var records [][]byte
	for left := plain; left > 0; left -= most {
		records = append(records, gcm.Seal(nil, nonce, make([]byte, min(left, most)), head))
	}
	return func(w *stopwatch) {
		w.again()
		for _, r := range records {
			in = append(in[:0], r...)
			w.begin()
			_, err := gcm.Open(out, nonce, in, head)
			w.end()
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
