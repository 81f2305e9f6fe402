package mailfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"popscope"
	"popscope/pop3parse"
)

// Folder is where messages are written to.
type Folder struct {
	opt     Options
	folder  *folder
	pool    *pool
	mbox    *whole        // with Mbox
	mboxOut *bufio.Writer // before it, empty between messages
	list    *records
	n       int
	links   links
	parts   bool // the folder of attachments is there
	report  Report
}

// Report sums up what was written.
type Report struct {
	Messages, Attachments Tally
	LinksLost             bool // too many messages to link all fetches of the same one
}

// Tally counts files.
type Tally struct {
	Written, Failed int
	Last            string // the one written last
	First           string // the first one that was not written
	Err             error  // why First was not
}

func (t *Tally) add(name string, err error) {
	if err == nil {
		t.Written++
		t.Last = name
		return
	}
	if t.Failed++; t.Failed == 1 {
		t.First, t.Err = name, err
	}
}

// Open opens the folder dir, and makes it if need be. An *ExistError tells
// that an earlier run has left its manifest there, and that Options.Force
// is not set.
func Open(dir string, o Options) (*Folder, error) {
	f, err := openFolder(dir, o.Force)
	if err != nil {
		return nil, err
	}
	out := &Folder{opt: o, folder: f, pool: newPool(f)}
	if err := out.prepare(); err != nil {
		f.close()
		return nil, err
	}
	return out, nil
}

// prepare sees to it that nothing is in the way, and that what every run
// needs can be written.
func (o *Folder) prepare() (err error) {
	names := []string{ManifestName}
	if o.opt.As == Mbox {
		names = append(names, MboxName)
	}
	for _, name := range names {
		if !o.opt.Force && o.folder.exists(name) {
			return &ExistError{name}
		}
	}
	if o.list, err = o.folder.newRecords(ManifestName); err != nil {
		return err
	}
	switch o.opt.As {
	case Mbox:
		o.mbox, err = o.folder.newWhole(MboxName)
		o.mboxOut = bufio.NewWriterSize(nil, 64<<10)
	case Maildir:
		for _, sub := range []string{"tmp", "new", "cur"} {
			if err := o.folder.mkdir(sub); err != nil {
				return err
			}
		}
	}
	return err
}

// Manifest returns what takes the manifest, which tells what is in the
// folder. Each Write is one or more whole records. The file appears with
// Close.
func (o *Folder) Manifest() io.Writer { return o.list }

// Save writes the messages of r. What becomes of each is in its Saved; one
// that cannot be written does not hinder the others.
func (o *Folder) Save(r *popscope.Result) []Saved {
	var out []Saved
	for i := range r.Messages {
		m := &r.Messages[i]
		b, ok := m.Body.(*body)
		if !ok {
			o.links.add(r, m, "") // not wanted, but seen
			continue
		}
		out = append(out, o.save(r, m, b))
	}
	return out
}

// save writes one message and its attachments.
func (o *Folder) save(r *popscope.Result, m *popscope.Message, b *body) Saved {
	o.n++
	s := Saved{Result: r, Message: m, N: o.n, Octets: b.main.size, Gaps: o.gaps(m)}
	name := o.baseName(r, m)
	if b.sum != nil && len(m.Gaps) > 0 {
		sum := b.filled()
		s.SHA256 = &sum
	}
	switch o.opt.As {
	case Mbox:
		s.File = MboxName
		s.Offset, s.Octets, s.Err = o.addToMbox(m, &b.main)
	case Maildir:
		s.File = path.Join("new", maildirName(r, m, o.n, b.main.size))
		s.Err = b.main.place(s.File)
	default:
		s.File = name + ".eml"
		s.Err = b.main.place(s.File)
	}
	known := s.File
	if o.opt.As == Mbox {
		known = name
	}
	o.report.Messages.add(known, s.Err)
	if s.Err != nil {
		s.File, s.Offset, s.Octets, s.SHA256 = "", 0, 0, nil
	}
	if len(b.parts) > 0 {
		s.Attachments = o.saveParts(name, m, b.parts)
	}
	s.Earlier = o.links.add(r, m, s.File)
	b.Drop() // what is left of it
	return s
}

