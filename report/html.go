package report

import (
	"bufio"
	"io"

	"popscope"
	"popscope/pop3parse"
	"popscope/report/timing"
)

// The html report keeps facts while sessions come, and writes the page at
// the end. What it keeps is bounded, so that the memory it takes and the
// page itself stay within what a browser opens at once; the page says what
// it leaves out. The sessions with findings, failures and losses stay
// longest.
const (
	maxPageSessions  = 10_000 // rows of sessions: 6 MB of page
	maxPageMessages  = 5_000
	maxPageLogins    = 2_000 // different ones
	maxPageDialogues = 500   // sessions that can be opened
	maxPageSteps     = 12_000
	maxPageServers   = 500
	maxPageEvidence  = 100 // findings listed of each rule
	maxPageRemarks   = 500 // sessions listed with what is missing in them
)

// html makes one self-contained page.
type html struct {
	w    *bufio.Writer
	opt  Options
	most pageLimits

	arrivals  int
	pending   map[string]*pageSession // sessions of which more parts come
	sessions  keeper[*pageSession]
	dialogues keeper[*dialogue]
	timeline  timeline
	logins    loginTally
	messages  []pageMessage
	mailsNo   int64 // messages beyond the limit
	servers   serverTally
	tls       tlsTally
	findings  findingTally
	unseen    unseenTally
	totals    pageTotals
	times     *timing.Times
}

// pageLimits is how many rows of each kind are kept.
type pageLimits struct{ sessions, messages, logins, dialogues, steps, servers, evidence, remarks int }

// pageTotals are sums over all sessions, also those without a row.
type pageTotals struct {
	octets, incomplete int64 // of messages; messages that are not complete
	commands, errors   int64 // exchanges; those answered with -ERR
	exposed            int64 // logins with a password or token in clear
}

func newHTML(w io.Writer, o Options) (Writer, error) {
	if err := checkSections(o.Sections); err != nil {
		return nil, err
	}
	return newPage(w, o, pageLimits{maxPageSessions, maxPageMessages, maxPageLogins, maxPageDialogues, maxPageSteps, maxPageServers, maxPageEvidence, maxPageRemarks}), nil
}

func newPage(w io.Writer, o Options, most pageLimits) *html {
	return &html{
		w: bufio.NewWriterSize(w, 64<<10), opt: o, most: most,
		pending:   make(map[string]*pageSession),
		sessions:  keeper[*pageSession]{most: most.sessions},
		dialogues: keeper[*dialogue]{most: most.dialogues, room: most.steps},
		logins:    loginTally{most: most.logins},
		servers:   serverTally{most: most.servers},
		findings:  findingTally{most: most.evidence},
		unseen:    unseenTally{most: most.remarks},
		times:     timing.New(),
	}
}

// Write adds a session, or a part of one.
func (h *html) Write(r *popscope.Result) error {
	s := h.pending[r.ID]
	if s == nil {
		s = h.newSession(r)
	}
	h.times.Add(r)
	h.addLogins(s, r)
	h.addMessages(s, r)
	h.addExchanges(s, r)
	for i := range r.Findings {
		f := &r.Findings[i]
		s.worst = max(s.worst, int(f.Severity)+1)
		h.findings.add(f, s.id)
		s.findings = append(s.findings, f.Title)
	}
	if !r.Last {
		if s.dialogue == nil {
			s.dialogue = newDialogue(r, s)
		}
		s.dialogue.add(r, h.opt.ShowSecrets)
		h.pending[r.ID] = s
		return nil
	}
	delete(h.pending, r.ID)
	h.finish(s, r)
	return nil
}

// finish completes a session and files it.
func (h *html) finish(s *pageSession, r *popscope.Result) {
	s.complete(r)
	h.timeline.add(s.start, s.mood())
	h.tls.add(r)
	h.servers.session(r)
	h.unseen.session(s, r)
	interest := s.interest()
	h.sessions.add(s, interest, 1)
	steps := stepsOf(r, s)
	if !h.dialogues.wants(interest, steps) {
		s.dialogue = nil
		h.dialogues.refuse()
		return
	}
	d := s.dialogue
	if d == nil {
		d = newDialogue(r, s)
	}
	d.add(r, h.opt.ShowSecrets)
	d.complete(r)
	s.dialogue = nil // a row must not keep what is dropped here
	h.dialogues.add(d, interest, len(d.steps))
}

// addLogins counts the logins of a session.
func (h *html) addLogins(s *pageSession, r *popscope.Result) {
	for i := range r.Logins {
		l := &r.Logins[i]
		s.addLogin(l)
		h.logins.add(l, s.server)
		if l.Exposure == pop3parse.Cleartext || l.Exposure == pop3parse.Token {
			h.totals.exposed++
		}
		if l.Outcome == pop3parse.Failure {
			h.servers.at(s.server).failed++
		}
	}
}

// addMessages takes the messages of a session.
func (h *html) addMessages(s *pageSession, r *popscope.Result) {
	for i := range r.Messages {
		m := &r.Messages[i]
		s.octets += m.Octets
		h.totals.octets += m.Octets
		h.unseen.verdicts[m.Verdict]++
		if m.Verdict != pop3parse.Complete {
			h.totals.incomplete++
			s.incomplete++
		}
		if len(h.messages) == h.most.messages {
			h.mailsNo++
			continue
		}
		h.messages = append(h.messages, newPageMessage(s, m))
	}
}

// addExchanges counts commands, errors and what is uncertain.
func (h *html) addExchanges(s *pageSession, r *popscope.Result) {
	server := h.servers.at(s.server)
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		h.totals.commands++
		server.commands++
		h.unseen.pairings[x.Pairing]++
		switch x.Status {
		case pop3parse.Err:
			h.totals.errors++
			s.errors++
			server.error(x, h.opt.ShowSecrets)
		case pop3parse.NoReply:
			server.silent++
		}
	}
}

// Close writes the page.
func (h *html) Close(sum popscope.Summary) error {
	for i := range sum.Across {
		h.findings.across(&sum.Across[i])
	}
	if err := writePage(h.w, h, &sum); err != nil {
		return err
	}
	return h.w.Flush()
}
