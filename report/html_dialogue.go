package report

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// A dialogue is what a session is opened to: its facts, and the ladder, a
// line for everything that one side said to the other.
type dialogue struct {
	*pageSession
	facts    []fact
	steps    []step
	logins   []string
	messages []string
	more     int64 // exchanges that the ladder leaves out
	over     bool  // maxDialogueSteps was reached
	secure   bool  // the last exchange was encrypted
	start    int64
}

// fact is a line about a session as a whole.
type fact struct {
	Name, Value string
	Warn        bool
}

// step is one rung of the ladder: a line, data, or a remark between them.
type step struct {
	Kind    string // client, server, data-client, data-server, remark
	Packet  int64  // 0: not captured
	Nanos   int64
	Text    string
	Error   bool // -ERR
	Secure  bool
	Pairing pop3parse.Pairing
	Think   int64 // nanoseconds from the command to this reply; -1 when there is none
	Tags    []string
	Idle    int64 // nanoseconds of silence before it, where it is long
}

const (
	maxDialogueSteps = 400 // of one session: 200 commands with their replies
	maxStepText      = 300 // octets shown of one line
	maxListed        = 20  // logins and messages listed of one session
	longIdle         = int64(time.Second)
)

// stepsOf returns about how many steps the dialogue of a session takes.
func stepsOf(r *popscope.Result, s *pageSession) int {
	if s.dialogue != nil {
		return maxDialogueSteps
	}
	return min(maxDialogueSteps, 3*len(r.Exchanges)+4)
}

func newDialogue(r *popscope.Result, s *pageSession) *dialogue {
	d := &dialogue{pageSession: s, start: r.Conn.First.Nanos}
	if r.Conn.Handshake {
		d.remark(r.Conn.First, "connection opened")
	}
	return d
}

// add takes a part of the session.
func (d *dialogue) add(r *popscope.Result, show bool) {
	if r.Part <= 1 {
		d.greeting(r, show)
	}
	messages := make(map[int]*popscope.Message, len(r.Messages))
	for i := range r.Messages {
		messages[r.Messages[i].Exchange] = &r.Messages[i]
	}
	for i := range r.Exchanges {
		if d.over = d.over || len(d.steps) >= maxDialogueSteps-4; d.over {
			d.more += int64(len(r.Exchanges) - i)
			break
		}
		x := &r.Exchanges[i]
		d.exchange(x, messages[x.N], show)
	}
	for i := range r.Logins {
		if d.logins = append(d.logins, loginText(&r.Logins[i], show, false, maxStepText)); len(d.logins) > maxListed {
			d.logins = d.logins[:maxListed]
			break
		}
	}
	for i := range r.Messages {
		if d.messages = append(d.messages, messageText(&r.Messages[i])); len(d.messages) > maxListed {
			d.messages = d.messages[:maxListed]
			break
		}
	}
}

// greeting adds the server's first line.
func (d *dialogue) greeting(r *popscope.Result, show bool) {
	switch {
	case r.Session.HasGreeting:
		line, _ := appendGreeting(nil, r.Session, show)
		s := d.said(stream.Server, r.Session.GreetingAt, line)
		s.Error = r.Session.Refused
		s.Tags = noteWords(s.Tags, r.Session.Notes)
	case r.TLS != popscope.ImplicitTLS:
		d.remark(stream.Stamp{}, "greeting not captured")
	}
}

