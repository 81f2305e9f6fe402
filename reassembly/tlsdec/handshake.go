package tlsdec

import (
	"bytes"
	"strconv"

	"golang.org/x/crypto/cryptobyte"

	"popscope/reassembly/stream"
)

// Handshake messages that only encrypted records carry (RFC 8446 section 4).
const (
	typeEndOfEarlyData      = 5
	typeEncryptedExtensions = 8
	typeFinished            = 20
	typeKeyUpdate           = 24
)

// extEncryptThenMAC is the extension of RFC 7366.
const extEncryptThenMAC = 22

const (
	// maxHandshakes bounds the handshakes of one connection: each further one
	// is a renegotiation.
	maxHandshakes = 256

	// maxLax bounds the records before the first one that opens, where their
	// keys are not in the log: early data that was refused, or a handshake.
	maxLax = 1024
)

// collector cuts the content of handshake records into messages. After a loss
// only records count that hold whole messages.
type collector struct {
	buf  []byte
	left int // bytes of a message that is passed over, being too long
	torn bool
}

// tear says that something is missing here.
func (c *collector) tear() { c.buf, c.left, c.torn = nil, 0, true }

// read takes the content of a record and calls f for each message that is
// whole. f must not keep it.
func (c *collector) read(b []byte, f func(kind byte, body []byte)) {
	if c.torn {
		if !wholeMessages(b) {
			return
		}
		c.torn = false
	}
	n := min(c.left, len(b))
	c.left -= n
	if b = b[n:]; len(b) == 0 {
		return
	}
	if len(c.buf) > 0 {
		c.buf = append(c.buf, b...)
		b = c.buf
	}
	for len(b) >= messageHeader {
		n := messageHeader + messageLength(b)
		if n > len(b) {
			if n > maxMessage {
				c.left, b = n-len(b), nil
			}
			break
		}
		f(b[0], b[messageHeader:n])
		b = b[n:]
	}
	c.buf = append(c.buf[:0], b...)
	if len(b) == 0 {
		c.buf = nil
	}
}

func messageLength(b []byte) int { return int(b[1])<<16 | int(b[2])<<8 | int(b[3]) }

func wholeMessages(b []byte) bool {
	for len(b) >= messageHeader && messageHeader+messageLength(b) <= len(b) {
		b = b[messageHeader+messageLength(b):]
	}
	return len(b) == 0
}

// clearMessage reads a message in clear, or of a renegotiation.
func (f *flow) clearMessage(kind byte, b []byte) {
	switch {
	case kind == typeClientHello && f.dir == stream.Client:
		f.clientHello(b)
	case kind == typeServerHello && f.dir == stream.Server:
		f.serverHello(b)
	}
	f.noteMessage(kind, b)
}

// message reads a message of an encrypted record.
func (f *flow) message(kind byte, b []byte) {
	info := f.d.watch.info
	if !f.tls13() {
		f.clearMessage(kind, b) // of a renegotiation
		return
	}
	switch kind {
	case typeEncryptedExtensions:
		if f.dir == stream.Server {
			f.encryptedExtensions(b)
		}
	case typeCertificate:
		if f.dir == stream.Server && info.Certificate == nil {
			info.Certificate = certificate13(b)
		}
	case typeFinished:
		if f.epoch == inHandshake {
			f.enter(inData)
		}
	case typeEndOfEarlyData:
		if f.epoch == inEarly {
			f.enter(inHandshake)
		}
	case typeKeyUpdate:
		if f.epoch == inData && f.secret != nil {
			info.KeyUpdates++
			k := f.updated()
			f.gen, f.secret, f.open, f.seq = k.gen, k.secret, k.open, 0
		}
	}
}

// handshake returns the parameters to fill in for a hello of this direction.
func (f *flow) handshake() *params {
	if f.turn+1 < maxHandshakes {
		f.turn++
	}
	for len(f.d.hellos) <= f.turn {
		f.d.hellos = append(f.d.hellos, params{})
	}
	if f.turn > 0 {
		f.d.watch.info.Renegotiations = f.turn
	}
	return &f.d.hellos[f.turn]
}

func (f *flow) clientHello(b []byte) {
	s := cryptobyte.String(b)
	var random clientRandom
	if !s.Skip(2) || !s.CopyBytes(random[:]) {
		return
	}
	// The second hello after a HelloRetryRequest is of the same handshake.
	if f.turn >= 0 && f.d.hellos[f.turn].haveClient && f.d.hellos[f.turn].client == random {
		f.d.early = noEarly
		return
	}
	p := f.handshake()
	p.client, p.haveClient = random, true
	if f.d.watch.early && f.turn == 0 {
		f.d.early = earlyOffered
	}
}

func (f *flow) serverHello(b []byte) {
	s := cryptobyte.String(b)
	var random clientRandom
	var session cryptobyte.String
	var version, cipher uint16
	var compression uint8
	if !s.ReadUint16(&version) || !s.CopyBytes(random[:]) || random == helloRetry ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16(&cipher) || !s.ReadUint8(&compression) {
		return
	}
	p := f.handshake()
	p.server, p.haveServer = random, true
	p.version, p.suite, p.compressed = version, suiteOf(cipher), compression != 0
	extensions(s, func(kind uint16, body cryptobyte.String) {
		switch kind {
		case extVersions:
			body.ReadUint16(&p.version)
		case extEncryptThenMAC:
			p.etm = true
		case extExtendedMaster:
			p.extended = true
		}
	})
	if isTLS13(p.version) {
		f.enter(inHandshake)
	}
}

