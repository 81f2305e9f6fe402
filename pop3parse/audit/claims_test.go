package audit

import (
	"strings"
	"testing"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// judged returns the details of what a rule finds.
func judged(slug string, f *Facts) []string {
	f.ID, f.Last = "s", true
	if f.Conn == nil {
		f.Conn = &stream.Conn{}
	}
	if f.Session == nil {
		f.Session = &pop3parse.Session{}
	}
	var details []string
	for _, found := range NewJudge(&Policy{}).Session(f, new(Buffer)) {
		if found.Rule == slug {
			details = append(details, found.Detail)
		}
	}
	return details
}

// TestNamesThatCertificatesHave: a certificate that could not be read whole
// may have the name that the client wanted.
func TestNamesThatCertificatesHave(t *testing.T) {
	for _, c := range []struct {
		name string
		cert stream.Certificate
		want string
	}{
		{"another one", stream.Certificate{CommonName: "a.example.org", Names: []string{"b.example.org"}}, "the client wanted mail.example.org, the certificate is for b.example.org"},
		{"that of its subject", stream.Certificate{CommonName: "a.example.org"}, "the client wanted mail.example.org, the certificate is for a.example.org"},
		{"none", stream.Certificate{}, "the client wanted mail.example.org, the certificate is for nobody"},
		{"not known", stream.Certificate{CommonName: "a.example.org", Partly: true}, ""},
	} {
		got := judged("certificate-name", &Facts{TLS: &stream.TLSInfo{SNI: "mail.example.org", Certificate: &c.cert}})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0] != c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWeakKeysAndSignatures: RSA is RSA, by whatever name.
func TestWeakKeysAndSignatures(t *testing.T) {
	for _, c := range []struct{ key, signature, want string }{
		{"RSA 2048", "SHA256-RSA", ""},
		{"RSA 2047", "SHA256-RSA", "key RSA 2047"},
		{"RSA-PSS 2048", "SHA256-RSAPSS", ""},
		{"RSA-PSS 1024", "SHA256-RSAPSS", "key RSA-PSS 1024"},
		{"RSA-PSS 2048", "SHA1-RSAPSS", "signature SHA1-RSAPSS"},
		{"ML-DSA-44", "ML-DSA-44", ""},
	} {
		got := judged("certificate-weak", &Facts{TLS: &stream.TLSInfo{Certificate: &stream.Certificate{Key: c.key, Signature: c.signature}}})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0] != c.want) {
			t.Errorf("%s, %s: got %q, want %q", c.key, c.signature, got, c.want)
		}
	}
}

// TestWeakSuites: of TLS 1.3 those without encryption only.
func TestWeakSuites(t *testing.T) {
	for cipher, weak := range map[string]bool{
		"TLS_AES_128_GCM_SHA256": false, "TLS_AES_128_CCM_8_SHA256": false, "TLS_SHA256_SHA256": true, "TLS_SHA384_SHA384": true,
	} {
		if got := judged("tls-weak-cipher", &Facts{TLS: &stream.TLSInfo{Version: 0x0304}, Cipher: cipher}); len(got) > 0 != weak {
			t.Errorf("%s: got %q, weak: %v", cipher, got, weak)
		}
	}
}

// TestTLSBrokenOff: a handshake that ends without an alert has failed only
// where the capture has all of the connection.
func TestTLSBrokenOff(t *testing.T) {
	whole := stream.Conn{Handshake: true, Close: stream.ClosedFIN, Packets: [2]int64{4, 3}}
	open, begun, lost, half := whole, whole, whole, whole
	open.Close, begun.Handshake, lost.Lost, half.Packets = stream.NotClosed, false, [2]int64{0, 90}, [2]int64{4, 0}
	for _, c := range []struct {
		name string
		conn stream.Conn
		want int
	}{{"whole", whole, 1}, {"open", open, 0}, {"begun before", begun, 0}, {"bytes lost", lost, 0}, {"one side", half, 0}} {
		got := judged("tls-failed", &Facts{Conn: &c.conn, TLS: &stream.TLSInfo{Offered: 0x0303, ClientAt: stream.Stamp{Packet: 4}}})
		if len(got) != c.want {
			t.Errorf("%s: got %q, want %d", c.name, got, c.want)
		}
	}
}

// TestNotBrokenOff: a handshake whose end cannot be seen is not said to have
// none, and an answer that is no ServerHello is one.
func TestNotBrokenOff(t *testing.T) {
	conn := stream.Conn{Handshake: true, Close: stream.ClosedFIN, Packets: [2]int64{4, 3}}
	for _, c := range []struct {
		name string
		tls  stream.TLSInfo
		want string
	}{
		{"SSL 2.0", stream.TLSInfo{Version: 0x0002}, ""},
		{"early data", stream.TLSInfo{Version: 0x0304, EarlyData: true}, ""},
		{"early data, no answer", stream.TLSInfo{EarlyData: true, Obstacle: stream.NothingEncrypted}, "no answer to the ClientHello; the connection ended by FIN"},
		{"another protocol", stream.TLSInfo{Obstacle: stream.HandshakeNotSeen}, "no ServerHello in answer to the ClientHello; the connection ended by FIN"},
	} {
		c.tls.ClientAt = stream.Stamp{Packet: 4}
		if got := strings.Join(judged("tls-failed", &Facts{Conn: &conn, TLS: &c.tls}), ", "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestLeftBehindTheHandshake: with keys the alert says whether the handshake
// has failed.
func TestLeftBehindTheHandshake(t *testing.T) {
	conn := stream.Conn{Handshake: true, Close: stream.ClosedFIN, Packets: [2]int64{4, 3}}
	at := stream.Stamp{Packet: 9}
	for _, c := range []struct {
		name           string
		tls            stream.TLSInfo
		failed, unused int
	}{
		{"no keys", stream.TLSInfo{LeftAt: at}, 0, 1},
		{"a fatal alert", stream.TLSInfo{LeftAt: at, Decrypted: true, Alert: "bad_certificate"}, 1, 0},
		{"close_notify", stream.TLSInfo{LeftAt: at, Decrypted: true}, 0, 0},
		{"data", stream.TLSInfo{}, 0, 0},
	} {
		c.tls.Completed, c.tls.ClientAt = true, stream.Stamp{Packet: 4}
		f := &Facts{Conn: &conn, TLS: &c.tls}
		if failed, unused := judged("tls-failed", f), judged("tls-unused", f); len(failed) != c.failed || len(unused) != c.unused {
			t.Errorf("%s: %q and %q, want %d and %d", c.name, failed, unused, c.failed, c.unused)
		}
	}
}

// TestSTLSRefusedInUnknownState: where the login is not known to be still to
// come, the server may be right.
func TestSTLSRefusedInUnknownState(t *testing.T) {
	refused := []pop3parse.Exchange{{N: 1, Verb: pop3parse.STLS, Status: pop3parse.Err}}
	if got := judged("stls-refused", &Facts{Exchanges: refused}); len(got) > 0 {
		t.Errorf("found without a login: %q", got)
	}
	if got := judged("stls-refused", &Facts{Exchanges: refused, Logins: []pop3parse.Login{{Exchange: 3}}}); len(got) != 1 {
		t.Errorf("not found before a login: %q", got)
	}
}
