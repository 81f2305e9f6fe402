package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
)

// onemailKind makes one session in which one mail takes up the whole
// capture, and the headers of packets come on top: an attachment in base64.
type onemailKind struct {
	truth *truth
}

func newOnemailKind(_ *rand.Rand, t *truth) *onemailKind { return &onemailKind{t} }

func (k *onemailKind) next(budget int64) *dialogue {
	d := &dialogue{port: 110}
	k.truth.Sessions++
	k.truth.Logins++
	d.say(server, []byte("+OK POP3 server ready.\r\n"))
	d.say(client, []byte("USER alice\r\n"))
	d.say(server, []byte("+OK\r\n"))
	d.say(client, []byte("PASS wonderland-7\r\n"))
	d.say(server, []byte("+OK Logged in.\r\n"))
	d.say(client, []byte("RETR 1\r\n"))

	head := []byte("From: Bob Baker <bob@example.org>\r\nTo: alice@example.org\r\nSubject: all of it\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=\"=_one\"\r\n\r\n--=_one\r\nContent-Type: application/octet-stream\r\n" +
		"Content-Disposition: attachment; filename=\"all.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	block := []byte(strings.Repeat(strings.Repeat("QmlnTWFpbA", 7)+"QmlnTW\r\n", 13_000)) // shared by all pieces: about 1 MB
	pieces := [][]byte{head}
	for n := int64(0); n < budget; n += int64(len(block)) {
		pieces = append(pieces, block)
	}
	pieces = append(pieces, []byte("--=_one--\r\n"))
	sum, octets := sha256.New(), int64(0)
	for _, p := range pieces {
		sum.Write(p)
		octets += int64(len(p))
	}
	k.truth.message(octets, hash(sum.Sum(nil)))
	d.say(server, fmt.Appendf(nil, "+OK %d octets\r\n", octets))
	d.say(server, pieces...)
	d.say(server, []byte(".\r\n"))
	d.say(client, []byte("QUIT\r\n"))
	d.say(server, []byte("+OK Logging out.\r\n"))
	return d
}
