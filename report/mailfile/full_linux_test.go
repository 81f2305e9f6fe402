package mailfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"popscope"
	"popscope/capture/capturetest"
	"popscope/report/mailfile"
)

// smallDisk mounts a file system with room for size octets.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if err != nil {
		t.Skipf("a file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// On a disk that gets full, what is there is whole, and the manifest tells
// of each message whether it is.
func TestFullDisk(t *testing.T) {
	for _, as := range []mailfile.Form{mailfile.EML, mailfile.Mbox, mailfile.Maildir} {
		for _, body := range []int{20_000, 300_000} { // in memory, in a temporary file
			t.Run(fmt.Sprint(as, " ", body), func(t *testing.T) {
				var text strings.Builder
				text.WriteString("S: +OK\nC: USER alice\nS: +OK\nC: PASS x\nS: +OK\n")
				const mails = 12
				for i := range mails {
					fmt.Fprintf(&text, "C: RETR %d\nS: +OK\nS: Subject: mail %d\nS:\nS* %d %s\\r\\n\nS: .\n", i+1, i+1, body/80, strings.Repeat("x", 78))
				}
				text.WriteString("C: RETR 99\nS: +OK\nS: Subject: short\nS:\nS: .\nC: QUIT\nS: +OK\n")
				dir := filepath.Join(smallDisk(t, 256<<10+5*body), "out")
				rep := extractInto(t, dir, capturetest.Source(dialog(t, text.String())), mailfile.Options{As: as}, popscope.Options{})
				if rep.Messages.Failed == 0 || rep.Messages.Written == 0 || rep.Messages.Failed+rep.Messages.Written != mails+1 || !errors.Is(rep.Messages.Err, syscall.ENOSPC) {
					t.Errorf("%+v", rep)
				}
				written := 0
				for _, e := range manifest(t, dir) {
					if e.File != "" {
						written++
					} else if e.Error != "no space left on device" || e.SHA256 == "" || e.Octets == 0 {
						t.Errorf("%+v", e)
					}
				}
				if written != rep.Messages.Written {
					t.Errorf("%d messages in the manifest have a file, %d in the report", written, rep.Messages.Written)
				}
				checkWhatIsThere(t, dir)
				if left, _ := filepath.Glob(filepath.Join(dir, ".popscope*")); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
}

// checkWhatIsThere is checkManifest for a folder that lacks files.
func checkWhatIsThere(t *testing.T, dir string) {
	t.Helper()
	files := tree(t, dir)
	for _, e := range manifest(t, dir) {
		switch {
		case e.File == "":
		case e.File == mailfile.MboxName:
			checkInMbox(t, files[e.File], &e)
		default:
			checkFile(t, files[e.File], &e)
			delete(files, e.File)
		}
	}
	delete(files, mailfile.MboxName)
	delete(files, mailfile.ManifestName)
	if len(files) > 0 {
		t.Errorf("not in the manifest: %q", sortedNames(files))
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("a file system cannot be made read-only here: %v", err)
	}
	for _, name := range []string{"", "new"} {
		_, err := mailfile.Open(filepath.Join(dir, name), mailfile.Options{})
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%v", err)
		}
	}
	if os.Geteuid() == 0 {
		return // for whom permissions mean nothing
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := mailfile.Open(closed, mailfile.Options{}); !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v", err)
	}
}
