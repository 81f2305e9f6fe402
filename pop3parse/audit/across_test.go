package audit

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"popscope/pop3parse"
	"popscope/pop3parse/secret"
	"popscope/reassembly/stream"
)

// outcomes are the words for what became of a login.
var outcomes = map[string]pop3parse.Login{
	"ok":      {Outcome: pop3parse.Success},
	"wrong":   {Outcome: pop3parse.Failure, Reason: pop3parse.BadCredentials},
	"nobody":  {Outcome: pop3parse.Failure, Reason: pop3parse.UnknownUser},
	"busy":    {Outcome: pop3parse.Failure, Reason: pop3parse.InUse, Held: true},
	"locked":  {Outcome: pop3parse.Failure, Reason: pop3parse.InUse},
	"broken":  {Outcome: pop3parse.Failure, Reason: pop3parse.TempFault},
	"silence": {},
}

// mechanisms are the words for how somebody logged in.
var mechanisms = map[string]pop3parse.Login{
	"":      {Mechanism: "USER/PASS", Exposure: pop3parse.Cleartext},
	"tls":   {Mechanism: "PLAIN", Exposure: pop3parse.Protected, Encrypted: true},
	"token": {Mechanism: "XOAUTH2", Exposure: pop3parse.Token},
	"cram":  {Mechanism: "CRAM-MD5", Exposure: pop3parse.Crackable},
}

// audited gives sessions with one login each to an Auditor: the time, client,
// server, user ("?" for unknown) and secret ("-" for unknown, "." for none), what became of it, and how it was
// done. The packet is the number of the line. The other server has a LOGIN-DELAY.
func audited(t *testing.T, p Policy, text string) *Auditor {
	t.Helper()
	a := NewAuditor(&p, Limits{})
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		w := append(strings.Fields(line), "")
		after, err := time.ParseDuration(w[0])
		if err != nil {
			t.Fatal(err)
		}
		at := stream.Stamp{Packet: int64(i + 1), Nanos: int64(time.Hour + after)}
		how, known := mechanisms[w[6]]
		if !known {
			how = pop3parse.Login{Mechanism: w[6]}
		}
		l := outcomes[w[5]]
		l.Mechanism, l.Exposure, l.Encrypted, l.User, l.At = how.Mechanism, how.Exposure, how.Encrypted, []byte(w[3]), at
		if w[3] == "?" {
			l.User = nil
		}
		if w[4] != "-" {
			l.Secret = secret.New([]byte(strings.TrimSuffix(w[4], ".")))
		}
		ses := new(pop3parse.Session)
		if w[2] == other {
			ses.Capabilities = [][]byte{[]byte("LOGIN-DELAY 60")}
		}
		a.Session(&Facts{
			ID: fmt.Sprint(i + 1), Last: true, Logins: []pop3parse.Login{l}, Session: ses,
			Conn: &stream.Conn{Client: netip.AddrPortFrom(netip.MustParseAddr(w[1]), 40000), Server: netip.MustParseAddrPort(w[2]), First: at},
		})
	}
	return a
}

// across returns what the Auditor finds by some rules, a line each.
func across(a *Auditor, rules ...string) string {
	var b strings.Builder
	for _, f := range a.Finish(Capture{}) {
		if slices.Contains(rules, f.Rule) {
			fmt.Fprintf(&b, "%s: %s", f.Rule, f.Detail)
			if f.User != nil {
				fmt.Fprintf(&b, " user=%s", f.User)
			}
			if f.Server.IsValid() {
				fmt.Fprintf(&b, " server=%v", f.Server)
			}
			if f.Client.IsValid() {
				fmt.Fprintf(&b, " client=%v", f.Client)
			}
			fmt.Fprintf(&b, " %v\n", f.Packets)
			packets := strings.Fields(strings.Trim(fmt.Sprint(f.Packets), "[]"))
			if !slices.Equal(slices.Sorted(slices.Values(f.Sessions)), slices.Sorted(slices.Values(packets))) {
				fmt.Fprintf(&b, "of sessions %v\n", f.Sessions)
			}
		}
	}
	return b.String()
}

