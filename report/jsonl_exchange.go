package report

import (
	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// exchange writes a command with its reply.
func (j *jsonl) exchange(session string, x *pop3parse.Exchange) {
	j.of("exchange", session)
	j.int("n", int64(x.N))
	j.str("verb", string(x.Verb)) // "" where a lost command is not betrayed by its reply, or the line is hidden
	if x.VerbSent != nil {
		j.bytes("verb_sent", x.VerbSent)
	}
	if x.RequestFirst.Packet != 0 || !x.Args.Empty() {
		j.secretText("args", x.Args)
	}
	if x.Status != pop3parse.NoReply {
		j.word("status", x.Status.String())
		j.secretText("text", x.Text)
	}
	if x.Code != nil {
		j.bytes("code", x.Code)
	}
	j.bool("multiline", x.Multiline)
	if x.Multiline {
		j.int("lines", x.Lines)
		j.int("octets", x.Octets)
		j.bool("terminated", x.Terminated)
	}
	if len(x.SASL) > 0 {
		j.sasl(x.SASL)
	}
	if x.Pipelined {
		j.bool("pipelined", true)
	}
	j.word("pairing", x.Pairing.String())
	j.bool("encrypted", x.Encrypted)
	j.packet("request_packet", x.RequestFirst.Packet)
	j.packet("reply_packet", x.ReplyFirst.Packet)
	if x.RequestFirst.Packet != 0 {
		j.nanos("request_time", x.RequestFirst.Nanos)
	}
	if x.ReplyFirst.Packet != 0 {
		j.nanos("reply_time", x.ReplyFirst.Nanos)
	}
	if d, ok := x.Think(); ok {
		j.seconds("think", d)
	}
	if d, ok := x.Transfer(); ok {
		j.seconds("transfer", d)
	}
	j.notes(x.Notes)
	j.end()
}

// sasl writes the turns of a SASL dialogue. What the client says is masked
// even where it may be harmless, as the * that cancels.
func (j *jsonl) sasl(turns []pop3parse.Turn) {
	j.key("sasl")
	j.buf = append(j.buf, '[')
	for i := range turns {
		t := &turns[i]
		j.comma()
		j.open()
		j.word("from", t.From.String())
		if t.From == stream.Client {
			b, exact := shownWhole(t.Data, j.opt.ShowSecrets)
			j.maskable("data", b, exact)
		} else {
			j.secretText("data", t.Data)
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// notes writes the kinds of the notes, if there are any.
func (j *jsonl) notes(notes pop3parse.Notes) {
	if notes == 0 {
		return
	}
	j.key("notes")
	j.buf = append(j.buf, '[')
	notes.Each(func(n pop3parse.Note) {
		j.comma()
		j.buf = append(j.buf, '"')
		j.buf = append(j.buf, n.String()...)
		j.buf = append(j.buf, '"')
	})
	j.buf = append(j.buf, ']')
}

// login writes an attempt to authenticate.
func (j *jsonl) login(session string, l *pop3parse.Login) {
	j.of("login", session)
	j.int("exchange", int64(l.Exchange))
	j.str("mechanism", l.Mechanism)
	if l.User != nil {
		j.bytes("user", l.User)
	}
	if l.AuthzID != nil {
		j.bytes("authzid", l.AuthzID)
	}
	if l.Secret.Known() {
		if b, exact := shownBytes(l.Secret, j.opt.ShowSecrets); exact {
			j.bytes("secret", b)
		}
		j.tag(j.tags.tag(l.Secret))
	}
	if l.Challenge != nil {
		j.bytes("challenge", l.Challenge)
	}
	if l.Response.Known() {
		b, exact := shownBytes(l.Response, j.opt.ShowSecrets)
		j.maskable("response", b, exact)
	}
	j.word("outcome", l.Outcome.String())
	if l.Reason != pop3parse.NoReason {
		j.word("reason", l.Reason.String())
	}
	j.word("exposure", l.Exposure.String())
	j.bool("encrypted", l.Encrypted)
	if l.At.Packet != 0 {
		j.int("packet", l.At.Packet)
		j.nanos("time", l.At.Nanos)
	}
	j.end()
}

// secretText writes a text as the options allow.
func (j *jsonl) secretText(k string, t secret.Text) {
	b, exact := shownText(t, j.opt.ShowSecrets)
	j.maskable(k, b, exact)
}
