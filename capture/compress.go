package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
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
	{"gzip", "\x1f\x8b", openGzip},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"lz4", "\x04\x22\x4d\x18", openLZ4},
	{"lz4", "\x02\x21\x4c\x18", openLZ4}, // the legacy frame
	{"xz", "\xfd7zXZ\x00", openXZ},
	{"bzip2", "BZh", func(r *bufio.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
}

// gzipReader reads the members of a file, and the zeros behind a member that
// tapes and disks pad with, as gzip(1) does.
type gzipReader struct {
	*gzip.Reader
	src *bufio.Reader
}

func openGzip(r *bufio.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{z, r}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if err := g.member(); err != nil {
			return 0, err
		}
	}
}

// member begins the next member, behind the zeros before it; io.EOF if there
// is none.
func (g *gzipReader) member() error {
	for {
		b, err := g.src.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			break
		}
	}
	if err := g.src.UnreadByte(); err != nil {
		return err
	}
	if err := g.Reset(g.src); err != nil {
		return midway(err)
	}
	g.Multistream(false)
	return nil
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

// skippable stands for a file that begins with a skippable frame, which zstd
// (RFC 8878 section 3.1.2) and lz4 have in common: what is behind it says
// which of them it is.
var skippable = codec{name: "zstd or lz4"}

const skippableHead = 8 // magic number and length

func isSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18"
}

// behindSkippable passes over skippable frames and returns the codec of what
// follows; io.EOF if nothing does.
func behindSkippable(r *bufio.Reader) (*codec, error) {
	for {
		b, err := r.Peek(skippableHead)
		switch c := compression(b); {
		case len(b) == 0:
			return nil, err
		case c == nil:
			return nil, errors.New("what follows a skippable frame is neither")
		case c != &skippable:
			return c, nil
		case err != nil:
			return nil, midway(err)
		}
		frame := skippableHead + int64(binary.LittleEndian.Uint32(b[4:]))
		if _, err := io.CopyN(io.Discard, r, frame); err != nil {
			return nil, midway(err)
		}
	}
}

// compression returns the codec that b begins with, or nil.
func compression(b []byte) *codec {
	for i := range codecs {
		if bytes.HasPrefix(b, []byte(codecs[i].magic)) {
			return &codecs[i]
		}
	}
	if isSkippable(b) {
		return &skippable
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
		if u.codec == &skippable {
			c, err := behindSkippable(u.src)
			if err != nil {
				return 0, err
			}
			u.codec = c
		}
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
