package capturetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	maxConns    = 64      // in one dialog; more is not to be read by people
	maxBytes    = 4 << 20 // of payload in one dialog, so that a wrong count is an error and not a full disk
	maxSegments = 1 << 16 // in one dialog; an mss of 1 reaches it first
)

// Parse reads the text of a dialog; name is its file, for Dialog.Name and
// for errors. An error is a *ParseError.
func Parse(name, text string) (*Dialog, error) {
	base := filepath.Base(filepath.ToSlash(name))
	p := &parser{d: &Dialog{
		Name:  strings.TrimSuffix(base, ".txt"),
		start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano(),
	}}
	p.conn(1)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		p.line = i + 1
		if err := p.read(strings.TrimSuffix(line, "\r")); err != nil {
			return nil, &ParseError{name, p.line, err}
		}
	}
	p.endWrite()
	trace, line, err := compile(p.d)
	if err != nil {
		return nil, &ParseError{name, line, err}
	}
	p.d.trace = trace
	return p.d, nil
}

// parser reads line by line. Lines of one side are gathered in write until
// something else ends it.
type parser struct {
	d       *Dialog
	line    int
	now     int // index of the connection that lines belong to
	write   *step
	bytes   int
	started bool // a line that is no comment was read
}

func (p *parser) read(line string) error {
	switch {
	case strings.HasPrefix(line, "#"):
		p.comment(strings.TrimSpace(line[1:]))
		return nil
	case strings.TrimSpace(line) == "":
		return nil
	}
	p.started = true
	switch {
	case line == "-":
		if p.write == nil {
			return errors.New(`"-" ends a write, but there is none`)
		}
		p.endWrite()
		return nil
	case strings.HasPrefix(line, "@"):
		p.endWrite()
		return p.choose(strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "!"):
		p.endWrite()
		return p.directive(strings.Fields(line[1:]))
	case len(line) >= 2 && (line[0] == 'C' || line[0] == 'S'):
		return p.data(line)
	}
	return fmt.Errorf("%q is neither C: nor S: nor # - ! @", line)
}

func (p *parser) comment(text string) {
	if keys, ok := strings.CutPrefix(text, "keylog "); ok {
		p.d.KeyLog += keys + "\n"
		return
	}
	if p.started || text == "" {
		return
	}
	if p.d.About != "" {
		p.d.About += " "
	}
	p.d.About += text
}

// data reads "C: text", "S| text", "S= base64" and "S* 3 text".
func (p *parser) data(line string) error {
	from := client
	if line[0] == 'S' {
		from = server
	}
	text := strings.TrimPrefix(line[2:], " ")
	var data []byte
	var err error
	switch line[1] {
	case ':':
		data = []byte(text + "\r\n")
	case '|':
		data, err = unescape(text)
	case '=':
		data, err = base64.StdEncoding.Strict().DecodeString(text)
	case '*':
		data, err = repeat(text)
	default:
		err = fmt.Errorf("%q: after C or S comes one of : | = *", line[:2])
	}
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return errors.New("no bytes to send")
	}
	if p.bytes += len(data); p.bytes > maxBytes {
		return fmt.Errorf("more than %d bytes", maxBytes)
	}
	if p.write == nil || p.write.side != from {
		p.endWrite()
		p.write = &step{line: p.line, kind: doWrite, conn: p.now, side: from}
	}
	p.write.data = append(p.write.data, data...)
	return nil
}

func (p *parser) endWrite() {
	if p.write != nil {
		p.do(*p.write)
		p.write = nil
	}
}

func (p *parser) do(s step) {
	s.line, s.conn = p.line, p.now
	p.d.conns[p.now].used = true
	p.d.steps = append(p.d.steps, s)
}

// conn returns the connection with a number, and makes it if it is new.
func (p *parser) conn(number int) int {
	for i := range p.d.conns {
		if p.d.conns[i].number == number {
			return i
		}
	}
	i := len(p.d.conns)
	c := dialogConn{
		number: number,
		client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, 7}), 40000+uint16(number)),
		server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 10}), 110),
		isn:    [2]uint32{1_000_000_000 + uint32(i)*10_000_000, 3_000_000_000 + uint32(i)*10_000_000},
		mss:    1460,
	}
	if i > 0 {
		c.server, c.mss = p.d.conns[0].server, p.d.conns[0].mss
	}
	p.d.conns = append(p.d.conns, c)
	return i
}

