// Package sanitize writes a capture anew so that it can be shared: the same
// packets of the same POP3 sessions, without secrets and without mail.
//
//	s, err := sanitize.New(sanitize.Options{})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	if err := s.Read(src, warn); err != nil { // all of a capture.Source
//		return err
//	}
//	format, err := s.Format() // pcap, or pcapng where there are several link types
//	if err != nil {
//		return err
//	}
//	err = s.Write(file, format)
//
// # What stays
//
// Whatever is not known to be harmless is overwritten, by as many bytes:
//
//	frames     link, IP, TCP and tunnel headers; TCP options that are usual
//	client     verbs that are known, message numbers, user names, names of SASL mechanisms
//	server     +OK and -ERR; of texts the words that servers are known to use (words.txt),
//	           numbers, and of the greeting host names and the APOP timestamp;
//	           rows of CAPA, LIST and UIDL
//	SASL       the dialogues, with user names, nonces and what else is worth nothing alone
//	mail       line ends, dots at the start of lines, names of header fields
//	TLS        everything in records, which without keys tells nothing but names of hosts; but no
//	           application data where the suite does not encrypt it, or is not known
//
// So PASS keeps its length and nothing else, mistyped commands are x, and an
// -ERR that repeats them too. What the analysis did not assign to a session,
// as late packets and padding, becomes zero bytes.
//
// What is written analyses to the same sessions: the same exchanges with
// the same notes, logins and outcomes, message sizes and losses. Digests
// and headers of messages differ, and their attachments are gone.
//
// Packets that belong to no POP3 session are left out, or kept without
// their payload: Options.Others. pcapng's comments, names, secrets and
// statistics are not written.
//
// # Checksums
//
// A checksum that was right is right again. One that was wrong is wrong
// again, but by a fixed amount, as the old one could tell of the old bytes;
// one that was left to the sender's network card still is; one that cannot be
// checked, since the frame was cut, becomes 0.
//
// # How
//
// Everything is done in one pass. Each frame goes to a temporary file, whose
// last 4 MB are in memory, with its payload overwritten already; what the
// analysis finds harmless is put back in memory, before the frame is written.
// So nothing secret reaches the disk, memory does not grow with the capture but
// by a few bytes for each host, and the input may be a pipe. A copy that comes again after its bytes
// were settled is written as the first one was, as long as the analysis
// compares them; a copy that differs stays different.
//
// Pseudonyms are given in the order of appearance: no key is needed, none
// can be found out, and the same input gives the same output.
package sanitize
