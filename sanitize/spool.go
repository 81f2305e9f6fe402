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
//
// Its last blocks are in memory: most frames are ready soon after they came,
// and blocks are written whole, once.
//
//	file     [block][block][block] blocks [block][block][blo
//	         0                     first                    end
type spool struct {
	f       *os.File
	end     int64
	records int64
	longest int
	err     error // sticky

	blocks [][]byte // the last ones of the file, of spoolBlock bytes each; what is behind end is zero
	first  int64    // number of the first of them

	link  capture.LinkType // of the first record
	mixed bool             // others have another one

	scratch [recordHeader]byte
}

const (
	recordHeader = 24
	recordKeep   = 22

	spoolBlock = 128 << 10
	// spoolBlocks bounds what is in memory. It is what some hundred sessions
	// bring at once until each is known for POP3; later frames are written one
	// by one.
	spoolBlocks = 32
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
	h := s.scratch[:]
	binary.LittleEndian.PutUint64(h, uint64(p.Nanos))
	binary.LittleEndian.PutUint64(h[8:], uint64(p.Orig))
	binary.LittleEndian.PutUint32(h[16:], uint32(len(p.Data)))
	binary.LittleEndian.PutUint16(h[20:], uint16(p.Link))
	h[recordKeep] = 0
	if keep {
		h[recordKeep] = 1
	}
	if s.records == 0 {
		s.link = p.Link
	}
	s.mixed = s.mixed || p.Link != s.link
	s.extend(at + recordHeader)
	s.write(h, at)
	s.extend(at + recordHeader + int64(len(p.Data)))
	s.records++
	s.longest = max(s.longest, len(p.Data))
	return at
}

// extend moves the end of the file. What is new is zero bytes.
func (s *spool) extend(end int64) {
	for s.end = end; (s.first+int64(len(s.blocks)))*spoolBlock < end; {
		if len(s.blocks) < spoolBlocks {
			s.blocks = append(s.blocks, make([]byte, spoolBlock))
			continue
		}
		b := s.blocks[0]
		s.writeFile(b, s.first*spoolBlock)
		clear(b)
		copy(s.blocks, s.blocks[1:])
		s.blocks[spoolBlocks-1] = b
		s.first++
	}
}

var yes = []byte{1}

// frame writes the frame of a record.
func (s *spool) frame(at int64, b []byte) { s.write(b, at+recordHeader) }

// keep says that a record is to be in the output.
func (s *spool) keep(at int64) {
	s.write(yes, at+recordKeep)
}

// write writes b at an offset, to memory or to the file.
func (s *spool) write(b []byte, at int64) {
	if early := s.first*spoolBlock - at; early > 0 {
		n := min(early, int64(len(b)))
		s.writeFile(b[:n], at)
		b, at = b[n:], at+n
	}
	for len(b) > 0 {
		n := copy(s.blocks[at/spoolBlock-s.first][at%spoolBlock:], b)
		b, at = b[n:], at+int64(n)
	}
}

func (s *spool) writeFile(b []byte, at int64) {
	if s.err == nil {
		_, s.err = s.f.WriteAt(b, at)
	}
}

// flush writes what is in memory, where it stays.
func (s *spool) flush() error {
	for i, b := range s.blocks {
		at := (s.first + int64(i)) * spoolBlock
		s.writeFile(b[:min(spoolBlock, s.end-at)], at)
	}
	return s.err
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
	var p capture.Packet
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
		p = capture.Packet{
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
