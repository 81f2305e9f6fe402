package message

import "bytes"

// uuFiles finds uuencoded files in text: "begin", an octal mode and a name,
// lines of data, and "end". POSIX describes the form under uuencode.
type uuFiles struct {
	common   *common
	splitter splitter
	state    uuState
	into     *saver // the part's own attachment, which takes the first file; nil makes one for each file
	pass     bool   // nothing is listed
	used     bool   // a file was found
	raw      []byte // with into: the text, as long as no file was found in it
	asText   bool   // with into: there was too much text without a file, and all of it is the content
	name     []byte // of a file that is announced
	save     saver
	read     int64 // octets of the file's lines, encoded
	bad      bool  // lines of the file are no data
	short    bool  // lines of the file hold less than they say
	zero     bool  // the line of length zero was seen
	broken   bool  // the next line may be the rest of one that a gap broke
}

// uuState is where in a file the scan is.
type uuState uint8

const (
	uuText  uuState = iota // in text
	uuBegun                // after a line that looks like the beginning of a file
	uuData                 // in a file
)

// begin starts on the text of a part. If into is not nil, the part is an
// attachment itself: the file in it is its content. With pass, files
// are not listed: the limit has been reached.
func (u *uuFiles) begin(c *common, into *saver, pass bool) {
	u.common, u.into, u.pass = c, into, pass
	u.splitter.reset()
	u.state, u.used = uuText, false
	u.raw, u.asText = u.raw[:0], false
}

// maxRawText is how much text may stand before the file in a part that is
// said to be uuencoded. A part with more is no uuencode at all.
const maxRawText = 64 << 10

func (u *uuFiles) write(b []byte) {
	switch {
	case u.pass:
		return
	case u.asText:
		u.into.write(b)
		return
	case u.into != nil && !u.used && len(u.raw)+len(b) > maxRawText:
		u.into.write(u.raw)
		u.into.write(b)
		u.raw, u.asText = nil, true
		return
	case u.into != nil && !u.used:
		u.raw = append(u.raw, b...)
	}
	u.splitter.write(b, u)
}

// lines passes over text in which no file begins.
func (u *uuFiles) lines(b []byte) int {
	if u.state != uuText {
		return 0
	}
	if bytes.HasPrefix(b, uuBegin) {
		return 0
	}
	n := len(b)
	if i := bytes.Index(b, uuBegin); i >= 0 {
		n = i
	}
	return bytes.LastIndexByte(b[:n], '\n') + 1 // a lone CR may end a line, but then the rest of it is looked at
}

var uuBegin = []byte("begin ")

// line takes a line of the decoded text.
func (u *uuFiles) line(b []byte, e lineEnd) {
	switch u.state {
	case uuText:
		u.text(b)
	case uuBegun:
		u.state = uuText
		if uuBegins(b) || isUUEnd(b) {
			u.open()
			u.data(b, e)
			return
		}
		u.text(b)
	case uuData:
		u.data(b, e)
	}
}

// piece and lineOver: a line that long is neither data nor the beginning of a file.
func (u *uuFiles) piece(b []byte, first bool) {
	if first && u.state == uuData {
		u.bad = true
	} else if first {
		u.state = uuText
	}
}

func (u *uuFiles) lineOver(lineEnd) {}

func (u *uuFiles) text(b []byte) {
	name, ok := uuName(b)
	if !ok {
		return
	}
	if u.into != nil && u.used {
		u.common.faults.add("more than one uuencoded file in " + u.into.what() + "; the first one counts")
		return
	}
	u.name, u.state = append(u.name[:0], name...), uuBegun
}

// uuName reads the line that begins a file: "begin 644 name".
func uuName(b []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(b, []byte("begin "))
	if !ok {
		return nil, false
	}
	mode, name, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	if len(mode) < 3 || len(mode) > 6 {
		return nil, false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return nil, false
		}
	}
	name = bytes.TrimSpace(name)
	return name, len(name) > 0
}

