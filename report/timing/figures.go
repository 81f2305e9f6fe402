package timing

import (
	"cmp"
	"slices"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// Figures are the times of one command, server, client or user.
type Figures struct {
	Key       string // as on the wire, not inert; "" for those beyond MaxKeys
	Sessions  int64  // 0 in figures of a command
	Exchanges int64  // all of them, also those without a response time
	Pipelined int64  // of Exchanges
	Response  Histogram
	Transfer  Transfer
	Stalls    Stalls // zero in figures of a command
}

// Transfer is how fast messages went over the wire.
type Transfer struct {
	Octets int64     // of the messages that took more than one packet
	Nanos  int64     // that they took together
	Rates  Histogram // octets a second of each of them
}

// Rate returns the octets a second of all messages together.
func (t *Transfer) Rate() int64 {
	if t.Nanos == 0 {
		return 0
	}
	return int64(float64(t.Octets) / float64(t.Nanos) * 1e9)
}

// Stalls is what held TCP up, for both senders together.
type Stalls struct {
	Retransmitted int64 // segments sent again
	ResendNanos   int64 // silence before them
	ZeroWindows   int64 // segments that closed a window
	ZeroNanos     int64 // while a window was closed
}

// Any reports whether there was a stall.
func (s *Stalls) Any() bool { return s.Retransmitted > 0 || s.ZeroWindows > 0 }

// add adds the stalls of a connection.
func (s *Stalls) add(t stream.Transport) {
	s.Retransmitted += t.Retransmitted[0] + t.Retransmitted[1]
	s.ResendNanos += t.ResendTime[0] + t.ResendTime[1]
	s.ZeroWindows += t.ZeroWindows[0] + t.ZeroWindows[1]
	s.ZeroNanos += t.ZeroTime[0] + t.ZeroTime[1]
}

// exchange adds a command with its reply.
func (f *Figures) exchange(x *pop3parse.Exchange) {
	f.Exchanges++
	if x.Pipelined {
		f.Pipelined++
	}
	if x.Pairing == pop3parse.Guessed {
		return
	}
	if d, ok := x.Think(); ok && d >= 0 && !x.Pipelined {
		f.Response.Add(int64(d))
	}
	if d, ok := x.Transfer(); ok && d > 0 && x.Terminated && carriesMail(x) {
		f.Transfer.Octets += x.Octets
		f.Transfer.Nanos += int64(d)
		f.Transfer.Rates.Add(int64(float64(x.Octets) / d.Seconds()))
	}
}

// carriesMail reports whether the data of a reply is a message or a part
// of one.
func carriesMail(x *pop3parse.Exchange) bool {
	return x.Verb == pop3parse.RETR || x.Verb == pop3parse.TOP
}

// Group holds the figures of all keys of one kind.
type Group struct {
	rows   map[string]*Figures
	others *Figures // nil while there are no more than MaxKeys keys
}

// MaxKeys is how many keys a Group tells apart. A row takes at most 32 KB.
const MaxKeys = 2000

// at returns the figures of a key.
func (g *Group) at(key string) *Figures {
	if f, ok := g.rows[key]; ok {
		return f
	}
	if len(g.rows) == MaxKeys {
		if g.others == nil {
			g.others = &Figures{}
		}
		return g.others
	}
	if g.rows == nil {
		g.rows = make(map[string]*Figures)
	}
	f := &Figures{Key: key}
	g.rows[key] = f
	return f
}

// Rows returns the figures of each key, sorted by key.
func (g *Group) Rows() []*Figures {
	rows := make([]*Figures, 0, len(g.rows))
	for _, f := range g.rows {
		rows = append(rows, f)
	}
	slices.SortFunc(rows, func(a, b *Figures) int { return cmp.Compare(a.Key, b.Key) })
	return rows
}

// Slowest returns the figures of each key, those with the highest 95th
// percentile of the response time first.
func (g *Group) Slowest() []*Figures {
	rows := g.Rows()
	slices.SortStableFunc(rows, func(a, b *Figures) int {
		return cmp.Or(cmp.Compare(b.Response.Percentile(95), a.Response.Percentile(95)), cmp.Compare(b.Response.Max(), a.Response.Max()))
	})
	return rows
}

// Others returns the figures of the keys that found no place; nil when
// there are none.
func (g *Group) Others() *Figures { return g.others }
