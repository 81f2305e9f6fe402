package tlsdec

import (
	"fmt"
	"strings"
	"sync"
)

// draft13 is the high byte of the versions of TLS 1.3's drafts.
const draft13 = 0x7f

// isTLS13 reports whether a version is TLS 1.3 or one of its drafts.
func isTLS13(v uint16) bool { return v == 0x0304 || v>>8 == draft13 }

// isGREASE reports whether a value is one of those that clients send to keep
// servers used to unknown values (RFC 8701 section 2).
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// VersionName returns the name of a protocol version as on the wire: "SSL
// 2.0", "SSL 3.0", "TLS 1.0" to "TLS 1.3", "TLS 1.3 draft 23", "GREASE", or
// for any other one its number as "0x1234".
func VersionName(v uint16) string {
	switch {
	case v == ssl2Version:
		return "SSL 2.0"
	case v == 0x0300:
		return "SSL 3.0"
	case v > 0x0300 && v <= 0x0304:
		return fmt.Sprintf("TLS 1.%d", v-0x0301)
	case v>>8 == draft13:
		return fmt.Sprintf("TLS 1.3 draft %d", v&0xff)
	case isGREASE(v):
		return "GREASE"
	}
	return fmt.Sprintf("0x%04x", v)
}

// versionRank orders versions by age; 0 for those that are not known.
func versionRank(v uint16) int {
	switch {
	case v == ssl2Version:
		return 1
	case v >= 0x0300 && v <= 0x0303:
		return 2 + int(v-0x0300)
	case v>>8 == draft13:
		return 0x100 + int(v&0xff)
	case v == 0x0304:
		return 0x200
	}
	return 0
}

