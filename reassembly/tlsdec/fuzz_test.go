package tlsdec

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	der "golang.org/x/crypto/cryptobyte/asn1"

	"popscope/reassembly/stream"
)

// handshakeMessage builds a message.
func handshakeMessage(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// flights are what client and server send, built by hand so that fuzzing
// begins with the same bytes every time: a full handshake of TLS 1.2, an
// abbreviated one, and one of TLS 1.3 with a HelloRetryRequest.
func flights() [][2][]byte {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	handshake := func(messages ...[]byte) []byte { return tlsRecord(recordHandshake, join(messages...)) }
	ccs := tlsRecord(recordCCS, []byte{1})
	sealed := tlsRecord(recordHandshake, bytes.Repeat([]byte{0xee}, 40))
	serverHello := func(random string, tail string) []byte {
		return handshakeMessage(typeServerHello, []byte("\x03\x03"+random+tail))
	}
	random := strings.Repeat("r", randomSize)
	alice := commonName(der.UTF8String, "alice")
	leaf := handmake([]byte{1}, alice, alice, algorithmPair{oidSHA256RSA, oidRSA}, rsaKey(64))
	entry := func(b []byte) []byte { return append([]byte{0, byte(len(b) >> 8), byte(len(b))}, b...) }

	hello12 := handshakeMessage(typeClientHello, clientHelloWith(0x0303))
	hello13 := handshakeMessage(typeClientHello, clientHelloWith(0x0303, 0x0304))
	const suite12, suite13 = "\x00\x00\x9f\x00", "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
	return [][2][]byte{
		{
			join(handshake(hello12), handshake(handshakeMessage(16, make([]byte, 32))), ccs, sealed),
			join(handshake(serverHello(random, suite12), handshakeMessage(typeCertificate, entry(entry(leaf)))),
				handshake(handshakeMessage(typeServerKeyExchange, make([]byte, 50)), handshakeMessage(typeServerHelloDone, nil)), ccs, sealed),
		},
		{join(handshake(hello12), ccs, sealed), join(handshake(serverHello(random, suite12)), ccs, sealed)},
		{
			join(handshake(hello13), ccs, handshake(hello13), tlsRecord(recordData, make([]byte, minFinished))),
			join(handshake(serverHello(string(helloRetry[:]), suite13)), ccs, handshake(serverHello(random, suite13)), tlsRecord(recordData, make([]byte, 99))),
		},
	}
}

// TestFlights checks that the seeds are what they are said to be.
func TestFlights(t *testing.T) {
	for i, want := range []stream.TLSInfo{
		{Version: 0x0303, Offered: 0x0303, Cipher: 0x009f, Completed: true},
		{Version: 0x0303, Offered: 0x0303, Cipher: 0x009f, Completed: true, Resumed: true},
		{Version: 0x0304, Offered: 0x0304, Cipher: 0x1301, Completed: true},
	} {
		f := flights()[i]
		got := *recording{{Dir: stream.Client, Data: f[0]}, {Dir: stream.Server, Data: f[1]}}.watch()
		if hasCert := got.Certificate != nil; hasCert != (i == 0) {
			t.Errorf("%d: certificate %+v", i, got.Certificate)
		}
		got.Certificate = nil
		if got := unstamped(&got); !reflect.DeepEqual(got, &want) {
			t.Errorf("%d\ngot  %+v\nwant %+v", i, got, &want)
		}
	}
}

// FuzzWatcher feeds chunks that the input describes, and the same streams
// whole. Nothing may depend on the chunks, and nothing may be held that is
// not allowed.
func FuzzWatcher(f *testing.F) {
	for _, seed := range flights() {
		f.Add(seed[0], seed[1], uint8(6), uint16(0), uint16(0))
		f.Add(seed[0], seed[1], uint8(100), uint16(120), uint16(30))
	}
	f.Add([]byte("\x80\x2e\x01\x03\x01"), []byte("\x80\x20\x04\x00\x01\x00\x02"), uint8(1), uint16(3), uint16(2))
	f.Fuzz(func(t *testing.T, client, server []byte, step uint8, lostAt, lost uint16) {
		sides := [2][]byte{client, server}
		// The same bytes of the server's side are lost in both runs.
		at := min(int(lostAt), len(server))
		n := min(int(lost), len(server)-at)
		feed := func(size int) *stream.TLSInfo {
			w := NewWatcher()
			pieces := func(d stream.Dir, b []byte) {
				for len(b) > 0 {
					k := min(size, len(b))
					w.Feed(stream.Chunk{Dir: d, Data: b[:k]})
					b = b[k:]
					if held := cap(w.half[d].buf); held > 2*maxMessage {
						t.Fatalf("%d bytes are held", held)
					}
				}
			}
			pieces(stream.Client, sides[0])
			pieces(stream.Server, server[:at])
			w.Feed(stream.Chunk{Dir: stream.Server, Lost: int64(n)})
			pieces(stream.Server, server[at+n:])
			return w.Info()
		}
		whole := feed(len(client) + len(server) + 1)
		if got := feed(int(step) + 1); !reflect.DeepEqual(got, whole) {
			t.Fatalf("chunks of %d bytes\ngot  %+v\nwant %+v", int(step)+1, got, whole)
		}
		if whole != nil && len(client) < recordHeader && len(server) < recordHeader {
			t.Fatal("a hello out of nothing")
		}
	})
}

// FuzzLooksLike: once decided, more bytes change nothing; six bytes decide.
func FuzzLooksLike(f *testing.F) {
	for _, seed := range []string{"\x16\x03\x01\x02\x00\x01", "\x15\x03\x01\x00\x02\x02\x28", "\x80\x2e\x01\x03\x01", "+OK", "\x16\x03\x01\x40\x00\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		decided, answer := false, false
		for n := range len(b) + 1 {
			looks, need := LooksLike(b[:n])
			switch {
			case looks && need:
				t.Fatalf("%x: both", b[:n])
			case decided && (need || looks != answer):
				t.Fatalf("%x: not as before", b[:n])
			case n >= 6 && need:
				t.Fatalf("%x: too few", b[:n])
			}
			decided, answer = !need, looks
		}
	})
}