func (p *parser) choose(word string) error {
	number, err := strconv.Atoi(word)
	if err != nil {
		return fmt.Errorf("@ %q: not a number", word)
	}
	for i := range p.d.conns {
		if p.d.conns[i].number == number {
			p.now = i
			return nil
		}
	}
	return fmt.Errorf(`connection %d is not declared with "! conn %d"`, number, number)
}

// directive reads "! word ..." lines.
func (p *parser) directive(w []string) error {
	if len(w) == 0 {
		return errors.New("a directive needs a word")
	}
	if d, ok := directives[w[0]]; ok {
		if len(w)-1 < d.min || len(w)-1 > d.max {
			return fmt.Errorf("! %s takes %s", w[0], d.takes)
		}
		if d.header && p.d.conns[p.now].used {
			return fmt.Errorf("! %s must come before the first line of its connection", w[0])
		}
		return d.read(p, w[1:])
	}
	return fmt.Errorf("! %s is not a directive", w[0])
}

// directiveRow describes one directive.
type directiveRow struct {
	min, max int // words after the name
	takes    string
	header   bool // settles how the connection begins
	read     func(p *parser, w []string) error
}

var directives = map[string]directiveRow{
	"server":       {1, 1, "an address with port", true, (*parser).readServer},
	"client":       {1, 1, "an address with port", true, (*parser).readClient},
	"isn":          {1, 2, "client=N and server=N", true, (*parser).readISN},
	"mss":          {1, 1, "a number of bytes", true, (*parser).readMSS},
	"syn":          {1, 1, "full, none, half, refused or unanswered", true, (*parser).readSYN},
	"nosyn":        {0, 0, "nothing", true, func(p *parser, _ []string) error { return p.readSYN([]string{"none"}) }},
	"conn":         {1, 3, "a number, client=ADDR:PORT and server=ADDR:PORT", false, (*parser).readConn},
	"noclose":      {0, 0, "nothing", false, func(p *parser, _ []string) error { p.d.conns[p.now].noClose = true; return nil }},
	"start":        {1, 1, "a time as 2026-01-02T03:04:05Z", false, (*parser).readStart},
	"step":         {1, 1, "a duration as 1ms", false, waiting(doStep)},
	"pause":        {1, 1, "a duration as 5s", false, waiting(doPause)},
	"open":         {0, 0, "nothing", false, plain(doOpen)},
	"close":        {0, 0, "nothing", false, plain(doClose)},
	"again":        {0, 0, "nothing", false, plain(doAgain)},
	"badchecksum":  {0, 0, "nothing", false, plain(doBadChecksum)},
	"unfilled":     {0, 0, "nothing", false, plain(doUnfilled)},
	"cut":          {1, 1, "a number of bytes", false, (*parser).readCut},
	"forged":       {1, 1, "a number of bytes ahead of the stream", false, (*parser).readForged},
	"fragments":    {1, 1, "same or differ", false, (*parser).readFragments},
	"drops":        {1, 1, "a number of packets", false, (*parser).readDrops},
	"damaged":      {0, 0, "nothing", false, func(p *parser, _ []string) error { p.d.Damaged = true; return nil }},
	"lost":         {0, 0, "nothing", false, plain(doLost)},
	"crossing":     {0, 0, "nothing", false, plain(doCrossing)},
	"fin":          {1, 1, "client or server", false, sided(doFIN)},
	"rst":          {1, 1, "client or server", false, sided(doRST)},
	"keepalive":    {1, 1, "client or server", false, sided(doKeepAlive)},
	"zerowindow":   {1, 1, "client or server", false, sided(doZeroWindow)},
	"windowupdate": {1, 1, "client or server", false, sided(doWindowUpdate)},
}

func plain(kind stepKind) func(*parser, []string) error {
	return func(p *parser, _ []string) error {
		p.do(step{kind: kind})
		return nil
	}
}

func (p *parser) readCut(w []string) error {
	n, err := strconv.Atoi(w[0])
	if err != nil || n < 0 {
		return fmt.Errorf("%q: not a number of bytes", w[0])
	}
	p.do(step{kind: doCut, n: n})
	return nil
}

func (p *parser) readForged(w []string) error {
	n, err := strconv.ParseInt(w[0], 10, 32)
	if err != nil || n == 0 {
		return fmt.Errorf("%q: not a number of bytes ahead of the stream, or behind it", w[0])
	}
	p.do(step{kind: doForged, n: int(n)})
	return nil
}

func (p *parser) readFragments(w []string) error {
	p.d.Fragments = w[0]
	if w[0] != FragmentsSame && w[0] != FragmentsDiffer {
		return fmt.Errorf("%q: neither same nor differ", w[0])
	}
	return nil
}

