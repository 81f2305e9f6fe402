package tlsdec

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"popscope/reassembly/stream"
)

// sealer writes records of TLS 1.3 with AES-128-GCM.
type sealer struct {
	t      *testing.T
	secret []byte
	aead   cipher.AEAD
	iv     [12]byte
	seq    uint64
}

func newSealer(t *testing.T, secret []byte) *sealer {
	t.Helper()
	s := &sealer{t: t, secret: secret}
	s.use(secret)
	return s
}

func (s *sealer) use(secret []byte) {
	s.secret, s.seq = secret, 0
	s.aead = must(cipher.NewGCM(newAES(expandLabel(sha256.New, secret, "key", 16))))
	copy(s.iv[:], expandLabel(sha256.New, secret, "iv", len(s.iv)))
}

// update goes on with the next keys (RFC 8446 section 7.2).
func (s *sealer) update() { s.use(nextSecret(sha256.New, s.secret)) }

// record seals content with padding behind its type.
func (s *sealer) record(kind byte, content []byte, padding int) []byte {
	plain := append(append(bytes.Clone(content), kind), make([]byte, padding)...)
	head := []byte{recordData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(plain)+s.aead.Overhead()))
	var nonce [12]byte
	xorNonce(&nonce, &s.iv, s.seq)
	s.seq++
	return s.aead.Seal(head, nonce[:], plain, head)
}

// messageOf writes a message with a body of so many bytes.
func messageOf(kind byte, size int) []byte {
	return append([]byte{kind, byte(size >> 16), byte(size >> 8), byte(size)}, bytes.Repeat([]byte{kind}, size)...)
}

// TestMessagesInTLS13 puts what RFC 8446 allows behind the hellos of RFC
// 8448: handshake messages joined in records and split over them, padding,
// authentication of the client after the handshake, tickets, and new keys of
// both sides, with data in between. It is cut at every byte.
func TestMessagesInTLS13(t *testing.T) {
	const certificateRequest, certificateVerify, ticket = 13, 15, 4
	hellos, keys := readTrace(t, "3")
	random := keys.order[0]
	secret := func(label string) *sealer { return newSealer(t, keys.lookup(random, label, keys.Mark())) }
	var wire [2][]byte
	send := func(d stream.Dir, records ...[]byte) { wire[d] = append(wire[d], bytes.Join(records, nil)...) }
	finished := messageOf(typeFinished, 32)

	server := secret(labelServerHandshake)
	flight := bytes.Join([][]byte{{typeEncryptedExtensions, 0, 0, 2, 0, 0}, messageOf(certificateRequest, 40), messageOf(typeCertificate, 3000), messageOf(certificateVerify, 130), finished}, nil)
	send(stream.Client, hellos[0].Data)
	send(stream.Server, hellos[1].Data,
		server.record(recordHandshake, flight[:50], 0), // messages and the start of one
		server.record(recordHandshake, flight[50:52], 9),
		server.record(recordHandshake, flight[52:], 100))
	client := secret(labelClientHandshake)
	send(stream.Client, client.record(recordHandshake, finished[:1], 0), client.record(recordHandshake, finished[1:], 0))

	server, client = secret(labelServerTraffic+"0"), secret(labelClientTraffic+"0")
	send(stream.Server,
		server.record(recordHandshake, append(messageOf(ticket, 200), messageOf(ticket, 201)...), 0),
		server.record(recordData, []byte("+OK ready\r\n"), 300),
		server.record(recordHandshake, messageOf(certificateRequest, 20), 0), // after the handshake (section 4.6.2)
		server.record(recordData, nil, 40),                                   // nothing but padding
		server.record(recordHandshake, []byte{typeKeyUpdate, 0, 0, 1, 1}, 0))
	server.update()
	send(stream.Server, server.record(recordData, []byte("+OK "), 0), server.record(recordData, []byte("alice\r\n"), 0))

	send(stream.Client,
		client.record(recordData, []byte("USER alice\r\n"), 0),
		client.record(recordHandshake, bytes.Join([][]byte{messageOf(typeCertificate, 500), messageOf(certificateVerify, 130), finished}, nil), 0),
		client.record(recordHandshake, []byte{typeKeyUpdate, 0, 0, 1, 0}, 3))
	client.update()
	send(stream.Client, client.record(recordData, []byte("QUIT\r\n"), 0), client.record(recordHandshake, []byte{typeKeyUpdate, 0, 0, 1, 0}, 0))
	client.update()
	send(stream.Client, client.record(recordAlert, []byte{1, 0}, 0))

	want := [2]string{"USER alice\r\nQUIT\r\n", "+OK ready\r\n+OK alice\r\n"}
	check := func(name string, chunks []stream.Chunk) {
		t.Helper()
		h := hear(t, keys, chunks)
		for d := range want {
			if got := string(h.data[d]); got != want[d] {
				t.Errorf("%s, %v\ngot  %q\nwant %q", name, stream.Dir(d), got, want[d])
			}
		}
		if h.info.KeyUpdates != 3 || h.info.BadRecords != 0 || h.info.Obstacle != stream.NoObstacle {
			t.Errorf("%s: info %+v", name, h.info)
		}
	}
	check("whole", []stream.Chunk{{Dir: stream.Client, Data: wire[0], PeerAcked: -1}, {Dir: stream.Server, Data: wire[1], PeerAcked: -1}})
	for d, b := range wire {
		other := stream.Chunk{Dir: stream.Dir(1 - d), Data: wire[1-d], PeerAcked: -1}
		step := 1
		if testing.Short() {
			step = 13
		}
		for at := 1; at < len(b); at += step {
			check("cut", []stream.Chunk{
				other, {Dir: stream.Dir(d), Data: b[:at], PeerAcked: -1}, {Dir: stream.Dir(d), Data: b[at:], Off: int64(at), PeerAcked: -1},
			})
		}
		var bytewise []stream.Chunk
		for i := range b {
			bytewise = append(bytewise, stream.Chunk{Dir: stream.Dir(d), Data: b[i : i+1], Off: int64(i), PeerAcked: -1})
		}
		check("a byte at a time", append([]stream.Chunk{other}, bytewise...))
	}
}

