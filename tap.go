package popscope

import (
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Protocol says what a connection turned out to be.
type Protocol uint8

// What a connection can be. Undecided ones become OtherProtocol at the end.
const (
	Undecided Protocol = iota
	POP3
	TLSProtocol   // from its first byte, on a port of Options.Ports
	OtherProtocol // nothing is reported of it
)

// A Tap is told what the analysis makes of each byte, while it does. It
// serves those who have to find the bytes of a capture again: for
// rewriting it, or for showing packet by packet what it holds.
//
// With Options.Workers 1 all calls come from the goroutine that reads the
// results, during the call of Source.Next that follows the packet at the
// latest; with more, calls about different connections come from several
// goroutines. Chunks are borrowed during the call. While stream.Conn.Flip is
// set, Conn names the sides the wrong way round.
type Tap interface {
	// Chunk is told each chunk of a connection that may be POP3, in the
	// order of its stream, before anything else is.
	Chunk(c *stream.Conn, ch stream.Chunk)
	// Decided is told what a connection is. It is told once, but for
	// connections that ended without a byte.
	Decided(c *stream.Conn, p Protocol)
	// Stretch is told what the bytes of a POP3 connection are: see
	// pop3parse.Options.
	Stretch(c *stream.Conn, s pop3parse.Stretch)
	// Closed is told the end of a connection, after everything else.
	Closed(c *stream.Conn)
}
