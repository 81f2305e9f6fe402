// Package tlsdec reads TLS connections from the outside. Without keys that
// is what both sides say in clear: version, cipher suite, names, the
// server's certificate up to TLS 1.2, alerts, fingerprints, and whether the
// handshake was brought to its end. With the secrets of a key log it is the
// plaintext too.
//
//	keys := new(tlsdec.KeyLog)
//	if _, err := keys.ReadFrom(file); err != nil {
//		return err
//	}
//	d := tlsdec.NewDecryptor(keys)
//	d.Keys(keys.Mark()) // all of the log may be used
//	for _, c := range chunks { // of both directions, from the first TLS byte on
//		d.Feed(c)
//		for p, ok := d.Next(); ok; p, ok = d.Next() {
//			// a stream.Chunk of plaintext
//		}
//	}
//	d.Close() // and Next again
//	fmt.Println(tlsdec.VersionName(d.Info().Version), d.Info().Obstacle)
//
// The way of a byte, for each direction on its own:
//
//	stream.Chunk -> Watcher: half (records, RFC 8446 section 5.1)
//	             |           | handshake -> messages -> hello.go, certificate.go, fingerprint.go
//	             |           | alert     -> alert.go
//	             -> flow (records whole, epochs of keys)
//	                | opened   -> plaintext, handshake messages (handshake.go)
//	                | a gap    -> searched for the next record that opens (gap.go)
//
//	half.go        what a Watcher reads of the records of a direction
//	records.go     which records there are, for those who list packets
//	flow.go        from pieces to records, from records to content
//	protect.go     how records are protected, by version and suite
//	suite.go       which suites
//	schedule.go    from secrets to keys
//	premaster.go   from premaster secrets to master secrets
//	acks.go        acknowledgements of ciphertext to those of plaintext
//	keylog.go      the secrets
//
// Read are SSL 3.0 to TLS 1.3 and its drafts, and of SSL 2.0 the hellos;
// opened are TLS 1.0 to 1.3; by a premaster secret only the connection that
// it was made for, none that resumes it. In TLS 1.3 certificates and the
// choice of ALPN are encrypted and stay unknown without keys. Certificates
// are described but not verified: whether to trust one is no question for a
// reader of captures. Not opened are RC4, Camellia, ARIA, NULL and
// compression.
//
// A Watcher holds at most one handshake message of at most 64 KiB for each
// direction, and nothing of it once the direction is encrypted. A Decryptor
// holds one record for each direction, and what waits for secrets or for the
// other direction up to limits; see Decryptor.Held. If the key log has
// premaster secrets it holds the messages of each handshake too, of at most
// 64 KiB for each direction.
package tlsdec
