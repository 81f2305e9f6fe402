package report

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/ledger"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// transcript writes the dialogues for people: a header for each session,
// then every line with its packet and time, then what it came to.
type transcript struct {
	w     io.Writer
	opt   Options
	paint paint
	buf   []byte
	start int64  // of the session being written, in nanoseconds
	any   bool   // something was written, and no empty line behind it
	last  string // id of the session written last
}

func newTranscript(w io.Writer, o Options) (Writer, error) {
	return &transcript{w: w, opt: o, paint: paint(o.Color)}, nil
}

const (
	maxShown   = 2000 // octets shown of one line from the wire
	maxRemarks = 5    // gaps of one message told one by one
	flushAt    = 64 << 10
	margin     = "                     " // as wide as packet number and time
)

// Write writes a session, or a part of one.
func (t *transcript) Write(r *popscope.Result) error {
	t.start = r.Conn.First.Nanos
	if t.opt.Follow {
		return t.follow(r)
	}
	t.gap()
	t.any = true
	t.header(r)
	secure, err := t.dialogue(r)
	if err != nil {
		return err
	}
	switch {
	case !r.Last:
		t.remark("the session goes on in part " + strconv.Itoa(r.Part+1))
	case !secure && sealed(r):
		t.remark("TLS from here on, not decrypted" + obstacleText(r))
	}
	t.outcome(r)
	return t.flush()
}

// follow writes a part of a session under a line that names the session,
// unless that was the last one written, or the part holds nothing. The whole
// header comes at the end, when its facts are known.
func (t *transcript) follow(r *popscope.Result) error {
	empty := r.Part > 1 && len(r.Exchanges)+len(r.Logins)+len(r.Messages) == 0 && !sealed(r)
	if t.last != r.ID && !empty {
		t.gap()
		t.line(t.paint.bold("session "+Inert(r.ID)), "  ", r.Conn.Client.String(), " -> ", r.Conn.Server.String())
	}
	if !empty {
		t.any, t.last = true, r.ID
	}
	secure, err := t.dialogue(r)
	if err != nil {
		return err
	}
	if r.Last && !secure && sealed(r) {
		t.remark("TLS from here on, not decrypted" + obstacleText(r))
	}
	for i := range r.Logins {
		t.line("    ", loginText(&r.Logins[i], t.opt.ShowSecrets, t.paint, maxShown))
	}
	for i := range r.Messages {
		t.message(&r.Messages[i])
	}
	if r.Last {
		t.gap()
		t.header(r)
		t.any, t.last = false, ""
	}
	return t.flush()
}

// gap writes an empty line, unless one stands there.
func (t *transcript) gap() {
	if t.any {
		t.buf = append(t.buf, '\n')
	}
}

// sealed reports whether a session is in TLS that was not opened.
func sealed(r *popscope.Result) bool {
	return r.TLS != popscope.NoTLS && (r.TLSInfo == nil || !r.TLSInfo.Decrypted)
}

// dialogue writes what was said, and reports whether it ended encrypted.
func (t *transcript) dialogue(r *popscope.Result) (secure bool, err error) {
	secure = r.Part == 1 && r.TLS == popscope.ImplicitTLS && r.TLSInfo != nil && r.TLSInfo.Decrypted
	if secure {
		t.remark("TLS, decrypted")
	}
	t.greeting(r)
	messages := make(map[int]*popscope.Message, len(r.Messages))
	for i := range r.Messages {
		messages[r.Messages[i].Exchange] = &r.Messages[i]
	}
	secure = secure || r.Part > 1 && len(r.Exchanges) > 0 && r.Exchanges[0].Encrypted
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		if x.Encrypted && !secure {
			t.remark("TLS from here on, decrypted")
		}
		secure = x.Encrypted
		t.exchange(x, messages[x.N])
		if len(t.buf) >= flushAt {
			if err := t.flush(); err != nil {
				return secure, err
			}
		}
	}
	return secure, nil
}