func (p *parser) readDrops(w []string) (err error) {
	p.d.Drops, err = strconv.Atoi(w[0])
	return err
}

func sided(kind stepKind) func(*parser, []string) error {
	return func(p *parser, w []string) error {
		switch w[0] {
		case "client":
			p.do(step{kind: kind, side: client})
		case "server":
			p.do(step{kind: kind, side: server})
		default:
			return fmt.Errorf("%q: neither client nor server", w[0])
		}
		return nil
	}
}

func waiting(kind stepKind) func(*parser, []string) error {
	return func(p *parser, w []string) error {
		d, err := time.ParseDuration(w[0])
		if err != nil {
			return err
		}
		if d < 0 || d > 1000*time.Hour {
			return fmt.Errorf("%v: time goes forward, and by no more than 1000h", d)
		}
		// Not p.do: the passing of time is no use of a connection.
		p.d.steps = append(p.d.steps, step{line: p.line, kind: kind, conn: p.now, wait: d})
		return nil
	}
}

func (p *parser) readServer(w []string) (err error) {
	p.d.conns[p.now].server, err = netip.ParseAddrPort(w[0])
	return err
}

func (p *parser) readClient(w []string) (err error) {
	p.d.conns[p.now].client, err = netip.ParseAddrPort(w[0])
	return err
}

func (p *parser) readISN(w []string) error {
	for _, word := range w {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return err
		}
		switch name {
		case "client":
			p.d.conns[p.now].isn[client] = uint32(n)
		case "server":
			p.d.conns[p.now].isn[server] = uint32(n)
		default:
			return fmt.Errorf("%q: neither client= nor server=", word)
		}
	}
	return nil
}

func (p *parser) readMSS(w []string) error {
	n, err := strconv.Atoi(w[0])
	if err != nil {
		return err
	}
	if n < 1 || n > 60000 {
		return fmt.Errorf("mss %d: from 1 to 60000", n)
	}
	p.d.conns[p.now].mss = n
	return nil
}

func (p *parser) readSYN(w []string) error {
	o, ok := openings[w[0]]
	if !ok {
		return fmt.Errorf("%q: not full, none, half, refused or unanswered", w[0])
	}
	p.d.conns[p.now].opening = o
	return nil
}

func (p *parser) readStart(w []string) error {
	t, err := time.Parse(time.RFC3339Nano, w[0])
	if err != nil {
		return err
	}
	if t.Year() < 1970 || t.Year() > 2200 {
		return fmt.Errorf("%s: from 1970 to 2200", w[0])
	}
	if len(p.d.steps) > 0 {
		return errors.New("! start must come before everything that happens")
	}
	p.d.start = t.UnixNano()
	return nil
}

func (p *parser) readConn(w []string) error {
	number, err := strconv.Atoi(w[0])
	if err != nil {
		return err
	}
	if number < 1 || number > maxConns {
		return fmt.Errorf("connection %d: from 1 to %d", number, maxConns)
	}
	c := &p.d.conns[p.conn(number)]
	if c.used {
		return fmt.Errorf("connection %d has begun already", number)
	}
	for _, word := range w[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "client":
			c.client, err = netip.ParseAddrPort(value)
		case "server":
			c.server, err = netip.ParseAddrPort(value)
		default:
			err = fmt.Errorf("%q: neither client= nor server=", word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unescape reads \r \n \t \\ \0 and \xHH.
func unescape(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i++; i == len(text) {
			return nil, errors.New(`a backslash at the end`)
		}
		switch text[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case '0':
			out = append(out, 0)
		case 'x':
			if i+2 >= len(text) {
				return nil, errors.New(`\x needs two digits`)
			}
			b, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return nil, fmt.Errorf(`\x%s: %w`, text[i+1:i+3], err)
			}
			out = append(out, byte(b))
			i += 2
		default:
			return nil, fmt.Errorf(`\%c is not one of \r \n \t \\ \0 \xHH`, text[i])
		}
	}
	return out, nil
}

// repeat reads "3 text": the unescaped text three times.
func repeat(text string) ([]byte, error) {
	count, rest, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil, err
	}
	one, err := unescape(rest)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > maxBytes/max(len(one), 1) {
		return nil, fmt.Errorf("%d times %d bytes: from 1 time to %d bytes", n, len(one), maxBytes)
	}
	return []byte(strings.Repeat(string(one), n)), nil
}
