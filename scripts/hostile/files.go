package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// session returns the session of a client in pcapng blocks, with the times
// of its packets as told, for after a Section Header Block.
func session(client int, times func(i int) uint64) []byte {
	var raw bytes.Buffer
	_ = packets(func(t *traffic, _ int) { // a buffer takes all
		c := t.connect(client)
		c.logIn()
		c.say(fromClient, "QUIT\r\n")
		c.say(fromServer, "+OK\r\n")
		c.close()
	})(&raw, 0)
	const fileHeader, recordHeader = 24, 16
	out := block(interfaceBlock, 1, 0, 0, 0, 0, 0, 4, 0)
	rest := raw.Bytes()[fileHeader:]
	for i := 0; len(rest) > 0; i++ {
		n := binary.LittleEndian.Uint32(rest[8:])
		out = append(out, packetBlock(times(i), n, n, rest[recordHeader:recordHeader+n])...)
		rest = rest[recordHeader+n:]
	}
	return out
}

// The types of pcapng blocks.
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	enhancedBlock  = 6
)

// section is a Section Header Block of unknown length.
var section = block(sectionBlock, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

// block returns a pcapng block with a body of whole words.
func block(kind uint32, body ...byte) []byte {
	le := binary.LittleEndian
	n := uint32(12 + len(body))
	b := le.AppendUint32(le.AppendUint32(nil, kind), n)
	return le.AppendUint32(append(b, body...), n)
}

// packetBlock returns an Enhanced Packet Block whose lengths may be lies.
func packetBlock(at uint64, captured, orig uint32, data []byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0)
	b = le.AppendUint32(b, uint32(at>>32))
	b = le.AppendUint32(b, uint32(at))
	b = le.AppendUint32(le.AppendUint32(b, captured), orig)
	b = append(b, data...)
	return block(enhancedBlock, append(b, make([]byte, -len(data)&3)...)...)
}

// second is the time of the i-th packet in microseconds, the default unit
// of pcapng.
func second(i int) uint64 { return begin/1000 + uint64(i)*1000 }

// lie returns a kind's write function for a session followed by a block
// that lies about a length.
func lie(b []byte) func(io.Writer, int) error {
	return func(w io.Writer, _ int) error {
		_, err := w.Write(bytes.Join([][]byte{section, session(0, second), b, make([]byte, 64)}, nil))
		return err
	}
}

var (
	// A block of almost 4 GiB.
	longBlock = []byte{0x99, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff}
	// An interface with an option of 65,535 bytes in a block of 24.
	longOption = block(interfaceBlock, 1, 0, 0, 0, 0, 0, 4, 0, 2, 0, 0xff, 0xff)
	// A packet of which more was captured than the block holds.
	longPacket = packetBlock(begin/1000, math.MaxUint32, math.MaxUint32, make([]byte, 60))
	// A block that is shorter than any.
	shortBlock = []byte{0x99, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0}
)

// timestamps: sessions whose clocks are out of all range, stand still, jump
// backwards, or jump about.
func timestamps(w io.Writer, n int) error {
	clocks := [...]func(int) uint64{
		func(int) uint64 { return 0 },
		func(int) uint64 { return math.MaxUint64 },
		func(i int) uint64 { return math.MaxUint64 - uint64(i)*1_000_000_000 },
		func(i int) uint64 { return uint64(i%2) * math.MaxInt64 },
		func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 },
		func(i int) uint64 { return second(-i * 1_000_000) },
	}
	for i := range n {
		if _, err := w.Write(append(section[:len(section):len(section)], session(i, clocks[i%len(clocks)])...)); err != nil {
			return err
		}
	}
	return nil
}

// zeros returns a megabyte of records of a pcap file with frames of zeros.
func zeros() []byte {
	const frame = 1<<16 - 16
	le := binary.LittleEndian
	var b []byte
	for range 16 {
		b = le.AppendUint32(b, begin/1_000_000_000)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(le.AppendUint32(b, frame), frame)
		b = append(b, make([]byte, frame)...)
	}
	return b
}

// pcapHeader is that of a classic file of Ethernet.
var pcapHeader = []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}

// compressor returns a writer that compresses.
type compressor func(io.Writer) (io.WriteCloser, error)

func gzipped(w io.Writer) (io.WriteCloser, error) {
	return gzip.NewWriterLevel(w, gzip.BestCompression)
}
func zstded(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
}

// bomb returns a kind's write function for n megabytes of zeros, compressed.
// A megabyte is compressed once, and then repeated: both formats are read
// through what is strung together.
func bomb(c compressor) func(io.Writer, int) error {
	return func(w io.Writer, n int) error {
		head, err := compressed(c, pcapHeader)
		if err != nil {
			return err
		}
		megabyte, err := compressed(c, zeros())
		if err != nil {
			return err
		}
		if _, err := w.Write(head); err != nil {
			return err
		}
		for range n {
			if _, err := w.Write(megabyte); err != nil {
				return err
			}
		}
		return nil
	}
}

func compressed(c compressor, data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := c(&b)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

// zstdWindow: a frame that wants a window of almost four terabytes for its few
// bytes (RFC 8878 section 3.1.1.1.2).
func zstdWindow(w io.Writer, _ int) error {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 31<<3 | 7, 1, 0, 0}
	_, err := w.Write(append(frame, make([]byte, 64)...))
	return err
}
