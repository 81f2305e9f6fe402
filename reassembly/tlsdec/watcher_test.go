package tlsdec

import (
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"popscope/reassembly/stream"
)

// configs returns configurations that agree on one version.
func configs(id identity, version uint16) (client, server *tls.Config) {
	client = &tls.Config{ServerName: "mail.example.org", InsecureSkipVerify: true,
		MinVersion: tls.VersionTLS10, MaxVersion: version, NextProtos: []string{"pop3", "imap"}}
	server = &tls.Config{Certificates: []tls.Certificate{id.Certificate}, MinVersion: version, MaxVersion: version, NextProtos: []string{"pop3"}}
	return client, server
}

func TestVersions(t *testing.T) {
	id := makeIdentity(t, "rsa")
	cert := &stream.Certificate{
		Subject: `CN=mail.example.org,O=Example\, Inc.`, Issuer: `CN=mail.example.org,O=Example\, Inc.`, CommonName: "mail.example.org",
		Names:     []string{"mail.example.org", "pop.example.org", "192.0.2.1", "2001:db8::1"},
		NotBefore: template().NotBefore, NotAfter: template().NotAfter,
		Key: "RSA 2048", Signature: "SHA256-RSA", SelfSigned: true, Chain: 1,
	}
	for _, tt := range []struct {
		version uint16
		cipher  uint16
	}{
		{tls.VersionTLS10, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
		{tls.VersionTLS11, tls.TLS_RSA_WITH_AES_256_CBC_SHA},
		{tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		{tls.VersionTLS13, 0},
	} {
		t.Run(VersionName(tt.version), func(t *testing.T) {
			client, server := configs(id, tt.version)
			if tt.cipher != 0 {
				server.CipherSuites = []uint16{tt.cipher}
				client.CipherSuites = server.CipherSuites
			}
			got := mustRecord(t, client, server).watch()
			want := &stream.TLSInfo{Version: tt.version, Offered: tt.version, Cipher: tt.cipher, SNI: "mail.example.org",
				ALPN: []string{"pop3", "imap"}, ALPNChosen: "pop3", Certificate: cert, Completed: true,
				ClientAt: stream.Stamp{Packet: 1}, ServerAt: stream.Stamp{Packet: 2}}
			if tt.version == tls.VersionTLS13 {
				want.ALPNChosen, want.Certificate = "", nil // encrypted
				if !strings.HasPrefix(CipherName(got.Cipher), "TLS_AES_") && !strings.HasPrefix(CipherName(got.Cipher), "TLS_CHACHA20_") {
					t.Errorf("cipher %s", CipherName(got.Cipher))
				}
				want.Cipher = got.Cipher
			}
			if got.JA3 == "" || got.JA4 == "" {
				t.Error("no fingerprints")
			}
			want.JA3, want.JA4, want.Estimate = got.JA3, got.JA4, got.Estimate
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\n%+v\nwant\n%+v\n%+v", got, got.Certificate, want, want.Certificate)
			}
		})
	}
}

func TestHandshakes(t *testing.T) {
	id, other := makeIdentity(t, "p256"), makeIdentity(t, "ed25519")
	for _, tt := range []struct {
		name   string
		change func(client, server *tls.Config)
		want   func(i *stream.TLSInfo) bool
	}{
		{"client certificate, TLS 1.2", func(c, s *tls.Config) {
			c.MaxVersion, s.MaxVersion, s.MinVersion = tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS12
			s.ClientAuth, c.Certificates = tls.RequireAnyClientCert, []tls.Certificate{other.Certificate}
		}, func(i *stream.TLSInfo) bool { return i.Completed && i.Certificate.Key == "ECDSA P-256" && !i.Resumed }},
		{"client certificate, TLS 1.3", func(c, s *tls.Config) {
			s.ClientAuth, c.Certificates = tls.RequireAnyClientCert, []tls.Certificate{other.Certificate}
		}, func(i *stream.TLSInfo) bool { return i.Completed && i.Certificate == nil }},
		{"HelloRetryRequest", func(c, s *tls.Config) {
			c.CurvePreferences, s.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}, []tls.CurveID{tls.CurveP384}
		}, func(i *stream.TLSInfo) bool {
			return i.Completed && i.Version == tls.VersionTLS13 && !i.Resumed && i.ClientAt.Packet == 1 && i.ServerAt.Packet > 3
		}},
		{"neither names nor protocols", func(c, s *tls.Config) { c.ServerName, c.NextProtos = "", nil },
			func(i *stream.TLSInfo) bool { return i.Completed && i.SNI == "" && i.ALPN == nil && i.ALPNChosen == "" }},
		{"Ed25519", func(c, s *tls.Config) {
			s.Certificates = []tls.Certificate{other.Certificate}
			c.MaxVersion, s.MaxVersion, s.MinVersion = tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS12
		}, func(i *stream.TLSInfo) bool {
			return i.Certificate.Key == "Ed25519" && i.Certificate.Signature == "Ed25519" && i.Certificate.SelfSigned
		}},
		{"chain", func(c, s *tls.Config) {
			c.MaxVersion, s.MaxVersion, s.MinVersion = tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS12
			chain := id.Certificate
			chain.Certificate = [][]byte{id.leaf.Raw, other.leaf.Raw, other.leaf.Raw}
			s.Certificates = []tls.Certificate{chain}
		}, func(i *stream.TLSInfo) bool { return i.Certificate.Chain == 3 && i.Certificate.Key == "ECDSA P-256" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := configs(id, tls.VersionTLS13)
			tt.change(client, server)
			got := mustRecord(t, client, server).watch()
			if got == nil || !tt.want(got) || got.Alert != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestResumption(t *testing.T) {
	id := makeIdentity(t, "p256")
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(VersionName(version), func(t *testing.T) {
			client, server := configs(id, version)
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			if first := mustRecord(t, client, server).watch(); first.Resumed || !first.Completed {
				t.Errorf("first connection: %+v", first)
			}
			second := mustRecord(t, client, server).watch()
			if !second.Resumed || !second.Completed || second.Certificate != nil || second.Version != version {
				t.Errorf("second connection: %+v", second)
			}
		})
	}
}

func TestAlerts(t *testing.T) {
	id := makeIdentity(t, "p256")
	for _, tt := range []struct {
		name      string
		version   uint16
		change    func(client, server *tls.Config)
		alert     string
		completed bool
	}{
		{"no version in common", tls.VersionTLS12, func(c, s *tls.Config) { s.MinVersion, s.MaxVersion = tls.VersionTLS13, tls.VersionTLS13 }, "protocol_version", false},
		{"no cipher in common", tls.VersionTLS12, func(c, s *tls.Config) {
			c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		}, "handshake_failure", false},
		{"certificate not trusted", tls.VersionTLS12, func(c, s *tls.Config) { c.InsecureSkipVerify = false }, "bad_certificate", false},
		{"no protocol in common", tls.VersionTLS12, func(c, s *tls.Config) { s.NextProtos = []string{"smtp"} }, "no_application_protocol", false},
		{"certificate not trusted, alert encrypted", tls.VersionTLS13, func(c, s *tls.Config) { c.InsecureSkipVerify = false }, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := configs(id, tt.version)
			tt.change(client, server)
			r, errs := record(t, client, server)
			if errs[0] == nil && errs[1] == nil {
				t.Fatal("the handshake succeeded")
			}
			got := r.watch()
			if got.Alert != tt.alert || got.Completed != tt.completed {
				t.Errorf("alert %q, completed %v, want %q, %v", got.Alert, got.Completed, tt.alert, tt.completed)
			}
		})
	}
}

// samples are connections of all kinds.
func samples(t *testing.T) map[string]recording {
	t.Helper()
	id := makeIdentity(t, "p256")
	all := map[string]recording{}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs(id, version)
		client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		all[VersionName(version)] = mustRecord(t, client, server)
		all[VersionName(version)+" resumed"] = mustRecord(t, client, server)
	}
	client, server := configs(id, tls.VersionTLS13)
	client.CurvePreferences, server.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}, []tls.CurveID{tls.CurveP384}
	all["HelloRetryRequest"] = mustRecord(t, client, server)
	client, server = configs(id, tls.VersionTLS12)
	client.InsecureSkipVerify = false
	all["alert"], _ = record(t, client, server)
	return all
}

