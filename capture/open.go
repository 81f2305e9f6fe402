package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Options say where Open reads from, and how long. The zero value is what the
// function Open uses.
type Options struct {
	Stdin io.Reader // what the name "-" stands for; nil means os.Stdin

	// OpenFile opens a file by its name; nil means os.Open. It is for those
	// who cannot wait for a named pipe. Stat has to give what that of an
	// *os.File does: of several files the regular ones are opened twice.
	OpenFile func(name string) (fs.File, error)

	// Done ends the Timeline early: as soon as it is closed, Next returns
	// io.EOF, and nothing that this cuts short is called damaged. nil means
	// never.
	Done <-chan struct{}
}

// Open opens capture files as one timeline; see the package documentation
// for the formats and the order. The name "-" is standard input.
//
// Files are recognised by their bytes. One that cannot be opened, or is no
// capture file, does not hide the others: the first calls of Next report it
// and FileInfo.Err keeps it. Open itself fails if not a single file can be
// read: the error is a *FormatError or *fs.PathError, or holds one for each
// file, as errors.Join does. It also fails without names, or with "-" twice.
//
// With several files, Open reads the first packets of each. Whoever does not
// read to the end has to Close the Timeline, or files stay open, and the
// goroutine that reads ahead waits for ever.
func Open(names ...string) (*Timeline, error) { return Options{}.Open(names...) }

// Open is the function Open with these options.
func (o Options) Open(names ...string) (*Timeline, error) {
	if len(names) == 0 {
		return nil, errors.New("capture: no files to open")
	}
	t := &Timeline{openFile: o.OpenFile, done: o.Done}
	if t.openFile == nil {
		t.openFile = func(name string) (fs.File, error) { return os.Open(name) }
	}
	stdin := false
	for _, name := range names {
		f := &track{t: t, info: FileInfo{Name: name}, index: len(t.tracks)}
		if name == "-" {
			if stdin {
				return nil, errors.New("capture: standard input can be read once only")
			}
			stdin = true
			f.input = o.Stdin
			if o.Stdin == nil {
				f.input = os.Stdin
			}
		}
		t.tracks = append(t.tracks, f)
	}
	return t.open()
}

// NewReader reads one capture of any supported format from r; name stands
// for it in errors and in Files. Each packet is delivered as soon as r has
// given its bytes. NewReader blocks until the file header has come. Closing
// the Timeline does not close r.
func NewReader(name string, r io.Reader) (*Timeline, error) {
	t := &Timeline{}
	t.tracks = []*track{{t: t, info: FileInfo{Name: name}, input: r}}
	return t.open()
}

// open looks at all files and lays out the timeline. A file that must be
// merged with others shows its first packets; regular files are closed
// again, so that thousands of them do no harm.
func (t *Timeline) open() (*Timeline, error) {
	t.merging = len(t.tracks) > 1
	var failed []error
	for _, f := range t.tracks {
		f.looking = t.merging
		err := f.open()
		if err == nil && t.merging {
			f.peek()
		}
		if err != nil {
			f.release()
			f.info.Err = err
			failed = append(failed, err)
			continue
		}
		t.waiting = append(t.waiting, f)
	}
	if len(t.waiting) == 0 {
		if len(failed) == 1 {
			return nil, failed[0]
		}
		return nil, errors.Join(failed...)
	}
	t.errs = failed
	slices.SortStableFunc(t.waiting, byBeginning)
	for i, f := range t.waiting { // sorted is a heap already
		f.rank = i
	}
	return t, nil
}

// open opens the input, unless it was given, and finds out its format.
func (f *track) open() error {
	r := f.input
	if r == nil {
		file, err := f.t.openFile(f.info.Name)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, file)
		if f.stat, err = file.Stat(); err != nil {
			return err
		}
		if f.stat.IsDir() {
			return &fs.PathError{Op: "read", Path: f.info.Name, Err: syscall.EISDIR}
		}
		if f.regular = f.stat.Mode().IsRegular(); f.regular && !f.begun {
			f.t.size += f.stat.Size()
		}
		r = file
	}
	f.meter = &meter{r: r, total: &f.t.read}
	first, body, decoders, err := unpack(f.meter)
	f.closers = append(f.closers, decoders...)
	if err == nil {
		f.buf = newBuffer(body, f.t.block(f.looking))
		if f.regular && !f.looking && runtime.GOMAXPROCS(0) > 1 {
			f.buf.begin, f.buf.after = f.t.readAhead, aheadAfter
		}
		f.dec, err = f.decoder(first)
	} else if err == io.EOF {
		err = ErrEmpty
	}
	if err != nil {
		return &FormatError{File: f.info.Name, Packet: 1, Err: err}
	}
	f.meter.done = f.t.done // from now on there is something to end
	return nil
}

// decoder returns the decoder for the format that first begins.
func (f *track) decoder(first []byte) (decoder, error) {
	keys := &f.t.keys
	if f.looking && f.regular {
		keys = nil // they will be read again
	}
	switch {
	case isClassic(first):
		return newClassic(f.info.Name, f.buf)
	case bytes.HasPrefix(first, []byte{0x0a, 0x0d, 0x0d, 0x0a}):
		f.secrets = true
		return newNG(f.info.Name, f.buf, keys)
	}
	for _, k := range otherFormats {
		if bytes.HasPrefix(first, []byte(k.magic)) {
			return nil, fmt.Errorf("%w: %s", ErrFormat, k.name)
		}
	}
	if h, ok := f.buf.src.(*head); ok && h.err != nil && h.err != io.EOF {
		return nil, h.err // the rest of a magic number could not be read
	}
	return nil, fmt.Errorf("%w: it begins with %s", ErrFormat, beginning(first))
}

// beginning writes the first bytes of a file: text in quotes, others as numbers.
func beginning(b []byte) string {
	if bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) || r == utf8.RuneError }) {
		return fmt.Sprintf("the bytes % x", b)
	}
	return strconv.Quote(string(b))
}

// otherFormats are recognised to be named: they are not read.
var otherFormats = []struct{ magic, name string }{
	{"snoop\x00\x00\x00", "a snoop file: convert it with editcap"},
	{"GMBU", "a Network Monitor file: convert it with editcap"},
	{"RTSS", "a Network Monitor file: convert it with editcap"},
	{"TRSNIFF ", "a Sniffer file: convert it with editcap"},
	{"XCP\x00", "a NetXRay file: convert it with editcap"},
	{"PK\x03\x04", "a zip archive: unpack it"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"},
	{"Rar!", "a rar archive: unpack it"},
	{"\x1f\x9d", "a file of the old compress program: unpack it"},
}

// meter counts what was read of an input before decompression.
type meter struct {
	r     io.Reader
	sum   int64 // belongs to who reads: nobody else may ask while a file is read ahead
	total *atomic.Int64
	done  <-chan struct{} // when it is closed, the input ends: a decoder may pass over any amount before it has a packet
}

func (m *meter) Read(p []byte) (int, error) {
	select {
	case <-m.done:
		return 0, io.EOF
	default:
	}
	n, err := m.r.Read(p)
	m.sum += int64(n)
	m.total.Add(int64(n))
	return n, err
}
