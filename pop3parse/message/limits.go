package message

import "io"

// Limits bound what a Parser keeps and follows. The zero value is the
// default for each; -1 is no limit. A limit that is reached is a fault of
// the mail, and what lies beyond it is passed over.
type Limits struct {
	Depth       int // multiparts and embedded messages inside each other; default 32, never more than 256
	Parts       int // leaf parts; default 10,000
	Header      int // octets kept of one header block; default 256 KiB
	Field       int // octets kept of one header field; default 64 KiB
	Attachments int // in the list; default 1,000
	Faults      int // in the list; default 100

	// PartSink is asked for a Writer when an attachment begins; nil asks nobody.
	PartSink PartSink
}

// PartSink returns a Writer for the decoded content of an attachment, or
// nil when it is not wanted. Bytes given to it are valid during the call
// only. The Writer gets nothing more after its first error, which is its own
// to remember; one that is an io.Closer is closed when the part ends. An
// embedded message and the attachments inside it are written side by side.
type PartSink func(PartInfo) io.Writer

// PartInfo says which attachment begins.
type PartInfo struct {
	Index       int    // in Mail.Attachments
	Name        string // as in Attachment: not safe as a file name
	ContentType string // as in Attachment
}

// Limits that are not for callers to choose.
const (
	maxLine      = 8 << 10 // RFC 5322 allows 998; longer lines are still read, but are no boundary and no uuencode
	maxDepth     = 256     // embedded messages nest on the stack
	maxBoundary  = 1 << 10 // RFC 2046 allows 70
	maxName      = 4 << 10 // octets of an attachment's name; file systems allow 255
	maxType      = 255     // octets of a content type; RFC 6838 allows 127 on each side of "/"
	maxFieldName = 126     // octets of a field name; longer words before a colon are text
	maxQuoted    = 60      // octets of a name that are quoted in a fault
	outSize      = 4 << 10 // decoded content is handed on in pieces of this size
	readSize     = 64 << 10
)

// resolved puts defaults for 0 and a number never reached for -1.
func (l Limits) resolved() Limits {
	or := func(p *int, def int) {
		switch {
		case *p == 0:
			*p = def
		case *p < 0:
			*p = int(^uint(0) >> 1)
		}
	}
	or(&l.Depth, 32)
	or(&l.Parts, 10_000)
	or(&l.Header, 256<<10)
	or(&l.Field, 64<<10)
	or(&l.Attachments, 1_000)
	or(&l.Faults, 100)
	l.Depth = min(l.Depth, maxDepth)
	return l
}
