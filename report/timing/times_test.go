package timing

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"popscope"
	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// at is packet n at a number of milliseconds.
func at(n, millis int64) stream.Stamp { return stream.Stamp{Packet: n, Nanos: millis * 1e6} }

func asked(verb pop3parse.Verb, ask, first, last int64) pop3parse.Exchange {
	return pop3parse.Exchange{Verb: verb, Status: pop3parse.OK, RequestLast: at(1, ask), ReplyFirst: at(2, first), ReplyLast: at(3, last)}
}

func result(id, client string, xs ...pop3parse.Exchange) *popscope.Result {
	return &popscope.Result{ID: id, Part: 1, Last: true, Exchanges: xs, Session: &pop3parse.Session{}, Conn: &stream.Conn{
		Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort("198.51.100.5:110"),
		Trouble: &stream.Trouble{Transport: stream.Transport{Retransmitted: [2]int64{1, 2}, ResendTime: [2]int64{10, 20}, ZeroWindows: [2]int64{3, 4}, ZeroTime: [2]int64{5, 6}}},
	}}
}

func TestWhatIsNoResponseTimeIsLeftOut(t *testing.T) {
	guessed, pipelined, backwards, silent := asked("NOOP", 0, 9, 9), asked("NOOP", 0, 9, 9), asked("NOOP", 9, 0, 0), asked("NOOP", 0, 9, 9)
	guessed.Pairing = pop3parse.Guessed
	pipelined.Pipelined = true
	silent.ReplyFirst = stream.Stamp{}
	times := New()
	times.Add(result("a", "192.0.2.1:1000", asked("NOOP", 0, 4, 4), guessed, pipelined, backwards, silent))
	f := times.Commands().Rows()[0]
	if f.Key != "NOOP" || f.Exchanges != 5 || f.Pipelined != 1 || f.Response.Count() != 1 || f.Response.Max() != 4e6 {
		t.Errorf("got %+v", f)
	}
}

func TestTransferRates(t *testing.T) {
	mail := asked("RETR", 0, 10, 510)
	mail.Multiline, mail.Terminated, mail.Octets = true, true, 50_000
	top, small, cut, list := mail, mail, mail, mail
	top.Verb = "TOP"
	small.ReplyLast = small.ReplyFirst // one packet: there is no rate
	cut.Terminated = false
	list.Verb = "LIST"
	times := New()
	times.Add(result("a", "192.0.2.1:1000", mail, top, small, cut, list))
	got := times.All.Transfer
	if got.Octets != 100_000 || got.Nanos != int64(time.Second) || got.Rate() != 100_000 || got.Rates.Count() != 2 || got.Rates.Max() != 100_000 {
		t.Errorf("got %+v, rate %d", got, got.Rate())
	}
	if r := (&Transfer{}).Rate(); r != 0 {
		t.Errorf("without messages the rate is %d", r)
	}
}

func TestTheUserIsWhoLoggedIn(t *testing.T) {
	first, second := result("a", "192.0.2.1:1000", asked("PASS", 0, 1, 1)), result("a", "192.0.2.1:1000", asked("STAT", 0, 1, 1))
	first.Last, second.Part = false, 2
	first.Logins = []pop3parse.Login{{User: []byte("guess"), Outcome: pop3parse.Failure}, {User: []byte("alice"), Outcome: pop3parse.Success}, {User: []byte("bob")}}
	times := New()
	times.Add(first)
	times.Add(second)
	times.Add(result("b", "192.0.2.2:1000", asked("QUIT", 0, 1, 1)))
	users := times.Users().Rows()
	if len(users) != 1 || users[0].Key != "alice" || users[0].Exchanges != 2 || users[0].Sessions != 1 {
		t.Errorf("users: got %+v", users)
	}
	if got := times.Servers().Rows(); len(got) != 1 || got[0].Key != "198.51.100.5:110" || got[0].Sessions != 2 {
		t.Errorf("servers: got %+v", got)
	}
	if want := (Stalls{Retransmitted: 6, ResendNanos: 60, ZeroWindows: 14, ZeroNanos: 22}); times.All.Stalls != want {
		t.Errorf("stalls:\n got %+v\nwant %+v", times.All.Stalls, want)
	}
	if len(times.open) != 0 {
		t.Errorf("%d sessions are remembered after their end", len(times.open))
	}
}

func TestTheUserOfFailedLoginsIsTheFirst(t *testing.T) {
	times := New()
	for i, logins := range [][]pop3parse.Login{
		{{Outcome: pop3parse.Failure}, {User: []byte("guess"), Outcome: pop3parse.Failure}, {User: []byte("bob"), Outcome: pop3parse.Failure}},
		{{User: []byte("alice"), Outcome: pop3parse.Success}, {User: []byte("bob"), Outcome: pop3parse.Success}},
		{{Outcome: pop3parse.Failure}},
	} {
		r := result(fmt.Sprint(i), "192.0.2.1:1000")
		r.Logins = logins
		times.Add(r)
	}
	if users := times.Users().Rows(); len(users) != 2 || users[0].Key != "alice" || users[1].Key != "guess" {
		t.Errorf("got %+v", users)
	}
}

func TestUnknownCommandsAreOneCommand(t *testing.T) {
	odd, damaged, lost := asked("EHLO", 0, 1, 1), asked("STAT", 0, 1, 1), asked("", 0, 1, 1)
	odd.Notes.Add(pop3parse.UnknownCommand)
	damaged.Notes.Add(pop3parse.CommandDamaged)
	times := New()
	times.Add(result("a", "192.0.2.1:1000", odd, damaged, lost))
	if got := times.Commands().Rows(); len(got) != 1 || got[0].Key != OtherCommands || got[0].Exchanges != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestKeysBeyondTheLimitAreCountedTogether(t *testing.T) {
	times := New()
	for i := range MaxKeys + 10 {
		times.Add(result("x", fmt.Sprintf("10.0.%d.%d:1000", i/250, i%250), asked("QUIT", 0, int64(i), int64(i))))
	}
	if n := len(times.Clients().Rows()); n != MaxKeys {
		t.Errorf("got %d rows, the limit is %d", n, MaxKeys)
	}
	if o := times.Clients().Others(); o == nil || o.Sessions != 10 || o.Response.Count() != 10 {
		t.Errorf("the others: got %+v", o)
	}
	if s := times.Clients().Slowest(); s[0].Response.Max() != (MaxKeys-1)*1e6 {
		t.Errorf("the slowest one: got %d", s[0].Response.Max())
	}
}