// CipherName returns the name of a cipher suite in IANA's registry, or for
// one that is not listed its number as "0x1234".
func CipherName(id uint16) string {
	if name, ok := cipherNames()[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%04x", id)
}

// cipherNames spells suites out.
var cipherNames = sync.OnceValue(func() map[uint16]string {
	out := make(map[uint16]string)
	for _, r := range suites {
		kx, ciphers := strings.Fields(r.exchange), strings.Fields(r.cipher)
		for i := range len(kx) * len(ciphers) {
			name := ciphers[i%len(ciphers)]
			if e := kx[i/len(ciphers)]; e != "-" {
				name = e + "_WITH_" + name
			}
			out[r.first+uint16(i)] = "TLS_" + name
		}
	}
	return out
})

// Lists of key exchanges and ciphers that stand together again and again.
const (
	kxOld   = "RSA DH_DSS DH_RSA DHE_DSS DHE_RSA DH_anon"
	kxGCM   = "RSA DHE_RSA DH_RSA DHE_DSS DH_DSS DH_anon"
	kxEC    = "ECDHE_ECDSA ECDH_ECDSA ECDHE_RSA ECDH_RSA"
	kxECOld = "ECDH_ECDSA ECDHE_ECDSA ECDH_RSA ECDHE_RSA ECDH_anon"
	kxPSK   = "PSK DHE_PSK RSA_PSK"
	kxSRP   = "SRP_SHA SRP_SHA_RSA SRP_SHA_DSS"

	aesCBC      = "AES_128_CBC_SHA256 AES_256_CBC_SHA384"
	aesGCM      = "AES_128_GCM_SHA256 AES_256_GCM_SHA384"
	ariaCBC     = "ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384"
	ariaGCM     = "ARIA_128_GCM_SHA256 ARIA_256_GCM_SHA384"
	camelliaCBC = "CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA384"
	camelliaGCM = "CAMELLIA_128_GCM_SHA256 CAMELLIA_256_GCM_SHA384"
)

// suites is IANA's registry in the order of its numbers. A row stands for
// consecutive numbers from first on: all ciphers with the first key exchange,
// then all with the second, and so on. "-" is no key exchange in the name.
var suites = []struct {
	first            uint16
	exchange, cipher string
}{
	{0x0000, "NULL", "NULL_NULL"},
	{0x0001, "RSA", "NULL_MD5 NULL_SHA"},
	{0x0003, "RSA_EXPORT", "RC4_40_MD5"},
	{0x0004, "RSA", "RC4_128_MD5 RC4_128_SHA"},
	{0x0006, "RSA_EXPORT", "RC2_CBC_40_MD5"},
	{0x0007, "RSA", "IDEA_CBC_SHA"},
	{0x0008, "RSA_EXPORT", "DES40_CBC_SHA"},
	{0x0009, "RSA", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x000b, "DH_DSS_EXPORT", "DES40_CBC_SHA"},
	{0x000c, "DH_DSS", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x000e, "DH_RSA_EXPORT", "DES40_CBC_SHA"},
	{0x000f, "DH_RSA", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x0011, "DHE_DSS_EXPORT", "DES40_CBC_SHA"},
	{0x0012, "DHE_DSS", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x0014, "DHE_RSA_EXPORT", "DES40_CBC_SHA"},
	{0x0015, "DHE_RSA", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x0017, "DH_anon_EXPORT", "RC4_40_MD5"},
	{0x0018, "DH_anon", "RC4_128_MD5"},
	{0x0019, "DH_anon_EXPORT", "DES40_CBC_SHA"},
	{0x001a, "DH_anon", "DES_CBC_SHA 3DES_EDE_CBC_SHA"},
	{0x001e, "KRB5", "DES_CBC_SHA 3DES_EDE_CBC_SHA RC4_128_SHA IDEA_CBC_SHA DES_CBC_MD5 3DES_EDE_CBC_MD5 RC4_128_MD5 IDEA_CBC_MD5"},
	{0x0026, "KRB5_EXPORT", "DES_CBC_40_SHA RC2_CBC_40_SHA RC4_40_SHA DES_CBC_40_MD5 RC2_CBC_40_MD5 RC4_40_MD5"},
	{0x002c, kxPSK, "NULL_SHA"},
	{0x002f, kxOld, "AES_128_CBC_SHA"},
	{0x0035, kxOld, "AES_256_CBC_SHA"},
	{0x003b, "RSA", "NULL_SHA256"},
	{0x003c, "RSA", "AES_128_CBC_SHA256 AES_256_CBC_SHA256"},
	{0x003e, "DH_DSS DH_RSA DHE_DSS", "AES_128_CBC_SHA256"},
	{0x0041, kxOld, "CAMELLIA_128_CBC_SHA"},
	{0x0060, "RSA_EXPORT1024", "RC4_56_MD5 RC2_CBC_56_MD5 DES_CBC_SHA"}, // 0x60 to 0x66: of a draft that never was an RFC
	{0x0063, "DHE_DSS_EXPORT1024", "DES_CBC_SHA"},
	{0x0064, "RSA_EXPORT1024 DHE_DSS_EXPORT1024", "RC4_56_SHA"},
	{0x0066, "DHE_DSS", "RC4_128_SHA"},
	{0x0067, "DHE_RSA", "AES_128_CBC_SHA256"},
	{0x0068, "DH_DSS DH_RSA DHE_DSS DHE_RSA", "AES_256_CBC_SHA256"},
	{0x006c, "DH_anon", "AES_128_CBC_SHA256 AES_256_CBC_SHA256"},
	{0x0080, "GOSTR341094 GOSTR341001", "28147_CNT_IMIT"}, // 0x80 to 0x83: of a draft, in use in Russia
	{0x0082, "GOSTR341094 GOSTR341001", "NULL_GOSTR3411"},
	{0x0084, kxOld, "CAMELLIA_256_CBC_SHA"},
	{0x008a, kxPSK, "RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"},
	{0x0096, kxOld, "SEED_CBC_SHA"},
	{0x009c, kxGCM, aesGCM},
	{0x00a8, kxPSK, aesGCM},
	{0x00ae, kxPSK, aesCBC + " NULL_SHA256 NULL_SHA384"},
	{0x00ba, kxOld, "CAMELLIA_128_CBC_SHA256"},
	{0x00c0, kxOld, "CAMELLIA_256_CBC_SHA256"},
	{0x00c6, "-", "SM4_GCM_SM3 SM4_CCM_SM3"},
	{0x00ff, "-", "EMPTY_RENEGOTIATION_INFO_SCSV"},
	{0x1301, "-", aesGCM + " CHACHA20_POLY1305_SHA256 AES_128_CCM_SHA256 AES_128_CCM_8_SHA256"},
	{0x5600, "-", "FALLBACK_SCSV"},
	{0xc001, kxECOld, "NULL_SHA RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"},
	{0xc01a, kxSRP, "3DES_EDE_CBC_SHA"},
	{0xc01d, kxSRP, "AES_128_CBC_SHA"},
	{0xc020, kxSRP, "AES_256_CBC_SHA"},
	{0xc023, kxEC, aesCBC},
	{0xc02b, kxEC, aesGCM},
	{0xc033, "ECDHE_PSK", "RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA " + aesCBC + " NULL_SHA NULL_SHA256 NULL_SHA384"},
	{0xc03c, kxOld + " " + kxEC, ariaCBC},
	{0xc050, kxGCM + " " + kxEC, ariaGCM},
	{0xc064, kxPSK, ariaCBC},
	{0xc06a, kxPSK, ariaGCM},
	{0xc070, "ECDHE_PSK", ariaCBC},
	{0xc072, kxEC, camelliaCBC},
	{0xc07a, kxGCM + " " + kxEC + " " + kxPSK, camelliaGCM},
	{0xc094, kxPSK + " ECDHE_PSK", camelliaCBC},
	{0xc09c, "RSA DHE_RSA", "AES_128_CCM AES_256_CCM"},
	{0xc0a0, "RSA DHE_RSA", "AES_128_CCM_8 AES_256_CCM_8"},
	{0xc0a4, "PSK DHE_PSK", "AES_128_CCM AES_256_CCM"},
	{0xc0a8, "PSK PSK_DHE", "AES_128_CCM_8 AES_256_CCM_8"},
	{0xc0ac, "ECDHE_ECDSA", "AES_128_CCM AES_256_CCM AES_128_CCM_8 AES_256_CCM_8"},
	{0xc0b0, "ECCPWD", aesGCM + " AES_128_CCM_SHA256 AES_256_CCM_SHA384"},
	{0xc0b4, "-", "SHA256_SHA256 SHA384_SHA384"},
	{0xc100, "GOSTR341112_256", "KUZNYECHIK_CTR_OMAC MAGMA_CTR_OMAC 28147_CNT_IMIT"},
	{0xc103, "GOSTR341112_256", "KUZNYECHIK_MGM_L MAGMA_MGM_L KUZNYECHIK_MGM_S MAGMA_MGM_S"},
	{0xcc13, "ECDHE_RSA ECDHE_ECDSA DHE_RSA", "CHACHA20_POLY1305_SHA256"}, // of a draft, served widely before RFC 7905
	{0xcca8, "ECDHE_RSA ECDHE_ECDSA DHE_RSA PSK ECDHE_PSK DHE_PSK RSA_PSK", "CHACHA20_POLY1305_SHA256"},
	{0xd001, "ECDHE_PSK", aesGCM + " AES_128_CCM_8_SHA256"},
	{0xd005, "ECDHE_PSK", "AES_128_CCM_SHA256"},
}
