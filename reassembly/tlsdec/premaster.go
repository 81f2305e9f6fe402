package tlsdec

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"

	"popscope/reassembly/stream"
)

// Some logs hold what the master secret of TLS 1.2 and older is made of. Then
// more of the handshake has to be known: the randoms, or with the extended
// master secret (RFC 7627) all messages up to the client's key exchange.

const (
	typeHelloRequest      = 0
	typeClientKeyExchange = 16

	extExtendedMaster = 23 // RFC 7627

	// maxFlight bounds the messages of one direction of a handshake that are
	// kept for their hash.
	maxFlight = 64 << 10
)

// transcript is what of a handshake in clear a premaster secret needs.
type transcript struct {
	messages [2][]byte // of each direction, up to the client's key exchange
	broken   bool      // not all of them are there
	exchange []byte    // the start of the encrypted premaster secret; nil before it
	ended    bool      // the client's key exchange was there
	answered bool      // ... and the end of the server's flight
	master   []byte    // once it is known; the messages are let go then
}

// note keeps a message of a handshake that is not encrypted yet.
func (x *transcript) note(d stream.Dir, kind byte, body []byte) {
	if kind == typeHelloRequest || d == stream.Client && x.ended || d == stream.Server && x.answered {
		return
	}
	if len(x.messages[d])+messageHeader+len(body) > maxFlight {
		x.broken, x.messages = true, [2][]byte{}
	}
	if !x.broken {
		head := binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|uint32(len(body)))
		x.messages[d] = append(append(x.messages[d], head...), body...)
	}
	x.answered = x.answered || d == stream.Server && kind == typeServerHelloDone
	if d == stream.Client && kind == typeClientKeyExchange {
		x.ended = true
		if len(body) >= 2+rsaName { // two bytes of length before it (RFC 5246 section 7.4.7.1)
			x.exchange = bytes.Clone(body[2 : 2+rsaName])
		}
	}
}

// hash returns the session hash (RFC 7627 section 3). ClientHello, the
// server's flight and the client's follow each other.
func (x *transcript) hash(p *params) []byte {
	hello := min(messageHeader+messageLength(x.messages[stream.Client]), len(x.messages[stream.Client]))
	all := bytes.Join([][]byte{x.messages[stream.Client][:hello], x.messages[stream.Server], x.messages[stream.Client][hello:]}, nil)
	if p.version == tls12 {
		h := p.suite.prf()
		h.Write(all)
		return h.Sum(nil)
	}
	m, s := md5.Sum(all), sha1.Sum(all)
	return append(m[:], s[:]...)
}

// master returns the master secret of TLS 1.2 and older, or nil as long as it
// is not known.
func (f *flow) master(p *params) []byte {
	if master := f.lookup(p, labelMaster); master != nil {
		return master
	}
	x := p.transcript
	if x == nil || !x.ended || x.master != nil {
		return x.known()
	}
	pre := f.lookup(p, labelPremaster)
	if pre == nil && x.exchange != nil {
		pre = f.d.keys.lookup(rsaConnection(x.exchange), labelRSA, f.d.mark)
	}
	if pre == nil || p.extended && (x.broken || !x.answered) {
		return nil
	}
	label, seed := "master secret", append(append([]byte(nil), p.client[:]...), p.server[:]...)
	if p.extended {
		label, seed = "extended master secret", x.hash(p)
	}
	if p.version == tls12 {
		x.master = prf12(p.suite.prf, pre, label, seed, masterSecret)
	} else {
		x.master = prf10(pre, label, seed, masterSecret)
	}
	x.messages = [2][]byte{}
	return x.master
}

// known returns the master secret, or nil.
func (x *transcript) known() []byte {
	if x == nil {
		return nil
	}
	return x.master
}

// noteMessage keeps what premaster secrets need, if the log holds any.
func (f *flow) noteMessage(kind byte, b []byte) {
	if f.turn < 0 || !f.d.keys.hasPremasters(f.d.mark) {
		return
	}
	p := &f.d.hellos[f.turn]
	if p.transcript == nil {
		p.transcript = new(transcript)
	}
	p.transcript.note(f.dir, kind, b)
}

// loseMessages says that messages of a handshake may be missing.
func (f *flow) loseMessages() {
	if f.turn >= 0 && f.d.hellos[f.turn].transcript != nil {
		f.d.hellos[f.turn].transcript.broken = true
	}
}
