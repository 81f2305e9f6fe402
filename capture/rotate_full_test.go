//go:build unix

package capture_test

import (
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"popscope/capture"
)

// TestRotatorOnAFullDisk: what was flushed stays, half a block does not, and
// when there is room again the same file goes on.
func TestRotatorOnAFullDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	room := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
	}
	defer room(limit.Cur)

	name := filepath.Join(t.TempDir(), "mail.pcapng")
	r, err := capture.NewRotator(capture.Rotation{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	sent := framesOf(30)
	write := func(from, to int) error {
		for i := from; i < to; i++ {
			if err := r.Write(&sent[i]); err != nil {
				return err
			}
			r.Dropped(uint64(i))
		}
		return r.Flush()
	}
	if err := write(0, 10); err != nil {
		t.Fatal(err)
	}
	before, _ := r.File().Stat()
	room(uint64(before.Size()) + 2500)
	if err := write(10, 20); err == nil {
		t.Fatal("there was room")
	}
	if after, _ := r.File().Stat(); after.Size() != before.Size() {
		t.Errorf("%d bytes, %d of them flushed", after.Size(), before.Size())
	}
	if err := r.Resume(); err == nil {
		err = write(20, 25)
		if err == nil {
			t.Error("there was room for more")
		}
	}
	room(limit.Cur)
	if err := r.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := write(20, 30); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	got, drops := readAll(t, name)
	if len(got) != 20 || got[9].Data[0] != 9 || got[10].Data[0] != 20 || drops != 29 {
		t.Errorf("%d packets, %d dropped; want 20 and 29", len(got), drops)
	}
}
