package mailfile_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"popscope"
	"popscope/capture"
	"popscope/report/mailfile"
)

// mailSource is a capture of one session in which one mail is fetched. It
// is made while it is read: the mail may be of any size.
type mailSource struct {
	pieces []piece
	rest   string
	seq    [2]uint32
	num    int64
	queue  []frame
	frame  []byte
	peak   uint64 // of the heap, while the mail is on its way
}

// piece is text that is sent several times.
type piece struct {
	text  string
	times int
}

type frame struct {
	server bool
	flags  byte
	data   string
}

const (
	flagFIN, flagSYN, flagACK = 0x01, 0x02, 0x10
	segment                   = 1448
)

func newMailSource(mail ...piece) *mailSource {
	s := &mailSource{pieces: mail, seq: [2]uint32{1000, 5000}}
	s.queue = []frame{{false, flagSYN, ""}, {true, flagSYN | flagACK, ""}, {false, flagACK, ""}}
	for i, line := range []string{"+OK", "USER alice", "+OK", "PASS x", "+OK", "RETR 1", "+OK"} {
		s.queue = append(s.queue, frame{i%2 == 0, flagACK, line + "\r\n"})
	}
	return s
}

// Next implements capture.Source.
func (s *mailSource) Next(p *capture.Packet) error {
	if len(s.queue) == 0 {
		switch text := s.text(); {
		case text != "":
			s.queue = append(s.queue, frame{true, flagACK, text})
		case s.pieces != nil:
			s.pieces = nil
			s.queue = []frame{{true, flagACK, "\r\n.\r\n"}, {false, flagACK, "QUIT\r\n"}, {true, flagACK, "+OK\r\n"},
				{false, flagFIN | flagACK, ""}, {true, flagFIN | flagACK, ""}, {false, flagACK, ""}}
		default:
			return io.EOF
		}
	}
	s.build(s.queue[0])
	s.queue = s.queue[1:]
	s.num++
	if s.num%512 == 0 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		s.peak = max(s.peak, sample[0].Value.Uint64())
	}
	*p = capture.Packet{Num: s.num, FileNum: s.num, Nanos: 1767323045e9 + s.num*1000, Link: capture.LinkEthernet, Data: s.frame, Orig: len(s.frame)}
	return nil
}

// text returns the next bytes of the mail.
func (s *mailSource) text() string {
	for len(s.rest) < segment && len(s.pieces) > 0 {
		if s.pieces[0].times == 0 {
			if len(s.pieces) == 1 {
				break
			}
			s.pieces = s.pieces[1:]
			continue
		}
		s.pieces[0].times--
		s.rest += s.pieces[0].text
	}
	n := min(segment, len(s.rest))
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

// build makes the bytes of a packet: Ethernet, IPv4, TCP.
func (s *mailSource) build(f frame) {
	from, to := 0, 1
	if f.server {
		from, to = 1, 0
	}
	addr := [2]byte{20, 10}
	port := [2]uint16{40001, 110}
	be := binary.BigEndian
	b := append(s.frame[:0], 2, 0, 0, 0, 0, addr[to], 2, 0, 0, 0, 0, addr[from], 8, 0)
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(40+len(f.data)))
	b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, addr[from], 192, 0, 2, addr[to])
	b = be.AppendUint16(b, port[from])
	b = be.AppendUint16(b, port[to])
	b = be.AppendUint32(b, s.seq[from])
	b = be.AppendUint32(b, s.seq[to])
	b = append(b, 0x50, f.flags, 0xff, 0xff, 0, 0, 0, 0)
	s.frame = append(b, f.data...)
	s.seq[from] += uint32(len(f.data))
	if f.flags&(flagSYN|flagFIN) != 0 {
		s.seq[from]++
	}
}

// maxHeap is more than the analysis and the buffers need together, and far
// less than any of the hostile mails would take if it were held.
const maxHeap = 48 << 20

