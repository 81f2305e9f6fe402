// Package wire cuts one direction of a POP3 stream into lines and
// dot-terminated data (RFC 1939 section 3) without losing a byte: the Raw
// bytes of all tokens and the lengths of all gaps, one after the other,
// are the stream.
//
// A Scanner is fed with chunks and asked for what the caller expects
// next, since only the caller knows whether a reply is followed by data:
//
//	s.Feed(&chunk)
//	line, kind := s.Line()           // look at the next line
//	if kind == wire.Line && isRETR {
//		bareLF := line.BareLF    // line is valid until the next call
//		s.Skip()                 // it is used
//		s.Body(bareLF)           // what follows is data
//		for tok, ok := s.Next(false); ok; tok, ok = s.Next(false) { ... }
//	}
//	s.Keep()                         // the chunk's bytes are about to go
//
// The data is cut into these tokens:
//
//	Hello\r\n        Data
//	..stuffed\r\n    Stuffing "." and Data ".stuffed\r\n"
//	.\r\n            End
//
// A line of the data ends in CRLF; where the status line itself ended in a
// bare LF, a bare LF ends the lines of its data too. Nothing is ever
// framed by a count of octets.
package wire
