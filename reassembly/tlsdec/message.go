package tlsdec

import "popscope/reassembly/stream"

// Types of handshake messages (RFC 8446 section 4, RFC 5246 section 7.4).
const (
	typeClientHello        = 1
	typeServerHello        = 2
	typeCertificate        = 11
	typeServerKeyExchange  = 12
	typeCertificateRequest = 13
	typeServerHelloDone    = 14
)

const (
	messageHeader = 4

	// maxMessage bounds the message that is put together. Hellos with large
	// keys take 2 KiB, chains of certificates rarely more than 10.
	maxMessage = 64 << 10
)

// messages cuts the fragments of handshake records into messages, which may
// share records and reach over several of them.
type messages struct {
	torn bool // something was lost where a message began: read no more

	mhead [messageHeader]byte
	mhave int
	mleft int    // bytes of the message to come; valid when mhave == messageHeader
	keep  bool   // the message is wanted and can be had whole
	buf   []byte // its bytes, without header

	helloRead bool // ClientHello or ServerHello of this direction
	certRead  bool
	full      bool // the server sent a message that only a full handshake has
}

// inside reports whether a message has begun but not ended.
func (m *messages) inside() bool { return m.mhave > 0 }

// drop frees the buffer.
func (m *messages) drop() { m.buf, m.keep = nil, false }

// read takes the next bytes of handshake records.
func (m *messages) read(h *half, p []byte, at stream.Stamp) {
	for !m.torn && len(p) > 0 {
		if m.mhave < messageHeader {
			n := copy(m.mhead[m.mhave:], p)
			p = p[n:]
			if m.mhave += n; m.mhave < messageHeader {
				return
			}
			m.mleft = int(m.mhead[1])<<16 | int(m.mhead[2])<<8 | int(m.mhead[3])
			m.keep = m.wanted(h.dir) && m.mleft <= maxMessage
			m.buf = m.buf[:0]
		}
		n := min(len(p), m.mleft)
		if m.keep {
			m.buf = append(m.buf, p[:n]...)
		}
		p = p[n:]
		m.advance(h, n, at)
	}
}

// lose says that n bytes of a handshake record are missing.
func (m *messages) lose(h *half, n int, at stream.Stamp) {
	if m.mhave < messageHeader || n > m.mleft {
		m.torn = true
		m.drop()
		return
	}
	m.keep = false
	m.advance(h, n, at)
}

// advance counts n bytes of the message, and ends it after its last one.
func (m *messages) advance(h *half, n int, at stream.Stamp) {
	if m.mleft -= n; m.mleft > 0 {
		return
	}
	m.mhave = 0
	m.note(h.dir)
	if m.keep {
		m.keep = false
		h.w.message(h, m.mhead[0], m.buf, at)
	}
}

// wanted reports whether the message that begins is read. Of each kind the
// first one counts; but see Watcher.message for HelloRetryRequest.
func (m *messages) wanted(d stream.Dir) bool {
	switch m.mhead[0] {
	case typeClientHello:
		return d == stream.Client && !m.helloRead
	case typeServerHello:
		return d == stream.Server && !m.helloRead
	case typeCertificate:
		return d == stream.Server && !m.certRead
	}
	return false
}

// note keeps in mind which messages there were, read or not.
func (m *messages) note(d stream.Dir) {
	switch m.mhead[0] {
	case typeCertificate, typeServerKeyExchange, typeCertificateRequest, typeServerHelloDone:
		m.full = m.full || d == stream.Server
	}
}

// message reads one message that was put together. It keeps nothing of b.
func (w *Watcher) message(h *half, kind byte, b []byte, at stream.Stamp) {
	switch kind {
	case typeClientHello:
		if w.clientHello(b) {
			h.helloRead, w.hello, w.info.ClientAt = true, true, at
		}
	case typeServerHello:
		// After a HelloRetryRequest the server's answer is still to come.
		if w.serverHello(b) {
			h.helloRead, w.hello, w.info.ServerAt = true, true, at
		}
	case typeCertificate:
		h.certRead = true
		w.info.Certificate = certificate(b)
	}
}