// lines writes a line so many times, with %d as the number of each.
func lines(from, to int, format string) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		b.WriteString(strings.ReplaceAll(format, "%d", fmt.Sprint(i)) + "\n")
	}
	return b.String()
}

const (
	one   = "192.0.2.10:110"
	other = "192.0.2.11:110"
)

// TestAccountsCountLogins: each login is counted once, in whatever order of
// time sessions end, and whether the account had got in before or not.
func TestAccountsCountLogins(t *testing.T) {
	a := audited(t, Policy{}, `
		20s 198.51.100.2 192.0.2.10:110 alice g1 wrong cram
		10s 198.51.100.1 192.0.2.10:110 alice w7 ok tls
		30s 198.51.100.1 192.0.2.10:110 alice w7 busy tls
		40s 198.51.100.3 192.0.2.10:110 alice w7 broken
		15s 198.51.100.1 192.0.2.10:110 alice w7 silence tls
		20s 198.51.100.2 192.0.2.10:110 alice w7 ok tls
		50s 198.51.100.9 192.0.2.11:110 alice w7 ok tls
		60s 198.51.100.9 192.0.2.10:110 alice.b w7 wrong token
		70s 198.51.100.9 192.0.2.10:110 alice.baker w7 ok cram
		80s 198.51.100.9 192.0.2.10:110 alice.baba w7 ok cram
		81s 198.51.100.9 192.0.2.10:110 ? w7 wrong
		82s 198.51.100.9 192.0.2.10:110 ? w7 ok
	`+lines(1, 9, "90s 198.51.100.%d 192.0.2.10:110 bob - silence M%d")+lines(10, 16, "90s 198.51.100.%d 192.0.2.10:110 bob - ok tls")+
		lines(1, 17, "90s 198.51.100.%d 192.0.2.10:110 carol - ok tls")+lines(1, 17, "90s 198.51.100.%d 192.0.2.10:110 carol - ok tls"))
	a.Session(&Facts{ID: "s99", Last: true, Session: &pop3parse.Session{STLS: true}, Conn: &stream.Conn{
		Client: netip.MustParseAddrPort("198.51.100.77:1"), Server: netip.MustParseAddrPort(other), First: stream.Stamp{Packet: 99},
	}})
	a.Finish(Capture{})
	accounts, forgotten := a.Accounts()
	var got strings.Builder
	for _, c := range accounts {
		fmt.Fprintf(&got, "%s %v: %d ok, %d refused (%d faults), %d unknown, %d clear, %v to %v, %v, %v, %d clients from %v, more %v, offers TLS %v\n",
			c.User, c.Server, c.Accepted, c.Refused, c.Faults, c.Unknown, c.Clear, time.Duration(c.First)-time.Hour, time.Duration(c.Last)-time.Hour,
			c.Mechanisms, c.Exposure, len(c.Clients), c.Clients[0], c.MoreClients, c.OffersTLS)
	}
	want := ` 192.0.2.10:110: 1 ok, 0 refused (0 faults), 0 unknown, 1 clear, 1m22s to 1m22s, [USER/PASS], cleartext, 1 clients from 198.51.100.9, more false, offers TLS false
alice 192.0.2.10:110: 2 ok, 3 refused (2 faults), 1 unknown, 2 clear, 10s to 40s, [CRAM-MD5 PLAIN USER/PASS], cleartext, 3 clients from 198.51.100.1, more false, offers TLS false
alice 192.0.2.11:110: 1 ok, 0 refused (0 faults), 0 unknown, 0 clear, 50s to 50s, [PLAIN], protected, 1 clients from 198.51.100.9, more false, offers TLS true
alice.b 192.0.2.10:110: 0 ok, 1 refused (0 faults), 0 unknown, 1 clear, 1m0s to 1m0s, [XOAUTH2], token, 1 clients from 198.51.100.9, more false, offers TLS false
alice.baba 192.0.2.10:110: 1 ok, 0 refused (0 faults), 0 unknown, 1 clear, 1m20s to 1m20s, [CRAM-MD5], crackable, 1 clients from 198.51.100.9, more false, offers TLS false
alice.baker 192.0.2.10:110: 1 ok, 0 refused (0 faults), 0 unknown, 1 clear, 1m10s to 1m10s, [CRAM-MD5], crackable, 1 clients from 198.51.100.9, more false, offers TLS false
bob 192.0.2.10:110: 7 ok, 0 refused (0 faults), 9 unknown, 9 clear, 1m30s to 1m30s, [M1 M2 M3 M4 M5 M6 M7 M8], cleartext, 16 clients from 198.51.100.1, more false, offers TLS false
carol 192.0.2.10:110: 34 ok, 0 refused (0 faults), 0 unknown, 0 clear, 1m30s to 1m30s, [PLAIN], protected, 16 clients from 198.51.100.1, more true, offers TLS false
`
	if got.String() != want || forgotten != 0 {
		t.Errorf("%d forgotten, got\n%swant\n%s", forgotten, got.String(), want)
	}
}

