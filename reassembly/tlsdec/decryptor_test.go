package tlsdec

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"popscope/reassembly/stream"
)

// spoken is a connection with what was said in it.
type spoken struct {
	name   string
	chunks recording
	keys   *KeyLog
	log    string
	said   [2][]byte
}

// line is what one side says; the sides wait for each other.
type line struct {
	dir  stream.Dir
	text string
}

// dialogue is long enough for several records and short ones.
func dialogue() []line {
	var mail string
	lines := 900
	if testing.Short() {
		lines = 400 // two records still
	}
	for i := range lines {
		mail += fmt.Sprintf("%d: all that glitters is not gold, said %d.\r\n", i, i*i)
	}
	return []line{
		{stream.Server, "+OK ready\r\n"}, {stream.Client, "USER alice\r\n"}, {stream.Server, "+OK\r\n"},
		{stream.Client, "PASS wonderland-7\r\n"}, {stream.Server, "+OK logged in\r\n"},
		{stream.Client, "RETR 1\r\n"}, {stream.Server, "+OK\r\n" + mail + ".\r\n"},
		{stream.Client, "QUIT\r\n"}, {stream.Server, "+OK bye\r\n"},
	}
}

// talk records a dialogue in TLS. Each chunk is one write of an end, and its
// PeerAcked is what that end had read.
func talk(t testing.TB, name string, client, server *tls.Config, lines []line) spoken {
	t.Helper()
	var log bytes.Buffer
	client.KeyLogWriter = &log
	var mu sync.Mutex
	var all recording
	up, down := newPipe(), newPipe()
	near, far := net.Pipe()
	a := recorder{near, down, up, stream.Client, &mu, &all}
	b := recorder{far, up, down, stream.Server, &mu, &all}
	s := spoken{name: name, keys: new(KeyLog)}
	speak := func(conn *tls.Conn, me stream.Dir) error {
		if err := conn.Handshake(); err != nil {
			return err
		}
		for _, l := range lines {
			if l.dir != me {
				got := make([]byte, len(l.text))
				if _, err := io.ReadFull(conn, got); err != nil {
					return err
				}
			} else if _, err := conn.Write([]byte(l.text)); err != nil {
				return err
			}
		}
		return conn.CloseWrite()
	}
	failed := make(chan error)
	go func() { failed <- speak(tls.Server(b, server), stream.Server) }()
	err := speak(tls.Client(a, client), stream.Client)
	if other := <-failed; err != nil || other != nil {
		t.Fatalf("%s: client: %v, server: %v", name, err, other)
	}
	for _, l := range lines {
		s.said[l.dir] = append(s.said[l.dir], l.text...)
	}
	s.chunks, s.log = all, log.String()
	var off [2]int64
	for i := range s.chunks {
		c := &s.chunks[i]
		c.At = stream.Stamp{Packet: int64(i + 1)}
		c.Off, c.PeerAcked = off[c.Dir], off[c.Dir.Other()]
		off[c.Dir] += int64(len(c.Data))
	}
	s.keys.Write([]byte(s.log))
	return s
}

// recorded are the conversations, which are held once.
var recorded []spoken

// conversations are dialogues in all versions and suites that crypto/tls
// has; with -short one of each version and kind of protection. Nobody may
// change their bytes.
func conversations(t testing.TB) []spoken {
	t.Helper()
	if recorded == nil {
		recorded = converse(t)
	}
	return recorded
}

func converse(t testing.TB) []spoken {
	t.Helper()
	type kind struct {
		version  uint16
		cbc, xor bool
	}
	seen := map[kind]bool{}
	id, rsa := makeIdentity(t.(*testing.T), "p256"), makeIdentity(t.(*testing.T), "rsa")
	var all []spoken
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suiteOf(s.ID) == nil {
			continue
		}
		for _, v := range s.SupportedVersions {
			k := kind{v, suiteOf(s.ID).mac != nil, suiteOf(s.ID).xor}
			if testing.Short() && v != tls.VersionTLS13 && seen[k] {
				continue
			}
			seen[k] = true
			ident := rsa
			if strings.Contains(s.Name, "ECDSA") {
				ident = id
			}
			client, server := configs(ident, v)
			server.CipherSuites, client.CipherSuites = []uint16{s.ID}, []uint16{s.ID}
			if v == tls.VersionTLS13 {
				if s.ID != tls.TLS_AES_128_GCM_SHA256 {
					continue // crypto/tls takes the one that it likes best
				}
				all = append(all, talk(t, "TLS 1.3", client, server, dialogue()))
				client.CurvePreferences, server.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}, []tls.CurveID{tls.CurveP384}
				all = append(all, talk(t, "TLS 1.3 HelloRetryRequest", client, server, dialogue()))
				continue
			}
			all = append(all, talk(t, VersionName(v)+" "+s.Name, client, server, dialogue()))
		}
	}
	// Of a resumed connection of TLS 1.2 crypto/tls logs no secret.
	client, server := configs(id, tls.VersionTLS13)
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	talk(t, "first", client, server, dialogue())
	all = append(all, talk(t, "TLS 1.3 resumed", client, server, dialogue()))
	if len(all) < 20 && !testing.Short() || len(all) < 8 {
		t.Fatalf("only %d conversations", len(all))
	}
	return all
}