// unstamped leaves out what depends on the chunks.
func unstamped(i *stream.TLSInfo) *stream.TLSInfo {
	if i == nil {
		return nil
	}
	c := *i
	c.ClientAt, c.ServerAt, c.LeftAt = stream.Stamp{}, stream.Stamp{}, stream.Stamp{}
	c.JA3, c.JA4 = "", "" // see fingerprint_test.go
	c.Estimate = nil      // chunks without acknowledgements have none to speak of
	return &c
}

func TestChunksDoNotMatter(t *testing.T) {
	for name, r := range samples(t) {
		t.Run(name, func(t *testing.T) {
			want := unstamped(r.watch())
			sides := [2][]byte{r.side(stream.Client), r.side(stream.Server)}
			for i, mode := range []string{"client first", "server first", "byte at a time", "random", "random", "random"} {
				rng := rand.New(rand.NewPCG(1, uint64(i)))
				rest := sides
				w := NewWatcher()
				for len(rest[0])+len(rest[1]) > 0 {
					d, n := stream.Client, 1
					switch mode {
					case "client first":
						n = len(rest[0])
					case "server first":
						d, n = stream.Server, len(rest[1])
					case "byte at a time":
						d = stream.Dir(rng.IntN(2))
					default:
						d, n = stream.Dir(rng.IntN(2)), 1+rng.IntN(200)
					}
					if len(rest[d]) == 0 {
						d = d.Other()
						n = max(n, 1)
					}
					n = min(n, len(rest[d]))
					w.Feed(stream.Chunk{Dir: d, Data: rest[d][:n]})
					rest[d] = rest[d][n:]
				}
				if got := unstamped(w.Info()); !reflect.DeepEqual(got, want) {
					t.Errorf("%s\ngot  %+v\nwant %+v", mode, got, want)
				}
			}
		})
	}
}

