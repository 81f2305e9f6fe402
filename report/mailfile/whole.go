package mailfile

import (
	"bytes"
	"os"
)

// whole is a file that appears when it is complete: the manifest, an mbox.
type whole struct {
	folder *folder
	name   string
	temp   string
	file   *os.File
	size   int64 // written so far
	err    error // the first error; nothing is written after it
	broken bool  // it holds a piece that was not written to its end
}

// newWhole begins the file name.
func (f *folder) newWhole(name string) (*whole, error) {
	file, temp, err := f.createTemp()
	if err != nil {
		return nil, err
	}
	return &whole{folder: f, name: name, temp: temp, file: file}, nil
}

// Write implements io.Writer. What it is given is there as a whole or not
// at all.
func (w *whole) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	if err != nil {
		w.err = err
		w.back(w.size - int64(n))
	}
	return n, err
}

// back cuts the file to size.
func (w *whole) back(size int64) {
	w.size = size
	w.broken = w.file.Truncate(size) != nil
}

// close puts the file in its place: also after an error, if what it holds
// is good. The first error is returned.
func (w *whole) close() error {
	err := w.file.Close()
	if w.broken || err != nil {
		w.folder.temp.Remove(w.temp)
	} else {
		err = w.folder.place(w.temp, w.name)
	}
	if w.err != nil {
		return w.err
	}
	return err
}

// records is a file of whole records that may not be lost because the disk
// was full for a while: what cannot be written waits, and is tried again.
type records struct {
	file    *whole
	reserve string // a temporary file that keeps room on the disk for what waits at the end
	pending []byte
	lost    bool // more had to wait than there is room for
}

const (
	recordBatch = 64 << 10
	maxPending  = 4 << 20   // some thousand records; then the disk has been full for long
	reserved    = 256 << 10 // octets of the reserve: more than a batch
)

// newRecords begins the file name.
func (f *folder) newRecords(name string) (*records, error) {
	file, err := f.newWhole(name)
	if err != nil {
		return nil, err
	}
	r := &records{file: file}
	if reserve, temp, err := f.createTemp(); err == nil {
		r.reserve = temp
		_, err = reserve.Write(make([]byte, reserved)) // without room the end tells
		if e := reserve.Close(); err != nil || e != nil {
			f.temp.Remove(temp)
		}
	}
	return r, nil
}

// Write implements io.Writer. It is given whole records and never fails:
// close tells.
func (r *records) Write(p []byte) (int, error) {
	if r.lost {
		return len(p), nil // what follows a loss would hide it
	}
	r.pending = append(r.pending, p...)
	if len(r.pending) >= recordBatch {
		r.flush()
	}
	r.lost = len(r.pending) > maxPending
	return len(p), nil
}

func (r *records) flush() {
	r.file.err = nil
	if _, err := r.file.Write(r.pending); err == nil {
		r.pending = r.pending[:0]
	}
}

// close writes what waits, or as many records of it as there is room for.
func (r *records) close() error {
	r.file.folder.temp.Remove(r.reserve)
	r.flush()
	if r.file.err != nil {
		r.file.err = nil
		for line := range bytes.Lines(r.pending) {
			r.file.Write(line)
		}
	}
	return r.file.close()
}
