package sanitize

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"

	"popscope/capture"
)

// spool is the temporary file with the frames as they will be written.
// It never holds bytes of the capture that are not known to be harmless.
//
//	record   nanos 8, length on the wire 8, captured length 4, link type 2, keep 1, unused 1, frame
type spool struct {
	f       *os.File
	end     int64
	records int64
	longest int
	err     error // sticky
}

const (
	recordHeader = 24
	recordKeep   = 22
)

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "popscope-*.tmp") // mode 0600
	if err != nil {
		return nil, err
	}
	return &spool{f: f}, nil
}

// reserve makes room for a frame, and returns where it is.
func (s *spool) reserve(p *capture.Packet, keep bool) int64 {
	at := s.end
	h := make([]byte, recordHeader)
	binary.LittleEndian.PutUint64(h, uint64(p.Nanos))
	binary.LittleEndian.PutUint64(h[8:], uint64(p.Orig))
	binary.LittleEndian.PutUint32(h[16:], uint32(len(p.Data)))
	binary.LittleEndian.PutUint16(h[20:], uint16(p.Link))
	if keep {
		h[recordKeep] = 1
	}
	s.write(h, at)
	s.end += recordHeader + int64(len(p.Data))
	s.records++
	s.longest = max(s.longest, len(p.Data))
	return at
}

// frame writes the frame of a record.
func (s *spool) frame(at int64, b []byte) { s.write(b, at+recordHeader) }

// keep says that a record is to be in the output.
func (s *spool) keep(at int64) { s.write([]byte{1}, at+recordKeep) }

func (s *spool) write(b []byte, at int64) {
	if s.err == nil {
		_, s.err = s.f.WriteAt(b, at)
	}
}

// each calls f for every record to be kept, in order, and returns how many
// there were. The Packet is valid during the call.
func (s *spool) each(f func(*capture.Packet) error) (n int64, err error) {
	if s.err != nil {
		return 0, s.err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(s.f, 0, s.end), 256<<10)
	h := make([]byte, recordHeader)
	var data []byte
	for range s.records {
		if _, err := io.ReadFull(r, h); err != nil {
			return n, err
		}
		size := int(binary.LittleEndian.Uint32(h[16:]))
		if h[recordKeep] == 0 {
			if _, err := r.Discard(size); err != nil && !(err == io.EOF && size > 0) {
				return n, err
			}
			continue
		}
		if cap(data) < size {
			data = make([]byte, size)
		}
		data = data[:size]
		if _, err := io.ReadFull(r, data); err != nil {
			return n, err
		}
		n++
		p := capture.Packet{
			Num: n, FileNum: n, Nanos: int64(binary.LittleEndian.Uint64(h)), Orig: int(binary.LittleEndian.Uint64(h[8:])),
			Link: capture.LinkType(binary.LittleEndian.Uint16(h[20:])), Data: data,
		}
		if err := f(&p); err != nil {
			return n, err
		}
	}
	return n, nil
}

// close removes the file.
func (s *spool) close() error {
	err := s.f.Close()
	if e := os.Remove(s.f.Name()); err == nil {
		err = e
	}
	return err
}
