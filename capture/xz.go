package capture

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads the .xz container (version 1.2.0 of its description).
//
//	stream = header, blocks, index, footer;  streams follow one another
//	block  = header, LZMA2 chunks, padding, check
//
// QUIRK: the container of the lzma library is not used, for two reasons: it
// gives the dictionary whatever memory a block header asks for, up to 4 GiB,
// and takes the end of the input between two blocks for the end of the file.
// Here one LZMA2 decoder serves all blocks, and chunks are handed to it one
// by one.
type xzReader struct {
	src   *counted
	flags [2]byte // of the stream header
	sum   hash.Hash
	size  int // bytes of the check after a block; sum is nil if its kind is unknown

	state xzState
	began int64 // where the block's chunks did, in bytes read
	chunk xzChunk
	left  int // bytes that the current chunk still gives
	fresh bool
	dict  int
	lz    *lzma.Reader2
}

type xzState uint8

const (
	xzStream xzState = iota // a stream header or the end of the input comes next
	xzBlock                 // a block header or the index
	xzChunks                // a chunk of the current block, or its end
	xzData                  // the inside of a chunk
)

const (
	xzMagic     = "\xfd7zXZ\x00"
	xzLZMA2     = 0x21 // filter ID
	xzSHA256    = 10   // kinds of check
	xzCRC64     = 4
	xzCRC32     = 1
	xzMinWindow = 4 << 10
)

// xzCheckSize holds the sizes of the checks by kind; most kinds are reserved.
var xzCheckSize = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

func newXZ(r *bufio.Reader) *xzReader { return &xzReader{src: &counted{r: r}} }

