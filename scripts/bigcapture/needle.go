package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// needleKind makes traffic of other protocols with a little POP3 in it:
// about one byte in a hundred.
type needleKind struct {
	r     *rand.Rand
	truth *truth
	mail  *mailKind
	spent int64 // bytes of all dialogues so far
	pop3  int64 // and of those that are POP3
}

func newNeedleKind(r *rand.Rand, t *truth) *needleKind {
	return &needleKind{r: r, truth: t, mail: newMailKind(r, t)}
}

const needleShare = 100 // one byte in so many is of POP3

func (k *needleKind) next(budget int64) *dialogue {
	if k.pop3*needleShare <= k.spent {
		d := k.mail.next(min(budget, 200_000))
		k.pop3 += d.cost()
		k.spent += d.cost()
		return d
	}
	var d *dialogue
	switch n := k.r.IntN(16); {
	case n < 7:
		d = k.dns()
		k.truth.OtherDatagrams++
	case n < 14:
		d = k.shell()
	case n < 15:
		d = k.web()
	default:
		d = k.secure()
	}
	if !d.udp {
		k.truth.OtherConnections++
	}
	k.spent += d.cost()
	return d
}

// web is HTTP: a page, and what belongs to it.
func (k *needleKind) web() *dialogue {
	d := &dialogue{port: 80}
	for n := range 1 + k.r.IntN(6) {
		d.say(client, fmt.Appendf(nil, "GET /page/%d HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n", n))
		body := k.some(2_000, 400_000)
		d.say(server, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", len(body)), body)
	}
	return d
}

// secure is TLS on port 443.
func (k *needleKind) secure() *dialogue {
	d := &dialogue{port: 443}
	tls(d, k.r)
	for range 1 + k.r.IntN(4) {
		d.say(client, record(tlsData, k.some(100, 600)))
		for left := 2_000 + k.r.IntN(300_000); left > 0; left -= tlsMost {
			d.say(server, record(tlsData, k.some(min(left, tlsMost-1), min(left, tlsMost-1)+1)))
		}
	}
	return d
}

// shell is a protocol of small packets in both directions.
func (k *needleKind) shell() *dialogue {
	d := &dialogue{port: 9999}
	for range 20 + k.r.IntN(200) {
		d.say(client, k.some(2, 40))
		d.say(server, k.some(2, 200))
	}
	return d
}

// dns is a question and its answer (RFC 1035 section 4).
func (k *needleKind) dns() *dialogue {
	d := &dialogue{port: 53, udp: true}
	name := fmt.Appendf(nil, "\x07host%03d\x07example\x03org\x00\x00\x01\x00\x01", k.r.IntN(1000))
	question := binary.BigEndian.AppendUint16(nil, uint16(k.r.Uint32()))
	answer := append([]byte(nil), question...)
	question = append(question, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	answer = append(answer, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
	d.say(client, append(question, name...))
	d.say(server, append(append(answer, name...), 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 198, 51, 100, byte(k.r.Uint32())))
	return d
}

// some returns bytes that look like nothing, at least from and fewer than
// to of them.
func (k *needleKind) some(from, to int) []byte {
	n := from + k.r.IntN(to-from)
	at := k.r.IntN(len(k.mail.stock.base64) - n)
	return k.mail.stock.base64[at : at+n]
}
