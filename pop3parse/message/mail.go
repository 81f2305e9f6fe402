package message

import "time"

// Mail is the outline of one mail: its headers for people and its
// attachments, but none of its bytes.
type Mail struct {
	Subject     string    // RFC 2047 decoded; "" when missing
	From, To    string    // decoded, as addresses for people
	Date        time.Time // zero when missing or not readable
	DateText    string    // as written
	MessageID   string    // with its angle brackets
	ContentType string    // of the whole, lower case, without parameters
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
