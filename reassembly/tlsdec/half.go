package tlsdec

import (
	"bytes"
	"encoding/binary"

	"popscope/reassembly/stream"
)

// Content types of records (RFC 8446 section 5.1, RFC 5246 section 6.2.1).
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
	recordHeartbeat = 24
)

const (
	recordHeader = 5
	maxRecord    = 1<<14 + 2048 // RFC 5246 section 6.2.3, the largest of all versions

	// minFinished is the length of the smallest record with a Finished of TLS
	// 1.3: 4 + 32 bytes, the content type and a tag of 16. An alert takes 19.
	minFinished = 53
	sealedAlert = 19

	ccm8     = 0x1305 // TLS_AES_128_CCM_8_SHA256: its tag has 8 bytes
	shortTag = 8      // so many fewer than that of others

	// minOldFinished is the length of a Finished up to TLS 1.2 without
	// encryption, which all ciphers add to.
	minOldFinished = 16
)

// half reads the records of one direction.
//
//	[header|fragment][header|fragm- gap -ent][hea- gap -
//	                        left counts it        dead from here
type half struct {
	w   *Watcher
	dir stream.Dir

	dead  bool // where records begin is not known any more, or this is no TLS
	begun bool // the first record has begun

	head [recordHeader]byte
	have int  // bytes of head that are there
	kind byte // of the current record; 0 for one that is passed over
	size int  // of its fragment
	left int  // bytes of its fragment to come; 0 between records

	pos, acked int64 // stream offset of the next byte; PeerAcked of the chunk at hand
	first      int64 // PeerAcked of the record's first byte

	alert alert
	look  look
	messages

	ccs      bool         // ChangeCipherSpec was sent
	finished bool         // an encrypted handshake message was sent after it
	app      bool         // application data were sent
	longest  int          // ... in a record of so many bytes at most
	data     int          // records of application data that have begun
	alerts   int          // and of encrypted alerts up to TLS 1.2
	lastAt   stream.Stamp // of the last record of any kind
	exact    [2]bool      // ... in one of the very length of a TLS 1.3 Finished, with SHA-256 or SHA-384: with a tag of 16 bytes, and of 8
}

// read takes the next bytes of the direction.
func (h *half) read(p []byte, at stream.Stamp) {
	for len(p) > 0 && !h.dead {
		if h.left == 0 {
			if h.have == 0 {
				h.first = h.acked
			}
			n := copy(h.head[h.have:], p)
			p = p[n:]
			h.pos += int64(n)
			if h.have += n; h.have == recordHeader {
				h.begin(at)
			}
			continue
		}
		n := min(len(p), h.left)
		h.left -= n
		h.pos += int64(n)
		h.fragment(p[:n], at)
		p = p[n:]
		if h.left == 0 {
			h.end()
		}
	}
}

// lose says that the next n bytes are missing.
func (h *half) lose(n int64, at stream.Stamp) {
	if h.dead {
		return
	}
	if n > int64(h.left) {
		h.give()
		return
	}
	h.left -= int(n)
	switch h.kind {
	case recordHandshake:
		if h.look.on {
			h.kind = 0
		} else {
			h.messages.lose(h, int(n), at)
		}
	case recordAlert:
		h.kind = 0
	}
	if h.left == 0 {
		h.end()
	}
}

// give ends the reading of the direction.
func (h *half) give() {
	h.dead = true
	h.messages.drop()
}

// begin looks at a whole record header.
func (h *half) begin(at stream.Stamp) {
	first := !h.begun
	h.begun, h.have = true, 0
	if first && h.head[0]&0x80 != 0 {
		h.beginSSL2(at)
		return
	}
	h.kind, h.size = h.head[0], int(binary.BigEndian.Uint16(h.head[3:]))
	if h.kind < recordCCS || h.kind > recordHeartbeat || h.head[1] != 3 || h.size > maxRecord {
		if first && h.dir == stream.Server && (bytes.HasPrefix(h.head[:], []byte("+OK")) || bytes.HasPrefix(h.head[:], []byte("-ERR"))) {
			h.w.info.ClearAt = at // RFC 1939 section 3: the status of a reply
		}
		h.give()
		return
	}
	h.left, h.lastAt = h.size, at
	switch h.kind {
	case recordAlert:
		h.alert = alert{}
		if h.size != alertSize {
			h.kind = 0 // encrypted
			h.alerts++
		}
	case recordData:
		h.data++
	case recordHandshake:
		// Behind ChangeCipherSpec is what was encrypted; but a TLS 1.3 client
		// sends one before its second ClientHello, and a server before its
		// second ServerHello (RFC 8446 appendix D.4).
		h.look = look{on: h.ccs && !h.inside()}
	}
	if h.left == 0 {
		h.end()
	}
}

