package capture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Rotation says how a live capture is kept in files. With Size and Every
// both 0 there is one file, of exactly that Name, and one that is there
// already is replaced. Otherwise files are numbered:
//
//	mail.pcapng -> mail_00001_20261125150453.pcapng
//
// with the time, in UTC, of the first packet; the order of the names is that
// of the packets. Files of a rotation never replace others.
type Rotation struct {
	Name  string
	Size  int64         // a new file is begun when one has so many bytes; 0: no limit
	Every time.Duration // a new file is begun this long after the first packet of one, by the packets' times; 0: no limit
	Keep  int           // the oldest file of this run is removed when there are more; 0: all are kept

	Interfaces []string // their names, as WriterOptions
	Snaplen    int
}

// Rotator writes a live capture as pcapng, mode 0600. What has been flushed
// is a complete file at any time; so what a crash loses is what was not
// flushed.
type Rotator struct {
	o       Rotation
	file    *os.File
	w       *Writer
	size    int64     // of the file
	whole   int64     // up to which it ends with a whole block, and is the system's
	since   int64     // time of the first packet
	any     bool      // it has a packet
	last    int64     // time of the last one
	from    described // its interface: with another one than those of the packets, tcpdump refuses a file
	number  int
	names   []string // kept, the oldest first
	dropped uint64   // up to now
	saved   uint64   // of these, those that the files up to whole tell of
	before  uint64   // saved at the beginning of this section
	told    uint64   // in this section
}

// NewRotator returns a Rotator. Without rotation it creates the file, and
// otherwise makes sure that the folder exists.
func NewRotator(o Rotation) (*Rotator, error) {
	r := &Rotator{o: o, from: described{link: LinkEthernet}}
	if r.rotates() {
		info, err := os.Stat(filepath.Dir(o.Name))
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: filepath.Dir(o.Name), Err: fs.ErrInvalid}
		}
		return r, err
	}
	return r, r.open(0)
}

func (r *Rotator) rotates() bool { return r.o.Size > 0 || r.o.Every > 0 }

// open begins a file whose first packet is of a time.
func (r *Rotator) open(nanos int64) error {
	f, err := r.create(nanos)
	if err != nil {
		return err
	}
	return r.begin(f)
}

// create makes a file whose first packet is of a time.
func (r *Rotator) create(nanos int64) (*os.File, error) {
	name, flags := r.o.Name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC
	if r.rotates() {
		flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	for {
		if r.rotates() {
			r.number++
			ext := filepath.Ext(r.o.Name)
			at := time.Unix(0, nanos).UTC().Format("20060102150405")
			name = fmt.Sprintf("%s_%05d_%s%s", strings.TrimSuffix(r.o.Name, ext), r.number, at, ext)
		}
		f, err := os.OpenFile(name, flags, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := f.Chmod(0o600); err != nil && !os.IsPermission(err) {
			f.Close()
			return nil, err // a file that was there may be readable by others
		}
		return f, nil
	}
}

// begin makes a new file the one at hand.
func (r *Rotator) begin(f *os.File) error {
	r.file = f
	w, err := NewWriter(counting{r}, WriterOptions{Format: Pcapng, Snaplen: r.o.Snaplen, Interfaces: r.o.Interfaces})
	if err != nil {
		return err
	}
	r.w, r.size, r.whole, r.any, r.told, r.before = w, 0, 0, false, 0, r.saved
	r.names = append(r.names, f.Name())
	for r.o.Keep > 0 && len(r.names) > r.o.Keep {
		os.Remove(r.names[0]) // if it cannot be removed, somebody else has done so
		r.names = r.names[1:]
	}
	return r.Flush()
}

// counting is the file, counted.
type counting struct{ r *Rotator }

func (c counting) Write(b []byte) (int, error) {
	n, err := c.r.file.Write(b)
	c.r.size += int64(n)
	return n, err
}

// Write writes a packet, and begins another file before it if that is due.
// After an error the file ends with the last packet that was flushed, and
// Resume or Reopen may help.
func (r *Rotator) Write(p *Packet) error {
	if r.file != nil && r.any && r.rotates() {
		full := r.o.Size > 0 && r.size+int64(r.w.w.Buffered()) >= r.o.Size
		old := r.o.Every > 0 && p.Nanos-r.since >= int64(r.o.Every)
		if full || old {
			if err := r.finish(); err != nil {
				return err
			}
		}
	}
	r.last, r.from = p.Nanos, described{p.Link, p.File}
	if r.file == nil {
		if err := r.open(p.Nanos); err != nil {
			return err
		}
	}
	if !r.any {
		r.any, r.since = true, p.Nanos
	}
	return r.cut(r.w.Write(p))
}

// cut takes half a block off the end of the file after an error, which it
// returns.
func (r *Rotator) cut(err error) error {
	if err != nil && r.size > r.whole && r.file.Truncate(r.whole) == nil {
		r.size = r.whole
	}
	return err
}

// Resume goes on after an error: in the file at hand, with a section of its
// own, or in the next one.
func (r *Rotator) Resume() error {
	if r.file == nil {
		return r.open(r.last)
	}
	if err := r.file.Truncate(r.whole); err != nil {
		return err
	}
	if _, err := r.file.Seek(r.whole, io.SeekStart); err != nil {
		return err
	}
	r.size = r.whole
	w, err := NewWriter(counting{r}, WriterOptions{Format: Pcapng, Snaplen: r.o.Snaplen, Interfaces: r.o.Interfaces})
	if err != nil {
		return err
	}
	r.w, r.told, r.before = w, 0, r.saved
	return r.Flush()
}

// Dropped tells how many packets the kernel has dropped in all.
func (r *Rotator) Dropped(n uint64) { r.dropped = n }

// Flush hands all that was written to the system.
func (r *Rotator) Flush() error {
	if r.file == nil {
		return nil
	}
	if n := r.dropped - r.before; n != r.told {
		r.told = n
		if err := r.w.dropped(n, r.last, r.from); err != nil {
			return r.cut(err)
		}
	}
	if err := r.w.Flush(); err != nil {
		return r.cut(err)
	}
	r.whole, r.saved = r.size, r.dropped
	return nil
}

// finish completes the file at hand.
func (r *Rotator) finish() error {
	if r.file == nil {
		return nil
	}
	err := r.Flush()
	if e := r.file.Close(); err == nil {
		err = e
	}
	r.file = nil
	return err
}

// ErrGoesOn is what Reopen returns, together with the reason, when there is no
// new file: the packets go on to the one at hand.
var ErrGoesOn = errors.New("packets go on to the file at hand")

// Reopen completes the file at hand and begins another: of the same name,
// which somebody has moved away, or the next of a rotation. A single file
// that was not moved is gone on with, and so is one of which there cannot be
// another; see ErrGoesOn.
func (r *Rotator) Reopen() error {
	if r.rotates() {
		return r.finish()
	}
	if r.file == nil {
		return r.open(r.last)
	}
	a, errA := r.file.Stat()
	b, errB := os.Stat(r.o.Name)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return r.Flush()
	}
	f, err := r.create(r.last)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGoesOn, err)
	}
	err = r.finish()
	r.names = nil
	if e := r.begin(f); err == nil {
		err = e
	}
	return err
}

// File returns the file at hand, or nil.
func (r *Rotator) File() *os.File { return r.file }

// Close completes the file.
func (r *Rotator) Close() error { return r.finish() }