// counted counts the bytes that went through.
type counted struct {
	r *bufio.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// full reads exactly len(p) bytes.
func (c *counted) full(p []byte) error {
	_, err := io.ReadFull(c, p)
	return midway(err)
}

// midway is for ends of the input where there must be none.
func midway(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (x *xzReader) Read(p []byte) (int, error) {
	for len(p) > 0 {
		var err error
		switch x.state {
		case xzStream:
			err = x.streamHeader()
		case xzBlock:
			err = x.blockHeader()
		case xzChunks:
			err = x.nextChunk()
		case xzData:
			// Never asking for more than the chunk holds keeps the decoder
			// from looking for the next one by itself.
			n, err := x.lz.Read(p[:min(len(p), x.left)])
			x.left -= n
			if x.sum != nil {
				x.sum.Write(p[:n])
			}
			if x.left == 0 {
				x.state = xzChunks
				return n, nil
			}
			if x.chunk.err != nil { // what the decoder makes of it says less
				err = x.chunk.err
			}
			return n, midway(err)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// streamHeader reads the header of a stream and the padding before it. At
// the end of the input it returns io.EOF.
func (x *xzReader) streamHeader() error {
	var b [12]byte
	for {
		if n, err := io.ReadFull(x.src, b[:4]); err != nil {
			if n == 0 {
				return err
			}
			return midway(err)
		}
		if b[0]|b[1]|b[2]|b[3] != 0 {
			break
		}
	}
	if err := x.src.full(b[4:]); err != nil {
		return err
	}
	if string(b[:6]) != xzMagic {
		return errors.New("no stream header after the end of a stream")
	}
	if crc32.ChecksumIEEE(b[6:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return errors.New("stream header: wrong CRC")
	}
	if b[6] != 0 || b[7] > 15 {
		return errors.New("stream header: unknown flags")
	}
	x.flags = [2]byte{b[6], b[7]}
	x.size = xzCheckSize[b[7]]
	switch b[7] {
	case xzCRC32:
		x.sum = crc32.NewIEEE()
	case xzCRC64:
		x.sum = crc64.New(crc64.MakeTable(crc64.ECMA))
	case xzSHA256:
		x.sum = sha256.New()
	default:
		x.sum = nil
	}
	x.state = xzBlock
	return nil
}

// blockHeader reads the header of a block; a zero byte in its place begins
// the index.
func (x *xzReader) blockHeader() error {
	var b [1024]byte // the largest header: (255+1)*4
	start := x.src.n
	if err := x.src.full(b[:1]); err != nil {
		return err
	}
	if b[0] == 0 {
		return x.index(start)
	}
	n := (int(b[0]) + 1) * 4
	if err := x.src.full(b[1:n]); err != nil {
		return err
	}
	if crc32.ChecksumIEEE(b[:n-4]) != binary.LittleEndian.Uint32(b[n-4:]) {
		return errors.New("block header: wrong CRC")
	}
	dict, err := xzDictionary(b[1], b[2:n-4])
	if err != nil {
		return fmt.Errorf("block header: %w", err)
	}
	if x.lz == nil || dict > x.dict {
		x.dict, x.lz = dict, nil
	}
	if x.sum != nil {
		x.sum.Reset()
	}
	x.began = x.src.n
	x.fresh = true
	x.state = xzChunks
	return nil
}

// xzDictionary returns the dictionary size from the flags of a block header
// and what follows them. LZMA2 alone is read, as it is what xz uses for
// everything but executables.
func xzDictionary(flags byte, b []byte) (int, error) {
	if flags&0x3f != 0 {
		return 0, errors.New("filters other than LZMA2")
	}
	for _, present := range [...]byte{0x40, 0x80} { // sizes, which the index repeats
		if flags&present != 0 {
			_, n := binary.Uvarint(b)
			if n <= 0 {
				return 0, errors.New("bad size")
			}
			b = b[n:]
		}
	}
	if len(b) < 3 || b[0] != xzLZMA2 || b[1] != 1 {
		return 0, errors.New("filters other than LZMA2")
	}
	bits := b[2]
	if bits > 40 {
		return 0, errors.New("bad dictionary size")
	}
	size := int64(2|bits&1) << (bits/2 + 11)
	if size > maxWindow {
		return 0, fmt.Errorf("dictionary of more than %d MiB", maxWindow>>20)
	}
	return int(max(size, xzMinWindow)), nil
}

// nextChunk readies the next LZMA2 chunk, or ends the block.
func (x *xzReader) nextChunk() error {
	// What the decoder left of the chunk before is none of its data.
	if _, err := io.CopyN(io.Discard, &x.chunk, int64(x.chunk.size())); err != nil {
		return midway(err)
	}
	var h [6]byte
	if err := x.src.full(h[:1]); err != nil {
		return err
	}
	control := h[0]
	n, packed := 3, 0
	switch {
	case control == 0:
		return x.endBlock()
	case control >= 0xc0: // state reset with new properties
		n = 6
	case control >= 0x80:
		n = 5
	case control > 2:
		return fmt.Errorf("chunk type %#x", control)
	}
	if err := x.src.full(h[1:n]); err != nil {
		return err
	}
	x.left = int(binary.BigEndian.Uint16(h[1:])) + 1
	if control >= 0x80 {
		x.left += int(control&0x1f) << 16
		packed = int(binary.BigEndian.Uint16(h[3:])) + 1
	} else {
		packed = x.left
	}
	if x.fresh && control != 1 && control < 0xe0 {
		return errors.New("block does not begin with a dictionary reset")
	}
	x.fresh = false
	x.chunk.set(h[:n], x.src, packed)
	if x.lz == nil {
		lz, err := lzma.Reader2Config{DictCap: x.dict}.NewReader2(&x.chunk)
		if err != nil {
			return err
		}
		x.lz = lz
	}
	x.state = xzData
	return nil
}

// endBlock reads padding and check.
func (x *xzReader) endBlock() error {
	pad := int(-(x.src.n - x.began) & 3)
	var b [3 + 64]byte
	if err := x.src.full(b[:pad+x.size]); err != nil {
		return err
	}
	if x.sum != nil {
		want := x.sum.Sum(nil)
		if x.flags[1] != xzSHA256 { // the CRCs are little-endian in the file
			for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
				want[i], want[j] = want[j], want[i]
			}
		}
		if string(want) != string(b[pad:pad+x.size]) {
			return errors.New("block: wrong checksum")
		}
	}
	x.state = xzBlock
	return nil
}

// index reads over the index and the footer; start is where the index
// began. Its entries repeat what the blocks have told already.
func (x *xzReader) index(start int64) error {
	br := byteReader{x.src}
	records, err := binary.ReadUvarint(br)
	for i := uint64(0); err == nil && i < records; i++ {
		if _, err = binary.ReadUvarint(br); err == nil {
			_, err = binary.ReadUvarint(br)
		}
	}
	if err != nil {
		return midway(err)
	}
	var b [3 + 4 + 12]byte
	pad := int(-(x.src.n - start) & 3)
	if err := x.src.full(b[:pad+4+12]); err != nil {
		return err
	}
	footer := b[pad+4:]
	if string(footer[10:12]) != "YZ" || footer[8] != x.flags[0] || footer[9] != x.flags[1] {
		return errors.New("damaged footer")
	}
	x.state = xzStream
	return nil
}

// byteReader reads a byte at a time.
type byteReader struct{ c *counted }

func (b byteReader) ReadByte() (byte, error) {
	c, err := b.c.r.ReadByte()
	if err == nil {
		b.c.n++
	}
	return c, err
}

// xzChunk is one LZMA2 chunk: its header, and packed bytes of src.
type xzChunk struct {
	header [6]byte
	at, n  int // unread part of header
	src    *counted
	packed int
	err    error // of src
}

func (c *xzChunk) set(header []byte, src *counted, packed int) {
	c.at, c.n = 0, copy(c.header[:], header)
	c.src, c.packed = src, packed
}

// size returns how many bytes are left.
func (c *xzChunk) size() int { return c.n - c.at + c.packed }

func (c *xzChunk) Read(p []byte) (int, error) {
	switch {
	case c.at < c.n:
		n := copy(p, c.header[c.at:c.n])
		c.at += n
		return n, nil
	case c.packed == 0:
		return 0, io.EOF
	}
	n, err := c.src.Read(p[:min(len(p), c.packed)])
	c.packed -= n
	if err != nil {
		c.err = midway(err)
	}
	return n, c.err
}