// Mails that are made to break out, to take all memory or all time do none
// of that, and the mail itself is kept whole.
func TestHostileMails(t *testing.T) {
	if testing.Short() {
		t.Skip("large mails")
	}
	const mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	deep := func(n int, level string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(level, "#", "%[1]d"), i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name  string
		mail  []piece
		fault string
	}{
		{"10,000 parts", []piece{{mixed, 1}, {"--b\r\nContent-Disposition: attachment; filename=\"../../etc/x\"\r\n\r\nx\r\n--b\r\nContent-Disposition: attachment; filename=CON\r\n\r\nx\r\n", 5000}}, "more attachments than the limit"},
		{"20,000 parts without a name", []piece{{mixed, 1}, {"--b\r\nContent-Type: text/html\r\n\r\nx\r\n", 20_000}}, "more parts than the limit"},
		{"multiparts 1,000 deep", []piece{{deep(1000, "Content-Type: multipart/mixed; boundary=b#\r\n\r\n--b#\r\n"), 1}, {"Content-Disposition: attachment\r\n\r\nx\r\n", 1}}, "nested deeper than the limit"},
		{"messages 1,000 deep", []piece{{deep(1000, "Content-Type: message/rfc822; name=\"../m#.eml\"\r\n\r\n"), 1}, {"Content-Disposition: attachment\r\n\r\nx\r\n", 1}}, "nested deeper than the limit"},
		{"a header line of 100 MB", []piece{{"Subject: ", 1}, {strings.Repeat("x", 1000), 100_000}, {"\r\n\r\nbody", 1}}, "longer than the limit"},
		{"a header of 50 MB", []piece{{strings.Repeat("X-Field: value\r\n", 60), 50_000}, {"\r\nbody", 1}}, ""},
		{"a name of 1 MB", []piece{{mixed + "--b\r\nContent-Disposition: attachment; filename=\"", 1}, {strings.Repeat("../", 350), 1000}, {"\"\r\n\r\nx\r\n--b--", 1}}, ""},
		{"an attachment of 50 MB", []piece{{mixed + "--b\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1}, {strings.Repeat(strings.Repeat("AAAA", 19)+"\r\n", 12), 50 << 20 / 78 / 12}, {"--b--", 1}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := int64(2) // the last line's end
			for _, p := range c.mail {
				size += int64(len(p.text)) * int64(p.times)
			}
			around := t.TempDir()
			dir := filepath.Join(around, "out")
			src := newMailSource(c.mail...)
			rep := extractInto(t, dir, src, mailfile.Options{Attachments: true}, popscope.Options{Workers: 1})
			if rep.Messages.Failed+rep.Attachments.Failed > 0 {
				t.Errorf("%+v", rep)
			}
			if src.peak > maxHeap {
				t.Errorf("a heap of %d MB", src.peak>>20)
			}
			e := manifest(t, dir)[0]
			if info, err := os.Stat(filepath.Join(dir, e.File)); err != nil || info.Size() != size || e.Octets != size || e.Verdict != "complete" {
				t.Errorf("the file: %v, %+v, want %d octets", err, info, size)
			}
			if faults := strings.Join(e.Faults, "; "); !strings.Contains(faults, c.fault) {
				t.Errorf("faults %q lack %q", faults, c.fault)
			}
			if entries, err := os.ReadDir(around); err != nil || len(entries) != 1 {
				t.Errorf("outside: %v, %v", entries, err)
			}
			for _, a := range e.Attachments {
				name := filepath.Base(a.File)
				if len(name) > mailfile.MaxName || strings.TrimPrefix(name, "_") != strings.TrimPrefix(mailfile.Name(name, mailfile.MaxName), "_") || strings.Count(a.File, "/") != 2 {
					t.Errorf("a file called %q", a.File)
				}
			}
			t.Logf("%d MB, heap up to %d MB, %d attachments", size>>20, src.peak>>20, rep.Attachments.Written)
		})
	}
}
