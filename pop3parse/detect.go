package pop3parse

import (
	"bytes"
	"strings"
)

// Detection is what Probe makes of the beginning of a connection.
type Detection uint8

// Undecided as long as more bytes could change the answer.
const (
	Undecided Detection = iota
	IsPOP3
	IsNot
)

// Evidence is the beginning of a connection as far as it was captured.
type Evidence struct {
	Client, Server         []byte // the first bytes of each side, at most some kilobytes
	ClientCuts, ServerCuts []int  // where in Client and Server bytes are missing, in order; 0 is before the first one
	FromStart              bool   // the bytes of each side begin where the connection began, unless they are cut at 0
	OnPort                 bool   // the server's port is one that is taken as POP3
	ClientFirst            bool   // the server had received client bytes when it first spoke
	Over                   bool   // no more will come
}

// Probe tells POP3 from what merely looks like it.
//
// A POP3 server speaks first, with "+OK" or "-ERR" (RFC 1939 section 4),
// and its client answers with a known command. FTP, SMTP and NNTP share
// the commands but answer with numbers; Redis answers AUTH and SET with
// "+OK" but does not greet; HTTP does neither. On a port that is taken as
// POP3 one side is enough, elsewhere both have to agree. Where bytes are
// missing there, the first ones of a line are enough if nothing speaks
// against it: the snapshot length may have left no more.
func Probe(e Evidence) Detection {
	if e.begins(e.ClientCuts) {
		first := e.Client
		if len(e.ClientCuts) > 0 {
			first = first[:e.ClientCuts[0]]
		}
		if n, ok := proxyHeader(first); ok {
			e.ClientFirst = false // that was not the client
			e.passClient(min(n, len(first)))
		}
	}
	client, server := e.side(e.Client, e.ClientCuts), e.side(e.Server, e.ServerCuts)
	if !server.start && (client.has(isHTTPRequest) && server.has(isHTTPStatus) || len(e.Client) == 0 && isHTTPStatus(e.Server)) {
		return IsNot // a +OK may be in what is fetched
	}
	c, s := client.commands(), server.statuses()
	if e.OnPort {
		return e.onPort(client, server, c, s)
	}
	switch {
	case c == no || s == no:
		return IsNot
	case server.start && e.ClientFirst && len(e.Server) > 0 && !client.proves():
		if first := client.first(); c == open && !e.Over && !(first.sure && first.cut) {
			return Undecided
		}
		return IsNot
	case c == yes && s == yes && (server.start && hasIndicator(e.Server, "+OK") || client.proves()):
		return IsPOP3
	case e.Over:
		return IsNot
	}
	return Undecided
}

// begins reports whether a side that is cut like this begins where the
// connection began.
func (e *Evidence) begins(cuts []int) bool {
	return e.FromStart && (len(cuts) == 0 || cuts[0] > 0)
}

// passClient leaves the client's first n bytes out.
func (e *Evidence) passClient(n int) {
	var cuts []int
	for _, at := range e.ClientCuts {
		cuts = append(cuts, max(at-n, 0))
	}
	e.Client, e.ClientCuts = e.Client[n:], cuts
}

// onPort decides where the port speaks for POP3.
func (e *Evidence) onPort(client, server side, c, s answer) Detection {
	switch {
	case s == no && (server.start || c != yes):
		return IsNot // whatever it is, its server does not speak POP3
	case s == yes && c == open && len(e.ClientCuts) == 0 && !e.Over:
		return Undecided // what the client has to say to that may be no POP3
	case s == yes && server.start && e.ClientFirst:
		greeting := server.first()
		switch {
		case looksLikeGreeting(greeting.text), client.proves():
			return IsPOP3
		case greeting.whole || e.Over:
			return IsNot // Redis, for one
		}
	case s == yes, c == yes && s != no && (e.Over || !server.start && len(e.Server) > 0):
		return IsPOP3
	case e.Over && e.cut() && s != no && (c != no || len(e.Server) > 0 && !(server.start && e.ClientFirst)):
		return IsPOP3
	case e.Over:
		return IsNot
	}
	return Undecided
}

// cut reports whether all that is there may be parts of lines.
func (e *Evidence) cut() bool {
	return len(e.ClientCuts)+len(e.ServerCuts) > 0 && len(e.Client)+len(e.Server) > 0
}

// answer is yes, no, or open until more is known.
type answer uint8

const (
	open answer = iota
	yes
	no
)

// side is the beginning of one direction.
type side struct {
	text  []byte
	cuts  []int // as in Evidence
	start bool  // it begins where the connection began
	over  bool  // as in Evidence
}

func (e *Evidence) side(text []byte, cuts []int) side {
	return side{text, cuts, e.begins(cuts), e.Over}
}

// line is a line of one side, as far as it is there.
type line struct {
	text   []byte // without its end
	sure   bool   // nothing is missing before it
	begins bool   // it begins where a line begins
	whole  bool   // its end is there
	cut    bool   // its end is missing
}

