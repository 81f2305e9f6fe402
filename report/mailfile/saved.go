package mailfile

import (
	"net/netip"

	"popscope"
	"popscope/pop3parse"
)

// Saved is what became of one message.
type Saved struct {
	Result  *popscope.Result // of which it is; valid as long as that is
	Message *popscope.Message
	N       int // from 1, over all messages of the run

	File   string // its path in the folder, with slashes; "" when it was not written
	Offset int64  // in File, of the message's first octet: 0 but in an mbox
	Octets int64  // in File: that of the message, but for fillers and an mbox
	Err    error  // why it was not written

	SHA256      *[32]byte // of the file, where fillers make it differ from the message's
	Gaps        []Gap     // of the message
	Attachments []SavedAttachment
	Earlier     []Fetch // of the same message, the latest last; at most MaxEarlier
}

// Gap is a stretch of a message that is missing, and where that is in the
// file.
type Gap struct {
	pop3parse.Gap
	FileOffset int64 // valid iff the file is exact: not an mbox
	Filled     int64 // octets of filler in the file
}

// SavedAttachment is what became of an attachment, in the order of
// Mail.Attachments.
type SavedAttachment struct {
	File string // "" when it was not written
	Err  error  // why it was not; nil where attachments are not asked for
}

// Fetch names an earlier time that a message was fetched.
type Fetch struct {
	Session  string
	Exchange int
	Command  pop3parse.Verb
	File     string // "" when it was not written
}

// MaxEarlier is how many earlier fetches of a message are told.
const MaxEarlier = 4

// maxLinked bounds the messages whose fetches are remembered: some 30 MB.
const maxLinked = 100_000

// messageID is what tells that two fetches were of the same message: the
// unique id in its maildrop (RFC 1939 section 7), or without one the number
// in its session.
type messageID struct {
	server netip.AddrPort
	user   string
	uidl   string

	session string // valid iff uidl is ""
	number  int
}

// links remembers which messages were fetched.
type links struct {
	fetches map[messageID][]Fetch
	lost    bool // there were more messages than the limit
}

// add notes a fetch and returns the earlier ones of the same message.
func (l *links) add(r *popscope.Result, m *popscope.Message, file string) []Fetch {
	id := messageID{server: r.Conn.Server, user: string(r.Session.User), uidl: string(m.UIDL)}
	if m.UIDL == nil {
		if m.Number == 0 {
			return nil
		}
		id.session, id.number = r.ID, m.Number
	}
	earlier, known := l.fetches[id]
	if !known && len(l.fetches) >= maxLinked {
		l.lost = true
		return nil
	}
	if l.fetches == nil {
		l.fetches = make(map[messageID][]Fetch)
	}
	now := Fetch{Session: r.ID, Exchange: m.Exchange, Command: m.Command, File: file}
	// A new slice: the old one has been handed out.
	all := append(append(make([]Fetch, 0, len(earlier)+1), earlier...), now)
	l.fetches[id] = all[max(0, len(all)-MaxEarlier):]
	return earlier
}
