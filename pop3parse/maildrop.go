package pop3parse

import (
	"bytes"
	"slices"
	"strconv"
)

// maxDrop bounds how many messages of a maildrop are remembered with size
// and unique id. The largest maildrops seen hold some 100,000 messages.
const maxDrop = 1 << 17

// Entry is one message of the maildrop as LIST and UIDL tell of it.
type Entry struct {
	Number   int
	Octets   int64  // as LIST claims; -1 when it did not tell
	UID      []byte // as UIDL tells; nil when it did not. It belongs to the session
	Marked   bool   // DELE was given and not refused, and no RSET followed
	Doubtful bool   // valid iff Marked: DELE's own reply is not known, or a command that was lost may have been an RSET
}

// Maildrop is what STAT, LIST, UIDL and DELE told about the maildrop.
type Maildrop struct {
	Count, Octets int64 // the last STAT; -1 when there was none
	entries       map[int]*Entry
	spare         []*Entry // to be used again
	marks         []*Entry // those that DELE marked since the last RSET, each once
	listed        []*Entry // those that the UIDL listing under way has had so far
	uids          int      // bytes of unique ids
	unkept        bool     // one was marked that is beyond the limit
}

// Entries returns the messages known by number, in order.
func (m *Maildrop) Entries() []Entry {
	out := make([]Entry, 0, len(m.entries))
	for _, e := range m.entries {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return a.Number - b.Number })
	return out
}

// Entry returns what is known of message n.
func (m *Maildrop) Entry(n int) (Entry, bool) {
	e, ok := m.entries[n]
	if !ok {
		return Entry{Number: n, Octets: -1}, false
	}
	return *e, true
}

func (m *Maildrop) reset() {
	m.Count, m.Octets = -1, -1
	if len(m.entries) > 0 {
		for _, e := range m.entries {
			m.spare = append(m.spare, e)
		}
		clear(m.entries)
	}
	clear(m.marks)
	m.marks = m.marks[:0]
	clear(m.listed)
	m.listed = m.listed[:0]
	m.uids, m.unkept = 0, false
}

// entrySize is about what an entry takes besides its unique id.
const entrySize = 88

// kept returns about how many bytes are kept.
func (m *Maildrop) kept() int { return len(m.entries)*entrySize + m.uids }

// forget forgets all messages but those marked as deleted.
func (m *Maildrop) forget() {
	m.entries, m.listed, m.uids = make(map[int]*Entry, len(m.marks)), nil, 0
	for _, e := range m.marks {
		m.entries[e.Number] = e
		m.uids += len(e.UID)
	}
}

// at returns the entry of message n to write to; nil over the limit.
func (m *Maildrop) at(n int) *Entry {
	if e, ok := m.entries[n]; ok {
		return e
	}
	if n <= 0 || len(m.entries) >= maxDrop {
		return nil
	}
	if m.entries == nil {
		m.entries = make(map[int]*Entry)
	}
	e := m.newEntry()
	*e = Entry{Number: n, Octets: -1}
	m.entries[n] = e
	return e
}

func (m *Maildrop) newEntry() *Entry {
	n := len(m.spare)
	if n == 0 {
		return new(Entry)
	}
	e := m.spare[n-1]
	m.spare = m.spare[:n-1]
	return e
}

// listRow reads a row of LIST: number and octets (RFC 1939 section 5). It
// reports what keeps it from being remembered.
func (m *Maildrop) listRow(row []byte) Notes {
	var notes Notes
	if n, size, ok := twoNumbers(row); ok {
		if e := m.at(int(n)); e != nil {
			e.Octets = size
		} else if n > 0 {
			notes.Add(MaildropLimit)
		}
	}
	return notes
}

// uidlRow reads a row of UIDL, number and unique id (RFC 1939 section 7),
// and reports what is wrong with it or keeps it from being remembered.
func (p *Parser) uidlRow(row []byte) Notes {
	num, uid, found := bytes.Cut(bytes.TrimLeft(row, " "), []byte(" "))
	n, err := strconv.Atoi(string(num))
	if !found || err != nil {
		return 0
	}
	var notes Notes
	uid = bytes.TrimSpace(uid)
	if !isUID(uid) {
		notes.Add(OddUID)
	}
	m := &p.drop
	e := m.at(n)
	if e == nil && n > 0 {
		notes.Add(MaildropLimit)
	}
	if e != nil && len(uid) <= maxUID {
		m.uids += len(uid) - len(e.UID)
		if e.UID == nil || !bytes.Equal(e.UID, uid) {
			e.UID = p.keep(uid)
		}
		if len(m.listed) < maxDrop {
			m.listed = append(m.listed, e)
		}
	}
	return notes
}

// numberRow reads the number alone of a row of UIDL, the unique id of which is
// not to be shown.
func (p *Parser) numberRow(row []byte) (notes Notes) {
	num, _, _ := bytes.Cut(bytes.TrimLeft(row, " "), []byte(" "))
	if n := messageNumber(num); n > 0 && p.drop.at(n) == nil {
		notes.Add(MaildropLimit)
	}
	return notes
}

// isUID reports whether b can be a unique id.
func isUID(b []byte) bool {
	for _, c := range b {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return 1 <= len(b) && len(b) <= 70
}

// endListing ends a listing of UIDL, and reports whether two of its
// messages have the same unique id.
func (m *Maildrop) endListing() (duplicate bool) {
	slices.SortFunc(m.listed, func(a, b *Entry) int { return bytes.Compare(a.UID, b.UID) })
	for i := 1; i < len(m.listed); i++ {
		a, b := m.listed[i-1], m.listed[i]
		duplicate = duplicate || a != b && len(a.UID) > 0 && bytes.Equal(a.UID, b.UID)
	}
	clear(m.listed)
	m.listed = m.listed[:0]
	return duplicate
}

// maxUID bounds a unique id that is remembered; RFC 1939 allows 70 octets.
const maxUID = 1 << 10

// mark notes a DELE that was accepted, or that may have been.
func (m *Maildrop) mark(n int, sure bool) {
	e := m.at(n)
	if e == nil {
		m.unkept = m.unkept || n > 0
		return
	}
	if !e.Marked {
		e.Marked, e.Doubtful = true, true
		m.marks = append(m.marks, e)
	}
	e.Doubtful = e.Doubtful && !sure
}

// doubt notes that an RSET may have gone by unseen.
func (m *Maildrop) doubt() {
	for _, e := range m.marks {
		e.Doubtful = true
	}
}

// question notes that a DELE may not have been accepted after all.
func (m *Maildrop) question(n int) {
	if e := m.at(n); e != nil {
		e.Doubtful = e.Marked
	}
}

// unmark notes an accepted RSET.
func (m *Maildrop) unmark() {
	for _, e := range m.marks {
		e.Marked, e.Doubtful = false, false
	}
	m.marks = m.marks[:0]
}

// marked counts the messages that are marked as deleted beyond doubt.
func (m *Maildrop) marked() int {
	n := 0
	for _, e := range m.marks {
		if !e.Doubtful {
			n++
		}
	}
	return n
}
