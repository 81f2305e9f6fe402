package report

import (
	"bytes"
	"io"
	"strconv"

	"popscope"
	"popscope/pop3parse"
	"popscope/report/mailfile"
)

// manifestTable lists the files on a terminal. Like the table of sessions
// it keeps a bounded number of rows, and counts what goes beyond.
type manifestTable struct {
	w     io.Writer
	opt   Options
	paint paint

	rows                []fileRow
	messages, octets    int64
	attachments, failed int64
	damaged             int64 // messages that are not complete
}

// fileRow is one line of the table.
type fileRow struct {
	n           int
	user, name  string
	octets      int64
	verdict     pop3parse.Verdict
	attachments int
	file        string
	failed      bool
}

func newManifestTable(w io.Writer, o Options) *manifestTable {
	return &manifestTable{w: w, opt: o, paint: paint(o.Color)}
}

// Write implements Manifest.
func (t *manifestTable) Write(saved []mailfile.Saved) error {
	for i := range saved {
		t.add(&saved[i])
	}
	return nil
}

func (t *manifestTable) add(s *mailfile.Saved) {
	m := s.Message
	if s.Err == nil {
		t.messages++
		t.octets += m.Octets
	} else {
		t.failed++
	}
	if m.Verdict != pop3parse.Complete {
		t.damaged++
	}
	for _, a := range s.Attachments {
		if a.Err == nil {
			t.attachments++
		}
	}
	if len(t.rows) >= t.most() {
		return
	}
	row := fileRow{n: s.N, name: messageName(m), octets: m.Octets, verdict: m.Verdict, attachments: len(attachmentsOf(m)), file: Inert(s.File)}
	if row.user = inertUpTo(s.Result.Session.User, maxCell); row.user == "" {
		row.user = "-"
	}
	if s.Err != nil {
		row.file, row.failed = errorText(s.Err), true
	}
	t.rows = append(t.rows, row)
}

// most is how many rows are shown.
func (t *manifestTable) most() int {
	if t.opt.Verbose {
		return maxMessages
	}
	return fewMessages
}

// Close implements Manifest.
func (t *manifestTable) Close(popscope.Summary) error {
	var out bytes.Buffer
	if err := t.list(&out); err != nil {
		return err
	}
	line := t.paint.bold(count(t.messages, "message")) + " of " + count(t.octets, "octet") + " written"
	if t.attachments > 0 {
		line += ", " + count(t.attachments, "attachment")
	}
	if t.damaged > 0 {
		line += "; " + t.paint.yellow(commas(t.damaged)+" not complete")
	}
	if t.failed > 0 {
		line += "; " + t.paint.red(commas(t.failed)+" not written")
	}
	out.WriteString(line + "\n")
	_, err := out.WriteTo(t.w)
	return err
}

// list writes a row for each message.
func (t *manifestTable) list(w *bytes.Buffer) error {
	if len(t.rows) == 0 {
		return nil
	}
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "User", soft: 12, drop: 3},
		{title: "Message"},
		{title: "Octets", right: true, drop: 2},
		{title: "Verdict"},
		{title: "Attached", right: true, drop: 4},
		{title: "File", hard: 16},
	}}
	for _, r := range t.rows {
		file := r.file
		if r.failed {
			file = t.paint.red("not written: " + file)
		}
		g.add(strconv.Itoa(r.n), r.user, r.name, commas(r.octets), verdictText(r.verdict, t.paint), commas(int64(r.attachments)), file)
	}
	page := &table{opt: t.opt, paint: t.paint}
	dropped, err := g.render(w, page.width(), t.paint)
	if err != nil {
		return err
	}
	note := ""
	if more := t.messages + t.failed - int64(len(t.rows)); more > 0 {
		note = count(more, "more message") + " in " + mailfile.ManifestName
	}
	page.footer(w, dropped, note)
	return nil
}