// heard is what a Decryptor made of a connection.
type heard struct {
	data   [2][]byte // lost bytes are ?
	chunks []stream.Chunk
	lost   [2]int64
	info   *stream.TLSInfo
}

// hear feeds chunks, and checks what has to hold of all output.
func hear(t testing.TB, keys *KeyLog, chunks []stream.Chunk) heard {
	t.Helper()
	d := NewDecryptor(keys)
	d.Keys(keys.Mark())
	var h heard
	for _, c := range chunks {
		b := bytes.Clone(c.Data)
		if c.Lost == 0 {
			c.Data = b
		}
		d.Feed(c)
		for i := range b {
			b[i] ^= 0xff // the bytes were borrowed
		}
		h.take(t, d)
	}
	d.Close()
	h.take(t, d)
	h.info = d.Info()
	return h
}

// take takes what a Decryptor has, and checks what has to hold of it.
func (h *heard) take(t testing.TB, d *Decryptor) {
	t.Helper()
	for c, ok := d.Next(); ok; c, ok = d.Next() {
		if !c.Secure || c.Off != int64(len(h.data[c.Dir])) || c.Len() == 0 || (c.Lost > 0) == (len(c.Data) > 0) {
			t.Fatalf("chunk %+v behind %d bytes", c, len(h.data[c.Dir]))
		}
		if c.Lost > 1<<20 {
			t.Fatalf("%d bytes lost", c.Lost)
		}
		h.data[c.Dir] = append(append(h.data[c.Dir], c.Data...), bytes.Repeat([]byte("?"), int(c.Lost))...)
		h.lost[c.Dir] += c.Lost
		c.Data = bytes.Clone(c.Data)
		h.chunks = append(h.chunks, c)
	}
}

func TestConversations(t *testing.T) {
	for _, s := range conversations(t) {
		t.Run(s.name, func(t *testing.T) {
			h := hear(t, s.keys, s.chunks)
			for d := range h.data {
				if !bytes.Equal(h.data[d], s.said[d]) {
					t.Errorf("%v\ngot  %.200q\nwant %.200q", stream.Dir(d), h.data[d], s.said[d])
				}
			}
			if !h.info.Decrypted || h.info.Obstacle != stream.NoObstacle || !h.info.Completed || h.info.BadRecords != 0 {
				t.Errorf("info %+v", h.info)
			}
			if !strings.Contains(s.name, "resumed") && h.info.Certificate == nil {
				t.Error("no certificate")
			}
			checkAcks(t, h)
		})
	}
}

// checkAcks: every side of a dialogue in turns had all that the other one
// had said when it spoke.
func checkAcks(t *testing.T, h heard) {
	t.Helper()
	var said, before [2]int64
	last := stream.Server
	for _, c := range h.chunks {
		if c.Dir != last {
			before[last] = said[last]
			last = c.Dir
		}
		if c.PeerAcked != before[c.Dir.Other()] {
			t.Errorf("%v at %d: PeerAcked %d, want %d", c.Dir, c.Off, c.PeerAcked, before[c.Dir.Other()])
		}
		said[c.Dir] += c.Len()
	}
}

