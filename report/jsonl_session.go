package report

import (
	"encoding/hex"
	"net/netip"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/fingerprint"
	"popscope/pop3parse/message"
	"popscope/reassembly/stream"
)

// message writes a mail that went over the wire.
func (j *jsonl) message(r *popscope.Result, m *popscope.Message) {
	j.of("message", r.ID)
	j.int("exchange", int64(m.Exchange))
	j.int("number", int64(m.Number)) // 0 for mail that is sent, and where a lost command hides it
	j.str("command", string(m.Command))
	j.int("octets", m.Octets)
	if m.SHA256 != [32]byte{} { // zero: not computed
		j.digest("sha256", m.SHA256)
	}
	j.word("verdict", m.Verdict.String())
	if len(m.Gaps) > 0 {
		j.gaps(m.Gaps)
	}
	if m.Announced >= 0 {
		j.int("announced_octets", m.Announced)
	}
	if m.UIDL != nil {
		j.bytes("uidl", m.UIDL)
	}
	j.packet("first_packet", m.First.Packet)
	j.packet("last_packet", m.Last.Packet)
	j.mail(m.Mail)
	if m.Fate != pop3parse.Unsettled {
		j.bool("deleted", m.Fate == pop3parse.Deleted)
	}
	j.end()
}

// mail writes what the headers and the structure of the mail told. The
// list of attachments is always there, though it may be empty.
func (j *jsonl) mail(m *message.Mail) {
	j.headers(m)
	j.key("attachments")
	j.buf = append(j.buf, '[')
	if m != nil {
		for i := range m.Attachments {
			j.comma()
			j.open()
			j.attachment(&m.Attachments[i])
			j.close()
		}
	}
	j.buf = append(j.buf, ']')
}

// headers writes the header fields for people; m may be nil.
func (j *jsonl) headers(m *message.Mail) {
	if m == nil {
		return
	}
	for _, s := range [...]struct{ key, value string }{{"subject", m.Subject}, {"from", m.From}, {"to", m.To}} {
		if s.value != "" {
			j.str(s.key, s.value)
		}
	}
	if !m.Date.IsZero() {
		j.time("date", m.Date)
	}
	if m.MessageID != "" {
		j.str("message_id", m.MessageID)
	}
}

// attachment writes the members of an attachment.
func (j *jsonl) attachment(a *message.Attachment) {
	j.str("name", a.Name)
	j.str("content_type", a.ContentType)
	j.int("octets", a.Octets)
	j.digest("sha256", a.SHA256)
}

// digest writes a SHA-256.
func (j *jsonl) digest(k string, sum [32]byte) {
	j.key(k)
	j.buf = append(j.buf, '"')
	j.buf = hex.AppendEncode(j.buf, sum[:])
	j.buf = append(j.buf, '"')
}

