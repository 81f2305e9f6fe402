package report

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/report/timing"
)

// The table keeps a bounded amount of text, and counts what goes beyond it.
const (
	maxRemarked = 1000
	maxLogins   = 10_000 // different ones
	maxMessages = 10_000
	fewRemarks  = 100 // without Options.Verbose
	fewLogins   = 100
	fewMessages = 100
	maxCell     = 120 // octets kept of a text from the wire
	manySkipped = "; --format jsonl has them all"
)

// table collects rows while sessions come and writes everything at the
// end, the sessions sorted by start. When they are many it writes rows of
// sessions before: see table_sessions.go. In another dress it is
// the markdown format.
type table struct {
	w     io.Writer
	opt   Options
	paint paint
	most  most
	md    bool // markdown

	sessions sessionRows
	remarks  []string               // of the sessions written, up to a limit
	unsaid   int64                  // sessions with remarks beyond it
	pending  map[string]*sessionRow // sessions of which more parts come
	logins   map[loginKey]int64
	loginsNo int64 // different logins beyond the limit
	messages []messageRow
	mailsNo  int64 // messages beyond the limit
	findings findingRows
	tls      []tlsRow      // with Options.Verbose, up to the limit on messages
	times    *timing.Times // nil without Options.Verbose

	software   map[softwareKey]int64
	softwareNo int64 // sessions with software beyond maxSoftware
}

// most is how many rows of each kind are kept.
type most struct{ window, remarks, logins, messages int }

// loginKey is what logins have in common that share a line.
type loginKey struct {
	user, server, mechanism string
	outcome                 pop3parse.Outcome
	reason                  pop3parse.Reason
	exposure                pop3parse.Exposure
}

// messageRow is one line of the table of messages.
type messageRow struct {
	session       *sessionRow
	name          string
	subject, from string
	octets        int64
	verdict       pop3parse.Verdict
	attachments   int
}

func newTable(w io.Writer, o Options) (Writer, error) {
	t := &table{
		w: w, opt: o, paint: paint(o.Color), most: most{maxWindow, maxRemarked, maxLogins, maxMessages},
		pending: make(map[string]*sessionRow),
		logins:  make(map[loginKey]int64), software: make(map[softwareKey]int64),
	}
	if o.Verbose {
		t.times = timing.New()
	}
	return t, nil
}

// Write adds a session, or a part of one.
func (t *table) Write(r *popscope.Result) error {
	row := t.pending[r.ID]
	if row == nil {
		row = newSessionRow(r)
	}
	t.addLogins(row, r.Logins)
	t.addMessages(row, r.Messages)
	for i := range r.Findings {
		t.findings.add(&r.Findings[i])
	}
	if t.times != nil {
		t.times.Add(r)
	}
	if !r.Last {
		t.pending[r.ID] = row
		return nil
	}
	delete(t.pending, r.ID)
	t.addSoftware(r)
	row.finish(r)
	t.addTLS(row, r)
	return t.addSession(row)
}

// addLogins counts the logins of a session.
func (t *table) addLogins(row *sessionRow, logins []pop3parse.Login) {
	for i := range logins {
		l := &logins[i]
		user := inertUpTo(l.User, maxCell)
		if l.User == nil {
			user = "-"
		}
		if len(row.users) < 2 && !slices.Contains(row.users, user) {
			row.users = append(row.users, user)
		}
		switch l.Outcome {
		case pop3parse.Success:
			row.ok++
		case pop3parse.Failure:
			row.bad++
		default:
			row.open++
		}
		key := loginKey{user, row.server.String(), inertUpTo([]byte(l.Mechanism), maxCell), l.Outcome, l.Reason, l.Exposure}
		if _, known := t.logins[key]; known || len(t.logins) < t.most.logins {
			t.logins[key]++
		} else {
			t.loginsNo++
		}
	}
}

// addMessages notes the messages of a session.
func (t *table) addMessages(row *sessionRow, messages []popscope.Message) {
	for i := range messages {
		m := &messages[i]
		row.octets += m.Octets
		if len(t.messages) == t.most.messages {
			t.mailsNo++
			continue
		}
		line := messageRow{session: row, name: messageName(m), octets: m.Octets, verdict: m.Verdict}
		if m.Mail != nil {
			line.subject = inertUpTo([]byte(m.Mail.Subject), maxCell)
			line.from = inertUpTo([]byte(m.Mail.From), maxCell)
			line.attachments = len(m.Mail.Attachments)
		}
		t.messages = append(t.messages, line)
	}
}

// Close writes what has not been written.
func (t *table) Close(s popscope.Summary) error {
	for i := range s.Across {
		t.findings.add(&s.Across[i])
	}
	var out bytes.Buffer
	parts := []func(io.Writer) error{t.writeSessions, t.writeTLS, t.writeRemarks, t.writeLogins, t.writeMessages, t.writeSoftware, t.writeTimes, t.writeFindings}
	if t.md {
		out.Write(appendMarkdownTotals(nil, &s))
	}
	for _, part := range parts {
		if err := part(&out); err != nil {
			return err
		}
		if _, err := out.WriteTo(t.w); err != nil {
			return err
		}
	}
	if t.md {
		return nil
	}
	_, err := t.w.Write(appendTotals(nil, &s, t.paint, t.opt.Width))
	return err
}

