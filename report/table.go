package report

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/report/timing"
)

// The table keeps a bounded amount of text: a row for each session, the
// different logins and the messages, each up to a limit, and counts what
// goes beyond it.
const (
	maxSessions = 100_000 // nobody reads more, and 100 MB is enough
	maxLogins   = 10_000
	maxMessages = 10_000
	fewLogins   = 100 // without Options.Verbose
	fewMessages = 100
	maxCell     = 120 // octets kept of a text from the wire
	manySkipped = "; --format jsonl has them all"
)

// table collects rows while sessions come and writes everything at the
// end, the sessions sorted by start.
type table struct {
	w     io.Writer
	opt   Options
	paint paint
	most  most

	rows     []*sessionRow
	skipped  int64                  // sessions beyond maxSessions
	pending  map[string]*sessionRow // sessions of which more parts come
	logins   map[loginKey]int64
	loginsNo int64 // different logins beyond maxLogins
	messages []messageRow
	mailsNo  int64         // messages beyond maxMessages
	times    *timing.Times // nil without Options.Verbose
}

// most is how many rows of each kind are kept.
type most struct{ sessions, logins, messages int }

// sessionRow is one line of the table of sessions.
type sessionRow struct {
	start          int64
	arrival, num   int // place in the order of arrival; number in the table
	client, server string
	clientIP       string
	users          []string // the first two different ones
	ok, bad, open  int      // logins by outcome
	tls            string
	commands       int
	mails          int
	octets         int64
	deleted        int
	committed      bool
	closed         string
	remarks        []string
}

// loginKey is what logins have in common that share a line.
type loginKey struct {
	user, server, mechanism string
	outcome                 pop3parse.Outcome
	reason                  pop3parse.Reason
	exposure                pop3parse.Exposure
}

// messageRow is one line of the table of messages.
type messageRow struct {
	session           *sessionRow
	name              string
	subject, from     string
	octets            int64
	verdict           pop3parse.Verdict
	attachments, lost int
}

func newTable(w io.Writer, o Options) (Writer, error) {
	t := &table{
		w: w, opt: o, paint: paint(o.Color), most: most{maxSessions, maxLogins, maxMessages},
		pending: make(map[string]*sessionRow),
		logins:  make(map[loginKey]int64),
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
		c := r.Conn
		row = &sessionRow{start: c.First.Nanos, client: c.Client.String(), server: c.Server.String(), clientIP: c.Client.Addr().String()}
	}
	t.addLogins(row, r.Logins)
	t.addMessages(row, r.Messages)
	if t.times != nil {
		t.times.Add(r)
	}
	if !r.Last {
		t.pending[r.ID] = row
		return nil
	}
	delete(t.pending, r.ID)
	t.finish(row, r)
	return nil
}

// finish completes a row and files it.
func (t *table) finish(row *sessionRow, r *popscope.Result) {
	if len(t.rows) == t.most.sessions {
		t.skipped++
		return
	}
	row.arrival = len(t.rows)
	row.tls = tlsCell(r)
	row.commands = r.Session.Exchanges
	row.mails = r.Session.Messages
	row.deleted = r.Session.Deleted
	row.committed = r.Session.Committed
	row.closed = r.Conn.Close.String()
	row.remarks = remarksOf(r)
	t.rows = append(t.rows, row)
}

// tlsCell writes the encryption in a word.
func tlsCell(r *popscope.Result) string {
	switch {
	case r.TLS == popscope.NoTLS:
		return "-"
	case r.TLSInfo != nil && r.TLSInfo.Version != 0:
		return r.TLS.String() + " " + strings.TrimPrefix(tlsVersion(r.TLSInfo.Version), "TLS ")
	}
	return r.TLS.String()
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
		key := loginKey{user, row.server, inertUpTo([]byte(l.Mechanism), maxCell), l.Outcome, l.Reason, l.Exposure}
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
		line := messageRow{session: row, name: messageName(m), octets: m.Octets, verdict: m.Verdict, lost: len(m.Gaps)}
		if m.Mail != nil {
			line.subject = inertUpTo([]byte(m.Mail.Subject), maxCell)
			line.from = inertUpTo([]byte(m.Mail.From), maxCell)
			line.attachments = len(m.Mail.Attachments)
		}
		t.messages = append(t.messages, line)
	}
}

// Close writes everything.
func (t *table) Close(s popscope.Summary) error {
	slices.SortFunc(t.rows, func(a, b *sessionRow) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.arrival, b.arrival))
	})
	for i, row := range t.rows {
		row.num = i + 1
	}
	var out bytes.Buffer
	for _, section := range []func(io.Writer) error{t.writeSessions, t.writeRemarks, t.writeLogins, t.writeMessages, t.writeTimes} {
		if err := section(&out); err != nil {
			return err
		}
		if _, err := out.WriteTo(t.w); err != nil {
			return err
		}
	}
	_, err := t.w.Write(appendTotals(nil, &s, t.paint, t.opt.Width))
	return err
}