func TestOneSide(t *testing.T) {
	client, server := configs(makeIdentity(t, "p256"), tls.VersionTLS12)
	r := mustRecord(t, client, server)
	w := NewWatcher()
	w.Feed(stream.Chunk{Dir: stream.Client, Data: r.side(stream.Client)})
	if got := w.Info(); got == nil || got.Version != 0 || got.Offered != tls.VersionTLS12 || got.Completed {
		t.Errorf("client: %+v", got)
	}
	kept := w.Info()
	w.Reset()
	if w.Info() != nil || kept.SNI != "mail.example.org" {
		t.Error("Reset does not begin anew, or takes back what was given")
	}
	w.Feed(stream.Chunk{Dir: stream.Server, Data: r.side(stream.Server)})
	if got := w.Info(); got == nil || got.Version != tls.VersionTLS12 || got.SNI != "" || got.Certificate == nil || got.Completed {
		t.Errorf("server: %+v", got)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRFC8448Section3(t *testing.T) {
	client := unhex(t, `16 03 01 00 c4 01 00 00 c0 03 03 cb 34 ec b1 e7 81 63
		ba 1c 38 c6 da cb 19 6a 6d ff a2 1a 8d 99 12 ec 18 a2 ef 62 83
		02 4d ec e7 00 00 06 13 01 13 03 13 02 01 00 00 91 00 00 00 0b
		00 09 00 00 06 73 65 72 76 65 72 ff 01 00 01 00 00 0a 00 14 00
		12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00 23
		00 00 00 33 00 26 00 24 00 1d 00 20 99 38 1d e5 60 e4 bd 43 d2
		3d 8e 43 5a 7d ba fe b3 c0 6e 51 c1 3c ae 4d 54 13 69 1e 52 9a
		af 2c 00 2b 00 03 02 03 04 00 0d 00 20 00 1e 04 03 05 03 06 03
		02 03 08 04 08 05 08 06 04 01 05 01 06 01 02 01 04 02 05 02 06
		02 02 02 00 2d 00 02 01 01 00 1c 00 02 40 01`)
	server := unhex(t, `16 03 03 00 5a 02 00 00 56 03 03 a6 af 06 a4 12 18 60
		dc 5e 6e 60 24 9c d3 4c 95 93 0c 8a c5 cb 14 34 da c1 55 77 2e
		d3 e2 69 28 00 13 01 00 00 2e 00 33 00 24 00 1d 00 20 c9 82 88
		76 11 20 95 fe 66 76 2b db f7 c6 72 e1 56 d6 cc 25 3b 83 3d f1
		dd 69 b1 b0 4e 75 1f 0f 00 2b 00 02 03 04`)
	data := func(n int) []byte { return tlsRecord(recordData, make([]byte, n)) }
	for _, tt := range []struct {
		name      string
		chunks    recording
		completed bool
	}{
		{"hellos", recording{{Dir: stream.Client, Data: client}, {Dir: stream.Server, Data: server}}, false},
		{"server's flight", recording{{Dir: stream.Client, Data: client}, {Dir: stream.Server, Data: server}, {Dir: stream.Server, Data: data(674)}}, false},
		{"client's alert", recording{{Dir: stream.Client, Data: client}, {Dir: stream.Server, Data: server}, {Dir: stream.Server, Data: data(674)},
			{Dir: stream.Client, Data: data(19)}}, false},
		{"client's Finished", recording{{Dir: stream.Client, Data: client}, {Dir: stream.Server, Data: server}, {Dir: stream.Server, Data: data(674)},
			{Dir: stream.Client, Data: data(53)}}, true},
	} {
		got := unstamped(tt.chunks.watch())
		want := &stream.TLSInfo{Version: tls.VersionTLS13, Offered: tls.VersionTLS13, Cipher: tls.TLS_AES_128_GCM_SHA256, SNI: "server", Completed: tt.completed}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", tt.name, got, want)
		}
	}
}

// tlsRecord builds a record.
func tlsRecord(kind byte, fragment []byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(fragment) >> 8), byte(len(fragment))}, fragment...)
}

