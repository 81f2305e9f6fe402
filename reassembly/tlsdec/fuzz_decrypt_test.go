package tlsdec

import (
	"bytes"
	"testing"

	"popscope/reassembly/stream"
)

// vector is the trace of RFC 8448 section 3: what both sides send, and the
// secrets.
func vector(f *testing.F) (sides [2][]byte, keys *KeyLog) {
	f.Helper()
	chunks, keys := readTrace(f, "3")
	for _, c := range chunks {
		sides[c.Dir] = append(sides[c.Dir], c.Data...)
	}
	return sides, keys
}

// FuzzTampered changes, cuts and loses bytes of a connection that can be
// opened. All that is told must have been said: nothing that was tampered
// with gets through, and the cuts do not matter.
func FuzzTampered(f *testing.F) {
	sides, keys := vector(f)
	said := make([]byte, 50)
	for i := range said {
		said[i] = byte(i)
	}
	f.Add(uint16(0), []byte{}, uint16(0), uint16(0), uint8(10), false)
	f.Add(uint16(300), []byte{1}, uint16(900), uint16(20), uint8(3), true)
	f.Add(uint16(1000), []byte{0, 0, 7}, uint16(1), uint16(0), uint8(200), true)
	f.Fuzz(func(t *testing.T, at uint16, change []byte, lostAt, lost uint16, step uint8, server bool) {
		d := stream.Client
		if server {
			d = stream.Server
		}
		changed := sides
		changed[d] = bytes.Clone(sides[d])
		for i, x := range change {
			if j := int(at) + i; j < len(changed[d]) {
				changed[d][j] ^= x
			}
		}
		from := min(int(lostAt), len(changed[d]))
		to := min(from+int(lost), len(changed[d]))
		feed := func(size int) heard {
			var chunks []stream.Chunk
			off := [2]int64{}
			add := func(dir stream.Dir, b []byte) {
				for len(b) > 0 {
					n := min(size, len(b))
					chunks = append(chunks, stream.Chunk{Dir: dir, Data: b[:n], Off: off[dir], PeerAcked: -1})
					off[dir] += int64(n)
					b = b[n:]
				}
			}
			add(d.Other(), changed[d.Other()])
			add(d, changed[d][:from])
			if to > from {
				chunks = append(chunks, stream.Chunk{Dir: d, Lost: int64(to - from), Off: off[d], PeerAcked: -1})
				off[d] += int64(to - from)
			}
			add(d, changed[d][to:])
			return hear(t, keys, chunks)
		}
		whole, cut := feed(1<<20), feed(int(step)+1)
		for dir := range whole.data {
			if !bytes.Equal(whole.data[dir], cut.data[dir]) {
				t.Fatalf("chunks of %d bytes: got %x, want %x", int(step)+1, cut.data[dir], whole.data[dir])
			}
		}
		for _, c := range whole.chunks {
			if c.Lost == 0 && !bytes.Equal(c.Data, said) {
				t.Fatalf("told %x", c.Data)
			}
		}
	})
}

// FuzzDecryptor feeds bytes of any kind: nothing is told that no key opens,
// no more is held than is allowed, and the cuts do not matter.
func FuzzDecryptor(f *testing.F) {
	sides, keys := vector(f)
	f.Add(sides[0], sides[1], uint8(40))
	for _, seed := range flights() {
		f.Add(seed[0], seed[1], uint8(6))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, step uint8) {
		feed := func(size int) (n [2]int, known *stream.TLSInfo) {
			d := NewDecryptor(keys)
			d.Keys(keys.Mark())
			for dir, b := range [2][]byte{client, server} {
				for len(b) > 0 {
					k := min(size, len(b))
					d.Feed(stream.Chunk{Dir: stream.Dir(dir), Data: b[:k], PeerAcked: -1})
					b = b[k:]
					for c, ok := d.Next(); ok; c, ok = d.Next() {
						n[c.Dir] += int(c.Len())
					}
					if held := d.Held(); held > 2*maxWait+maxHeld+4*maxMessage {
						t.Fatalf("%d bytes are held", held)
					}
				}
			}
			d.Close()
			for c, ok := d.Next(); ok; c, ok = d.Next() {
				n[c.Dir] += int(c.Len())
			}
			return n, d.Info()
		}
		whole, info := feed(1 << 20)
		cut, other := feed(int(step) + 1)
		if whole != cut {
			t.Fatalf("chunks of %d bytes: %v, want %v", int(step)+1, cut, whole)
		}
		if (info == nil) != (other == nil) || info != nil && info.Obstacle != other.Obstacle {
			t.Fatalf("chunks of %d bytes\ngot  %+v\nwant %+v", int(step)+1, other, info)
		}
	})
}
