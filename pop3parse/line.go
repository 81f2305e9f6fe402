package pop3parse

import "popscope/pop3parse/secret"

// ReadCommand takes a line without its end apart as a command, for those
// who look at single lines. ok tells that a standard or a dialect has the
// verb; the arguments are what follows it and one space, and secret parts of
// them are masked. The slices are those of line. A Parser knows more: which
// lines of a client are commands depends on the replies.
func ReadCommand(line []byte) (v Verb, args secret.Text, ok bool) {
	var c command
	c.parse(line)
	return c.verb, argsText(c.verb, c.args), c.known()
}

// ReadStatus takes a line without its end apart as what a server answers:
// +OK or -ERR, or the + of a SASL challenge, for which the status is NoReply.
// The text is what follows it and one space.
func ReadStatus(line []byte) (s Status, text []byte, ok bool) {
	switch ind, text := parseStatus(line); ind {
	case isOK:
		return OK, text, true
	case isErr:
		return Err, text, true
	case isMore:
		return NoReply, text, true
	}
	return NoReply, nil, false
}
