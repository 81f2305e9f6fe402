package popscope

import "slices"

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
		f.parts[r.ID] = append(held[max(0, len(held)-maxHeldParts+1):], r)
	}
	switch {
	case !matched:
		return nil
	case len(held) > 0:
		return append(held, r)
	}
	f.one[0] = r
	return f.one[:]
}

// matches applies the filters to what is known of a session by now.
func (f *filter) matches(r *Result) bool {
	o := f.opt
	if !o.From.IsZero() && r.Conn.Last.Time().Before(o.From) {
		return false
	}
	if !o.To.IsZero() && r.Conn.First.Time().After(o.To) {
		return false
	}
	if len(o.Hosts) > 0 && !slices.Contains(o.Hosts, r.Conn.Client.Addr()) && !slices.Contains(o.Hosts, r.Conn.Server.Addr()) {
		return false
	}
	return o.User == "" || r.sawUser
}
