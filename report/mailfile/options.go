package mailfile

// Form says what the messages are written as.
type Form uint8

// The forms.
const (
	EML     Form = iota // a file for each message
	Mbox                // one file, mboxrd
	Maildir             // a file for each message, in the subfolder new
)

// String returns the word that the command line uses.
func (f Form) String() string { return [...]string{"eml", "mbox", "maildir"}[f] }

// Forms returns the words of all forms, the default first.
func Forms() []string { return []string{"eml", "mbox", "maildir"} }

// Options choose what is written. The zero value writes what RETR fetched,
// and what clients sent, as .eml files.
type Options struct {
	As          Form
	Attachments bool // write decoded attachments too
	Top         bool // write what TOP fetched too
	FillGaps    bool // put a filler where bytes are missing, so that offsets are those of the message
	Force       bool // replace files that exist
}

// Names of files that are not those of messages.
const (
	ManifestName   = "manifest.jsonl"
	MboxName       = "messages.mbox"
	attachmentsDir = "attachments"
	tempDir        = ".popscope-tmp"
)
