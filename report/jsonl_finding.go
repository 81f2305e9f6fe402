package report

import (
	"strconv"

	"popscope/pop3parse/audit"
)

// finding writes a finding about one session, or with session "" about
// several.
func (j *jsonl) finding(session string, f *audit.Finding) {
	j.begin("finding")
	if session != "" {
		j.str("session", session)
	} else {
		writeStrings(&j.object, "sessions", f.Sessions)
	}
	j.str("rule", f.Rule)
	j.word("severity", f.Severity.String())
	j.str("title", f.Title)
	j.str("detail", f.Detail)
	if f.Advice != "" {
		j.str("advice", f.Advice)
	}
	if f.RFC != "" {
		j.str("rfc", f.RFC)
	}
	j.key("packets")
	j.buf = append(j.buf, '[')
	for _, n := range f.Packets {
		j.comma()
		j.buf = strconv.AppendInt(j.buf, n, 10)
	}
	j.buf = append(j.buf, ']')
	if f.User != nil {
		j.bytes("user", f.User)
	}
	if session == "" && f.Client.IsValid() {
		j.str("client", f.Client.String())
	}
	if session == "" && f.Server.IsValid() {
		j.endpoint("server", f.Server)
	}
	j.append("id", f.AppendID)
	j.end()
}
