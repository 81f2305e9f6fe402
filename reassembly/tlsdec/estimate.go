package tlsdec

import (
	"sort"

	"popscope/reassembly/stream"
)

// sizes are the lengths of the records with application data, from which
// estimate guesses what was fetched. Commands and replies are told apart by
// acknowledgements, so that the order of the capture does not matter.
type sizes struct {
	off      bool // bytes were lost, or there is too much: no estimate
	commands []command
	replies  []reply
}

// command is a record of the client.
type command struct {
	end  int64 // stream offset behind it
	size int
}

// reply are records of the server that were sent when it had the same bytes
// of the client.
type reply struct {
	acked   int64
	records int
	size    int64
}

// maxSizes bounds what is kept of each side; of longer sessions there is no
// estimate.
const maxSizes = 1 << 14

// add notes a record.
func (s *sizes) add(d stream.Dir, size int, end, acked int64) {
	switch {
	case s.off:
	case len(s.commands) == maxSizes || len(s.replies) == maxSizes || d == stream.Server && acked < 0:
		s.giveUp()
	case d == stream.Client:
		s.commands = append(s.commands, command{end, size})
	default:
		if n := len(s.replies); n > 0 && s.replies[n-1].acked == acked {
			s.replies[n-1].records++
			s.replies[n-1].size += int64(size)
			return
		}
		s.replies = append(s.replies, reply{acked, 1, int64(size)})
	}
}

func (s *sizes) giveUp() { *s = sizes{off: true} }

const (
	// shortestRetr is "RETR 1" with its line end. STAT, LIST, UIDL, CAPA, NOOP
	// and QUIT take six bytes.
	shortestRetr = 8
	longestRetr  = 12 // "RETR 99999"

	// besidesMail is what a reply to RETR has around a mail: a status line
	// such as "+OK 1234 octets", and the final line.
	besidesMail = 20

	// smallestMail tells a reply with a mail from a status line; the header
	// alone is longer in any mail that went over the Internet.
	smallestMail = 128

	// smallestBlind does the same where padding hides how long commands are,
	// and has to tell it from lists too.
	smallestBlind = 400
)

// estimate guesses how many messages the client fetched, and their octets.
// A command that can be a RETR, by its length, and whose reply is longer than
// a status line, is one; a record that is longer is taken for several of
// them, numbered from the first message on; commands without a reply of their
// own share the next one. TOP counts as a message. Where padding hides the
// lengths of commands, a long reply is a message, also a long list. It
// returns nil when the records do not tell.
func (s *sizes) estimate(info *stream.TLSInfo) *stream.MailEstimate {
	p := suiteOf(info.Cipher)
	if s.off || p == nil || !info.Completed || len(s.commands) == 0 || len(s.replies) == 0 {
		return nil
	}
	first := 0
	if isTLS13(info.Version) {
		first = 1 // the client's Finished looks like data
	}
	answered := make([]int64, len(s.commands))
	for _, r := range s.replies {
		// The last command that the server had.
		k := sort.Search(len(s.commands), func(i int) bool { return s.commands[i].end > r.acked }) - 1
		if k >= 0 {
			answered[k] += max(0, r.size-int64(r.records*around(p, info.Version)))
		}
	}
	e := &stream.MailEstimate{}
	asked := 0 // since the last reply
	for k := first; k < len(s.commands); k++ {
		asked += retrs(s.commands[k].size-around(p, info.Version), e.Messages+asked)
		if answered[k] == 0 {
			continue // pipelined
		}
		n := min(int64(asked), answered[k]/smallestMail)
		if p.mac != nil {
			n = min(answered[k]/smallestBlind, 1)
		}
		asked = 0
		e.Messages += int(n)
		if n > 0 {
			e.Octets += answered[k] - n*besidesMail
		}
	}
	return e
}

// around returns how many bytes a record has besides its content; the least
// where padding hides it.
func around(p *suite, version uint16) int {
	switch {
	case p.mac != nil:
		n := p.mac().Size() + 1
		if version > tls10 {
			n += blockSize
		}
		return n
	case isTLS13(version):
		return p.tag + 1
	case p.xor:
		return p.tag
	}
	return p.tag + 12 - fixedIV
}

// retrs returns how many RETR a record of the client with so many bytes can
// hold, when the client has asked for some messages before.
func retrs(size, before int) int {
	switch {
	case size < shortestRetr:
		return 0
	case size <= longestRetr:
		return 1
	}
	for n := 0; ; n++ {
		size -= shortestRetr
		for number := before + n + 1; number >= 10; number /= 10 {
			size--
		}
		if size < 0 {
			return n
		}
	}
}
