package mailfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// testPool returns a pool that may hold limit octets.
func testPool(t testing.TB, limit int64) *pool {
	t.Helper()
	f, err := openFolder(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(f)
	p.limit = limit
	t.Cleanup(func() {
		p.close()
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *pool) dir() string { return p.folder.root.Name() }

// content is n octets that show where they were swapped.
func content(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestSpoolKeepsEveryOctet(t *testing.T) {
	for _, limit := range []int64{0, 20 << 10, 64 << 20} {
		for _, size := range []int{0, 1, minBuffer - 1, minBuffer, minBuffer + 1, leastSpilled, leastSpilled + 1, 100_000, maxHeld, maxHeld + 1, 3 * maxHeld, 1<<20 + 7} {
			for _, piece := range []int{1460, 16 << 10, 1 << 20} {
				p := testPool(t, limit)
				want := content(size)
				for i, finish := range []func(s *spool, name string) error{
					(*spool).place,
					func(s *spool, name string) error {
						f, err := os.Create(filepath.Join(p.dir(), name))
						if err != nil {
							return err
						}
						defer f.Close()
						return s.copyTo(f)
					},
				} {
					s := &spool{pool: p}
					for rest := want; len(rest) > 0; {
						n := min(piece, len(rest))
						s.Write(rest[:n])
						rest = rest[n:]
					}
					s.finish()
					name := fmt.Sprint("file", i)
					if err := finish(s, name); err != nil {
						t.Fatal(err)
					}
					got, err := os.ReadFile(filepath.Join(p.dir(), name))
					if err != nil || !bytes.Equal(got, want) || s.size != int64(size) {
						t.Errorf("limit %d, size %d, pieces of %d: got %d octets, size %d, %v", limit, size, piece, len(got), s.size, err)
					}
					s.discard()
				}
				if p.held.Load() != 0 || len(p.open) != 0 {
					t.Errorf("%d octets held, %d files open", p.held.Load(), len(p.open))
				}
			}
		}
	}
}

// Thousands of messages on their way at once, from several goroutines, in
// bounded memory and with few files open.
// TestAttachmentIsWhole: closing an attachment ends its spool, also one that
// went to a file, and its name is given to nothing that exists.
func TestAttachmentIsWhole(t *testing.T) {
	for _, size := range []int{1, maxHeld + 5} {
		p := testPool(t, maxBuffers)
		for i, want := range [][]byte{content(size), content(size + 1)} {
			a := &part{spool{pool: p}}
			a.Write(want)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if err := a.place("a"); (i == 0) != (err == nil) || i > 0 && !errors.Is(err, fs.ErrExist) {
				t.Errorf("%d octets, attachment %d: %v", size, i, err)
			}
			if got, err := os.ReadFile(filepath.Join(p.dir(), "a")); err != nil || !bytes.Equal(got, content(size)) {
				t.Errorf("%d octets: got %d, %v", size, len(got), err)
			}
		}
	}
}

func TestManySpoolsAtOnce(t *testing.T) {
	const goroutines, each, size = 4, 300, 40 << 10
	p := testPool(t, 1<<20)
	var wait sync.WaitGroup
	var spools [goroutines][each]*spool
	for g := range goroutines {
		wait.Go(func() {
			for i := range each {
				spools[g][i] = &spool{pool: p}
			}
			for at := 0; at < size; at += 2048 {
				for i, s := range spools[g] {
					s.Write(bytes.Repeat([]byte{byte(g*16 + i), byte(i)}, 1024))
				}
				if n := p.held.Load(); n > 1<<20+goroutines*each*leastSpilled {
					t.Errorf("%d octets held", n)
				}
			}
			for _, s := range spools[g] {
				s.finish()
			}
		})
	}
	wait.Wait()
	if n := len(p.open); n > 0 {
		t.Errorf("%d files open after all were finished", n)
	}
	if n := p.held.Load(); n > 1<<19+maxHeld {
		t.Errorf("%d octets held after all were finished", n)
	}
	for g := range goroutines {
		for i, s := range spools[g] {
			var out bytes.Buffer
			if err := s.copyTo(&out); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), bytes.Repeat([]byte{byte(g*16 + i), byte(i)}, size/2)) {
				t.Fatalf("spool %d of goroutine %d holds something else", i, g)
			}
			s.discard()
		}
	}
}

// What is finished goes to its file before what is on its way has to.
func TestFinishedSpoolsMakeRoom(t *testing.T) {
	const limit, size = 1 << 20, 20 << 10
	p := testPool(t, limit)
	for range 100 {
		s := &spool{pool: p}
		s.Write(content(size))
		s.finish()
		if n := p.held.Load(); n > limit/2+2*size {
			t.Fatalf("finished spools hold %d octets, want half of %d", n, limit)
		}
	}
	s := &spool{pool: p}
	s.Write(content(maxHeld))
	if s.temp != "" {
		t.Errorf("a spool of %d octets that is on its way went to a file, while %d of %d octets are held", maxHeld, p.held.Load(), limit)
	}
	s.finish()
	if s.temp == "" {
		t.Errorf("a spool of %d octets that is finished waits in memory, while %d of %d octets are held", maxHeld, p.held.Load(), limit)
	}
}

func TestSpoolFailsOnceAndForGood(t *testing.T) {
	p := testPool(t, 0)
	p.folder.temp.Close() // nothing can be created any more
	s := &spool{pool: p}
	s.Write(content(maxHeld))
	_, err := s.Write([]byte("x"))
	if err == nil {
		t.Fatal("no error")
	}
	if e := s.place("x"); !errors.Is(e, err) {
		t.Errorf("place: %v, want %v", e, err)
	}
	if e := s.copyTo(io.Discard); !errors.Is(e, err) {
		t.Errorf("copyTo: %v, want %v", e, err)
	}
	if p.held.Load() != 0 {
		t.Errorf("%d octets held", p.held.Load())
	}
}

func BenchmarkSpool(b *testing.B) {
	for _, size := range []int{5_000, 60_000, 10 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := testPool(b, maxBuffers)
			data := content(1460)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				s := spool{pool: p}
				for n := 0; n < size; n += len(data) {
					s.Write(data)
				}
				s.finish()
				s.discard()
			}
		})
	}
}
