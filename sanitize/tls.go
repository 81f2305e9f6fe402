package sanitize

// tlsFilter lets TLS pass, as long as it is what it says: records of known
// types and versions (RFC 8446 section 5.1). It reads the two hellos for
// what has to be known of them.
type tlsFilter struct {
	lost  bool // out of step with the records: everything is overwritten
	head  []byte
	left  int  // bytes of the record under way
	kind  byte // its type
	clear bool // handshake messages are not encrypted yet
	hello hello

	sealed bool // the sender has changed to encryption
	gap    bool // something was lost: a record need not begin with a message
	first  bool // the next byte is the first of a record's content
	hide   bool // the record's content is overwritten
}

const (
	tlsHeader  = 5
	tlsMaximum = 1<<14 + 2048 // RFC 5246 section 6.2.3

	tlsChangeCipher = 20
	tlsHandshake    = 22
	tlsApplication  = 23
	tlsHeartbeat    = 24
)

func (f *tlsFilter) lose() { f.lost, f.head, f.left = true, f.head[:0], 0 }

// plausible reports whether b begins like a record.
func plausible(b []byte) bool {
	return len(b) >= tlsHeader && tlsChangeCipher <= b[0] && b[0] <= tlsHeartbeat && b[1] == 3 && b[2] <= 4 &&
		int(b[3])<<8+int(b[4]) <= tlsMaximum
}

// passTLS lets a stretch of TLS pass.
func (c *conn) passTLS(side int, off, end int64, lost bool) {
	w := &c.wins[side]
	f := c.tls[side]
	if f == nil {
		f = &tlsFilter{clear: true}
		c.tls[side] = f
	}
	if lost {
		f.lose()
	} else {
		w.each(off, end, func(_ int64, orig, out []byte) { c.records(f, orig, out) })
	}
	w.tell(end)
}

// records lets bytes pass that begin where the ones before ended.
func (c *conn) records(f *tlsFilter, orig, out []byte) {
	if f.lost && plausible(orig) {
		f.lost, f.gap, f.clear = false, true, !f.sealed // records begin where segments do, as a rule
	}
	for i := 0; i < len(orig) && !f.lost; {
		if f.left == 0 {
			f.head = append(f.head, orig[i])
			out[i] = orig[i]
			i++
			if len(f.head) == tlsHeader {
				if !plausible(f.head) {
					f.lose()
					break
				}
				f.kind, f.left = f.head[0], int(f.head[3])<<8+int(f.head[4])
				f.head = f.head[:0]
				f.sealed = f.sealed || f.kind == tlsChangeCipher || f.kind == tlsApplication
				f.clear = f.clear && f.kind != tlsChangeCipher
				f.first = true
			}
			continue
		}
		n := min(f.left, len(orig)-i)
		c.record(f, orig[i:i+n], out[i:i+n])
		f.left -= n
		i += n
	}
}

// record lets a piece of a record's content pass.
func (c *conn) record(f *tlsFilter, orig, out []byte) {
	switch {
	case f.kind == tlsApplication && (c.weak || !c.agreed):
		overwrite(out)
	case f.kind == tlsHandshake && f.clear:
		hosts := c.dialog.s.opt.Hosts
		if f.first {
			f.afterGap(orig[0], hosts)
		}
		if f.first = false; f.hide {
			overwrite(out)
			return
		}
		copy(out, orig)
		f.hello.pass(out, hosts)
		c.weak, c.agreed = c.weak || f.hello.weak, c.agreed || f.hello.agreed
	default:
		copy(out, orig)
	}
}

// afterGap decides what becomes of a record of handshake messages, in clear or
// not, when some before it were lost: its first byte tells a hello; all else
// may be a part of a certificate.
func (f *tlsFilter) afterGap(kind byte, hosts bool) {
	if !f.gap {
		return
	}
	f.hello = hello{agreed: f.hello.agreed, weak: f.hello.weak}
	f.hide = hosts && kind != clientHello && kind != serverHello
}

