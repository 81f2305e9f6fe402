package tlsdec

import "popscope/reassembly/stream"

// Watcher reads the handshake of one TLS connection. What it finds does not
// depend on how the streams are cut into chunks.
type Watcher struct {
	half  [2]half
	info  *stream.TLSInfo
	hello bool // a ClientHello or ServerHello was read
	early bool // the client offered early data
	sizes sizes
}

// NewWatcher returns a Watcher for one connection.
func NewWatcher() *Watcher {
	w := new(Watcher)
	w.Reset()
	return w
}

// Reset makes the Watcher ready for another connection. The TLSInfo that
// Info returned before stays as it is.
func (w *Watcher) Reset() {
	*w = Watcher{info: new(stream.TLSInfo)}
	for d := range w.half {
		w.half[d] = half{w: w, dir: stream.Dir(d)}
	}
}

// Feed takes the next chunk of either direction. It keeps nothing of c.Data.
// The first chunk of a direction begins at the first TLS byte; a direction
// that was not captured may be left out.
func (w *Watcher) Feed(c stream.Chunk) {
	if c.Dir > stream.Server {
		return
	}
	h := &w.half[c.Dir]
	h.pos, h.acked = c.Off, c.PeerAcked
	if c.Lost > 0 {
		w.sizes.giveUp()
		h.lose(c.Lost, c.At)
	} else {
		h.read(c.Data, c.At)
	}
}

// Info returns what is known of the connection, or nil until a ClientHello
// or ServerHello has been read. Feed goes on to fill in the same TLSInfo; it
// belongs to the caller after the last Feed or after Reset. ClientAt and
// ServerAt are the packets that made the hellos whole. Cipher is 0 with SSL
// 2.0, whose ciphers have numbers of their own. In TLS 1.3 Resumed says that
// a pre-shared key was agreed.
func (w *Watcher) Info() *stream.TLSInfo {
	if !w.hello {
		return nil
	}
	w.info.Estimate = w.sizes.estimate(w.info)
	w.info.LeftAt = stream.Stamp{}
	if w.left() {
		w.info.LeftAt = w.half[stream.Client].lastAt
	}
	return w.info
}

// left reports whether the client sent nothing behind a handshake that was
// brought to its end but, perhaps, one record that can be an alert. So leaves
// who checks the certificate no sooner, as mpop does, and who came to see
// whether the server is there.
func (w *Watcher) left() bool {
	c := &w.half[stream.Client]
	switch {
	case !w.info.Completed || c.dead:
		return false
	case !isTLS13(w.info.Version):
		return c.finished && c.data == 0 && c.alerts <= 1
	}
	tag, shorter := w.tag()
	return c.exact[tag] && (c.data == 1 || c.data == 2 && c.size == sealedAlert-shorter)
}

// tag returns the place of the tag's length in half.exact, and how much shorter
// than usual it is. It is known now; it need not have been when a record came.
func (w *Watcher) tag() (place, shorter int) {
	if w.info.Cipher == ccm8 {
		return 1, shortTag
	}
	return 0, 0
}

// conclude sets Completed. In TLS 1.2 and older both sides send Finished,
// encrypted, after ChangeCipherSpec. In TLS 1.3 Finished looks like all
// other data: the client's is told from an alert by its length.
func (w *Watcher) conclude() {
	if w.info.Completed {
		return
	}
	c, s := &w.half[stream.Client], &w.half[stream.Server]
	if isTLS13(w.info.Version) {
		tag, shorter := w.tag()
		w.info.Completed = s.app && (c.exact[tag] || c.longest >= minFinished-shorter && !w.early)
	} else {
		w.info.Completed = c.finished && s.finished || c.app && s.app
	}
	if w.info.Completed {
		c.messages.drop()
		s.messages.drop()
	}
}

// LooksLike reports whether b begins as a TLS connection does: with a
// handshake record that holds a hello, with an alert, or with the
// ClientHello of SSL 2.0. need says that b is the start of one but too short
// to tell: ask again with more bytes. No POP3 line begins like any of them.
func LooksLike(b []byte) (tls, need bool) {
	if len(b) > 0 && b[0] >= ' ' && b[0] < 0x80 { // text
		return false, false
	}
	for _, shape := range openings {
		if n := shape.matches(b); n == len(shape) {
			return true, false
		} else if n == len(b) {
			need = true
		}
	}
	return false, need
}

// span is a range of byte values, both ends included.
type span struct{ low, high byte }

// opening is what the first bytes of a connection can be.
type opening []span

// matches returns how many bytes from the start fit.
func (o opening) matches(b []byte) int {
	for i, r := range o {
		if i == len(b) || b[i] < r.low || b[i] > r.high {
			return i
		}
	}
	return len(o)
}

var openings = [...]opening{
	// A handshake record of at most 2^14 bytes (RFC 8446 section 5.1) with
	// HelloRequest, ClientHello or ServerHello.
	{{22, 22}, {3, 3}, {0, 4}, {0x00, 0x3f}, {0x00, 0xff}, {0, 2}},
	{{22, 22}, {3, 3}, {0, 4}, {0x40, 0x40}, {0x00, 0x00}, {0, 2}},
	// An alert: two bytes, warning or fatal.
	{{21, 21}, {3, 3}, {0, 4}, {0, 0}, {2, 2}, {1, 2}},
	// SSL 2.0: two bytes of length, CLIENT-HELLO, version (RFC 5246 appendix E.2).
	{{0x80, 0xff}, {0x00, 0xff}, {1, 1}, {0, 0}, {2, 2}},
	{{0x80, 0xff}, {0x00, 0xff}, {1, 1}, {3, 3}, {0, 4}},
}
