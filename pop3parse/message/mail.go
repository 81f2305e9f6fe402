package message

import "time"

// Mail is the outline of one mail: its headers for people and its
// attachments, but none of its bytes. All strings are valid UTF-8; control
// characters in them are the sender's.
type Mail struct {
	Subject     string    // RFC 2047 decoded; "" when missing
	From, To    string    // decoded, as addresses for people: Name <addr>, joined by ", "
	Date        time.Time // in the zone that it names; zero when missing or not readable
	DateText    string    // as written
	MessageID   string    // with its angle brackets
	ContentType string    // of the whole, lower case, without parameters; text/plain when missing (RFC 2045 section 5.2)
	Attachments []Attachment
	Parts       int      // leaf parts
	Faults      []string // what is broken, in words for people; sorted, each once
}

// Attachment is a part that a mail program would offer to save.
type Attachment struct {
	Name        string   // decoded, as written by the sender: not safe as a file name; "" without one
	ContentType string   // lower case, without parameters
	Octets      int64    // of the decoded content
	SHA256      [32]byte // of the decoded content
}
