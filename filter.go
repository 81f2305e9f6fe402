package popscope

import (
	"slices"
	"strings"
)

// filter passes on the sessions that Options ask for. A session is asked
// for as a whole: of one that comes in parts, those before the part that
// matches are held until it comes.
type filter struct {
	opt   *Options
	parts map[string][]*Result // of sessions under way, by id; nil once the session has matched
	one   [1]*Result
}

// maxHeldParts bounds the parts that are held of a session; the earliest
// are forgotten beyond it.
const maxHeldParts = 16

// pass returns what is to be reported now that r has come, in order.
func (f *filter) pass(r *Result) []*Result {
	held, known := f.parts[r.ID]
	matched := known && held == nil || f.matches(r)
	switch {
	case r.Last:
		delete(f.parts, r.ID)
	case matched:
		f.parts[r.ID] = nil
	default:
		forgotten := held[:max(0, len(held)-maxHeldParts+1)]
		f.parts[r.ID] = append(held[len(forgotten):], r)
		drop(forgotten...)
	}
	switch {
	case !matched && r.Last:
		drop(append(held, r)...)
		return nil
	case !matched:
		return nil
	case len(held) > 0:
		return append(held, r)
	}
	f.one[0] = r
	return f.one[:]
}

// drop tells those who took the bytes of messages that nobody will ask for
// them.
func drop(results ...*Result) {
	for _, r := range results {
		for i := range r.Messages {
			if b := r.Messages[i].Body; b != nil {
				b.Drop()
			}
		}
		r.done()
	}
}

// matches applies the filters to what is known of a session by now.
func (f *filter) matches(r *Result) bool {
	o := f.opt
	if !o.wantsSession(r.ID) {
		return false
	}
	if !o.From.IsZero() && r.Conn.Last.Time().Before(o.From) {
		return false
	}
	if !o.To.IsZero() && r.Conn.First.Time().After(o.To) {
		return false
	}
	if len(o.Hosts) > 0 && !slices.Contains(o.Hosts, r.Conn.Client.Addr()) && !slices.Contains(o.Hosts, r.Conn.Server.Addr()) {
		return false
	}
	return len(o.Users) == 0 || r.sawUser
}

// wantsSession applies Options.Sessions.
func (o *Options) wantsSession(id string) bool {
	return len(o.Sessions) == 0 || slices.ContainsFunc(o.Sessions, func(begin string) bool { return strings.HasPrefix(id, begin) })
}