// fragment takes the next bytes of the current record.
func (h *half) fragment(p []byte, at stream.Stamp) {
	switch h.kind {
	case recordHandshake:
		if h.look.on {
			p = h.look.take(p)
			if h.look.have < lookSize {
				return
			}
			h.look.on = false
			if !h.look.hello() {
				h.kind = 0
				h.finished = h.finished || h.size >= minOldFinished
				return
			}
			h.messages.read(h, h.look.head[:], at)
		}
		h.messages.read(h, p, at)
	case recordAlert:
		h.alert.take(p)
	}
}

// end is called when all of the current record is there or lost.
func (h *half) end() {
	switch h.kind {
	case recordCCS:
		if !h.ccs {
			h.ccs = true
			h.changed()
			h.messages.drop()
		}
	case recordAlert:
		if name := h.alert.fatal(); name != "" && h.w.info.Alert == "" {
			h.w.info.Alert = name
		}
	case recordData:
		h.w.sizes.add(h.dir, h.size, h.pos, h.first)
		h.app = true
		h.longest = max(h.longest, h.size)
		for i, n := range [...]int{minFinished, minFinished - shortTag} {
			h.exact[i] = h.exact[i] || h.size == n || h.size == n+16
		}
		h.messages.drop()
	}
	h.kind = 0
	h.w.conclude()
}

// changed is called at the first ChangeCipherSpec. A server that sends it
// without ServerHelloDone before takes a session up again (RFC 5246 section
// 7.3, RFC 5077 section 3.1).
func (h *half) changed() {
	info := h.w.info
	if h.dir == stream.Server && info.Version != 0 && !isTLS13(info.Version) && h.helloRead && !h.full && !h.torn && !h.inside() {
		info.Resumed = true
	}
}

// lookSize is how much of a handshake record tells a hello from encrypted
// bytes: type, length and version.
const lookSize = 6

// look holds the start of a handshake record that may be encrypted.
type look struct {
	on   bool
	head [lookSize]byte
	have int
}

// take fills head and returns the bytes that are left over.
func (l *look) take(p []byte) []byte {
	n := copy(l.head[l.have:], p)
	l.have += n
	return p[n:]
}

// hello reports whether the record begins with a hello of TLS 1.3.
func (l *look) hello() bool {
	kind := l.head[0]
	return (kind == typeClientHello || kind == typeServerHello) &&
		l.head[1] == 0 && l.head[4] == 3 && l.head[5] == 3
}

// SSL 2.0: message types, and lengths of what stands before the variable parts.
const (
	ssl2ClientHello = 1
	ssl2ServerHello = 4
	ssl2Version     = 0x0002
)

// beginSSL2 looks at the first record of a direction when it has a header of
// SSL 2.0: two bytes of length, then the message type. A client may offer
// newer versions in it and go on in TLS (RFC 5246 appendix E.2).
func (h *half) beginSSL2(at stream.Stamp) {
	length := int(binary.BigEndian.Uint16(h.head[:]) & 0x7fff)
	inHead := recordHeader - 2
	info := h.w.info
	switch kind := h.head[2]; {
	case length < inHead:
		h.give()
	case kind == ssl2ClientHello && h.dir == stream.Client:
		version := binary.BigEndian.Uint16(h.head[3:])
		if version != ssl2Version && version>>8 != 3 {
			h.give()
			return
		}
		info.Offered, info.ClientAt = version, at
		h.w.hello = true
		h.left, h.kind = length-inHead, 0
	case kind == ssl2ServerHello && h.dir == stream.Server:
		info.Version, info.ServerAt = ssl2Version, at
		h.w.hello = true
		h.give() // records of SSL 2.0 are not read further
	default:
		h.give()
	}
}