// open begins a file.
func (u *uuFiles) open() {
	u.state, u.used, u.raw = uuData, true, u.raw[:0]
	u.read, u.bad, u.short, u.zero, u.broken = 0, false, false, false, false
	if u.into == nil && !u.save.open(u.common, u.common.nameText(string(u.name)), "application/octet-stream") {
		u.pass = true
		u.state = uuText
	}
}

func (u *uuFiles) saver() *saver {
	if u.into != nil {
		return u.into
	}
	return &u.save
}

// data takes a line of a file.
func (u *uuFiles) data(b []byte, e lineEnd) {
	if u.pass {
		return
	}
	u.read += int64(len(b) + len(e.octets()))
	broken := u.broken
	u.broken = false
	switch {
	case isUUEnd(b):
		u.over(true)
	case broken && !uuComplete(b):
		u.bad = true
	case u.zero:
		u.over(false)
		u.text(b)
	case len(bytes.TrimRight(b, " `")) == 0:
		u.zero = true
	case !isUU(b):
		u.bad = true
	default:
		u.decode(b, e != endNone && e != endCut)
	}
}

func isUUEnd(b []byte) bool { return string(bytes.TrimRight(b, " \t")) == "end" }

// isUU reports whether b can be a line of data: a length, and no more
// characters than that needs but for a checksum, all from the alphabet.
func isUU(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '`' {
			return false
		}
	}
	return len(b) > 0 && len(b)-1 <= uuChars(b)+2
}

// uuBegins reports whether b can be the first line of data. Spaces may be
// missing at its end, but text that happens to fit is not taken for data.
func uuBegins(b []byte) bool { return isUU(b) && (b[0] == 'M' || len(b)-1 >= uuChars(b)-3) }

// uuComplete reports whether b is a line of data with all its characters.
func uuComplete(b []byte) bool { return isUU(b) && len(b)-1 >= uuChars(b) }

// uuChars returns how many characters follow the length of the line b.
func uuChars(b []byte) int { return (int(b[0]-' ')&63 + 2) / 3 * 4 }

// decode decodes a line of data. Spaces at its end may have been lost on the
// way: they stand for zero bits. That is not so if the line is not whole.
func (u *uuFiles) decode(b []byte, whole bool) {
	n := int(b[0]-' ') & 63
	var out [66]byte
	var chars [88]byte
	got := copy(chars[:uuChars(b)], b[1:])
	for i, c := range chars[:got] {
		chars[i] = (c - ' ') & 63
	}
	for i, o := 0, 0; o < n; i, o = i+4, o+3 {
		q := chars[i : i+4]
		out[o], out[o+1], out[o+2] = q[0]<<2|q[1]>>4, q[1]<<4|q[2]>>2, q[2]<<6|q[3]
	}
	if has := got * 3 / 4; has < n {
		u.short = true
		zeros := int64(0)
		if whole { // no more than there were characters: few lines must not mean a large file
			zeros = max(0, u.read-u.saver().octets-int64(has))
		}
		n = has + int(min(zeros, int64(n-has)))
	}
	u.saver().write(out[:n])
}

// over ends a file; ended says that its last line is there.
func (u *uuFiles) over(ended bool) {
	s := u.saver()
	what := "uuencoded " + s.what()
	if !ended {
		u.common.faults.add("no end of " + what)
	}
	if u.bad {
		u.common.faults.add("lines that are no data in " + what)
	}
	if u.short {
		u.common.faults.add("lines shorter than they say in " + what)
	}
	if u.into == nil {
		s.close()
	}
	u.state = uuText
}

func (u *uuFiles) gap() {
	u.splitter.flush(u)
	if u.state == uuData && u.into == nil {
		u.save.missing = true
	}
	u.broken = true
}

// close ends the text. A part without a file keeps it.
func (u *uuFiles) close() {
	if !u.asText {
		u.splitter.flush(u)
	}
	if u.state == uuData && !u.pass {
		u.over(false)
	}
	if u.into != nil && !u.used {
		u.into.write(u.raw)
		u.raw = u.raw[:0]
		u.common.faults.add("no uuencoded file in " + u.into.what() + ", which is kept as it is")
	}
}

// abandon drops a file that is not over.
func (u *uuFiles) abandon() {
	if u.state == uuData && u.into == nil {
		u.save.closeSink()
	}
}
