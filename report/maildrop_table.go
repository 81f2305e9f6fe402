package report

import (
	"bytes"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse/ledger"
)

// maxBoxes is how many mailboxes the table lists.
const maxBoxes = 10_000

// table writes the mailboxes, and then the messages that something happened
// to.
func (m *maildrops) table(boxes []*ledger.Mailbox, s *popscope.Summary) error {
	t := &table{w: m.w, opt: m.opt, paint: paint(m.opt.Color)}
	var out bytes.Buffer
	for _, section := range []func(io.Writer, *table, []*ledger.Mailbox) error{m.writeBoxes, m.writeBoxMessages} {
		if err := section(&out, t, boxes); err != nil {
			return err
		}
		if _, err := out.WriteTo(m.w); err != nil {
			return err
		}
	}
	if skipped := m.ledger.Skipped(); skipped != (ledger.Skipped{}) {
		out.WriteString(t.paint.yellow("Left out at the limits: "+count(skipped.Mailboxes, "session")+" of more mailboxes, "+
			count(skipped.Messages, "mention")+" of more messages, "+count(skipped.Events, "more event")) + "\n")
	}
	_, err := m.w.Write(appendTotals(out.Bytes(), s, t.paint, m.opt.Width))
	return err
}

// writeBoxes writes a row for each mailbox.
func (m *maildrops) writeBoxes(w io.Writer, t *table, boxes []*ledger.Mailbox) error {
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "User", soft: 12, hard: 6},
		{title: "Server", hard: 12, brief: []string{}},
		{title: "Sessions", right: true, drop: 6},
		{title: "Clients", soft: 15, drop: 5},
		{title: "Messages", right: true, drop: 4},
		{title: "Fetched", right: true},
		{title: "Again", right: true, drop: 2},
		{title: "Deleted", right: true},
		{title: "Undone", right: true, drop: 3},
		{title: "Unknown", right: true, drop: 1},
	}}
	shown := boxes[:min(len(boxes), t.limit(fewMessages, maxBoxes))]
	for i, b := range shown {
		n := tallyOf(b)
		g.columns[2].brief = append(g.columns[2].brief, withoutPort(b.Server.String()))
		g.add(strconv.Itoa(i+1), userOf(b), b.Server.String(), commas(int64(b.Sessions)), clientsOf(b.Clients), commas(int64(len(b.Messages))),
			commas(int64(n.fetched)), commas(int64(n.repeated)), commas(int64(n.committed)), commas(int64(n.rolledBack)), commas(int64(n.unknown)))
	}
	note := ""
	if more := len(boxes) - len(shown); more > 0 {
		note = "not shown: " + count(more, "account") + t.where()
	}
	return t.section(w, "Mailboxes", g, note)
}

// where says how to see what a section leaves out.
func (t *table) where() string {
	if t.opt.Verbose {
		return manySkipped
	}
	return "; --verbose shows them"
}

func userOf(b *ledger.Mailbox) string {
	if b.Account == "" {
		return "-"
	}
	return inertUpTo([]byte(b.Account), maxCell)
}

// clientsOf names the first client and counts the others.
func clientsOf(clients []netip.Addr) string {
	switch len(clients) {
	case 0:
		return "-"
	case 1:
		return address(clients[0])
	case ledger.MaxClients:
		return address(clients[0]) + " +" + strconv.Itoa(len(clients)-1) + " or more"
	}
	return address(clients[0]) + " +" + strconv.Itoa(len(clients)-1)
}

