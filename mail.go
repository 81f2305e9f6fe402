package popscope

import (
	"crypto/sha256"
	"hash"

	"popscope/pop3parse"
	"popscope/pop3parse/message"
)

// digest is what the bytes of one message told.
type digest struct {
	sum  [32]byte
	mail *message.Mail
}

// mailSink hashes a message and outlines it while it passes.
type mailSink struct {
	track  *track
	hash   hash.Hash
	parser *message.Parser
}

// mail returns the function that gives the parser a sink for each message,
// or nil when nobody wants to know.
func (t *track) mail() func(*pop3parse.Message) pop3parse.Sink {
	if t.shard.opt.NoMail {
		return nil
	}
	return func(*pop3parse.Message) pop3parse.Sink { return t.newSink() }
}

// newSink takes a sink that another message has done with, or makes one.
func (t *track) newSink() *mailSink {
	free := &t.shard.free
	if n := len(*free); n > 0 {
		s := (*free)[n-1]
		*free = (*free)[:n-1]
		s.track = t
		s.hash.Reset()
		s.parser.Reset()
		return s
	}
	return &mailSink{track: t, hash: sha256.New(), parser: message.NewParser(message.Limits{})}
}

// Data implements pop3parse.Sink.
func (s *mailSink) Data(p []byte) {
	s.hash.Write(p)
	s.parser.Write(p)
}

// Gap implements pop3parse.Sink.
func (s *mailSink) Gap(n int64) { s.parser.Gap(n) }

// End implements pop3parse.Sink.
func (s *mailSink) End(*pop3parse.Message) {
	d := digest{mail: s.parser.Close()}
	s.hash.Sum(d.sum[:0])
	s.track.digests = append(s.track.digests, d)
	s.track.shard.free = append(s.track.shard.free, s)
	s.track = nil
}
