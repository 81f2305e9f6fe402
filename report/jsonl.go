package report

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strconv"

	"popscope"
	"popscope/capture"
)

// SchemaVersion is the `schema` of the run record. It is raised when a key
// changes its meaning or goes; a new optional key leaves it as it is.
const SchemaVersion = 1

// jsonl writes one JSON object a line. The records of one Result are
// handed to the io.Writer below in one piece.
type jsonl struct {
	w    io.Writer
	opt  Options
	want map[string]bool
	tags *tagger
	line []byte // scratch
	object
}

func newJSONL(w io.Writer, o Options) (Writer, error) {
	if err := checkRecords(o.Records); err != nil {
		return nil, err
	}
	names := o.Records
	if names == nil {
		names = RecordTypes()
	}
	j := &jsonl{w: w, opt: o, want: make(map[string]bool), tags: newTagger(maxTags)}
	for _, n := range names {
		j.want[n] = true
	}
	j.run() // stays in the buffer until there is more to write
	return j, nil
}

// TakeHeader implements Headed.
func (j *jsonl) TakeHeader() []byte {
	run := bytes.Clone(j.buf)
	j.buf = j.buf[:0]
	return run
}

// Write writes the records of one session, or of one part of it.
func (j *jsonl) Write(r *popscope.Result) error {
	if j.want["exchange"] {
		for i := range r.Exchanges {
			j.exchange(r.ID, &r.Exchanges[i])
		}
	}
	if j.want["login"] {
		for i := range r.Logins {
			j.login(r.ID, &r.Logins[i])
		}
	}
	if j.want["message"] {
		for i := range r.Messages {
			j.message(r, &r.Messages[i])
		}
	}
	if j.want["finding"] {
		for i := range r.Findings {
			j.finding(r.ID, &r.Findings[i])
		}
	}
	if j.want["session"] && r.Last {
		j.session(r)
	}
	return j.flush()
}

// Close writes the findings about several sessions, and the summary.
func (j *jsonl) Close(s popscope.Summary) error {
	if j.want["finding"] {
		for i := range s.Across {
			j.finding("", &s.Across[i])
		}
	}
	if j.want["summary"] {
		j.summary(&s)
	}
	return j.flush()
}

// flush hands on what is in the buffer.
func (j *jsonl) flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	if cap(j.buf) > maxIdleBuffer {
		j.buf = nil
	}
	return err
}

// maxIdleBuffer is what the buffer may keep of an unusually long session.
const maxIdleBuffer = 1 << 20

// begin opens a record.
func (j *jsonl) begin(kind string) {
	j.open()
	j.word("type", kind)
}

// of opens a record of a session.
func (j *jsonl) of(kind, session string) {
	j.begin(kind)
	j.str("session", session)
}

// end closes a record and its line.
func (j *jsonl) end() {
	j.close()
	j.buf = append(j.buf, '\n')
}

// run writes the first record. It carries no time, so that two runs are
// the same.
func (j *jsonl) run() {
	if !j.want["run"] {
		return
	}
	version := j.opt.Version
	if version == "" {
		version = "devel"
	}
	j.begin("run")
	j.int("schema", SchemaVersion)
	j.str("version", version)
	writeStrings(&j.object, "files", j.opt.Files)
	j.end()
}

// summary writes the last record.
func (j *jsonl) summary(s *popscope.Summary) {
	j.begin("summary")
	j.int("packets", s.Packets)
	j.int("bytes", s.Bytes)
	j.files(s.Files)
	j.int("sessions", s.Sessions)
	j.int("logins", s.Logins)
	j.int("messages", s.Messages)
	j.int("findings", s.Findings)
	j.key("ignored")
	j.open()
	for _, reason := range slices.Sorted(maps.Keys(s.Ignored)) {
		j.int(reason, s.Ignored[reason])
	}
	j.close()
	if !s.Start.IsZero() {
		j.time("capture_start", s.Start)
	}
	if !s.End.IsZero() {
		j.time("capture_end", s.End)
	}
	if s.KernelDrops > 0 {
		j.int("kernel_drops", s.KernelDrops)
	}
	if len(s.Errors) > 0 {
		writeStrings(&j.object, "errors", s.Errors)
	}
	j.end()
}

// files writes how many packets each input had.
func (j *jsonl) files(files []capture.FileInfo) {
	j.key("files")
	j.buf = append(j.buf, '[')
	for _, f := range files {
		j.comma()
		j.open()
		j.str("name", f.Name)
		j.int("packets", f.Packets)
		j.close()
	}
	j.buf = append(j.buf, ']')
}

// packet writes a packet number, if it is known.
func (j *jsonl) packet(k string, n int64) {
	if n > 0 {
		j.int(k, n)
	}
}

// tag writes the tag of a secret: s1, s2, ...
func (j *jsonl) tag(n int) {
	if n > 0 {
		j.word("secret_tag", "s"+strconv.Itoa(n))
	}
}
