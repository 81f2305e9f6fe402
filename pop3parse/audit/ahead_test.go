package audit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// someFacts returns facts of a session with random logins, of few clients,
// servers, users and passwords.
func someFacts(rng *rand.Rand, i int) *Facts {
	at := func() stream.Stamp {
		return stream.Stamp{Packet: int64(10*i + rng.IntN(10) + 1), Nanos: int64(i)*5e9 - rng.Int64N(20e9)}
	}
	first := at()
	f := &Facts{
		ID: fmt.Sprint("s", i), Last: rng.IntN(8) > 0,
		Conn: &stream.Conn{
			Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(rng.IntN(3)), byte(rng.IntN(6))}), 40000),
			Server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(rng.IntN(4))}), 110), First: first,
		},
		Session: &pop3parse.Session{GreetingAt: first, Challenge: fmt.Appendf(nil, "<%d@example.org>", rng.IntN(300))},
	}
	if rng.IntN(4) == 0 {
		f.Session.ClearCapa = &pop3parse.Capa{At: first, Rows: [][]byte{[][]byte{[]byte("STLS"), []byte("USER")}[rng.IntN(2)]}}
	}
	for range 1 + rng.IntN(8)/7 {
		name := []string{"alice", "Alice", "alice@example.org", "bob", "carol", "dave", ""}[rng.IntN(7)]
		if rng.IntN(2) == 0 {
			name = fmt.Sprint(name, rng.IntN(12))
		}
		if rng.IntN(50) == 0 {
			name = strings.Repeat("x", 300) + name
		}
		l := pop3parse.Login{
			Mechanism: []string{"USER/PASS", "PLAIN", "APOP"}[rng.IntN(3)], User: []byte(name), Outcome: pop3parse.Outcome(rng.IntN(3)),
			Exposure: pop3parse.Exposure(rng.IntN(4)), At: at(),
		}
		if rng.IntN(6) > 0 {
			l.Secret = secret.New(fmt.Appendf(nil, "guess%d", rng.IntN(30)))
		}
		if l.Outcome == pop3parse.Failure {
			l.Reason = []pop3parse.Reason{pop3parse.BadCredentials, pop3parse.InUse, pop3parse.UnknownUser, pop3parse.TempFault}[rng.IntN(4)]
			l.Held = l.Reason == pop3parse.InUse && rng.IntN(2) > 0
		}
		f.Logins = append(f.Logins, l)
	}
	return f
}

// TestExpectingChangesNothing: what is found does not depend on whether
// sessions were expected, in groups of whatever size, nor on whether those
// that were expected come.
func TestExpectingChangesNothing(t *testing.T) {
	for _, limits := range []Limits{{}, {Accounts: 7, Tried: 5, Clients: 6, Servers: 3, Secrets: 9, Challenges: 40}} {
		rng := rand.New(rand.NewPCG(3, uint64(limits.Tried)))
		var p Policy
		plain, ahead, other := NewAuditor(&p, limits), NewAuditor(&p, limits), NewAuditor(&p, limits)
		for i := 0; i < 20_000; {
			group := make([]*Facts, rng.IntN(Reach+3))
			for k := range group {
				group[k] = someFacts(rng, i)
				ahead.Expect(group[k])
				i++
			}
			ahead.Fetch()
			for _, f := range group {
				if rng.IntN(20) == 0 {
					continue
				}
				if rng.IntN(20) == 0 {
					other.Expect(f)
					other.Fetch() // its keys are of no use to the other ones
				}
				plain.Session(f)
				ahead.Session(f)
			}
		}
		want, got := plain.Finish(Capture{}), ahead.Finish(Capture{})
		if len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%d findings, not the same %d", len(got), len(want))
		}
		wantAccounts, wantForgotten := plain.Accounts()
		gotAccounts, gotForgotten := ahead.Accounts()
		if len(wantAccounts) == 0 || !reflect.DeepEqual(gotAccounts, wantAccounts) || gotForgotten != wantForgotten {
			t.Errorf("%d accounts and %d forgotten, not the same %d and %d", len(gotAccounts), gotForgotten, len(wantAccounts), wantForgotten)
		}
	}
}

// TestPairsMakeRoomForNewOnes holds the failures of clients at an account to
// a plain list, when there are more clients than are counted, and accounts
// are forgotten.
func TestPairsMakeRoomForNewOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var acc account
	var list []netip.Addr
	for i := range 5000 {
		client := netip.AddrFrom4([4]byte{192, 0, 2, byte(rng.IntN(maxPairs + 3))})
		have := acc.pair(client)
		known := false
		for _, c := range list {
			known = known || c == client
		}
		if (have != nil) != known || known && (have.client != client || have.failures != 1) {
			t.Fatalf("step %d: client %v is counted: %+v; want %v", i, client, have, known)
		}
		if !known {
			if len(list) == maxPairs {
				list = list[1:]
			}
			list = append(list, client)
			acc.newPair(client).failed(1, place{int64(i + 1), 0})
		}
		if rng.IntN(40) == 0 {
			acc.renew()
			list = nil
		}
	}
}

// TestSessionNames: an id is the same after it was kept as a name.
func TestSessionNames(t *testing.T) {
	seen := make(map[sessionName]string)
	for _, id := range []string{"", "0", "00", "z", "zz", "s250000", "0123456789ab", "zyxwvtsrqpnm", "zzzzzzzzzzzz", "000000000000", "edg5zh37nt6g"} {
		n := nameOf(id)
		if got := n.String(); got != id {
			t.Errorf("%q is %q", id, got)
		}
		if same, ok := seen[n]; ok {
			t.Errorf("%q and %q have one name", id, same)
		}
		seen[n] = id
	}
	for _, id := range []string{"0123456789abc", "not an id", "I", "i", "u"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q has a name", id)
				}
			}()
			nameOf(id)
		}()
	}
}

// TestKnownLoginsNeedNoMemory: logins of known accounts allocate nothing,
// whether their session was expected or not.
func TestKnownLoginsNeedNoMemory(t *testing.T) {
	a := NewAuditor(&Policy{}, Limits{})
	var f Facts
	fl := flood{"", 1, 1, 1, 1}
	fl.facts(1, &f)
	f.Logins = append(f.Logins, f.Logins[0])
	for _, expected := range []bool{false, true} {
		n := testing.AllocsPerRun(100, func() {
			f.keys = keys{}
			if expected {
				a.Expect(&f)
				a.Fetch()
			}
			a.Session(&f)
		})
		if n != 0 {
			t.Errorf("expected %v: %v allocations for two logins", expected, n)
		}
	}
}