// writeBoxMessages writes a row for each message that was fetched or
// marked.
func (m *maildrops) writeBoxMessages(w io.Writer, t *table, boxes []*ledger.Mailbox) error {
	g := &grid{columns: []column{
		{title: "#", right: true},
		{title: "Message", soft: 16, hard: 8},
		{title: "Octets", right: true, drop: 3},
		{title: "First fetched", drop: 4},
		{title: "Fetched", drop: 1},
		{title: "Clients", soft: 15, drop: 2},
		{title: "Deletion", soft: 12, hard: 8},
		{title: "Fetched again", soft: 14, hard: 8},
	}}
	rows, more := 0, 0
	for i, b := range boxes {
		for _, msg := range b.Messages {
			if len(msg.Fetches)+len(msg.Marks) == 0 {
				continue // only listed
			}
			if rows++; rows > t.limit(fewMessages, maxMessages) {
				more++
				continue
			}
			g.add(strconv.Itoa(i+1), messageOf(msg), octetsOf(msg), firstFetched(msg), fetchedCell(msg, t.paint),
				clientsOf(fetchersOf(msg)), deletionCell(msg, t.paint), againCell(msg, t.paint))
		}
	}
	note := ""
	if more > 0 {
		note = "not shown: " + count(more, "message") + t.where()
	}
	return t.section(w, "Messages (times in UTC)", g, note)
}

// messageOf names a message: by its unique id, or else by its number.
func messageOf(m *ledger.Message) string {
	if m.UID != "" {
		return inertUpTo([]byte(m.UID), maxCell)
	}
	return "number " + strconv.Itoa(m.Number) + " of " + m.Session
}

func octetsOf(m *ledger.Message) string {
	if m.Octets < 0 {
		return "-"
	}
	return commas(m.Octets)
}

func firstFetched(m *ledger.Message) string {
	if len(m.Fetches) == 0 {
		return "-"
	}
	return utc(m.Fetches[0].At.Nanos).Format(clock)
}

// fetchedCell counts the RETRs, and the TOPs where there is no RETR.
func fetchedCell(m *ledger.Message, p paint) string {
	all, complete := m.Retrieved()
	switch {
	case len(m.Fetches) == 0:
		return "-"
	case all == 0:
		return "TOP only"
	case complete < all:
		return strconv.Itoa(all) + p.yellow(" ("+strconv.Itoa(all-complete)+" not complete)")
	}
	return strconv.Itoa(all)
}

// fetchersOf returns the clients that fetched or marked a message.
func fetchersOf(m *ledger.Message) (clients []netip.Addr) {
	add := func(c netip.Addr) {
		if !slices.Contains(clients, c) && len(clients) < ledger.MaxClients {
			clients = append(clients, c)
		}
	}
	for i := range m.Fetches {
		add(m.Fetches[i].Client.Addr())
	}
	for i := range m.Marks {
		add(m.Marks[i].Client.Addr())
	}
	return clients
}

// deletionWords say what became of the last mark.
var deletionWords = map[ledger.Why]string{
	ledger.ByQuit: "committed", ledger.ByReset: "undone by RSET", ledger.WithoutQuit: "undone: no QUIT", ledger.ByServer: "refused",
	ledger.ByLoss: "unknown: bytes lost", ledger.QuitRefused: "unknown: QUIT refused", ledger.QuitUnanswered: "unknown: QUIT unanswered",
	ledger.Unanswered: "unknown: unanswered", ledger.CaptureEnded: "unknown: end not seen",
}

func deletionCell(m *ledger.Message, p paint) string {
	outcome, why := m.Deletion()
	switch outcome {
	case ledger.Undecided:
		return "-"
	case ledger.Committed:
		return deletionWords[why]
	}
	return p.yellow(deletionWords[why])
}

// repeatWords say why a message was fetched again.
var repeatWords = map[ledger.Repeat]string{
	ledger.AfterIncomplete: "was not complete", ledger.InSession: "in the same session", ledger.DeletedBefore: "deleted, but still there",
	ledger.AfterNoQuit: "deletion lost without QUIT", ledger.AfterReset: "deletion undone by RSET", ledger.AfterRefusal: "deletion refused",
	ledger.AfterUnknown: "deletion unknown", ledger.OtherClient: "by another client", ledger.NotDeleted: "was left on the server",
}

// againCell names the reasons, each once, in their order.
func againCell(m *ledger.Message, p paint) string {
	var reasons []ledger.Repeat
	for i := range m.Fetches {
		if r := m.Fetches[i].Repeat; r != ledger.NoRepeat && !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	if len(reasons) == 0 {
		return "-"
	}
	slices.Sort(reasons)
	parts := make([]string, len(reasons))
	for i, r := range reasons {
		parts[i] = repeatWords[r]
	}
	return p.yellow(strings.Join(parts, "; "))
}
