package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	half := state{read: 450_000_000, total: 1_000_000_000, rate: 210e6, sessions: 12_345, messages: 1}
	for _, c := range []struct {
		name  string
		state state
		width int
		want  string
	}{
		{"all of it", half, 200, "reading 45%, 450 MB of 1.00 GB, 12,345 sessions, 3 s left, 210 MB/s, 1 message"},
		{"what fits", half, 60, "reading 45%, 450 MB of 1.00 GB, 12,345 sessions, 3 s left"},
		{"no room", half, 11, "reading 45%"},
		{"no room at all", half, 3, ""},
		{"a pipe", state{read: 4_560, rate: 999, sessions: 1}, 200, "reading 4.56 kB, 1 session, 999 B/s, 0 messages"},
		{"a file that grew", state{read: 2_000, total: 1_000, rate: 1}, 200, "reading 2.00 kB, 0 sessions, 1 B/s, 0 messages"},
		{"nothing moves", state{read: 10, total: 1000}, 200, "reading 1%, 10 B of 1.00 kB, 0 sessions, 0 B/s, 0 messages"},
		{"for long", state{read: 1, total: 1e15, rate: 2}, 60, "reading 0%, 1 B of 1.00 PB, 0 sessions, days left, 2 B/s"},
	} {
		if got := c.state.line(c.width); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 9_994: "9.99 kB", 9_996: "10.0 kB", 99_949: "99.9 kB", 99_960: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 1 << 62: "4612 PB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestLeftText(t *testing.T) {
	for d, want := range map[float64]string{
		0: "0 s left", 59.4: "59 s left", 59.6: "1:00 min left", 3599: "59:59 min left", 3600: "1:00 h left", 345_600: "96:00 h left", 345_601: "days left", 1e300: "days left",
	} {
		if got := leftText(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestRateFollows: the rate comes near to what is read now, and never below
// nothing when files that were looked at are read again.
func TestRateFollows(t *testing.T) {
	s := state{rate: 1000}
	for range 100 {
		s.advance(s.read+50, 100*time.Millisecond)
	}
	if s.rate < 499 || s.rate > 520 {
		t.Errorf("after ten seconds of 500 B/s the rate is %v", s.rate)
	}
	s.advance(0, time.Hour)
	if s.rate != 0 {
		t.Errorf("nothing was read for an hour, and the rate is %v", s.rate)
	}
}

// TestScreen: a line that comes and goes never mixes with what stays.
func TestScreen(t *testing.T) {
	var tty strings.Builder
	s := &screen{err: &tty}
	out := s.writer(&tty)
	s.set("reading 1%")
	s.set("reading")
	out.Write([]byte("half a li"))
	s.set("reading 2%") // not now
	out.Write([]byte("ne\n"))
	s.set("reading 3%")
	s.set("")
	s.set("")
	want := "\rreading 1%" + "\rreading   " + "\r          \r" + "half a line\n" + "\rreading 3%" + "\r          \r"
	if tty.String() != want {
		t.Errorf("\n got %q\nwant %q", tty.String(), want)
	}
}

func TestTotalSize(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, name := range []string{a, b} {
		if err := os.WriteFile(name, make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in, err := os.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	in.Seek(40, 0)
	for _, c := range []struct {
		name  string
		files []string
		stdin any
		want  int64
	}{
		{"files", []string{a, b}, nil, 200},
		{"one is missing", []string{a, filepath.Join(dir, "none")}, nil, 100},
		{"standard input that is a file", []string{"-", a}, in, 160},
		{"a pipe", []string{"-", a}, strings.NewReader("x"), 0},
		{"a folder", []string{a, dir}, nil, 0},
	} {
		if got := totalSize(c.files, c.stdin); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
