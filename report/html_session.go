package report

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// pageSession is the row of a session, in inert text.
type pageSession struct {
	id             string
	arrival, num   int // place in the order of arrival; number by start, once all are known
	start, end     int64
	client, server string
	users          []string // the first maxRowUsers different ones
	ok, bad, open  int      // logins by outcome
	exposure       pop3parse.Exposure
	exposed        bool // there was a login, with exposure as the worst
	tls            string
	commands       int
	errors         int
	mails          int
	octets         int64
	incomplete     int // messages
	closed         string
	lost           int64
	unsure         int // exchanges
	remarks        []string
	worst          int // severity of the worst finding, from 1; 0 without one
	findings       []string

	dialogue *dialogue // valid while more parts come
}

// maxRowUsers is how many names a row shows.
const maxRowUsers = 2

func (h *html) newSession(r *popscope.Result) *pageSession {
	h.arrivals++
	c := r.Conn
	return &pageSession{id: Inert(r.ID), arrival: h.arrivals, start: c.First.Nanos, client: c.Client.String(), server: c.Server.String()}
}

// addLogin takes an attempt to log in.
func (s *pageSession) addLogin(l *pop3parse.Login) {
	if l.User != nil {
		if u := inertUpTo(l.User, maxCell); len(s.users) < maxRowUsers && !slices.Contains(s.users, u) {
			s.users = append(s.users, u)
		}
	}
	if !s.exposed || l.Exposure < s.exposure {
		s.exposure, s.exposed = l.Exposure, true
	}
	switch l.Outcome {
	case pop3parse.Success:
		s.ok++
	case pop3parse.Failure:
		s.bad++
	default:
		s.open++
	}
}

// complete takes what only the end of a session tells.
func (s *pageSession) complete(r *popscope.Result) {
	s.end = r.Conn.Last.Nanos
	s.tls = tlsCell(r)
	s.commands = r.Session.Exchanges
	s.mails = r.Session.Messages
	s.closed = r.Conn.Close.String()
	s.lost = r.Conn.Lost[0] + r.Conn.Lost[1]
	s.unsure = r.Unsure
	s.remarks = remarksOf(r)
}

// interest says how much a reader wants to see the session: findings come
// first, then failures, then losses, then mail.
func (s *pageSession) interest() int {
	n := 1000 * s.worst
	for _, c := range [...]struct {
		is   bool
		much int
	}{{s.bad > 0, 400}, {s.incomplete > 0, 200}, {s.lost > 0 || s.unsure > 0, 100}, {s.errors > 0, 50}, {len(s.remarks) > 0, 20}, {s.mails > 0, 10}, {s.commands > 0, 5}} {
		if c.is {
			n += c.much
		}
	}
	return n
}

// mood is how a session is painted: the worst that is to be said of it.
type mood uint8

const (
	calm    mood = iota // nothing unusual
	lossy               // something of it was not seen
	refused             // a login or a command failed
	alarmed             // a finding of at least high severity
	numMoods
)

// String returns the class of the page's style sheet.
func (m mood) String() string { return [...]string{"calm", "lossy", "refused", "alarmed"}[m] }

// Words says what the colour means.
func (m mood) Words() string {
	return [...]string{"nothing unusual", "not all of it captured", "a failed login or command", "a finding of high severity"}[m]
}

func (s *pageSession) mood() mood {
	switch {
	case s.worst >= highSeverity:
		return alarmed
	case s.bad > 0 || s.errors > 0:
		return refused
	case s.lost > 0 || s.unsure > 0 || s.incomplete > 0:
		return lossy
	}
	return calm
}

// Methods that the templates call.

