package tlsdec

import (
	"encoding/hex"
	"strings"
	"testing"
)

// clientHelloWith builds a ClientHello with a list of versions, or without one.
func clientHelloWith(legacy uint16, versions ...uint16) []byte {
	b := []byte{byte(legacy >> 8), byte(legacy)}
	b = append(b, make([]byte, randomSize)...)
	b = append(b, 0, 0, 2, 0, 5, 1, 0) // no session, one cipher, no compression
	if versions == nil {
		return b
	}
	n := byte(2 * len(versions))
	b = append(b, 0, n+5, 0, extVersions, 0, n+1, n)
	for _, v := range versions {
		b = append(b, byte(v>>8), byte(v))
	}
	return b
}

func TestOfferedVersion(t *testing.T) {
	for _, tt := range []struct {
		name     string
		legacy   uint16
		versions []uint16
		want     uint16
	}{
		{"legacy", 0x0301, nil, 0x0301},
		{"SSL 3.0", 0x0300, nil, 0x0300},
		{"TLS 1.3", 0x0303, []uint16{0x0304, 0x0303}, 0x0304},
		{"in any order", 0x0303, []uint16{0x0302, 0x0304, 0x0303}, 0x0304},
		{"GREASE", 0x0303, []uint16{0xfafa, 0x0303}, 0x0303},
		{"draft below the standard", 0x0303, []uint16{0x7f1c, 0x0304}, 0x0304},
		{"draft above TLS 1.2", 0x0303, []uint16{0x0303, 0x7f17, 0x7f1c}, 0x7f1c},
		{"nothing known", 0x0303, []uint16{0xfafa, 0x0505}, 0x0303},
		{"empty list", 0x0303, []uint16{}, 0x0303},
	} {
		w := NewWatcher()
		if !w.clientHello(clientHelloWith(tt.legacy, tt.versions...)) || w.info.Offered != tt.want {
			t.Errorf("%s: got %#x, want %#x", tt.name, w.info.Offered, tt.want)
		}
	}
}

func TestServerHelloForms(t *testing.T) {
	random := strings.Repeat("11", randomSize)
	for _, tt := range []struct {
		name    string
		in      string
		ok      bool
		version uint16
		cipher  uint16
		alpn    string
	}{
		{"no extensions", "0301" + random + "00" + "0005" + "00", true, 0x0301, 5, ""},
		{"draft 18", "7f12" + random + "1301" + "0000", true, 0x7f12, 0x1301, ""},
		{"draft 28", "0303" + random + "00" + "1301" + "00" + "0006" + "002b0002" + "7f1c", true, 0x7f1c, 0x1301, ""},
		{"ALPN", "0303" + random + "00" + "c02f" + "00" + "000b" + "00100007" + "0005" + "04706f7033", true, 0x0303, 0xc02f, "pop3"},
		{"HelloRetryRequest", "0303" + hex.EncodeToString(helloRetry[:]) + "00" + "1301" + "00", false, 0, 0, ""},
		{"cut in the random", "0303" + random[:20], false, 0, 0, ""},
		{"cut in the session", "0303" + random + "20" + "aabb", false, 0, 0, ""},
		{"cut in the cipher", "0303" + random + "00" + "13", false, 0, 0, ""},
		{"draft cut in the cipher", "7f12" + random + "13", false, 0, 0, ""},
		{"cut in the extensions", "0303" + random + "00" + "1301" + "00" + "0006" + "002b", true, 0x0303, 0x1301, ""},
		{"empty", "", false, 0, 0, ""},
	} {
		w := NewWatcher()
		ok := w.serverHello(unhex(t, tt.in))
		if i := w.info; ok != tt.ok || i.Version != tt.version || i.Cipher != tt.cipher || i.ALPNChosen != tt.alpn {
			t.Errorf("%s: got %v %+v", tt.name, ok, i)
		}
	}
}
