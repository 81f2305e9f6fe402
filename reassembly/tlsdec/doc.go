// Package tlsdec reads TLS connections from the outside. Without keys that
// is what both sides say in clear: version, cipher suite, names, the
// server's certificate up to TLS 1.2, alerts, and whether the handshake was
// brought to its end.
//
//	w := tlsdec.NewWatcher()
//	for _, c := range chunks { // of both directions, from the first TLS byte on
//		w.Feed(c)
//	}
//	if info := w.Info(); info != nil {
//		fmt.Println(tlsdec.VersionName(info.Version), tlsdec.CipherName(info.Cipher))
//	}
//
// The way of a byte, for each direction on its own:
//
//	stream.Chunk -> half (records, RFC 8446 section 5.1)
//	                 | handshake -> messages (section 4) -> hello.go, certificate.go
//	                 | alert     -> alert.go
//	                 | application data, and all that is encrypted: passed over by its length
//
// A loss inside of a record costs what is in that record; a loss that may
// hide the start of a record ends the reading of its direction.
//
// Read are SSL 3.0 to TLS 1.3 and its drafts, and of SSL 2.0 the hellos. In
// TLS 1.3 certificates and the choice of ALPN are encrypted and stay
// unknown. Nothing is decrypted, and certificates are described but not
// verified: whether to trust one is no question for a reader of captures.
//
// A Watcher holds at most one handshake message of at most 64 KiB for each
// direction, and nothing of it once the direction is encrypted.
package tlsdec
