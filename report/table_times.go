package report

import (
	"io"
	"strings"

	"popscope/report/timing"
)

// fewSlowest is how many clients and users the table of times lists.
const fewSlowest = 10

// writeTimes writes, with Options.Verbose, how long everything took.
func (t *table) writeTimes(w io.Writer) error {
	if t.times == nil || t.times.All.Exchanges == 0 {
		return nil
	}
	commands := &grid{columns: append([]column{{title: "Command"}, {title: "Sent", right: true}, {title: "Pipelined", right: true, drop: 2}}, responseColumns()...)}
	for _, f := range t.times.Commands().Rows() {
		commands.add(append([]string{f.Key, commas(f.Exchanges), commas(f.Pipelined)}, responseCells(f)...)...)
	}
	if err := t.section(w, "Response times by command", commands, ""); err != nil {
		return err
	}
	for _, by := range []struct {
		title, column string
		group         *timing.Group
	}{{"Times by server", "Server", t.times.Servers()}, {"Times by client, the slowest first", "Client", t.times.Clients()}, {"Times by user, the slowest first", "User", t.times.Users()}} {
		if err := t.writeTimesBy(w, by.title, by.column, by.group); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, wrapText(timesInWords(t.times), t.opt.Width)+"\n")
	return err
}

// writeTimesBy writes a row for each server, client or user.
func (t *table) writeTimesBy(w io.Writer, title, key string, group *timing.Group) error {
	g := &grid{columns: append(append([]column{{title: key, wire: true, soft: 16, hard: 12}, {title: "Sessions", right: true, drop: 3}}, responseColumns()...),
		column{title: "Transfer", right: true, last: 3}, column{title: "Resent", right: true, drop: 1}, column{title: "Stalled", right: true, drop: 1})}
	rows := group.Slowest()
	more := max(0, len(rows)-fewSlowest)
	for _, f := range rows[:len(rows)-more] {
		g.add(append(append([]string{inertUpTo([]byte(f.Key), maxCell), commas(f.Sessions)}, responseCells(f)...),
			transferCell(&f.Transfer), commas(f.Stalls.Retransmitted), stalledCell(&f.Stalls))...)
	}
	note := ""
	if more > 0 {
		note = count(more, "faster one") + " not listed"
	}
	return t.section(w, title, g, note)
}

func responseColumns() []column {
	return []column{{title: "Replies", right: true, drop: 4}, {title: "p50", right: true}, {title: "p95", right: true}, {title: "p99", right: true, last: 1}, {title: "Max", right: true, last: 2}}
}

// responseCells writes the distribution of response times.
func responseCells(f *timing.Figures) []string {
	h := &f.Response
	if h.Count() == 0 {
		return []string{"0", "-", "-", "-", "-"}
	}
	return []string{commas(h.Count()), duration(h.Percentile(50)), duration(h.Percentile(95)), duration(h.Percentile(99)), duration(h.Max())}
}

// transferCell writes how fast messages came.
func transferCell(t *timing.Transfer) string {
	if t.Rates.Count() == 0 {
		return "-"
	}
	return rate(t.Rate())
}

// stalledCell writes the time that was lost.
func stalledCell(s *timing.Stalls) string {
	if !s.Any() {
		return "-"
	}
	return duration(s.ResendNanos + s.ZeroNanos)
}

// timesInWords says how much was pipelined, and what held up transfers.
func timesInWords(t *timing.Times) string {
	f := &t.All
	text := "Pipelined: " + commas(f.Pipelined) + " of " + count(f.Exchanges, "command") + ". "
	if n := f.Transfer.Rates.Count(); n > 0 {
		text += "Transfer: " + count(n, "message") + " in several packets at " + rate(f.Transfer.Rate()) + ", half of them at " + rate(f.Transfer.Rates.Percentile(50)) + " or less. "
	}
	s := &f.Stalls
	if !s.Any() {
		return text + "No stalls."
	}
	var parts []string
	if s.Retransmitted > 0 {
		parts = append(parts, count(s.Retransmitted, "segment")+" sent again after "+duration(s.ResendNanos)+" of silence")
	}
	if s.ZeroWindows > 0 {
		parts = append(parts, count(s.ZeroWindows, "closed window")+" for "+duration(s.ZeroNanos))
	}
	return text + "Stalls: " + strings.Join(parts, ", ") + "."
}
