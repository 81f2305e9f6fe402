package popscope

import (
	"crypto/sha256"
	"hash"
	"io"

	"popscope/pop3parse"
	"popscope/pop3parse/message"
)

// Body takes the bytes of one message besides the Analyzer, which keeps
// none of them. Data, Gap, End and Part are called by one goroutine at a
// time, while the message passes; then the Body waits in Message.Body until
// the session is over. Exactly one of these follows: a Result with the
// message is handed out, and its receiver has the Body; or Drop is called,
// because a filter holds the session back. If the caller of Results stops
// early, neither may happen.
type Body interface {
	pop3parse.Sink
	// Part is asked for a Writer when an attachment begins: see
	// message.PartSink.
	Part(message.PartInfo) io.Writer
	// Drop says that no Result will hold the message.
	Drop()
}

// digest is what the bytes of one message told.
type digest struct {
	sum  [32]byte
	mail *message.Mail
	body Body
}

// mailSink hashes a message and outlines it while it passes.
type mailSink struct {
	track  *track
	hash   hash.Hash
	parser *message.Parser
	body   Body // nil when nobody wants the bytes
	idle   bool // there is no time for hash and outline
}

// sink returns what takes the bytes of a message.
func (t *track) sink(m *pop3parse.Message) pop3parse.Sink {
	s := t.newSink()
	if t.shard.opt.Body != nil {
		s.body = t.shard.opt.Body(m)
	}
	return s
}

// newSink takes a sink that another message has done with, or makes one.
func (t *track) newSink() *mailSink {
	free := &t.shard.free
	if n := len(*free); n > 0 {
		s := (*free)[n-1]
		*free = (*free)[:n-1]
		s.track, s.idle = t, false
		s.hash.Reset()
		s.parser.Reset()
		return s
	}
	s := &mailSink{track: t, hash: sha256.New()}
	s.parser = message.NewParser(message.Limits{PartSink: s.part})
	return s
}

// part asks the Body of the message for a Writer.
func (s *mailSink) part(i message.PartInfo) io.Writer {
	if s.body == nil {
		return nil
	}
	return s.body.Part(i)
}

// busy reports whether the message is hashed and outlined. It is no longer
// from where the workers fall behind, if nobody wants its parts.
func (s *mailSink) busy() bool {
	if s.track.shard.behind && !s.idle && s.body == nil {
		s.idle = true
		s.track.shard.notHashed++
	}
	return !s.idle
}

// Data implements pop3parse.Sink.
func (s *mailSink) Data(p []byte) {
	if s.busy() {
		s.hash.Write(p)
		s.parser.Write(p)
	}
	if s.body != nil {
		s.body.Data(p)
	}
}

// Gap implements pop3parse.Sink.
func (s *mailSink) Gap(n int64) {
	if !s.idle {
		s.parser.Gap(n)
	}
	if s.body != nil {
		s.body.Gap(n)
	}
}

// End implements pop3parse.Sink.
func (s *mailSink) End(m *pop3parse.Message) {
	d := digest{body: s.body}
	if !s.idle {
		d.mail = s.parser.Close()
		s.hash.Sum(d.sum[:0])
	}
	if s.body != nil {
		s.body.End(m)
	}
	s.track.digests = append(s.track.digests, d)
	s.track.shard.free = append(s.track.shard.free, s)
	s.track, s.body = nil, nil
}