// section writes a grid with a title, and a line about what it leaves out.
func (t *table) section(w io.Writer, title string, g *grid, note string) error {
	if g.rows == 0 {
		return nil
	}
	if t.md {
		return markdownSection(w, title, g, note, t.opt.Wide)
	}
	io.WriteString(w, t.paint.bold(title)+"\n")
	dropped, err := g.render(w, t.width(), t.paint)
	if err != nil {
		return err
	}
	t.footer(w, dropped, note)
	return nil
}

// footer writes what stands below a grid.
func (t *table) footer(w io.Writer, dropped []string, note string) {
	if len(dropped) > 0 {
		say(w, t.paint.dim, noRoom(dropped, "; --wide shows all"), t.opt.Width)
	}
	if note != "" {
		say(w, t.paint.yellow, note, t.opt.Width)
	}
	io.WriteString(w, "\n")
}

// noRoom names the columns that were left out, and what can be done.
func noRoom(dropped []string, hint string) string {
	slices.Reverse(dropped)
	return "(no room for: " + strings.Join(dropped, ", ") + hint + ")"
}

// say writes a text of ours in a colour, wrapped at a width.
func say(w io.Writer, colour func(string) string, text string, width int) {
	io.WriteString(w, colour(strings.TrimSuffix(wrapText(text, width), "\n"))+"\n")
}

// width returns how wide a grid may be; 0 means no limit.
func (t *table) width() int {
	if t.opt.Wide {
		return 0
	}
	return t.opt.Width
}

// writeRemarks lists what limits the trust in sessions.
func (t *table) writeRemarks(w io.Writer) error {
	if len(t.remarks) == 0 {
		return nil
	}
	note := ""
	if t.unsaid > 0 {
		note = "remarks on " + count(t.unsaid, "more session") + manySkipped
	}
	if t.md {
		return markdownList(w, "Remarks", t.remarks, note)
	}
	io.WriteString(w, t.paint.bold("Remarks")+"\n")
	for _, line := range t.remarks {
		io.WriteString(w, wrapText(line, t.opt.Width))
	}
	if note != "" {
		say(w, t.paint.yellow, note, t.opt.Width)
	}
	io.WriteString(w, "\n")
	return nil
}

// writeLogins writes a row for each kind of login and how often it came.
func (t *table) writeLogins(w io.Writer) error {
	keys := make([]loginKey, 0, len(t.logins))
	for k := range t.logins {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b loginKey) int {
		return cmp.Or(strings.Compare(a.user, b.user), strings.Compare(a.server, b.server), strings.Compare(a.mechanism, b.mechanism),
			cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.reason, b.reason), cmp.Compare(a.exposure, b.exposure))
	})
	g := &grid{columns: []column{
		{title: "User", wire: true, soft: 12, hard: 6},
		{title: "Server", wire: true, hard: 12, brief: []string{}, last: 2},
		{title: "Mechanism", wire: true, hard: 6},
		{title: "Outcome", soft: 18, hard: 8},
		{title: "Exposure"},
		{title: "Times", right: true, last: 1},
	}}
	shown := keys[:t.limit(fewLogins, len(keys))]
	for _, k := range shown {
		g.columns[1].brief = append(g.columns[1].brief, withoutPort(k.server))
		l := pop3parse.Login{Outcome: k.outcome, Reason: k.reason}
		g.add(k.user, k.server, k.mechanism, outcomeText(&l, t.paint), exposureText(k.exposure, t.paint), commas(t.logins[k]))
	}
	note := ""
	switch {
	case t.loginsNo > 0:
		note = count(t.loginsNo, "more login") + " of other kinds not listed" + manySkipped
	case len(shown) < len(keys):
		note = count(len(keys)-len(shown), "more row") + "; --verbose shows them"
	}
	return t.section(w, "Logins", g, note)
}

// writeMessages writes a row for each message.
func (t *table) writeMessages(w io.Writer) error {
	slices.SortStableFunc(t.messages, func(a, b messageRow) int { return cmp.Compare(a.session.order(), b.session.order()) })
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "Message"},
		{title: "Subject", wire: true, soft: 16, hard: 8},
		{title: "From", wire: true, soft: 16, drop: 2},
		{title: "Octets", right: true},
		{title: "Verdict"},
		{title: "Attached", right: true, drop: 1},
	}}
	shown := t.messages[:t.limit(fewMessages, len(t.messages))]
	for _, m := range shown {
		num := "-"
		if m.session.num > 0 {
			num = strconv.Itoa(m.session.num)
		}
		g.add(num, m.name, m.subject, m.from, commas(m.octets), verdictText(m.verdict, t.paint), commas(int64(m.attachments)))
	}
	note := ""
	switch {
	case t.mailsNo > 0:
		note = count(t.mailsNo+int64(len(t.messages)-len(shown)), "more message") + " not listed" + manySkipped
	case len(shown) < len(t.messages):
		note = count(len(t.messages)-len(shown), "more message") + "; --verbose shows them"
	}
	return t.section(w, "Messages", g, note)
}

// limit returns how many of all rows a section shows.
func (t *table) limit(few, all int) int {
	switch {
	case t.opt.Verbose:
		return all
	case t.md:
		return min(fewMarkdown, few, all)
	}
	return min(few, all)
}
