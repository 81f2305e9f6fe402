package mailfile_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/reassembly/tlsdec"
	"popscope/report/mailfile"
)

// truth is what the recording script knew of a capture.
type truth struct {
	Sessions []struct {
		User     string
		TLS      string
		Messages []struct {
			Number      int
			Command     string
			Octets      int64
			SHA256      string
			AsStored    bool `json:"as_stored"`
			Attachments []struct{ Name, SHA256 string }
		}
	}
}

// recordings returns the project's own captures with their truth.
func recordings(t *testing.T) map[string]truth {
	t.Helper()
	files, err := filepath.Glob("../../testdata/pcap/*.truth.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings: %v", len(files), err)
	}
	out := make(map[string]truth)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want truth
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		captures, err := filepath.Glob(strings.TrimSuffix(file, ".truth.json") + ".pcap*")
		if err != nil || len(captures) != 1 {
			t.Fatalf("%s: captures %q, %v", file, captures, err)
		}
		out[captures[0]] = want
	}
	return out
}

// Every message of every recording is what the client got, as the script
// that recorded it knew; and where the server gave it out as it was stored,
// it is byte for byte the file that was put into the mailbox.
func TestRecordings(t *testing.T) {
	stored := storedMails(t)
	exact, checked := 0, 0
	for file, want := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := capture.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			dir := filepath.Join(t.TempDir(), "out")
			extractInto(t, dir, src, mailfile.Options{Top: true, Attachments: true}, popscope.Options{Keys: keyLogOf(t, file)})
			checkManifest(t, dir)
			files := tree(t, dir)
			found := make(map[string][]entry)
			for _, e := range manifest(t, dir) {
				found[e.SHA256] = append(found[e.SHA256], e)
			}
			for _, s := range want.Sessions {
				for _, m := range s.Messages {
					list := found[m.SHA256]
					if len(list) == 0 {
						t.Errorf("%s %d, %d octets: no file", m.Command, m.Number, m.Octets)
						continue
					}
					e := list[0]
					found[m.SHA256] = list[1:]
					checked++
					if e.Number != m.Number || e.Command != m.Command || e.Octets != m.Octets || e.Verdict != "complete" || e.User != s.User {
						t.Errorf("got %+v\nwant %+v", e, m)
					}
					if m.AsStored && stored != nil {
						mail, ok := stored[m.SHA256]
						if !ok || mail != files[e.File] {
							t.Errorf("%s is not the stored mail", e.File)
						}
						exact++
					}
					for _, a := range m.Attachments {
						if !holdsAttachment(files, e, a.Name, a.SHA256) {
							t.Errorf("%s: attachment %q is not there", e.File, a.Name)
						}
					}
				}
			}
			for sum, left := range found {
				if len(left) > 0 {
					t.Errorf("message %s nobody knew of", sum)
				}
			}
		})
	}
	if checked < 75 || stored != nil && exact < 50 {
		t.Errorf("only %d messages, %d of them held against stored mails", checked, exact)
	}
	t.Logf("%d messages, %d of them held against the stored mails byte for byte", checked, exact)
}

// keyLogOf returns the TLS secrets that were recorded with a capture, or nil.
func keyLogOf(t *testing.T, file string) *tlsdec.KeyLog {
	t.Helper()
	f, err := os.Open(strings.TrimSuffix(file, filepath.Ext(file)) + ".keylog")
	if err != nil {
		return nil
	}
	defer f.Close()
	keys := new(tlsdec.KeyLog)
	if _, err := keys.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return keys
}

func holdsAttachment(files map[string]string, e entry, name, sum string) bool {
	for _, a := range e.Attachments {
		if a.Name == name && a.SHA256 == sum {
			return digest(files[a.File]) == sum
		}
	}
	return false
}

// storedMails returns the mails that were put into the servers' mailboxes,
// by digest, made by the script that made them then; nil without Python.
func storedMails(t *testing.T) map[string]string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("python3 is not installed: files are held against digests only")
		return nil
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "-B", "../../scripts/record/mails.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mails := make(map[string]string)
	for name, b := range tree(t, dir) {
		if strings.HasSuffix(name, ".eml") {
			mails[digest(b)] = b
		}
	}
	if len(mails) < 15 {
		t.Fatalf("%d mails", len(mails))
	}
	return mails
}
