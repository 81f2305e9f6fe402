package audit

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"popscope/pop3parse"
	"popscope/pop3parse/sasl"
)

// server is what an Auditor remembers of one server.
type server struct {
	addr       *netip.AddrPort // what else is remembered of the server shares it
	hash       uint64          // of addr
	loginDelay int64           // nanoseconds, from the last CAPA list that has one; 0 unknown

	offered, hidden sighting // STLS in the clear CAPA list, or accepted; and not listed
	lists           []capaList

	apop        bool // a client has used APOP
	timestamps  bool // a challenge that came again has the form that RFC 1939 section 7 shows
	repeats     int  // challenges that came again
	repeatProof proof

	user, login answers // how it answers to names: to USER, and to logins
}

// answers are what a server said of user names. Of which names it said both
// tells nothing.
type answers struct {
	no  answer // there is no such user
	yes answer // there is one, or so it seems
}

type answer struct {
	place
	user uint64 // a userHash
}

// deny notes that a name is not known.
func (s *answers) deny(user uint64, at place) {
	if !s.no.seen() && !(s.yes.seen() && s.yes.user == user) {
		s.no = answer{at, user}
	}
}

// take notes that a name was taken.
func (s *answers) take(user uint64, at place) {
	if s.no.seen() && s.no.user == user {
		s.no = answer{}
	}
	if !s.yes.seen() {
		s.yes = answer{at, user}
	}
}

// proof returns where two names were answered differently; empty where none
// were.
func (s *answers) proof() (p proof) {
	if s.no.seen() && s.yes.seen() {
		p.add(s.no.place)
		p.add(s.yes.place)
	}
	return p
}

// capaList is one of the different lists that a server gave.
type capaList struct {
	digest uint64
	place
}

// maxLists bounds the different lists that are remembered of a server: two
// are a finding already.
const maxLists = 8

// server returns what is remembered of a server, whose addrPortHash is hash.
func (a *Auditor) server(addr netip.AddrPort, hash uint64) *server {
	if n := a.servers.get(hash, func(s *server) bool { return *s.addr == addr }); n != 0 {
		return a.servers.at(n)
	}
	kept := addr // of its own, so that the caller's needs no memory
	s := a.servers.at(a.servers.add(hash))
	s.addr, s.hash = &kept, hash
	return s
}

// serverFacts takes what a session as a whole tells about its server.
func (a *Auditor) serverFacts(f *Facts, s *server, session sessionName) {
	if d := loginDelay(f.Session.Capabilities); d > 0 {
		s.loginDelay = d
	}
	c := f.Session.ClearCapa
	switch {
	case f.Session.STLS || c != nil && Offers(c.Rows, "STLS"):
		if !s.offered.seen() {
			s.offered = sighting{place{f.Conn.First.Packet, session}, f.Conn.Client.Addr()}
			if c != nil {
				s.offered.packet = c.At.Packet
			}
		}
	case c != nil:
		if !s.hidden.seen() {
			s.hidden = sighting{place{c.At.Packet, session}, f.Conn.Client.Addr()}
		}
	}
	if c != nil && len(s.lists) < maxLists {
		digest := a.listDigest(c.Rows)
		if !slices.ContainsFunc(s.lists, func(l capaList) bool { return l.digest == digest }) {
			s.lists = append(s.lists, capaList{digest, place{c.At.Packet, session}})
		}
	}
	if a.rules.challengeRepeats != nil && f.Session.Challenge != nil {
		a.challenge(f, s, session)
	}
}

// listDigest is the same for the same capabilities in any order and case
// of letters. The name of the implementation may change with an update.
func (a *Auditor) listDigest(rows [][]byte) uint64 {
	var sum uint64
	var buf [64]byte
	for _, row := range rows {
		if Offers([][]byte{row}, "STLS") || Offers([][]byte{row}, "IMPLEMENTATION") {
			continue
		}
		low := buf[:0]
		for _, c := range row {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			low = append(low, c)
		}
		sum += a.hash(low)
	}
	return sum
}

// challenge looks whether an APOP challenge came before.
func (a *Auditor) challenge(f *Facts, s *server, session sessionName) {
	hash := s.hash ^ a.hash(f.Session.Challenge)
	here := place{f.Session.GreetingAt.Packet, session}
	if n := a.challenges.get(hash, nil); n != 0 {
		s.repeats++
		s.timestamps = s.timestamps || isTimestamp(f.Session.Challenge)
		s.repeatProof.take(a.challenges.at(n))
		s.repeatProof.take(&here)
		return
	}
	*a.challenges.at(a.challenges.add(hash)) = here
}

