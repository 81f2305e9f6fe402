package report

import (
	"cmp"
	"container/heap"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse/ledger"
	"popscope/reassembly/stream"
)

// maxWindow is how many sessions wait to be sorted and to tell the widths
// of the columns: about 5 MB. Where there are more, the earliest one is
// written whenever another comes.
const maxWindow = 10_000

// sessionRow is one line of the table of sessions.
type sessionRow struct {
	id             string
	start, end     int64
	arrival, num   int // place in the order of arrival; number in the table
	client, server netip.AddrPort
	users          []string // the first two different ones
	ok, bad, open  int      // logins by outcome
	tls            string
	commands       int
	mails          int
	octets         int64
	deleted        int
	marks          ledger.Outcome // of those that are counted as deleted
	closed, state  string
	packets, bytes int64
	lost           int64
	remarks        []string
}

func newSessionRow(r *popscope.Result) *sessionRow {
	c := r.Conn
	return &sessionRow{id: r.ID, start: c.First.Nanos, client: c.Client, server: c.Server}
}

// finish completes a row with the last part of its session.
func (row *sessionRow) finish(r *popscope.Result) {
	c := r.Conn
	row.end = c.Last.Nanos
	row.tls = tlsCell(r)
	row.commands = r.Session.Exchanges
	row.mails = r.Session.Messages
	row.deleted = r.Session.Deleted
	row.marks, _ = ledger.AtEnd(r.Session.Ending)
	row.closed, row.state = c.Close.String(), r.Session.State.String()
	row.packets = c.Packets[stream.Client] + c.Packets[stream.Server]
	row.bytes = c.Bytes[stream.Client] + c.Bytes[stream.Server]
	row.lost = c.Lost[stream.Client] + c.Lost[stream.Server]
	row.remarks = remarksOf(r)
}

// tlsCell writes the encryption in a word.
func tlsCell(r *popscope.Result) string {
	switch {
	case r.TLS == popscope.NoTLS:
		return "-"
	case r.TLSInfo == nil:
		return r.TLS.String()
	case r.TLSInfo.Version == 0:
		return r.TLS.String() + obstacleCell(r.TLSInfo)
	}
	return r.TLS.String() + " " + strings.TrimPrefix(tlsVersion(r.TLSInfo.Version), "TLS ") + obstacleCell(r.TLSInfo)
}

// order returns where the session stands in the table; those that are not
// in it come last.
func (row *sessionRow) order() int {
	if row.num == 0 {
		return math.MaxInt
	}
	return row.num
}

// sessionRows are the rows that wait. Once rows have been written, the
// layout is fixed.
//
//	Write -> [rows: a window of sessions, the earliest in front] -> written
type sessionRows struct {
	rows    rowHeap
	arrived int
	skipped int64 // markdown: beyond the window

	streaming bool
	layout    layout
	line      *grid // one row at a time
	written   int
	last      int64 // start of the row written last
	late      int64 // rows that should have stood before it
}

// addSession takes a finished row.
func (t *table) addSession(row *sessionRow) error {
	s := &t.sessions
	window := t.most.window
	if t.opt.Live {
		window = 0
	}
	row.arrival = s.arrived
	s.arrived++
	if t.md && len(s.rows) >= window {
		s.skipped++
		return nil
	}
	heap.Push(&s.rows, row)
	for len(s.rows) > window {
		if !s.streaming {
			if err := t.beginStreaming(); err != nil {
				return err
			}
		}
		if err := t.writeEarliest(); err != nil {
			return err
		}
	}
	return nil
}

// beginStreaming lays out the table by the rows that wait, and writes its
// head.
func (t *table) beginStreaming() error {
	s := &t.sessions
	s.streaming, s.last = true, math.MinInt64
	sample := t.sessionGrid()
	if t.opt.Live {
		addTypical(sample)
	}
	for _, row := range s.rows {
		t.addRow(sample, row, clock, "01-02 15:04:05")
	}
	s.layout = sample.layout(t.width())
	s.line = sample
	head := s.layout.appendLine([]byte(t.paint.bold("Sessions (times in UTC)")+"\n"), s.layout.header(t.paint))
	_, err := t.w.Write(s.layout.appendLine(head, s.layout.rule(t.paint)))
	return err
}

// writeEarliest writes the row that started first.
func (t *table) writeEarliest() error {
	s := &t.sessions
	row := heap.Pop(&s.rows).(*sessionRow)
	if row.start < s.last {
		s.late++
	}
	s.last = max(s.last, row.start)
	t.number(row)
	s.line.clear()
	t.addRow(s.line, row, clock, "01-02 15:04:05")
	_, err := t.w.Write(s.layout.appendLine(nil, s.layout.row(0)))
	return err
}

// number gives a row its place in the table.
func (t *table) number(row *sessionRow) {
	t.sessions.written++
	row.num = t.sessions.written
	if len(row.remarks) == 0 {
		return
	}
	if len(t.remarks) < t.limit(fewRemarks, t.most.remarks) {
		t.remarks = append(t.remarks, "session "+strconv.Itoa(row.num)+": "+strings.Join(row.remarks, "; "))
	} else {
		t.unsaid++
	}
	row.remarks = nil
}