func TestLooksLike(t *testing.T) {
	for _, tt := range []struct {
		name      string
		in        string
		tls, need bool
	}{
		{"nothing", "", false, true},
		{"type alone", "\x16", false, true},
		{"header", "\x16\x03\x01\x02\x00", false, true},
		{"ClientHello", "\x16\x03\x01\x02\x00\x01", true, false},
		{"ServerHello", "\x16\x03\x03\x00\x5a\x02\x00", true, false},
		{"largest record", "\x16\x03\x01\x40\x00\x01", true, false},
		{"larger record", "\x16\x03\x01\x40\x01\x01", false, false},
		{"another message", "\x16\x03\x01\x02\x00\x0b", false, false},
		{"another version", "\x16\x04\x01", false, false},
		{"fatal alert", "\x15\x03\x01\x00\x02\x02\x28", true, false},
		{"alert of another length", "\x15\x03\x01\x00\x1a", false, false},
		{"alert of another level", "\x15\x03\x01\x00\x02\x03", false, false},
		{"application data", "\x17\x03\x03\x00\x20", false, false},
		{"SSL 2.0", "\x80\x2e\x01\x00\x02", true, false},
		{"SSL 2.0 with an offer of TLS", "\x80\x2e\x01\x03\x01", true, false},
		{"start of SSL 2.0", "\x80\x2e\x01", false, true},
		{"SSL 2.0 with another message", "\x80\x2e\x04", false, false},
		{"SSL 2.0 with another version", "\x80\x2e\x01\x01", false, false},
		{"greeting", "+OK ready\r\n", false, false},
		{"command", "USER alice\r\n", false, false},
	} {
		if tls, need := LooksLike([]byte(tt.in)); tls != tt.tls || need != tt.need {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.name, tls, need, tt.tls, tt.need)
		}
	}
}

