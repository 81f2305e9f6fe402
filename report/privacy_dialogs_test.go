package report

import (
	"bytes"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// TestNoDialogBetraysItsSecrets runs the whole collection of dialogs
// through every format: nothing that a client proved itself with comes out,
// in no form.
func TestNoDialogBetraysItsSecrets(t *testing.T) {
	// Passwords that are words of the output or of the server's replies.
	ordinary := map[string]bool{"password": true, "secret": true, "wrong": true}
	total := 0
	for _, d := range capturetest.LoadAll(t, "") {
		packets := d.Trace().Packets(capturetest.Plain())
		secrets := make(map[string]bool)
		run := func(keep int, each func(*popscope.Result)) popscope.Summary {
			a := popscope.New(popscope.Options{Workers: 1, KeepBody: keep})
			for r, err := range a.Results(capturetest.Source(packets)) {
				if err != nil {
					t.Fatal(err)
				}
				each(r)
			}
			return a.Summary()
		}
		run(0, func(r *popscope.Result) { collectSecrets(secrets, r) })
		for s := range secrets {
			if len(s) < 4 || ordinary[s] {
				delete(secrets, s)
			}
		}
		total += len(secrets)

		for _, format := range Formats() {
			for _, verbose := range []bool{false, true} {
				opt := Options{Bodies: AllBodies, Verbose: verbose, Records: RecordTypes()}
				var out bytes.Buffer
				w, err := New(format, &out, opt)
				if err != nil {
					t.Fatal(err)
				}
				sum := run(KeepBody(format, opt), func(r *popscope.Result) {
					if err := w.Write(r); err != nil {
						t.Fatal(err)
					}
				})
				if err := w.Close(sum); err != nil {
					t.Fatal(err)
				}
				for s := range secrets {
					for how, form := range disguises(s) {
						if how != "first letter" && bytes.Contains(out.Bytes(), []byte(form)) {
							t.Errorf("%s as %s shows the secret %q (%s)", d.Name, format, s, how)
						}
					}
				}
			}
		}
	}
	if total < 100 {
		t.Errorf("only %d secrets found in all dialogs", total)
	}
}

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