// TestTraceNamesWhatWasOpened: each record is told with what it holds, and
// gets its name by that.
func TestTraceNamesWhatWasOpened(t *testing.T) {
	chunks, keys := readTrace(t, "3")
	d := NewDecryptor(keys)
	d.Keys(keys.Mark())
	var read [2]Records
	d.Trace(func(o Opened) { read[o.Dir].Open(o) })
	var off [2]int64
	for _, c := range chunks {
		c.Off = off[c.Dir]
		off[c.Dir] += int64(len(c.Data))
		read[c.Dir].Feed(c)
		d.Feed(c)
		for _, ok := d.Next(); ok; _, ok = d.Next() {
		}
		if got := d.Done(c.Dir); got != off[c.Dir] {
			t.Errorf("done up to %d, want %d", got, off[c.Dir])
		}
	}
	for dir, want := range [2]string{
		"Client Hello | Finished | Application Data | Alert (close_notify)",
		"Server Hello | Encrypted Extensions, Certificate, Certificate Verify, Finished | New Session Ticket | Application Data | Alert (close_notify)",
	} {
		if got := names(read[dir].List()); got != want {
			t.Errorf("%v\ngot  %s\nwant %s", stream.Dir(dir), got, want)
		}
		for _, r := range read[dir].List()[1:] {
			if !r.Opened || r.ContentName() == "" {
				t.Errorf("%s was not opened", r.String())
			}
		}
	}
}

// TestRecordsBehindALossThatOpen: where records begin is known again by one
// that opened.
func TestRecordsBehindALossThatOpen(t *testing.T) {
	chunks, keys := readTrace(t, "3")
	d := NewDecryptor(keys)
	d.Keys(keys.Mark())
	var read Records
	d.Trace(func(o Opened) {
		if o.Dir == stream.Server {
			read.Open(o)
		}
	})
	var off [2]int64
	n := 0
	for _, c := range chunks {
		c.Off = off[c.Dir]
		off[c.Dir] += int64(len(c.Data))
		if c.Dir == stream.Server {
			if n++; n == 2 || n == 3 { // the handshake and the ticket
				c.Lost, c.Data = int64(len(c.Data)), nil
			}
			read.Feed(c)
		}
		d.Feed(c)
	}
	d.Close()
	if got, want := names(read.List()), "Server Hello | Application Data | Alert (close_notify)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