// gaps writes the stretches of a message that were lost.
func (j *jsonl) gaps(gaps []pop3parse.Gap) {
	j.key("gaps")
	j.buf = append(j.buf, '[')
	for _, g := range gaps {
		j.comma()
		j.open()
		j.int("offset", g.Offset)
		j.int("length", g.Length)
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// session writes the facts about a session as a whole.
func (j *jsonl) session(r *popscope.Result) {
	c, s := r.Conn, r.Session
	j.of("session", r.ID)
	j.endpoint("client", c.Client)
	j.endpoint("server", c.Server)
	j.nanos("start", c.First.Nanos)
	j.nanos("end", c.Last.Nanos)
	j.int("first_packet", c.First.Packet)
	j.int("last_packet", c.Last.Packet)
	j.both("packets", c.Packets)
	j.both("bytes", c.Bytes)
	j.append("community_id", func(b []byte) []byte { return appendCommunityID(b, c.Client, c.Server) })
	if r.ByContent {
		j.word("detected", "content")
	} else {
		j.word("detected", "port")
	}
	if s.HasGreeting {
		b, exact := appendGreeting(j.line[:0], s, j.opt.ShowSecrets)
		j.line = b
		j.maskable("greeting", b, exact)
	}
	if s.Capabilities != nil {
		writeStrings(&j.object, "capabilities", s.Capabilities)
	}
	j.software("server_software", r.ServerSoftware)
	j.software("client_software", r.ClientSoftware)
	j.word("state", s.State.String())
	j.word("closed", c.Close.String())
	j.word("tls", r.TLS.String())
	if r.TLSInfo != nil {
		j.tlsInfo(r)
	}
	j.bool("handshake", c.Handshake)
	if r.OneSided {
		j.word("one_sided", r.Side.String())
	}
	j.both("lost_bytes", c.Lost)
	j.int("exchanges", int64(s.Exchanges))
	j.int("logins", int64(s.Logins))
	j.int("messages", int64(s.Messages))
	j.int("deleted", int64(s.Deleted))
	j.bool("committed", s.Committed)
	j.end()
}

// software writes what one side runs, if that is known.
func (j *jsonl) software(k string, s *fingerprint.Software) {
	if s == nil {
		return
	}
	j.key(k)
	j.open()
	j.str("name", s.Name)
	if s.Version != "" {
		j.str("version", s.Version)
	}
	j.word("sure", s.Sure.String())
	writeStrings(&j.object, "evidence", s.Evidence)
	j.close()
}

// appendGreeting appends the server's first line to dst, its status included.
func appendGreeting(dst []byte, s *pop3parse.Session, show bool) (line []byte, exact bool) {
	status := pop3parse.OK
	if s.Refused {
		status = pop3parse.Err
	}
	text, exact := shownText(s.Greeting, show)
	line = append(dst, status.String()...)
	if len(text) > 0 {
		line = append(append(line, ' '), text...)
	}
	return line, exact
}

// endpoint writes one end of the connection.
func (j *jsonl) endpoint(k string, a netip.AddrPort) {
	j.key(k)
	j.open()
	j.append("ip", a.Addr().Unmap().WithZone("").AppendTo)
	j.int("port", int64(a.Port()))
	j.close()
}

// both writes a pair of counts by sender.
func (j *jsonl) both(k string, n [2]int64) {
	j.key(k)
	j.open()
	j.int("client", n[stream.Client])
	j.int("server", n[stream.Server])
	j.close()
}

// tlsInfo writes what the TLS handshake told.
func (j *jsonl) tlsInfo(r *popscope.Result) {
	t := r.TLSInfo
	j.key("tls_info")
	j.open()
	if t.Version != 0 {
		j.str("version", tlsVersion(t.Version))
	}
	if t.Offered != 0 {
		j.str("offered", tlsVersion(t.Offered))
	}
	if t.CipherChosen() {
		j.str("cipher", tlsCipher(t.Cipher))
	}
	if t.SNI != "" {
		j.str("sni", t.SNI)
	}
	if len(t.ALPN) > 0 {
		writeStrings(&j.object, "alpn", t.ALPN)
	}
	if t.ALPNChosen != "" {
		j.str("alpn_chosen", t.ALPNChosen)
	}
	j.bool("resumed", t.Resumed)
	j.bool("completed", t.Completed)
	if t.Alert != "" {
		j.str("alert", t.Alert)
	}
	if t.EarlyData {
		j.bool("early_data", true)
	}
	j.bool("decrypted", t.Decrypted)
	if t.Obstacle != stream.NoObstacle {
		j.word("obstacle", t.Obstacle.String())
	}
	for _, n := range [...]struct {
		key   string
		value int64
	}{{"key_updates", int64(t.KeyUpdates)}, {"renegotiations", int64(t.Renegotiations)}, {"bad_records", t.BadRecords}} {
		if n.value > 0 {
			j.int(n.key, n.value)
		}
	}
	if t.BadRecords > 0 {
		j.packet("bad_record_packet", t.BadAt.Packet)
	}
	if e := t.Estimate; e != nil {
		j.key("estimate")
		j.open()
		j.int("messages", int64(e.Messages))
		j.int("octets", e.Octets)
		j.close()
	}
	if t.JA3 != "" {
		j.word("ja3", t.JA3)
		j.word("ja4", t.JA4)
	}
	if t.Certificate != nil {
		j.key("certificate")
		j.certificate(t.Certificate, r.Conn)
	}
	j.close()
}

// certificate writes a certificate of the server's chain.
func (j *jsonl) certificate(c *stream.Certificate, conn *stream.Conn) {
	j.open()
	j.str("subject", c.Subject)
	j.str("issuer", c.Issuer)
	if c.CommonName != "" {
		j.str("common_name", c.CommonName)
	}
	if len(c.Names) > 0 {
		writeStrings(&j.object, "names", c.Names)
	}
	j.time("not_before", c.NotBefore)
	j.time("not_after", c.NotAfter)
	j.bool("valid", c.ValidAt(conn.First.Time()))
	j.str("key", c.Key)
	j.str("signature", c.Signature)
	j.bool("self_signed", c.SelfSigned)
	if c.Chain > 0 {
		j.int("chain", int64(c.Chain))
	}
	if len(c.Issuers) > 0 {
		j.key("issuers")
		j.buf = append(j.buf, '[')
		for i := range c.Issuers {
			j.comma()
			j.certificate(&c.Issuers[i], conn)
		}
		j.buf = append(j.buf, ']')
	}
	j.close()
}