// encryptedExtensions says what the server agreed to (RFC 8446 section
// 4.3.1).
func (f *flow) encryptedExtensions(b []byte) {
	accepted := false
	extensions(cryptobyte.String(b), func(kind uint16, body cryptobyte.String) {
		switch kind {
		case extEarlyData:
			accepted = true
		case extALPN:
			f.d.watch.serverExtension(kind, body)
		}
	})
	switch {
	case f.d.early != earlyOffered:
	case accepted:
		f.d.early = earlyAccepted
	default:
		f.d.early = earlyRefused
	}
}

// certificate13 reads a Certificate message of TLS 1.3 (RFC 8446 section
// 4.4.2): the list of TLS 1.2 with extensions at each entry.
func certificate13(b []byte) *stream.Certificate {
	s := cryptobyte.String(b)
	var context, list, entry, ext cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) || !s.ReadUint24LengthPrefixed(&list) {
		return nil
	}
	var ders [][]byte
	for list.ReadUint24LengthPrefixed(&entry) && list.ReadUint16LengthPrefixed(&ext) {
		ders = append(ders, bytes.Clone(entry))
	}
	return chain(ders)
}

// findKeys looks for the keys of the epoch. ok is false when there are none
// (yet); then v says what to do.
func (f *flow) findKeys(p *params) (v verdict, ok bool) {
	if why := p.unsupported(); why != stream.NoObstacle {
		f.die(why)
		return done, false
	}
	if !isTLS13(p.version) {
		if master := f.master(p); master != nil {
			f.open = newOpener12(p, master, f.dir)
		}
		if f.open == nil {
			return f.missing()
		}
		return done, true
	}
	if f.epoch == inEarly {
		if v, ok := f.earlyKeys(p); !ok {
			return v, false
		}
		if f.open != nil {
			return done, true
		}
	}
	if f.epoch == inHandshake {
		if secret := f.lookup(p, f.label(inHandshake, 0)); secret != nil {
			f.open = newAEAD13(p.suite, secret)
			return done, true
		}
	}
	secret := f.lookup(p, f.label(inData, 0))
	if secret == nil {
		return f.missing()
	}
	if f.epoch != inData {
		// The handshake cannot be read: its records open under no key, up to
		// the first one with data.
		f.enter(inData)
		f.lax = maxLax
	}
	f.secret, f.open = secret, newAEAD13(p.suite, secret)
	return done, true
}

// earlyKeys decides about early data. Where they count their key is needed;
// where they do not, they open under no key that follows.
func (f *flow) earlyKeys(p *params) (v verdict, ok bool) {
	server := &f.d.flow[stream.Server]
	switch {
	case f.d.early == earlyOffered && !f.d.final && !server.closed && server.epoch != inData:
		f.wait = forPeer
		return waits, false
	case f.d.early == earlyAccepted:
		if secret := f.lookup(p, labelClientEarly); secret != nil {
			f.open = newAEAD13(p.suite, secret)
			return done, true
		}
	}
	f.enter(inHandshake)
	if secret := f.lookup(p, f.label(inHandshake, 0)); secret != nil {
		f.open = newAEAD13(p.suite, secret)
	}
	f.lax = maxLax
	return done, true
}

// missing says that a secret is not in the log, or not yet.
func (f *flow) missing() (v verdict, ok bool) {
	if f.d.final {
		f.die(stream.NoKeys)
		return done, false
	}
	f.wait = forKeys
	return waits, false
}

// unsupported says why a connection with these parameters cannot be opened.
func (p *params) unsupported() stream.Obstacle {
	switch {
	case p.version < tls10 || p.version > tls13:
		return stream.VersionUnsupported
	case p.compressed:
		return stream.CompressionUnsupported
	case p.suite == nil, p.suite.mac == nil && p.version < tls12, p.suite.mac != nil && p.version == tls13:
		return stream.CipherUnsupported
	}
	return stream.NoObstacle
}

func (f *flow) lookup(p *params, label string) []byte {
	return f.d.keys.lookup(p.client, label, f.d.mark)
}

// label returns under which one the flow's secret of an epoch is logged.
func (f *flow) label(e epoch, gen int) string {
	client := f.dir == stream.Client
	switch {
	case e == inHandshake && client:
		return labelClientHandshake
	case e == inHandshake:
		return labelServerHandshake
	case client:
		return labelClientTraffic + strconv.Itoa(gen)
	}
	return labelServerTraffic + strconv.Itoa(gen)
}

// updated returns the keys after a KeyUpdate.
func (f *flow) updated() keys {
	s := f.d.hellos[f.cur].suite
	secret := nextSecret(s.prf, f.secret)
	return keys{inData, f.gen + 1, secret, newAEAD13(s, secret)}
}

// nextKeys returns the keys that may hold behind a gap besides those that
// hold before it, as far as they are known.
func (f *flow) nextKeys(p *params) []keys {
	if p.unsupported() != stream.NoObstacle {
		return nil
	}
	var out []keys
	if !isTLS13(p.version) {
		if f.epoch != inClear {
			return nil
		}
		if master := f.master(p); master != nil {
			if o := newOpener12(p, master, f.dir); o != nil {
				out = append(out, keys{inData, 0, nil, o})
			}
		}
		return out
	}
	if f.epoch < inHandshake {
		if secret := f.lookup(p, f.label(inHandshake, 0)); secret != nil {
			out = append(out, keys{inHandshake, 0, nil, newAEAD13(p.suite, secret)})
		}
	}
	if f.epoch < inData {
		if secret := f.lookup(p, f.label(inData, 0)); secret != nil {
			out = append(out, keys{inData, 0, secret, newAEAD13(p.suite, secret)})
		}
		return out
	}
	if f.secret != nil {
		out = append(out, f.updated())
	}
	return out
}
