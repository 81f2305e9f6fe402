package report

import (
	"strings"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// This file puts the lines of a dialogue together as they went over the
// wire, with secrets as the options allow. They are not inert yet.

// commandLine returns the command line; empty when it was not captured.
func commandLine(x *pop3parse.Exchange, show bool) []byte {
	verb := x.VerbSent
	if verb == nil {
		verb = []byte(x.Verb)
	}
	args, _ := shownText(x.Args, show)
	line := append([]byte{}, verb...)
	if len(verb) > 0 && len(args) > 0 {
		line = append(line, ' ')
	}
	return append(line, args...)
}

// statusLine returns the status line of a reply; empty when there is none.
func statusLine(x *pop3parse.Exchange, show bool) []byte {
	line := []byte(x.Status.String())
	if text, _ := shownText(x.Text, show); len(text) > 0 && len(line) > 0 {
		line = append(append(line, ' '), text...)
	}
	return line
}

// turnLine returns one line of a SASL dialogue. What the client says is
// masked as a whole.
func turnLine(turn *pop3parse.Turn, show bool) []byte {
	if turn.From == stream.Client {
		b, _ := shownWhole(turn.Data, show)
		return b
	}
	line := []byte("+")
	if b, _ := shownText(turn.Data, show); len(b) > 0 {
		line = append(append(line, ' '), b...)
	}
	return line
}

// loginText writes an attempt to authenticate, with texts from the wire up
// to a number of octets.
func loginText(l *pop3parse.Login, show bool, p paint, most int) string {
	parts := []string{Inert(l.Mechanism)}
	if l.User != nil {
		parts = append(parts, "user "+inertUpTo(l.User, most))
	}
	if len(l.AuthzID) > 0 {
		parts = append(parts, "as "+inertUpTo(l.AuthzID, most))
	}
	if l.Secret.Known() {
		b, _ := shownBytes(l.Secret, show)
		parts = append(parts, "secret "+inertUpTo(b, most))
	}
	if l.Response.Known() {
		b, _ := shownBytes(l.Response, show)
		parts = append(parts, "response "+inertUpTo(b, most))
	}
	return strings.Join(append(parts, outcomeText(l, p), exposureText(l.Exposure, p)), ", ")
}
