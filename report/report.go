package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"popscope"
)

// Writer writes Results in one format.
type Writer interface {
	// Write adds a session, or the next part of one. The Result is not
	// kept beyond the call.
	Write(*popscope.Result) error
	// Close writes what only the end can tell. It does not close the
	// io.Writer below.
	Close(popscope.Summary) error
}

// Headed is a Writer whose output begins with a line that those below it
// need: the header of csv, the run record of jsonl.
type Headed interface {
	Writer
	// TakeHeader returns that line, with its end, and has the Writer leave
	// it out, for callers that begin several files. It is nil when there is
	// none, and to be asked for before anything is written.
	TakeHeader() []byte
}

// Options choose what is written. The zero value masks secrets and uses no
// colour.
type Options struct {
	View        View     // what the report is about
	ShowSecrets bool     // write passwords, tokens and SASL data in clear
	Records     []string // jsonl, csv: only these record types, of RecordTypes; nil means all for jsonl and session for csv; in AuditView all but exchange and message for jsonl, finding for csv
	Files       []string // jsonl: the inputs, for the run record
	Version     string   // jsonl: of the program, for the run record; "" means "devel"
	Color       bool     // table, transcript: terminal colours
	Width       int      // table: columns of the terminal; 0 means as many as it takes
	Wide        bool     // table: all columns, whatever the width; markdown: whole texts
	Live        bool     // table: a line for each session when it ends, not sorted by start
	Bodies      int      // transcript: lines shown of each multi-line reply; 0 means DefaultBodies; also AllBodies, NoBodies
	Follow      bool     // transcript: Results are parts of sessions that alternate
	Sections    []string // html: only these sections, in this order, of Sections; nil means all
	Verbose     bool     // table, markdown: longer lists; table: TLS, software and times too; transcript: digests of messages
}

// Values of Options.Bodies.
const (
	DefaultBodies = 8
	AllBodies     = -1 // as much as was kept
	NoBodies      = -2
)

// KeepBody returns how many bytes of each multi-line reply the Results
// must hold for a format: the value for popscope.Options.KeepBody.
func KeepBody(format string, o Options) int {
	const (
		perLine = 1000    // RFC 5322 section 2.1.1: at most 998 and CRLF
		most    = 1 << 20 // of one reply, however many lines are asked for
	)
	if format != "transcript" {
		return 0
	}
	switch n := bodyLines(o.Bodies); {
	case n < 0 || n > most/perLine:
		return most
	default:
		return n * perLine
	}
}

// bodyLines turns Options.Bodies into a number of lines; -1 means all.
func bodyLines(bodies int) int {
	switch {
	case bodies == 0:
		return DefaultBodies
	case bodies == NoBodies:
		return 0
	case bodies < 0:
		return -1
	}
	return bodies
}

// OptionError says that New, or another function that takes a format, was asked
// for something it does not have.
type OptionError struct {
	Option string // what kind of thing: "format", "record type" or "section"
	Value  string // as given
	Hint   string // what would have been right
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("report: unknown %s %q", e.Option, e.Value)
}

// formats is the list of what New makes.
var formats = []struct {
	name string
	make func(io.Writer, Options) (Writer, error)
}{
	{"table", newTable},
	{"transcript", newTranscript},
	{"jsonl", newJSONL},
	{"csv", newCSV},
	{"markdown", newMarkdown},
	{"html", newHTML},
}

// Formats returns the names that New knows, the default one first.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// New returns a Writer of a format, which writes to w. It makes no small
// writes. An *OptionError tells of a format or record type that does not
// exist.
func New(format string, w io.Writer, o Options) (Writer, error) {
	if o.View == AuditView {
		if o.Records == nil {
			o.Records = auditRecords[format]
		}
		if m := auditFormats[format]; m != nil {
			return m(w, o)
		}
		if !slices.Contains(FormatsOf(o.View), format) {
			return nil, &OptionError{Option: "format", Value: format, Hint: "the formats are " + list(FormatsOf(o.View))}
		}
	}
	for _, f := range formats {
		if f.name == format {
			return f.make(w, o)
		}
	}
	return nil, &OptionError{Option: "format", Value: format, Hint: "the formats are " + list(FormatsOf(o.View))}
}

// RecordTypes returns the record types of jsonl and csv in the order in which a
// session has them.
func RecordTypes() []string {
	return []string{"run", "exchange", "login", "message", "finding", "session", "summary"}
}

// checkRecords returns the first name that is no record type as an error.
func checkRecords(names []string) error {
	for _, n := range names {
		if !slices.Contains(RecordTypes(), n) {
			return &OptionError{Option: "record type", Value: n, Hint: "the record types are " + list(RecordTypes())}
		}
	}
	return nil
}

// list joins names as in a sentence: "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
