package audit

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"popscope/capture/capturetest"
	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// flood is a series of refused logins, each in a session of its own.
type flood struct {
	name                         string
	clients, servers, users, pws int // how many different ones
}

const attempts = 250_000

// facts returns the facts of the i-th session, which are valid until the
// next call.
func (fl *flood) facts(i int, f *Facts) {
	addr := func(base byte, n int) netip.Addr {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(base)<<24+uint32(n))
		return netip.AddrFrom4(b)
	}
	at := stream.Stamp{Packet: int64(10*i + 7), Nanos: int64(i) * int64(time.Millisecond)}
	conn := f.Conn
	if conn == nil {
		conn = &stream.Conn{Close: stream.ClosedFIN, Handshake: true}
	}
	conn.Client = netip.AddrPortFrom(addr(10, i%fl.clients), 40000)
	conn.Server = netip.AddrPortFrom(addr(192, i%fl.servers), 110)
	conn.First, conn.Last, conn.Ended = at, at, at
	numbered := func(before string, n int, after string) []byte {
		return append(strconv.AppendInt([]byte(before), int64(n), 10), after...)
	}
	*f = Facts{
		ID: string(numbered("s", i, "")), Last: true, Conn: conn, Exchanges: f.Exchanges[:0],
		Session: &pop3parse.Session{Challenge: numbered("<", i, "@example.org>"), GreetingAt: at},
		Logins: []pop3parse.Login{{
			Mechanism: "USER/PASS", User: numbered("user", i%fl.users, ""), Secret: secret.New(numbered("guess", i%fl.pws, "")),
			Outcome: pop3parse.Failure, Reason: pop3parse.BadCredentials, At: at,
		}},
	}
	f.Exchanges = append(f.Exchanges,
		pop3parse.Exchange{N: 1, Verb: pop3parse.USER, Args: secret.NewText(f.Logins[0].User), Status: pop3parse.OK, RequestFirst: at, ReplyFirst: at},
		pop3parse.Exchange{N: 2, Verb: pop3parse.PASS, Status: pop3parse.Err, RequestFirst: at, ReplyFirst: at})
}

// TestFloodsStayInBounds: whatever a flood of 250,000 attempts consists of,
// the Auditor remembers no more than its limits and little memory, and
// says what it forgot.
func TestFloodsStayInBounds(t *testing.T) {
	const most = 80 << 20 // bytes
	for _, fl := range capturetest.Some([]flood{
		{"one client tries many users", 1, 1, attempts, attempts},
		{"many clients try one password", attempts, 1, attempts, 1},
		{"everything is new", attempts, attempts, attempts, attempts},
		{"a botnet", 5000, 3, 1000, 10000},
	}) {
		t.Run(fl.name, func(t *testing.T) {
			before := capturetest.Heap()
			var p Policy
			a, j := NewAuditor(&p, Limits{}), NewJudge(&p)
			var f Facts
			var buffer Buffer
			began := time.Now()
			for i := range attempts {
				fl.facts(i, &f)
				if len(j.Session(&f, &buffer)) != 1 {
					t.Fatal("not one finding about the session") // a refused password in clear
				}
				a.Session(&f)
			}
			took := time.Since(began)
			used := capturetest.Heap() - before
			l := Limits{}.withDefaults()
			for _, n := range []struct {
				what      string
				have, max int
			}{
				{"accounts", a.known.count, l.Accounts}, {"names", a.tried.count, l.Tried}, {"clients", a.clients.count, l.Clients},
				{"servers", a.servers.count, l.Servers}, {"secrets", a.secrets.count, l.Secrets}, {"challenges", a.challenges.count, l.Challenges},
			} {
				if n.have > n.max {
					t.Errorf("%d %s are remembered, the limit is %d", n.have, n.what, n.max)
				}
			}
			if used > most {
				t.Errorf("%d MB in use", used>>20)
			}
			found := a.Finish(Capture{})
			if len(found) > l.Findings+2 {
				t.Errorf("%d findings", len(found))
			}
			rules := make(map[string]int)
			for i := range found {
				rules[found[i].Rule]++
			}
			forgot := fl.clients > l.Clients || fl.servers > l.Servers || fl.users > l.Tried || fl.pws > l.Secrets
			if forgot && rules["audit-limit"] == 0 {
				t.Errorf("what was forgotten is said: %v", rules)
			}
			if fl.clients == 1 && fl.servers == 1 && rules["password-guessing"] != 1 || fl.clients == 1 && fl.users > 1 && rules["password-spray"] != 1 {
				t.Errorf("the attack is not found: %v", rules)
			}
			t.Logf("%v, %d MB, %v", took.Round(time.Millisecond), used>>20, rules)
		})
	}
}

// TestRealAccountsOutlastMadeUpNames: a flood of names does not push out
// the accounts that have logged in.
func TestRealAccountsOutlastMadeUpNames(t *testing.T) {
	a := NewAuditor(&Policy{}, Limits{Accounts: 10, Tried: 10})
	fl := flood{"", 1, 1, attempts, attempts}
	var f Facts
	for i := range 1000 {
		fl.facts(i, &f)
		if i >= 5 && i < 10 { // after a failure
			f.Logins[0].User, f.Logins[0].Outcome = strconv.AppendInt([]byte("user"), int64(i-5), 10), pop3parse.Success
		}
		a.Session(&f)
	}
	accounts, forgotten := a.Accounts()
	real := 0
	for _, acc := range accounts {
		if acc.Accepted > 0 {
			real++
		}
	}
	if real != 5 || len(accounts) != 15 || forgotten != 980 {
		t.Errorf("%d accounts, %d of them real, %d forgotten; want 15, 5 and 980", len(accounts), real, forgotten)
	}
}

// TestAccountsOfForgottenServers: what a server offers is not known once it is
// forgotten.
func TestAccountsOfForgottenServers(t *testing.T) {
	a := NewAuditor(&Policy{}, Limits{Servers: 1})
	fl := flood{"", 1, 2, 1, 1}
	var f Facts
	for i := range 2 {
		fl.facts(i, &f)
		f.Session.STLS = true
		a.Session(&f)
	}
	accounts, _ := a.Accounts()
	if len(accounts) != 2 || accounts[0].OffersTLS || !accounts[1].OffersTLS {
		t.Errorf("got %+v, want one account at each of two servers, and that the second one offers TLS", accounts)
	}
}

// BenchmarkFlood is the cost of one session of a flood.
func BenchmarkFlood(b *testing.B) {
	fl := flood{"", 5000, 3, 1000, 10000}
	var p Policy
	a, j := NewAuditor(&p, Limits{}), NewJudge(&p)
	var f Facts
	var buffer Buffer
	fl.facts(1, &f)
	b.Run("judge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			j.Session(&f, &buffer)
		}
	})
	b.Run("auditor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.Session(&f)
		}
	})
}
