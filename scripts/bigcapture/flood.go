package main

import (
	"fmt"
	"math/rand/v2"
)

// floodKind makes sessions of clients that try passwords: one attempt each,
// of which one in a thousand is let in.
type floodKind struct {
	r     *rand.Rand
	truth *truth
}

func newFloodKind(r *rand.Rand, t *truth) *floodKind { return &floodKind{r, t} }

func (k *floodKind) next(int64) *dialogue {
	d := &dialogue{port: 110}
	k.truth.Sessions++
	k.truth.Logins++
	d.say(server, []byte("+OK POP3 server ready.\r\n"))
	d.say(client, fmt.Appendf(nil, "USER user%05d\r\n", k.r.IntN(20000)))
	d.say(server, []byte("+OK\r\n"))
	d.say(client, fmt.Appendf(nil, "PASS guess-%d\r\n", k.r.IntN(1e6)))
	if k.r.IntN(1000) == 0 {
		d.say(server, []byte("+OK Logged in.\r\n"))
		d.say(client, []byte("QUIT\r\n"))
		d.say(server, []byte("+OK Logging out.\r\n"))
		return d
	}
	k.truth.LoginsFailed++
	d.say(server, []byte("-ERR [AUTH] Authentication failed.\r\n"))
	return d
}