// cut gives the streams in other chunks and in another interleaving.
func cut(s spoken, seed uint64) []stream.Chunk {
	rng := rand.New(rand.NewPCG(seed, 7))
	var rest [2][]stream.Chunk
	for _, c := range s.chunks {
		rest[c.Dir] = append(rest[c.Dir], c)
	}
	var out []stream.Chunk
	most := []int{1, 3, 40, 1500, 20000}[rng.IntN(5)]
	for len(rest[0])+len(rest[1]) > 0 {
		d := rng.IntN(2)
		if len(rest[d]) == 0 {
			d = 1 - d
		}
		c := &rest[d][0]
		n := min(1+rng.IntN(most), len(c.Data))
		piece := *c
		piece.Data = c.Data[:n]
		out = append(out, piece)
		c.Data, c.Off = c.Data[n:], c.Off+int64(n)
		if len(c.Data) == 0 {
			rest[d] = rest[d][1:]
		}
	}
	return out
}

func TestCutsDoNotMatter(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 4
	}
	for _, s := range conversations(t) {
		want := hear(t, s.keys, s.chunks)
		for seed := range seeds {
			got := hear(t, s.keys, cut(s, seed))
			for d := range got.data {
				if !bytes.Equal(got.data[d], want.data[d]) {
					t.Fatalf("%s, seed %d, %v: %d bytes, want %d; %+v", s.name, seed, stream.Dir(d), len(got.data[d]), len(want.data[d]), got.info)
				}
			}
			if got, want := unstamped(got.info), unstamped(want.info); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, seed %d\ngot  %+v\nwant %+v", s.name, seed, got, want)
			}
		}
	}
}

// TestLostChunks takes each chunk away in turn: nothing wrong is told, and
// what is missing is said.
func TestLostChunks(t *testing.T) {
	for _, s := range conversations(t) {
		for i := range s.chunks {
			h := hear(t, s.keys, lose(s.chunks, i))
			name := fmt.Sprintf("%s without chunk %d of %d", s.name, i, len(s.chunks))
			checkLoss(t, name, s, h)
			if exact := h.lost == [2]int64{} || !strings.Contains(s.name, "CBC"); exact {
				checkLossAcks(t, name, h)
			}
		}
	}
}

func lose(chunks []stream.Chunk, i int) []stream.Chunk {
	out := append([]stream.Chunk(nil), chunks...)
	out[i].Lost, out[i].Data = int64(len(out[i].Data)), nil
	return out
}

// checkLoss: what is told was said, in its order; where bytes are missing,
// something is lost.
func checkLoss(t *testing.T, name string, s spoken, h heard) {
	t.Helper()
	for d := range h.data {
		rest := s.said[d]
		var runs [][]byte // between losses
		lost := false
		var run []byte
		for _, c := range h.chunks {
			if c.Dir != stream.Dir(d) {
				continue
			}
			if c.Lost > 0 {
				runs = append(runs, run)
				run, lost = nil, true
			}
			run = append(run, c.Data...)
		}
		for i, run := range append(runs, run) {
			at := bytes.Index(rest, run)
			if at < 0 || at > 0 && i == 0 {
				t.Fatalf("%s: %v told %.80q, which was not said there", name, stream.Dir(d), run)
			}
			rest = rest[at+len(run):]
		}
		if complete := bytes.Equal(h.data[d], s.said[d]); len(h.chunks) > 0 && !complete && !lost {
			t.Errorf("%s: %v told %d of %d bytes, and no loss; %+v", name, stream.Dir(d), len(h.data[d]), len(s.said[d]), h.info)
		}
	}
}

// checkLossAcks: where each side waited for the other, it had all of it when it
// spoke, what was lost included.
func checkLossAcks(t *testing.T, name string, h heard) {
	t.Helper()
	lines := dialogue()
	for _, c := range h.chunks {
		var said [2]int64
		for _, l := range lines {
			if said[l.dir] += int64(len(l.text)); l.dir == c.Dir && c.Off < said[l.dir] {
				break
			}
		}
		if want := said[c.Dir.Other()]; c.Lost == 0 && c.PeerAcked != want {
			t.Errorf("%s: %v at %d: PeerAcked %d, want %d", name, c.Dir, c.Off, c.PeerAcked, want)
		}
	}
}

