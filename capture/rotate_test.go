package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"popscope/capture"
)

// framesOf returns n packets of 1000 bytes, a second apart, from two
// interfaces.
func framesOf(n int) []capture.Packet {
	var out []capture.Packet
	for i := range n {
		link := capture.LinkEthernet
		if i%3 == 2 {
			link = capture.LinkRaw
		}
		data := make([]byte, 1000)
		data[0] = byte(i)
		out = append(out, capture.Packet{Num: int64(i + 1), File: i % 2, Nanos: int64(1e18) + int64(i)*int64(time.Second), Link: link, Data: data, Orig: 1200})
	}
	return out
}

// readAll returns what files hold as one timeline.
func readAll(t *testing.T, names ...string) (packets []capture.Packet, drops uint64) {
	t.Helper()
	src, err := capture.Open(names...)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for {
		var p capture.Packet
		err := src.Next(&p)
		if err == io.EOF {
			return packets, src.Drops()
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Data = slices.Clone(p.Data)
		packets = append(packets, p)
	}
}

func TestRotation(t *testing.T) {
	for name, tt := range map[string]struct {
		o     capture.Rotation
		files int
		first int // number of the first packet that is kept, from 0
		flush bool
	}{
		"one file":                     {capture.Rotation{}, 1, 0, false},
		"by size":                      {capture.Rotation{Size: 5000}, 6, 0, false},
		"by size, each packet flushed": {capture.Rotation{Size: 5000}, 6, 0, true},
		"by time":                      {capture.Rotation{Every: 10 * time.Second}, 3, 0, false},
		"by both":                      {capture.Rotation{Size: 20000, Every: 5 * time.Second}, 6, 0, false},
		"only the end":                 {capture.Rotation{Every: 10 * time.Second, Keep: 2}, 2, 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tt.o.Name = filepath.Join(dir, "mail.pcapng")
			tt.o.Interfaces = []string{"eth0", "eth1"}
			r, err := capture.NewRotator(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			sent := framesOf(30)
			for i := range sent {
				if err := r.Write(&sent[i]); err != nil {
					t.Fatal(err)
				}
				r.Dropped(uint64(i))
				if tt.flush {
					r.Flush()
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			if len(files) != tt.files {
				t.Errorf("files %q, want %d", files, tt.files)
			}
			for _, f := range files {
				if st, err := os.Stat(f); err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v %v", f, st.Mode(), err)
				}
			}
			got, drops := readAll(t, files...)
			if len(got) != 30-tt.first || got[0].Data[0] != byte(tt.first) || got[len(got)-1].Data[0] != 29 {
				t.Errorf("%d packets", len(got))
			}
			if want := uint64(29 - max(tt.first-1, 0)); drops != want {
				t.Errorf("%d drops, want %d", drops, want)
			}
		})
	}
}

func TestDropsBeforeTheFirstFileOfARotation(t *testing.T) {
	dir := t.TempDir()
	r, err := capture.NewRotator(capture.Rotation{Name: filepath.Join(dir, "mail.pcapng"), Every: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r.Dropped(3)
	p := framesOf(1)[0]
	if err := r.Write(&p); err != nil {
		t.Fatal(err)
	}
	r.Dropped(5)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if got, drops := readAll(t, files...); len(got) != 1 || drops != 5 {
		t.Errorf("%d packets, %d dropped; want 1 and 5", len(got), drops)
	}
}

// TestDropsDescribeNoOtherInterface: tcpdump refuses a file with interfaces of
// several link types, so that what was dropped is told of one that has packets.
func TestDropsDescribeNoOtherInterface(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mail.pcapng")
	r, err := capture.NewRotator(capture.Rotation{Name: name, Size: 1, Interfaces: []string{"eth0", "tun0"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Dropped(3)
	p := framesOf(2)[1]
	p.Link = capture.LinkRaw
	if err := r.Write(&p); err != nil {
		t.Fatal(err)
	}
	r.Dropped(5)
	if err := r.Resume(); err != nil {
		t.Fatal(err)
	}
	file := r.File().Name()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(file)
	if bytes.Contains(b, []byte("eth0")) || !bytes.Contains(b, []byte("tun0\x09\x00")) {
		t.Errorf("the file describes another interface:\n%q", b)
	}
	if _, drops := readAll(t, file); drops != 5 {
		t.Errorf("%d dropped, want 5", drops)
	}
}

func TestRotationNeedsAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]error{file: fs.ErrInvalid, file + "s": fs.ErrNotExist} {
		_, err := capture.NewRotator(capture.Rotation{Name: filepath.Join(folder, "mail.pcapng"), Size: 1})
		if !errors.Is(err, want) {
			t.Errorf("%s\n got %v\nwant %v", folder, err, want)
		}
	}
}

// TestRotationReplacesNothing runs twice over packets of the same times, as
// after a clock was set back: the files of the first run stay as they are.
func TestRotationReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	sent := framesOf(4)
	before := map[string]string{}
	for run := range 3 {
		r, err := capture.NewRotator(capture.Rotation{Name: filepath.Join(dir, "mail.pcapng"), Every: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for i := range sent {
			sent[i].Data[1] = byte(run)
			if err := r.Write(&sent[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		if want := 2 * (run + 1); len(files) != want {
			t.Errorf("run %d: files %q, want %d", run, files, want)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if old, ok := before[f]; ok && old != string(b) {
				t.Errorf("run %d has changed %s", run, f)
			}
			before[f] = string(b)
		}
	}
}

// TestOneFileIsForItsOwnerOnly writes where a file is that others may read.
func TestOneFileIsForItsOwnerOnly(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mail.pcapng")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o644); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	r, err := capture.NewRotator(capture.Rotation{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v before the first packet, want 0600", st.Mode())
	}
	sent := framesOf(3)
	for i := range sent {
		if err := r.Write(&sent[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := readAll(t, name); len(got) != 3 {
		t.Errorf("%d packets, want 3", len(got))
	}
}

// TestReopenWithoutANewFile: where there can be no new file, packets go on to
// the one that was moved away, until there can be.
func TestReopenWithoutANewFile(t *testing.T) {
	dir := t.TempDir()
	name, moved := filepath.Join(dir, "mail.pcapng"), filepath.Join(dir, "old.pcapng")
	r, err := capture.NewRotator(capture.Rotation{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	sent := framesOf(3)
	for i := range sent {
		if err := r.Write(&sent[i]); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			err = errors.Join(os.Rename(name, moved), os.Mkdir(name, 0o700))
			if err := r.Reopen(); !errors.Is(err, capture.ErrGoesOn) {
				t.Errorf("got %v, want %v", err, capture.ErrGoesOn)
			}
		case 1:
			err = errors.Join(os.Remove(name), r.Reopen())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a, _ := readAll(t, moved)
	b, _ := readAll(t, name)
	if len(a) != 2 || len(b) != 1 {
		t.Errorf("%d and %d packets, want 2 and 1", len(a), len(b))
	}
}

// TestFlushedIsComplete reads a file while it is written, and goes on in a
// new one after the old was moved away.
func TestFlushedIsComplete(t *testing.T) {
	dir := t.TempDir()
	name, moved := filepath.Join(dir, "mail.pcapng"), filepath.Join(dir, "old.pcapng")
	r, err := capture.NewRotator(capture.Rotation{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	sent := framesOf(200)
	for i := range sent[:100] {
		r.Write(&sent[i])
		if i%10 == 9 {
			if err := r.Flush(); err != nil {
				t.Fatal(err)
			}
			if got, _ := readAll(t, name); len(got) != i+1 {
				t.Fatalf("%d packets after %d were flushed", len(got), i+1)
			}
		}
	}
	if err := r.Reopen(); err != nil { // nothing was moved
		t.Fatal(err)
	}
	if err := os.Rename(name, moved); err != nil {
		t.Fatal(err)
	}
	if err := r.Reopen(); err != nil {
		t.Fatal(err)
	}
	for i := range sent[100:] {
		r.Write(&sent[100+i])
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a, _ := readAll(t, moved)
	b, _ := readAll(t, name)
	if got, want := fmt.Sprint(len(a), len(b)), "100 100"; got != want {
		t.Errorf("packets %s, want %s", got, want)
	}
}
