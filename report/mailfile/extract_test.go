package mailfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/capture/capturetest"
	"popscope/report"
	"popscope/report/mailfile"
)

// extract writes the messages of packets into a new folder and returns it.
func extract(t testing.TB, packets []capture.Packet, o mailfile.Options, a popscope.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	extractInto(t, dir, capturetest.Source(packets), o, a)
	return dir
}

func extractInto(t testing.TB, dir string, src capture.Source, o mailfile.Options, a popscope.Options) mailfile.Report {
	t.Helper()
	out, err := mailfile.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := report.NewManifest("jsonl", out.Manifest(), report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.Body = out.Body
	run := popscope.New(a)
	for r, err := range run.Results(src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Write(out.Save(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(run.Summary()); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Report()
}

// tree returns all files below dir with what they hold.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sortedNames(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// entry is a line of the manifest.
type entry struct {
	Type, Session, User, UIDL, Command, Verdict, File, Error, SHA256 string
	FileSHA256                                                       string `json:"file_sha256"`
	N, Number                                                        int
	Octets                                                           int64
	FileOffset                                                       int64  `json:"file_offset"`
	FileOctets                                                       *int64 `json:"file_octets"`
	StatMessages                                                     int64  `json:"stat_messages"`
	StatOctets                                                       int64  `json:"stat_octets"`
	ListOctets                                                       int64  `json:"list_octets"`
	FirstOffset                                                      int64  `json:"first_offset"`
	LastOffset                                                       int64  `json:"last_offset"`
	SentBy                                                           string `json:"sent_by"`
	Gaps                                                             []struct {
		Offset, Length, Filled int64
		FileOffset             int64 `json:"file_offset"`
	}
	Attachments []struct{ Name, SHA256, File, Error string }
	Faults      []string
	Earlier     []struct {
		Session, Command, File string
		Exchange               int
	}
}

func manifest(t testing.TB, dir string) []entry {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, mailfile.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	for line := range bytes.Lines(b) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Type == "extracted" {
			out = append(out, e)
		}
	}
	return out
}

// checkManifest holds the manifest against the files: every file is told
// of once, and is what it is said to be.
func checkManifest(t testing.TB, dir string) {
	t.Helper()
	files := tree(t, dir)
	delete(files, mailfile.ManifestName)
	for _, e := range manifest(t, dir) {
		b, ok := files[e.File]
		if !ok {
			t.Errorf("message %d: there is no file %q (%s)", e.N, e.File, e.Error)
			continue
		}
		if e.File == mailfile.MboxName {
			checkInMbox(t, b, &e)
		} else {
			checkFile(t, b, &e)
			delete(files, e.File)
		}
		for _, a := range e.Attachments {
			if a.File == "" {
				continue
			}
			if got := digest(files[a.File]); got != a.SHA256 {
				t.Errorf("%s: digest %s, want %s", a.File, got, a.SHA256)
			}
			delete(files, a.File)
		}
	}
	delete(files, mailfile.MboxName)
	if len(files) > 0 {
		t.Errorf("not in the manifest: %q", sortedNames(files))
	}
}

func checkFile(t testing.TB, b string, e *entry) {
	t.Helper()
	want, octets := e.SHA256, e.Octets
	if e.FileSHA256 != "" {
		want = e.FileSHA256
	}
	if e.FileOctets != nil {
		octets = *e.FileOctets
	}
	if got := digest(b); got != want || int64(len(b)) != octets {
		t.Errorf("%s: %d octets, digest %s, want %d, %s", e.File, len(b), got, octets, want)
	}
}

// checkInMbox looks at the lines around a message.
func checkInMbox(t testing.TB, b string, e *entry) {
	t.Helper()
	before, after := b[:e.FileOffset], b[e.FileOffset+*e.FileOctets:]
	line := before[strings.LastIndexByte(strings.TrimSuffix(before, "\n"), '\n')+1:]
	if !strings.HasPrefix(line, "From MAILER-DAEMON ") || !strings.HasSuffix(line, " 2026\n") {
		t.Errorf("message %d: %q before it", e.N, line)
	}
	if after != "\n" && !strings.HasPrefix(after, "\nFrom MAILER-DAEMON ") {
		t.Errorf("message %d: %.40q behind it", e.N, after)
	}
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	const hex = "0123456789abcdef"
	var b strings.Builder
	for _, c := range sum {
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func dialog(t testing.TB, text string) []capture.Packet {
	t.Helper()
	d, err := capturetest.Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return d.Trace().Packets(capturetest.Plain())
}

const fetchTwice = `
! conn 2 client=198.51.100.8:40002
S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK
C: STAT
S: +OK 2 160
C: LIST
S: +OK
S: 1 80
S: 2 80
S: .
C: UIDL
S: +OK
S: 1 uid-1
S: 2 uid-2
S: .
C: TOP 1 0
S: +OK
S: Subject: one
S:
S: .
C: RETR 1
S: +OK 80 octets
S: Subject: one
S:
S: ..dot
S: .
C: QUIT
S: +OK
@ 2
S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK
C: UIDL 1
S: +OK 1 uid-1
C: RETR 1
S: +OK 80 octets
S: Subject: one
S:
S: ..dot
S: .
C: QUIT
S: +OK
`

func TestTopAndRetrAreLinked(t *testing.T) {
	packets := dialog(t, fetchTwice)
	dir := extract(t, packets, mailfile.Options{Top: true}, popscope.Options{})
	checkManifest(t, dir)
	got := manifest(t, dir)
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3", len(got))
	}
	top, retr, again := got[0], got[1], got[2]
	if top.File != "000001-alice-top1-one.eml" || retr.File != "000002-alice-retr1-one.eml" || again.File != "000003-alice-retr1-one.eml" {
		t.Errorf("files %q, %q, %q", top.File, retr.File, again.File)
	}
	if retr.UIDL != "uid-1" || retr.ListOctets != 80 || retr.StatMessages != 2 || retr.StatOctets != 160 || retr.User != "alice" {
		t.Errorf("claims: %+v", retr)
	}
	if len(top.Earlier) != 0 || len(retr.Earlier) != 1 || retr.Earlier[0].Command != "TOP" || retr.Earlier[0].File != top.File || retr.Earlier[0].Session != retr.Session {
		t.Errorf("links of the first RETR: %+v", retr.Earlier)
	}
	if len(again.Earlier) != 2 || again.Earlier[1].File != retr.File || again.Earlier[1].Session == again.Session {
		t.Errorf("links of the second RETR: %+v", again.Earlier)
	}

	// Without --top the link still tells of it.
	got = manifest(t, extract(t, packets, mailfile.Options{}, popscope.Options{}))
	if len(got) != 2 || len(got[0].Earlier) != 1 || got[0].Earlier[0].Command != "TOP" || got[0].Earlier[0].File != "" {
		t.Errorf("without top: %+v", got)
	}
}

// The offsets in the manifest lead to the bytes in the server's stream.
func TestOffsetsAreThoseOfTheStream(t *testing.T) {
	d, err := capturetest.Parse("test", fetchTwice)
	if err != nil {
		t.Fatal(err)
	}
	trace := d.Trace()
	dir := extract(t, trace.Packets(capturetest.Plain()), mailfile.Options{}, popscope.Options{})
	e := manifest(t, dir)[0]
	raw := trace.Stream(0, false)[e.FirstOffset : e.LastOffset+1]
	if want := "Subject: one\r\n\r\n..dot\r\n"; string(raw) != want {
		t.Errorf(" got %q\nwant %q", raw, want)
	}
	if got := tree(t, dir)[e.File]; got != "Subject: one\r\n\r\n.dot\r\n" {
		t.Errorf("file: %q", got)
	}
}

func load(t testing.TB, name string) []capture.Packet {
	t.Helper()
	t.Chdir("../..")
	return capturetest.Load(t, name).Trace().Packets(capturetest.Plain())
}

func TestGaps(t *testing.T) {
	packets := load(t, "tcp-lost-in-mail")
	before, after := "Subject: a hole\r\n\r\nthe first part, then", "and the rest\r\n"
	lost := int64(len("something that\r\nnobody has seen\r\n"))

	dir := extract(t, packets, mailfile.Options{}, popscope.Options{})
	checkManifest(t, dir)
	e := manifest(t, dir)[0]
	if got := tree(t, dir)[e.File]; got != before+after || e.Verdict != "gaps" {
		t.Errorf("%s: %q", e.Verdict, got)
	}
	if len(e.Gaps) != 1 || e.Gaps[0].Offset != int64(len(before)) || e.Gaps[0].Length != lost || e.Gaps[0].FileOffset != int64(len(before)) || e.Gaps[0].Filled != 0 || e.FileSHA256 != "" {
		t.Errorf("gaps: %+v", e)
	}

	dir = extract(t, packets, mailfile.Options{FillGaps: true}, popscope.Options{})
	checkManifest(t, dir)
	e = manifest(t, dir)[0]
	if got, want := tree(t, dir)[e.File], before+"[missing in the capture][missin"+"g"+after; len(got) != len(before)+int(lost)+len(after) || !strings.HasPrefix(got, before+"[missing in the capture]") || !strings.HasSuffix(got, after) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
	if e.Gaps[0].Filled != lost || e.FileSHA256 == "" || e.FileSHA256 == e.SHA256 || e.SHA256 != digest(before+after) {
		t.Errorf("filled: %+v", e)
	}
}

// TestGapsAfterGaps: where a gap is in the file depends on those before it.
func TestGapsAfterGaps(t *testing.T) {
	packets := dialog(t, `
S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK
C: RETR 1
S: +OK
S| 12345
-
! lost
S| 6789
-
S| 12345
-
! lost
S| 67
-
S: 12345
S: .
C: NOOP
S: +OK
C: QUIT
S: +OK
`)
	for _, c := range []struct {
		as   mailfile.Form
		fill bool
		want [2]int64
	}{
		{mailfile.EML, false, [2]int64{5, 10}}, {mailfile.EML, true, [2]int64{5, 14}},
		{mailfile.Mbox, false, [2]int64{}}, // line ends and quotes move what stands in an mbox
	} {
		dir := extract(t, packets, mailfile.Options{As: c.as, FillGaps: c.fill}, popscope.Options{})
		checkManifest(t, dir)
		e := manifest(t, dir)[0]
		if len(e.Gaps) != 2 || e.Gaps[0].FileOffset != c.want[0] || e.Gaps[1].FileOffset != c.want[1] || e.Gaps[1].Offset != 14 {
			t.Errorf("%s, filled %v: got %+v, want %d", c.as, c.fill, e.Gaps, c.want)
		}
	}
}

// TestLinksByNumber: without a unique id, fetches of the same number are of
// one message in one session only. A file without gaps has no other digest
// than its message.
func TestLinksByNumber(t *testing.T) {
	const fetch = `
S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK
C: RETR 1
S: +OK
S: Subject: one
S:
S: .
C: RETR 2
S: +OK
S: Subject: two
S:
S: .
C: RETR 1
S: +OK
S: Subject: one
S:
S: .
C: QUIT
S: +OK
`
	dir := extract(t, dialog(t, "\n! conn 2 client=198.51.100.8:40002"+fetch+"@ 2"+fetch), mailfile.Options{FillGaps: true}, popscope.Options{})
	checkManifest(t, dir)
	got := manifest(t, dir)
	if len(got) != 6 {
		t.Fatalf("%d messages, want 6", len(got))
	}
	for i, e := range got {
		var want []string
		if i%3 == 2 {
			want = []string{got[i-2].File}
		}
		var files []string
		for _, f := range e.Earlier {
			files = append(files, f.File)
		}
		if !slices.Equal(files, want) || e.FileSHA256 != "" {
			t.Errorf("%s: earlier %q, want %q; other digest %q", e.File, files, want, e.FileSHA256)
		}
	}
}

func TestMailThatClientsSend(t *testing.T) {
	dir := extract(t, load(t, "ext-xtnd-xmit"), mailfile.Options{}, popscope.Options{})
	checkManifest(t, dir)
	e := manifest(t, dir)[0]
	if want := "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: by POP\r\n\r\nQUIT\r\n.dot\r\nend\r\n"; tree(t, dir)[e.File] != want {
		t.Errorf("%q", tree(t, dir)[e.File])
	}
	if e.File != "000001-alice-sent-by_POP.eml" || e.SentBy != "client" {
		t.Errorf("%+v", e)
	}
}

// Same input, same files: for any number of workers, any size of memory,
// and any cutting of the capture.
func TestSameInputSameFiles(t *testing.T) {
	t.Chdir("../..")
	var traces []capturetest.Trace
	for _, d := range capturetest.LoadAll(t, "") {
		trace := d.Trace()
		if trace.Conns() != 1 || strings.HasPrefix(d.Name, "tcp-port-reuse") {
			continue
		}
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(len(traces))}), 40001)
		traces = append(traces, trace.Readdress(0, client, netip.MustParseAddrPort("192.0.2.10:110")))
	}
	trace := capturetest.Merge(traces...)
	for _, as := range []mailfile.Form{mailfile.EML, mailfile.Mbox, mailfile.Maildir} {
		o := mailfile.Options{As: as, Attachments: true, Top: true, FillGaps: true}
		dir := extract(t, trace.Packets(capturetest.Plain()), o, popscope.Options{Workers: 1})
		checkManifest(t, dir)
		want := tree(t, dir)
		if len(manifest(t, dir)) < 30 {
			t.Fatalf("%s: only %q", as, sortedNames(want))
		}
		for _, workers := range []int{2, 5, 16} {
			dir := extract(t, trace.Packets(capturetest.Plain()), o, popscope.Options{Workers: workers})
			got := tree(t, dir)
			if !slices.Equal(sortedNames(got), sortedNames(want)) {
				t.Errorf("%s, %d workers: other files:\n got %q\nwant %q", as, workers, sortedNames(got), sortedNames(want))
				continue
			}
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s, %d workers: %s differs", as, workers, name)
				}
			}
		}
	}
}

