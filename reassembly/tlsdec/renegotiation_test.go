package tlsdec

import (
	"fmt"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// renegotiated returns a recorded dialogue in which the client asks for a
// second handshake and the server for a third one, which resumes the second.
func renegotiated(t *testing.T, name string) spoken {
	t.Helper()
	s := spoken{name: name}
	s.chunks, s.keys = readSection(t, "renegotiation.txt", "Renegotiation "+name+":")
	var off [2]int64
	for i := range s.chunks {
		c := &s.chunks[i]
		c.At = stream.Stamp{Packet: int64(i + 1)}
		c.Off, c.PeerAcked = off[c.Dir], off[c.Dir.Other()]
		off[c.Dir] += int64(len(c.Data))
	}
	s.said[stream.Client] = []byte("user alice\r\npass wonderland-7\r\nstat\r\nquit\r\n")
	s.said[stream.Server] = []byte("+OK ready\r\n+OK\r\n+OK logged in\r\n+OK 1 120\r\n+OK bye\r\n")
	return s
}

var renegotiations = []string{"AES-128-GCM", "AES-256-CBC, encrypt-then-MAC"}

// TestRenegotiation: each handshake has keys of its own, and what is said
// under all of them is one stream, however it is cut.
func TestRenegotiation(t *testing.T) {
	for _, name := range renegotiations {
		s := renegotiated(t, name)
		for seed := range uint64(12) {
			chunks := s.chunks
			if seed > 0 {
				chunks = cut(s, seed)
			}
			h := hear(t, s.keys, chunks)
			for d := range h.data {
				if string(h.data[d]) != string(s.said[d]) {
					t.Errorf("%s, seed %d, %v\ngot  %q\nwant %q", name, seed, stream.Dir(d), h.data[d], s.said[d])
				}
			}
			if h.info.Renegotiations != 2 || h.info.Obstacle != stream.NoObstacle || h.info.BadRecords > 0 {
				t.Errorf("%s, seed %d: info %+v", name, seed, h.info)
			}
		}
	}
}

// TestRenegotiationWithLosses: nothing wrong is told, and what is missing is
// said, whichever part of the handshakes is lost.
func TestRenegotiationWithLosses(t *testing.T) {
	for _, name := range renegotiations {
		s := renegotiated(t, name)
		for i := range s.chunks {
			h := hear(t, s.keys, lose(s.chunks, i))
			checkLoss(t, fmt.Sprintf("%s without chunk %d", name, i), s, h)
			if h.info.Obstacle == stream.WrongKeys {
				t.Errorf("%s without chunk %d: the keys are said to be wrong: %+v", name, i, h.info)
			}
		}
	}
}

// TestRenegotiationWithoutItsKeys: what was said under the keys that are known
// is told, and then why there is no more.
func TestRenegotiationWithoutItsKeys(t *testing.T) {
	for _, name := range renegotiations {
		s := renegotiated(t, name)
		first := s.keys.conns[s.keys.order[0]]
		keys := new(KeyLog)
		fmt.Fprintf(keys, "CLIENT_RANDOM %x %x\n", s.keys.order[0], first.list[0].value)
		h := hear(t, keys, s.chunks)
		if got := string(h.data[stream.Client]); !strings.HasPrefix(got, "user alice\r\n?") {
			t.Errorf("%s: the client said %q", name, got)
		}
		if got := string(h.data[stream.Server]); !strings.HasPrefix(got, "+OK ready\r\n+OK\r\n?") {
			t.Errorf("%s: the server said %q", name, got)
		}
		if !h.info.Decrypted || h.info.Obstacle != stream.NoKeys || h.info.Renegotiations == 0 {
			t.Errorf("%s: info %+v", name, h.info)
		}
	}
}