// lines calls f for each line until f returns false. Where the capture began
// too late, or bytes are missing, the next line may be the rest of one.
func (s side) lines(f func(l line) bool) {
	from, sure := 0, s.start
	for i := range len(s.cuts) + 1 {
		at := s.upTo(i)
		for begins := sure; from < at; begins = true {
			text, _, whole := bytes.Cut(s.text[from:at], []byte("\n"))
			from += len(text)
			if whole {
				from++
			}
			if !f(line{bytes.TrimSuffix(text, []byte("\r")), sure, begins, whole, !whole && i < len(s.cuts)}) {
				return
			}
		}
		sure = false
	}
}

// upTo returns where the i-th part of the text ends.
func (s side) upTo(i int) int {
	if i < len(s.cuts) {
		return min(s.cuts[i], len(s.text))
	}
	return len(s.text)
}

// first returns the first line, or as much as is there of it.
func (s side) first() (first line) {
	s.lines(func(l line) bool {
		first = l
		return false
	})
	return first
}

// commands tells whether the text is made of POP3 commands.
func (s side) commands() answer {
	out := open
	n := 0
	s.lines(func(l line) bool {
		n++
		switch {
		case !l.whole:
			if !mayBeCommand(l.text) && (l.begins || len(l.text) > maxCommandLine) {
				out = no
			}
		case isCommand(l.text):
			out = yes
		case l.sure || n >= 4:
			out = no
		}
		return out == open
	})
	return out
}

// mayBeCommand reports whether a line that is not complete can still
// become a known command.
func mayBeCommand(line []byte) bool {
	if len(line) > maxKnownVerb || bytes.IndexByte(line, ' ') >= 0 {
		return isCommand(line)
	}
	up := string(upper(nil, line))
	for i := range verbs {
		if strings.HasPrefix(string(verbs[i].verb), up) {
			return true
		}
	}
	return false
}

// proves reports whether a command is there that other protocols with
// +OK replies do not have: they share AUTH, QUIT and the like.
func (s side) proves() bool {
	found := false
	s.lines(func(l line) bool {
		var c command
		if l.whole || l.cut {
			c.parse(l.text)
			found = c.known() && (c.spec.pop3 || c.verb == USER || c.verb == PASS)
		}
		return !found
	})
	return found
}

// has reports whether a whole line is of a kind.
func (s side) has(kind func(line []byte) bool) bool {
	found := false
	s.lines(func(l line) bool {
		found = l.whole && kind(l.text)
		return !found
	})
	return found
}

// httpVersion begins the answers of HTTP and, but for a digit, ends its
// requests (RFC 9112 section 2.3).
const httpVersion = "HTTP/1."

// isHTTPRequest reports whether a line asks for something in HTTP.
func isHTTPRequest(line []byte) bool {
	return len(line) > 0 && bytes.HasSuffix(line[:len(line)-1], []byte(" "+httpVersion))
}

// isHTTPStatus reports whether a line begins an answer of HTTP.
func isHTTPStatus(line []byte) bool { return bytes.HasPrefix(line, []byte(httpVersion)) }

// isNumericReply reports whether a line is a reply of FTP, SMTP or NNTP:
// three digits and a space or hyphen (RFC 959 section 4.2).
func isNumericReply(line []byte) bool {
	if len(line) < 4 || line[3] != ' ' && line[3] != '-' {
		return false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// maxProbe is how far into a stream that was caught in the middle a status
// line is looked for.
const maxProbe = 16 << 10

// statuses tells whether the text holds status lines where a POP3 server
// would have them: at its very beginning if the capture has that.
func (s side) statuses() answer {
	if len(s.text) == 0 {
		return open
	}
	cut := false
	if s.start {
		begin := s.text[:min(s.upTo(0), enoughStatus)]
		switch {
		case !mayBeStatus(begin):
			return no
		case len(begin) == enoughStatus || bytes.IndexByte(begin, '\n') >= 0 || bytes.HasSuffix(begin, []byte("K ")):
			return yes
		case len(s.cuts) == 0:
			return open
		}
	}
	out := open
	numeric, other := 0, 0
	s.lines(func(l line) bool {
		ind, _ := parseStatus(l.text)
		switch {
		case !l.whole:
			cut = cut || l.cut && mayBeStatus(l.text[:min(len(l.text), enoughStatus)])
		case ind == isOK || ind == isErr:
			out = yes
		case isNumericReply(l.text):
			numeric++
		default:
			other++
		}
		return out == open
	})
	switch {
	case out == yes:
		return yes
	case cut:
		return open
	case other == 0 && numeric > 0:
		return no
	case len(s.text) >= maxProbe || s.over || bytes.IndexByte(s.text, 0) >= 0:
		return no
	}
	return open
}

// enoughStatus is how many bytes tell a status indicator from a longer word.
const enoughStatus = 5
