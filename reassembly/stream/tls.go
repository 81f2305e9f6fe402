package stream

import "time"

// TLSInfo is what can be read of a TLS connection: of its handshake without
// keys, and with them whether it was opened.
type TLSInfo struct {
	Version     uint16 // negotiated protocol version as on the wire, 0x0304 for TLS 1.3; 0 unknown
	Offered     uint16 // highest version the client offered
	Cipher      uint16 // the cipher suite chosen; valid iff CipherChosen
	SNI         string
	ALPN        []string     // offered by the client
	ALPNChosen  string       // where it is in clear, or was decrypted
	Certificate *Certificate // the server's, where it is in clear, or was decrypted
	Resumed     bool         // an abbreviated handshake (TLS 1.2 and older), or a pre-shared key (TLS 1.3)
	Completed   bool         // application data flowed, or both sides said Finished
	Alert       string       // the first fatal alert that could be read, by its RFC name
	EarlyData   bool         // the client offered data before the handshake's end (RFC 8446 section 4.2.10)
	ClientAt    Stamp        // the packet of the ClientHello
	ServerAt    Stamp        // the packet of the ServerHello
	ClearAt     Stamp        // the packet in which the server began in clear, with a status of POP3; zero if it did not
	LeftAt      Stamp        // the packet of the client's last record, if it sent no data behind the handshake, but perhaps an alert; zero otherwise. Of what was decrypted it is that of the alert

	JA3, JA4 string // fingerprints of the ClientHello; empty when it was not captured whole

	Estimate *MailEstimate // nil when records were opened, or do not tell

	Decrypted      bool     // records were opened
	Obstacle       Obstacle // why not all of them were
	KeyUpdates     int      // of both sides, as far as it was decrypted (RFC 8446 section 4.6.3)
	Renegotiations int      // handshakes after the first one, as far as it was decrypted
	BadRecords     int64    // what is no authentic record, behind records that were
	BadAt          Stamp    // the packet of the first of them; valid iff BadRecords > 0
}

// HelloSeen reports whether a hello of either side came. Without one nothing
// is known but the Obstacle.
func (i *TLSInfo) HelloSeen() bool { return i.Offered != 0 || i.Version != 0 }

// CipherChosen reports whether Cipher was. In SSL 2.0 the client chooses, from
// numbers of its own.
func (i *TLSInfo) CipherChosen() bool { return i.Version != 0 && i.Version != 0x0002 }

// MailEstimate is a guess, from the sizes of records, of what a client
// fetched.
type MailEstimate struct {
	Messages int
	Octets   int64 // of all of them
}

// Obstacle says why a TLS connection could not be read, or not all of it.
type Obstacle uint8

// What can be in the way.
const (
	NoObstacle             Obstacle = iota
	NoKeys                          // the key log does not hold its secrets
	WrongKeys                       // the secrets do not fit
	CipherUnsupported               // the cipher suite is not one that is opened
	VersionUnsupported              // neither TLS 1.0 to 1.2 nor 1.3
	CompressionUnsupported          // records are compressed
	HandshakeNotSeen                // a hello was not captured: it names the secrets, the keys, the cipher
	TooManyLost                     // records could not be found again behind a gap
	NothingEncrypted                // the handshake ended before anything was
	ServerInClear                   // the server speaks no TLS: it began in clear
)

// String returns the word used in records; empty for NoObstacle.
func (o Obstacle) String() string {
	return [...]string{"", "no_keys", "wrong_keys", "cipher_unsupported", "version_unsupported", "compression_unsupported",
		"handshake_not_seen", "gap", "nothing_encrypted", "server_in_clear"}[o]
}

// Certificate is one that a server showed.
type Certificate struct {
	Subject, Issuer     string // RFC 2253 text
	CommonName          string
	Names               []string // DNS names and IP addresses
	NotBefore, NotAfter time.Time
	Key                 string // as "RSA 2048"
	Signature           string // as "SHA256-RSA"
	SelfSigned          bool
	Partly              bool          // it is broken, and was read in part: Names are not known
	Chain               int           // certificates sent; valid in the first one of a chain
	Issuers             []Certificate // those sent behind it, the first few of them
}

// ValidAt reports whether a time lies in the certificate's validity (RFC
// 5280 section 4.1.2.5). It says nothing about trust.
func (c *Certificate) ValidAt(t time.Time) bool {
	return !t.Before(c.NotBefore) && !t.After(c.NotAfter)
}