// writeSessions writes the rows that still wait.
func (t *table) writeSessions(w io.Writer) error {
	s := &t.sessions
	if s.streaming {
		return t.endStreaming(w)
	}
	if len(s.rows) == 0 {
		return nil
	}
	slices.SortFunc(s.rows, compareRows)
	layout, brief, title := clock, "01-02 15:04:05", "Sessions (times in UTC)"
	first, last := utc(s.rows[0].start), utc(s.rows[len(s.rows)-1].start)
	if day := first.Format("2006-01-02"); day == last.Format("2006-01-02") {
		layout, brief, title = "15:04:05", "15:04:05", "Sessions of "+day+" (UTC)"
	} else if first.Year() != last.Year() {
		brief = "2006-01-02 15:04"
	}
	shown := len(s.rows)
	if t.md {
		shown = t.limit(shown, shown)
	}
	g := t.sessionGrid()
	for i, row := range s.rows {
		t.number(row)
		if i < shown {
			t.addRow(g, row, layout, brief)
		}
	}
	note := ""
	if more := s.skipped + int64(len(s.rows)-shown); more > 0 {
		note = count(more, "more session") + " not listed" + manySkipped
	}
	return t.section(w, title, g, note)
}

// endStreaming writes the rest of a table of which the most is written.
func (t *table) endStreaming(w io.Writer) error {
	s := &t.sessions
	for len(s.rows) > 0 {
		if err := t.writeEarliest(); err != nil {
			return err
		}
	}
	note := "in the order in which they ended"
	if !t.opt.Live {
		note = "sorted by start within " + commas(int64(t.most.window)) + " sessions"
		if s.late > 0 {
			note += "; " + count(s.late, "session") + " stand below a later one"
		}
	}
	t.footer(w, s.layout.dropped, note)
	return nil
}

// sessionGrid returns the columns of the sessions, the most useful first.
func (t *table) sessionGrid() *grid {
	g := &grid{columns: []column{
		{title: "#", right: true, last: 2},
		{title: "Start", brief: []string{}, last: 3},
		{title: "Client", wire: true, hard: 10, brief: []string{}},
		{title: "Server", wire: true, hard: 10, brief: []string{}, last: 4},
		{title: "User", wire: true, soft: 12, hard: 6},
		{title: "Login", soft: 10, hard: 6},
		{title: "TLS", drop: 3},
		{title: "Cmds", right: true, drop: 6},
		{title: "Msgs", right: true, last: 1},
		{title: "Octets", right: true, drop: 1},
		{title: "Deleted", drop: 4},
		{title: "End", drop: 5},
	}}
	if t.opt.Wide {
		g.columns = append(g.columns, column{title: "Lasted", right: true}, column{title: "State"}, column{title: "Packets", right: true},
			column{title: "Bytes", right: true}, column{title: "Lost", right: true}, column{title: "Session", wire: true})
	}
	return g
}

// addRow adds a session to the grid, its start in two layouts.
func (t *table) addRow(g *grid, row *sessionRow, layout, brief string) {
	start, client, server := &g.columns[1], &g.columns[2], &g.columns[3]
	start.brief = append(start.brief, utc(row.start).Format(brief))
	client.brief = append(client.brief, row.client.Addr().String())
	server.brief = append(server.brief, withoutPort(row.server.String()))
	cells := []string{strconv.Itoa(row.num), utc(row.start).Format(layout), row.client.String(), row.server.String(), row.userCell(), row.loginCell(t.paint), row.tls,
		commas(int64(row.commands)), commas(int64(row.mails)), commas(row.octets), row.deletedCell(), row.closed}
	if t.opt.Wide {
		lost := "-"
		if row.lost > 0 {
			lost = t.paint.yellow(commas(row.lost))
		}
		cells = append(cells, duration(row.end-row.start), row.state, commas(row.packets), commas(row.bytes), lost, row.id)
	}
	g.add(cells...)
}

// addTypical adds what most sessions keep within, for a table whose
// columns have to be wide enough for what comes.
func addTypical(g *grid) {
	cells := []string{"1000", clock, "198.51.100.100:55555", "198.51.100.100:110", "alice.example", "ok", "implicit 1.3", "100", "100", "1,000,000", "10 undone", "timeout",
		"1 min 10 s", "authorization", "10,000", "1,000,000", "1,000", "000000000000"}
	g.columns[1].brief = append(g.columns[1].brief, "01-02 15:04:05")
	g.columns[2].brief = append(g.columns[2].brief, "198.51.100.100")
	g.columns[3].brief = append(g.columns[3].brief, "198.51.100.100")
	g.add(cells[:len(g.columns)]...)
}

// rowHeap has the session in front that started first.
type rowHeap []*sessionRow

func (h rowHeap) Len() int           { return len(h) }
func (h rowHeap) Less(i, j int) bool { return compareRows(h[i], h[j]) < 0 }
func (h rowHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *rowHeap) Push(x any)        { *h = append(*h, x.(*sessionRow)) }
func (h *rowHeap) Pop() any {
	old := *h
	row := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return row
}

func compareRows(a, b *sessionRow) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.arrival, b.arrival))
}

// withoutPort leaves out the port of a server where it is that of POP3.
func withoutPort(server string) string { return strings.TrimSuffix(server, ":110") }

// userCell writes who logged in.
func (row *sessionRow) userCell() string {
	switch len(row.users) {
	case 0:
		return "-"
	case 1:
		return row.users[0]
	}
	return row.users[0] + ", ..."
}

// loginCell writes how the logins ended.
func (row *sessionRow) loginCell(p paint) string {
	var parts []string
	add := func(n int, what string) {
		switch {
		case n > 1:
			parts = append(parts, commas(int64(n))+" "+what)
		case n == 1:
			parts = append(parts, what)
		}
	}
	add(row.ok, p.green("ok"))
	add(row.bad, p.red("failed"))
	add(row.open, "unknown")
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// deletedCell writes how many messages were marked, and whether that
// counted.
func (row *sessionRow) deletedCell() string {
	if row.deleted == 0 {
		return "-"
	}
	cell := commas(int64(row.deleted))
	switch row.marks {
	case ledger.Committed:
		return cell
	case ledger.RolledBack:
		return cell + " undone"
	}
	return cell + " unknown"
}