// gaps says where the gaps of a message are in its file.
func (o *Folder) gaps(m *popscope.Message) []Gap {
	var out []Gap
	missing, left := int64(0), int64(MaxFill)
	for _, g := range m.Gaps {
		gap := Gap{Gap: g, FileOffset: g.Offset - missing}
		if o.opt.FillGaps {
			gap.Filled = min(g.Length, left)
			left -= gap.Filled
		}
		missing += g.Length - gap.Filled
		out = append(out, gap)
	}
	return out
}

// saveParts writes the attachments of a message into a folder of its own.
func (o *Folder) saveParts(base string, m *popscope.Message, parts []*spool) []SavedAttachment {
	out := make([]SavedAttachment, len(parts))
	dir := path.Join(attachmentsDir, base)
	err := o.partsDir(dir)
	given := make(names)
	for i, p := range parts {
		name := given.unique(attachmentName(m.Mail.Attachments[i].Name, m.Mail.Attachments[i].ContentType, i))
		a := &out[i]
		a.File = path.Join(dir, name)
		if a.Err = err; err == nil {
			a.Err = p.place(a.File)
		}
		o.report.Attachments.add(a.File, a.Err)
		if a.Err != nil {
			a.File = ""
		}
	}
	return out
}

// partsDir makes the folder for the attachments of one message.
func (o *Folder) partsDir(dir string) error {
	if !o.parts {
		if err := o.folder.mkdir(attachmentsDir); err != nil {
			return err
		}
		o.parts = true
	}
	return o.folder.mkdir(dir)
}

// How long the parts of a message's name may be, in octets.
const (
	maxUser    = 30
	maxSubject = 60
)

// baseName returns the name of a message without extension.
func (o *Folder) baseName(r *popscope.Result, m *popscope.Message) string {
	parts := []string{fmt.Sprintf("%06d", o.n)}
	if user := Name(string(r.Session.User), maxUser); user != "" {
		parts = append(parts, user)
	}
	parts = append(parts, fetched(m))
	if m.Mail != nil {
		if subject := Name(m.Mail.Subject, maxSubject); subject != "" {
			parts = append(parts, subject)
		}
	}
	return strings.Join(parts, "-")
}

// fetched says in a word how a message went over the wire.
func fetched(m *popscope.Message) string {
	if m.Command == pop3parse.XTND {
		return "sent"
	}
	word := strings.ToLower(string(m.Command))
	if m.Number > 0 {
		return fmt.Sprint(word, m.Number)
	}
	return word
}

// maildirName returns a name as Maildir wants it: time, something unique,
// the host, and the size that Maildir++ counts by. Time and host are those
// of the capture.
func maildirName(r *popscope.Result, m *popscope.Message, n int, octets int64) string {
	return fmt.Sprintf("%d.%06d.%s,S=%d", m.Last.Nanos/1e9, n, r.ID, octets)
}

// extensions are given to attachments without a name, so that a program is
// found to open them.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "text/calendar": ".ics", "text/vcard": ".vcf", "text/xml": ".xml",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/json": ".json", "application/xml": ".xml", "application/msword": ".doc",
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg", "image/tiff": ".tif",
	"audio/mpeg": ".mp3", "audio/wav": ".wav", "video/mp4": ".mp4",
	"message/rfc822": ".eml", "message/global": ".eml", "application/pgp-signature": ".asc", "application/pkcs7-signature": ".p7s",
}

// attachmentName returns a name for the i-th attachment of a message.
func attachmentName(name, contentType string, i int) string {
	if s := Name(name, MaxName); s != "" {
		return s
	}
	if contentType == "application/ms-tnef" || contentType == "application/vnd.ms-tnef" {
		return "winmail.dat"
	}
	ext := extensions[contentType]
	if ext == "" {
		ext = ".bin"
	}
	return fmt.Sprintf("part-%d%s", i+1, ext)
}

// Close completes the manifest and the mbox, and removes all that is
// temporary. Its error is about these; of single messages and attachments
// the Report tells.
func (o *Folder) Close() error {
	o.pool.close()
	var errs []error
	if o.mbox != nil {
		if err := o.mbox.close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", MboxName, err))
		}
	}
	if err := o.list.close(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", ManifestName, err))
	}
	errs = append(errs, o.folder.close())
	return errors.Join(errs...)
}

// Report returns what was written; call it after Close.
func (o *Folder) Report() Report {
	r := o.report
	r.LinksLost = o.links.lost
	return r
}
