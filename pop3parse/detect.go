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
	Client, Server []byte // the first bytes of each side, at most some kilobytes
	FromStart      bool   // the server's bytes begin where the connection began, and the client's do unless ClientLost
	OnPort         bool   // the server's port is one that is taken as POP3
	ClientFirst    bool   // the server had received client bytes when it first spoke
	ClientLost     bool   // some of the client's bytes were not captured
	Over           bool   // no more will come
}

// Probe tells POP3 from what merely looks like it.
//
// A POP3 server speaks first, with "+OK" or "-ERR" (RFC 1939 section 4),
// and its client answers with a known command. FTP, SMTP and NNTP share
// the commands but answer with numbers; Redis answers AUTH and SET with
// "+OK" but does not greet; HTTP does neither. On a port that is taken as
// POP3 one side is enough, elsewhere both have to agree.
func Probe(e Evidence) Detection {
	if e.FromStart {
		if n, ok := proxyHeader(e.Client); ok {
			e.ClientFirst = false // that was not the client
			e.Client = e.Client[min(n, len(e.Client)):]
		}
	}
	client, server := sideOf(e.Client, e), sideOf(e.Server, e)
	if !e.FromStart && (client.has(isHTTPRequest) && server.has(isHTTPStatus) || len(e.Client) == 0 && isHTTPStatus(e.Server)) {
		return IsNot // a +OK may be in what is fetched
	}
	c, s := client.commands(), server.statuses()
	if e.OnPort {
		return e.onPort(c, s)
	}
	switch {
	case c == no || s == no:
		return IsNot
	case e.FromStart && e.ClientFirst && len(e.Server) > 0 && !client.proves():
		if c == open && !e.Over {
			return Undecided
		}
		return IsNot
	case c == yes && s == yes && (e.FromStart && hasIndicator(e.Server, "+OK") || client.proves()):
		return IsPOP3
	case e.Over:
		return IsNot
	}
	return Undecided
}

// onPort decides where the port speaks for POP3.
func (e Evidence) onPort(c, s answer) Detection {
	switch {
	case s == no && (e.FromStart || c != yes):
		return IsNot // whatever it is, its server does not speak POP3
	case s == yes && c == open && !e.ClientLost && !e.Over:
		return Undecided // what the client has to say to that may be no POP3
	case s == yes && e.FromStart && e.ClientFirst:
		line, _, whole := bytes.Cut(e.Server, []byte("\n"))
		switch {
		case looksLikeGreeting(line), sideOf(e.Client, e).proves():
			return IsPOP3
		case whole || e.Over:
			return IsNot // Redis, for one
		}
	case s == yes, c == yes && s != no && (e.Over || !e.FromStart && len(e.Server) > 0):
		return IsPOP3
	case e.Over:
		return IsNot
	}
	return Undecided
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
	text []byte
	Evidence
}

func sideOf(text []byte, e Evidence) side { return side{text, e} }

// lines calls f for each line that is sure to begin in the text, until f
// returns false; whole tells that its end is there too. Where the capture
// began too late, the first line may be the rest of one and is passed over
// if what follows it says more.
func (s side) lines(f func(line []byte, whole bool) bool) {
	for b := s.text; len(b) > 0; {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !f(bytes.TrimSuffix(line, []byte("\r")), whole) {
			return
		}
		b = rest
	}
}

// commands tells whether the text is made of POP3 commands.
func (s side) commands() answer {
	out := open
	n := 0
	s.lines(func(line []byte, whole bool) bool {
		n++
		if !whole {
			if out == open && !mayBeCommand(line) && (s.clientFromStart() || n > 1 || len(line) > maxCommandLine) {
				out = no
			}
			return false
		}
		if isCommand(line) {
			out = yes
			return false
		}
		if s.clientFromStart() || n >= 4 {
			out = no
			return false
		}
		return true
	})
	return out
}

// clientFromStart reports whether the client's bytes begin where the
// connection began.
func (s side) clientFromStart() bool { return s.FromStart && !s.ClientLost }

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
	return s.has(func(line []byte) bool {
		var c command
		c.parse(line)
		return c.known() && (c.spec.pop3 || c.verb == USER || c.verb == PASS)
	})
}

// has reports whether a whole line is of a kind.
func (s side) has(kind func(line []byte) bool) bool {
	found := false
	s.lines(func(line []byte, whole bool) bool {
		found = whole && kind(line)
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
	if s.FromStart {
		switch {
		case !mayBeStatus(s.text[:min(len(s.text), 5)]):
			return no
		case len(s.text) >= 5 || bytes.IndexByte(s.text, '\n') >= 0:
			return yes
		}
		return open
	}
	out := open
	numeric, other := 0, 0
	s.lines(func(line []byte, whole bool) bool {
		ind, _ := parseStatus(line)
		switch {
		case !whole:
		case ind == isOK || ind == isErr:
			out = yes
		case isNumericReply(line):
			numeric++
		default:
			other++
		}
		return out == open
	})
	if out == open && numeric > 0 && other == 0 {
		return no
	}
	if out == open && (len(s.text) >= maxProbe || s.Over || bytes.IndexByte(s.text, 0) >= 0) {
		return no
	}
	return out
}
