package timing

import (
	"popscope"
	"popscope/pop3parse"
)

// Times collects the times of sessions.
type Times struct {
	All Figures // of everything together

	commands, servers, clients, users Group

	open map[string]*session // sessions of which more parts come
}

// session is what has to be remembered between the parts of a session.
type session struct {
	user    string
	hasUser bool
	success bool
}

// New returns an empty Times.
func New() *Times { return &Times{open: make(map[string]*session)} }

// Commands returns the figures by verb. Commands that no standard knows are
// one command with the key OtherCommands.
func (t *Times) Commands() *Group { return &t.commands }

// Servers returns the figures by the server's address and port.
func (t *Times) Servers() *Group { return &t.servers }

// Clients returns the figures by the client's address.
func (t *Times) Clients() *Group { return &t.clients }

// Users returns the figures by the name that logged in, or failing that the
// first one that tried to.
func (t *Times) Users() *Group { return &t.users }

// OtherCommands is the key of commands that are not known, or were not
// captured. It is no verb.
const OtherCommands = "(other)"

// Add adds a session, or a part of one. The Result is not kept.
func (t *Times) Add(r *popscope.Result) {
	s := t.open[r.ID]
	if s == nil {
		s = &session{}
	}
	s.login(r.Logins)
	groups := []*Figures{&t.All, t.servers.at(r.Conn.Server.String()), t.clients.at(r.Conn.Client.Addr().String())}
	if s.hasUser {
		groups = append(groups, t.users.at(s.user))
	}
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		t.commands.at(commandKey(x)).exchange(x)
		for _, f := range groups {
			f.exchange(x)
		}
	}
	if !r.Last {
		t.open[r.ID] = s
		return
	}
	delete(t.open, r.ID)
	for _, f := range groups {
		f.Sessions++
		f.Stalls.add(r.Conn.Transport())
	}
}

// login learns who the user is.
func (s *session) login(logins []pop3parse.Login) {
	for i := range logins {
		l := &logins[i]
		success := l.Outcome == pop3parse.Success
		if l.User != nil && (!s.hasUser || success && !s.success) {
			s.user, s.hasUser, s.success = string(l.User), true, success
		}
	}
}

// commandKey returns under which key a command is counted.
func commandKey(x *pop3parse.Exchange) string {
	if x.Verb == "" || x.Notes.Has(pop3parse.UnknownCommand) || x.Notes.Has(pop3parse.CommandDamaged) {
		return OtherCommands
	}
	return string(x.Verb)
}