// hello reads handshake messages in clear, byte by byte.
type hello struct {
	at   int // in the message under way, its header included
	kind byte
	size int

	agreed bool // the server chose a suite
	weak   bool // it does not encrypt

	// Where the parts of a hello end: see field.
	field  helloField
	need   int // bytes of the field that are to come
	number int // what the last length or type says
	server bool
	ext    int
}

type helloField uint8

const (
	helloFixed helloField = iota // version and random
	helloSessionLen
	helloSession
	helloSuitesLen // of the server: the suite
	helloSuites
	helloMethodsLen
	helloMethods
	helloExtensions // length of all
	helloExtType
	helloExtLen
	helloExt
	helloRest
)

const (
	clientHello    = 1
	serverHello    = 2
	tlsCertificate = 11
	messageHeader  = 4
)

// pass reads the next bytes, and overwrites names of hosts in them if
// hosts is set.
func (h *hello) pass(b []byte, hosts bool) {
	for i, x := range b {
		switch {
		case h.at == 0:
			h.kind = x
		case h.at < messageHeader:
			h.size = h.size<<8 | int(x)
		default:
			switch h.kind {
			case clientHello, serverHello:
				if h.step(x) && hosts && isWord(x) {
					b[i] = filler
				}
			case tlsCertificate:
				if hosts && h.at >= messageHeader+certificateFrame {
					b[i] = filler
				}
			}
		}
		h.at++
		if h.at >= messageHeader && h.at == messageHeader+h.size {
			*h = hello{agreed: h.agreed, weak: h.weak}
		} else if h.at == messageHeader {
			h.server = h.kind == serverHello
			h.field, h.need = helloFixed, 34
		}
	}
}

// certificateFrame is the lengths before the first certificate (RFC 5246
// section 7.4.2).
const certificateFrame = 6

// nameFrame is what stands before the name in the server_name extension
// (RFC 6066 section 3).
const nameFrame = 5

// step takes a byte of a hello, and reports whether it is part of the name
// of a host.
func (h *hello) step(x byte) bool {
	name := h.field == helloExt && h.ext == 0 && !h.server && h.number-h.need >= nameFrame
	switch h.field {
	case helloSessionLen, helloSuitesLen, helloMethodsLen, helloExtensions, helloExtType, helloExtLen:
		h.number = h.number<<8 | int(x)
	}
	for h.need--; h.need == 0 && h.field != helloRest; {
		h.next()
	}
	return name
}

// next goes on to the next field.
func (h *hello) next() {
	n := h.number
	h.number = 0
	switch h.field {
	case helloFixed:
		h.field, h.need = helloSessionLen, 1
	case helloSessionLen:
		h.field, h.need = helloSession, n
	case helloSession:
		h.field, h.need = helloSuitesLen, 2
	case helloSuitesLen:
		if h.server {
			h.agreed, h.weak = true, h.weak || withoutEncryption[n]
			h.field, h.need = helloMethods, 1
			return
		}
		h.field, h.need = helloSuites, n
	case helloSuites:
		h.field, h.need = helloMethodsLen, 1
	case helloMethodsLen:
		h.field, h.need = helloMethods, n
	case helloMethods:
		h.field, h.need = helloExtensions, 2
	case helloExtensions:
		h.field, h.need = helloExtType, 2
	case helloExtType:
		h.ext = n
		h.field, h.need = helloExtLen, 2
	case helloExtLen:
		h.number = n // stays for step
		h.field, h.need = helloExt, n
	case helloExt:
		h.field, h.need = helloExtType, 2
	}
}

// withoutEncryption are the cipher suites of IANA's registry with NULL
// encryption, and those of RFC 9150.
var withoutEncryption = map[int]bool{
	0x0000: true, 0x0001: true, 0x0002: true, 0x002c: true, 0x002d: true, 0x002e: true, 0x003b: true,
	0x00b0: true, 0x00b1: true, 0x00b4: true, 0x00b5: true, 0x00b8: true, 0x00b9: true,
	0xc001: true, 0xc006: true, 0xc00b: true, 0xc010: true, 0xc015: true, 0xc039: true, 0xc03a: true, 0xc03b: true,
	0xc0b4: true, 0xc0b5: true,
}