// TestRulesAcrossSessions holds the rules about several logins to what lies
// just within their thresholds, and to what does not.
func TestRulesAcrossSessions(t *testing.T) {
	const (
		alice = " 198.51.100.1 " + one + " alice "
		soon  = " 198.51.100.1 " + other + " alice "
	)
	off := Policy{Rules: make(map[string]Choice)}
	for _, r := range allRules() {
		off.Rules[r.Slug] = Choice{Off: true}
	}
	for _, tt := range []struct{ name, logins, want string }{
		{"in after failures", lines(1, 5, "%dm"+alice+"g%d wrong") + "65m" + alice + "w7 ok",
			"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 6]\n"},
		{"the maildrop was in use", lines(1, 5, "%dm"+alice+"g%d wrong") + "6m" + alice + "w7 busy",
			"success-after-failures: maildrop in use, so the password was right, after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 6]\n"},
		{"too late", lines(1, 5, "%dm"+alice+"g%d wrong") + "65m1ms" + alice + "w7 ok", ""},
		{"too few failures", lines(1, 4, "%dm"+alice+"g%d wrong") + "5m" + alice + "w7 broken\n6m" + alice + "w7 ok", ""},
		{"a failure too long before", "0s" + alice + "g0 wrong\n" + lines(61, 64, "%dm"+alice+"g%d wrong") + "65m" + alice + "w7 ok", ""},
		{"in before the failures", lines(1, 5, "%dm"+alice+"g%d wrong") + "1m" + alice + "w7 ok", ""},
		{"failures of another client", lines(1, 5, "%dm"+alice+"g%d wrong") + "6m 198.51.100.2 " + one + " alice w7 ok", ""},
		{"failures of another account", lines(1, 5, "%dm"+alice+"g%d wrong") + "6m 198.51.100.1 " + other + " alice w7 ok", ""},
		{"in twice", lines(1, 5, "%dm"+alice+"g%d wrong") + "6m" + alice + "w7 ok\n8m" + alice + "w7 ok\n" + lines(1, 5, "1%dm"+alice+"g%d wrong") + "16m" + alice + "w7 ok",
			"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 6]\n" +
				"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [8 9 10 11 12 13]\n"},
		{"in after others", lines(1, 5, "%dm"+alice+"g%d wrong") + lines(1, 9, "7m 203.0.113.%d "+one+" alice w7 ok tls") + "8m" + alice + "w7 ok",
			"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 15]\n"},
		{"in after failures of as many clients as are remembered", lines(1, 5, "%dm"+alice+"g%d wrong") + lines(1, 7, "7m 203.0.113.%d "+one+" alice g wrong") + "8m" + alice + "w7 ok",
			"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 13]\n"},
		{"in after failures that began behind those of another client", "0s 203.0.113.1 " + one + " alice g wrong\n" + lines(1, 5, "%dm"+alice+"g%d wrong") + "8m" + alice + "w7 ok",
			"success-after-failures: accepted after 5 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [2 3 4 5 6 7]\n"},
		{"in after failures of more clients", lines(1, 5, "%dm"+alice+"g%d wrong") + lines(1, 8, "7m 203.0.113.%d "+one+" alice g wrong") + "8m" + alice + "w7 ok", ""},
		{"in after more failures than are evidence", lines(1, 30, "%dm"+alice+"- wrong") + "31m" + alice + "w7 ok",
			"password-guessing: 30 failures for 1 user within 29m client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]\n" +
				"success-after-failures: accepted after 30 failures of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 31]\n"},

		{"networks in an hour", "0s 198.51.100.1 " + one + " alice w7 ok tls\n30m 198.51.100.9 " + one + " alice w7 ok tls\n40m 203.0.113.1 " + one + " alice w7 ok tls\n90m 192.0.2.1 " + one + " alice w7 ok tls",
			"account-from-many-networks: 3 networks within 1h user=alice server=192.0.2.10:110 [2 3 4]\n"},
		{"networks in more than an hour", "0s 198.51.100.1 " + one + " alice w7 ok tls\n30m 203.0.113.1 " + one + " alice w7 ok tls\n60m1ms 192.0.2.1 " + one + " alice w7 ok tls", ""},
		{"networks of sessions that end late", "2h 198.51.100.1 " + one + " alice w7 ok tls\n150m 203.0.113.1 " + one + " alice w7 ok tls\n0s 192.0.2.1 " + one + " alice w7 ok tls", ""},
		{"networks on both sides of one that ended late", "0s 198.51.100.1 " + one + " alice w7 ok tls\n100m 203.0.113.1 " + one + " alice w7 ok tls\n50m 192.0.2.1 " + one + " alice w7 ok tls", ""},
		{"one network is left and entered again", lines(1, 9, "%dm 198.51.100.1 "+one+" alice w7 ok tls\n%dm 203.0.113.%d "+one+" alice w7 ok tls"), ""},
		{"networks that were refused", "0s 198.51.100.1 " + one + " alice w7 ok tls\n1m 203.0.113.1 " + one + " alice w8 wrong tls\n2m 192.0.2.1 " + one + " alice w7 ok tls", ""},
		{"a network that was refused first", "0s 198.51.100.1 " + one + " alice w8 wrong tls\n1m 203.0.113.1 " + one + " alice w7 ok tls\n2m 192.0.2.1 " + one + " alice w7 ok tls", ""},
		{"networks of IPv6", "0s 2001:db8:1:1::1 " + one + " alice w7 ok tls\n1m 2001:db8:1:2::1 " + one + " alice w7 ok tls\n2m 2001:db8:2::1 " + one + " alice w7 ok tls\n3m 192.0.2.1 " + one + " alice w7 busy tls",
			"account-from-many-networks: 3 networks within 1h user=alice server=192.0.2.10:110 [2 3 4]\n"},
		{"more networks than are remembered", lines(1, 20, "0s 192.0.%d.1 "+one+" alice w7 ok tls"),
			"account-from-many-networks: 16 networks within 1h user=alice server=192.0.2.10:110 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]\n"},

		{"too soon", "0s" + soon + "w7 ok tls\n60s" + soon + "w7 ok tls\n100s" + soon + "w7 ok tls\n81s" + soon + "w7 ok tls\n170s" + soon + "w7 wrong tls\n159s" + soon + "w7 ok tls",
			"polling-too-fast: 3 logins too soon, the shortest time was 19s user=alice server=192.0.2.11:110 [3 4 6]\n"},

		{"guessing", lines(1, 10, "%dm"+alice+"g%d wrong"), "password-guessing: 10 failures for 1 user within 9m client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"guessing, but one less", lines(1, 9, "%dm"+alice+"g%d wrong"), ""},
		{"guessing, but slower", "0s" + alice + "g0 wrong\n" + lines(601, 609, "%ds"+alice+"g%d wrong"), ""},
		{"guessing in the last moment", "0s" + alice + "g0 wrong\n" + lines(592, 600, "%ds"+alice+"g%d wrong"), "password-guessing: 10 failures for 1 user within 10m client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"guessing after a failure that was long before", "0s" + alice + "g0 wrong\n" + lines(595, 609, "%ds"+alice+"g%d wrong"),
			"password-guessing: 16 failures for 1 user within 10m9s client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]\n"},
		{"a refused password again and again", lines(1, 10, "%dh"+alice+"w7 wrong"), "stale-password: 10 failures with one password within 9h client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"a refused password not so often", lines(1, 9, "%dh"+alice+"w7 wrong"), ""},
		{"guessing in a session that ended last", lines(1, 12, "%dh"+alice+"h%d wrong") + lines(1, 10, "%ds"+alice+"s%d wrong"),
			"password-guessing: 22 failures for 1 user within 11h59m59s client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]\n"},
		{"guessing between what came before", "0s" + alice + "g0 wrong\n" + lines(592, 599, "%ds"+alice+"g%d wrong") + "1400s" + alice + "x wrong\n600s" + alice + "y wrong\n",
			"password-guessing: 11 failures for 1 user within 23m20s client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10 11]\n"},
		{"refused passwords that are not known", lines(1, 10, "%ds"+alice+"- wrong"), "password-guessing: 10 failures for 1 user within 9s client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"one that is not known among others", lines(1, 9, "%ds"+alice+"w7 wrong") + "9s" + alice + "- wrong", "password-guessing: 10 failures for 1 user within 8s client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"faults of the server", lines(1, 20, "%ds"+alice+"g%d broken"), ""},

		{"users tried", lines(1, 10, "%dh 198.51.100.1 "+one+" u%d g%d wrong"), "password-spray: 10 users tried in vain within 9h client=198.51.100.1 [1 2 3 4 5 6 7 8 9 10]\n"},
		{"users tried, but one less", lines(1, 9, "%dh 198.51.100.1 "+one+" u%d g%d wrong") + "9h 198.51.100.1 " + one + " U9@example.org g%d wrong", ""},

		{"one password for many", lines(1, 5, "%dh 198.51.100.%d "+one+" u%d w7 wrong"), "secret-tried-on-many: 5 users tried with one password server=192.0.2.10:110 [1 2 3 4 5]\n"},
		{"one password for fewer", lines(1, 4, "%dh 198.51.100.%d "+one+" u%d w7 wrong") + "5h 198.51.100.5 " + one + " U4@example.org w7 wrong", ""},
		{"one password has got in", "0s" + alice + "w7 wrong\n1s 198.51.100.2 " + one + " carol w7 busy\n2s 198.51.100.3 " + other + " bob w7 ok\n3s" + alice + "w7 ok\n4s" + alice + "w7 wrong\n5s 198.51.100.2 " + one + " carol w7 ok",
			"password-reused: also the password of bob, carol user=alice server=192.0.2.10:110 [2 3 4]\n" +
				"password-reused: also the password of alice, bob user=carol server=192.0.2.10:110 [2 3 4]\n" +
				"password-reused: also the password of alice, carol user=bob server=192.0.2.11:110 [2 3 4]\n"},
		{"one password of which nothing is known", lines(1, 5, "%ds 198.51.100.%d "+one+" u%d w7 broken") + lines(1, 5, "%ds 198.51.100.%d "+one+" u%d w7 silence"), ""},
		{"passwords that are not known, for many", lines(1, 5, "%ds 198.51.100.%d "+one+" u%d - wrong") + lines(1, 5, "%ds 198.51.100.%d "+one+" v%d - ok"), ""},
		{"no password, for many", lines(1, 5, "%ds 198.51.100.%d "+one+" u%d . wrong") + lines(1, 5, "%ds 198.51.100.%d "+one+" v%d . ok"), ""},
		{"one password of one user at two servers", "0s" + alice + "w7 ok\n1s 198.51.100.2 " + other + " ALICE@example.org w7 ok", ""},
		{"one token for several", "0s" + alice + "w7 ok token\n1s 198.51.100.2 " + one + " bob w7 ok token", ""},

		{"names betrayed", "0s" + alice + "w7 nobody tls\n1s 198.51.100.2 " + one + " bob w7 wrong tls\n2s 198.51.100.2 " + one + " carol w8 wrong tls\n2s 198.51.100.2 " + one + " dave w8 nobody tls",
			"user-names-betrayed: one reply for names that do not exist, another one for wrong passwords server=192.0.2.10:110 [1 2]\n"},
		{"APOP without challenges", "0s" + alice + "- ok APOP\n1s" + alice + "- ok APOP", ""},
		{"two answers for one name", "0s" + alice + "w7 nobody tls\n1s" + alice + "w8 wrong tls\n2s" + alice + "w7 nobody tls", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := across(audited(t, Policy{}, tt.logins), "success-after-failures", "password-guessing", "stale-password", "password-spray", "secret-tried-on-many",
				"account-from-many-networks", "polling-too-fast", "password-reused", "user-names-betrayed", "apop-challenge-repeats")
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if found := audited(t, off, tt.logins).Finish(Capture{}); len(found) > 0 {
				t.Errorf("found although all rules are off: %v", found)
			}
		})
	}
}

// TestWhatAPolicyIgnoresIsNotAudited: it is neither found nor listed, and
// what is beside it is.
// TestTimesFurtherApartThanTheyTell: the difference between the first time that
// there can be and the last one has no room in an int64.
func TestTimesFurtherApartThanTheyTell(t *testing.T) {
	c := &client{}
	for _, at := range []int64{math.MinInt64, math.MaxInt64, math.MinInt64 + 5, math.MaxInt64 - 4} {
		if c.failedAt(at, 4, 2); c.burst {
			t.Errorf("at %d: %v", at, c.near)
		}
	}
	if c.failedAt(math.MaxInt64, 4, 2); !c.burst {
		t.Errorf("not within 4: %v", c.near)
	}
}

func TestWhatAPolicyIgnoresIsNotAudited(t *testing.T) {
	p := Policy{Ignore: Ignore{
		Accounts: []string{"monitor"}, Clients: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, Servers: []netip.Prefix{netip.MustParsePrefix("192.0.2.11/32")},
	}}
	a := audited(t, p, lines(1, 10, "%ds 198.51.100.1 "+one+" monitor g%d wrong")+lines(1, 10, "%ds 203.0.113.1 "+one+" alice g%d wrong")+
		lines(1, 10, "%ds 198.51.100.2 "+other+" alice g%d wrong")+lines(1, 10, "%ds 198.51.100.3 "+one+" bob g%d wrong"))
	want := "password-guessing: 10 failures for 1 user within 9s client=198.51.100.3 [31 32 33 34 35 36 37 38 39 40]\n"
	if got := across(a, "password-guessing"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if accounts, _ := a.Accounts(); len(accounts) != 1 || string(accounts[0].User) != "bob" {
		t.Errorf("accounts: %+v, want that of bob alone", accounts)
	}
}

// TestThresholdsOfAPolicy are those that nobody reaches by the usual ones.
func TestThresholdsOfAPolicy(t *testing.T) {
	for _, tt := range []struct{ rule, setting, logins, want string }{
		{"password-reused", "accounts: 3", "0s 198.51.100.1 " + one + " alice w7 ok\n1s 198.51.100.1 " + one + " bob w7 ok", ""},
		{"success-after-failures", "failures: 1", "1s 198.51.100.1 " + one + " alice g wrong\n2s 198.51.100.1 " + one + " alice w7 ok",
			"success-after-failures: accepted after 1 failure of 198.51.100.1 user=alice server=192.0.2.10:110 client=198.51.100.1 [1 2]\n"},
		{"password-guessing", "failures: 1", "1s 198.51.100.1 " + one + " alice - wrong", "password-guessing: 1 failure for 1 user client=198.51.100.1 [1]\n"},
	} {
		p, err := ParsePolicy([]byte("rules:\n  " + tt.rule + ": {" + tt.setting + "}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := across(audited(t, p, tt.logins), tt.rule); got != tt.want {
			t.Errorf("%s, %s: got\n%swant\n%s", tt.rule, tt.setting, got, tt.want)
		}
	}
}

// TestManyAreMoreThan: where not all names could be remembered, a finding says
// that there were more.
func TestManyAreMoreThan(t *testing.T) {
	a := audited(t, Policy{}, lines(1, maxOfOne+1, "1s 198.51.100.1 "+one+" u%d w7 wrong"))
	got := make(map[string]string)
	for _, f := range a.Finish(Capture{}) {
		got[f.Rule] = f.Detail
	}
	for rule, want := range map[string]string{
		"password-spray": "more than 16384 users tried in vain within 0s", "secret-tried-on-many": "more than 1025 users tried with one password",
	} {
		if got[rule] != want {
			t.Errorf("%s: got %q, want %q", rule, got[rule], want)
		}
	}
}

// TestFindingsBeyondTheLimitAreCounted: and nothing is said of what they were
// about.
func TestFindingsBeyondTheLimitAreCounted(t *testing.T) {
	a := audited(t, Policy{}, lines(1, 10, "1s 198.51.100.1 "+one+" alice - wrong\n1s 198.51.100.2 "+one+" alice - wrong\n1s 198.51.100.3 "+one+" alice - wrong"))
	a.most = 2
	got := across(a, "password-guessing", "audit-limit")
	want := "password-guessing: 10 failures for 1 user within 0s client=198.51.100.1 [1 4 7 10 13 16 19 22 25 28]\n" +
		"password-guessing: 10 failures for 1 user within 0s client=198.51.100.2 [2 5 8 11 14 17 20 23 26 29]\n" +
		"audit-limit: 1 further finding about several sessions not kept []\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestWhatServersListIsCompared: by the packets of the first list of each
// kind, whatever their order, the letters, STLS and the software's name.
func TestWhatServersListIsCompared(t *testing.T) {
	for _, tt := range []struct {
		clients byte // how many there are
		lists   string
		want    string
	}{
		{255, "USER,UIDL,STLS|uidl,USER,IMPLEMENTATION x-1|STLS,UIDL,USER,IMPLEMENTATION x-2|USER|USER|user,TOP|A|B|C|D|E|F", "stls-stripped: offered to 198.51.100.0, hidden from 198.51.100.1 server=192.0.2.10:110 [5 15]\n" +
			"capa-differs: 8 different lists server=192.0.2.10:110 [5 35 55 65 75 85 95 105]\n"},
		{1, "USER|USER,STLS|USER|STLS,USER", "stls-stripped: offered to 198.51.100.0 in one session, hidden in another server=192.0.2.10:110 [5 15]\n"},
		{255, "USER|uSER", ""},
	} {
		a := NewAuditor(&Policy{}, Limits{})
		for i, rows := range strings.Split(tt.lists, "|") {
			capa := &pop3parse.Capa{At: stream.Stamp{Packet: int64(10*i + 5)}}
			for _, row := range strings.Split(rows, ",") {
				capa.Rows = append(capa.Rows, []byte(row))
			}
			a.Session(&Facts{ID: fmt.Sprint(capa.At.Packet), Last: true, Session: &pop3parse.Session{ClearCapa: capa}, Conn: &stream.Conn{
				Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i) % tt.clients}), 1), Server: netip.MustParseAddrPort(one), First: stream.Stamp{Packet: capa.At.Packet - 4},
			}})
		}
		if got := across(a, "stls-stripped", "capa-differs"); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.lists, got, tt.want)
		}
	}
}