// section writes a grid with a title, and a line about what it leaves out.
func (t *table) section(w io.Writer, title string, g *grid, note string) error {
	if g.rows == 0 {
		return nil
	}
	io.WriteString(w, t.paint.bold(title)+"\n")
	dropped, err := g.render(w, t.opt.Width, t.paint)
	if err != nil {
		return err
	}
	if len(dropped) > 0 {
		io.WriteString(w, noRoom(dropped, t.paint))
	}
	if note != "" {
		io.WriteString(w, t.paint.yellow(note)+"\n")
	}
	io.WriteString(w, "\n")
	return nil
}

// noRoom names the columns that were left out.
func noRoom(dropped []string, p paint) string {
	slices.Reverse(dropped)
	return p.dim("(no room for: "+strings.Join(dropped, ", ")+")") + "\n"
}

// writeSessions writes a row for each session.
func (t *table) writeSessions(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	layout, brief, title := clock, "01-02 15:04:05", "Sessions (times in UTC)"
	first, last := utc(t.rows[0].start), utc(t.rows[len(t.rows)-1].start)
	if day := first.Format("2006-01-02"); day == last.Format("2006-01-02") {
		layout, brief, title = "15:04:05", "15:04:05", "Sessions of "+day+" (UTC)"
	} else if first.Year() != last.Year() {
		brief = "2006-01-02 15:04"
	}
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "Start", brief: []string{}},
		{title: "Client", hard: 12, brief: []string{}},
		{title: "Server", hard: 12, brief: []string{}},
		{title: "User", soft: 12, hard: 6},
		{title: "Login", soft: 10, hard: 6},
		{title: "TLS", drop: 2},
		{title: "Cmds", right: true, drop: 5},
		{title: "Msgs", right: true},
		{title: "Octets", right: true, drop: 1},
		{title: "Deleted", drop: 3},
		{title: "End", drop: 4},
	}}
	start, client, server := &g.columns[1], &g.columns[2], &g.columns[3]
	for _, row := range t.rows {
		start.brief = append(start.brief, utc(row.start).Format(brief))
		client.brief = append(client.brief, row.clientIP)
		server.brief = append(server.brief, withoutPort(row.server))
		g.add(strconv.Itoa(row.num), utc(row.start).Format(layout), row.client, row.server, row.userCell(), row.loginCell(t.paint), row.tls,
			commas(int64(row.commands)), commas(int64(row.mails)), commas(row.octets), row.deletedCell(), row.closed)
	}
	note := ""
	if t.skipped > 0 {
		note = count(t.skipped, "more session") + " not listed" + manySkipped
	}
	return t.section(w, title, g, note)
}

// withoutPort leaves out the port of a server where it is that of POP3.
func withoutPort(server string) string { return strings.TrimSuffix(server, ":110") }

// userCell writes who logged in.
func (r *sessionRow) userCell() string {
	switch len(r.users) {
	case 0:
		return "-"
	case 1:
		return r.users[0]
	}
	return r.users[0] + ", ..."
}

// loginCell writes how the logins ended.
func (r *sessionRow) loginCell(p paint) string {
	var parts []string
	add := func(n int, what string) {
		switch {
		case n > 1:
			parts = append(parts, commas(int64(n))+" "+what)
		case n == 1:
			parts = append(parts, what)
		}
	}
	add(r.ok, p.green("ok"))
	add(r.bad, p.red("failed"))
	add(r.open, "unknown")
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// deletedCell writes how many messages were marked, and whether that
// counted.
func (r *sessionRow) deletedCell() string {
	switch {
	case r.deleted == 0:
		return "-"
	case r.committed:
		return commas(int64(r.deleted))
	}
	return commas(int64(r.deleted)) + " undone"
}

// writeRemarks lists what limits the trust in sessions.
func (t *table) writeRemarks(w io.Writer) error {
	any := false
	for _, row := range t.rows {
		if len(row.remarks) == 0 {
			continue
		}
		if !any {
			io.WriteString(w, t.paint.bold("Remarks")+"\n")
			any = true
		}
		io.WriteString(w, wrap("session "+strconv.Itoa(row.num)+": ", row.remarks, "; ", t.opt.Width))
	}
	if any {
		io.WriteString(w, "\n")
	}
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
		{title: "User", soft: 12, hard: 6},
		{title: "Server", hard: 12, brief: []string{}},
		{title: "Mechanism", hard: 6},
		{title: "Outcome", soft: 18, hard: 8},
		{title: "Exposure"},
		{title: "Times", right: true},
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
		{title: "Subject", soft: 16, hard: 8},
		{title: "From", soft: 16, drop: 2},
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

// order returns where the session stands in the table; those that are not
// in it come last.
func (r *sessionRow) order() int {
	if r.num == 0 {
		return math.MaxInt
	}
	return r.num
}

// limit returns how many of all rows a section shows.
func (t *table) limit(few, all int) int {
	if t.opt.Verbose {
		return all
	}
	return min(few, all)
}
