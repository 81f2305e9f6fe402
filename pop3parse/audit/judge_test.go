package audit

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"slices"
	"strings"
	"testing"

	"popscope/pop3parse"
	"popscope/reassembly/stream"
)

// TestOneLoginIsLikeMany holds the short way for a session with one login
// to that for any number.
func TestOneLoginIsLikeMany(t *testing.T) {
	fl := flood{"", 1, 1, 2, 2}
	r := (&Policy{}).apply(&exposureRules[0])
	ignore := Ignore{Accounts: []string{"user1"}}.ready()
	found := 0
	for i := range 4 { // user0 and user1, matching or not
		var f Facts
		fl.facts(i, &f)
		match := func(*pop3parse.Login) bool { return i < 2 }
		short, long := &view{Facts: &f, ignore: &ignore}, &view{Facts: &f, ignore: &ignore}
		short.byUser(r, match, how)
		long.byUsers(r, match, how)
		if !reflect.DeepEqual(short.findings, long.findings) {
			t.Errorf("%s: %+v\nwant %+v", f.Logins[0].User, short.findings, long.findings)
		}
		found += len(long.findings)
	}
	if found != 1 {
		t.Errorf("%d findings, want 1", found)
	}
}

// TestUsersByName: a name is one with and without its domain and in any
// case of letters, and no other one.
func TestUsersByName(t *testing.T) {
	a := NewAuditor(&Policy{}, Limits{})
	for _, same := range [][]string{{"", ""}, {"@"}, {"alice", "Alice", "ALICE@Example.org", "alice@"}, {"alicf"}, {"zoe", "ZOE"}, {"@b", "@B@c", "@b@"}, {"a", "A@", "a@b@c"}} {
		for _, name := range same {
			if got, want := a.userHash([]byte(name)), maphash.Bytes(a.seed, []byte(same[0])); got != want {
				t.Errorf("%q is not %q", name, same[0])
			}
		}
	}
}

// TestTheLoginThatMattersMostIsTold: of several logins of one user.
func TestTheLoginThatMattersMostIsTold(t *testing.T) {
	by := func(user, outcome string) pop3parse.Login {
		l := outcomes[outcome]
		l.User, l.Mechanism, l.Exposure = []byte(user), "XOAUTH2", pop3parse.Token
		return l
	}
	for _, c := range []struct{ logins, want string }{
		{"wrong ok wrong", "XOAUTH2, accepted; 3 times in this session"},
		{"ok silence busy", "XOAUTH2, accepted; 3 times in this session"},
		{"wrong busy silence", "XOAUTH2, right, but the maildrop was in use; 3 times in this session"},
		{"wrong silence broken", "XOAUTH2, outcome not known; 3 times in this session"},
		{"wrong", "XOAUTH2, refused"},
	} {
		var f Facts
		for _, outcome := range strings.Fields(c.logins) {
			f.Logins = append(f.Logins, by("alice", outcome))
		}
		if got := judged("token-in-clear", &f); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: got %q, want %q", c.logins, got, c.want)
		}
	}
	var f Facts
	for i := range maxUsers + 3 {
		f.Logins = append(f.Logins, by(fmt.Sprint(i), []string{"wrong", "ok"}[i%2]))
	}
	got := judged("token-in-clear", &f)
	if want := "XOAUTH2, accepted; 3 times in this session, of further users"; len(got) != maxUsers+1 || got[maxUsers] != want {
		t.Errorf("got %q; want %d for one user each and %q", got, maxUsers, want)
	}
}

// TestFactsOfTheWholeAreJudgedOnce: where a session comes in parts, what is
// only known at its end is found with the last one.
func TestFactsOfTheWholeAreJudgedOnce(t *testing.T) {
	f := Facts{
		ID: "s1", OneSided: true, Conn: &stream.Conn{Lost: [2]int64{1, 2}, Close: stream.ClosedTimeout, Shed: true},
		Session: &pop3parse.Session{Deleted: 1, Ending: pop3parse.NoQuit, Notes: set(pop3parse.CapaLimit, pop3parse.HoldLimit)},
	}
	all := NewJudge(&Policy{})
	for _, last := range []bool{false, true} {
		f.Last = last
		var got []string
		for _, found := range all.Session(&f, new(Buffer)) {
			got = append(got, found.Rule+": "+found.Detail)
		}
		var want []string
		if last {
			want = []string{
				"deletions-lost: 1 message marked; the connection ended by FIN", "bytes-lost: 1 bytes of the client, 2 of the server",
				"one-sided: only the client", "limit-reached: limit on open connections, waiting bytes, capabilities",
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("last %v: got %q, want %q", last, got, want)
		}
	}
}