// What filters hold back leaves nothing.
func TestFilteredSessionsLeaveNothing(t *testing.T) {
	dir := extract(t, dialog(t, fetchTwice), mailfile.Options{Top: true, Attachments: true}, popscope.Options{Users: []string{"bob"}})
	if got := sortedNames(tree(t, dir)); !slices.Equal(got, []string{mailfile.ManifestName}) {
		t.Errorf("files: %q", got)
	}
}

// Nobody may need the rest: what is temporary goes all the same.
func TestNothingTemporaryStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out, err := mailfile.Open(dir, mailfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := popscope.New(popscope.Options{Body: out.Body, Workers: 2})
	for range a.Results(capturetest.Source(dialog(t, fetchTwice))) {
		break
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != mailfile.ManifestName {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestFilesThatExistAreKept(t *testing.T) {
	packets := dialog(t, fetchTwice)
	for _, c := range []struct {
		name   string
		as     mailfile.Form
		exists string
		fails  bool // at once
	}{
		{"manifest", mailfile.EML, mailfile.ManifestName, true},
		{"mbox", mailfile.Mbox, mailfile.MboxName, true},
		{"message", mailfile.EML, "000002-alice-retr1-one.eml", false},
		{"folder in place of a message", mailfile.EML, "000002-alice-retr1-one.eml/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.exists)
			if strings.HasSuffix(c.exists, "/") {
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.fails {
				_, err := mailfile.Open(dir, mailfile.Options{As: c.as})
				var exists *mailfile.ExistError
				if !errors.As(err, &exists) || !errors.Is(err, fs.ErrExist) || exists.Name != c.exists {
					t.Errorf("%v", err)
				}
				if got := tree(t, dir); len(got) != 1 || got[c.exists] != "old" {
					t.Errorf("%q", got)
				}
			} else {
				rep := extractInto(t, dir, capturetest.Source(packets), mailfile.Options{As: c.as}, popscope.Options{})
				if rep.Messages.Failed != 1 || rep.Messages.Written != 1 || !errors.Is(rep.Messages.Err, fs.ErrExist) {
					t.Errorf("%+v", rep)
				}
				if e := manifest(t, dir); e[1].File != "" || e[1].Error == "" || e[0].File == "" {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestForceReplaces(t *testing.T) {
	packets := dialog(t, fetchTwice)
	for _, as := range []mailfile.Form{mailfile.EML, mailfile.Mbox, mailfile.Maildir} {
		dir := t.TempDir()
		extractInto(t, dir, capturetest.Source(packets), mailfile.Options{As: as}, popscope.Options{})
		want := tree(t, dir)
		for name := range want {
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		extractInto(t, dir, capturetest.Source(packets), mailfile.Options{As: as, Force: true}, popscope.Options{})
		got := tree(t, dir)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %s holds %q", as, name, got[name])
			}
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	for _, force := range []bool{false, true} {
		for _, link := range []string{"000002-alice-retr1-one.eml", "attachments", "attachments inside"} {
			dir, outside := t.TempDir(), t.TempDir()
			link, inside := strings.CutSuffix(link, " inside")
			if inside { // of the folder, but somewhere else
				outside = filepath.Join(dir, "elsewhere")
				if err := os.Mkdir(outside, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			victim := filepath.Join(outside, "victim")
			if err := os.WriteFile(victim, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			target := victim
			if link == "attachments" {
				target = outside
			}
			if inside {
				target = "elsewhere"
			}
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Skip("links cannot be made here")
			}
			o := mailfile.Options{Force: force, Attachments: true}
			extractInto(t, dir, capturetest.Source(dialog(t, withAttachment)), o, popscope.Options{})
			if got := tree(t, outside); len(got) != 1 || got["victim"] != "old" {
				t.Errorf("force %v, link %s: outside is now %q", force, link, got)
			}
		}
	}
}

const withAttachment = `
S: +OK POP3 ready
C: USER alice
S: +OK
C: PASS wonderland-7
S: +OK
C: RETR 1
S: +OK
S: Subject: one
S:
S: .
C: RETR 1
S: +OK
S: Subject: one
S: Content-Type: multipart/mixed; boundary=b
S:
S: --b
S: Content-Disposition: attachment; filename="../../evil"
S:
S: hello
S: --b
S: Content-Disposition: attachment; filename="EVIL/../evil"
S:
S: again
S: --b--
S: .
C: QUIT
S: +OK
`

func TestAttachments(t *testing.T) {
	dir := extract(t, dialog(t, withAttachment), mailfile.Options{Attachments: true}, popscope.Options{})
	checkManifest(t, dir)
	want := []string{
		"000001-alice-retr1-one.eml", "000002-alice-retr1-one.eml",
		"attachments/000002-alice-retr1-one/EVIL_._evil", "attachments/000002-alice-retr1-one/evil", "manifest.jsonl",
	}
	if got := sortedNames(tree(t, dir)); !slices.Equal(got, want) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
}

func TestModes(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("modes of files are those of Unix")
	}
	dir := extract(t, dialog(t, withAttachment), mailfile.Options{Attachments: true}, popscope.Options{})
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