// Close writes the totals.
func (t *transcript) Close(s popscope.Summary) error {
	t.gap()
	t.buf = appendTotals(t.buf, &s, t.paint, 0)
	return t.flush()
}

func (t *transcript) flush() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

// line writes parts as one line.
func (t *transcript) line(parts ...string) {
	for _, p := range parts {
		t.buf = append(t.buf, p...)
	}
	t.buf = append(t.buf, '\n')
}

// fact writes a line of the header.
func (t *transcript) fact(name, value string) {
	t.line("  ", t.paint.dim(pad(name, 9)), value)
}

// pad fills s with spaces up to a width.
func pad(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return s + strings.Repeat(" ", width-len(s))
}

// header writes what is known of the session as a whole. Facts that only
// its end can tell stand in the last part.
func (t *transcript) header(r *popscope.Result) {
	c := r.Conn
	title := "session " + Inert(r.ID)
	if (r.Part > 1 || !r.Last) && !t.opt.Follow {
		title += ", part " + strconv.Itoa(r.Part)
	}
	t.line(t.paint.bold(title), "  ", c.Client.String(), " -> ", c.Server.String())
	t.fact("time", utc(c.First.Nanos).Format(clock+".000000")+" UTC, "+elapsed(c.Last.Nanos-c.First.Nanos)+" s")
	if r.ByContent {
		t.fact("found", "by content")
	} else {
		t.fact("found", "by port")
	}
	t.fact("tls", tlsText(r))
	if r.Last {
		t.fact("closed", closedText(r))
	}
	if s := softwareText(r); s != "" {
		t.fact("software", s)
	}
	t.fact("traffic", "client "+traffic(c, stream.Client)+"; server "+traffic(c, stream.Server))
	if remarks := remarksOf(r); len(remarks) > 0 {
		t.fact("remarks", t.paint.yellow(strings.Join(remarks, "; ")))
	}
	for _, k := range c.Conflicts() {
		t.fact("conflict", t.paint.yellow(conflictText(k)))
	}
	t.line()
}

// conflictText names the packets that carry different bytes for the same
// place of a stream.
func conflictText(k stream.Conflict) string {
	return fmt.Sprintf("packets %d and %d differ in %s of the %s from offset %d on; the first one counts",
		k.First.Packet, k.Second.Packet, count(k.Length, "byte"), k.Dir, k.Off)
}

// traffic writes how much one side sent.
func traffic(c *stream.Conn, d stream.Dir) string {
	return count(c.Packets[d], "packet") + ", " + count(c.Bytes[d], "byte")
}

// tlsText writes what is known of the encryption.
func tlsText(r *popscope.Result) string {
	parts := []string{r.TLS.String()}
	i := r.TLSInfo
	if i == nil {
		return parts[0]
	}
	if i.Version != 0 {
		parts = append(parts, tlsVersion(i.Version))
	}
	if i.CipherChosen() {
		parts = append(parts, tlsCipher(i.Cipher))
	}
	if i.SNI != "" {
		parts = append(parts, "server name "+Inert(i.SNI))
	}
	if i.Certificate != nil {
		parts = append(parts, "certificate "+Inert(i.Certificate.Subject)+" until "+i.Certificate.NotAfter.UTC().Format("2006-01-02"))
	}
	if i.Alert != "" {
		parts = append(parts, "alert "+Inert(i.Alert))
	}
	switch {
	case !i.HelloSeen():
		parts = append(parts, "handshake not seen")
	case !i.Completed:
		parts = append(parts, "handshake not completed")
	}
	if e := i.Estimate; e != nil && e.Messages > 0 {
		parts = append(parts, "about "+count(e.Messages, "message")+" with "+count(e.Octets, "octet")+" fetched, by the sizes of records")
	}
	if i.EarlyData {
		parts = append(parts, "early data offered")
	}
	if i.KeyUpdates > 0 {
		parts = append(parts, count(i.KeyUpdates, "key update"))
	}
	if i.Renegotiations > 0 {
		parts = append(parts, count(i.Renegotiations, "renegotiation"))
	}
	return strings.Join(parts, ", ")
}