// exchange adds a command with its reply.
func (d *dialogue) exchange(x *pop3parse.Exchange, m *popscope.Message, show bool) {
	if x.Encrypted && !d.secure {
		d.remark(x.RequestFirst, "TLS from here on, decrypted")
	}
	d.secure = x.Encrypted
	if line := commandLine(x, show); len(line) == 0 && x.RequestFirst.Packet == 0 {
		d.remark(x.RequestFirst, "command not captured")
	} else {
		s := d.said(stream.Client, x.RequestFirst, line)
		s.Secure = x.Encrypted
		if x.Pipelined {
			s.Tags = append(s.Tags, "pipelined")
		}
		if x.RequestFirst.Packet == 0 {
			s.Tags = append(s.Tags, "not captured; known from its reply")
		}
	}
	think := int64(-1)
	if t, ok := x.Think(); ok {
		think = int64(t)
	}
	for i := range x.SASL {
		s := d.said(x.SASL[i].From, x.SASL[i].At, turnLine(&x.SASL[i], show))
		s.Secure = x.Encrypted
		if x.SASL[i].From == stream.Server && think >= 0 {
			s.Think, think = think, -1 // the first challenge is what the command was answered with
		}
	}
	if m != nil && m.From == stream.Client { // XTND XMIT: the reply comes after the mail
		d.data(stream.Client, m.Last, messageText(m), x)
		d.reply(x, x.ReplyLast, think, show)
		return
	}
	d.reply(x, statusAt(x), think, show)
	if !x.Multiline {
		return
	}
	text := count(x.Lines, "line") + ", " + count(x.Octets, "octet")
	if m != nil {
		text = messageText(m)
	}
	s := d.data(stream.Server, x.ReplyLast, text, x)
	if !x.Terminated {
		s.Tags = append(s.Tags, "final dot not seen")
	}
	if m == nil {
		return
	}
	for i, g := range m.Gaps {
		if i == maxRemarks {
			s.Tags = append(s.Tags, count(len(m.Gaps)-i, "more gap"))
			break
		}
		s.Tags = append(s.Tags, "lost: "+count(g.Length, "octet")+" at offset "+commas(g.Offset))
	}
}

// reply adds the status line, with the time from the command to it if that
// is known.
func (d *dialogue) reply(x *pop3parse.Exchange, at stream.Stamp, think int64, show bool) {
	if x.Status == pop3parse.NoReply {
		d.remark(stream.Stamp{}, "no reply captured")
		return
	}
	s := d.said(stream.Server, at, statusLine(x, show))
	s.Error, s.Secure, s.Think = x.Status == pop3parse.Err, x.Encrypted, think
	if x.Verb != "" {
		s.Pairing = x.Pairing
	}
	s.Tags = noteWords(s.Tags, x.Notes)
}

// noteWords adds notes in words.
func noteWords(tags []string, notes pop3parse.Notes) []string {
	notes.Each(func(n pop3parse.Note) { tags = append(tags, words(n.String())) })
	return tags
}

// said adds a line.
func (d *dialogue) said(who stream.Dir, at stream.Stamp, line []byte) *step {
	return d.step(who.String(), at, inertUpTo(line, maxStepText))
}

// data adds multi-line data, which is not shown itself.
func (d *dialogue) data(from stream.Dir, at stream.Stamp, text string, x *pop3parse.Exchange) *step {
	s := d.step("data-"+from.String(), at, text)
	s.Secure, s.Pairing = x.Encrypted, x.Pairing
	return s
}

// remark adds a line of ours.
func (d *dialogue) remark(at stream.Stamp, text string) { d.step("remark", at, text) }

func (d *dialogue) step(kind string, at stream.Stamp, text string) *step {
	d.steps = append(d.steps, step{Kind: kind, Packet: at.Packet, Nanos: at.Nanos, Text: text, Think: -1})
	return &d.steps[len(d.steps)-1]
}

// complete takes what only the end of the session tells.
func (d *dialogue) complete(r *popscope.Result) {
	if d.over {
		d.remark(stream.Stamp{}, count(d.more, "more exchange")+" not drawn; --format transcript shows them")
	}
	if r.TLS != popscope.NoTLS && !d.secure {
		at := stream.Stamp{}
		if r.TLSInfo != nil {
			at = r.TLSInfo.ClientAt
		}
		d.remark(at, "TLS from here on, not decrypted")
	}
	switch c := r.Conn; c.Close {
	case stream.NotClosed:
		d.remark(stream.Stamp{}, "open when the capture ended")
	case stream.ClosedTimeout:
		d.remark(stream.Stamp{}, "no end captured")
	default:
		d.remark(c.Ended, "connection closed by "+strings.ToUpper(c.Close.String()))
	}
	d.order()
	d.facts = factsOf(r)
}

