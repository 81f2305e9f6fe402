package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	maxLayers = 2         // compression inside of compression: more is no accident
	maxWindow = 128 << 20 // memory for one decoder: what zstd and xz -9 ask for at most by default
	headBytes = 8         // enough for every magic number
)

// codec is a compression that is recognised by its first bytes.
type codec struct {
	name  string
	magic string
	open  func(r *bufio.Reader) (io.Reader, error)
}

var codecs = []codec{
	{"gzip", "\x1f\x8b", func(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"zstd", "\x50\x2a\x4d\x18", openZstd}, // a skippable frame first (RFC 8878 section 3.1.2), as pzstd writes it
	{"lz4", "\x04\x22\x4d\x18", openLZ4},
	{"lz4", "\x02\x21\x4c\x18", openLZ4}, // the legacy frame
	{"xz", "\xfd7zXZ\x00", openXZ},
	{"bzip2", "BZh", func(r *bufio.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
}

// One decoder at a time makes zstd work without goroutines.
func openZstd(r *bufio.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func openLZ4(r *bufio.Reader) (io.Reader, error) {
	d := lz4.NewReader(r)
	return d, d.Apply(lz4.ConcurrencyOption(1))
}

// compression returns the codec that b begins with, or nil.
func compression(b []byte) *codec {
	for i := range codecs {
		if bytes.HasPrefix(b, []byte(codecs[i].magic)) {
			return &codecs[i]
		}
	}
	return nil
}

// unpacker decompresses. A decoder that panics on damaged input is a
// decoder that found damage: the libraries are not ours, the input is
// hostile, and the packets before it are wanted.
type unpacker struct {
	codec *codec
	src   *bufio.Reader
	r     io.Reader // nil before the first Read
	err   error
}

func (u *unpacker) Read(p []byte) (n int, err error) {
	if u.err != nil {
		return 0, u.err
	}
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("damaged beyond what the decoder can bear: %v", v)
			u.r = nil // not even to be closed
		}
		if err != nil && err != io.EOF {
			err = fmt.Errorf("decompressing %s: %w", u.codec.name, err)
		}
		u.err = err
	}()
	if u.r == nil {
		r, err := u.codec.open(u.src)
		if err != nil {
			return 0, midway(err)
		}
		u.r = r
	}
	return u.r.Read(p)
}

// Close lets go of the decoder's memory; the source stays open.
func (u *unpacker) Close() error {
	if c, ok := u.r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// head is an input whose first bytes were looked at.
type head struct {
	b   []byte
	err error // of the look, returned after b
	r   io.Reader
}

func (h *head) Read(p []byte) (int, error) {
	if len(h.b) > 0 {
		n := copy(p, h.b)
		h.b = h.b[n:]
		return n, nil
	}
	if h.err != nil {
		return 0, h.err
	}
	return h.r.Read(p)
}

// look returns the first bytes of r, and r with those bytes before it.
func look(r io.Reader) ([]byte, io.Reader, error) {
	b := make([]byte, headBytes)
	n, err := io.ReadFull(r, b)
	if err == io.ErrUnexpectedEOF { // fewer bytes than asked for
		err = io.EOF
	}
	if n == 0 {
		return nil, nil, err
	}
	return b[:n], &head{b: b[:n], err: err, r: r}, nil
}

// unpack takes the compression off r, if there is any. It returns the first
// bytes of what is inside, and the decoders to be closed.
func unpack(r io.Reader) (first []byte, body io.Reader, decoders []io.Closer, err error) {
	for {
		first, body, err = look(r)
		if err != nil {
			return nil, nil, decoders, err
		}
		c := compression(first)
		if c == nil {
			return first, body, decoders, nil
		}
		if len(decoders) == maxLayers {
			return nil, nil, decoders, fmt.Errorf("%w: compressed more than %d times", ErrFormat, maxLayers)
		}
		u := &unpacker{codec: c, src: bufio.NewReaderSize(body, 64<<10)}
		decoders = append(decoders, u)
		r = u
	}
}