func (s *pageSession) ID() string       { return s.id }
func (s *pageSession) Num() int         { return s.num }
func (s *pageSession) Start() int64     { return s.start }
func (s *pageSession) Duration() int64  { return s.end - s.start }
func (s *pageSession) Client() string   { return s.client }
func (s *pageSession) Server() string   { return s.server }
func (s *pageSession) TLS() string      { return s.tls }
func (s *pageSession) Commands() int    { return s.commands }
func (s *pageSession) Errors() int      { return s.errors }
func (s *pageSession) Mails() int       { return s.mails }
func (s *pageSession) Octets() int64    { return s.octets }
func (s *pageSession) Closed() string   { return s.closed }
func (s *pageSession) Mood() mood       { return s.mood() }
func (s *pageSession) Remarks() string  { return strings.Join(s.remarks, "; ") }
func (s *pageSession) Worst() string    { return severityWord(s.worst) }
func (s *pageSession) WorstRank() int   { return s.worst }
func (s *pageSession) Findings() string { return strings.Join(s.findings, "; ") }

// User returns who logged in, or tried to.
func (s *pageSession) User() string { return strings.Join(s.users, ", ") }

// Login returns how the logins ended.
func (s *pageSession) Login() string {
	return (&sessionRow{ok: s.ok, bad: s.bad, open: s.open}).loginCell(false)
}

// LoginClass returns how that is painted.
func (s *pageSession) LoginClass() string {
	switch {
	case s.bad > 0:
		return "bad"
	case s.ok > 0:
		return "good"
	}
	return "dim"
}

// Exposure returns the worst exposure of its logins; "" without one.
func (s *pageSession) Exposure() string {
	if !s.exposed {
		return ""
	}
	return s.exposure.String()
}

// pageMessage is the row of a message, in inert text.
type pageMessage struct {
	session                        *pageSession
	Name                           string
	Subject, From, To, Date, MsgID string
	Octets                         int64
	Announced                      string // where it differs
	Verdict                        string
	Complete                       bool
	Lost                           string
	Attached                       []string
	SHA256                         string
	UIDL                           string
	Deleted                        bool
	Packets                        string
}

// maxAttached is how many attachments of a message are named.
const maxAttached = 5

func newPageMessage(s *pageSession, m *popscope.Message) pageMessage {
	p := pageMessage{session: s, Name: messageName(m), Octets: m.Octets, Verdict: m.Verdict.String(), Complete: m.Verdict == pop3parse.Complete,
		UIDL: inertUpTo(m.UIDL, maxCell), Deleted: m.Fate == pop3parse.Deleted, Packets: packetSpan(m.First, m.Last)}
	if m.Announced >= 0 && m.Announced != m.Octets {
		p.Announced = "announced as " + commas(m.Announced)
	}
	if n := int64(len(m.Gaps)); n > 0 {
		lost := int64(0)
		for _, g := range m.Gaps {
			lost += g.Length
		}
		p.Lost = count(lost, "octet") + " lost in " + count(n, "gap")
	}
	if m.SHA256 != [32]byte{} {
		p.SHA256 = hex.EncodeToString(m.SHA256[:])
	}
	if m.Mail == nil {
		return p
	}
	p.Subject, p.From, p.To, p.MsgID = cell(m.Mail.Subject), cell(m.Mail.From), cell(m.Mail.To), cell(m.Mail.MessageID)
	if !m.Mail.Date.IsZero() {
		p.Date = m.Mail.Date.UTC().Format(clock)
	}
	for i := range m.Mail.Attachments {
		if i == maxAttached {
			p.Attached = append(p.Attached, count(len(m.Mail.Attachments)-i, "more attachment"))
			break
		}
		a := &m.Mail.Attachments[i]
		name := cell(a.Name)
		if name == "" {
			name = "(no name)"
		}
		p.Attached = append(p.Attached, name+", "+cell(a.ContentType)+", "+octets(a.Octets))
	}
	return p
}

func (m *pageMessage) SessionID() string { return m.session.id }
func (m *pageMessage) SessionNum() int   { return m.session.num }

// cell makes text of a mail fit for a cell.
func cell(s string) string { return inertUpTo([]byte(s), maxCell) }

// packetSpan writes the packets from the first one to the last one.
func packetSpan(first, last stream.Stamp) string {
	switch {
	case first.Packet == 0:
		return ""
	case last.Packet == first.Packet || last.Packet == 0:
		return strconv.FormatInt(first.Packet, 10)
	}
	return strconv.FormatInt(first.Packet, 10) + "–" + strconv.FormatInt(last.Packet, 10)
}
