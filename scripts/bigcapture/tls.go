package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// The TLS record types (RFC 8446 section 5.1), and the most that a record
// holds.
const (
	tlsCipherSpec = 20
	tlsHandshake  = 22
	tlsData       = 23
	tlsMost       = 1 << 14
)

// record returns a TLS record.
func record(kind byte, data []byte) []byte {
	r := []byte{kind, 3, 3, byte(len(data) >> 8), byte(len(data))}
	return append(r, data...)
}

// tls adds the handshake of TLS 1.3 (RFC 8446 section 2). What would be
// encrypted is noise: nobody has the keys.
func tls(d *dialogue, r *rand.Rand) {
	d.say(client, record(tlsHandshake, hello(1, r, []byte{0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0}, []byte{2, 3, 4}, true)))
	d.say(server, record(tlsHandshake, hello(2, r, []byte{0x13, 1, 0}, []byte{3, 4}, false)),
		record(tlsCipherSpec, []byte{1}), record(tlsData, noise(r, 1200+r.IntN(2000))))
	d.say(client, record(tlsCipherSpec, []byte{1}), record(tlsData, noise(r, 53)))
}

// hello returns a ClientHello or ServerHello (RFC 8446 section 4.1) with
// the versions and a key share of x25519.
func hello(kind byte, r *rand.Rand, suites, versions []byte, list bool) []byte {
	be := binary.BigEndian
	share := append([]byte{0, 0x1d, 0, 32}, noise(r, 32)...)
	if list {
		share = append(be.AppendUint16(nil, uint16(len(share))), share...)
	}
	var ext []byte
	for _, e := range []struct {
		number uint16
		data   []byte
	}{{43, versions}, {51, share}} {
		ext = be.AppendUint16(ext, e.number)
		ext = be.AppendUint16(ext, uint16(len(e.data)))
		ext = append(ext, e.data...)
	}
	body := append([]byte{3, 3}, noise(r, 32)...)
	body = append(append(body, 32), noise(r, 32)...)
	body = append(body, suites...)
	body = be.AppendUint16(body, uint16(len(ext)))
	body = append(body, ext...)
	return append([]byte{kind, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
