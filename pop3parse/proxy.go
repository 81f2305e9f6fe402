package pop3parse

import (
	"bytes"
	"encoding/binary"

	"popscope/reassembly/stream"
)

// A load balancer can put a header of the PROXY protocol before what the
// client says. It is no command, and the server does not answer it.

var (
	proxyText   = []byte("PROXY ")
	proxyBinary = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

const (
	maxProxyText     = 107 // version 1: the longest line, with CRLF
	proxyBinaryFixed = 16  // version 2: what stands before the addresses
)

// proxyHeader reports whether b, the client's first bytes, is the beginning
// of a PROXY header, and how long the header is; as long as that is not
// known, longer than b.
func proxyHeader(b []byte) (n int, ok bool) {
	switch {
	case len(b) == 0:
		return 0, false
	case bytes.HasPrefix(b, proxyText):
		if i := bytes.IndexByte(b[:min(len(b), maxProxyText)], '\n'); i >= 0 {
			return i + 1, true
		}
		return len(b) + 1, len(b) < maxProxyText
	case bytes.HasPrefix(b, proxyBinary):
		if len(b) < proxyBinaryFixed {
			return proxyBinaryFixed, true
		}
		return proxyBinaryFixed + int(binary.BigEndian.Uint16(b[14:])), true
	case bytes.HasPrefix(proxyText, b) || bytes.HasPrefix(proxyBinary, b):
		return len(b) + 1, true // PASS begins like PROXY; the next byte tells
	}
	return 0, false
}

// passProxy passes over a PROXY header at the beginning of the client's
// stream. It reports whether the beginning is settled.
func (p *Parser) passProxy() bool {
	c := &p.scan[stream.Client]
	if p.began || c.Offset() > 0 || !p.opt.FromStart {
		p.began = true
		return true
	}
	b := c.Peek(1)
	if len(b) == 0 {
		return !c.Empty() || p.ended // a gap comes first
	}
	if b[0] != proxyText[0] && b[0] != proxyBinary[0] {
		p.began = true // most begin with USER or CAPA, and Peek need not join pieces
		return true
	}
	b = c.Peek(maxProxyHeader)
	n, ok := proxyHeader(b)
	if !ok || n > maxProxyHeader {
		p.began = true
		return true
	}
	if n > len(b) {
		return p.ended
	}
	if p.tape != nil {
		p.tape.add(entry{settled: true, Stretch: Stretch{Dir: stream.Client, Part: Proxy, Off: c.Offset(), Len: int64(n)}})
	}
	c.Discard(n)
	p.began = true
	p.ses.Notes.Add(ProxyHeader)
	return true
}

// maxProxyHeader bounds a header that is waited for. Version 2 allows more,
// but its addresses and extensions take some hundred bytes.
const maxProxyHeader = 4 << 10
