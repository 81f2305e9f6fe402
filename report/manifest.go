package report

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sort"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/message"
	"popscope/report/mailfile"
)

// Manifest writes what became of the messages of a capture. The formats
// are jsonl, which ManifestSchema describes, and table.
type Manifest interface {
	// Write adds the messages of one session, or of one part of it.
	Write([]mailfile.Saved) error
	// Close writes what only the end can tell. It does not close the
	// io.Writer below.
	Close(popscope.Summary) error
}

// ManifestFormats returns the names that NewManifest knows, the default
// one first.
func ManifestFormats() []string { return []string{"table", "jsonl"} }

// NewManifest returns a Manifest that writes to w.
func NewManifest(format string, w io.Writer, o Options) (Manifest, error) {
	switch format {
	case "table":
		return newManifestTable(w, o), nil
	case "jsonl":
		o.Records = []string{"run", "summary"}
		j, err := newJSONL(w, o)
		if err != nil {
			return nil, err
		}
		return &manifestJSONL{j.(*jsonl)}, nil
	}
	return nil, &OptionError{Option: "format", Value: format, Hint: "the formats are " + list(ManifestFormats())}
}

// manifestJSONL writes one JSON object for each message, between a run
// and a summary.
type manifestJSONL struct{ j *jsonl }

// Write implements Manifest.
func (m *manifestJSONL) Write(saved []mailfile.Saved) error {
	for i := range saved {
		m.j.saved(&saved[i])
	}
	return m.j.flush()
}

// Close implements Manifest.
func (m *manifestJSONL) Close(s popscope.Summary) error { return m.j.Close(s) }

// saved writes where a message came from and where it went.
func (j *jsonl) saved(s *mailfile.Saved) {
	r, m := s.Result, s.Message
	j.begin("extracted")
	j.int("n", int64(s.N))
	j.str("session", r.ID)
	j.endpoint("client", r.Conn.Client)
	j.endpoint("server", r.Conn.Server)
	j.word("tls", r.TLS.String())
	if r.Session.User != nil {
		j.bytes("user", r.Session.User)
	}
	j.int("exchange", int64(m.Exchange))
	j.str("command", string(m.Command))
	j.int("number", int64(m.Number))
	if m.UIDL != nil {
		j.bytes("uidl", m.UIDL)
	}
	j.claims(r, m)
	j.int("octets", m.Octets)
	if m.SHA256 != [32]byte{} {
		j.digest("sha256", m.SHA256)
	}
	j.word("verdict", m.Verdict.String())
	j.doubts(r, m)
	j.fileGaps(s)
	j.origin(m)
	j.headers(m.Mail)
	j.place(s)
	j.parts(s)
	if m.Mail != nil && len(m.Mail.Faults) > 0 {
		writeStrings(&j.object, "faults", m.Mail.Faults)
	}
	j.earlier(s.Earlier)
	j.end()
}

// doubts writes what the exchange of a message says of it: that its pairing,
// and so the number of the message, is not sure, and its notes.
func (j *jsonl) doubts(r *popscope.Result, m *popscope.Message) {
	i := sort.Search(len(r.Exchanges), func(i int) bool { return r.Exchanges[i].N >= m.Exchange })
	if i == len(r.Exchanges) || r.Exchanges[i].N != m.Exchange {
		return
	}
	x := &r.Exchanges[i]
	if x.Pairing != pop3parse.Sure {
		j.word("pairing", x.Pairing.String())
	}
	j.notes(x.Notes)
}

// claims writes the sizes that the server claimed.
func (j *jsonl) claims(r *popscope.Result, m *popscope.Message) {
	if r.Session.StatMessages >= 0 {
		j.int("stat_messages", r.Session.StatMessages)
		j.int("stat_octets", r.Session.StatOctets)
	}
	if m.Listed >= 0 {
		j.int("list_octets", m.Listed)
	}
	if m.Announced >= 0 {
		j.int("announced_octets", m.Announced)
	}
}

// fileGaps writes the gap map.
func (j *jsonl) fileGaps(s *mailfile.Saved) {
	if len(s.Gaps) == 0 {
		return
	}
	exact := s.Err == nil && s.File != mailfile.MboxName
	j.key("gaps")
	j.buf = append(j.buf, '[')
	for _, g := range s.Gaps {
		j.comma()
		j.open()
		j.int("offset", g.Offset)
		j.int("length", g.Length)
		if exact {
			j.int("file_offset", g.FileOffset)
		}
		if s.Err == nil && g.Filled > 0 {
			j.int("filled", g.Filled)
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
	if s.Message.GapsMerged {
		j.bool("gaps_merged", true)
	}
}

// origin writes where in the capture the first and the last byte are.
func (j *jsonl) origin(m *popscope.Message) {
	j.word("sent_by", m.From.String())
	j.packet("first_packet", m.First.Packet)
	j.packet("last_packet", m.Last.Packet)
	if m.Octets > 0 {
		j.int("first_offset", m.FirstOff)
		j.int("last_offset", m.LastOff)
	}
	if m.First.Packet > 0 {
		j.nanos("first_time", m.First.Nanos)
		j.nanos("last_time", m.Last.Nanos)
	}
}

// place writes which file holds the message, or why none does.
func (j *jsonl) place(s *mailfile.Saved) {
	if s.Err != nil {
		j.str("error", errorText(s.Err))
		return
	}
	j.str("file", s.File)
	if s.File == mailfile.MboxName {
		j.int("file_offset", s.Offset)
	}
	if s.Octets != s.Message.Octets || s.File == mailfile.MboxName {
		j.int("file_octets", s.Octets)
	}
	if s.SHA256 != nil {
		j.digest("file_sha256", *s.SHA256)
	}
}

// errorText returns why a file could not be written, without its name:
// that may be one of a temporary file.
func errorText(err error) string {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return err.Error()
}

// parts writes the attachments and their files.
func (j *jsonl) parts(s *mailfile.Saved) {
	j.key("attachments")
	j.buf = append(j.buf, '[')
	for i := range attachmentsOf(s.Message) {
		j.comma()
		j.open()
		j.attachment(&s.Message.Mail.Attachments[i])
		if i < len(s.Attachments) {
			if f := &s.Attachments[i]; f.Err != nil {
				j.str("error", errorText(f.Err))
			} else {
				j.str("file", f.File)
			}
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// earlier writes when the same message was fetched before.
func (j *jsonl) earlier(fetches []mailfile.Fetch) {
	if len(fetches) == 0 {
		return
	}
	j.key("earlier")
	j.buf = append(j.buf, '[')
	for _, f := range fetches {
		j.comma()
		j.open()
		j.str("session", f.Session)
		j.int("exchange", int64(f.Exchange))
		j.str("command", string(f.Command))
		if f.File != "" {
			j.str("file", f.File)
		}
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// attachmentsOf returns the attachments of a message, as far as they are
// known.
func attachmentsOf(m *popscope.Message) []message.Attachment {
	if m.Mail == nil {
		return nil
	}
	return m.Mail.Attachments
}