// obstacleText writes why TLS was not opened.
func obstacleText(r *popscope.Result) string {
	if r.TLSInfo == nil || r.TLSInfo.Obstacle == stream.NoObstacle {
		return ""
	}
	return ": " + strings.TrimPrefix(obstacleCell(r.TLSInfo), ", ")
}

// closedText writes how the session ended.
func closedText(r *popscope.Result) string {
	text := r.Conn.Close.String()
	if r.Conn.Close == stream.NotClosed {
		text = "open when the capture ended"
	}
	if r.Session.Deleted == 0 {
		return text
	}
	text += "; " + count(r.Session.Deleted, "message")
	switch outcome, why := ledger.AtEnd(r.Session.Ending); outcome {
	case ledger.Committed:
		return text + " deleted"
	case ledger.RolledBack:
		return text + " marked as deleted, not committed"
	default:
		return text + " marked as deleted, " + deletionWords[why]
	}
}

// greeting writes the server's first line.
func (t *transcript) greeting(r *popscope.Result) {
	switch {
	case r.Part > 1:
	case r.Session.HasGreeting:
		line, _ := appendGreeting(nil, r.Session, t.opt.ShowSecrets)
		t.said(stream.Server, r.Session.GreetingAt, line)
		if r.Session.Notes != 0 {
			t.remark("notes: " + notesText(r.Session.Notes))
		}
	case r.TLS != popscope.ImplicitTLS:
		t.remark("greeting not captured")
	}
}

// exchange writes a command with its reply.
func (t *transcript) exchange(x *pop3parse.Exchange, m *popscope.Message) {
	t.command(x)
	for i := range x.SASL {
		turn := &x.SASL[i]
		t.said(turn.From, turn.At, turnLine(turn, t.opt.ShowSecrets))
	}
	if m != nil && m.From == stream.Client { // XTND XMIT: the reply comes after the mail
		t.line(margin, "   ", t.paint.dim("... "+count(m.Octets, "octet")+" of mail from the client"))
		t.lost(m)
		t.reply(x, x.ReplyLast)
	} else {
		t.reply(x, statusAt(x))
	}
	if x.Multiline {
		t.body(x)
		if m != nil {
			t.lost(m)
		}
	}
	if remarks := exchangeRemarks(x); len(remarks) > 0 {
		t.remark(strings.Join(remarks, "; "))
	}
}

// command writes the command line.
func (t *transcript) command(x *pop3parse.Exchange) {
	line := commandLine(x, t.opt.ShowSecrets)
	if len(line) == 0 && x.RequestFirst.Packet == 0 {
		t.remark("command not captured")
		return
	}
	t.said(stream.Client, x.RequestFirst, line)
	if x.RequestFirst.Packet == 0 {
		t.remark("command not captured; its reply tells what it was")
	}
}

// statusAt returns the packet of the status line. The reply to a SASL
// dialogue begins with the first challenge, and its status line comes last.
func statusAt(x *pop3parse.Exchange) stream.Stamp {
	if len(x.SASL) > 0 && !x.Multiline {
		return x.ReplyLast
	}
	return x.ReplyFirst
}

// reply writes the status line.
func (t *transcript) reply(x *pop3parse.Exchange, at stream.Stamp) {
	if x.Status == pop3parse.NoReply {
		t.remark("no reply captured")
		return
	}
	t.said(stream.Server, at, statusLine(x, t.opt.ShowSecrets))
}

