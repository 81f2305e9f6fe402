package report

import (
	"bytes"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// collectSecrets adds what the clients of a session proved themselves with:
// the arguments of PASS, what follows the mechanism of AUTH, the client's
// SASL data, and what the parser made of all that. Names are no secrets.
func collectSecrets(secrets map[string]bool, r *popscope.Result) {
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		args := x.Args.Reveal()
		switch x.Verb {
		case pop3parse.PASS:
			secrets[string(args)] = true
		case pop3parse.AUTH:
			if _, initial, ok := bytes.Cut(args, []byte(" ")); ok {
				secrets[string(initial)] = true
			}
		}
		for _, turn := range x.SASL {
			if turn.From == stream.Client {
				secrets[string(turn.Data.Reveal())] = true
			}
		}
	}
	for i := range r.Logins {
		secrets[string(r.Logins[i].Secret.Reveal())] = true
		secrets[string(r.Logins[i].Response.Reveal())] = true
	}
	for i := range r.Logins {
		delete(secrets, string(r.Logins[i].User))
	}
}
