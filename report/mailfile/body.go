package mailfile

import (
	"crypto/sha256"
	"hash"
	"io"

	"popscope"
	"popscope/pop3parse"
	"popscope/pop3parse/message"
)

// body holds the bytes of one message and of its attachments until the
// message has a name. It is a popscope.Body.
type body struct {
	out   *Folder
	main  spool
	parts []*spool // by message.PartInfo.Index
	sum   hash.Hash
	left  int64 // octets of filler that may still be written
}

// Body is what popscope.Options.Body wants. It is safe for use by several
// goroutines at once.
func (o *Folder) Body(m *pop3parse.Message) popscope.Body {
	if m.Command == pop3parse.TOP && !o.opt.Top {
		return nil
	}
	b := &body{out: o, main: spool{pool: o.pool}, left: MaxFill}
	if o.opt.FillGaps {
		b.sum = sha256.New()
	}
	return b
}

// Data implements pop3parse.Sink.
func (b *body) Data(p []byte) {
	b.main.Write(p)
	if b.sum != nil {
		b.sum.Write(p)
	}
}

// filler stands for bytes that are missing, as often as it takes.
const filler = "[missing in the capture]"

// MaxFill bounds the filler in one file: a forged sequence number can make
// a gap of a gigabyte.
const MaxFill = 16 << 20

var fillers = func() []byte {
	b := make([]byte, 0, len(filler)<<7)
	for len(b) < cap(b) {
		b = append(b, filler...)
	}
	return b
}()

// Gap implements pop3parse.Sink.
func (b *body) Gap(n int64) {
	if !b.out.opt.FillGaps {
		return
	}
	n = min(n, b.left)
	b.left -= n
	for n > 0 {
		k := min(n, int64(len(fillers)))
		b.Data(fillers[:k])
		n -= k
	}
}

// End implements pop3parse.Sink.
func (b *body) End(*pop3parse.Message) { b.main.finish() }

// Part implements popscope.Body.
func (b *body) Part(i message.PartInfo) io.Writer {
	if !b.out.opt.Attachments {
		return nil
	}
	s := &part{spool{pool: b.out.pool}}
	for len(b.parts) < i.Index {
		b.parts = append(b.parts, &spool{pool: b.out.pool})
	}
	b.parts = append(b.parts, &s.spool)
	return s
}

// part is the spool of an attachment, which ends before its message does.
type part struct{ spool }

// Close implements io.Closer.
func (p *part) Close() error {
	p.finish()
	return p.err
}

// Drop implements popscope.Body.
func (b *body) Drop() {
	b.main.discard()
	for _, p := range b.parts {
		p.discard()
	}
}

// filled returns the digest of the file, with its filler.
func (b *body) filled() (sum [32]byte) {
	b.sum.Sum(sum[:0])
	return sum
}
