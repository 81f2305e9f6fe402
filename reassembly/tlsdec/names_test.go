package tlsdec

import (
	"crypto/tls"
	"testing"

	"popscope/reassembly/stream"
)

func TestNames(t *testing.T) {
	for v, want := range map[uint16]string{0x0002: "SSL 2.0", 0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
		0x7f1c: "TLS 1.3 draft 28", 0x0a0a: "GREASE", 0xfafa: "GREASE", 0x0a1a: "0x0a1a", 0x0305: "0x0305", 0: "0x0000"} {
		if got := VersionName(v); got != want {
			t.Errorf("VersionName(%#x) = %q, want %q", v, got, want)
		}
	}
	for id, want := range map[uint16]string{
		0x0000: "TLS_NULL_WITH_NULL_NULL", 0x0005: "TLS_RSA_WITH_RC4_128_SHA", 0x000a: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
		0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x00a7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
		0x00ff: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", 0x1303: "TLS_CHACHA20_POLY1305_SHA256", 0xc019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
		0xc093: "TLS_RSA_PSK_WITH_CAMELLIA_256_GCM_SHA384", 0xccae: "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256",
		0x1234: "0x1234", 0x0a0a: "0x0a0a", 0xffff: "0xffff",
	} {
		if got := CipherName(id); got != want {
			t.Errorf("CipherName(%#x) = %q, want %q", id, got, want)
		}
	}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if got := CipherName(s.ID); got != s.Name {
			t.Errorf("CipherName(%#x) = %q, want %q", s.ID, got, s.Name)
		}
	}
	seen := map[string]bool{}
	for id := range 1 << 16 {
		if id >= 0xcc13 && id <= 0xcc15 {
			continue // a draft gave names that stayed to numbers that did not
		}
		name := CipherName(uint16(id))
		if seen[name] {
			t.Errorf("%s is the name of two suites", name)
		}
		seen[name] = true
	}
}

func TestAlertNames(t *testing.T) {
	for _, tt := range []struct {
		record string
		want   string
	}{
		{"\x15\x03\x01\x00\x02\x02\x28", "handshake_failure"},
		{"\x15\x03\x01\x00\x02\x02\xfe", "alert 254"},
		{"\x15\x03\x01\x00\x02\x01\x70", ""}, // a warning
		{"\x15\x03\x01\x00\x02\x01\x70\x15\x03\x01\x00\x02\x02\x30", "unknown_ca"},
		{"\x15\x03\x01\x00\x02\x02\x30\x15\x03\x01\x00\x02\x02\x28", "unknown_ca"},
		{"\x15\x03\x01\x00\x03\x02\x28\x00", ""},
		{"\x15\x03\x01\x00\x02\x02", ""},
	} {
		w := NewWatcher()
		w.Feed(stream.Chunk{Dir: stream.Server, Data: []byte(tt.record)})
		if w.info.Alert != tt.want {
			t.Errorf("%q: got %q, want %q", tt.record, w.info.Alert, tt.want)
		}
	}
}
