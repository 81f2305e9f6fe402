package message

import (
	"io"
	"slices"
)

// Parser takes a mail as it streams by. It is not safe for use by several
// goroutines at once. Make one with NewParser.
type Parser struct {
	common common
	top    *walker
	result *Mail // set by Close
}

// NewParser returns a Parser for one mail.
func NewParser(l Limits) *Parser {
	p := &Parser{common: common{limits: l.resolved()}}
	p.Reset()
	return p
}

// Reset makes the Parser ready for another mail, with the same Limits. An
// attachment that is not over is dropped: its Writer is closed, if it can be.
func (p *Parser) Reset() {
	if p.top != nil {
		p.top.content.abandon()
		p.common.release(p.top)
	}
	p.common.reset()
	p.top = p.common.newWalker(0)
	p.result = nil
}

// Write takes the next bytes and keeps none of them. It never fails, and
// after Close it does nothing.
func (p *Parser) Write(b []byte) (int, error) {
	if p.result == nil {
		p.top.write(b)
	}
	return len(b), nil
}

// Gap says that n bytes are missing here. Sizes and hashes of what they
// belonged to are those of the bytes that are there, and a fault says so.
func (p *Parser) Gap(n int64) {
	if p.result == nil && n > 0 {
		p.top.gap(n)
	}
}

// Close says that the mail is over and returns its outline, which belongs
// to the caller. Called again it returns the same.
func (p *Parser) Close() *Mail {
	if p.result == nil {
		p.top.close()
		p.result = p.common.finish()
	}
	return p.result
}

// Parse reads r to its end. An error is one of r; the Mail is what was read
// before it.
func Parse(r io.Reader, l Limits) (*Mail, error) {
	p := NewParser(l)
	_, err := io.CopyBuffer(struct{ io.Writer }{p}, struct{ io.Reader }{r}, make([]byte, readSize))
	return p.Close(), err
}

// common is what the walkers of a mail and of the messages inside it share.
type common struct {
	limits  Limits
	mail    *Mail
	faults  faults
	header  header    // only the innermost walker can be in a header
	charset string    // of the mail's own Content-Type: a hint for 8-bit headers of its parts
	free    []*walker // for reuse
}

func (c *common) reset() {
	c.mail = &Mail{}
	c.faults = faults{max: c.limits.Faults}
	c.charset = ""
}

func (c *common) finish() *Mail {
	c.mail.Faults = c.faults.list()
	return c.mail
}

// newWalker returns a walker for a message inside depth multiparts and messages.
func (c *common) newWalker(depth int) *walker {
	w := &walker{common: c}
	if n := len(c.free); n > 0 {
		w, c.free = c.free[n-1], c.free[:n-1]
	}
	w.begin(depth)
	return w
}

func (c *common) release(w *walker) { c.free = append(c.free, w) }

// roomForPart reports whether the limit allows another leaf part.
func (c *common) roomForPart() bool {
	if c.mail.Parts >= c.limits.Parts {
		c.faults.add("more parts than the limit; the rest is not read")
		return false
	}
	return true
}

// addPart counts a leaf part, if there is room.
func (c *common) addPart() {
	if c.roomForPart() {
		c.mail.Parts++
	}
}

// faults are the distinct faults of a mail. Of too many it keeps those that
// sort first, so that the order in which they were found does not matter.
type faults struct {
	max    int
	sorted []string
	more   bool
}

func (f *faults) add(s string) {
	i, found := slices.BinarySearch(f.sorted, s)
	if found {
		return
	}
	if len(f.sorted) >= f.max {
		f.more = true
		if i == len(f.sorted) {
			return
		}
		f.sorted = f.sorted[:len(f.sorted)-1]
	}
	f.sorted = slices.Insert(f.sorted, i, s)
}

func (f *faults) list() []string {
	if f.more {
		s := "more faults than are listed"
		i, _ := slices.BinarySearch(f.sorted, s)
		return slices.Insert(f.sorted, i, s)
	}
	return f.sorted
}