// order puts the steps into the order of their packets, each of those
// without one behind the step before it, and marks long silences.
func (d *dialogue) order() {
	type placed struct {
		step
		place int64
	}
	all := make([]placed, len(d.steps))
	last := int64(0)
	for i, s := range d.steps {
		if s.Packet != 0 {
			last = s.Packet
		}
		all[i] = placed{s, last}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	before := int64(0)
	for i := range all {
		s := &all[i].step
		if s.Packet != 0 {
			if before != 0 && s.Nanos-before >= longIdle && s.Think < longIdle { // what the server thought is told beside its reply
				s.Idle = s.Nanos - before
			}
			before = s.Nanos
		}
		d.steps[i] = *s
	}
}

// factsOf returns what is known of a session as a whole.
func factsOf(r *popscope.Result) []fact {
	c := r.Conn
	var facts []fact
	add := func(name, value string) { facts = append(facts, fact{Name: name, Value: value}) }
	warn := func(name, value string) { facts = append(facts, fact{Name: name, Value: value, Warn: true}) }
	add("Session", Inert(r.ID))
	add("Time", utc(c.First.Nanos).Format(clock+".000000")+" UTC, "+duration(c.Last.Nanos-c.First.Nanos))
	add("Packets", packetSpan(c.First, c.Last))
	add("Traffic", "client "+traffic(c, stream.Client)+"; server "+traffic(c, stream.Server))
	found := "by port"
	if r.ByContent {
		found = "by content"
	}
	add("Found", found)
	add("TLS", tlsText(r))
	add("Closed", closedText(r))
	add("State reached", r.Session.State.String())
	add("Community ID", communityID(c.Client, c.Server))
	if caps := r.Session.Capabilities; caps != nil {
		words := make([]string, 0, len(caps))
		for i, cap := range caps {
			if i == maxListed {
				words = append(words, count(len(caps)-i, "more"))
				break
			}
			words = append(words, inertUpTo(cap, maxCell))
		}
		add("Capabilities", strings.Join(words, ", "))
	}
	t := c.Transport()
	if n := t.Retransmitted[0] + t.Retransmitted[1]; n > 0 {
		add("Sent again", count(n, "segment")+" after "+duration(t.ResendTime[0]+t.ResendTime[1])+" of silence")
	}
	if n := t.ZeroWindows[0] + t.ZeroWindows[1]; n > 0 {
		add("Window closed", duration(t.ZeroTime[0]+t.ZeroTime[1])+", said in "+count(n, "segment"))
	}
	if remarks := remarksOf(r); len(remarks) > 0 {
		warn("Remarks", strings.Join(remarks, "; "))
	}
	for _, k := range c.Conflicts() {
		warn("Conflict", conflictText(k))
	}
	return facts
}

// messageText writes a message in a line.
func messageText(m *popscope.Message) string {
	text := messageName(m) + ": " + count(m.Octets, "octet") + ", " + m.Verdict.String()
	if m.Mail != nil && m.Mail.Subject != "" {
		text += ", “" + cell(m.Mail.Subject) + "”"
	}
	if m.Fate == pop3parse.Deleted {
		text += ", deleted"
	}
	if m.SHA256 != [32]byte{} {
		text += ", sha256 " + hex.EncodeToString(m.SHA256[:8]) + "…"
	}
	return text
}

// Methods that the templates call.

func (d *dialogue) Facts() []fact         { return d.facts }
func (d *dialogue) Steps() []step         { return d.steps }
func (d *dialogue) LoginList() []string   { return d.logins }
func (d *dialogue) MessageList() []string { return d.messages }
func (d *dialogue) FindingList() []string { return d.findings }

// At returns when a step was, in seconds after the session's first packet.
func (d *dialogue) At(s step) string {
	if s.Packet == 0 {
		return ""
	}
	return elapsed(s.Nanos - d.start)
}

// From returns who speaks: client, server or nobody.
func (s step) From() string { return strings.TrimPrefix(strings.TrimPrefix(s.Kind, "data-"), "remark") }

// Doubt says how sure it is that a reply belongs to its command; "" when
// it is.
func (s step) Doubt() string {
	switch s.Pairing {
	case pop3parse.Resynced:
		return "matched by acknowledgement numbers"
	case pop3parse.Guessed:
		return "matched by shape only"
	}
	return ""
}

// Class returns the classes of the row in the page's style sheet.
func (s step) Class() string {
	class := s.Kind
	if s.Error {
		class += " err"
	}
	if s.Secure {
		class += " sec"
	}
	if s.Pairing != pop3parse.Sure {
		class += " " + s.Pairing.String()
	}
	return class
}