func TestSSL2(t *testing.T) {
	v2 := func(version string) []byte {
		body := "\x01" + version + "\x00\x03\x00\x00\x00\x10" + "\x07\x00\xc0" + strings.Repeat("c", 16)
		return append([]byte{0x80, byte(len(body))}, body...)
	}
	server, err := hex.DecodeString("1603010030" + "0200002c" + "0301" + strings.Repeat("ab", 32) + "00" + "0005" + "00" + "0004" + "fe010000")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		chunks recording
		want   *stream.TLSInfo
	}{
		{"offer of TLS 1.0", recording{{Dir: stream.Client, Data: v2("\x03\x01")}, {Dir: stream.Server, Data: server}},
			&stream.TLSInfo{Offered: 0x0301, Version: 0x0301, Cipher: 5}},
		{"then an alert in TLS", recording{{Dir: stream.Client, Data: append(v2("\x03\x01"), "\x15\x03\x01\x00\x02\x02\x30"...)}},
			&stream.TLSInfo{Offered: 0x0301, Alert: "unknown_ca"}},
		{"SSL 2.0", recording{{Dir: stream.Client, Data: v2("\x00\x02")}, {Dir: stream.Server, Data: []byte("\x80\x20\x04\x00\x01\x00\x02")}},
			&stream.TLSInfo{Offered: 2, Version: 2}},
		{"another version", recording{{Dir: stream.Client, Data: v2("\x07\x07")}}, nil},
		{"from the server", recording{{Dir: stream.Server, Data: v2("\x03\x01")}}, nil},
		{"too short", recording{{Dir: stream.Client, Data: []byte("\x80\x02\x01\x03\x01")}}, nil},
	} {
		if got := unstamped(tt.chunks.watch()); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestNoTLS(t *testing.T) {
	for _, text := range []string{"+OK ready\r\n", "\x16\x04\x01\x00\x05hello", "\x16\x03\x01\xff\xffhello", "\x13\x03\x01\x00\x01x", strings.Repeat("\x00", 100)} {
		w := NewWatcher()
		for _, d := range []stream.Dir{stream.Client, stream.Server} {
			w.Feed(stream.Chunk{Dir: d, Data: []byte(text)})
		}
		if w.Info() != nil || !w.half[0].dead || !w.half[1].dead {
			t.Errorf("%q: read as TLS", text)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const claimed = 1 << 24
	fed := 2 * claimed
	if testing.Short() {
		fed = 16 * maxMessage
	}
	for _, tt := range []struct {
		name string
		kind byte
		dir  stream.Dir
		size int
	}{
		{"certificate of 16 MiB", typeCertificate, stream.Server, claimed - 1},
		{"certificate of 64 KiB and one", typeCertificate, stream.Server, maxMessage + 1},
		{"ClientHello of 64 KiB", typeClientHello, stream.Client, maxMessage},
		{"another message", typeServerKeyExchange, stream.Server, claimed - 1},
	} {
		w := NewWatcher()
		head := []byte{tt.kind, byte(tt.size >> 16), byte(tt.size >> 8), byte(tt.size)}
		w.Feed(stream.Chunk{Dir: tt.dir, Data: tlsRecord(recordHandshake, head)})
		zeros := tlsRecord(recordHandshake, make([]byte, 1<<14))
		for range fed / (1 << 14) {
			w.Feed(stream.Chunk{Dir: tt.dir, Data: zeros})
			if n := cap(w.half[tt.dir].buf); n > 2*maxMessage {
				t.Fatalf("%s: %d bytes are held", tt.name, n)
			}
		}
	}
}

func TestNothingIsHeldAfterTheHandshake(t *testing.T) {
	for name, r := range samples(t) {
		if name == "alert" {
			continue
		}
		w := NewWatcher()
		for _, c := range r {
			w.Feed(c)
		}
		for d := range w.half {
			if w.half[d].buf != nil {
				t.Errorf("%s: %v holds %d bytes", name, stream.Dir(d), cap(w.half[d].buf))
			}
		}
	}
}

func TestEarlyDataIsNoFinished(t *testing.T) {
	hello := clientHelloWith(0x0303)
	hello = append(hello, 0, 4, 0, extEarlyData, 0, 0)
	server := unhex(t, "0303"+strings.Repeat("11", randomSize)+"00"+"1301"+"00"+"0006"+"002b0002"+"0304")
	message := func(kind byte, b []byte) []byte {
		return tlsRecord(recordHandshake, append([]byte{kind, 0, byte(len(b) >> 8), byte(len(b))}, b...))
	}
	w := NewWatcher()
	feed := func(d stream.Dir, b []byte) { w.Feed(stream.Chunk{Dir: d, Data: b}) }
	feed(stream.Client, message(typeClientHello, hello))
	feed(stream.Client, tlsRecord(recordData, make([]byte, 300)))
	feed(stream.Server, message(typeServerHello, server))
	feed(stream.Server, tlsRecord(recordData, make([]byte, 600)))
	if w.Info().Completed {
		t.Error("completed by early data")
	}
	feed(stream.Client, tlsRecord(recordData, make([]byte, 21)))
	feed(stream.Client, tlsRecord(recordData, make([]byte, 69)))
	if !w.Info().Completed {
		t.Error("not completed by Finished")
	}
}

func ExampleWatcher() {
	w := NewWatcher()
	hello := append([]byte{typeClientHello, 0, 0, 41}, clientHelloWith(0x0303)...)
	w.Feed(stream.Chunk{Dir: stream.Client, Data: tlsRecord(recordHandshake, hello)})
	fmt.Println(VersionName(w.Info().Offered))
	// Output: TLS 1.2
}
