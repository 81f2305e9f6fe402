package message

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"
)

// guarded parses a mail with enmime, unless it is one that enmime takes
// exponential or quadratic time for.
func guarded(t *testing.T, mail []byte) *enmime.Envelope {
	t.Helper()
	const maxSize, maxMultiparts, maxBoundaries = 1 << 20, 12, 2000
	if len(mail) > maxSize || bytes.Count(bytes.ToLower(mail), []byte("multipart/")) > maxMultiparts || bytes.Count(mail, []byte("\n--")) > maxBoundaries {
		t.Fatal("this mail is not safe to give to enmime")
	}
	e, err := enmime.NewParser(enmime.MultipartWOBoundaryAsSinglePart(true)).ReadEnvelope(bytes.NewReader(mail))
	if err != nil {
		t.Logf("enmime: %v", err)
		return nil
	}
	return e
}

// decoded is an attachment: what both parsers have to agree about.
type decoded struct{ name, content string }

// byEnmime returns the attachments that enmime finds: parts with a name and
// those that are called an attachment.
func byEnmime(e *enmime.Envelope) (out []decoded) {
	if e == nil {
		return nil
	}
	e.Root.DepthMatchAll(func(p *enmime.Part) bool {
		if p.FirstChild == nil && (p.FileName != "" || p.Disposition == "attachment") {
			out = append(out, decoded{p.FileName, string(p.Content)})
		}
		return false
	})
	return out
}

// byUs returns the attachments that this package finds.
func byUs(t *testing.T, mail []byte) (out []decoded) {
	t.Helper()
	var parts []*bytes.Buffer
	m, err := Parse(bytes.NewReader(mail), Limits{PartSink: func(PartInfo) io.Writer {
		parts = append(parts, new(bytes.Buffer))
		return parts[len(parts)-1]
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range m.Attachments {
		out = append(out, decoded{a.Name, parts[i].String()})
	}
	return out
}

// known are the mails of which enmime gives an attachment otherwise, and why
// ours is right.
var known = map[string]string{
	"eight-bit-headers":       "enmime makes UTF-8 of the content, and cannot read the name; an attachment is what was attached",
	"names-in-charsets":       "enmime does not read a name in raw KOI8-R by the charset of its part",
	"no-blank-line":           "enmime takes the body for the name, and loses it",
	"base64-with-footer":      "enmime loses the last octets before a footer",
	"quoted-printable-errors": "enmime leaves a soft line break with white space behind it as it is",
	"unknown-encoding":        "enmime does not read an encoding in quotes, or with a comment",
	"attachments/2":           "enmime makes UTF-8 of the content, and the digest is no longer that of the file",
	"attachments/3":           "the same, and it cannot read a name in KOI8-R",
	"wrong-charset":           "enmime leaves an encoded word as it is if it does not know the charset",
}

// TestAgainstEnmime: what enmime, the most tolerant of the libraries,
// decodes of broken mails and of those in the recordings, this package
// decodes too.
func TestAgainstEnmime(t *testing.T) {
	files, err := filepath.Glob("../../testdata/mail/*.eml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d mails: %v", len(files), err)
	}
	if python, err := exec.LookPath("python3"); err == nil {
		dir := t.TempDir()
		if out, err := exec.Command(python, "-B", "../../scripts/record/mails.py", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, set := range []string{"small", "attachments"} {
			more, err := filepath.Glob(filepath.Join(dir, set, "*.eml"))
			if err != nil || len(more) != 4 {
				t.Fatalf("%d mails: %v", len(more), err)
			}
			files = append(files, more...)
		}
	} else {
		t.Log("python3 is not installed: the mails of the recordings are left out")
	}
	agreed := 0
	for _, file := range files {
		mail, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		if dir := filepath.Base(filepath.Dir(file)); dir != "mail" {
			name = dir + "/" + name
		}
		ours, theirs := byUs(t, mail), byEnmime(guarded(t, mail))
		differs := false
		for _, d := range theirs {
			if slices.Contains(ours, d) {
				agreed++
				continue
			}
			differs = true
			if known[name] == "" {
				t.Errorf("%s: enmime finds %q, %.80q\nours: %.300q", name, d.name, d.content, ours)
			}
		}
		if known[name] != "" && !differs {
			t.Errorf("%s: no difference, but one is known: %s", name, known[name])
		}
	}
	if agreed < 20 {
		t.Errorf("only %d attachments were the same", agreed)
	}
}