// isTimestamp reports whether a challenge is made of numbers, as in RFC 1939
// section 7: process ID, clock and host. So a server offers APOP, used or
// not. Anything else may be the address of the postmaster.
func isTimestamp(challenge []byte) bool {
	if !sasl.MsgID(challenge) {
		return false
	}
	local, _, _ := bytes.Cut(challenge[1:], []byte("@"))
	numbers := 0
	for number := range bytes.SplitSeq(local, []byte(".")) {
		if len(bytes.Trim(number, "0123456789abcdefABCDEF")) > 0 || !bytes.ContainsAny(number, "0123456789") {
			return false
		}
		numbers++
	}
	return numbers > 1
}

// loginReply notes whether the server takes part in APOP, and what it betrays
// when it refuses a login.
func (s *server) loginReply(t *attempt) {
	if t.login.Mechanism == "APOP" && t.login.Reason != pop3parse.NotSupported {
		s.apop = true
	}
	if t.login.Outcome != pop3parse.Failure {
		return
	}
	switch t.login.Reason {
	case pop3parse.UnknownUser:
		s.login.deny(t.keys.user, t.place())
	case pop3parse.BadCredentials:
		s.login.take(t.keys.user, t.place())
	}
}

// userCommands looks at the answers to USER: a server that refuses names
// there tells which names there are.
func (a *Auditor) userCommands(f *Facts, s *server, session sessionName) {
	for i := range f.Exchanges {
		x := &f.Exchanges[i]
		if x.Verb != pop3parse.USER || x.Status == pop3parse.NoReply || x.Pairing == pop3parse.Guessed {
			continue
		}
		user, here := x.Args.Reveal(), place{x.ReplyFirst.Packet, session}
		if x.Status == pop3parse.OK {
			if !s.user.yes.seen() || s.user.no.seen() {
				s.user.take(a.userHash(user), here)
			}
			continue
		}
		if x.Notes.Has(pop3parse.WrongState) || !isAboutName(a.refusals.Read(x.Text.Reveal(), user)) {
			continue
		}
		hash := a.userHash(user)
		s.user.deny(hash, here)
		if !a.ignore.account(user) {
			client := f.Conn.Client.Addr()
			a.client(client, a.addrHash(client)).refusedName(a, hash, here)
		}
	}
}

// isAboutName reports whether USER was refused for the name. A client that is
// kept out is told that access is denied, whatever the name.
func isAboutName(r pop3parse.Refusal) bool {
	return r.Reason == pop3parse.UnknownUser || r.Reason == pop3parse.BadCredentials && r.Sure
}

// endServer words what was found about a server.
func (a *Auditor) endServer(s *server) {
	if r := a.rules.stripped; r != nil && s.offered.seen() && s.hidden.seen() {
		var p proof
		p.take(&s.offered.place)
		p.take(&s.hidden.place)
		who := "offered to " + s.offered.client.String() + ", hidden from " + s.hidden.client.String()
		if s.offered.client == s.hidden.client {
			who = "offered to " + s.offered.client.String() + " in one session, hidden in another"
		}
		a.find(r, who, &p).Server = *s.addr
	}
	if r := a.rules.capaDiffers; r != nil && len(s.lists) > 1 {
		var p proof
		for i := range s.lists {
			p.take(&s.lists[i].place)
		}
		a.find(r, plural(len(s.lists), "1 list", "different lists"), &p).Server = *s.addr
	}
	if r := a.rules.challengeRepeats; r != nil && s.repeats > 0 && (s.apop || s.timestamps) {
		a.find(r, plural(s.repeats, "1 session", "sessions")+" with a challenge that was there before", &s.repeatProof).Server = *s.addr
	}
	if r := a.rules.betrayed; r != nil {
		if p := s.user.proof(); p.size() > 0 {
			a.find(r, "USER is refused for some names and accepted for others", &p).Server = *s.addr
		} else if p := s.login.proof(); p.size() > 0 {
			a.find(r, "one reply for names that do not exist, another one for wrong passwords", &p).Server = *s.addr
		}
	}
}

// loginDelay returns the LOGIN-DELAY of a list of capabilities in
// nanoseconds (RFC 2449 section 6.5); 0 without one.
func loginDelay(capabilities [][]byte) int64 {
	p, ok := Parameters(capabilities, "LOGIN-DELAY")
	if !ok {
		return 0
	}
	n := 0
	for n < len(p) && '0' <= p[n] && p[n] <= '9' {
		n++
	}
	s, ok := atoi(string(p[:n]))
	if !ok || s > int64(365*24*time.Hour/time.Second) {
		return 0
	}
	return s * int64(time.Second)
}

func atoi(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// seconds writes a time in nanoseconds in whole seconds, or in
// milliseconds when it is short.
func seconds(nanos int64) string {
	d := time.Duration(nanos)
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return shortDuration(d.Round(time.Second))
}
