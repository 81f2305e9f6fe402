// Package message reads a mail while it streams by and gives its outline:
// the header fields that people ask for, and the attachments with size and
// hash. It keeps no mail: one of many gigabytes needs the same memory as a
// short one, and any cutting of the input into pieces gives the same Mail.
//
// The common call:
//
//	p := message.NewParser(message.Limits{})
//	p.Write(first) // as bytes come, valid during the call only
//	p.Gap(1460)    // bytes that were lost on the way
//	p.Write(more)
//	mail := p.Close()
//
// How a byte travels:
//
//	Write ─ lines ─┬─ header field ─ RFC 2047, RFC 2231, charset ─ Mail
//	               ├─ boundary line: a part ends, the next one begins
//	               └─ content ─ base64, quoted-printable, uuencode ─┬─ SHA-256
//	                                                                ├─ PartSink
//	                                                                ├─ embedded message: the same again
//	                                                                └─ uuencoded files in the text
//
// # What is a leaf part, and what is an attachment
//
// A leaf part is an entity that is neither a multipart in which parts were
// found nor an embedded message (message/rfc822, message/global). A leaf
// part is an attachment if one of these holds:
//
//   - its Content-Disposition is "attachment" (RFC 2183 section 2.2);
//   - it has a file name: the filename parameter of Content-Disposition or,
//     without that, the name parameter of Content-Type, not empty;
//   - its type is application/ms-tnef or application/vnd.ms-tnef
//     (winmail.dat, which is not unpacked).
//
// Any other disposition, known or not, makes no attachment of a part: some
// programs write Content-Disposition: 7bit. An embedded message is an
// attachment by the first two rules, or if it stands directly in a
// multipart/mixed; not in a digest or a delivery report. What is attached
// inside it is listed too, after it. Files uuencoded in a text/plain part
// that is no attachment itself ("begin 644 name" to "end") are attachments
// of type application/octet-stream. The list is in the order in which the
// attachments begin.
//
// # Damage
//
// No input is an error. What is broken is read as mail programs do, or so
// that more of the mail is seen, and stated in Mail.Faults:
//
//	line ends            CRLF, LF, CR CR LF and a CR alone all end a line
//	no blank line        two lines that are no field, or one beginning "--", begin the body
//	one strange line     among fields, followed by a well-known field: passed over
//	field given twice    the first one counts
//	same boundary twice  the innermost multipart takes it until it is closed
//	NUL octets           kept
//	no final boundary    the multipart ends with what encloses it
//	part after the end   "--x" after "--x--" opens a part again
//	no boundary param.   a line "--x" followed by a Content- field gives it,
//	                     also where the declared one has not appeared
//	no uuencoded file    the text is kept as it is
//	8-bit header         UTF-8, else the charset of Content-Type, else windows-1252
//	base64               other characters are skipped; data after padding is
//	                     decoded, but not lines that are clearly text
//	bytes missing        the rest is read on; sizes and hashes are of what is there
//
// # What it does not do
//
// It does not verify signatures, decrypt, unpack TNEF or archives, join
// message/partial, decode yEnc or BinHex, or give the text of the mail.
// Control characters in names and subjects are left for outputs to defuse.
//
// Parts are read by this package and not by mime.ParseMediaType and
// net/mail: those give nothing at all for input that is a little broken, and
// net/mail reads the names of time zones by the zone of the machine it runs
// on. enmime, the most tolerant of the libraries, parses a whole mail held
// in memory and takes exponential time on some; a test holds this package
// against it.
package message