// body writes the first lines of multi-line data and says how much more
// there is.
func (t *transcript) body(x *pop3parse.Exchange) {
	most := bodyLines(t.opt.Bodies)
	lines, octets := int64(0), int64(0)
	end, shown := lineEnd(x.Body), x.Body
	if x.SecretBody && !t.opt.ShowSecrets && len(shown) > 0 {
		t.line(margin, t.paint.dim("   | "), secret.Mask)
		shown = nil
	}
	for rest := shown; len(rest) > 0 && (most < 0 || lines < int64(most)); lines++ {
		line, next, ended := bytes.Cut(rest, end)
		if !ended && int64(len(x.Body)) < x.BodyTotal {
			break // the rest of this line was not kept
		}
		octets += int64(len(rest) - len(next))
		t.buf = append(t.buf, margin...)
		t.buf = append(t.buf, t.paint.dim("   |")...)
		if len(line) > 0 {
			t.buf = append(t.buf, ' ')
		}
		t.shown(line)
		rest = next
	}
	if octets < x.BodyTotal {
		t.line(margin, "   ", t.paint.dim("... "+moreText(x.Lines-lines, x.BodyTotal-octets)))
	}
}

// lost says which parts of a message were lost.
func (t *transcript) lost(m *popscope.Message) {
	for i, g := range m.Gaps {
		if i == maxRemarks {
			t.remark(count(len(m.Gaps)-i, "more gap"))
			break
		}
		t.remark("lost: " + count(g.Length, "octet") + " at offset " + commas(g.Offset))
	}
}

// moreText says how much of multi-line data is not shown.
func moreText(lines, octets int64) string {
	if lines <= 0 { // a cut line, or lines that a loss made uncountable
		return count(octets, "more octet")
	}
	return count(lines, "more line") + ", " + count(octets, "octet")
}

// lineEnd returns what ends the lines of multi-line data: CRLF (RFC 1939
// section 3), or LF where there is no CRLF at all.
func lineEnd(body []byte) []byte {
	if bytes.Contains(body, []byte("\r\n")) {
		return []byte("\r\n")
	}
	return []byte("\n")
}

// said writes one line of the dialogue.
func (t *transcript) said(who stream.Dir, at stream.Stamp, line []byte) {
	if at.Packet == 0 {
		t.buf = append(t.buf, margin...)
	} else {
		t.buf = append(t.buf, left(strconv.FormatInt(at.Packet, 10), 8)...)
		t.buf = append(t.buf, left(elapsed(at.Nanos-t.start), 13)...)
	}
	if who == stream.Client {
		t.buf = append(t.buf, t.paint.cyan(" C: ")...)
	} else {
		t.buf = append(t.buf, t.paint.green(" S: ")...)
	}
	t.shown(line)
}

// left fills s with spaces on its left side.
func left(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return strings.Repeat(" ", width-len(s)) + s
}

// shown writes text from the wire to the end of the line.
func (t *transcript) shown(line []byte) {
	more := len(line) - maxShown
	if more > 0 {
		line = line[:maxShown]
	}
	t.buf = appendInert(t.buf, line)
	if more > 0 {
		t.buf = append(t.buf, t.paint.dim(" ... "+count(more, "more octet"))...)
	}
	t.buf = append(t.buf, '\n')
}

// remark writes a line of ours between the lines of the dialogue.
func (t *transcript) remark(text string) {
	t.line(margin, " ", t.paint.yellow("["+text+"]"))
}

// exchangeRemarks says what is unusual about an exchange.
func exchangeRemarks(x *pop3parse.Exchange) []string {
	var remarks []string
	if x.Pipelined {
		remarks = append(remarks, "pipelined")
	}
	switch {
	case x.Status == pop3parse.NoReply || x.Verb == "": // nothing was matched
	case x.Pairing == pop3parse.Resynced:
		remarks = append(remarks, "reply matched by acknowledgement numbers after a loss")
	case x.Pairing == pop3parse.Guessed:
		remarks = append(remarks, "reply matched by its shape only")
	}
	if x.Multiline && !x.Terminated {
		remarks = append(remarks, "final dot not seen")
	}
	if x.Notes != 0 {
		remarks = append(remarks, "notes: "+notesText(x.Notes))
	}
	return remarks
}