// TestTamperedRecords changes a byte of each record: its content is not
// told.
func TestTamperedRecords(t *testing.T) {
	for _, s := range conversations(t) {
		for i := range s.chunks {
			chunks := append([]stream.Chunk(nil), s.chunks...)
			b := bytes.Clone(chunks[i].Data)
			b[len(b)-1-i%7] ^= 0x40
			chunks[i].Data = b
			h := hear(t, s.keys, chunks)
			checkLoss(t, fmt.Sprintf("%s, chunk %d tampered", s.name, i), s, h)
			if h.info != nil && h.info.BadRecords > 0 && h.info.BadAt.Packet != int64(i+1) {
				t.Errorf("%s, chunk %d tampered: bad record in packet %d", s.name, i, h.info.BadAt.Packet)
			}
		}
	}
}

// TestNoRecordAtAll: what is put between records, and is none, is told.
func TestNoRecordAtAll(t *testing.T) {
	for _, s := range conversations(t) {
		for _, text := range []string{"+OK in clear now\r\n", strings.Repeat("+OK in clear now\r\n", 10)} {
			chunks := append(slices.Clone(s.chunks), stream.Chunk{Dir: stream.Server, Data: []byte(text), At: stream.Stamp{Packet: 99}, PeerAcked: -1})
			h := hear(t, s.keys, chunks)
			if h.info.BadRecords != 1 || h.info.BadAt.Packet != 99 || !bytes.HasPrefix(h.data[stream.Server], s.said[stream.Server]) {
				t.Errorf("%s and %.20q: %+v", s.name, text, h.info)
			}
		}
	}
}

func TestObstacles(t *testing.T) {
	all := conversations(t)
	for i, s := range all {
		other := all[(i+1)%len(all)]
		h := hear(t, new(KeyLog), s.chunks)
		if len(h.chunks) > 0 || h.info.Obstacle != stream.NoKeys || h.info.Decrypted {
			t.Errorf("%s without keys: %+v", s.name, h.info)
		}
		if h = hear(t, other.keys, s.chunks); h.info.Obstacle != stream.NoKeys {
			t.Errorf("%s with keys of another connection: %+v", s.name, h.info)
		}
		// The same label and random, another secret.
		wrong := new(KeyLog)
		for l := range strings.Lines(s.log) {
			f := strings.Fields(l)
			fmt.Fprintf(wrong, "%s %s %s\n", f[0], f[1], strings.Repeat("ab", len(f[2])/2))
		}
		if h = hear(t, wrong, s.chunks); len(h.chunks) > 0 || h.info.Obstacle != stream.WrongKeys {
			t.Errorf("%s with wrong keys: %+v", s.name, h.info)
		}
		for d, name := range []string{"client", "server"} {
			var side []stream.Chunk
			for _, c := range s.chunks {
				if c.Dir == stream.Dir(d) {
					side = append(side, c)
				}
			}
			if h = hear(t, s.keys, side); len(h.chunks) > 0 || h.info.Obstacle != stream.HandshakeNotSeen {
				t.Errorf("%s, %s alone: %+v", s.name, name, h.info)
			}
		}
	}
}

// TestSecretsAsTheyCome has the secrets of a log come at any time, one by one
// or together.
func TestSecretsAsTheyCome(t *testing.T) {
	for _, s := range conversations(t) {
		want := hear(t, s.keys, s.chunks)
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 11))
			d := NewDecryptor(shuffled(s.keys, rng))
			var got heard
			var mark int64
			for i := 0; i <= len(s.chunks)+int(s.keys.Mark()); i++ {
				if i < len(s.chunks) {
					d.Feed(s.chunks[i])
				}
				if rng.IntN(1+len(s.chunks)/4) == 0 || i > len(s.chunks) {
					mark = min(mark+1, s.keys.Mark())
					d.Keys(mark)
				}
				got.take(t, d)
			}
			if d.Waiting() {
				t.Errorf("%s, seed %d: still waits", s.name, seed)
			}
			d.Close()
			got.take(t, d)
			for dir := range got.data {
				if !bytes.Equal(got.data[dir], want.data[dir]) {
					t.Errorf("%s, seed %d, %v: %d bytes, want %d; %+v", s.name, seed, stream.Dir(dir), len(got.data[dir]), len(want.data[dir]), d.Info())
				}
			}
		}
	}
}

// shuffled returns a log with the same secrets, those of each connection in
// any order.
func shuffled(keys *KeyLog, rng *rand.Rand) *KeyLog {
	out := new(KeyLog)
	for _, random := range keys.order {
		list := keys.conns[random].list
		for _, i := range rng.Perm(len(list)) {
			out.add(random, list[i].label, list[i].value)
		}
	}
	return out
}
