package report

import "popscope/reassembly/tlsdec"

// tlsVersion returns the name of a TLS version, as "TLS 1.3".
func tlsVersion(v uint16) string { return tlsdec.VersionName(v) }

// tlsCipher returns the name of a TLS cipher suite, as
// "TLS_AES_128_GCM_SHA256".
func tlsCipher(c uint16) string { return tlsdec.CipherName(c) }