// notesText lists notes in words.
func notesText(notes pop3parse.Notes) string {
	names := make([]string, 0, notes.Len())
	notes.Each(func(n pop3parse.Note) { names = append(names, words(n.String())) })
	return strings.Join(names, ", ")
}

// outcome writes the logins and messages of the session.
func (t *transcript) outcome(r *popscope.Result) {
	if len(r.Logins) > 0 {
		t.line()
		t.line("  ", t.paint.bold("logins"))
		for i := range r.Logins {
			t.line("    ", loginText(&r.Logins[i], t.opt.ShowSecrets, t.paint, maxShown))
		}
	}
	if len(r.Messages) > 0 {
		t.line()
		t.line("  ", t.paint.bold("messages"))
		for i := range r.Messages {
			t.message(&r.Messages[i])
		}
	}
}

// outcomeText writes how an attempt ended.
func outcomeText(l *pop3parse.Login, p paint) string {
	text := l.Outcome.String()
	if l.Reason != pop3parse.NoReason {
		text += " (" + words(l.Reason.String()) + ")"
	}
	switch l.Outcome {
	case pop3parse.Success:
		return p.green(text)
	case pop3parse.Failure:
		return p.red(text)
	}
	return text
}

// exposureText writes what a reader of the traffic gains.
func exposureText(e pop3parse.Exposure, p paint) string {
	if e == pop3parse.Protected {
		return e.String()
	}
	return p.yellow(e.String())
}

// message writes one mail in a line, and a line for each attachment.
func (t *transcript) message(m *popscope.Message) {
	parts := []string{messageName(m), count(m.Octets, "octet"), verdictText(m.Verdict, t.paint)}
	if m.Announced >= 0 && m.Announced != m.Octets {
		parts = append(parts, "announced as "+commas(m.Announced))
	}
	if m.Fate == pop3parse.Deleted {
		parts = append(parts, "deleted")
	}
	t.line("    ", strings.Join(parts, ", "))
	if m.Mail != nil {
		for _, f := range [...]struct{ name, value string }{{"subject", m.Mail.Subject}, {"from", m.Mail.From}, {"to", m.Mail.To}} {
			if f.value != "" {
				t.line("      ", t.paint.dim(pad(f.name, 9)), inertUpTo([]byte(f.value), maxShown))
			}
		}
		for _, a := range m.Mail.Attachments {
			name := inertUpTo([]byte(a.Name), maxShown)
			if name == "" {
				name = "(no name)"
			}
			t.line("      ", t.paint.dim(pad("attached", 9)), name, ", ", Inert(a.ContentType), ", ", count(a.Octets, "octet"))
		}
	}
	if t.opt.Verbose && m.SHA256 != [32]byte{} {
		t.line("      ", t.paint.dim(pad("sha256", 9)), hex.EncodeToString(m.SHA256[:]))
	}
}

// messageName writes which message it is: "RETR 1".
func messageName(m *popscope.Message) string {
	if m.Number == 0 {
		return Inert(string(m.Command))
	}
	return Inert(string(m.Command)) + " " + strconv.Itoa(m.Number)
}

// verdictText writes how much of a message was captured.
func verdictText(v pop3parse.Verdict, p paint) string {
	if v == pop3parse.Complete {
		return v.String()
	}
	return p.yellow(v.String())
}

// inertUpTo is inert for the first octets of b, most of them at most. It
// cuts between characters.
func inertUpTo(b []byte, most int) string {
	if len(b) <= most {
		return string(appendInert(nil, b))
	}
	for back := 1; back < utf8.UTFMax && !utf8.RuneStart(b[most]); back++ {
		most-- // not in the middle of a character
	}
	return string(appendInert(nil, b[:most])) + "..."
}
